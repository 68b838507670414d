//go:build !race

package gateway_test

// manyConnects is how many sockets come and go in one test.
const manyConnects = 10_000
