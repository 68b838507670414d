package nodes

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// Two people on different nodes are as good as on one.
func TestPeopleOnDifferentNodes(t *testing.T) {
	c := newCluster(t, 2, 4)
	one, two := c.nodes[0].URL, c.nodes[1].URL
	people := c.people(one, "alice", "bob", "carol")
	alice, bob, carol := people[0], people[1], people[2]
	room := alice.group(one, bob)
	a, b := alice.connect(one), bob.connect(two)

	// Both ways, one order.
	first := a.send(room, "k1")
	b.wait("entry", "text of k1")
	second := b.send(room, "k2")
	a.wait("entry", "text of k2")
	if second != first+1 {
		t.Errorf("got seq %d after %d", second, first)
	}
	// The same client_id by way of the other node is the same entry.
	again := alice.connect(two)
	if got := again.send(room, "k1"); got != first {
		t.Errorf("a retry on the other node: got seq %d, want %d", got, first)
	}

	// Typing, receipts, presence.
	a.must("typing", map[string]any{"conversation_id": room, "on": true})
	b.wait("typing", alice.User.ID)
	third := a.send(room, "k2a")
	b.wait("entry", "text of k2a")
	b.must("conversation.read", map[string]any{"conversation_id": room, "seq": third})
	a.wait("receipt", bob.User.ID)
	eventually(t, "bob is online, which the other node says a moment after it let him in", func() bool {
		var seen struct{ Presence []struct{ Online bool } }
		if err := json.Unmarshal(a.must("presence.watch", map[string]any{"user_ids": []string{bob.User.ID, carol.User.ID}}).Data, &seen); err != nil {
			t.Fatal(err)
		}
		if len(seen.Presence) != 2 || seen.Presence[1].Online {
			t.Fatalf("got %+v, want two, of whom carol is not online", seen)
		}
		return seen.Presence[0].Online
	})
	carolDevice := carol.connect(two)
	a.wait("presence", carol.User.ID)

	// Who is added on one node sees on the other what follows, and who is removed does not.
	alice.rest(one, http.MethodPost, "/conversations/"+room+"/members", map[string]any{"user_ids": []string{carol.User.ID}}, nil)
	carolDevice.wait("conversation", room)
	b.send(room, "k3")
	carolDevice.wait("entry", "text of k3")
	alice.rest(one, http.MethodDelete, "/conversations/"+room+"/members/"+carol.User.ID, nil, nil)
	carolDevice.wait("conversation", `"gone":true`)
	b.send(room, "k4")
	a.wait("entry", "text of k4")
	if carolDevice.has("entry", "text of k4") || carolDevice.has("entry", "text of k1") {
		t.Error("carol got an entry from before or after her membership")
	}
	c.checkLog(alice, room, []string{"k1", "k2", "k2a", "k3", "k4"})

	// A session that is ended on one node ends on the other.
	var sessions struct {
		Items []struct {
			ID      string `json:"id"`
			Current bool   `json:"current"`
		}
	}
	bob.rest(one, http.MethodGet, "/sessions", nil, &sessions)
	ended := time.Now()
	bob.rest(one, http.MethodDelete, "/sessions/"+sessions.Items[0].ID, nil, nil)
	b.wait("session.revoked", "")
	t.Logf("a revocation reached the other node after %s", time.Since(ended).Round(time.Millisecond))
	eventually(t, "bob is out", b.over)
	if got := statusOf(t, bob, two); got != http.StatusUnauthorized {
		t.Errorf("got %d for a token that was revoked on the other node, want 401", got)
	}
}

// statusOf asks who a person is, by way of a node.
func statusOf(t *testing.T, p *person, at string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/api/v1/me", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
