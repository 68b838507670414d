package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/packet"
)

// peer is one connection with its sockets: usually one. It implements engineio.Session.
type peer struct {
	srv  *Server
	conn *engineio.Conn

	// Used by Message only, which is never called twice at a time.
	assembly *packet.Assembly // nil when nothing is missing
	offences uint16

	mu        sync.Mutex
	joined    bool // has been in a namespace
	closed    bool
	connectBy int64 // ns: when a namespace must have been joined; 0 while in one
	wakeAt    int64 // ns: what the connection was asked for
	sockets   []*Socket
}

func badPacket(text string) error {
	return &CloseError{Reason: ReasonBadPacket, Text: "bad_packet: " + text}
}

// Message implements engineio.Session.
func (p *peer) Message(data []byte, binary bool) error {
	if binary {
		return p.attach(data)
	}
	if p.assembly != nil {
		return badPacket("attachment expected")
	}
	pk, err := packet.Parse(data)
	if err != nil {
		return badPacket(err.Error())
	}
	switch pk.Type {
	case packet.Connect:
		return p.connect(pk)
	case packet.Disconnect:
		return p.disconnect(pk.Namespace)
	case packet.Event, packet.Ack, packet.BinaryEvent, packet.BinaryAck:
		pk.Data = bytes.Clone(pk.Data) // handlers may keep it
		if pk.Attachments == 0 {
			return p.handle(pk, nil)
		}
		p.assembly = &packet.Assembly{}
		_, err := p.assembly.Begin(pk)
		return err
	case packet.ConnectError:
	}
	return badPacket("packet only a server may send")
}

// attach takes a binary attachment.
func (p *peer) attach(data []byte) error {
	if p.assembly == nil {
		return badPacket("binary data nobody announced")
	}
	complete, err := p.assembly.Add(data, p.srv.maxPayload)
	if errors.Is(err, packet.ErrTooBig) {
		return &CloseError{Reason: ReasonTooBig}
	}
	if err != nil || !complete {
		return err
	}
	pk, attachments := p.assembly.Take()
	p.assembly = nil
	return p.handle(pk, attachments)
}

// handle handles a complete event or acknowledgement.
func (p *peer) handle(pk packet.Packet, attachments [][]byte) error {
	s := p.socket(pk.Namespace)
	if s == nil || !s.Connected() && !s.accepted() {
		return p.offence("packet for a namespace not joined")
	}
	if pk.Type == packet.Ack || pk.Type == packet.BinaryAck {
		args, err := packet.Split(pk.Data)
		if err != nil {
			return badPacket(err.Error())
		}
		a, ok := s.takeAck(pk.ID)
		if !ok {
			p.srv.stats.strayAcks.Add(1)
			return p.offence("acknowledgement nobody asked for")
		}
		s.guard("ack", Ack{}, func() { a.done(Message{Args: args, Attachments: attachments}, nil) })
		return nil
	}
	event, args, err := packet.SplitEvent(pk.Data)
	if err != nil {
		return badPacket(err.Error())
	}
	var ack Ack
	if pk.HasID {
		ack.p = &pendingAck{socket: s, id: pk.ID}
	}
	p.srv.stats.events.Add(1)
	return s.ns.dispatch(s, event, Message{Args: args, Attachments: attachments}, ack)
}

// offence counts a packet without effect. Before the first namespace nothing but CONNECT
// is allowed.
func (p *peer) offence(text string) error {
	p.mu.Lock()
	joined := p.joined
	p.mu.Unlock()
	p.offences++
	if !joined || int(p.offences) > p.srv.opt.MaxOffences {
		return badPacket(text)
	}
	return nil
}

// connect handles CONNECT.
func (p *peer) connect(pk packet.Packet) error {
	if len(pk.Data) > p.srv.opt.MaxAuth {
		p.refuse(pk.Namespace, &ConnectError{Message: "auth too large", Data: errorCode{"bad_payload"}})
		return p.refusal()
	}
	ns := p.srv.find(pk.Namespace)
	if ns == nil {
		p.refuse(pk.Namespace, &ConnectError{Message: "Invalid namespace"})
		return p.refusal()
	}
	s := &Socket{ns: ns, peer: p}
	if err := p.srv.randomID(&s.id); err != nil {
		return &CloseError{Reason: ReasonTransportError}
	}
	if !p.enter(s) {
		return badPacket("namespace joined twice")
	}
	if ns.onConnect == nil {
		p.decided(s, nil)
		return nil
	}
	var auth json.RawMessage
	if len(pk.Data) > 0 {
		auth = bytes.Clone(pk.Data)
	}
	if !p.srv.connects.run(func() { p.decide(s, auth) }) {
		p.decided(s, &ConnectError{Message: "overloaded", Data: errorCode{"overloaded"}})
	}
	return nil
}

// errorCode is the data of the refusals this package makes.
type errorCode struct {
	Code string `json:"code"`
}

// refusal counts a CONNECT that named no namespace of ours.
func (p *peer) refusal() error {
	p.offences++
	if int(p.offences) > p.srv.opt.MaxOffences {
		return badPacket("too many refused namespaces")
	}
	return nil
}

func (p *peer) refuse(namespace string, e *ConnectError) {
	// An error means that the client is gone already.
	_ = p.conn.Send(controlFrame(packet.ConnectError, namespace, e.encode()).engine, 0)
}

// decide asks the application. It runs in the pool.
func (p *peer) decide(s *Socket, auth json.RawMessage) {
	err := error(&ConnectError{Message: "internal", Data: errorCode{"internal"}})
	s.guard("connect", Ack{}, func() { err = s.ns.onConnect(s, auth) })
	p.decided(s, err)
}

// decided carries the application's decision out.
func (p *peer) decided(s *Socket, err error) {
	if err == nil {
		if s.accept() {
			p.settled(s)
			return
		}
		// Closed while the application was deciding: it has to be told after all.
		p.leave(s)
		s.mu.Lock()
		reason := s.reason
		s.mu.Unlock()
		p.conn.Later(func() { s.ns.disconnected(s, reason) })
		return
	}
	s.close(ReasonServerDisconnect)
	p.leave(s)
	var ce *ConnectError
	if !errors.As(err, &ce) {
		p.srv.log.Error("socket.io: connect handler failed", "namespace", s.ns.name, "error", err)
		ce = &ConnectError{Message: "internal", Data: errorCode{"internal"}}
	}
	p.refuse(s.ns.name, ce)
}

// settled notes that the connection is in a namespace.
func (p *peer) settled(s *Socket) {
	p.mu.Lock()
	p.joined = true
	if slices.Contains(p.sockets, s) {
		p.connectBy = 0
	}
	p.mu.Unlock()
}

// disconnect handles the client's DISCONNECT.
func (p *peer) disconnect(namespace string) error {
	s := p.socket(namespace)
	if s == nil {
		return p.offence("namespace not joined")
	}
	connected := s.close(ReasonClientDisconnect)
	p.leave(s)
	if connected {
		s.ns.disconnected(s, ReasonClientDisconnect)
	}
	return nil
}

func (p *peer) socket(namespace string) *Socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets {
		if s.ns.name == namespace {
			return s
		}
	}
	return nil
}

// enter adds a socket; false when its namespace has one already.
func (p *peer) enter(s *Socket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range p.sockets {
		if other.ns == s.ns {
			return false
		}
	}
	if p.sockets == nil {
		p.sockets = make([]*Socket, 0, 1)
	}
	p.sockets = append(p.sockets, s)
	return !p.closed
}

// leave removes a socket and returns how many are left. Without any, the time to join
// one starts again.
func (p *peer) leave(s *Socket) int {
	now := p.conn.Now()
	p.mu.Lock()
	if i := slices.Index(p.sockets, s); i >= 0 {
		p.sockets = slices.Delete(p.sockets, i, i+1)
	}
	left, closed := len(p.sockets), p.closed
	by := now + int64(p.srv.opt.ConnectTimeout)
	if left == 0 && p.connectBy == 0 {
		p.connectBy = by
	}
	p.mu.Unlock()
	if left == 0 && !closed {
		p.wakeBy(by)
	}
	return left
}

// wakeBy makes Wake be called at the given time or before.
func (p *peer) wakeBy(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wakeAt == 0 || at < p.wakeAt {
		p.wakeAt = at
		p.conn.WakeAt(at)
	}
}

// Wake implements engineio.Session.
func (p *peer) Wake(now int64) {
	p.mu.Lock()
	p.wakeAt = 0
	next := p.connectBy
	late := next != 0 && now >= next && len(p.sockets) == 0
	if next != 0 && now >= next && !late { // an application is still deciding
		next = now + int64(p.srv.opt.ConnectTimeout)
		p.connectBy = next
	}
	sockets := slices.Clone(p.sockets)
	p.mu.Unlock()
	if late {
		p.conn.Close(&CloseError{Reason: ReasonConnectTimeout, Code: 1008})
		return
	}
	for _, s := range sockets {
		if at := s.expireAcks(now); at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if next != 0 {
		p.wakeBy(next)
	}
}

// Behind implements engineio.Session.
func (p *peer) Behind() { p.each("behind", p.srv.opt.OnBehind) }

// CaughtUp implements engineio.Session.
func (p *peer) CaughtUp() { p.each("caught up", p.srv.opt.OnCaughtUp) }

func (p *peer) each(event string, f func(*Socket)) {
	if f == nil {
		return
	}
	p.mu.Lock()
	sockets := slices.Clone(p.sockets)
	p.mu.Unlock()
	for _, s := range sockets {
		if s.Connected() {
			s.guard(event, Ack{}, func() { f(s) })
		}
	}
}

// Closed implements engineio.Session.
func (p *peer) Closed(reason Reason) {
	p.mu.Lock()
	p.closed = true
	sockets := p.sockets
	p.sockets = nil
	p.mu.Unlock()
	p.assembly = nil
	for _, s := range sockets {
		if s.close(reason) {
			s.ns.disconnected(s, reason)
		}
	}
}
