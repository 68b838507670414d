package sabotage

import "testing"

func TestARealBuildIsWhole(t *testing.T) {
	if got := chosen; got != nothing {
		t.Errorf("got sabotage %d chosen, want nothing", got)
	}
}
