package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// beyond is by how much the node's data may grow after its start at all: the kernel gives
// no more, and a Go program that is given no more ends. A heap grows by 64 MiB at once.
const beyond = 128 << 20

// restrictTimeout bounds the start with little memory: it may be that something else is
// broken that the node needs, and then there is nothing to learn.
const restrictTimeout = 15 * time.Second

// Restrict starts the node anew with a limit of memory, in bytes, that its runtime keeps
// to by collecting garbage earlier (GOMEMLIMIT), and a second one that the kernel holds it
// to (RLIMIT_DATA). Unrestrict ends that.
func (n *Node) Restrict(ctx context.Context, limit int64) error {
	err := n.end(fmt.Sprintf("GOMEMLIMIT=%d", limit))
	if err == nil {
		starting, cancel := context.WithTimeout(ctx, restrictTimeout)
		defer cancel()
		err = n.Start(starting)
	}
	if err != nil {
		return fmt.Errorf("restrict the memory of %s: %w", n.Name, err)
	}
	data, err := n.memory("VmData")
	if pid := n.PID(); err == nil && data > 0 && pid != 0 { // 0 would be the caller itself
		most := uint64(data + beyond)
		err = prlimit(pid, syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: most, Max: most}, nil)
	}
	if err != nil && !errors.Is(err, syscall.ESRCH) { // it ended at this moment
		return fmt.Errorf("restrict the memory of %s: %w", n.Name, err)
	}
	return nil
}

// Unrestrict kills the node; when it is started, it is as it was.
func (n *Node) Unrestrict() error { return n.end() }

// end kills the node, and gives what its environment has besides when it is started.
func (n *Node) end(besides ...string) error {
	if err := n.Kill(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.besides = besides
	return nil
}

// Resident is how much memory of its own the node has, in bytes, without the files that
// it maps; 0 while it is down.
func (n *Node) Resident() (int64, error) { return n.memory("RssAnon") }

// memory reads a field of the node's /proc/PID/status (proc(5)) that is in kB.
func (n *Node) memory(field string) (int64, error) {
	pid := n.PID()
	if pid == 0 {
		return 0, nil
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("memory of %s: %w", n.Name, err)
	}
	return kilobytes(string(status), field)
}

func kilobytes(status, field string) (int64, error) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read %s: %w", field, err)
			}
			return kb << 10, nil
		}
	}
	return 0, nil // a process that has ended has none
}
