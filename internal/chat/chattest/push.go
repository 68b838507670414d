package chattest

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// PushStore is a store of which notifications are pushed.
type PushStore interface {
	PeopleStore
	chat.Pushes
}

// Pushes is the conformance suite of chat.Pushes. Open gives an empty store,
// which ends with the test.
func Pushes(t *testing.T, open func(t *testing.T) PushStore) {
	t.Helper()
	for name, test := range map[string]func(p *pushing){
		"subscriptions":                                pushSubscriptions,
		"an endpoint changes hands":                    pushEndpointMoves,
		"subscriptions are bounded":                    pushManySubscriptions,
		"a subscription ends with its session":         pushSessionEnds,
		"messages become jobs once":                    pushQueue,
		"what was said before is not told":             pushBegins,
		"candidates say what is needed to decide":      pushCandidates,
		"only who is mentioned in large ones":          pushLarge,
		"a job is claimed by one":                      pushClaims,
		"what became of jobs":                          pushFinishes,
		"what waits for one browser is bounded":        pushFull,
		"a test":                                       pushTests,
		"a secret that all nodes share":                pushKey,
		"nodes that queue at once queue nothing twice": pushAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			test(&pushing{T: t, PushStore: s, World: NewWorld(t, s)})
		})
	}
}

type pushing struct {
	*testing.T
	PushStore
	*World
}

// subscribe makes the nth subscription, of a person with that number's session.
func (t *pushing) subscribe(user chat.UserID, n int) *chat.PushSubscription {
	t.Helper()
	if _, err := t.Account(t.Context(), user); errors.Is(err, chat.ErrNotFound) {
		a := NewAccount(int(user[15]))
		if err := t.CreateAccount(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	session := &chat.Session{ID: SessionID(n), UserID: user, CreatedAt: Epoch, SeenAt: Epoch, ExpiresAt: Epoch + 1<<40}
	session.TokenHash[0], session.TokenHash[1] = byte(n), byte(n>>8)
	if err := t.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	sub := &chat.PushSubscription{
		UserID: user, SessionID: session.ID, Endpoint: fmt.Sprint("https://push.example.org/", n), Content: true, UserAgent: "test", CreatedAt: Epoch + chat.Time(n),
	}
	ID(&sub.ID, 'p', n)
	sub.Key[0], sub.Key[64], sub.Auth[0] = 4, byte(n), byte(n)
	t.save(sub, true)
	return sub
}

func (t *pushing) save(sub *chat.PushSubscription, created bool) {
	t.Helper()
	got, err := t.SaveSubscription(t.Context(), sub)
	if err != nil || got != created {
		t.Fatalf("save: got created %v, %v, want %v", got, err, created)
	}
}

func everything(*chat.PushCandidate) bool { return true }

// queue goes through all that is new.
func (t *pushing) queue(wanted func(*chat.PushCandidate) bool) {
	t.Helper()
	for {
		n, err := t.QueuePushes(t.Context(), t.Now, t.Now, 2, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (t *pushing) due(limit int) []chat.PushJob {
	t.Helper()
	jobs, err := t.DuePushes(t.Context(), t.Now+1, t.Now+60_000, limit)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// wantJobs claims what is due and compares user and seq.
func (t *pushing) wantJobs(want ...string) []chat.PushJob {
	t.Helper()
	jobs := t.due(500)
	var got []string
	for i := range jobs {
		got = append(got, fmt.Sprint(jobs[i].Subscription.UserID[15], ":", jobs[i].Seq))
	}
	sort.Strings(got)
	if fmt.Sprint(got) != fmt.Sprint(append([]string(nil), want...)) {
		t.Errorf("got jobs %v, want %v (person and seq)", got, want)
	}
	return jobs
}

func pushSubscriptions(t *pushing) {
	a, b := t.subscribe(User(0), 1), t.subscribe(User(0), 2)
	all, err := t.Subscriptions(t.Context(), User(0))
	if err != nil || len(all) != 2 || all[0] != *b || all[1] != *a {
		t.Errorf("got %+v, %v", all, err)
	}
	again := *a
	again.ID, again.Content, again.UserAgent = b.ID, false, "other"
	again.Key[5] = 9
	t.save(&again, false)
	if again.ID != a.ID {
		t.Errorf("got id %s for the same endpoint, want %s", again.ID, a.ID)
	}
	if all, err = t.Subscriptions(t.Context(), User(0)); err != nil || len(all) != 2 || all[1].Content || all[1].Key != again.Key || all[1].UserAgent != "other" {
		t.Errorf("got %+v, %v after renewing", all, err)
	}
	if got, err := t.SetContent(t.Context(), User(0), a.ID, true); err != nil || !got.Content || got.ID != a.ID {
		t.Errorf("got %+v, %v", got, err)
	}
	for verb, err := range map[string]error{
		"change": second(t.SetContent(t.Context(), User(1), a.ID, true)), "delete": t.DeleteSubscription(t.Context(), User(1), a.ID),
		"test": t.QueueTest(t.Context(), User(1), a.ID, Epoch),
	} {
		if !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("%s another's: got %v, want ErrNotFound", verb, err)
		}
	}
	if err := t.DeleteSubscription(t.Context(), User(0), a.ID); err != nil {
		t.Error(err)
	}
	if all, err = t.Subscriptions(t.Context(), User(0)); err != nil || len(all) != 1 {
		t.Errorf("got %+v, %v after deleting", all, err)
	}
}

func second[T any](_ T, err error) error { return err }

func pushEndpointMoves(t *pushing) {
	a, b := t.subscribe(User(0), 1), t.subscribe(User(1), 2)
	moved := *b
	ID(&moved.ID, 'p', 9)
	moved.Endpoint = a.Endpoint
	t.save(&moved, true)
	if all, err := t.Subscriptions(t.Context(), User(0)); err != nil || len(all) != 0 {
		t.Errorf("got %+v, %v for who had it", all, err)
	}
	if all, err := t.Subscriptions(t.Context(), User(1)); err != nil || len(all) != 2 {
		t.Errorf("got %+v, %v for who has it", all, err)
	}
}

func pushManySubscriptions(t *pushing) {
	for i := range chat.MaxPushSubscriptions {
		t.subscribe(User(0), i+1)
	}
	more := *t.subscribe(User(1), 50)
	more.Endpoint, more.UserID = "https://push.example.org/more", User(0)
	ID(&more.ID, 'p', 60)
	if _, err := t.SaveSubscription(t.Context(), &more); !errors.Is(err, chat.ErrTooLarge) {
		t.Errorf("one more: got %v, want ErrTooLarge", err)
	}
}

func pushSessionEnds(t *pushing) {
	t.subscribe(User(0), 1)
	t.Do(Create(chat.Group, Room(0), User(1), User(0)))
	t.Say(Room(0), User(1), "x")
	t.queue(everything)
	if err := t.DeleteSession(t.Context(), User(0), SessionID(1), t.Now); err != nil {
		t.Fatal(err)
	}
	if all, err := t.Subscriptions(t.Context(), User(0)); err != nil || len(all) != 0 {
		t.Errorf("got %+v, %v", all, err)
	}
	t.wantJobs()
}

func pushQueue(t *pushing) {
	t.subscribe(User(1), 1)
	t.subscribe(User(2), 2)
	t.Do(Create(chat.Group, Room(0), User(0), User(1), User(2)), Create(chat.Group, Room(1), User(0), User(1)))
	t.Say(Room(0), User(0), "2", "3", "4")
	t.Say(Room(1), User(0), "elsewhere")
	t.Do(Delete(Room(0), User(0), 3), React(Room(0), User(0), 2, "👍", true))
	t.queue(everything)
	t.queue(everything)
	jobs := t.wantJobs("1:2", "1:2", "1:4", "2:2", "2:4")
	for i := range jobs {
		if jobs[i].Subscription.Endpoint == "" || jobs[i].Attempts != 1 || jobs[i].QueuedAt != t.Now || jobs[i].ConversationID.IsZero() {
			t.Errorf("got %+v", jobs[i])
		}
	}
	t.Say(Room(0), User(0), "7")
	t.queue(func(c *chat.PushCandidate) bool { return c.UserID == User(2) })
	t.wantJobs("2:7")
}

func pushBegins(t *pushing) {
	t.Do(Create(chat.Group, Room(0), User(0), User(1)))
	t.Say(Room(0), User(0), "2")
	sub := t.subscribe(User(1), 1)
	t.Say(Room(0), User(0), "3")
	t.queue(everything)
	t.wantJobs("1:3")
	if err := t.DeleteSubscription(t.Context(), User(1), sub.ID); err != nil {
		t.Fatal(err)
	}
	t.Say(Room(0), User(0), "4")
	t.queue(everything)
	t.save(sub, true)
	t.queue(everything)
	t.wantJobs()
}

func pushCandidates(t *pushing) {
	t.subscribe(User(1), 1)
	t.Do(Create(chat.Channel, Room(0), User(0)), Add(Room(0), User(0), User(1)))
	if _, err := t.UpdatePreferences(t.Context(), User(1), Room(0), func(p *chat.Preferences) {
		p.MutedUntil, p.Notify = Epoch+5, chat.NotifyMentions
	}); err != nil {
		t.Fatal(err)
	}
	hey := Send(Room(0), User(0), "k", "hey")
	hey.Mentions = []chat.UserID{User(1)}
	entry := t.Do(hey)[0]
	var got []chat.PushCandidate
	t.queue(func(c *chat.PushCandidate) bool { got = append(got, *c); return false })
	want := chat.PushCandidate{
		UserID: User(1), Preferences: chat.Preferences{MutedUntil: Epoch + 5, Notify: chat.NotifyMentions}, ReadSeq: 2, VisibleFrom: 1,
		Kind: chat.Channel, Members: 2, Seq: 3, SenderID: User(0), At: entry.At, Mention: true,
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	t.wantJobs()
}

func pushLarge(t *pushing) {
	t.subscribe(User(1), 1)
	t.subscribe(User(2), 2)
	t.Do(Create(chat.Group, Room(0), User(0), Users(chat.MaxReceiptMembers + 5)[1:]...))
	hey := Send(Room(0), User(0), "k", "hey")
	hey.Mentions = []chat.UserID{User(1)}
	t.Do(hey, Send(Room(0), User(0), "l", "all"))
	var members int
	t.queue(func(c *chat.PushCandidate) bool { members = c.Members; return c.Mention })
	if members != chat.MaxReceiptMembers+5 {
		t.Errorf("got %d members", members)
	}
	t.wantJobs("1:2")
}

func pushClaims(t *pushing) {
	t.subscribe(User(1), 1)
	t.Do(Create(chat.Group, Room(0), User(0), User(1)))
	t.Say(Room(0), User(0), "2", "3", "4")
	t.queue(everything)
	if jobs, err := t.DuePushes(t.Context(), t.Now-1, t.Now, 10); err != nil || len(jobs) != 0 {
		t.Errorf("before they are due: got %d, %v", len(jobs), err)
	}
	if jobs := t.due(2); len(jobs) != 2 {
		t.Fatalf("got %d, want 2", len(jobs))
	}
	if jobs := t.due(2); len(jobs) != 1 {
		t.Errorf("got %d of the rest, want 1", len(jobs))
	}
	if jobs := t.due(2); len(jobs) != 0 {
		t.Errorf("got %d that are claimed", len(jobs))
	}
	later, err := t.DuePushes(t.Context(), t.Now+60_001, t.Now+120_000, 10)
	if err != nil || len(later) != 3 || later[0].Attempts != 2 {
		t.Errorf("when the claim has ended: got %+v, %v, want 3 second attempts", later, err)
	}
}

func pushFinishes(t *pushing) {
	sub, gone := t.subscribe(User(1), 1), t.subscribe(User(2), 2)
	t.Do(Create(chat.Group, Room(0), User(0), User(1), User(2)))
	t.Say(Room(0), User(0), "2", "3", "4", "5")
	t.queue(everything)
	verdicts := map[chat.Seq]chat.PushResult{
		2: {Verdict: chat.PushSent, At: t.Now + 1}, 3: {Verdict: chat.PushDropped, At: t.Now + 2},
		4: {Verdict: chat.PushRetry, At: t.Now + 3, RetryAt: t.Now + 5000, Failure: "503"}, 5: {Verdict: chat.PushFailed, At: t.Now + 4, Failure: "400"},
	}
	var results []chat.PushResult
	jobs := t.due(50)
	sort.Slice(jobs, func(i, j int) bool { return jobs[i].Seq < jobs[j].Seq })
	for _, j := range jobs {
		r := verdicts[j.Seq]
		if r.Job = j; j.Subscription.ID == gone.ID {
			r = chat.PushResult{Job: j, Verdict: chat.PushGone, At: t.Now}
		}
		results = append(results, r)
	}
	if err := t.FinishPushes(t.Context(), results); err != nil {
		t.Fatal(err)
	}
	if all, err := t.Subscriptions(t.Context(), User(2)); err != nil || len(all) != 0 {
		t.Errorf("got %+v, %v of the one that is gone", all, err)
	}
	all, err := t.Subscriptions(t.Context(), User(1))
	if err != nil || len(all) != 1 || all[0].ID != sub.ID || all[0].SucceededAt != t.Now+1 || all[0].FailedAt != t.Now+4 || all[0].Failure != "400" {
		t.Errorf("got %+v, %v", all, err)
	}
	left, err := t.DuePushes(t.Context(), t.Now+5000, t.Now+9000, 10)
	if err != nil || len(left) != 1 || left[0].Seq != 4 {
		t.Errorf("got %+v, %v left, want the one to be tried again", left, err)
	}
	if err := t.FinishPushes(t.Context(), []chat.PushResult{{Job: left[0], Verdict: chat.PushSent, At: t.Now + 6000}}); err != nil {
		t.Fatal(err)
	}
	if all, err = t.Subscriptions(t.Context(), User(1)); err != nil || all[0].Failure != "" || all[0].SucceededAt != t.Now+6000 {
		t.Errorf("got %+v, %v after a success", all, err)
	}
}

func pushFull(t *pushing) {
	t.subscribe(User(1), 1)
	t.Do(Create(chat.Group, Room(0), User(0), User(1)))
	for i := range chat.MaxPushesWaiting + 10 {
		t.Say(Room(0), User(0), fmt.Sprint(i))
	}
	t.queue(everything)
	if jobs := t.due(500); len(jobs) != chat.MaxPushesWaiting {
		t.Errorf("got %d jobs, want %d", len(jobs), chat.MaxPushesWaiting)
	}
	if all, err := t.Subscriptions(t.Context(), User(1)); err != nil || all[0].Failure == "" || all[0].FailedAt == 0 {
		t.Errorf("got %+v, %v, want its owner to see that some were dropped", all, err)
	}
}

func pushTests(t *pushing) {
	sub := t.subscribe(User(0), 1)
	if err := t.QueueTest(t.Context(), User(0), sub.ID, t.Now); err != nil {
		t.Fatal(err)
	}
	if err := t.QueueTest(t.Context(), User(0), sub.ID, t.Now); !errors.Is(err, chat.ErrConflict) {
		t.Errorf("again at the same time: got %v, want ErrConflict", err)
	}
	if jobs := t.due(5); len(jobs) != 1 || !jobs[0].ConversationID.IsZero() || jobs[0].Subscription.ID != sub.ID {
		t.Errorf("got %+v", jobs)
	}
}

func pushKey(t *pushing) {
	one, err := t.ServerKey(t.Context(), "a", []byte("first"))
	if err != nil || !bytes.Equal(one, []byte("first")) {
		t.Errorf("got %q, %v", one, err)
	}
	if again, err := t.ServerKey(t.Context(), "a", []byte("second")); err != nil || !bytes.Equal(again, []byte("first")) {
		t.Errorf("got %q, %v, want the first", again, err)
	}
	if other, err := t.ServerKey(t.Context(), "b", []byte("second")); err != nil || !bytes.Equal(other, []byte("second")) {
		t.Errorf("got %q, %v for another name", other, err)
	}
}

func pushAtOnce(t *pushing) {
	t.subscribe(User(1), 1)
	t.Do(Create(chat.Group, Room(0), User(0), User(1)))
	var want []string
	for i := range 30 {
		t.Say(Room(0), User(0), fmt.Sprint(i))
		want = append(want, fmt.Sprint("1:", i+2))
	}
	sort.Strings(want)
	var nodes sync.WaitGroup
	for range 4 {
		nodes.Go(func() {
			for {
				n, err := t.QueuePushes(t.Context(), t.Now, t.Now, 3, everything)
				if err != nil {
					t.Error(err)
				}
				if n == 0 || err != nil {
					return
				}
			}
		})
	}
	nodes.Wait()
	t.wantJobs(want...)
}
