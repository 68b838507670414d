package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/parley-chat/parley/internal/chat"
)

// The SQLSTATEs that statements of ours raise; see parley_expect.
const (
	stateFenced = "PY001"
	stateHead   = "PY002"
)

// unavailable are the SQLSTATEs, or their first two letters, of what passes
// without anybody changing the program
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
var unavailable = []string{
	"08",    // connection exceptions
	"25006", // read-only transaction: the server is a standby now
	"25P03", // idle in a transaction for too long: this node was stopped for a while
	"28",    // invalid authorization: a password that is being changed
	"40",    // serialization failure, deadlock
	"53",    // out of disk, memory or connections
	"55P03", // a lock was not available in time
	"57",    // shutting down, starting up, statement timeout
	"58",    // I/O error
}

func classifyPostgres(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return classifyState(e.Code, err)
	}
	if errors.Is(err, chat.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	for _, lost := range []bool{
		errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err), pgconn.Timeout(err),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), connClosed(err),
	} {
		if lost {
			return fmt.Errorf("%w: %w", chat.ErrUnavailable, oneLine(err))
		}
	}
	return err
}

func classifyState(code string, err error) error {
	switch code {
	case stateFenced:
		return chat.ErrFenced
	case stateHead:
		return fmt.Errorf("%w: %w", errHeadMoved, err)
	case "23505": // unique violation
		return fmt.Errorf("%w: %w", chat.ErrConflict, err)
	case "22021", "22P05": // text that is not UTF-8 or has a NUL
		return fmt.Errorf("%w: %w", chat.ErrInvalid, err)
	case "42501":
		return fmt.Errorf("%w: the role of the address may not do this: %w", ErrServer, err)
	}
	for _, prefix := range unavailable {
		if strings.HasPrefix(code, prefix) {
			return fmt.Errorf("%w: %w", chat.ErrUnavailable, err)
		}
	}
	return err
}

// gaveWayPostgres knows a deadlock, a lock that was not had in time, and what
// cannot be in one order with what others did.
func gaveWayPostgres(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "40") || e.Code == "55P03")
}

// connClosed finds the errors that pgconn makes without a type.
func connClosed(err error) bool {
	for _, text := range []string{"conn closed", "conn busy", "closed pool"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// oneLine makes an error fit into a log line and on a terminal. The driver gives a line
// to each of its tries, with TLS and without it for each address: what is said twice is
// shown once.
func oneLine(err error) error {
	if !strings.ContainsAny(err.Error(), "\n\t") {
		return err
	}
	return flatError{err}
}

type flatError struct{ error }

func (e flatError) Error() string {
	var said []string
	for line := range strings.Lines(e.error.Error()) {
		line = strings.Join(strings.Fields(line), " ")
		if !slices.ContainsFunc(said, func(before string) bool { return strings.HasSuffix(before, line) }) {
			said = append(said, line)
		}
	}
	return strings.ReplaceAll(strings.Join(said, "; "), ":; ", ": ")
}

func (e flatError) Unwrap() error { return e.error }

// unmet is an error of reaching the server for the first time. A user that it does not
// let in is no matter of waiting then, as it is where a password is being changed.
func unmet(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && strings.HasPrefix(e.Code, "28") {
		return oneLine(err)
	}
	return oneLine(classifyPostgres(err))
}
