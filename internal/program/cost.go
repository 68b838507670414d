package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Cost is what the kernel says a process has used, from Linux' proc(5).
type Cost struct {
	RSS   int64         // bytes of memory now resident
	CPU   time.Duration // user and system time so far
	Files int           // open file descriptors
}

// userHz is the unit of CPU times in proc(5): USER_HZ is 100 on every Linux architecture that Go supports.
const userHz = 100

// Cost reads what the process costs at this moment.
func (p *Process) Cost() (Cost, error) { return CostOf(p.PID()) }

// CostOf reads what any process costs at this moment.
func CostOf(pid int) (Cost, error) {
	var c Cost
	dir := fmt.Sprintf("/proc/%d/", pid)
	status, err := os.ReadFile(dir + "status") //nolint:gosec // of a process id
	if err != nil {
		return c, fmt.Errorf("read cost: %w", err)
	}
	_, after, ok := bytes.Cut(status, []byte("\nVmRSS:"))
	fields := bytes.Fields(after)
	if !ok || len(fields) == 0 {
		return c, errors.New("read cost: no VmRSS")
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return c, fmt.Errorf("read cost: %w", err)
	}
	c.RSS = kib << 10

	stat, err := os.ReadFile(dir + "stat") //nolint:gosec // of a process id
	if err != nil {
		return c, fmt.Errorf("read cost: %w", err)
	}
	// The command's name, in parentheses, may hold anything; utime is the 12th field after it.
	fields = bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return c, errors.New("read cost: short stat")
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return c, fmt.Errorf("read cost: %w", err)
		}
		c.CPU += time.Duration(ticks) * time.Second / userHz
	}

	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		return c, fmt.Errorf("read cost: %w", err)
	}
	c.Files = len(files)
	return c, nil
}
