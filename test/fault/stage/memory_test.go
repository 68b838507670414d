package stage

import (
	"os"
	"testing"
)

func TestMemoryIsReadAsTheKernelSaysIt(t *testing.T) {
	status := "Name:\tparley\nVmData:\t  218692 kB\nRssAnon:\t   20848 kB\n"
	for field, want := range map[string]int64{"RssAnon": 20848 << 10, "VmData": 218692 << 10, "VmSwap": 0} {
		if got, err := kilobytes(status, field); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", field, got, err, want)
		}
	}
	if got, err := kilobytes("RssAnon:\tmuch\n", "RssAnon"); err == nil {
		t.Errorf("got %d of what is no number", got)
	}
	own, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := kilobytes(string(own), "RssAnon"); err != nil || got < 1<<20 {
		t.Errorf("of this process: got %d, %v", got, err)
	}
}

func TestANodeThatIsDownHasNoMemory(t *testing.T) {
	if got, err := (&Node{}).Resident(); err != nil || got != 0 {
		t.Errorf("got %d, %v", got, err)
	}
}
