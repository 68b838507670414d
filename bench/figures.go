package bench

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// samples are durations that many goroutines measure.
type samples struct {
	mu sync.Mutex
	d  []time.Duration
}

func (s *samples) add(d ...time.Duration) {
	s.mu.Lock()
	s.d = append(s.d, d...)
	s.mu.Unlock()
}

// quantile gives the value below which that share of the samples lies; 0 of none.
func (s *samples) quantile(q float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.d) == 0 {
		return 0
	}
	slices.Sort(s.d)
	return s.d[min(len(s.d)-1, int(q*float64(len(s.d))))]
}

// mean gives the average; 0 of none.
func (s *samples) mean() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum time.Duration
	for _, d := range s.d {
		sum += d
	}
	return per(sum, len(s.d))
}

func (s *samples) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.d)
}

// micro prints a duration in microseconds.
func micro(d time.Duration) string { return fmt.Sprintf("%.1f us", float64(d.Nanoseconds())/1e3) }

// milli prints a duration in milliseconds.
func milli(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Nanoseconds())/1e6) }

// per divides a cost among n operations.
func per(total time.Duration, n int) time.Duration {
	if n == 0 {
		return 0
	}
	return total / time.Duration(n)
}

// line prints one measurement.
func line(out io.Writer, k kind, what, format string, args ...any) {
	fmt.Fprintf(out, "%-8s %-28s %s\n", k.name(), what, fmt.Sprintf(format, args...))
}
