package inproc

import (
	"context"
	"slices"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// Presence is a chat.Presence of one process. Safe for concurrent use.
type Presence struct {
	mu sync.Mutex // guards leases
	// leases are few for each person, mostly one: a slice is a quarter of a map.
	leases map[chat.UserID][]nodeLease
}

// nodeLease is a node's word that somebody is online.
type nodeLease struct {
	node  string
	until chat.Time
}

var _ chat.Presence = (*Presence)(nil)

// NewPresence makes one in which nobody is online.
func NewPresence() *Presence {
	return &Presence{leases: make(map[chat.UserID][]nodeLease)}
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
		leases := p.leases[u]
		i := slices.IndexFunc(leases, func(l nodeLease) bool { return l.node == node })
		if i < 0 {
			i = len(leases)
			leases = append(leases, nodeLease{node: node})
			p.leases[u] = leases
		}
		leases[i].until = max(leases[i].until, now+chat.PresenceLease)
	}
	return fresh, nil
}

// online forgets the leases of u that have ended, and reports whether one holds.
func (p *Presence) online(u chat.UserID, now chat.Time) bool {
	return p.keep(u, func(l nodeLease) bool { return l.until > now })
}

// keep forgets the other leases of u, and reports whether one is left.
func (p *Presence) keep(u chat.UserID, which func(nodeLease) bool) bool {
	leases, ok := p.leases[u]
	if !ok {
		return false
	}
	left := slices.DeleteFunc(leases, func(l nodeLease) bool { return !which(l) })
	if len(left) == 0 {
		delete(p.leases, u)
		return false
	}
	p.leases[u] = left
	return true
}

// Leave implements chat.Presence.
func (p *Presence) Leave(_ context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var gone []chat.UserID
	for _, u := range users {
		p.keep(u, func(l nodeLease) bool { return l.node != node })
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
