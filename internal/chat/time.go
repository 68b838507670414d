package chat

import (
	"errors"
	"fmt"
	"time"
)

// Time is a moment in milliseconds since 1970-01-01 UTC. Commands carry it from
// the edge, so that every node computes with the same one. Its text form is
// RFC 3339 in UTC with exactly three decimals. Zero means "never".
type Time int64

var errYear = errors.New("out of range")

const timeLayout = "2006-01-02T15:04:05.000Z"

// TimeOf cuts t to whole milliseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std gives the moment as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// String gives the text form.
func (t Time) String() string { return t.Std().Format(timeLayout) }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) {
	return t.Std().AppendFormat(make([]byte, 0, len(timeLayout)), timeLayout), nil
}

// UnmarshalText implements encoding.TextUnmarshaler for any RFC 3339 time.
func (t *Time) UnmarshalText(text []byte) error {
	std, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	if year := std.UTC().Year(); year < 0 || year > 9999 { // by its offset; its text form could not be read
		return fmt.Errorf("read time: year %d: %w", year, errYear)
	}
	*t = TimeOf(std)
	return nil
}
