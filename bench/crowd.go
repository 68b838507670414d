package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/socketio/client"
)

// crowd is many sockets of different people. Close it.
type crowd struct {
	peers   []*peer
	entries atomic.Int64 // received, by all
	lags    samples      // from send to receiving, while timed
	timed   atomic.Bool
	lost    atomic.Int64 // connections that the server ended
	told    atomic.Int64 // connections that the server has told where their conversations stand
	where   func(s *server, person int) string
	// cursors are what each person was told last of where to go on from; nil: nobody's
	// is kept, and all are told anew.
	cursors []string
}

// dialing is how many connections are set up at a time.
const dialing = 16

// gather connects the first n people of a server: where says to which node; nil: in turn.
func gather(ctx context.Context, s *server, n int, where func(s *server, person int) string) (*crowd, error) {
	c := &crowd{where: where}
	if err := c.grow(ctx, s, n); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// grow connects people until n are.
func (c *crowd) grow(ctx context.Context, s *server, n int) error {
	from := len(c.peers)
	c.peers = append(c.peers, make([]*peer, n-from)...)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var next atomic.Int64
	next.Store(int64(from))
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range dialing {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				p, err := c.dial(ctx, s, i)
				if err != nil {
					mu.Lock()
					failed = errors.Join(failed, fmt.Errorf("connect person %d: %w", i, err))
					mu.Unlock()
					next.Store(int64(n)) // the others may stop
					return
				}
				c.peers[i] = p
			}
		})
	}
	wait.Wait()
	return failed
}

func (c *crowd) dial(ctx context.Context, s *server, i int) (*peer, error) {
	p := &peer{session: s.people[i]}
	o := client.Options{
		Auth:     map[string]string{"token": p.session.Token},
		OnPacket: c.packet,
		OnClose: func(err error) {
			if err != nil {
				c.lost.Add(1)
			}
		},
	}
	if c.cursors != nil {
		o.Auth = map[string]string{"token": p.session.Token, "cursor": c.cursors[i]}
		o.OnPacket = func(data []byte) bool {
			if bytes.HasPrefix(data, readyPrefix) {
				_, after, _ := bytes.Cut(data, cursorKey)
				cursor, _, _ := bytes.Cut(after, []byte{'"'})
				c.cursors[i] = string(cursor) // one socket of a person at a time
			}
			return c.packet(data)
		}
	}
	var err error
	p.socket, err = client.Dial(ctx, c.url(s, i), o)
	return p, err //nolint:wrapcheck // the caller names the person
}

func (c *crowd) url(s *server, person int) string {
	if c.where != nil {
		return c.where(s, person)
	}
	return s.url(person)
}

var (
	entryPrefix = []byte(`2["entry",`)
	readyPrefix = []byte(`2["ready",`)
	cursorKey   = []byte(`"cursor":"`)
	clientIDKey = []byte(`"client_id":"`)
)

// packet counts entries without decoding them, and takes the time since they were sent,
// which their client_id ends with.
func (c *crowd) packet(data []byte) bool {
	if !bytes.HasPrefix(data, entryPrefix) {
		if bytes.HasPrefix(data, readyPrefix) {
			c.told.Add(1)
		}
		return false
	}
	if c.timed.Load() {
		if _, after, ok := bytes.Cut(data, clientIDKey); ok {
			id, _, _ := bytes.Cut(after, []byte{'"'})
			if sent, err := strconv.ParseInt(string(id[bytes.LastIndexByte(id, '-')+1:]), 10, 64); err == nil {
				c.lags.add(time.Duration(time.Now().UnixNano() - sent))
			}
		}
	}
	c.entries.Add(1)
	return true
}

func (c *crowd) close() error {
	var err error
	for _, p := range c.peers {
		if p != nil {
			err = errors.Join(err, p.socket.Drop())
		}
	}
	return err
}

// filler makes a message about 200 bytes long on the wire, as people's are.
const filler = "The quick brown fox jumps over the lazy dog, and then it does so once more."

// message is a payload of message.send whose client_id is unique, says when it was sent,
// and, like those of real clients, sorts behind the ones that its sender used before.
func message(conversation string, sender, n int) json.RawMessage {
	b := make([]byte, 0, 256)
	b = append(b, `{"conversation_id":"`...)
	b = append(b, conversation...)
	b = append(b, `","client_id":"`...)
	b = fmt.Appendf(b, "%06d-%09d-%d", sender, n, time.Now().UnixNano())
	b = append(b, `","text":"`...)
	b = append(b, filler...)
	return append(b, `"}`...)
}

var okPrefix = []byte(`{"ok":true`)

// accepted turns an acknowledgement that is a refusal into an error.
func accepted(m client.Message, err error) error {
	if err != nil {
		return err
	}
	if len(m.Args) != 1 || !bytes.HasPrefix(m.Args[0], okPrefix) {
		return fmt.Errorf("refused: %.300s", m.Args)
	}
	return nil
}

// quietFor is how long nothing has to come until nothing is thought to be under way.
const quietFor = 700 * time.Millisecond

// quiet waits until no entry has come for a while.
func (c *crowd) quiet(ctx context.Context) {
	for last := int64(-1); ; {
		now := c.entries.Load()
		if now == last {
			return
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-time.After(quietFor):
		}
	}
}
