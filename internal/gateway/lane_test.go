package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio/client"
)

// sendSoon sends a message and gives its answer when it comes.
func (d *device) sendSoon(p wire.MessageSend) <-chan string {
	d.t.Helper()
	answers := make(chan string, 1)
	err := d.client.EmitAck(wire.EventMessageSend, func(m client.Message, err error) {
		if err != nil {
			answers <- err.Error()
			return
		}
		answers <- string(m.Args[0])
	}, p)
	if err != nil {
		d.t.Fatal(err)
	}
	return answers
}

func withFile(room chat.ConversationID, id string) wire.MessageSend {
	return wire.MessageSend{ConversationID: room, ClientID: id, Attachments: []wire.AttachmentRef{{ID: chattest.FileID(1)}}}
}

// come gives an answer that has to come.
func come(t *testing.T, answers <-chan string) string {
	t.Helper()
	select {
	case a := <-answers:
		return a
	case <-time.After(patience):
		t.Fatal("no answer")
		return ""
	}
}

// While the store does not say what files there are, the other conversations of the same
// socket go on; in the same one the order stays.
func TestASendWithFilesHoldsUpItsConversationAlone(t *testing.T) {
	n := newNode(t)
	ann, bob, eve := n.person(), n.person(), n.person()
	room, other := n.direct(ann, bob), n.direct(ann, eve)
	a := n.connect(ann)
	hung := make(chan struct{})
	n.faults.hung.Store(&hung)
	file := a.sendSoon(withFile(room, "1"))
	behind := a.sendSoon(wire.MessageSend{ConversationID: room, ClientID: "2", Text: "behind"})
	a.send(other, "3", "elsewhere")
	a.must(wire.EventReactionSet, wire.ReactionSet{ConversationID: other, Seq: 2, Emoji: "👍", On: true})
	select {
	case got := <-file:
		t.Errorf("got %s while the store hung", got)
	case got := <-behind:
		t.Errorf("got %s before what was sent earlier", got)
	default:
	}
	close(hung)
	if got := come(t, file); !strings.Contains(got, `"invalid"`) {
		t.Errorf("got %s, want that there is no such file", got)
	}
	if got := come(t, behind); !strings.Contains(got, `"ok":true`) {
		t.Errorf("got %s for what came behind", got)
	}
}

// A store that does not answer at all: those who wait for it are told so in time, counted from
// when they asked, and what comes behind them goes on.
func TestSendsWithFilesWaitABoundedTime(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.FileWait = 50 * time.Millisecond })
	ann, bob := n.person(), n.person()
	room := n.direct(ann, bob)
	a := n.connect(ann)
	hung := make(chan struct{}) // for good
	n.faults.hung.Store(&hung)
	files := make([]<-chan string, 5)
	for i := range files {
		files[i] = a.sendSoon(withFile(room, string(rune('a'+i))))
	}
	behind := a.sendSoon(wire.MessageSend{ConversationID: room, ClientID: "z", Text: "behind"})
	for i := range files {
		if got := come(t, files[i]); !strings.Contains(got, `"unavailable"`) {
			t.Errorf("%d: got %s, want it unavailable", i, got)
		}
	}
	if got := come(t, behind); !strings.Contains(got, `"ok":true`) {
		t.Errorf("got %s for what came behind", got)
	}
}

// However many conversations wait, a socket has a bounded number of places.
func TestWhatWaitsBehindFilesIsBounded(t *testing.T) {
	n := newNode(t)
	ann := n.person()
	rooms := []chat.ConversationID{n.direct(ann, ann), n.direct(ann, n.person()), n.direct(ann, n.person())}
	a := n.connect(ann)
	hung := make(chan struct{})
	n.faults.hung.Store(&hung)
	answers := make([]<-chan string, 0, 160)
	for i := range cap(answers) {
		answers = append(answers, a.sendSoon(withFile(rooms[i%len(rooms)], string(rune('A'+i)))))
	}
	for i := 128; i < len(answers); i++ {
		if got := come(t, answers[i]); !strings.Contains(got, `"overloaded"`) {
			t.Errorf("%d: got %s, want it refused", i, got)
		}
	}
	close(hung)
	for i := range 128 {
		if got := come(t, answers[i]); !strings.Contains(got, `"invalid"`) {
			t.Errorf("%d: got %s, want that there is no such file", i, got)
		}
	}
	a.send(rooms[0], "last", "there is room again")
}
