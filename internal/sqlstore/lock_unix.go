//go:build unix

package sqlstore

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes an exclusive lock that ends with the process, however it ends.
// ok is false when another process holds it.
func lockFile(path string) (f *os.File, ok bool, err error) {
	f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return nil, false, fmt.Errorf("open lock: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, true, nil
	}
	held := errors.Is(err, unix.EWOULDBLOCK)
	if cerr := f.Close(); cerr != nil && held {
		return nil, false, fmt.Errorf("close lock: %w", cerr)
	}
	if held {
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("lock: %w", err)
}
