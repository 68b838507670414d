package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
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
	cfg    *Config
	redis  rueidis.Client
	closed sync.Once
}

// Open reaches Redis, and fails if it cannot, or if it is older than version 7.
func Open(ctx context.Context, cfg *Config) (*Client, error) {
	opened := make(chan *Client)
	failed := make(chan error, 1)
	go func() { // the library's own waiting knows no context
		redis, err := rueidis.NewClient(cfg.to(cfg.Hosts...))
		if err != nil {
			failed <- err
			return
		}
		select {
		case opened <- &Client{cfg: cfg, redis: redis}:
		case <-ctx.Done(): // nobody waits any more
			redis.Close()
		}
	}()
	select {
	case c := <-opened:
		if err := c.check(ctx); err != nil {
			c.Close()
			return nil, fmt.Errorf("open bus: %w", err)
		}
		return c, nil
	case err := <-failed:
		return nil, fmt.Errorf("open bus: %w", err)
	case <-ctx.Done():
		return nil, fmt.Errorf("open bus: %w", ctx.Err())
	}
}

// to gives the options of a connection to some hosts.
func (c *Config) to(addresses ...string) rueidis.ClientOption {
	return rueidis.ClientOption{
		InitAddress:         addresses,
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
func (c *Client) check(ctx context.Context) error {
	err := c.redis.Do(ctx, c.redis.B().Arbitrary("PUBSUB", "SHARDNUMSUB").Build()).Error()
	var answer *rueidis.RedisError
	if errors.As(err, &answer) {
		return fmt.Errorf("at least version 7 of Redis is needed: PUBSUB SHARDNUMSUB: %w", answer)
	}
	return err
}

// Cluster reports whether this is a Redis Cluster.
func (c *Client) Cluster() bool { return c.redis.Mode() == rueidis.ClientModeCluster }

// Ping reports whether Redis answers: every node of it.
func (c *Client) Ping(ctx context.Context) error {
	var mu sync.Mutex
	var failed error
	var wait sync.WaitGroup
	for address, node := range c.redis.Nodes() {
		wait.Go(func() {
			if err := node.Do(ctx, node.B().Ping().Build()).Error(); err != nil {
				mu.Lock()
				failed = errors.Join(failed, fmt.Errorf("reach %s: %w", address, err))
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return failed
}

// Close ends the connections. What uses the client must have ended.
func (c *Client) Close() { c.closed.Do(c.redis.Close) }

// key names a key or a channel.
func (c *Client) key(kind byte, rest string) string {
	b := make([]byte, 0, len(c.cfg.Prefix)+3+len(rest))
	b = append(b, c.cfg.Prefix...)
	b = append(b, ':', kind, ':')
	return string(append(b, rest...))
}
