package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// A node that meets rules it does not know leaves all its partitions to others.
func TestAnOldNodeResigns(t *testing.T) {
	url := urlOf(fake(t), "?partitions=8")
	s := newTable()
	old, _ := openLog(t, url)
	young, gone := openLog(t, url)
	var met atomic.Bool
	stopOld := run(t, old, func(ctx context.Context, p chat.Partition) error {
		if _, err := p.Fetch(ctx, 0, 1); err != nil {
			return err
		}
		met.Store(true)
		return fmt.Errorf("a record from the future: %w", chat.ErrNewerRules)
	})
	eventually(t, "the old node owns all", func() bool { return len(old.Stats().Owned) == 8 })
	mustAppend(t, young, record(conversation(0), 0))
	eventually(t, "the old node meets it", met.Load)
	run(t, young, s.own)
	eventually(t, "the other node owns all", func() bool { return len(young.Stats().Owned) == 8 && len(old.Stats().Owned) == 0 })
	appendUntilApplied(t, young, gone, s, upTo(16), 20)
	stopOld() // in the middle of its resignation
}

// Of two programs that must be alone the later one is refused, and so is one that
// shares, beside one that must be alone.
func TestNodesThatMustBeAlone(t *testing.T) {
	url := urlOf(fake(t), "?partitions=4")
	open := func(alone string) *Log {
		l, _ := openLog(t, url)
		l.opts.Alone = alone
		return l
	}
	s := newTable()
	one := open("one")
	stop := run(t, one, s.own)
	eventually(t, "the first node owns all", func() bool { return len(one.Stats().Owned) == 4 })
	for _, alone := range []string{"another", ""} {
		if err := open(alone).Own(t.Context(), s.own); !errors.Is(err, ErrNotAlone) {
			t.Errorf("alone %q: got %v, want ErrNotAlone", alone, err)
		}
	}
	stop()
	again := open("one") // the same one, started again
	stop = run(t, again, s.own)
	eventually(t, "it owns all again", func() bool { return len(again.Stats().Owned) == 4 })
	stop()
	shared := open("")
	run(t, shared, s.own)
	eventually(t, "one that shares owns all", func() bool { return len(shared.Stats().Owned) == 4 })
	if err := open("one").Own(t.Context(), s.own); !errors.Is(err, ErrNotAlone) {
		t.Errorf("beside one that shares: got %v, want ErrNotAlone", err)
	}
}
