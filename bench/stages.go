package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// stages are the parts of a message's way that nodes measure, by the histograms of
// their metrics; the mean of each, for means add up.
var stages = []struct {
	name string // of the histogram
	what string // format of a line's part
	// stamped: it counts from the time in a command, which is cut to the millisecond,
	// so that it is half a millisecond too long on average.
	stamped bool
}{
	{"parley_log_append_seconds", "brokers have it after %s", false},
	{"parley_record_age_seconds", "its owner after %s", true},
	{"parley_record_tell_seconds", "who publishes it in %s", false},
	{"parley_delivery_seconds", "nodes with sockets have it after %s", true},
	{"parley_batch_commit_seconds", "a commit takes %s", false},
}

const cut = 500 * time.Microsecond

// sums are what all nodes have measured so far.
type sums map[string]struct{ seconds, count float64 }

// stages reads what the nodes have measured.
func (s *server) stages(ctx context.Context) (sums, error) {
	all := make(sums)
	for _, address := range s.metrics {
		if err := all.read(ctx, "http://"+address+"/metrics"); err != nil {
			return nil, fmt.Errorf("read metrics: %w", err)
		}
	}
	return all, nil
}

func (all sums) read(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err //nolint:wrapcheck // stages says of what
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err //nolint:wrapcheck // stages says of what
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	return all.add(res.Body)
}

// add reads metrics in the text format of Prometheus.
func (all sums) add(text io.Reader) error {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		name, number, _ := bytes.Cut(lines.Bytes(), []byte{' '})
		for _, stage := range stages {
			rest, ok := bytes.CutPrefix(name, []byte(stage.name))
			if !ok || string(rest) != "_sum" && string(rest) != "_count" {
				continue
			}
			value, err := strconv.ParseFloat(string(number), 64)
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			sum := all[stage.name]
			if string(rest) == "_sum" {
				sum.seconds += value
			} else {
				sum.count += value
			}
			all[stage.name] = sum
		}
	}
	return lines.Err() //nolint:wrapcheck // stages says of what
}

// since tells the means of what was measured after before.
func (all sums) since(before sums) string {
	text := ""
	for _, stage := range stages {
		now, then := all[stage.name], before[stage.name]
		if now.count == then.count {
			continue
		}
		mean := time.Duration((now.seconds - then.seconds) / (now.count - then.count) * float64(time.Second))
		if stage.stamped {
			mean = max(0, mean-cut)
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf(stage.what, milli(mean))
	}
	return text
}
