package stage

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// PowerLoss kills the node as a power cut does: what it had written to its store and
// not synced is garbage afterwards. It watches the node's writes with strace for as
// long as hold, kills it, and gives how many writes were lost.
func (n *Node) PowerLoss(ctx context.Context, hold time.Duration, rng *rand.Rand) (torn int, err error) {
	pid := n.PID()
	if pid == 0 {
		return 0, nil
	}
	trace := filepath.Join(n.Data, "power.trace")
	cmd := exec.Command("strace", "-f", "-qq", "-y", "-s", "0", "-e", "signal=none",
		"-e", "trace=pwrite64,write,fsync,fdatasync,ftruncate", "-o", trace, "-p", strconv.Itoa(pid))
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start strace: %w", err)
	}
	wait(ctx, hold)
	err = n.Kill()
	if werr := cmd.Wait(); err == nil && werr != nil && cmd.ProcessState == nil {
		err = werr
	}
	if err != nil {
		return 0, fmt.Errorf("watch writes: %w", err)
	}
	f, err := os.Open(trace)
	if err != nil {
		return 0, fmt.Errorf("read writes: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read from only
	lost, err := unsynced(bufio.NewScanner(f))
	if err != nil {
		return 0, err
	}
	for _, w := range lost {
		if err := w.spoil(rng); err != nil {
			return torn, err
		}
		torn++
	}
	return torn, os.Remove(trace) //nolint:wrapcheck // says all
}

// written is one write to a file of the store.
type written struct {
	path      string
	from, len int64
}

var (
	// 123 pwrite64(7</data/parley.db-wal>, ""..., 4096, 8192) = 4096
	wrote = regexp.MustCompile(`^\d+ +(?:<\.\.\. )?pwrite64\(\d+<([^>]+)>, .*, (\d+), (\d+)`)
	// 123 fdatasync(7</data/parley.db-wal>) = 0, perhaps in two lines
	synced    = regexp.MustCompile(`^\d+ +f(?:data)?sync\(\d+<([^>]+)>`)
	truncated = regexp.MustCompile(`^\d+ +ftruncate\(\d+<([^>]+)>, (\d+)`)
)

// unsynced reads what strace saw and gives the writes that no later sync covers. A sync
// that had only begun counts as done: then less is lost, which is no wrong verdict.
func unsynced(lines *bufio.Scanner) ([]written, error) {
	open := map[string][]written{}
	for lines.Scan() {
		line := lines.Text()
		if m := wrote.FindStringSubmatch(line); m != nil && strings.Contains(filepath.Base(m[1]), ".db") && !strings.HasSuffix(m[1], "-shm") {
			size, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read writes: %w", err)
			}
			from, err := strconv.ParseInt(m[3], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read writes: %w", err)
			}
			open[m[1]] = append(open[m[1]], written{m[1], from, size})
		} else if m := synced.FindStringSubmatch(line); m != nil {
			delete(open, m[1])
		} else if m := truncated.FindStringSubmatch(line); m != nil {
			delete(open, m[1])
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read writes: %w", err)
	}
	var all []written
	for _, w := range open {
		all = append(all, w...)
	}
	return all, nil
}

// spoil makes the written bytes what a disk may hold that never got them: garbage,
// or nothing, if the file ended there.
func (w written) spoil(rng *rand.Rand) error {
	f, err := os.OpenFile(w.path, os.O_RDWR, 0)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lose a write: %w", err)
	}
	info, err := f.Stat()
	if err == nil && w.from < info.Size() {
		garbage := make([]byte, min(w.len, info.Size()-w.from))
		if rng.IntN(2) == 0 { // else zeros
			for i := range garbage {
				garbage[i] = byte(rng.Uint32())
			}
		}
		_, err = f.WriteAt(garbage, w.from)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("lose a write: %w", err)
	}
	return nil
}
