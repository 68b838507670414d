// Package program is a running Parley seen from outside: it starts the real binary,
// waits until it serves, stops or kills it, reads what it costs from the kernel, and
// talks REST to it. The stories, the kill -9 proof and the benchmarks stand on it.
//
// It hides processes, ports and HTTP; it knows nothing of how Parley is built.
package program
