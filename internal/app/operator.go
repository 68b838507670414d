package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/redis"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/worker"
)

// migrate brings the store's schema up to date. No node may be serving it.
func migrate(ctx context.Context, io IO) error {
	cfg, err := load(io)
	if err != nil {
		return err
	}
	if err := checkSettings(cfg); err != nil {
		return err
	}
	store, err := openStore(ctx, cfg, false)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	_, err = fmt.Fprintln(io.Stdout, "the schema is up to date")
	return err //nolint:wrapcheck // of the output
}

// user looks after accounts, next to a node that serves or without one.
func user(ctx context.Context, io IO) (err error) {
	if len(io.Args) == 0 {
		return usage("user needs one of add, list, disable, enable, set-password and invite")
	}
	verb := io.Args[0]
	io.Args = io.Args[1:]
	do, ok := map[string]func(context.Context, *operator, string) error{
		"add": addUser, "list": listUsers, "disable": disableUser, "enable": enableUser, "set-password": setPassword, "invite": invite,
	}[verb]
	if !ok {
		return usage("user has no %q; it has add, list, disable, enable, set-password and invite", verb)
	}
	// The name may stand before the flags, where people put it.
	name := ""
	if len(io.Args) > 0 && !strings.HasPrefix(io.Args[0], "-") {
		name, io.Args = io.Args[0], io.Args[1:]
	}
	cfg, rest, err := loadArgs(io)
	if err != nil {
		return err
	}
	if name == "" && len(rest) > 0 {
		name, rest = rest[0], rest[1:]
	}
	needsName := verb != "list" && verb != "invite"
	if len(rest) > 0 || needsName != (name != "") {
		return usage("usage: parley user add|disable|enable|set-password NAME, parley user list, parley user invite")
	}
	if makes := verb == "add" || verb == "invite"; !makes && !begun(cfg) {
		return fmt.Errorf("there is no store in %s yet; the first start of the server makes it, or parley user add", cfg.DataDir)
	}
	op, err := openOperator(ctx, cfg, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	return do(ctx, op, name)
}

// operator is the service as the command line uses it: on the store of a node
// that may be serving at the same time, which therefore learns of changes by itself.
type operator struct {
	io      IO
	store   *sqlstore.Store
	blobs   *blob.Store
	service *service.Service

	carriers *carriers // of these the bus
}

func openOperator(ctx context.Context, cfg *config.Config, io IO) (*operator, error) {
	if err := checkSettings(cfg); err != nil {
		return nil, err
	}
	store, err := openStore(ctx, cfg, true)
	if err != nil {
		return nil, err
	}
	return newOperator(ctx, cfg, io, store)
}

// newOperator makes an operator on an open store, which it closes.
func newOperator(ctx context.Context, cfg *config.Config, io IO, store *sqlstore.Store) (_ *operator, err error) {
	op := &operator{io: io, store: store}
	defer func() {
		if err != nil {
			err = errors.Join(err, op.close())
		}
	}()
	logger := slog.New(slog.DiscardHandler)
	if op.blobs, err = openBlobs(ctx, cfg, logger); err != nil {
		return nil, err
	}
	secret, err := openSecret(cfg)
	if err != nil {
		return nil, err
	}
	if err := op.openBus(ctx, cfg); err != nil {
		return nil, err
	}
	bus := op.carriers.bus
	op.service, err = service.New(service.Deps{
		Log: inproc.NewLog("operator", 1), Bus: bus, Views: op.store, Accounts: op.store, Sessions: op.store, Files: op.store, Searcher: op.store, People: op.store, Pushes: op.store, Push: noPush(),
		Limiter: inproc.NewLimiter(wallClock, 1), Receipts: worker.NewReceipts(op.store, bus, wallClock, logger),
		Blobs: op.blobs, Clock: wallClock, Rand: rand.Reader, Node: "operator",
		Secret: secret, Signup: service.Signup(cfg.Signup), Limits: serviceLimits(cfg), Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("make the service: %w", err)
	}
	return op, nil
}

// openBus reaches the bus, so that the nodes learn at once what is changed here.
// Without it they learn within half a minute, which is no reason not to change it.
func (op *operator) openBus(ctx context.Context, cfg *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, operatorBusTimeout)
	defer cancel()
	logger := slog.New(slog.DiscardHandler)
	op.carriers = &carriers{}
	if err := op.carriers.openBus(ctx, cfg, logger, redis.Open); err != nil {
		if _, err := fmt.Fprintf(op.io.Stderr, "parley: the bus is out of reach; running nodes learn of this within 30 seconds: %s\n", sentence(err)); err != nil {
			return err //nolint:wrapcheck // of the output
		}
		op.carriers.bus = inproc.NewBus(1, 1)
		return nil
	}
	op.carriers.bus.Attach("operator-"+rand.Text(), deaf{})
	return nil
}

// operatorBusTimeout is how long a command of the operator waits for the bus.
const operatorBusTimeout = 3 * time.Second

// deaf is a sink that nothing is for.
type deaf struct{}

// Deliver implements chat.Sink.
func (deaf) Deliver([]chat.Event) {}

// Outcomes implements chat.Sink.
func (deaf) Outcomes([]chat.Outcome) {}

// Resync implements chat.Sink.
func (deaf) Resync() {}

func (op *operator) close() error {
	var errs []error
	if op.carriers != nil {
		errs = append(errs, op.carriers.close())
	}
	if op.blobs != nil {
		errs = append(errs, op.blobs.Close())
	}
	if op.store != nil {
		errs = append(errs, op.store.Close())
	}
	return errors.Join(errs...)
}

func (op *operator) say(format string, args ...any) error {
	_, err := fmt.Fprintf(op.io.Stdout, format+"\n", args...)
	return err //nolint:wrapcheck // of the output
}

// named gives the id of the account with a username.
func (op *operator) named(ctx context.Context, name string) (chat.UserID, error) {
	account, err := op.service.AccountNamed(ctx, name)
	if errors.Is(err, chat.ErrNotFound) {
		return chat.UserID{}, &chat.Error{Code: chat.CodeNotFound, Message: fmt.Sprintf("There is no account named %s.", name)}
	}
	if err != nil {
		return chat.UserID{}, fmt.Errorf("find the account: %w", err)
	}
	return account.ID, nil
}

func addUser(ctx context.Context, op *operator, name string) error {
	password, err := op.readPassword()
	if err != nil {
		return err
	}
	account, err := op.service.AddUser(ctx, service.SignUpRequest{Username: name, Password: password})
	if err != nil {
		return fmt.Errorf("add the account: %w", err)
	}
	return op.say("added %s (%s)", account.Username, account.ID)
}

func setPassword(ctx context.Context, op *operator, name string) error {
	id, err := op.named(ctx, name)
	if err != nil {
		return err
	}
	password, err := op.readPassword()
	if err != nil {
		return err
	}
	if err := op.service.SetPassword(ctx, id, password); err != nil {
		return fmt.Errorf("set the password: %w", err)
	}
	return op.say("set the password of %s; their devices have to log in again", name)
}

func disableUser(ctx context.Context, op *operator, name string) error {
	return op.able(ctx, name, true, "disabled")
}

func enableUser(ctx context.Context, op *operator, name string) error {
	return op.able(ctx, name, false, "enabled")
}

func (op *operator) able(ctx context.Context, name string, disabled bool, done string) error {
	id, err := op.named(ctx, name)
	if err != nil {
		return err
	}
	if err := op.service.Disable(ctx, id, disabled); err != nil {
		return fmt.Errorf("change the account: %w", err)
	}
	return op.say("%s %s", done, name)
}

func listUsers(ctx context.Context, op *operator, _ string) error {
	w := tabwriter.NewWriter(op.io.Stdout, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "USERNAME\tNAME\tCREATED\tLAST SEEN\tSTATE"); err != nil {
		return err //nolint:wrapcheck // of the output
	}
	for cursor := ""; ; {
		page, err := op.service.ListAccounts(ctx, cursor, 200)
		if err != nil {
			return fmt.Errorf("list accounts: %w", err)
		}
		for i := range page.Items {
			a := &page.Items[i]
			seen, state := "never", "active"
			if a.LastSeenAt > 0 {
				seen = a.LastSeenAt.String()
			}
			if a.Disabled {
				state = "disabled"
			}
			if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Username, a.DisplayName, a.CreatedAt, seen, state); err != nil {
				return err //nolint:wrapcheck // of the output
			}
		}
		if cursor = page.Next; cursor == "" {
			return w.Flush() //nolint:wrapcheck // of the output
		}
	}
}

// inviteLife is how long an invitation can be used.
const inviteLife = 7 * 24 * time.Hour

func invite(_ context.Context, op *operator, _ string) error {
	code, err := op.service.NewInvite(inviteLife)
	if err != nil {
		return fmt.Errorf("make an invitation: %w", err)
	}
	return op.say("%s", code)
}

// readPassword reads one line, without showing it where a person types it. A
// password is never taken from the command line, which others on the machine can see.
func (op *operator) readPassword() (string, error) {
	if f, ok := op.io.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if _, err := fmt.Fprint(op.io.Stderr, "password: "); err != nil {
			return "", err //nolint:wrapcheck // of the output
		}
		line, err := term.ReadPassword(int(f.Fd()))
		if _, nerr := fmt.Fprintln(op.io.Stderr); err == nil {
			err = nerr
		}
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return string(line), nil
	}
	line, err := bufio.NewReader(io.LimitReader(op.io.Stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usage("give the password as one line on standard input")
	}
	return line, nil
}
