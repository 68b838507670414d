package gateway_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/wire"
)

// role is who makes a request, as seen from a group.
type role string

const (
	owner    role = "owner"
	admin    role = "admin"
	member   role = "member"
	former   role = "former member"
	stranger role = "stranger"
	nowhere  role = "nobody's conversation" // the conversation does not exist
)

// verdicts says what each role is answered; "" means that the request is accepted.
type verdicts map[role]chat.Code

// everyone makes verdicts of one answer for members and one for all others.
func everyone(members, others chat.Code) verdicts {
	return verdicts{owner: members, admin: members, member: members, former: others, stranger: others, nowhere: others}
}

// permissionMatrix has a row for every event that a client may send; some events
// have several, for their own and for other people's messages.
func permissionMatrix() map[string][]matrixRow {
	message := func(event string, change func(s *matrixScene) any, v verdicts) matrixRow {
		return matrixRow{name: event, payload: change, want: v}
	}
	hidden := everyone("", chat.CodeNotFound)
	return map[string][]matrixRow{
		wire.EventMessageSend: {message("send", func(s *matrixScene) any {
			return wire.MessageSend{ConversationID: s.room, ClientID: s.unique(), Text: "hello"}
		}, hidden)},
		wire.EventMessageEdit: {
			message("own", func(s *matrixScene) any {
				return wire.MessageEdit{ConversationID: s.room, Seq: s.own, Text: s.unique()}
			}, hidden),
			message("another's", func(s *matrixScene) any {
				return wire.MessageEdit{ConversationID: s.room, Seq: s.other, Text: s.unique()}
			}, everyone(chat.CodeForbidden, chat.CodeNotFound)),
		},
		wire.EventMessageDelete: {
			message("another's", func(s *matrixScene) any {
				return wire.MessageDelete{ConversationID: s.room, Seq: s.other}
			}, verdicts{owner: "", admin: "", member: chat.CodeForbidden, former: chat.CodeNotFound, stranger: chat.CodeNotFound, nowhere: chat.CodeNotFound}),
			message("own", func(s *matrixScene) any {
				return wire.MessageDelete{ConversationID: s.room, Seq: s.own}
			}, hidden),
		},
		wire.EventReactionSet: {message("react", func(s *matrixScene) any {
			return wire.ReactionSet{ConversationID: s.room, Seq: s.open, Emoji: "👍", On: true}
		}, hidden)},
		wire.EventConversationDelivered: {message("delivered", func(s *matrixScene) any {
			return wire.ReceiptSet{ConversationID: s.room, Seq: 2}
		}, hidden)},
		wire.EventConversationRead: {message("read", func(s *matrixScene) any {
			return wire.ReceiptSet{ConversationID: s.room, Seq: 2}
		}, hidden)},
		wire.EventTypingSet: {message("typing", func(s *matrixScene) any {
			return wire.TypingSet{ConversationID: s.room, On: true}
		}, hidden)},
		wire.EventEntriesAfter: {message("entries", func(s *matrixScene) any {
			return wire.EntriesAfter{ConversationID: s.room}
		}, hidden)},
		// It names no conversation: what it shows of whom is tested by itself.
		wire.EventPresenceWatch: {message("watch", func(*matrixScene) any {
			return wire.PresenceWatch{UserIDs: []chat.UserID{}}
		}, everyone("", ""))},
		// The members call in this order; each role meets a conversation without a call.
		wire.EventCallStart: {message("start", func(s *matrixScene) any {
			return wire.CallStart{ConversationID: s.room, CallID: s.call, DeviceID: s.device}
		}, hidden)},
		wire.EventCallAnswer: {
			message("answer", func(s *matrixScene) any {
				return wire.CallAnswer{ConversationID: s.room, CallID: s.call, DeviceID: s.device, Accept: true}
			}, hidden),
			message("another call", func(s *matrixScene) any {
				return wire.CallAnswer{ConversationID: s.room, CallID: chat.CallID{9}, DeviceID: s.device}
			}, everyone(chat.CodeNotFound, chat.CodeNotFound)),
		},
		wire.EventCallSignal: {message("signal", func(s *matrixScene) any { // nobody else is in the call
			return wire.CallSignal{
				ConversationID: s.room, CallID: s.call, DeviceID: s.device, To: chat.DeviceID{2}, Signal: json.RawMessage(`{"type":"state"}`),
			}
		}, everyone(chat.CodeNotFound, chat.CodeNotFound))},
		wire.EventCallUpdate: {message("update", func(s *matrixScene) any {
			return wire.CallUpdate{ConversationID: s.room, CallID: s.call, DeviceID: s.device, Video: true}
		}, hidden)},
		wire.EventCallEnd: {message("end", func(s *matrixScene) any {
			return wire.CallEnd{ConversationID: s.room, CallID: s.call, DeviceID: s.device}
		}, hidden)},
		// It names no conversation either.
		wire.EventCallList: {message("calls", func(*matrixScene) any { return wire.Empty{} }, everyone("", ""))},
		// It is about oneself.
		wire.EventAttention: {message("attention", func(*matrixScene) any {
			return wire.Attention{On: true}
		}, everyone("", ""))},
	}
}

type matrixRow struct {
	name    string
	payload func(s *matrixScene) any
	want    verdicts
}

// matrixScene is a group as one person meets it.
type matrixScene struct {
	room             chat.ConversationID
	own, other, open chat.Seq
	call             chat.CallID
	device           chat.DeviceID
	count            int
}

func (s *matrixScene) unique() string {
	s.count++
	return fmt.Sprint("text ", s.count)
}

func TestPermissionMatrix(t *testing.T) {
	matrix := permissionMatrix()
	for _, e := range wire.ClientEvents() {
		if len(matrix[e.Name]) == 0 {
			t.Errorf("%s has no row in the permission matrix", e.Name)
		}
	}
	for name := range matrix {
		if !known(name) {
			t.Errorf("the permission matrix has a row for %s, which is no event", name)
		}
	}
	n := newNode(t)
	number := 0
	missing := ""
	for _, r := range []role{owner, admin, member, former, stranger, nowhere} {
		who, boss := n.person(), n.person()
		number++
		d := n.connect(who)
		s := n.scene(number, r, who, boss)
		watcher := n.connect(boss)
		for _, e := range wire.ClientEvents() {
			for _, row := range matrix[e.Name] {
				want, ok := row.want[r]
				if !ok {
					t.Errorf("%s (%s): there is no verdict for %s", e.Name, row.name, r)
					continue
				}
				got := d.call(e.Name, row.payload(s))
				if got.OK != (want == "") || got.Error.Code != want {
					t.Errorf("%s (%s) by %s: got ok=%v %s, want %q", e.Name, row.name, r, got.OK, got.Error.Code, want)
				}
				if want != chat.CodeNotFound {
					continue
				}
				// What one may not see looks exactly like what does not exist.
				if text, err := json.Marshal(got.Error); err != nil || missing != "" && string(text) != missing {
					t.Errorf("%s (%s) by %s: got %s, want %s (%v)", e.Name, row.name, r, text, missing, err)
				} else {
					missing = string(text)
				}
			}
		}
		if r == former || r == stranger {
			head := n.head(s.room)
			watcher.send(s.room, "quiet", "quiet")
			for _, e := range watcher.upTo(s.room, head+1) {
				if e.SenderID == who.id && e.Seq > s.open {
					t.Errorf("%s made entry %d (%s)", r, e.Seq, e.Kind)
				}
			}
			if got := watcher.count(wire.EventTyping) + watcher.count(wire.EventReceipt); got != watcher.ownReceipts(boss) {
				t.Errorf("%s: the members got %d typing and receipts", r, got)
			}
		}
	}
}

func known(name string) bool {
	for _, e := range wire.ClientEvents() {
		if e.Name == name {
			return true
		}
	}
	return false
}

func (n *node) head(room chat.ConversationID) chat.Seq {
	n.t.Helper()
	heads, err := n.store.Heads(n.t.Context(), []chat.ConversationID{room})
	if err != nil {
		n.t.Fatal(err)
	}
	return heads[room]
}

// ownReceipts counts the receipts that are the person's own.
func (d *device) ownReceipts(p *person) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	own := 0
	for _, e := range d.events {
		var r chat.Receipt
		if e.name == wire.EventReceipt && json.Unmarshal(e.data, &r) == nil && r.UserID == p.id {
			own++
		}
	}
	return own
}

// scene makes a group in which who has the role and has written a message, and
// boss, an owner, has written two.
func (n *node) scene(number int, r role, who, boss *person) *matrixScene {
	n.t.Helper()
	room := chattest.Room(number)
	s := &matrixScene{room: room, own: 3, other: 4, open: 5, call: chat.CallID{15: byte(number)}, device: chat.DeviceID{15: byte(number)}}
	if r == nowhere {
		return s
	}
	n.do(chattest.Create(chat.Group, room, boss.id))
	if r == stranger {
		for i := range 4 {
			n.do(chattest.Send(room, boss.id, fmt.Sprint(i), "x"))
		}
		return s
	}
	n.do(chattest.Add(room, boss.id, who.id))
	n.do(chattest.Send(room, who.id, "own", "own"))
	n.do(chattest.Send(room, boss.id, "other", "other"))
	n.do(chattest.Send(room, boss.id, "open", "open"))
	switch r {
	case former:
		n.do(chattest.Remove(room, boss.id, who.id))
	case owner, admin:
		n.do(chattest.SetRole(room, boss.id, who.id, chat.Role(r)))
	case member, stranger, nowhere:
	}
	return s
}
