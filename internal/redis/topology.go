package redis

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	slotCount       = 16384
	topologyPause   = 10 * time.Second
	topologyTimeout = 2 * time.Second
)

// linkOf gives the link on which a topic is heard, or nil if no node has its slot.
// Bus.mu must be held.
func (b *Bus) linkOf(t chat.Topic) *link {
	switch len(b.slots) {
	case 0:
		return nil
	case 1:
		return b.slots[0]
	default:
		return b.slots[slotOf(b.channel(t))]
	}
}

// slotOf gives the slot of a channel's name: CRC16 (XMODEM) of the whole, modulo
// 16384 (Redis Cluster specification, "Key distribution model"). Names of channels
// hold no braces.
func slotOf(name string) uint16 {
	var crc uint16
	for i := range len(name) {
		crc ^= uint16(name[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc % slotCount
}

// findLinks learns which node has which slot, starts and ends links accordingly,
// and moves topics to the links they belong to. If Redis does not answer, all
// stays as it is, and keep asks again.
func (b *Bus) findLinks(ctx context.Context) {
	if _, err := b.client.conn(); err != nil { // nobody knows yet what it is
		b.stale.Store(true)
		return
	}
	addresses := []string{b.client.cfg.Hosts[0]}
	if b.client.Cluster() {
		found, err := b.client.slots(ctx)
		if err != nil {
			if ctx.Err() == nil {
				b.o.Logger.Warn("bus: topology not known", "error", err)
			}
			b.stale.Store(true)
			return
		}
		addresses = found
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	used := make(map[string]bool)
	slots := make([]*link, len(addresses))
	for i, address := range addresses {
		if address == "" {
			continue
		}
		used[address] = true
		l := b.links[address]
		if l == nil {
			l = b.startLink(ctx, address)
		}
		slots[i] = l
	}
	b.slots = slots
	for t, s := range b.topics {
		switch l := b.linkOf(t); {
		case s.count > 0 && s.at != l:
			s.missed = s.missed || s.on
			s.at, s.on = nil, false
			b.enqueue(l, t, s)
			if l == nil {
				b.stale.Store(true)
			}
		case s.count > 0 && l == nil: // nobody has the slot, still
			b.stale.Store(true)
		}
	}
	for address, l := range b.links {
		if !used[address] {
			l.stop()
			delete(b.links, address)
		}
	}
}

// startLink starts a link. Bus.mu must be held.
func (b *Bus) startLink(ctx context.Context, address string) *link {
	ctx, stop := context.WithCancel(ctx)
	l := &link{bus: b, address: address, wake: make(chan struct{}, 1), risen: make(chan struct{}), stop: stop}
	b.links[address] = l
	b.running.Go(func() { l.run(ctx) })
	return l
}

// slots asks the cluster which node has which slot.
func (c *Client) slots(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, topologyTimeout)
	defer cancel()
	client, err := c.conn()
	if err != nil {
		return nil, err
	}
	ranges, err := client.Do(ctx, client.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, fmt.Errorf("cluster slots: %w", err)
	}
	out := make([]string, slotCount)
	for i := range ranges {
		from, to, address, err := readRange(&ranges[i])
		if err != nil {
			return nil, fmt.Errorf("cluster slots: %w", err)
		}
		if address == "" { // the node that answered does not know its own name
			address = c.cfg.Hosts[0]
		}
		for slot := from; slot <= to; slot++ {
			out[slot] = address
		}
	}
	return out, nil
}

// readRange reads one element of the answer: first slot, last slot, the master as
// name, port and more, the replicas.
func readRange(m *rueidis.RedisMessage) (from, to int64, address string, err error) {
	parts, err := m.ToArray()
	if err != nil || len(parts) < 3 {
		return 0, 0, "", fmt.Errorf("a range of %d parts: %w", len(parts), err)
	}
	if from, err = parts[0].AsInt64(); err != nil {
		return 0, 0, "", fmt.Errorf("first slot: %w", err)
	}
	if to, err = parts[1].AsInt64(); err != nil {
		return 0, 0, "", fmt.Errorf("last slot: %w", err)
	}
	if from < 0 || to >= slotCount || from > to {
		return 0, 0, "", fmt.Errorf("slots %d to %d", from, to)
	}
	master, err := parts[2].ToArray()
	if err != nil || len(master) < 2 {
		return 0, 0, "", fmt.Errorf("a node of %d parts: %w", len(master), err)
	}
	host, err := master[0].ToString()
	if err != nil || host == "" || host == "?" {
		return from, to, "", nil //nolint:nilerr // a null name means the node that was asked
	}
	port, err := master[1].AsInt64()
	if err != nil {
		return 0, 0, "", fmt.Errorf("port: %w", err)
	}
	return from, to, net.JoinHostPort(host, strconv.FormatInt(port, 10)), nil
}
