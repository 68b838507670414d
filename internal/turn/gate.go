package turn

import (
	"errors"
	"net"
	"time"

	"github.com/pion/stun/v3"
)

// maxPacket bounds what a client sends at once, in bytes: media are below an Ethernet frame.
const maxPacket = 1600

// verdict is what becomes of a packet of a client.
type verdict int

const (
	pass  verdict = iota // on to pion
	greet                // on to pion, which answers, though nobody knows who asks
	drop                 // nothing that we know
	deny                 // the answer says why
	flood                // no answer: the address asked too much without showing who it is
)

// check looks at a packet before pion does. Requests with credentials that are not
// right get 401 with what RFC 8489 section 9.2.4 asks for; pion would answer 400,
// of which clients do not know that other credentials would help. signed says that
// the packet's sender has right ones.
func (s *Server) check(packet []byte, from net.Addr) (v verdict, answer []byte, signed bool) {
	if !stun.IsMessage(packet) {
		if isChannelData(packet) {
			return pass, nil, false
		}
		return drop, nil, false
	}
	m := &stun.Message{Raw: append([]byte{}, packet...)}
	if m.Decode() != nil || m.Type.Class != stun.ClassRequest && m.Type.Class != stun.ClassIndication {
		return drop, nil, false
	}
	if m.Type.Class != stun.ClassRequest {
		return pass, nil, false
	}
	if !m.Contains(stun.AttrMessageIntegrity) {
		return greet, nil, false
	}
	var name stun.Username
	if err := name.GetFrom(m); err == nil {
		if k, ok := s.keyOf(name.String(), from); ok && stun.MessageIntegrity(k).Check(m) == nil {
			return pass, nil, true
		}
	}
	var nonce stun.Nonce
	if nonce.GetFrom(m) != nil {
		return greet, nil, false // 400
	}
	reply, err := stun.Build(
		stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, stun.ClassErrorResponse),
		stun.CodeUnauthorized, nonce, stun.NewRealm(realm),
	)
	if err != nil {
		return drop, nil, false
	}
	return deny, reply.Raw, false
}

// isChannelData reports whether a packet has the form of RFC 8656 section 12.4.
func isChannelData(p []byte) bool { return len(p) >= 4 && p[0]&0xc0 == 0x40 }

// keyOf gives the key of the person whose credentials these say they are: theirs
// unless they have expired, or keep a relay that the same client began with them.
func (s *Server) keyOf(name string, from net.Addr) ([]byte, bool) {
	now := s.o.Clock()
	_, expires, ok := holder(name)
	switch {
	case !ok, expires.After(now.Add(Lifetime + skew)):
		return nil, false
	case !expires.After(now) && !s.sessions.keeps(clientOf(from), name, now):
		return nil, false
	}
	return key(s.o.Secret, name), true
}

// gate is the socket of UDP as pion sees it.
type gate struct {
	net.PacketConn
	s *Server
}

// ReadFrom gives the next packet that is for pion. It ends only with the socket: some
// systems tell of packets that could not be delivered by an error of the next read.
func (g gate) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := g.PacketConn.ReadFrom(p)
		if errors.Is(err, net.ErrClosed) {
			return 0, nil, err //nolint:wrapcheck // of the socket
		}
		if err != nil {
			select {
			case <-g.s.done:
				return 0, nil, net.ErrClosed
			case <-time.After(pause):
			}
			continue
		}
		v, answer, _ := g.s.check(p[:n], from)
		if (v == greet || v == deny) && !g.s.asking.mayAsk(from, g.s.o.Clock()) {
			v = flood
		}
		if v == pass || v == greet {
			return n, from, nil
		}
		g.s.refused(v)
		if v == deny {
			_, _ = g.PacketConn.WriteTo(answer, from) // who asked asks again
		}
	}
}
