package history

import (
	"fmt"
	"time"
)

// Verb is what an operation asks for.
type Verb string

// The verbs whose effect is an entry.
const (
	Send   Verb = "send"
	Edit   Verb = "edit"
	Delete Verb = "delete"
	React  Verb = "react"
	Add    Verb = "add"
	Remove Verb = "remove"
	Block  Verb = "block" // or, with On false, the end of one
)

// Outcome is what the caller knows of an operation.
type Outcome int

// The outcomes. Unknown is the zero value: no answer came, or one that leaves it open.
const (
	Unknown Outcome = iota
	OK
	Failed
)

// Op is one operation of a client, however often it was tried. Its fields are guarded
// by the history once Begin has taken it.
type Op struct {
	Verb         Verb
	Conversation string
	User         string
	Device       int    // the stream whose order counts
	ClientID     string // of a send
	Body         uint64 // of a send or an edit
	ReplyTo      int64  // of a send: the message that it answers
	File         string // of a send: what it holds
	Target       int64  // of an edit, a deletion or a reaction
	Emoji        string
	On           bool
	Subject      string // whom Add and Remove are about

	Order   int           // place in its stream; 0: none
	Invoked time.Duration // first tried under this order, since the history began
	Settled time.Duration
	Outcome Outcome
	Code    string // of a failure
	Doubt   bool   // some try ended without an answer, so a later failure says nothing
	Denied  string // code of a refusal that came although it had been acknowledged
	Seq     int64  // of the entry it became; 0: none, or not known
}

// String shows an operation in an excerpt.
func (o *Op) String() string {
	s := fmt.Sprintf("%s by %s, device %d, invoked %s", o.Verb, short(o.User), o.Device, at(o.Invoked))
	if o.ClientID != "" {
		s += ", key " + o.ClientID
	}
	if o.Target != 0 {
		s += fmt.Sprintf(", of %d", o.Target)
	}
	if o.ReplyTo != 0 {
		s += fmt.Sprintf(", answers %d", o.ReplyTo)
	}
	if o.File != "" {
		s += ", file " + short(o.File)
	}
	if o.Subject != "" {
		s += ", " + short(o.Subject)
	}
	if o.Verb == Block {
		s += fmt.Sprintf(", %t", o.On)
	}
	switch o.Outcome {
	case OK:
		s += fmt.Sprintf(": ok at %s, seq %d", at(o.Settled), o.Seq)
	case Failed:
		s += fmt.Sprintf(": %s at %s", o.Code, at(o.Settled))
	case Unknown:
		s += ": info"
	}
	return s
}

func at(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }
