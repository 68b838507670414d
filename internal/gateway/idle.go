package gateway

import (
	"sync"
	"time"
)

// idleList holds people whose last socket went, in the order they did. It is
// bounded by the number of people in the registry and their returns within one grace.
type idleList struct {
	mu   sync.Mutex
	list []idleUser
}

type idleUser struct {
	user *user
	at   time.Time
}

func (l *idleList) add(u *user, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, idleUser{u, at})
}

// due takes those out who were put in at limit or before.
func (l *idleList) due(limit time.Time) []*user {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.list) && !l.list[n].at.After(limit) {
		n++
	}
	if n == 0 {
		return nil
	}
	out := make([]*user, n)
	for i := range out {
		out[i] = l.list[i].user
	}
	rest := make([]idleUser, len(l.list)-n)
	copy(rest, l.list[n:])
	l.list = rest
	return out
}
