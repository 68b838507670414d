package chat_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// play applies drawn commands to all random rooms and gives a stage of each.
func play(t *rapid.T, tb testing.TB, n int) map[chat.ConversationID]*stage {
	stages := make(map[chat.ConversationID]*stage)
	cmds := append(chattest.Beginnings(), rapid.SliceOfN(chattest.RandomCommand(), 0, n).Draw(t, "commands")...)
	for _, cmd := range cmds {
		s := stages[cmd.ConversationID]
		if s == nil {
			s = newStage(tb, cmd.ConversationID)
			stages[cmd.ConversationID] = s
		}
		if ch, _, err := s.apply(cmd); ch != nil && err != nil {
			t.Fatalf("%s: a change and the refusal %v", cmd.Kind, err)
		}
	}
	return stages
}

// The same commands give the same entries, byte for byte, whoever applies them.
func TestApplyIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cmds := append(chattest.Beginnings(), rapid.SliceOfN(chattest.RandomCommand(), 0, 60).Draw(t, "commands")...)
		var runs [2][]byte
		for i := range runs {
			stages := make(map[chat.ConversationID]*stage)
			for n, cmd := range cmds {
				s := stages[cmd.ConversationID]
				if s == nil {
					s = newStage(nil, cmd.ConversationID)
					stages[cmd.ConversationID] = s
				}
				s.now = chattest.Epoch + chat.Time(n)
				ch, first, err := s.apply(cmd)
				if ch != nil {
					runs[i] = ch.Entry.AppendJSON(runs[i])
				}
				if first != nil {
					runs[i] = first.AppendJSON(runs[i])
				}
				runs[i] = fmt.Appendf(runs[i], "%v\n", err)
			}
		}
		if !bytes.Equal(runs[0], runs[1]) {
			t.Fatalf("got %s\nand %s", runs[0], runs[1])
		}
	})
}

// What Apply is given beyond the facts that a command needs changes nothing: a
// store need load no more.
func TestNeedsAreEnough(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		for id, s := range play(rt, t, 50) {
			cmd := chattest.RandomCommand().Draw(rt, "last")
			cmd.ConversationID, cmd.At = id, s.now+1
			needs := cmd.Needs()
			know(s.state, needs)
			least := chat.NewState(id)
			head := *s.state.Head
			least.Head = &head
			for _, u := range needs.Members {
				least.Members[u] = nil
				if m := s.state.Members[u]; m != nil {
					same := *m
					least.Members[u] = &same
				}
			}
			for _, seq := range needs.Messages {
				least.Messages[seq] = copyOf(s.state.Messages[seq])
			}
			for _, key := range needs.Sent {
				least.Sent[key] = s.state.Sent[key]
			}
			ch, first, err := chat.Apply(least, &cmd)
			want, wantFirst, wantErr := chat.Apply(s.state, &cmd)
			if !reflect.DeepEqual(ch, want) || !reflect.DeepEqual(first, wantFirst) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				rt.Fatalf("%+v\ngot  %+v, %+v, %v\nwant %+v, %+v, %v", cmd, ch, first, err, want, wantFirst, wantErr)
			}
		}
	})
}

func copyOf(m *chat.MessageState) *chat.MessageState {
	if m == nil {
		return nil
	}
	out := *m
	out.Edits, out.Reactions = slices.Clone(m.Edits), slices.Clone(m.Reactions)
	for i := range out.Reactions {
		out.Reactions[i].UserIDs = slices.Clone(out.Reactions[i].UserIDs)
	}
	return &out
}

// Numbers are dense, and the head says what a plain reading of the log says.
func TestHeadEqualsTheFold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		for id, s := range play(rt, t, 60) {
			h := s.state.Head
			var messages int64
			for i, e := range s.entries {
				if e.Seq != chat.Seq(i+1) || e.ConversationID != id || s.changes[i].Head.Seq != e.Seq {
					rt.Fatalf("entry %d has seq %d and head %d", i+1, e.Seq, s.changes[i].Head.Seq)
				}
				if e.Kind == chat.KindMessage {
					if messages++; e.Ordinal != messages || h.LastMessage < e.Seq {
						rt.Fatalf("message %d has ordinal %d, want %d", e.Seq, e.Ordinal, messages)
					}
				}
			}
			f := chattest.Fold(s.entries)
			owners := 0
			for u, m := range f.Members {
				got := s.state.Members[u]
				if got == nil || got.Role != m.Role || got.VisibleFrom != m.VisibleFrom || got.JoinedSeq != m.JoinedSeq {
					rt.Fatalf("%s: got %+v, the log says %+v", u, got, m)
				}
				if m.Role == chat.RoleOwner {
					owners++
				}
			}
			if h.Members != len(f.Members) || h.Owners != owners || h.Messages != messages || h.Title != f.Title || int(h.Seq) != len(s.entries) {
				rt.Fatalf("got head %+v, the log has %d members, %d owners, %d messages, title %q", h, len(f.Members), owners, messages, f.Title)
			}
			if h.Kind != chat.Direct && h.Members > 0 && owners == 0 {
				rt.Fatalf("a conversation of %d members without an owner", h.Members)
			}
		}
	})
}

// A message that is sent again, after whatever, gives its first entry and changes nothing.
func TestSendingAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		for _, s := range play(rt, t, 50) {
			for _, e := range slices.Clone(s.entries) {
				if e.Kind != chat.KindMessage || s.state.Members[e.SenderID] == nil {
					continue
				}
				cmd := chattest.Send(e.ConversationID, e.SenderID, e.ClientID, e.Text)
				cmd.ReplyTo, cmd.Attachments = e.ReplyTo, e.Attachments
				before := *s.state.Head
				ch, first, err := s.apply(cmd)
				if ch != nil || err != nil || first == nil || first.Seq != e.Seq || *s.state.Head != before {
					rt.Fatalf("sent %+v again: got %+v, %+v, %v", e, ch, first, err)
				}
				if first.Kind != chat.KindMessage {
					rt.Fatalf("sent %+v again: got %+v", e, first)
				}
				if !first.Redacted && !bytes.Equal(first.AppendJSON(nil), e.AppendJSON(nil)) {
					rt.Fatalf("got %s\nwant %s", first.AppendJSON(nil), e.AppendJSON(nil))
				}
			}
		}
	})
}

// A call is in the log once, whatever else has its id, and moves no number of messages.
func TestLoggingACallAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		for _, s := range play(rt, t, 60) {
			logged := make(map[chat.SentKey]chat.Seq)
			for i, e := range slices.Clone(s.entries) {
				if e.Kind != chat.KindCall {
					continue
				}
				if other := logged[e.SentKey()]; other != 0 {
					rt.Fatalf("%+v is entry %d and %d", e.SentKey(), other, e.Seq)
				}
				logged[e.SentKey()] = e.Seq
				head, before := s.changes[i].Head, s.changes[i-1].Head
				before.Seq, before.ActiveAt = head.Seq, e.At
				if head != before {
					rt.Fatalf("a call moved the head from %+v to %+v", before, head)
				}
				if s.state.Members[e.SenderID] == nil {
					continue
				}
				ch, first, err := s.apply(chattest.Call(e.ConversationID, e.SenderID, e.ClientID))
				if ch != nil || err != nil || first != e {
					rt.Fatalf("logged %+v again: got %+v, %+v, %v", e, ch, first, err)
				}
			}
		}
	})
}

// A command that is refused or changes nothing leaves the state as it was.
func TestRefusedCommandsChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		for id, s := range play(rt, t, 40) {
			cmd := chattest.RandomCommand().Draw(rt, "last")
			cmd.ConversationID = id
			know(s.state, cmd.Needs())
			before := describe(s.state)
			if ch, _, _ := s.apply(cmd); ch == nil {
				if after := describe(s.state); after != before {
					rt.Fatalf("%+v\nbefore %s\nafter  %s", cmd, before, after)
				}
			}
		}
	})
}

// describe writes a state down, with all that hangs on it.
func describe(s *chat.State) string {
	out := fmt.Sprintf("%+v\n", *s.Head)
	for _, u := range chattest.RandomUsers() {
		out += fmt.Sprintf("%+v\n", s.Members[u])
	}
	for seq := range s.Head.Seq + 1 {
		out += fmt.Sprintf("%+v\n", s.Messages[seq])
	}
	return out + fmt.Sprint(len(s.Sent))
}

// Unread counts are differences of ordinals, less what was deleted; a recount
// over the log, message by message, gives the same.
func TestUnreadIsASubtraction(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		for _, s := range play(rt, t, 60) {
			f := chattest.Fold(s.entries)
			reader := chattest.User(9) // sends nothing, so nothing of it is their own
			read := chat.Seq(rapid.IntRange(0, len(s.entries)).Draw(rt, "read"))
			var ordinal, deleted int64
			for _, e := range s.entries {
				if e.Kind == chat.KindMessage && e.Seq <= read {
					ordinal = e.Ordinal
				}
				if e.Kind == chat.KindDelete && e.Target > read {
					deleted++
				}
			}
			if got, want := s.state.Head.Messages-ordinal-deleted, f.Unread(reader, read); got != want {
				rt.Fatalf("got %d unread above %d, a recount gives %d", got, read, want)
			}
		}
	})
}
