package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
)

// The exit codes of the program.
const (
	ExitOK = 0
	// ExitFailed means that a part could not be reached, or failed.
	ExitFailed = 1
	// ExitUsage means that flags, environment or file are wrong.
	ExitUsage = 2
)

// IO is what a command is given by its caller.
type IO struct {
	Args           []string // without the program's name
	Environ        []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Command is one word that the program understands after its name.
type Command struct {
	Name    string
	Args    string // as the help shows them
	Summary string
	// Run gets the arguments after the name. Its error is shown as one sentence.
	Run func(ctx context.Context, io IO) error
}

// UsageError says that the caller gave something wrong; it ends with ExitUsage.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// commands are those of this package; serve is also what no command means.
func commands() []Command {
	return []Command{
		{Name: "serve", Args: "[flags]", Summary: "serve people (also without any command)", Run: serve},
		{Name: "migrate", Args: "[flags]", Summary: "bring the store's schema up to date", Run: migrate},
		{Name: "user", Args: "add|list|disable|enable|set-password|invite [flags]", Summary: "look after accounts", Run: user},
		{Name: "doctor", Args: "[flags]", Summary: "check the configuration and reach every part", Run: doctor},
		{Name: "bench", Args: "[flags] [send|pace|room|idle|all]", Summary: "measure this program under load", Run: measure},
		{Name: "version", Summary: "say which version this is", Run: version},
	}
}

// Main runs the program and gives its exit code. ctx ends a command that serves.
// more are commands of other packages.
func Main(ctx context.Context, io IO, more ...Command) int {
	all := append(commands(), more...)
	name := "serve"
	if len(io.Args) > 0 && !strings.HasPrefix(io.Args[0], "-") {
		name, io.Args = io.Args[0], io.Args[1:]
	}
	if name == "help" {
		help(io.Stdout, all)
		return ExitOK
	}
	i := slices.IndexFunc(all, func(c Command) bool { return c.Name == name })
	if i < 0 {
		fmt.Fprintf(io.Stderr, "parley: there is no command %q; see parley help\n", name)
		return ExitUsage
	}
	err := all[i].Run(ctx, io)
	if err == nil || errors.Is(err, config.ErrHelp) {
		return ExitOK
	}
	fmt.Fprintf(io.Stderr, "parley: %s\n", sentence(err))
	var wrong *UsageError
	if errors.As(err, &wrong) || errors.Is(err, errSetting) {
		return ExitUsage
	}
	return ExitFailed
}

// sentence puts an error on one line. What the domain says to a caller is shown
// without its code.
func sentence(err error) string {
	text := err.Error()
	var known *chat.Error
	// What a command could not be done for is said to people in words; which part could
	// not be reached, and why, is what an operator needs.
	switch {
	case !errors.As(err, &known):
	case known.Code == chat.CodeUnavailable:
		text = strings.ReplaceAll(text, known.Error()+": ", "")
	default:
		text = known.Message
	}
	return strings.Join(strings.Fields(text), " ")
}

func help(w io.Writer, all []Command) {
	fmt.Fprintln(w, "Parley is a real-time chat system.")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "usage: parley [command] [flags]")
	fmt.Fprintln(w)
	for _, c := range all {
		fmt.Fprintf(w, "  %-9s %s\n", c.Name, c.Summary)
		if c.Args != "" {
			fmt.Fprintf(w, "  %-9s   parley %s %s\n", "", c.Name, c.Args)
		}
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "parley serve --help lists every flag; docs/config.md explains them.")
}

// load reads the configuration of a command that takes no further arguments.
func load(io IO) (*config.Config, error) {
	cfg, rest, err := loadArgs(io)
	if err == nil && len(rest) > 0 {
		return nil, usage("%q is not understood here", rest[0])
	}
	return cfg, err
}

func loadArgs(io IO) (*config.Config, []string, error) {
	cfg, rest, err := config.Load(config.Source{Args: io.Args, Environ: io.Environ, Output: io.Stdout})
	if err != nil && !errors.Is(err, config.ErrHelp) {
		return nil, nil, &UsageError{err}
	}
	return cfg, rest, err //nolint:wrapcheck // ErrHelp or nil
}

func serve(ctx context.Context, io IO) (err error) {
	cfg, err := load(io)
	if err != nil {
		return err
	}
	logger := NewLogger(cfg, io.Stderr)
	logger.Info("starting", "version", Version(), "config", cfg)
	warnOfPlainParts(cfg, logger)
	a, err := Open(ctx, cfg, logger)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		logger.Info("stopped before it served")
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return a.Run(ctx)
}
