package redis

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// limitTimeout is how long a request waits for its limit before the node
	// counts for itself.
	limitTimeout = 250 * time.Millisecond
	// limitRest is how long the node then counts for itself before it asks again.
	limitRest = time.Second
	// never is what a caller is told to wait, in milliseconds, who asks for more
	// than a bucket can ever hold.
	never = 3_600_000
)

// takeScript is a token bucket. The server's clock counts, so that nodes whose
// clocks differ share one bucket. It answers the milliseconds to wait.
var takeScript = newScript(`
local n, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local b = redis.call('HMGET', KEYS[1], 't', 'at')
local tokens, at = tonumber(b[1] or ''), tonumber(b[2] or '')
if not tokens or not at then tokens, at = burst, now end
tokens = math.min(burst, tokens + math.max(0, now - at) / 1000 * rate)
local wait = 0
if tokens >= n then
  tokens = tokens - n
elseif rate <= 0 or n > burst then
  return ` + strconv.Itoa(never) + `
else
  wait = math.max(1, math.ceil((n - tokens) / rate * 1000))
end
redis.call('HSET', KEYS[1], 't', string.format('%.6f', tokens), 'at', string.format('%.3f', math.max(now, at)))
local full = 1000
if rate > 0 then full = full + math.ceil((burst - tokens) / rate * 1000) end
redis.call('PEXPIRE', KEYS[1], math.min(full, 86400000))
return wait`)

// Limiter implements chat.Limiter with buckets that all nodes share. While Redis
// does not answer, a limiter of the node itself decides, so limits are enforced at
// all times, if less strictly: each node then grants the whole rate. Safe for
// concurrent use.
type Limiter struct {
	client   *Client
	fallback chat.Limiter
	logger   *slog.Logger
	timeout  time.Duration
	resting  atomic.Bool // Redis did not answer a moment ago
	failed   atomic.Bool // the last answer that was waited for did not come
	local    atomic.Int64
}

var _ chat.Limiter = (*Limiter)(nil)

// NewLimiter makes one. Fallback decides while Redis does not answer.
func NewLimiter(client *Client, fallback chat.Limiter, logger *slog.Logger) *Limiter {
	return &Limiter{client: client, fallback: fallback, logger: logger, timeout: limitTimeout}
}

// Take implements chat.Limiter. Its only errors are those of the fallback.
func (l *Limiter) Take(ctx context.Context, key string, n, perSecond, burst float64) (chat.Time, error) {
	if !l.resting.Load() {
		limit, cancel := context.WithTimeout(ctx, l.timeout)
		answers, err := takeScript.run(limit, l.client, []string{l.client.key('l', key)},
			number(n), number(perSecond), number(burst))
		cancel()
		if err == nil {
			if l.failed.Load() && l.failed.CompareAndSwap(true, false) {
				l.logger.Info("limits are shared again", "decided_alone", l.local.Load())
			}
			return chat.Time(answers[0]), nil
		}
		if ctx.Err() == nil && !errors.Is(err, errAway) { // the caller going away says nothing about Redis
			l.rest(err)
		}
	}
	l.local.Add(1)
	return l.fallback.Take(ctx, key, n, perSecond, burst)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (l *Limiter) rest(err error) {
	if !l.resting.Swap(true) {
		time.AfterFunc(limitRest, func() { l.resting.Store(false) })
	}
	if !l.failed.Swap(true) { // once an outage
		l.logger.Warn("limits are counted by this node alone: Redis does not answer", "error", err)
	}
}

// Local gives how many decisions the node made alone, ever, for metrics.
func (l *Limiter) Local() int64 { return l.local.Load() }
