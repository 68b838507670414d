package storm

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/parley-chat/parley/test/fault/lan"
	"github.com/parley-chat/parley/test/fault/stage"
)

func networked(s *stage.Stage) bool { return s.LAN != nil }
func shaped(s *stage.Stage) bool    { return s.LAN != nil && s.LAN.Shapes() }

type breaks = func(context.Context, *Scene) (func(context.Context) error, error)

// network is the faults of the network between machines. Packets vanish without a word:
// connections stay as they are on both sides, and go on afterwards if nobody gave them up.
func network() []Fault {
	all := []Fault{
		{"node cut off", "node", networked, cutOff((*Scene).anyNode, both)},
		{"owner cut off", "node", networked, cutOff((*Scene).Owner, both)},
		{"node hears nothing", "node", networked, cutOff((*Scene).anyNode, inwards)},
		{"node says nothing", "node", networked, cutOff((*Scene).anyNode, outwards)},
		{"node unplugged", "node", networked, unplugged},
		{"node vanishes", "node", networked, vanishes},
		{"node without clients", "node", networked, withoutClients},
		{"ways crossed", "node", networked, waysCrossed},
		{"packets lost", "node", networked, packetsLost},
		{"narrow way", "node", shaped, narrowWay},
		{"node drops a broker", "way to log", networked, dropsBroker},
	}
	for _, part := range []string{"store", "bus", "log"} {
		all = append(
			all,
			Fault{"node drops " + part, "way to " + part, networked, dropped(part, both)},
			Fault{"node to " + part + " dropped", "way to " + part, networked, dropped(part, outwards)},
			Fault{part + " to node dropped", "way to " + part, networked, dropped(part, inwards)},
		)
	}
	return all
}

func (e *Scene) anyNode(context.Context) *stage.Node { return e.Any() }

// directions turns a way from a node into what is dropped of it.
type directions func(out lan.Way) []lan.Way

func outwards(out lan.Way) []lan.Way { return []lan.Way{out} }
func inwards(out lan.Way) []lan.Way  { return []lan.Way{out.Back()} }
func both(out lan.Way) []lan.Way     { return []lan.Way{out, out.Back()} }

// to gives the ways from a node to addresses.
func to(n *stage.Node, which directions, addresses ...netip.Addr) []lan.Way {
	var ways []lan.Way
	for _, a := range addresses {
		ways = append(ways, which(lan.Way{From: n.Host.Address, To: a})...)
	}
	return ways
}

// cutOff drops what goes between a node and everybody else.
func cutOff(node func(*Scene, context.Context) *stage.Node, which directions) breaks {
	return func(ctx context.Context, e *Scene) (func(context.Context) error, error) {
		return e.LAN.Drop(ctx, to(node(e, ctx), which, netip.Addr{})...) //nolint:wrapcheck // says all
	}
}

// dropped drops what goes between a node, now and then two, and an engine.
func dropped(part string, which directions) breaks {
	return func(ctx context.Context, e *Scene) (func(context.Context) error, error) {
		first := e.Rng.IntN(len(e.Nodes))
		ways := to(e.Nodes[first], which, e.At(part)...)
		if e.Rng.IntN(4) == 0 {
			ways = append(ways, to(e.Nodes[(first+1)%len(e.Nodes)], which, e.At(part)...)...)
		}
		return e.LAN.Drop(ctx, ways...) //nolint:wrapcheck // says all
	}
}

// dropsBroker leaves a node the other brokers.
func dropsBroker(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	brokers := e.At("log")
	return e.LAN.Drop(ctx, to(e.Any(), both, brokers[e.Rng.IntN(len(brokers))])...) //nolint:wrapcheck // says all
}

func withoutClients(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	return e.LAN.Drop(ctx, to(e.Any(), both, e.LAN.Clients())...) //nolint:wrapcheck // says all
}

// waysCrossed has every node lack something else that the other nodes have.
func waysCrossed(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	parts := []string{"store", "bus", "log"}
	e.Rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	var ways []lan.Way
	for i, n := range e.Nodes {
		ways = append(ways, to(n, both, e.At(parts[i%len(parts)])...)...)
	}
	return e.LAN.Drop(ctx, ways...) //nolint:wrapcheck // says all
}

func unplugged(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	return e.Any().Host.Unplug(ctx) //nolint:wrapcheck // says all
}

// vanishes is a machine that loses its power: nobody is told, and the one that starts in
// its place knows no connection.
func vanishes(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	pass, err := e.LAN.Drop(ctx, to(n, both, netip.Addr{})...)
	if err == nil {
		err = n.Kill()
	}
	return func(ctx context.Context) error {
		return errors.Join(n.Kill(), n.Host.Replace(ctx), pass(ctx))
	}, err //nolint:wrapcheck // says all
}

// packetsLost drops everything to or from a node for moments, while the window lasts:
// a third of the time, so that about as many packets have to be sent again.
func packetsLost(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	for began, round := time.Now(), 0; time.Since(began) < e.Hold; round++ {
		which := []directions{inwards, outwards, both}[round%3]
		pass, err := e.LAN.Drop(ctx, to(n, which, netip.Addr{})...)
		if err != nil {
			return pass, err //nolint:wrapcheck // says all
		}
		pauseFor(ctx, time.Duration(20+e.Rng.IntN(80))*time.Millisecond)
		if err := pass(ctx); err != nil {
			return pass, err //nolint:wrapcheck // says all
		}
		pauseFor(ctx, time.Duration(40+e.Rng.IntN(160))*time.Millisecond)
	}
	return nothing, nil
}

// narrowWay leaves a node less than it needs, so that packets wait and are dropped.
func narrowWay(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	return e.Any().Host.Narrow(ctx, 256+e.Rng.IntN(1024)) //nolint:wrapcheck // says all
}
