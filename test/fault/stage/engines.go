package stage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// redisTimeout bounds one command to Redis.
const redisTimeout = 10 * time.Second

// Engines are the real parts that nodes of a cluster share. They are run by
// scripts/services, whose names for them these are.
type Engines struct {
	Brokers []string // kafka, or kafka3-1 to kafka3-3
	Redis   string
	SQL     string

	script   string
	postgres *url.URL // to the schema of this run
	redis    string   // host:port
	kafka    string   // host:port,…
	topic    string   // the log of this run
	clocks   string   // the folder of the files that set engines' clocks; empty: they cannot be set
}

// Settable reports whether the engines' clocks can be set.
func (e *Engines) Settable() bool { return e.clocks != "" }

// SetClock has an engine's time of day be wrong by whole seconds from now on
// (scripts/clock.c). A process that starts later has it wrong too.
func (e *Engines) SetClock(name string, by time.Duration) error {
	// Written in place, all at once: the engine has it in its memory.
	f, err := os.OpenFile(filepath.Join(e.clocks, name), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("set the clock of %s: %w", name, err)
	}
	var seconds [8]byte
	binary.NativeEndian.PutUint64(seconds[:], uint64(by/time.Second)) // two's complement, as C reads it
	_, err = f.WriteAt(seconds[:], 0)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set the clock of %s: %w", name, err)
	}
	return nil
}

// Control has scripts/services do something to an engine: kill, pause, resume, restart.
func (e *Engines) Control(ctx context.Context, action, name string) error {
	out, err := exec.CommandContext(ctx, e.script, action, name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", action, name, err, bytes.TrimSpace(out))
	}
	return nil
}

// Query runs SQL, past the nodes, and gives the first column of what it says.
func (e *Engines) Query(ctx context.Context, statement string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", e.postgres.String(), "-c", statement).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("sql: %w: %s", err, bytes.TrimSpace(out))
	}
	return strings.Fields(string(out)), nil
}

// Command sends one inline command to Redis, past the nodes, and gives the first line
// of the answer.
func (e *Engines) Command(ctx context.Context, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", e.redis)
	if err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		err = c.SetDeadline(deadline)
	}
	if err == nil {
		_, err = c.Write([]byte(line + "\r\n"))
	}
	if err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	if strings.HasPrefix(answer, "-") {
		return "", fmt.Errorf("redis: %s: %s", line, strings.TrimSpace(answer))
	}
	return strings.TrimSpace(answer), nil
}

// mend brings every engine back, whatever state it was left in.
func (e *Engines) mend(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, e.script, "status").Output()
	if err != nil {
		return fmt.Errorf("services status: %w", err)
	}
	var errs []error
	for line := range strings.Lines(string(out)) {
		name, state, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch ours := slices.Contains(append(e.Brokers, e.Redis, e.SQL), name); {
		case ours && strings.HasPrefix(state, "up"):
			errs = append(errs, e.Control(ctx, "resume", name))
		case ours:
			errs = append(errs, e.Control(ctx, "restart", name))
		}
	}
	return errors.Join(errs...)
}

// services finds scripts/services from here upwards.
func services() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find scripts/services: %w", err)
	}
	for {
		script := filepath.Join(dir, "scripts", "services")
		if _, err := os.Stat(script); err == nil {
			return script, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find scripts/services: not above the present folder")
		}
		dir = parent
	}
}
