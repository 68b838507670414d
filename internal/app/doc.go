// Package app is the fuse box: the only place that names every adapter. Open
// puts a node together and reads from top to bottom like a recipe; Run serves until
// it is told to stop and then stops without losing anything; Main is the command line.
package app
