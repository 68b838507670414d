package stage

import (
	"syscall"
	"testing"
)

func TestTheFilesOfANodeThatIsDownAreNotTheCallers(t *testing.T) {
	var before, after syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	was, err := new(Node).FilesLimit(before.Cur - 1)
	if err != nil || was != 0 {
		t.Errorf("got %d, %v; want nothing done", was, err)
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &after); err != nil {
		t.Fatal(err)
	}
	if after.Cur != before.Cur {
		t.Errorf("the caller may have %d files, had %d", after.Cur, before.Cur)
	}
}
