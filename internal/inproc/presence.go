package inproc

import (
	"context"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// lease is how long a node's word that somebody is online holds, in milliseconds.
const lease chat.Time = 60_000

// Presence is a chat.Presence of one process. Safe for concurrent use.
type Presence struct {
	mu    sync.Mutex // guards nodes
	until map[chat.UserID]map[string]chat.Time
}

var _ chat.Presence = (*Presence)(nil)

// NewPresence makes one in which nobody is online.
func NewPresence() *Presence {
	return &Presence{until: make(map[chat.UserID]map[string]chat.Time)}
}

// Renew implements chat.Presence.
func (p *Presence) Renew(_ context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var fresh []chat.UserID
	for _, u := range users {
		if !p.online(u, now) {
			fresh = append(fresh, u)
		}
		nodes := p.until[u]
		if nodes == nil {
			nodes = make(map[string]chat.Time, 1)
			p.until[u] = nodes
		}
		nodes[node] = max(nodes[node], now+lease)
	}
	return fresh, nil
}

// online forgets the leases of u that have ended, and reports whether one holds.
func (p *Presence) online(u chat.UserID, now chat.Time) bool {
	nodes := p.until[u]
	for node, until := range nodes {
		if until <= now {
			delete(nodes, node)
		}
	}
	if len(nodes) == 0 {
		delete(p.until, u)
		return false
	}
	return true
}

// Leave implements chat.Presence.
func (p *Presence) Leave(_ context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var gone []chat.UserID
	for _, u := range users {
		delete(p.until[u], node)
		if !p.online(u, now) {
			gone = append(gone, u)
		}
	}
	return gone, nil
}

// Online implements chat.Presence.
func (p *Presence) Online(_ context.Context, users []chat.UserID, now chat.Time) (map[chat.UserID]bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[chat.UserID]bool, len(users))
	for _, u := range users {
		if p.online(u, now) {
			out[u] = true
		}
	}
	return out, nil
}
