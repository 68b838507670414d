package turn

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// Quota is how many relays one person may have at once. A device begins one by UDP and
	// one by TCP for each device that it sends to; two more are for ways that are looked for anew.
	Quota = 2*(chat.MaxCallParticipants-1) + 2
	// maxPeers bounds the addresses with which one relay may talk at once.
	maxPeers = 64
	// maxChannels bounds the channels of one relay: each packet is looked up among them.
	// Who has as many may begin and renew nothing with it any more; no client has.
	maxChannels = 128
	// promised is how long a relay that was granted may take to begin.
	promised = 10 * time.Second
)

// client is where a relay's owner sends from: one relay each.
type client string

func clientOf(a net.Addr) client { return client(a.Network() + " " + a.String()) }

// session is one relay and whose it is.
type session struct {
	name  string // the credentials that it began with
	user  chat.UserID
	began time.Time
	seen  time.Time // when its owner was in a call, the last time that was asked
	open  bool      // false: it was granted and has not begun
	port  uint16    // of the relay, once it is open
	peers map[netip.Addr]bool
	// channels are those that it has.
	channels int
}

// owner is somebody who has relays, or had one a moment ago.
type owner struct {
	relays map[client]bool
	flow   flow
}

// sessions are the relays there are. Safe for concurrent use.
type sessions struct {
	rate  int64 // bytes a second of one person in each direction; 0: no limit
	clock func() time.Time

	mu    sync.Mutex
	of    map[client]*session
	users map[chat.UserID]*owner
	total int64
}

func newSessions(rate int64, clock func() time.Time) *sessions {
	return &sessions{rate: rate, clock: clock, of: make(map[client]*session), users: make(map[chat.UserID]*owner)}
}

// grant makes room for a relay of somebody, unless they have as many as they may.
// The room is theirs for some seconds, or until the relay ends.
func (s *sessions) grant(c client, name string, user chat.UserID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	o := s.users[user]
	if o == nil {
		o = &owner{relays: make(map[client]bool), flow: newFlow(s.rate, s.clock)}
		s.users[user] = o
	}
	for other := range o.relays {
		if old := s.of[other]; other == c || !old.open && now.Sub(old.began) > promised {
			s.remove(other)
		}
	}
	if len(o.relays) >= Quota {
		return false
	}
	s.remove(c)
	s.of[c] = &session{name: name, user: user, began: now, seen: now, peers: make(map[netip.Addr]bool)}
	o.relays[c] = true
	return true
}

// begun notes that a relay is there, and gives what its owner's relays may carry.
func (s *sessions) begun(c client, port uint16) (flow, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.of[c]
	if found == nil {
		return flow{}, false
	}
	found.open, found.port = true, port
	s.total++
	return s.users[found.user].flow, true
}

// forget drops people without relays, once nobody is better off for it: who ends a relay
// and begins another one may carry no more than before.
func (s *sessions) forget() {
	for user, o := range s.users {
		if len(o.relays) == 0 && o.flow.in.full() && o.flow.out.full() {
			delete(s.users, user)
		}
	}
}

func (s *sessions) ended(c client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(c)
}

func (s *sessions) remove(c client) {
	found := s.of[c]
	if found == nil {
		return
	}
	delete(s.of, c)
	delete(s.users[found.user].relays, c)
}

// keeps reports whether a relay began with these credentials, so that they keep it
// after they have expired: calls last longer than what begins them.
func (s *sessions) keeps(c client, name string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.of[c]
	return found != nil && found.open && found.name == name && now.Sub(found.began) < longestCall
}

// people are those who have relays.
func (s *sessions) people() []chat.UserID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	return slices.Collect(maps.Keys(s.users))
}

// saw notes that somebody is in a call.
func (s *sessions) saw(user chat.UserID, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.users[user]; o != nil {
		for c := range o.relays {
			s.of[c].seen = now
		}
	}
}

// left gives the ports of relays whose owners have been in no call for a while.
func (s *sessions) left(now time.Time) []uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ports []uint16
	for _, one := range s.of {
		if one.open && now.Sub(one.seen) > afterCall {
			ports = append(ports, one.port)
		}
	}
	return ports
}

// mayTalk reports whether a relay may talk with one more address.
func (s *sessions) mayTalk(c client, peer netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.of[c]
	return found != nil && found.channels < maxChannels && (found.peers[peer] || len(found.peers) < maxPeers)
}

// channel counts one that began or ended.
func (s *sessions) channel(c client, more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.of[c]; found != nil {
		found.channels += more
	}
}

func (s *sessions) talks(c client, peer netip.Addr, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch found := s.of[c]; {
	case found == nil:
	case on:
		found.peers[peer] = true
	default:
		delete(found.peers, peer)
	}
}

// count gives how many relays there are, and how many there have been.
func (s *sessions) count() (now int, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.of {
		if one.open {
			now++
		}
	}
	return now, s.total
}
