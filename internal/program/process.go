package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Options says what to start. Command's first element is the binary; "serve" and the
// flags for the address and the data directory are not added by themselves.
type Options struct {
	Command []string
	Env     []string  // besides the environment of this process
	Dir     string    // where it runs; empty is here
	Log     io.Writer // standard error and output; nil drops them, the tail is kept anyway
	URL     string    // where it will answer, without a slash at the end
	Ready   string    // the path that answers 200 once it serves
}

// Process is a started program. Its methods are safe for concurrent use.
type Process struct {
	URL  string
	cmd  *exec.Cmd
	tail *tail
	done chan struct{} // closed when it ended
	err  error         // how; read after done
}

// ErrEnded is returned when the program ended before it served.
var ErrEnded = errors.New("the program ended")

// FreeAddress gives a loopback address at which nothing listens right now.
func FreeAddress() (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return address, nil
}

// Start runs the program and returns when it serves, or with an error that ends with
// the last lines it wrote. The process outlives ctx, which bounds the waiting only.
func Start(ctx context.Context, o Options) (*Process, error) {
	p := &Process{URL: o.URL, tail: &tail{to: o.Log}, done: make(chan struct{})}
	p.cmd = exec.Command(o.Command[0], o.Command[1:]...) //nolint:gosec,noctx // the caller's own binary; ctx bounds the waiting, not the process
	p.cmd.Env = append(os.Environ(), o.Env...)
	p.cmd.Dir = o.Dir
	p.cmd.Stdout, p.cmd.Stderr = p.tail, p.tail
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Command[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.await(ctx, o.URL+o.Ready); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return p, nil
}

func (p *Process) await(ctx context.Context, url string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return fmt.Errorf("ask whether it serves: %w", err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			err = res.Body.Close()
			if err == nil && res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("%w before it served: %w: %s", ErrEnded, p.err, p.tail.String())
		case <-ctx.Done():
			return fmt.Errorf("wait until it serves: %w: %s", ctx.Err(), p.tail.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Tail gives the last lines that the program wrote.
func (p *Process) Tail() string { return p.tail.String() }

// Done is closed when the program has ended, by whatever cause.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the program at once (SIGKILL) and waits for that. A program that has
// already ended is no error.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill: %w", err)
	}
	<-p.done
	return nil
}

// Stop asks the program to end (SIGTERM), waits, and gives an error if it does not
// exit with status 0 before ctx ends; then it is killed.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop: %w", err)
	}
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("stop: %w: %s", p.err, p.tail.String())
		}
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("stop: %w: %s", ctx.Err(), p.tail.String()), p.Kill())
	}
}

// tail passes on what is written and keeps the last of it.
type tail struct {
	mu   sync.Mutex
	to   io.Writer
	last []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if extra := len(t.last) - tailBytes; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
	if t.to == nil {
		return len(b), nil
	}
	return t.to.Write(b)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.last))
}
