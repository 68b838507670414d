// Package blob keeps the bytes of files in a folder or an object store
// (gocloud.dev/blob). It hides where they are, how a file's type is found by
// looking at it, how pictures lose their metadata and get a thumbnail, and how
// much memory that may take.
package blob
