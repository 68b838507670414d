package stage

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// attachTimeout bounds the attaching of strace.
const attachTimeout = 20 * time.Second

// Inject has strace make the node's system calls fail or take longer, by rules of
// strace's -e inject=. What it gives ends that.
func (n *Node) Inject(rules ...string) (end func() error, err error) {
	pid := n.PID()
	if pid == 0 {
		return func() error { return nil }, nil
	}
	args := []string{"-f", "-qq", "-o", "/dev/null", "-p", strconv.Itoa(pid), "-e", "signal=none"}
	for _, r := range rules {
		args = append(args, "-e", "inject="+r)
	}
	cmd := exec.Command("strace", args...)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start strace: %w", err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it ends by a signal
		close(done)
	}()
	return func() error {
		// It lets go of the process on SIGTERM, and ends with that signal.
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return nil //nolint:nilerr // it has ended with the process it looked at
		}
		select {
		case <-done:
			return nil
		case <-time.After(attachTimeout):
			_ = cmd.Process.Kill() // it does not listen
			<-done
			return n.Resume()
		}
	}, nil
}

// FilesLimit bounds how many files and sockets the node may have open, and gives the
// limit there was. The numbers are those of setrlimit(2). Of a node that is down it
// bounds nothing and gives 0: process 0 would be the caller itself.
func (n *Node) FilesLimit(most uint64) (before uint64, err error) {
	pid := n.PID()
	if pid == 0 {
		return 0, nil
	}
	var was syscall.Rlimit
	err = prlimit(pid, syscall.RLIMIT_NOFILE, nil, &was)
	if err == nil {
		err = prlimit(pid, syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: min(most, was.Max), Max: was.Max}, nil)
	}
	if errors.Is(err, syscall.ESRCH) { // it ended at this moment
		return 0, nil
	}
	return was.Cur, err
}

func prlimit(pid, resource int, set, get *syscall.Rlimit) error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), uintptr(resource),
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), 0, 0)
	if errno != 0 {
		return fmt.Errorf("prlimit: %w", errno)
	}
	return nil
}

// wait is time passing, or the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
