package redis

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// keepPause is the least time between two looks at what is owed or stale.
	keepPause = 250 * time.Millisecond
	// shoutPause is the least time between two calls to all nodes to resync, for
	// as long as a part of Redis is gone and more is lost all the time.
	shoutPause = time.Second
)

// keep tells other nodes to resync when that is owed, and looks at the topology,
// until ctx ends.
func (b *Bus) keep(ctx context.Context) {
	look := time.NewTicker(b.look)
	defer look.Stop()
	retry := time.NewTimer(keepPause)
	defer retry.Stop()
	silent := time.NewTimer(0) // when it has run out, nodes may be told again
	defer silent.Stop()
	quiet := true
	for {
		due := false
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			due = true
		case <-silent.C:
			quiet = false
		case <-b.prompt:
		case <-retry.C:
		}
		if b.stale.Swap(false) || due {
			b.findLinks(ctx)
		}
		if !quiet && b.owed.Swap(false) {
			if b.shout(ctx) {
				quiet = true
				silent.Reset(shoutPause)
			} else {
				b.owed.Store(true)
			}
		}
		if b.owed.Load() || b.stale.Load() {
			retry.Reset(keepPause)
		}
		select { // whoever asks, and how often
		case <-ctx.Done():
			return
		case <-time.After(keepPause / 10):
		}
	}
}

// shout tells all nodes to resync, and reports whether Redis took it.
func (b *Bus) shout(ctx context.Context) bool {
	client, err := b.client.conn()
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	body := appendHeader(nil, b.origin)
	channel := b.channel(chat.Topic{Kind: topicAll})
	return client.Do(ctx, client.B().Spublish().Channel(channel).Message(rueidis.BinaryString(body)).Build()).Error() == nil
}
