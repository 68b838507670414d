package sequencer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// random draws commands that follow from a seed.
func random(seed, n int) []chat.Command {
	g := chattest.RandomCommand()
	cmds := chattest.Beginnings()
	for i := range n {
		cmd := g.Example(seed*10_000 + i)
		cmd.At = chattest.Epoch + chat.Time(i)*1000
		cmds = append(cmds, cmd)
	}
	return cmds
}

// Whatever happens to owners and the store, at any moment: everything that
// anybody was ever told is what the log, decided from its beginning, says, and the
// store has it in the end. Owners are killed, paused beyond their successors'
// takeover and let go again, stopped in order; several own at once; the store is
// down, fails before or after it did what it was asked.
func TestAheadAnyTakeoverAtAnyMoment(t *testing.T) {
	seeds := 80
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testTakeovers(t, seed) })
		})
	}
}

func testTakeovers(t *testing.T, seed int) {
	c := newCluster(t, chattest.NewMemory(), uint64(seed))
	c.lazy, c.frugal = seed%3 != 0, seed%4 != 0
	c.flaky = []int{0, 8, 40}[seed%3]
	cmds := random(seed, 250)
	writing := make(chan struct{})
	pauses := make([]time.Duration, len(cmds))
	for i := range pauses {
		pauses[i] = time.Duration(c.rand.IntN(30)) * time.Millisecond
	}
	go func() {
		defer close(writing)
		for i, cmd := range cmds {
			c.shelf.append(cmd)
			time.Sleep(pauses[i])
		}
	}()
	owners := []*process{c.boot()}
	for range 40 {
		var pick, wait int
		c.set(func() { pick, wait = c.rand.IntN(100), 1+c.rand.IntN(200) })
		p := owners[pick%len(owners)]
		switch {
		case pick < 20 && len(owners) < 4: // somebody takes over; the one before does not know
			owners = append(owners, c.boot())
		case pick < 35:
			p.gate.pause()
		case pick < 55:
			p.gate.resume()
		case pick < 65 && len(owners) > 1:
			p.kill()
			owners = append(owners[:pick%len(owners)], owners[pick%len(owners)+1:]...)
		case pick < 75 && len(owners) > 1:
			p.stop()
			owners = append(owners[:pick%len(owners)], owners[pick%len(owners)+1:]...)
		case pick < 85:
			c.set(func() { c.down = true })
		default:
			c.set(func() { c.down = false })
		}
		time.Sleep(time.Duration(wait) * time.Millisecond)
	}
	<-writing
	c.set(func() { c.down, c.flaky = false, 0 })
	for _, p := range owners {
		p.gate.resume()
	}
	c.await()
	for _, p := range owners {
		p.stop()
	}
	c.check(chattest.RandomRooms())
}
