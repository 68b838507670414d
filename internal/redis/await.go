package redis

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

const (
	// searchTimeout bounds one try to reach a Redis that was not there at the start.
	searchTimeout = 5 * time.Second
	// refusedPause is the time between tries while it answers, and refuses.
	refusedPause = 5 * time.Second
)

// errAway is what everything gets that needs Redis before it was reached for the first
// time. It was told when the node started, once; nobody tells it again.
var errAway = errors.New("no Redis has been reached since the start")

// Await is Open for a node that serves without Redis rather than not at all: where it
// cannot be reached for as long as ctx lasts, the client is given without it, says so
// in the log, and looks for it until Close. Bus, Presence and Limiter do meanwhile what
// they do in any outage. An answer that waiting does not mend is an error: a password
// that is wrong, an old version, something that is not Redis.
func Await(ctx context.Context, cfg *Config, logger *slog.Logger) (*Client, error) {
	c, err := Open(ctx, cfg)
	if err == nil || !away(err) {
		return c, err
	}
	logger.Warn("Redis cannot be reached: this node begins without it, and looks for it", "error", err)
	c = &Client{cfg: cfg}
	c.missing.Store(&err)
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	c.search.Go(func() { c.find(base, logger) })
	return c, nil
}

// find tries to reach Redis until it does, or ctx ends.
func (c *Client) find(ctx context.Context, logger *slog.Logger) {
	pause, refused := firstRedial, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		try, cancel := context.WithTimeout(ctx, searchTimeout)
		err := c.reach(try)
		cancel()
		switch {
		case err == nil:
			logger.Info("Redis was found: this node is joining the others")
			return
		case ctx.Err() != nil:
			return
		case away(err):
			pause, refused = min(2*pause, longestRedial), ""
		default:
			if text := err.Error(); text != refused { // once, not every time
				logger.Error("Redis cannot be used: this node goes on without it", "error", err)
				refused = text
			}
			pause = refusedPause
		}
		c.missing.Store(&err)
	}
}

// away reports whether an error is one of reaching Redis, or of a Redis that is about
// to serve: what may be otherwise in a moment. An answer that names what is wrong with
// the request is none, nor is one of TLS, nor one that is not Redis's.
func away(err error) bool {
	var answer *rueidis.RedisError
	if errors.As(err, &answer) {
		return passing(answer)
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" { // of TLS: the other side says no
		return false
	}
	var network net.Error // refused, reset, timed out, a name that is not known (yet)
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, rueidis.ErrClosing)
}

// passing reports whether Redis says no only for now: it reads its data, has lost its
// primary, has too many clients, is held up by a script, or the cluster is not whole.
func passing(answer *rueidis.RedisError) bool {
	text := answer.Error()
	for _, begin := range []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "ERR max number of clients"} {
		if strings.HasPrefix(text, begin) {
			return true
		}
	}
	return false
}
