// Package history is what the clients of a run saw from outside, and the checker that
// holds it against what is there in the end. It names every broken promise (the
// names are in docs/faults.md). It hides how millions of observations are kept small
// and compared in one pass over each conversation.
//
// It knows nothing of processes, sockets or faults: a history can be written by hand,
// which is how the checker itself is tested.
package history
