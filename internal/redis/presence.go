package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// presenceBatch is how many people are asked about in one go.
	presenceBatch   = 500
	presenceTimeout = 2 * time.Second
)

// Each person has one hash: for each node the time until which its word holds, in
// milliseconds by the caller's clock, which is the only one that counts. The key
// itself goes a while after its leases by the server's clock, whichever that is.
var (
	renewScript = newScript(`
local now, online = tonumber(ARGV[2]), 1
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) <= now then redis.call('HDEL', KEYS[1], all[i]) else online = 0 end
end
local until_ = math.max(tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0'), tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', until_))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return online`)
	leaveScript = newScript(`
local now, gone = tonumber(ARGV[2]), 1
redis.call('HDEL', KEYS[1], ARGV[1])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) <= now then redis.call('HDEL', KEYS[1], all[i]) else gone = 0 end
end
return gone`)
)

// Presence implements chat.Presence. While Redis cannot be reached its methods
// give errors, within two seconds. Safe for concurrent use.
type Presence struct {
	client *Client
	kind   byte // of its keys
}

var _ chat.Presence = (*Presence)(nil)

// NewPresence makes the one of who has a socket.
func NewPresence(client *Client) *Presence { return &Presence{client, 'o'} }

// NewAttention makes the one of who looks at a client. It knows nothing of the other.
func NewAttention(client *Client) *Presence { return &Presence{client, 'a'} }

// Renew implements chat.Presence.
func (p *Presence) Renew(ctx context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	expire := strconv.FormatInt(2*int64(chat.PresenceLease), 10)
	fresh, err := p.each(ctx, renewScript, users, node, millis(now), millis(now+chat.PresenceLease), expire)
	if err != nil {
		return fresh, fmt.Errorf("renew presence: %w", err)
	}
	return fresh, nil
}

// Leave implements chat.Presence.
func (p *Presence) Leave(ctx context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	gone, err := p.each(ctx, leaveScript, users, node, millis(now))
	if err != nil {
		return gone, fmt.Errorf("leave presence: %w", err)
	}
	return gone, nil
}

func millis(t chat.Time) string { return strconv.FormatInt(int64(t), 10) }

// each runs a script for each person, and gives those for whom it answered 1.
func (p *Presence) each(ctx context.Context, s *script, users []chat.UserID, args ...string) ([]chat.UserID, error) {
	var out []chat.UserID
	for len(users) > 0 {
		n := min(len(users), presenceBatch)
		part, cancel := context.WithTimeout(ctx, presenceTimeout)
		answers, err := s.run(part, p.client, p.keys(users[:n]), args...)
		cancel()
		if err != nil {
			return out, err
		}
		for i, answer := range answers {
			if answer == 1 {
				out = append(out, users[i])
			}
		}
		users = users[n:]
	}
	return out, nil
}

func (p *Presence) keys(users []chat.UserID) []string {
	keys := make([]string, len(users))
	for i, u := range users {
		keys[i] = p.client.key(p.kind, u.String())
	}
	return keys
}

// Online implements chat.Presence.
func (p *Presence) Online(ctx context.Context, users []chat.UserID, now chat.Time) (map[chat.UserID]bool, error) {
	out := make(map[chat.UserID]bool, len(users))
	for len(users) > 0 {
		n := min(len(users), presenceBatch)
		if err := p.look(ctx, users[:n], now, out); err != nil {
			return out, fmt.Errorf("look up presence: %w", err)
		}
		users = users[n:]
	}
	return out, nil
}

func (p *Presence) look(ctx context.Context, users []chat.UserID, now chat.Time, out map[chat.UserID]bool) error {
	ctx, cancel := context.WithTimeout(ctx, presenceTimeout)
	defer cancel()
	redis, err := p.client.conn()
	if err != nil {
		return err
	}
	commands := make(rueidis.Commands, len(users))
	for i, key := range p.keys(users) {
		commands[i] = redis.B().Hvals().Key(key).Build()
	}
	for i, answer := range redis.DoMulti(ctx, commands...) {
		leases, err := answer.AsIntSlice()
		if err != nil {
			return err
		}
		for _, until := range leases {
			if chat.Time(until) > now {
				out[users[i]] = true
			}
		}
	}
	return nil
}
