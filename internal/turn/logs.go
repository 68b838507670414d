package turn

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// logs are pion's. Whatever it says is for debugging: anybody can make it say much.
type logs struct{ logger *slog.Logger }

// NewLogger implements pion's LoggerFactory.
func (l logs) NewLogger(string) logging.LeveledLogger { return leveled(l) }

type leveled struct{ logger *slog.Logger }

func (l leveled) say(format string, args ...any) { l.logger.Debug("relay", "says", said{format, args}) }

// said is formatted only if it is logged.
type said struct {
	format string
	args   []any
}

// LogValue implements slog.LogValuer.
func (s said) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf(s.format, s.args...)) }

// Each packet has some of these: they are left out.

func (leveled) Trace(string)          {}
func (leveled) Tracef(string, ...any) {}
func (leveled) Debug(string)          {}
func (leveled) Debugf(string, ...any) {}

func (l leveled) Info(msg string)                  { l.say("%s", msg) }
func (l leveled) Infof(format string, args ...any) { l.say(format, args...) }
func (l leveled) Warn(msg string)                  { l.say("%s", msg) }
func (l leveled) Warnf(format string, args ...any) { l.say(format, args...) }
func (l leveled) Error(msg string)                 { l.say("%s", msg) }
func (l leveled) Errorf(format string, args ...any) {
	l.say(format, args...)
}
