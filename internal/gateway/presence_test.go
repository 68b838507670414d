package gateway_test

import (
	"context"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
)

// mute is a connection on which nothing gets through any more once it is cut, without
// anybody being told.
type mute struct {
	net.Conn
	cut *atomic.Bool
}

func (m mute) Write(b []byte) (int, error) {
	if m.cut.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

// A person whose clients leave pings unanswered is not heard, long before their sockets
// count as dead; one client that answers is enough.
func TestWhoLeavesPingsUnansweredIsNotHeard(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.Doubt = 50 * time.Millisecond })
	options := n.gateway.ServerOptions(socketio.AllowOrigins())
	options.Engine.PingInterval, options.Engine.PingTimeout = 200*time.Millisecond, time.Hour
	sockets := socketio.NewServer(options)
	n.gateway.Register(sockets)
	web := httptest.NewServer(sockets)
	t.Cleanup(func() {
		if err := sockets.Close(); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	n.web, web = web, n.web // where people connect
	alice := n.person()
	cut := make([]atomic.Bool, 2)
	devices := make([]*device, 2)
	for i := range devices {
		d, err := n.dial(client.Options{Auth: map[string]string{"token": alice.token}, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			var dialer net.Dialer
			c, err := dialer.DialContext(ctx, network, addr)
			return mute{c, &cut[i]}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		d.next(wire.EventReady)
		devices[i] = d
	}
	devices[0].must(wire.EventAttention, wire.Attention{On: true})
	heard := func(why string, anywhere, looking bool) {
		t.Helper()
		waitFor(t, why, func() bool {
			return n.gateway.Heard(alice.id) == anywhere && n.gateway.HeardLooking(alice.id) == looking
		})
	}
	heard("both answer", true, true)
	cut[0].Store(true)
	heard("the one that is looked at does not", true, false)
	cut[1].Store(true)
	heard("none does", false, false)
	cut[0].Store(false) // what it left unanswered stays so; new pings come after that only
	if len(n.gateway.Users()) != 1 || len(n.gateway.Looking()) != 1 {
		t.Error("got nobody, want alice here: her sockets are not dead")
	}
	if n.gateway.Heard(n.person().id) || n.gateway.HeardLooking(n.person().id) {
		t.Error("somebody is heard who was never here")
	}
	again := n.connect(alice)
	heard("a new one does", true, false)
	if err := again.client.Close(); err != nil {
		t.Fatal(err)
	}
	heard("it is gone", false, false)
	n.web, web = web, n.web
}

// Nobody stays online because the store cannot say when they were seen.
func TestStalePresenceIsCorrectedWithoutTheStore(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.PresenceCheck = 50 * time.Millisecond })
	alice, bob := n.person(), n.person()
	a, b := n.connect(alice), n.connect(bob)
	n.shown(bob)
	a.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{bob.id}})
	lose := func(e *chat.Event) bool { return e.Kind == chat.EventPresence }
	n.bus.lose.Store(&lose)
	n.views.fail.Store(true)
	defer n.views.fail.Store(false)
	if err := b.client.Close(); err != nil {
		t.Fatal(err)
	}
	var p wire.Presence
	a.next(wire.EventPresence).into(t, &p)
	if p.UserID != bob.id || p.Online || p.LastSeenAt != nil {
		t.Errorf("got %+v, want bob offline, seen nobody knows when", p)
	}
}
