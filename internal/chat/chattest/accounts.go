package chattest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// NewAccount makes the nth account.
func NewAccount(n int) *chat.Account {
	return &chat.Account{
		User: chat.User{
			ID: User(n), Username: fmt.Sprintf("User%d", n), DisplayName: fmt.Sprintf("Person %d", n), Bio: "bio", CreatedAt: Epoch + chat.Time(n),
		},
		Folded: fmt.Sprintf("user%d", n), Email: fmt.Sprintf("user%d@example.org", n),
		PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", Settings: []byte(`{"theme":"dark"}`),
	}
}

// account makes the nth account in a store.
func account(t *testing.T, s chat.Accounts, n int) *chat.Account {
	t.Helper()
	a := NewAccount(n)
	if err := s.CreateAccount(t.Context(), a); err != nil {
		t.Fatalf("create account: %v", err)
	}
	return a
}

// Accounts is the conformance suite of chat.Accounts. Open gives an empty
// store, which ends with the test.
func Accounts(t *testing.T, open func(t *testing.T) chat.Accounts) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s chat.Accounts){
		"an account comes back as it was":         accountsRoundTrip,
		"names are unique, e-mail is not":         accountsUnique,
		"an account is changed in one step":       accountsUpdate,
		"changes at once do not lose one another": accountsConcurrent,
		"public profiles":                         accountsUsers,
		"search":                                  accountsSearch,
		"search takes its text literally":         accountsSearchLiteral,
		"all accounts, page by page":              accountsList,
		"last seen never moves back":              accountsSeen,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// wantAccount compares two accounts.
func wantAccount(t *testing.T, got, want *chat.Account) {
	t.Helper()
	if got.User != want.User || got.Folded != want.Folded || got.Email != want.Email || got.PasswordHash != want.PasswordHash ||
		!bytes.Equal(got.Settings, want.Settings) || got.LastSeenAt != want.LastSeenAt {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func accountsRoundTrip(t *testing.T, s chat.Accounts) {
	plain := account(t, s, 0)
	full := NewAccount(1)
	full.AvatarID, full.Disabled, full.LastSeenAt, full.Bio = FileID(3), true, Epoch+5, "žluťoučký\n'\"👩‍👩‍👧‍👦"
	if err := s.CreateAccount(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	for _, want := range []*chat.Account{plain, full} {
		got, err := s.Account(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		wantAccount(t, got, want)
		if got, err = s.AccountByUsername(t.Context(), want.Folded); err != nil {
			t.Fatal(err)
		}
		wantAccount(t, got, want)
	}
	if _, err := s.Account(t.Context(), User(9)); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if _, err := s.AccountByUsername(t.Context(), "User0"); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("by a name that is not folded: got %v, want ErrNotFound", err)
	}
}

func accountsUnique(t *testing.T, s chat.Accounts) {
	account(t, s, 0)
	sameName, sameID, sameEmail := NewAccount(1), NewAccount(2), NewAccount(3)
	sameName.Folded, sameID.ID, sameEmail.Email = "user0", User(0), "user0@example.org"
	for _, a := range []*chat.Account{sameName, sameID} {
		if err := s.CreateAccount(t.Context(), a); !errors.Is(err, chat.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	}
	if err := s.CreateAccount(t.Context(), sameEmail); err != nil {
		t.Errorf("an e-mail address twice: got %v, want nil", err)
	}
	_, err := s.UpdateAccount(t.Context(), sameEmail.ID, func(a *chat.Account) error { a.Folded = "user0"; return nil })
	if !errors.Is(err, chat.ErrConflict) {
		t.Errorf("a rename to a name that is taken: got %v, want ErrConflict", err)
	}
	// Of many who sign up with one name at once, one gets it.
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			a := NewAccount(10 + i)
			a.Folded = "wanted"
			errs[i] = s.CreateAccount(t.Context(), a)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, chat.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	}
	if won != 1 {
		t.Errorf("%d got the name, want 1", won)
	}
}

func accountsUpdate(t *testing.T, s chat.Accounts) {
	want := account(t, s, 0)
	change := func(a *chat.Account) error {
		a.Username, a.Folded, a.DisplayName, a.Bio, a.Email = "New", "new", "New Name", "", ""
		a.AvatarID, a.Disabled, a.PasswordHash, a.Settings = FileID(1), true, "other", []byte(`{}`)
		return nil
	}
	got, err := s.UpdateAccount(t.Context(), want.ID, change)
	if err != nil {
		t.Fatal(err)
	}
	if err := change(want); err != nil {
		t.Fatal(err)
	}
	wantAccount(t, got, want)
	if got, err = s.Account(t.Context(), want.ID); err != nil {
		t.Fatal(err)
	}
	wantAccount(t, got, want)
	stop := errors.New("stop")
	_, err = s.UpdateAccount(t.Context(), want.ID, func(a *chat.Account) error { a.Bio = "not kept"; return stop })
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of the change", err)
	}
	if got, err = s.Account(t.Context(), want.ID); err != nil {
		t.Fatal(err)
	}
	wantAccount(t, got, want)
	if _, err := s.UpdateAccount(t.Context(), User(9), change); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("of nobody: got %v, want ErrNotFound", err)
	}
}

func accountsConcurrent(t *testing.T, s chat.Accounts) {
	a := account(t, s, 0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := s.UpdateAccount(t.Context(), a.ID, func(a *chat.Account) error { a.Bio += "x"; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := s.Account(t.Context(), a.ID); err != nil || len(got.Bio) != len(a.Bio)+8 {
		t.Errorf("got bio %q, %v, want 8 x after %q", got.Bio, err, a.Bio)
	}
}

func accountsUsers(t *testing.T, s chat.Accounts) {
	a, b := account(t, s, 0), account(t, s, 1)
	got, err := s.Users(t.Context(), []chat.UserID{b.ID, User(7), a.ID, b.ID})
	if err != nil || len(got) != 2 || !slices.Contains(got, a.User) || !slices.Contains(got, b.User) {
		t.Errorf("got %+v, %v, want both once", got, err)
	}
	if got, err := s.Users(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("of none: got %+v, %v", got, err)
	}
	many := make([]chat.UserID, 0, 150)
	for i := range 150 {
		many = append(many, User(i))
		if i > 1 {
			account(t, s, i)
		}
	}
	if got, err := s.Users(t.Context(), append(many, many...)); err != nil || len(got) != 150 {
		t.Errorf("of many: got %d, %v, want 150", len(got), err)
	}
}

// search reads the result of a search page by page.
func search(t *testing.T, s chat.Accounts, text string, limit int) []string {
	t.Helper()
	names := []string{}
	for from := ""; ; {
		page, err := s.SearchUsers(t.Context(), text, from, limit)
		if err != nil {
			t.Fatalf("search %q: %v", text, err)
		}
		for _, u := range page.Items {
			names = append(names, u.Username)
		}
		if from = page.Next; from == "" {
			return names
		}
	}
}

func accountsSearch(t *testing.T, s chat.Accounts) {
	for i, name := range [][2]string{{"anna", "Anna Lee"}, {"hanna", "Hanna"}, {"zed", "Ann Zed"}, {"bob", "Bob"}, {"Annabel", "Bel"}, {"off", "Anna Off"}, {"zofie", "Žofie Černá"}} {
		a := NewAccount(i)
		a.Username, a.Folded, a.DisplayName = name[0], name[0], name[1]
		a.Disabled = name[0] == "off"
		if err := s.CreateAccount(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string][]string{
		"ann":    {"Annabel", "anna", "zed", "hanna"},
		"ANN":    {"Annabel", "anna", "zed", "hanna"},
		"bel":    {"Annabel"},
		"žofie":  {"zofie"},
		"ČERNÁ":  {"zofie"},
		"nobody": {},
	} {
		for _, limit := range []int{1, 2, 10} {
			if got := search(t, s, text, limit); !slices.Equal(got, want) {
				t.Errorf("%q by %d: got %v, want %v", text, limit, got, want)
			}
		}
	}
}

func accountsSearchLiteral(t *testing.T, s chat.Accounts) {
	a := NewAccount(0)
	a.DisplayName = `100%_\'"`
	if err := s.CreateAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	account(t, s, 1)
	for text, want := range map[string]int{"%": 1, "_": 1, `\`: 1, "'": 1, `"`: 1, "100%": 1, "%%": 0, "(a+)+$": 0, "\xff\xfe": 2, "": 2, "\x00": 0} {
		if got := search(t, s, text, 10); len(got) != want {
			t.Errorf("%q: got %v, want %d", text, got, want)
		}
	}
}

func accountsList(t *testing.T, s chat.Accounts) {
	for _, i := range []int{3, 1, 2} {
		account(t, s, i)
	}
	var names []string
	for from := ""; ; {
		page, err := s.ListAccounts(t.Context(), from, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Items {
			names = append(names, page.Items[i].Folded)
		}
		if from = page.Next; from == "" {
			break
		}
	}
	if want := []string{"user1", "user2", "user3"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func accountsSeen(t *testing.T, s chat.Accounts) {
	a, b := account(t, s, 0), account(t, s, 1)
	for _, at := range []chat.Time{Epoch + 10, Epoch + 5, Epoch + 20} {
		if err := s.TouchSeen(t.Context(), map[chat.UserID]chat.Time{a.ID: at, User(9): at}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.TouchSeen(t.Context(), map[chat.UserID]chat.Time{a.ID: Epoch + 15, b.ID: Epoch}); err != nil {
		t.Fatal(err)
	}
	if err := s.TouchSeen(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[chat.UserID]chat.Time{a.ID: Epoch + 20, b.ID: Epoch} {
		if got, err := s.Account(t.Context(), id); err != nil || got.LastSeenAt != want {
			t.Errorf("got %s, %v, want %s", got.LastSeenAt, err, want)
		}
	}
	off := NewAccount(2)
	off.Disabled = true
	if err := s.CreateAccount(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	account(t, s, 3)
	seen, err := s.LastSeen(t.Context(), []chat.UserID{a.ID, b.ID, off.ID, User(3), User(9), a.ID})
	want := map[chat.UserID]chat.Time{a.ID: Epoch + 20, b.ID: Epoch, User(3): 0}
	if err != nil || !maps.Equal(seen, want) {
		t.Errorf("got %v, %v, want %v", seen, err, want)
	}
}
