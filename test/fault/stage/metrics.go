package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const metricsTimeout = 2 * time.Second

// metric reads one of the node's metrics, one without labels.
func (n *Node) metric(ctx context.Context, name string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, metricsTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.metrics, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("metrics of %s: %w", n.Name, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("metrics of %s: %w", n.Name, err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64) //nolint:wrapcheck // says all
		}
	}
	return 0, errors.Join(fmt.Errorf("metrics of %s: no %s", n.Name, name), lines.Err())
}

// Owned gives how many partitions of the log the node owns; 0 if it does not answer.
func (n *Node) Owned(ctx context.Context) int {
	owned, err := n.metric(ctx, "parley_log_partitions_owned")
	if err != nil {
		return 0
	}
	return int(owned)
}

// Held gives what all nodes hold that they have to give back: goroutines, and open
// files with sockets. Which of them the clients are connected to makes no difference.
func (s *Stage) Held(ctx context.Context) (goroutines, files int, err error) {
	for _, n := range s.Nodes {
		g, gerr := n.metric(ctx, "go_goroutines")
		f, ferr := n.metric(ctx, "process_open_fds")
		if err := errors.Join(gerr, ferr); err != nil {
			return 0, 0, err
		}
		goroutines, files = goroutines+int(g), files+int(f)
	}
	return goroutines, files, nil
}
