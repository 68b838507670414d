package sqlstore_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

// Several nodes index what several partitions have committed: each batch once,
// the parts of a large one one after the other, and an edit never before its message.
func TestPostgresNodesIndexTogether(t *testing.T) {
	const parts, each = 3, 1300
	address := place(t)
	nodes := []*sqlstore.Store{openAddress(t, address, patient), openAddress(t, address, patient)}
	for p := range parts {
		w := chattest.NewWorld(t, nodes[0])
		w.Partition.Partition = int32(p)
		room := chattest.Room(p)
		cmds := []chat.Command{chattest.Create(chat.Group, room, chattest.User(0))}
		for i := range each {
			cmds = append(cmds, chattest.Send(room, chattest.User(0), fmt.Sprintf("k%05d", i), "first thought"))
		}
		w.Do(cmds...)
		w.Do(chattest.Edit(room, chattest.User(0), 2, "second thought"), chattest.Delete(room, chattest.User(0), 3))
		w.Do(chattest.Edit(room, chattest.User(0), 2, "third thought"))
	}
	var wg sync.WaitGroup
	for _, s := range nodes {
		wg.Go(func() {
			for {
				n, err := s.IndexSome(t.Context())
				if err != nil {
					t.Error(err)
				}
				if n == 0 || err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	conn := sqltest.Dial(t, address)
	for table, want := range map[string]int{"unindexed": 0, "message_terms": parts * (each - 1)} {
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil || n != want {
			t.Errorf("%s: got %d rows, %v, want %d", table, n, err, want)
		}
	}
	for word, want := range map[string]int{"third": parts, "second": 0} {
		page, err := nodes[1].Search(t.Context(), chattest.User(0), chat.SearchQuery{Words: []string{word}, Limit: 50})
		if err != nil || len(page.Items) != want {
			t.Errorf("%q: got %d, %v, want %d", word, len(page.Items), err, want)
		}
	}
}
