package sqlstore_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// open opens an empty store on the disk, which is closed with the test.
func open(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), t.TempDir(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestJournal(t *testing.T) {
	chattest.Journal(t, func(t *testing.T) chattest.LogStore { return open(t) })
}

func TestViews(t *testing.T) {
	chattest.Views(t, func(t *testing.T) chattest.Store { return open(t) })
}

func TestAccounts(t *testing.T) {
	chattest.Accounts(t, func(t *testing.T) chat.Accounts { return open(t) })
}

func TestSessions(t *testing.T) {
	chattest.Sessions(t, func(t *testing.T) chattest.SessionStore { return open(t) })
}

func TestFiles(t *testing.T) {
	chattest.Files(t, func(t *testing.T) chattest.Store { return open(t) })
}
