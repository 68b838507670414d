// Package lan is a network of the suite's own, made of Linux network namespaces: each
// node of a cluster is a machine of its own behind a router, and the router can be told
// to drop packets. It hides ip(8), tc(8), the names and the addresses. What is made here
// has names that no other run uses, and is gone when the run ends, however it ends.
package lan
