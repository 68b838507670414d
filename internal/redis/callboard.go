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
	callTimeout = 2 * time.Second
	// maxCallsOf bounds the conversations that are remembered for one person; those whose
	// documents are forgotten first go first.
	maxCallsOf = 128
)

// Each conversation has one hash: the version and the document. A version is the
// server's time in microseconds, or one more than the last: what comes after a
// document that was forgotten has a larger one. Each person has one sorted set of
// conversations by the time at which their documents are forgotten.
var (
	putCallScript = newScript(`
local have = redis.call('HGET', KEYS[1], 'v') or '0'
if have ~= ARGV[1] then return 0 end
local t = redis.call('TIME')
local version = math.max(t[1] * 1000000 + t[2], tonumber(have) + 1)
redis.call('HSET', KEYS[1], 'v', string.format('%.0f', version), 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return version`)
	indexCallScript = newScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ` + strconv.Itoa(maxCallsOf) + `)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2])))
return 1`)
)

// CallBoard implements chat.CallBoard: what is true of calls, for all nodes. It
// gives errors, within two seconds, while Redis cannot be reached. Safe for
// concurrent use.
type CallBoard struct{ client *Client }

var _ chat.CallBoard = (*CallBoard)(nil)

// NewCallBoard makes one.
func NewCallBoard(client *Client) *CallBoard { return &CallBoard{client} }

func (b *CallBoard) key(id chat.ConversationID) string { return b.client.key('c', id.String()) }

// callsOf names the set of a person.
func (b *CallBoard) callsOf(user chat.UserID) string { return b.client.key('p', user.String()) }

// Get implements chat.CallBoard.
func (b *CallBoard) Get(ctx context.Context, id chat.ConversationID) ([]byte, uint64, error) {
	docs, err := b.GetAll(ctx, []chat.ConversationID{id})
	if err != nil {
		return nil, 0, err
	}
	return docs[0].Doc, docs[0].Version, nil
}

// GetAll implements chat.CallBoard: in one go, from each node of a cluster what it has.
func (b *CallBoard) GetAll(ctx context.Context, ids []chat.ConversationID) ([]chat.CallDoc, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := b.client.conn()
	if err != nil {
		return nil, boardAway("read calls", err)
	}
	questions := make(rueidis.Commands, len(ids))
	for i, id := range ids {
		questions[i] = c.B().Hmget().Key(b.key(id)).Field("v", "d").Build()
	}
	docs := make([]chat.CallDoc, len(ids))
	for i, answer := range c.DoMulti(ctx, questions...) {
		if docs[i], err = readCall(answer); err != nil {
			return nil, boardAway("read calls", err)
		}
	}
	return docs, nil
}

// readCall reads the fields v and d of a conversation.
func readCall(answer rueidis.RedisResult) (d chat.CallDoc, err error) {
	fields, err := answer.ToArray()
	if err != nil {
		return d, err
	}
	if len(fields) != 2 || fields[0].IsNil() || fields[1].IsNil() {
		return d, nil
	}
	if d.Version, err = fields[0].AsUint64(); err != nil {
		return d, fmt.Errorf("version: %w", err)
	}
	if d.Doc, err = fields[1].AsBytes(); err != nil {
		return d, fmt.Errorf("document: %w", err)
	}
	return d, nil
}

// Put implements chat.CallBoard. People are named before the document is there, so
// that none is ever missed; if it is refused then, Of names it to them in vain.
func (b *CallBoard) Put(ctx context.Context, id chat.ConversationID, n chat.CallNote) (uint64, error) {
	if len(n.Doc) > chat.MaxCallDoc {
		return 0, chat.ErrTooLarge
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	expire := strconv.FormatInt(max(1, n.TTL.Milliseconds()), 10)
	if len(n.People) > 0 {
		keys := make([]string, len(n.People))
		for i, u := range n.People {
			keys[i] = b.callsOf(u)
		}
		if _, err := indexCallScript.run(ctx, b.client, keys, id.String(), expire); err != nil {
			return 0, boardAway("name people in a call", err)
		}
	}
	answers, err := putCallScript.run(ctx, b.client, []string{b.key(id)}, strconv.FormatUint(n.Version, 10), rueidis.BinaryString(n.Doc), expire)
	if err != nil {
		return 0, boardAway("write a call", err)
	}
	if answers[0] <= 0 {
		return 0, chat.ErrConflict
	}
	return uint64(answers[0]), nil //nolint:gosec // just compared
}

// Of implements chat.CallBoard.
func (b *CallBoard) Of(ctx context.Context, user chat.UserID) ([]chat.ConversationID, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := b.client.conn()
	if err != nil {
		return nil, boardAway("list calls", err)
	}
	names, err := c.Do(ctx, c.B().Zrange().Key(b.callsOf(user)).Min("0").Max("-1").Build()).AsStrSlice()
	if err != nil {
		return nil, boardAway("list calls", err)
	}
	ids := make([]chat.ConversationID, 0, len(names))
	for _, name := range names {
		var id chat.ConversationID
		if err := id.UnmarshalText([]byte(name)); err != nil {
			return nil, boardAway("read a list of calls", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// boardAway says what could not be done because of Redis.
func boardAway(what string, err error) error {
	return fmt.Errorf("%s: %w: %w", what, chat.ErrUnavailable, err)
}
