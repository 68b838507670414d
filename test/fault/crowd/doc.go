// Package crowd is the people of a run: each with several devices that connect, send,
// edit, react, read, come and go the way real clients do, and record what they see in a
// history. They follow the public protocol only: a send is repeated under the same
// client_id until it is settled, holes are filled before anything behind them is shown,
// and a connection that comes back is caught up by the heads that moved.
package crowd
