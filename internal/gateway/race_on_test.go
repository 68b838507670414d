//go:build race

package gateway_test

// manyConnects is smaller under the race detector, which is ten times slower.
const manyConnects = 2_000
