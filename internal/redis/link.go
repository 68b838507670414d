package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// pingPause and pingTimeout bound how long a link that went dumb is believed in.
	pingPause   = 2 * time.Second
	pingTimeout = 2 * time.Second
	// subscribeBatch is how many topics are asked for in one go.
	subscribeBatch   = 1000
	subscribeTimeout = 3 * time.Second
	firstRedial      = 50 * time.Millisecond
	longestRedial    = time.Second
)

// channelKinds are the letters of topics in the names of channels.
var channelKinds = map[chat.TopicKind]byte{
	chat.TopicConversation: 'c', chat.TopicUser: 'u', chat.TopicPresence: 'p', topicNode: 'n', topicAll: 'a',
}

// channel names the channel of a topic.
func (b *Bus) channel(t chat.Topic) string {
	return b.client.key(channelKinds[t.Kind], chat.RecordID(t.ID).String())
}

// topicOf reads the name of a channel.
func (b *Bus) topicOf(channel string) (t chat.Topic, ok bool) {
	rest, ok := strings.CutPrefix(channel, b.client.cfg.Prefix+":")
	if !ok || len(rest) < 2 || rest[1] != ':' {
		return t, false
	}
	for kind, letter := range channelKinds {
		if letter == rest[0] {
			t.Kind = kind
		}
	}
	id, err := chat.ParseID[chat.TopicKind](rest[2:])
	t.ID = id
	return t, err == nil && t.Kind != 0
}

// link is the connection on which the channels of one Redis node are heard. One
// goroutine serves all of them; Bus.mu guards the fields below the line.
type link struct {
	bus     *Bus
	address string
	wake    chan struct{}
	risen   chan struct{} // closed when it was up for the first time
	stop    context.CancelFunc

	todo   []chat.Topic // to be subscribed to, or left
	up     bool
	behind bool // it is up again, and not all topics are heard again
	owes   bool // something was missed: when the list is empty, the sink is told to resync
}

// enqueue notes that a topic is not as it should be. Bus.mu must be held.
func (b *Bus) enqueue(l *link, t chat.Topic, s *subscription) {
	if l == nil {
		if s.count == 0 {
			delete(b.topics, t)
		}
		return
	}
	if s.at != l {
		s.at, s.on, s.queued = l, false, false
	}
	if !s.queued {
		s.queued = true
		l.todo = append(l.todo, t)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run keeps the link up until ctx ends.
func (l *link) run(ctx context.Context) {
	pause, told := firstRedial, false
	for ctx.Err() == nil {
		err := l.live(ctx, func() {
			if told {
				l.bus.o.Logger.Info("bus: connected again", "address", l.address)
			}
			pause, told = firstRedial, false
		})
		l.fall()
		if ctx.Err() != nil {
			return
		}
		if !told { // once an outage
			l.bus.o.Logger.Warn("bus: no connection", "address", l.address, "error", err)
			told = true
		}
		l.bus.stale.Store(true) // perhaps it is not a part of the cluster any more
		l.bus.nudge()
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestRedial)
	}
}

// live is one connection, from dialling to its loss.
func (l *link) live(ctx context.Context, reached func()) error {
	options := l.bus.client.cfg.to(l.address)
	options.ForceSingleClient = true
	client, err := rueidis.NewClient(options)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer client.Close()
	conn, _ := client.Dedicate()
	defer conn.Close()
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) {
			if t, ok := l.bus.topicOf(m.Channel); ok {
				l.bus.deliver(t, m.Message)
			}
		},
		OnSubscription: func(s rueidis.PubSubSubscription) {
			if s.Kind == "sunsubscribe" {
				l.taken(s.Channel)
			}
		},
	})
	if err := ping(ctx, conn); err != nil {
		return err
	}
	reached()
	l.rise()
	beat := time.NewTicker(pingPause)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-lost:
			return errors.Join(errors.New("closed by the other end"), err)
		case <-l.wake:
			if err := l.work(ctx, conn); err != nil {
				return err
			}
		case <-beat.C:
			if err := ping(ctx, conn); err != nil {
				return err
			}
		}
	}
}

func ping(ctx context.Context, conn rueidis.DedicatedClient) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := conn.Do(ctx, conn.B().Ping().Build()).Error(); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// rise puts all of the link's topics on its list.
func (l *link) rise() {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	l.up, l.behind = true, true
	select {
	case <-l.risen:
	default:
		close(l.risen)
	}
	for t, s := range b.topics {
		if s.count > 0 && b.linkOf(t) == l {
			b.enqueue(l, t, s)
		}
	}
	select { // even if there is nothing to ask for: then it is whole at once
	case l.wake <- struct{}{}:
	default:
	}
}

// fall notes that nothing is heard here any more.
func (l *link) fall() {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.up {
		b.lostLinks.Add(1)
	}
	l.up, l.todo = false, nil
	for t, s := range b.topics {
		if s.at != l {
			continue
		}
		s.missed = s.missed || s.on
		s.at, s.on, s.leaving, s.lost, s.queued = nil, false, false, false, false
		if s.count == 0 {
			delete(b.topics, t)
		}
	}
}

// taken notes that the server ended a subscription: of its own accord, when the
// channel's slot went to another node.
func (l *link) taken(channel string) {
	b := l.bus
	t, ok := b.topicOf(channel)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.topics[t]
	if s == nil || s.at != l || s.leaving || s.count == 0 {
		return
	}
	s.missed = true
	b.stale.Store(true)
	b.nudge()
	if !s.on {
		s.lost = true
		return
	}
	s.on = false
	b.enqueue(b.linkOf(t), t, s)
}

// work asks for the topics on the list, and gives others up, until the list is
// empty; then it tells the sink to resync if that is owed.
func (l *link) work(ctx context.Context, conn rueidis.DedicatedClient) error {
	for {
		topics, commands, done := l.plan(conn)
		if done {
			return nil
		}
		if len(commands) == 0 {
			continue
		}
		limit, cancel := context.WithTimeout(ctx, subscribeTimeout)
		answers := conn.DoMulti(limit, commands...)
		cancel()
		if err := l.settle(topics, answers); err != nil {
			return err
		}
	}
}

// plan takes a part of the list and says what to do about it.
func (l *link) plan(conn rueidis.DedicatedClient) (topics []chat.Topic, commands rueidis.Commands, done bool) {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(l.todo) == 0 {
		if l.owes {
			l.owes = false
			b.inbox[0].resync()
		}
		l.behind = false
		l.todo = nil
		return nil, nil, true
	}
	n := min(len(l.todo), subscribeBatch)
	for _, t := range l.todo[:n] {
		s := b.topics[t]
		if s == nil || s.at != l {
			continue
		}
		s.queued = false
		switch {
		case s.count > 0 && !s.on:
			commands = append(commands, conn.B().Ssubscribe().Channel(b.channel(t)).Build())
		case s.count == 0 && s.on:
			s.leaving = true
			commands = append(commands, conn.B().Sunsubscribe().Channel(b.channel(t)).Build())
		case s.count == 0:
			delete(b.topics, t)
			continue
		default:
			continue
		}
		topics = append(topics, t)
	}
	l.todo = l.todo[n:]
	return topics, commands, false
}

// settle notes what the server answered. An error means that the connection is of no use.
func (l *link) settle(topics []chat.Topic, answers []rueidis.RedisResult) error {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, t := range topics {
		err := answers[i].Error()
		var refused *rueidis.RedisError
		if err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("subscribe: %w", err)
		}
		s := b.topics[t]
		if s == nil || s.at != l {
			continue
		}
		switch {
		case s.leaving:
			s.leaving, s.on = false, false
			if s.count > 0 {
				b.enqueue(b.linkOf(t), t, s)
			} else {
				delete(b.topics, t)
			}
		case refused != nil:
			// The slot is another node's, or nobody's for now: keep tries again
			// when it knows the topology.
			s.at = nil
			b.stale.Store(true)
			b.nudge()
		case s.lost:
			s.lost = false
			b.enqueue(b.linkOf(t), t, s)
		default:
			s.on = true
			l.owes, s.missed = l.owes || s.missed, false
			if s.ready != nil {
				close(s.ready)
				s.ready = nil
			}
			if s.count == 0 {
				b.enqueue(l, t, s)
			}
		}
	}
	return nil
}
