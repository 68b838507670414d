package sqlstore_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// Receipts and changes of accounts that come at once, beside batches: none is
// lost, none goes back, and a batch never has to give way.
func TestAtOnce(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) { testAtOnce(t, open(t)) })
}

func testAtOnce(t *testing.T, s *sqlstore.Store) {
	const rooms, people, rounds = 4, 8, 25
	w := chattest.NewWorld(t, s)
	for i := range rooms {
		w.Do(chattest.Create(chat.Group, chattest.Room(i), chattest.User(0), chattest.Users(people)[1:]...))
	}
	if err := s.CreateAccount(t.Context(), chattest.NewAccount(0)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for round := range rounds {
				var receipts []chat.Receipt
				for i := range rooms * people { // in another order each time
					k := (i*(2*worker+1) + round) % (rooms * people)
					receipts = append(receipts, chat.Receipt{ConversationID: chattest.Room(k % rooms), UserID: chattest.User(k / rooms), ReadSeq: chat.Seq(1 + round/2)})
				}
				if now, err := s.Advance(t.Context(), chattest.Epoch, receipts); err != nil || len(now) != rooms*people {
					t.Errorf("advance: %d, %v", len(now), err)
				}
				if err := s.TouchSeen(t.Context(), map[chat.UserID]chat.Time{chattest.User(0): chattest.Epoch + chat.Time(round)}); err != nil {
					t.Errorf("touch: %v", err)
				}
				_, err := s.UpdateAccount(t.Context(), chattest.User(0), func(a *chat.Account) error { a.Bio += "x"; return nil })
				if err != nil {
					t.Errorf("update account: %v", err)
				}
			}
		})
	}
	for round := range rounds {
		var cmds []chat.Command
		for i := range rooms {
			cmds = append(cmds, chattest.Send(chattest.Room(i), chattest.User(round%people), fmt.Sprint("k", round), "text"),
				chattest.SetRole(chattest.Room(i), chattest.User(0), chattest.User(people-1), []chat.Role{chat.RoleAdmin, chat.RoleMember}[round%2]))
		}
		w.Do(cmds...)
	}
	wg.Wait()
	a, err := s.Account(t.Context(), chattest.User(0))
	if err != nil || len(a.Bio) != len(chattest.NewAccount(0).Bio)+4*rounds {
		t.Errorf("the account has %d of %d changes, %v", len(a.Bio)-len(chattest.NewAccount(0).Bio), 4*rounds, err)
	}
	for i := range rooms {
		receipts, err := s.Receipts(t.Context(), chattest.Room(i), 0, people)
		if err != nil || len(receipts) != people {
			t.Fatalf("got %d, %v", len(receipts), err)
		}
		for _, r := range receipts {
			if r.ReadSeq < 1+(rounds-1)/2 || r.ReadSeq > r.DeliveredSeq {
				t.Errorf("%+v: want at least %d", r, 1+(rounds-1)/2)
			}
		}
	}
}
