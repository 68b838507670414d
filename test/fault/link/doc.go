// Package link is a network that misbehaves when it is told to: connections that are
// cut, stand still (half-open), crawl at a byte a second, arrive in slices, or pass in
// one direction only. A Switch rules over the connections made through it; a Proxy puts
// a Switch between two programs that know nothing of it.
package link
