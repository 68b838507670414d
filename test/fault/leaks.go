package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/parley-chat/parley/test/fault/history"
)

const (
	// What nodes may hold more at rest than before the first fault: pools fill up, and
	// keep-alive connections of clients are not the same ones.
	moreHeld     = 1.25
	moreEachNode = 25
	// heldWait is how long they may take to give it back, times the patience.
	heldWait = 10 * time.Second
	maxLine  = 1 << 20
)

// said is what people write to each other here, and edit.
var said = regexp.MustCompile(`(message|edit) \d+ by device \d+, [0-9a-f]{16}`)

// leaks looks for what must not get out, and for what was not given back.
func (r *run) leaks(ctx context.Context, h *history.History) error {
	if err := r.readLogs(h); err != nil {
		return err
	}
	if r.goroutines == 0 {
		return nil // of a target that was never at rest
	}
	most := func(base int) int { return int(moreHeld*float64(base)) + moreEachNode*len(r.stage.Nodes) }
	var goroutines, files int
	for began := time.Now(); time.Since(began) < time.Duration(float64(heldWait)*r.o.patience); {
		var err error
		goroutines, files, err = r.stage.Held(ctx)
		if err == nil && goroutines <= most(r.goroutines) && files <= most(r.files) {
			logf("held at rest: %d goroutines, %d files; before the first fault %d and %d", goroutines, files, r.goroutines, r.files)
			return nil
		}
		if err := wait(ctx, poll); err != nil {
			return err
		}
	}
	h.Note("leak", "", fmt.Sprintf("at rest the nodes hold %d goroutines and %d open files, before the first fault %d and %d", goroutines, files, r.goroutines, r.files))
	return nil
}

// readLogs looks through what nodes wrote since the last time for secrets and for what
// people say to each other.
func (r *run) readLogs(h *history.History) error {
	secrets := append(r.crowd.Secrets(), r.stage.Secrets...)
	for _, n := range r.stage.Nodes {
		read, err := r.readLog(h, n.Log(), r.read[n.Log()], secrets)
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", n.Name, err)
		}
		r.read[n.Log()] += read
	}
	return nil
}

func (r *run) readLog(h *history.History, path string, from int64, secrets []string) (read int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err //nolint:wrapcheck // the caller names the node
	}
	defer func() { _ = f.Close() }() // it was read from only
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return 0, err //nolint:wrapcheck // the caller names the node
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line := lines.Text()
		read += int64(len(line)) + 1
		if said.MatchString(line) {
			h.Note("leak", "", "a node wrote what people say to each other to its log", line)
		}
		for _, s := range secrets {
			if strings.Contains(line, s) {
				h.Note("leak", "", "a node wrote a secret to its log", line)
			}
		}
	}
	return read, lines.Err() //nolint:wrapcheck // the caller names the node
}
