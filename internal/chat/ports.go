package chat

import "context"

// Journal is the owner's side of the store: what the sequencer of a partition
// reads and writes. One owner at a time uses it for a partition; different
// partitions may be used concurrently. Errors other than ErrFenced mean that the
// outcome is unknown: the owner gives the partition up and starts again from Position.
type Journal interface {
	// Position gives where a partition stands: the offset of the next record to
	// apply, and the offset at which the last committed batch began (the same,
	// if nothing was committed yet). An unknown partition is at 0, 0.
	Position(ctx context.Context, p PartitionID) (next, prev int64, err error)
	// Load fills states with the facts that wants names for each conversation,
	// and with the head of each; what does not exist is recorded as nil. The two
	// slices have the same length; a state may hold facts already, which stay.
	Load(ctx context.Context, states []*State, wants []Needs) error
	// Commit writes a batch in one transaction and returns when it is durable
	// (survives power loss). It moves the partition's position from b.From to
	// b.Next by compare-and-set, and gives ErrFenced, having written nothing, when
	// the position is not b.From. All or nothing.
	Commit(ctx context.Context, b *Batch) error
}

// PartitionID names a partition of a log. Log is the log's identity, so that
// moving to another log starts new positions.
type PartitionID struct {
	Log       string
	Partition int32
}

// Batch is what one turn of the owner commits. Changes are in order; for each
// conversation the last Head wins. The sender of a message has seen everything
// up to it: Commit moves their read and delivered seqs there, never back.
type Batch struct {
	Partition PartitionID
	From      int64 // offset of the first record
	Next      int64 // offset after the last record
	At        Time  // when the batch was made, for MovedAt; never decides anything
	Changes   []*Change
	// JSON holds the canonical JSON of the entry of each change.
	JSON [][]byte
}

// Log carries records to the owner of their partition.
type Log interface {
	// Append hands a record over. It returns nil when the log has it: for good
	// where the log is durable by itself, else until the process ends; the
	// outcome is known when the owner has committed. Records that one goroutine
	// appends for one conversation keep their order. It does not wait for room:
	// a full log gives ErrOverloaded, one out of reach ErrUnavailable; after
	// any other error the record may or may not be in the log. Safe for concurrent use.
	Append(ctx context.Context, r *Record) error
	// Own calls own for every partition that this node is given, each in a
	// goroutine of its own, with a context that ends when the partition is taken
	// away. When own returns before that, it is called again after a growing pause. When
	// it returns ErrNewerRules and the log knows other nodes, they are left all partitions.
	// Own returns when ctx ends and all calls have returned, or with an error if
	// the log cannot be used at all.
	Own(ctx context.Context, own func(ctx context.Context, p Partition) error) error
}

// Partition is one partition, as its owner reads it. Not safe for concurrent use.
type Partition interface {
	ID() PartitionID
	// Fetch waits until there is a record at offset from or later and gives up
	// to limit records in order, or the context's error. It never skips: a
	// missing record between from and what exists is an error. Records below the
	// start of the previous distinct from may be dropped for good.
	Fetch(ctx context.Context, from int64, limit int) ([]*Record, error)
	// Start says from which offset records can be fetched, given the committed
	// position of the store: the larger of prev and what the log still has.
	Start(ctx context.Context, next, prev int64) (int64, error)
}

// Bus ties nodes together: it carries what has been decided to the nodes that
// serve it. It may lose messages; whoever listens notices by seq, or is told by
// Sink.Resync. Safe for concurrent use.
type Bus interface {
	// Attach connects the node's sink; it is called once, before anything else.
	Attach(node string, sink Sink)
	// Publish hands events over, in order for each topic. It does not wait for receivers.
	Publish(ctx context.Context, events []Event) error
	// Reply brings outcomes to the node that waits for them.
	Reply(ctx context.Context, outcomes []Outcome) error
	// Subscribe and Unsubscribe count: a topic is heard until as many calls of
	// the second as of the first were made. When Subscribe returns, events
	// published later are heard.
	Subscribe(ctx context.Context, topics ...Topic) error
	Unsubscribe(ctx context.Context, topics ...Topic) error
	// Resync calls Sink.Resync on every node: whoever calls it cannot tell
	// whether everything was published, as after taking over a partition.
	Resync(ctx context.Context) error
}

// Sink is a node's ear on the bus. Its methods are called from the bus's
// goroutines, in order for each topic, and must not block.
type Sink interface {
	// Deliver gets the events of subscribed topics. The slice is the sink's only during the call.
	Deliver(events []Event)
	// Outcomes gets the outcomes of records that this node appended.
	Outcomes(outcomes []Outcome)
	// Resync says that events may have been lost: compare heads.
	Resync()
}

// TopicKind says what a topic is about.
type TopicKind uint8

// The kinds of topics.
const (
	TopicConversation TopicKind = iota + 1 // entries, receipts, typing of a conversation
	TopicUser                              // what concerns one person: conversations gained and lost, sessions, profile
	TopicPresence                          // whether one person is online
)

// Topic is what nodes subscribe to: a kind and the id of a conversation or a person.
type Topic struct {
	Kind TopicKind
	ID   [16]byte
}

// EventKind says what an event carries.
type EventKind uint8

// The kinds of events.
const (
	EventEntry        EventKind = iota + 1 // Data: canonical JSON of the entry; Seq is set; Entry where it changes members
	EventReceipt                           // Data: {"conversation_id","user_id","delivered_seq","read_seq"}
	EventTyping                            // Data: {"conversation_id","user_id","on"}; From is set
	EventPresence                          // Data: {"user_id","online","last_seen_at"}
	EventMember                            // on a user's topic: Data: canonical JSON of the entry that added or removed them, or changed their role
	EventProfile                           // on a user's topic: their own profile changed
	EventSession                           // on a user's topic: Data: {"session_id"}, which was revoked; empty id: all
	EventRead                              // on a user's topic: Data as EventReceipt; their own other devices
	EventConversation                      // on a user's topic: Data: {"conversation_id"}: what they see of it changed
	EventBlock                             // on a user's topic: Data: {"user_id","on"}: the other of the two; From blocks, or did
	EventCall                              // on a conversation's topic: Data: {"call"}, as it is now
	EventCallSignal                        // on a user's topic: Data: what the server's call.signal carries, for the device "to"
)

// Event is one message on the bus. It and its data are shared and not to be modified.
type Event struct {
	Topic Topic
	Kind  EventKind
	Seq   Seq    // of an entry
	From  UserID // who caused it, where the receiver leaves them out
	Data  []byte // JSON, as sockets receive it
}
