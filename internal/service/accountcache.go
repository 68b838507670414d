package service

import (
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// accountCache remembers people's own accounts for the time that the store cannot
// be reached. It holds at most a fixed number; when it is full, it starts anew.
type accountCache struct {
	most int
	life chat.Time

	mu       sync.Mutex
	accounts map[chat.UserID]cachedAccount
}

type cachedAccount struct {
	account *chat.Account // shared; not to be changed
	at      chat.Time
}

// newAccountCache makes one; with no life it remembers nothing.
func newAccountCache(most int, life time.Duration) *accountCache {
	return &accountCache{most: most, life: millis(life), accounts: make(map[chat.UserID]cachedAccount)}
}

func (c *accountCache) put(a *chat.Account, now chat.Time) {
	if c.life <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.accounts) >= c.most {
		clear(c.accounts)
	}
	c.accounts[a.ID] = cachedAccount{a, now}
}

func (c *accountCache) get(user chat.UserID, now chat.Time) (*chat.Account, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.accounts[user]
	return found.account, ok && now-found.at < c.life
}

// forget lets go of an account that has changed.
func (c *accountCache) forget(user chat.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.accounts, user)
}
