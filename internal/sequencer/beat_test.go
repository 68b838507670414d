package sequencer

import (
	"testing"
	"time"
)

func TestSmallCommitsOfAStreamWaitForTheBeat(t *testing.T) {
	now := time.UnixMilli(1_000_000_012)
	c := &committer{claim: &claim{s: &Sequencer{o: Options{Now: func() time.Time { return now }}}}}
	if got := c.pause(); got != gather {
		t.Errorf("got a pause of %v before the first commit, want %v", got, gather)
	}
	c.last = now.Add(-beat)
	if got, want := c.pause(), 28*time.Millisecond; got != want { // 1,000,000,040 is the next beat
		t.Errorf("got a pause of %v after a commit %v ago, want %v", got, beat, want)
	}
	c.last = now.Add(-time.Second)
	if got := c.pause(); got != gather {
		t.Errorf("got a pause of %v after a quiet second, want %v", got, gather)
	}
}
