package app

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// pushService stands for that of a browser's maker.
type pushService struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	topics map[string][]string // of the requests, by path
}

func newPushService(t *testing.T) *pushService {
	p := &pushService{status: http.StatusCreated, topics: map[string][]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !strings.HasPrefix(r.Header.Get("Authorization"), "vapid t=") || r.Header.Get("Content-Encoding") != "aes128gcm" {
			t.Errorf("got headers %v", r.Header)
		}
		p.topics[r.URL.Path] = append(p.topics[r.URL.Path], r.Header.Get("Topic"))
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pushService) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func (p *pushService) got(path string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.topics[path]...)
}

func (p *pushService) subscription(t *testing.T, path string) map[string]any {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"endpoint": p.URL + path, "keys": map[string]any{
		"p256dh": base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), "auth": base64.RawURLEncoding.EncodeToString(make([]byte, 16)),
	}}
}

type pushState struct {
	Items []struct {
		LastSuccessAt *string `json:"last_success_at"`
		LastFailureAt *string `json:"last_failure_at"`
		Failure       string
	}
}

// Who is not there is told of what was said, across a restart of the node, and
// whoever is there is not. The key by which browsers know the server stays.
func TestNotificationsArePushed(t *testing.T) {
	t.Parallel()
	dir, service := t.TempDir(), newPushService(t)
	s := start(t, dir, "--push", "private")
	ann, bob := s.signUp("ann"), s.signUp("bob")
	room := ann.direct(bob)
	const subscriptions = "/api/v1/push/subscriptions"
	var key, again struct {
		PublicKey string `json:"public_key"`
	}
	bob.rest(http.MethodGet, "/api/v1/push", nil, http.StatusOK, &key)
	bob.rest(http.MethodPost, subscriptions, service.subscription(t, "/bob"), http.StatusCreated, nil)
	ann.rest(http.MethodPost, subscriptions, service.subscription(t, "/ann"), http.StatusCreated, nil)
	device := ann.connect()
	device.send(room, "1", "are you there?")
	s.eventually("bob's browser is told", func() bool { return len(service.got("/bob")) >= 1 })
	var state pushState
	s.eventually("its owner sees that it arrived", func() bool {
		bob.rest(http.MethodGet, subscriptions, nil, http.StatusOK, &state)
		return state.Items[0].LastSuccessAt != nil && state.Items[0].Failure == ""
	})

	// Said before the end of the node, told after its start.
	service.answer(http.StatusServiceUnavailable)
	device.send(room, "2", "and now?")
	s.eventually("the push service was asked", func() bool { return len(service.got("/bob")) >= 2 })
	s.eventually("its owner sees why it did not arrive", func() bool {
		bob.rest(http.MethodGet, subscriptions, nil, http.StatusOK, &state)
		return state.Items[0].LastFailureAt != nil && strings.Contains(state.Items[0].Failure, "503")
	})
	s.stop()
	service.answer(http.StatusCreated)
	s = start(t, dir, "--push", "private")
	ann.s, bob.s = s, s
	s.eventually("it is tried again", func() bool { return len(service.got("/bob")) >= 3 })
	topics := service.got("/bob")
	if topics[0] == topics[1] || topics[1] != topics[2] {
		t.Errorf("got topics %v, want one for each message, the same each time", topics)
	}
	bob.rest(http.MethodGet, "/api/v1/push", nil, http.StatusOK, &again)
	if key.PublicKey == "" || key != again {
		t.Errorf("got key %q and then %q", key, again)
	}
	if n := len(service.got("/ann")); n != 0 {
		t.Errorf("got %d notifications for the sender", n)
	}

	// A browser that has ended its subscription is forgotten.
	service.answer(http.StatusGone)
	ann.connect().send(room, "3", "hello?")
	s.eventually("the subscription is gone", func() bool {
		bob.rest(http.MethodGet, subscriptions, nil, http.StatusOK, &state)
		return len(state.Items) == 0
	})
}

// Who has a line but looks elsewhere is told; who looks is not.
func TestNotificationsGoToWhoDoesNotLook(t *testing.T) {
	t.Parallel()
	service := newPushService(t)
	s := start(t, t.TempDir(), "--push", "private")
	ann, bob, carol := s.signUp("ann"), s.signUp("bob"), s.signUp("carol")
	var group wire.Conversation
	ann.rest(http.MethodPost, "/api/v1/conversations", map[string]any{
		"kind": "group", "title": "Club", "member_ids": []chat.UserID{bob.id, carol.id},
	}, http.StatusCreated, &group)
	for _, a := range []*account{bob, carol} {
		a.rest(http.MethodPost, "/api/v1/push/subscriptions", service.subscription(t, "/"+a.id.String()), http.StatusCreated, nil)
	}
	looks, hides := bob.connect(), carol.connect()
	looks.must(wire.EventAttention, wire.Attention{On: true}, nil)
	hides.must(wire.EventAttention, wire.Attention{On: true}, nil)
	hides.must(wire.EventAttention, wire.Attention{}, nil)
	s.eventually("it is known who looks", func() bool {
		looking, err := s.app.carriers.looks.Online(t.Context(), []chat.UserID{bob.id, carol.id}, chat.TimeOf(time.Now()))
		return err == nil && looking[bob.id] && !looking[carol.id]
	})
	ann.connect().send(group.ID, "1", "hello")
	// Both are decided on at once; what became of them is noted when both are done.
	var state pushState
	s.eventually("who does not look is told", func() bool {
		carol.rest(http.MethodGet, "/api/v1/push/subscriptions", nil, http.StatusOK, &state)
		return state.Items[0].LastSuccessAt != nil
	})
	if got := service.got("/" + bob.id.String()); len(got) != 0 {
		t.Errorf("got %d notifications for somebody who looks", len(got))
	}
}

func TestNotificationsTurnedOff(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--push", "off")
	ann := s.signUp("ann")
	var key struct{ Enabled bool }
	ann.rest(http.MethodGet, "/api/v1/push", nil, http.StatusOK, &key)
	if key.Enabled {
		t.Error("got enabled, want it off")
	}
	ann.rest(http.MethodPost, "/api/v1/push/subscriptions", newPushService(t).subscription(t, "/x"), http.StatusForbidden, nil)
}

// Search, invitations and blocks work in the whole server, as it is wired.
func TestWhatClientsBuildOn(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ann, bob := s.signUp("ann"), s.signUp("bob")
	room := ann.direct(bob)
	device := ann.connect()
	device.send(room, "1", "我们去上海吃饭")
	var found struct {
		Items []struct{ Message struct{ Seq chat.Seq } }
	}
	s.eventually("it is found", func() bool {
		bob.rest(http.MethodGet, "/api/v1/search?q=%E4%B8%8A%E6%B5%B7", nil, http.StatusOK, &found)
		return len(found.Items) == 1
	})
	ann.rest(http.MethodPut, fmt.Sprint("/api/v1/blocks/", bob.id), nil, http.StatusNoContent, nil)
	bob.rest(http.MethodPost, fmt.Sprint("/api/v1/conversations/", room, "/messages"), map[string]any{"client_id": "x", "text": "x"}, http.StatusForbidden, nil)
	var limits struct{ Limits map[string]int }
	ann.rest(http.MethodGet, "/api/v1/limits", nil, http.StatusOK, &limits)
	for _, name := range []string{
		"text_bytes", "attachments", "attachment_bytes", "frame_bytes", "mentions", "title_chars", "display_name_chars",
		"bio_chars", "avatar_bytes", "group_members", "search_bytes", "pins",
	} {
		if limits.Limits[name] <= 0 {
			t.Errorf("limit %s is not told", name)
		}
	}
}
