// Package worker holds what a node does by itself: it writes receipts in
// batches, keeps the leases of who is online, and calls what is due every so
// often. It hides the batching and the timing; each worker is a Run(ctx) that the
// fuse box starts.
package worker
