// Package sabotage is the ways in which a build can be broken on purpose, to test the
// tester: the fault suite has to find each of them by name (`make sabotage`). Every
// constant is false unless the program is built with its tag, so that the compiler
// leaves nothing of it in a real one. It hides which tag means what; a place that is
// to be broken asks its constant in one line.
package sabotage

// What is broken.
const (
	// AckBeforeCommit answers senders before the store has the batch.
	AckBeforeCommit = chosen == ackBeforeCommit
	// DropPushes leaves out one entry in 128 of what is pushed to sockets.
	DropPushes = chosen == dropPushes
	// DedupeInMemory has the store keep no client_id that could be found again.
	DedupeInMemory = chosen == dedupeInMemory
	// NoFence lets every owner commit, whoever owns the partition now.
	NoFence = chosen == noFence
	// SkipGapFetch delivers what follows a gap without fetching what is missing.
	SkipGapFetch = chosen == skipGapFetch
	// ReceiptsWithoutMax lets receipts go back.
	ReceiptsWithoutMax = chosen == receiptsWithoutMax
	// LateRemoval takes a removed member out of the room a while after the removal was told.
	LateRemoval = chosen == lateRemoval
	// OffsetEarly moves a partition's position in the store before the entries are there.
	OffsetEarly = chosen == offsetEarly
	// ReplayOffByOne leaves out the first entry of a catch-up.
	ReplayOffByOne = chosen == replayOffByOne
	// ReorderFrames swaps two entries that are pushed together.
	ReorderFrames = chosen == reorderFrames
	// DeliverToKicked never takes a removed member out of the room.
	DeliverToKicked = chosen == deliverToKicked
	// ReuseSeq begins again at the seq before the last one after a restart, and
	// overwrites what is there.
	ReuseSeq = chosen == reuseSeq
	// StaleStates keeps states of conversations from one claim of a partition to the next.
	StaleStates = chosen == staleStates
	// EditDeleted accepts edits of deleted messages.
	EditDeleted = chosen == editDeleted
	// ReorderSends swaps two messages of one person that are decided together.
	ReorderSends = chosen == reorderSends
)

const (
	nothing = iota
	ackBeforeCommit
	dropPushes
	dedupeInMemory
	noFence
	skipGapFetch
	receiptsWithoutMax
	lateRemoval
	offsetEarly
	replayOffByOne
	reorderFrames
	deliverToKicked
	reuseSeq
	staleStates
	editDeleted
	reorderSends
)
