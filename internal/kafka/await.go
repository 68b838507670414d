package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// searchTimeout bounds one try to reach brokers that were not there at the start.
const searchTimeout = 10 * time.Second

// errAway is what everything gets that needs brokers before one was reached for the
// first time. It was told when the node started, once.
var errAway = errors.New("no broker has been reached since the start")

// Await is Open for a node that serves what it can without brokers rather than nothing:
// where none can be reached for as long as ctx lasts, the log is given without them and
// says so. Append gives ErrUnavailable then, and Own looks for them. An answer that
// waiting does not mend is an error, of Await or, if it comes late, of Own: credentials
// that are wrong, a topic that does not fit.
func Await(ctx context.Context, cfg *Config, opts Options) (*Log, error) {
	l, err := newLog(ctx, cfg, opts)
	if err != nil {
		return nil, err
	}
	switch err := l.prepare(ctx); {
	case err == nil:
		close(l.found)
	case !transient(err):
		l.discard()
		return nil, err
	default:
		opts.Logger.Warn("Kafka cannot be reached: this node begins without it, takes no messages, and looks for it", "error", err)
		l.missing.Store(&err)
	}
	return l, nil
}

// away gives why the brokers have not been reached; nil if they were.
func (l *Log) away() error {
	select {
	case <-l.found:
		return nil
	default:
	}
	if why := l.missing.Load(); why != nil {
		return fmt.Errorf("%w: %w", errAway, *why)
	}
	return errAway
}

// find tries to reach the brokers until it does, or ctx ends.
func (l *Log) find(ctx context.Context) error {
	if l.away() == nil {
		return nil
	}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		try, cancel := context.WithTimeout(ctx, searchTimeout)
		err := l.prepare(try)
		cancel()
		switch {
		case err == nil:
			l.opts.Logger.Info("Kafka was found: this node takes messages")
			close(l.found)
			return nil
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that the caller asked for
		case !transient(err):
			return err
		}
		l.missing.Store(&err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// transient reports whether an error is one of reaching brokers, or of brokers that are
// about to serve: what may be otherwise in a moment.
func transient(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" { // of TLS: the other side says no
		return false
	}
	var hungUp *kgo.ErrFirstReadEOF
	var network net.Error // refused, reset, timed out, a name that is not known (yet)
	return errors.As(err, &network) || errors.As(err, &hungUp) || kerr.IsRetriable(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
