package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/parley-chat/parley/bench"
)

// measure starts this very program on empty data and puts load on it.
func measure(ctx context.Context, io IO) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	err = bench.Run(ctx, bench.Program{Args: io.Args, Binary: binary, Seed: seed, In: io.Stdin, Out: io.Stdout})
	if errors.Is(err, bench.ErrUsage) {
		return &UsageError{err}
	}
	return err //nolint:wrapcheck // says what was measured
}
