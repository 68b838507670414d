package service

import (
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// sessionCache remembers who a token belongs to, for a short time. It holds at
// most a fixed number; when it is full, the oldest goes. While an entry is there
// the node is subscribed to the person's topic, once for each entry; so an entry
// that was forgotten stays as a dead one until put lets it go.
type sessionCache struct {
	most int
	ttl  chat.Time

	mu     sync.Mutex
	epoch  uint64 // counts what was forgotten
	byHash map[[32]byte]*cachedSession
	byUser map[chat.UserID][][32]byte // mostly one: a slice is a quarter of a map
	order  []cacheAge                 // oldest first; may name what is gone or newer
}

type cachedSession struct {
	Principal
	at   chat.Time
	dead bool
}

type cacheAge struct {
	hash [32]byte
	at   chat.Time
}

func newSessionCache(most int, ttl time.Duration) *sessionCache {
	return &sessionCache{
		most: most, ttl: millis(ttl),
		byHash: make(map[[32]byte]*cachedSession), byUser: make(map[chat.UserID][][32]byte),
	}
}

func (c *sessionCache) epochNow() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// get gives whose token it is, if that was found out less than age ago.
func (c *sessionCache) get(hash [32]byte, now, age chat.Time) (Principal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byHash[hash]
	if !ok || e.dead || now-e.at >= age || e.ExpiresAt <= now {
		return Principal{}, false
	}
	return e.Principal, true
}

// put remembers a principal, unless something was forgotten since epoch: that
// may have been this one. The caller has subscribed to the person's topic; the
// result names whose topic is to be unsubscribed once for each time they appear.
func (c *sessionCache) put(p Principal, now chat.Time, epoch uint64) []chat.UserID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch || c.most <= 0 {
		return []chat.UserID{p.UserID}
	}
	var drop []chat.UserID
	if _, ok := c.byHash[p.token]; ok {
		drop = append(drop, p.UserID)
	}
	c.byHash[p.token] = &cachedSession{Principal: p, at: now}
	if hashes := c.byUser[p.UserID]; !slices.Contains(hashes, p.token) {
		c.byUser[p.UserID] = append(hashes, p.token)
	}
	c.order = append(c.order, cacheAge{p.token, now})
	return append(drop, c.shrink(now)...)
}

// shrink lets go of what is too old or too much.
func (c *sessionCache) shrink(now chat.Time) []chat.UserID {
	var drop []chat.UserID
	for len(c.order) > 0 {
		old := c.order[0]
		e, ok := c.byHash[old.hash]
		current := ok && e.at == old.at
		if current && len(c.byHash) <= c.most && now-old.at < c.ttl {
			break
		}
		c.order = c.order[1:]
		if !current {
			continue
		}
		delete(c.byHash, old.hash)
		left := slices.DeleteFunc(c.byUser[e.UserID], func(hash [32]byte) bool { return hash == old.hash })
		if c.byUser[e.UserID] = left; len(left) == 0 {
			delete(c.byUser, e.UserID)
		}
		drop = append(drop, e.UserID)
	}
	return drop
}

// forget makes every log-in of a person be looked up again.
func (c *sessionCache) forget(user chat.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, hash := range c.byUser[user] {
		c.byHash[hash].dead = true
	}
}

// clear makes every log-in be looked up again.
func (c *sessionCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, e := range c.byHash {
		e.dead = true
	}
}
