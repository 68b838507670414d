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

	stat, err := statOf(pid)
	if err != nil {
		return c, err
	}
	if c.CPU, err = ticks(stat[11:13]); err != nil {
		return c, err
	}

	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		return c, fmt.Errorf("read cost: %w", err)
	}
	c.Files = len(files)
	return c, nil
}

// statOf gives the fields of a process's stat from the third, its state, on.
func statOf(pid int) ([][]byte, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, fmt.Errorf("read cost: %w", err)
	}
	// The command's name, in parentheses, may hold anything; utime is the 12th field after it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 15 {
		return nil, errors.New("read cost: short stat")
	}
	return fields, nil
}

// ticks adds up fields that count the kernel's units.
func ticks(fields [][]byte) (time.Duration, error) {
	var sum time.Duration
	for _, field := range fields {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read cost: %w", err)
		}
		sum += time.Duration(n) * time.Second / userHz
	}
	return sum, nil
}

// FamilyCPU is the user and system time so far of a process, of those that it has
// started, directly or not, and of those of them that have ended and were waited for.
func FamilyCPU(pid int) (time.Duration, error) {
	parents, err := parents()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	found := false
	for member := range parents {
		p, ok := member, true
		for p != pid && ok {
			p, ok = parents[p], parents[p] != 0
		}
		if p != pid {
			continue
		}
		fields, err := statOf(member)
		if err != nil {
			continue // it has ended meanwhile: its parent has it, or will
		}
		cpu, err := ticks(fields[11:15]) // its own, and that of children that have ended
		if err != nil {
			return 0, err
		}
		sum, found = sum+cpu, true
	}
	if !found {
		return 0, fmt.Errorf("read cost: no process %d", pid)
	}
	return sum, nil
}

// parents gives the parent of each process.
func parents() (map[int]int, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all := make(map[int]int)
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue // not a process
		}
		fields, err := statOf(pid)
		if err != nil {
			continue // it has ended meanwhile
		}
		if all[pid], err = strconv.Atoi(string(fields[1])); err != nil {
			return nil, fmt.Errorf("read parent: %w", err)
		}
	}
	return all, nil
}
