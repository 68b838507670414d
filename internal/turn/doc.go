// Package turn hides how two devices in a call find a way to each other when there is
// none that is direct: the relay (TURN, RFC 8656) that runs in this process, who may
// use it and to where, and the credentials that go out with the answers of calls.
//
// The protocol is pion/turn's. What is ours stands before and behind it: requests are
// authenticated before it sees them, TCP is cut into frames here, and what a relay
// sends goes to public addresses only.
package turn
