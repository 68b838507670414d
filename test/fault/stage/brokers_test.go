package stage

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

func TestTheNextLeaderIsInSync(t *testing.T) {
	for _, test := range []struct {
		leader int32
		isr    []int32
		want   int32
		ok     bool
	}{
		{1, []int32{3, 1, 2}, 2, true},
		{3, []int32{1, 2, 3}, 1, true},
		{1, []int32{1, 3}, 3, true},
		{1, []int32{1}, 0, false},
		{-1, []int32{2, 3}, 0, false}, // nobody leads now
	} {
		got, ok := following(kadm.PartitionDetail{Leader: test.leader, ISR: test.isr, Replicas: []int32{1, 2, 3}})
		if got != test.want || ok != test.ok {
			t.Errorf("leader %d of %v: got %d %v, want %d %v", test.leader, test.isr, got, ok, test.want, test.ok)
		}
	}
}
