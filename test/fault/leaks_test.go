package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-chat/parley/test/fault/history"
)

func TestWhatALogMustNotHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.log")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r := &run{}
	var read int64
	for _, step := range []struct {
		name, text string
		want       int
	}{
		{"what it may hold", "level=INFO msg=\"logged in\" user_id=1\nlevel=INFO msg=request status=200\n", 0},
		{"a token", "level=INFO msg=request token=s3cr3t\n", 1},
		{"what was read before", "level=INFO msg=\"message of 3 bytes\"\n", 0},
		{"what somebody said", "level=ERROR record={\"text\":\"message 7 by device 3, 0123456789abcdef\"}\n", 1},
		{"both, edited", "edit 7 by device 3, 0123456789abcdef s3cr3t\n", 2},
	} {
		h := history.New(time.Now())
		write(step.text)
		n, err := r.readLog(h, path, read, []string{"s3cr3t"})
		if err != nil {
			t.Fatal(err)
		}
		read += n
		if _, counts := h.Anomalies(); counts["leak"] != step.want {
			t.Errorf("%s: got %v, want %d leaks", step.name, counts, step.want)
		}
	}
}
