// Package call keeps calls true: who is called, who takes part, and how each call
// ends, the same on every device and every node.
//
// The state of a conversation's call is one document on a chat.CallBoard. Next is
// the pure function that changes it; a Coordinator, one on each node, applies it by
// compare-and-set, renews the leases of participants whose sockets are on its node,
// ends what rang or was silent for too long, and sees to it that every call that
// ended is noted in the log once. Any node can do any of it, so that none is needed.
//
// The package hides the document, the races between nodes, what is done when the
// board forgets everything or cannot be reached, and when somebody is gone. It
// carries neither sound nor pictures: devices talk to each other.
package call
