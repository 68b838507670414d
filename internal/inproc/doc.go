// Package inproc holds the log, the bus, presence and the limits of a single
// process: the embedded mode, and the twin that tests of everything else use.
// They keep the same contracts as Kafka and Redis (see chattest), and hide that
// nothing leaves the process.
package inproc
