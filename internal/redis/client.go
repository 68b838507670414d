package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

const (
	dialTimeout = 2 * time.Second
	// answerTimeout is how long a connection may be silent with a command on it.
	answerTimeout = 3 * time.Second
	bufferBytes   = 64 << 10
)

// Client is a connection to one Redis or to a Redis Cluster, which the parts of
// this package share. Safe for concurrent use.
type Client struct {
	cfg     *Config
	reached atomic.Pointer[rueidis.Client] // nil until Redis was reached for the first time
	missing atomic.Pointer[error]          // why it was not, last
	stop    context.CancelFunc             // of the search for it; nil if there was none
	search  sync.WaitGroup
	closed  sync.Once
}

// Open reaches Redis, and fails if it cannot, or if it is older than version 7.
func Open(ctx context.Context, cfg *Config) (*Client, error) {
	c := &Client{cfg: cfg}
	if err := c.reach(ctx); err != nil {
		return nil, fmt.Errorf("reach Redis: %w", err)
	}
	return c, nil
}

// reach connects, and finds out whether the server is one that can be used.
func (c *Client) reach(ctx context.Context) error {
	opened := make(chan rueidis.Client)
	failed := make(chan error, 1)
	go func() { // the library's own waiting knows no context
		client, err := rueidis.NewClient(c.cfg.to(c.cfg.Hosts...))
		if err != nil {
			failed <- err
			return
		}
		select {
		case opened <- client:
		case <-ctx.Done(): // nobody waits any more
			client.Close()
		}
	}()
	select {
	case client := <-opened:
		if err := check(ctx, client); err != nil {
			client.Close()
			return err
		}
		c.reached.Store(&client)
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: no answer: %w", strings.Join(c.cfg.Hosts, ", "), ctx.Err())
	}
}

// conn gives the connection, or why there is none yet.
func (c *Client) conn() (rueidis.Client, error) {
	if client := c.reached.Load(); client != nil {
		return *client, nil
	}
	err := errAway
	if why := c.missing.Load(); why != nil {
		err = fmt.Errorf("%w: %w", errAway, *why)
	}
	return nil, err
}

// to gives the options of a connection to some hosts.
func (c *Config) to(addresses ...string) rueidis.ClientOption {
	return rueidis.ClientOption{
		InitAddress:         slices.Clone(addresses), // the library shuffles it, and keeps it
		Username:            c.username,
		Password:            c.password,
		SelectDB:            c.DB,
		TLSConfig:           c.tls,
		ClientName:          "parley",
		Dialer:              net.Dialer{Timeout: dialTimeout, KeepAlive: time.Second},
		ConnWriteTimeout:    answerTimeout,
		ReadBufferEachConn:  bufferBytes,
		WriteBufferEachConn: bufferBytes,
		DisableCache:        true,
		ShuffleInit:         true,
		ClusterOption:       rueidis.ClusterOption{ShardsRefreshInterval: 10 * time.Second},
	}
}

// check finds out whether the server knows sharded pub/sub.
func check(ctx context.Context, client rueidis.Client) error {
	err := client.Do(ctx, client.B().Arbitrary("PUBSUB", "SHARDNUMSUB").Build()).Error()
	var answer *rueidis.RedisError
	if errors.As(err, &answer) && !passing(answer) {
		return fmt.Errorf("at least version 7 of Redis is needed: PUBSUB SHARDNUMSUB: %w", answer)
	}
	return err
}

// Cluster reports whether this is known to be a Redis Cluster.
func (c *Client) Cluster() bool {
	client, err := c.conn()
	return err == nil && client.Mode() == rueidis.ClientModeCluster
}

// Ping reports whether Redis answers: every node of it.
func (c *Client) Ping(ctx context.Context) error {
	client, err := c.conn()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var failed error
	var wait sync.WaitGroup
	for address, node := range client.Nodes() {
		wait.Go(func() {
			if err := node.Do(ctx, node.B().Ping().Build()).Error(); err != nil {
				mu.Lock()
				failed = errors.Join(failed, fmt.Errorf("reach Redis at %s: %w", address, err))
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return failed
}

// Close ends the connections. What uses the client must have ended.
func (c *Client) Close() {
	c.closed.Do(func() {
		if c.stop != nil {
			c.stop()
			c.search.Wait()
		}
		if client, err := c.conn(); err == nil {
			client.Close()
		}
	})
}

// key names a key or a channel.
func (c *Client) key(kind byte, rest string) string {
	b := make([]byte, 0, len(c.cfg.Prefix)+3+len(rest))
	b = append(b, c.cfg.Prefix...)
	b = append(b, ':', kind, ':')
	return string(append(b, rest...))
}
