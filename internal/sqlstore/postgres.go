package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// What a node takes of the server's max_connections, unless told otherwise.
	defaultConns      = 16
	defaultBatchConns = 8
	defaultPatience   = 3 * time.Second
	// batchPatience is as long as a batch of a slow disk may take.
	batchPatience  = 15 * time.Second
	connectTimeout = 5 * time.Second
	// lockShare is the part of its patience that a request waits for a lock: with the
	// default less than the second after which PostgreSQL looks for a circle of waiting
	// transactions, so that it is a request that gives way then, never a batch.
	lockShare = 6
	// leastVersion has what the statements use and is still looked after.
	leastVersion = 140000
)

// PostgresOptions say how to open a store in PostgreSQL. The zero value is good.
type PostgresOptions struct {
	// Shared is for the operator's commands, beside nodes that may serve: the
	// schema is not changed, one that is too old is an error, and two connections do.
	Shared bool
	// Alone is for a node beside which no other one may serve from this database,
	// for what they would need is not shared: Open gives ErrInUse if there is one, and
	// so it does for those that come later.
	Alone bool
	// Conns is how many connections requests use, BatchConns how many the owners
	// of partitions do; 0 means 16 and 8.
	Conns, BatchConns int
	// Patience is how long a request waits, at most: as long for a free connection,
	// and as long for the server's answer to each statement. 0 means 3 s. What
	// takes longer gives chat.ErrUnavailable.
	Patience time.Duration
}

// ErrServer is returned for a server whose settings do not let the store keep its promises.
var ErrServer = errors.New("this PostgreSQL server cannot hold the store")

// errAddress does not show the address: it has a password in it.
var errAddress = errors.New("the address of the database is not of the form postgres://user:password@host:port/database?sslmode=verify-full")

func postgresDialect() *dialect {
	return &dialect{
		goose:         goose.DialectPostgres,
		migrations:    "migrations/postgres",
		arrays:        true,
		snapshot:      &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		lockAccount:   "SELECT 1 FROM accounts WHERE id = ? FOR UPDATE",
		rewrite:       rewritePostgres,
		classify:      classifyPostgres,
		gaveWay:       gaveWayPostgres,
		noTransaction: func(error) bool { return false },
	}
}

// OpenPostgres opens the store in the PostgreSQL database at address, a URL or a
// list of settings as libpq reads them (environment and password file included),
// and brings the schema up to date; nodes that start at once wait for one another
// there. The tables are made in the first schema of the search path. No error
// shows the address. The caller must Close the store.
func OpenPostgres(ctx context.Context, address string, o PostgresOptions) (_ *Store, err error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, errAddress
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	s := &Store{d: postgresDialect()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := postgresSchema(ctx, s.d, config, o); err != nil {
		return nil, err
	}
	if o.Shared && o.Conns == 0 {
		o.Conns, o.BatchConns = 2, 1
	}
	var both pools
	requests, err := both.open(ctx, config, bounds{conns: or(o.Conns, defaultConns), statement: o.Patience, lock: o.Patience / lockShare})
	if err != nil {
		return nil, err
	}
	s.atClose(func() error { requests.Close(); return nil })
	batches, err := both.open(ctx, config, bounds{conns: or(o.BatchConns, defaultBatchConns), statement: max(batchPatience, o.Patience), lock: o.Patience, byKey: true})
	if err != nil {
		return nil, err
	}
	s.atClose(func() error { batches.Close(); return nil })
	s.pools = []*pgxpool.Pool{requests, batches}
	if !o.Shared {
		s.berth = newBerth(config, o)
		s.atClose(s.berth.close)
		if err := s.berth.hold(ctx); err != nil {
			return nil, err
		}
	}
	db := sql.OpenDB(connector{stdlib.GetPoolConnector(requests), o.Patience})
	db.SetMaxIdleConns(0) // the pool beneath keeps them
	s.read = newPool(db, s.d)
	s.write = s.read
	s.atClose(s.read.close)
	engine := &postgresEngine{pool: batches, text: s.read.text, patience: o.Patience}
	s.engine = engine
	s.index, s.wake = &postgresIndex{s: s, engine: engine}, make(chan struct{}, 1)
	return s, nil
}

func or(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// connector waits for a free connection, but not for ever.
type connector struct {
	driver.Connector
	patience time.Duration
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errNoConn)
	defer cancel()
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("find a connection: %w", outOfPatience(ctx, err))
	}
	return conn, nil
}

var errNoConn = fmt.Errorf("no connection to the database became free: %w", chat.ErrUnavailable)

// outOfPatience tells our own deadline from the caller's.
func outOfPatience(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errNoConn) {
		return fmt.Errorf("%w: %w", errNoConn, err)
	}
	return err
}

// bounds are what the connections of a pool may take.
type bounds struct {
	conns           int
	statement, lock time.Duration // 0: as long as it takes
	// byKey: statements name their rows by key, and are to find them by index
	// whatever the server knows of the size of its tables.
	byKey bool
}

// pools are the connections to one server.
type pools struct {
	mu  sync.Mutex // guards all
	all []*pgxpool.Pool
}

// reset forgets all connections. One was ended by the other side: the others
// most likely were too, and whoever took one would be the next to find out.
func (p *pools) reset() {
	p.mu.Lock()
	all := slices.Clone(p.all)
	p.mu.Unlock()
	for _, pool := range all {
		pool.Reset()
	}
}

// open makes a pool that connects when it is first used.
func (p *pools) open(ctx context.Context, base *pgxpool.Config, b bounds) (*pgxpool.Pool, error) {
	config := poolConfig(base, b, p.reset)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make connections: %w", classifyPostgres(err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, pool)
	return pool, nil
}

func poolConfig(base *pgxpool.Config, b bounds, lost func()) *pgxpool.Config {
	config := base.Copy()
	config.MaxConns, config.MinConns = int32(b.conns), 0 //nolint:gosec // an operator's number
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = 30*time.Minute, 5*time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.PingTimeout = b.statement
	c := config.ConnConfig
	if most := max(connectTimeout, b.statement); c.ConnectTimeout == 0 || c.ConnectTimeout > most {
		c.ConnectTimeout = most
	}
	if c.ValidateConnect == nil { // after a failover: not the former primary
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	dial := c.DialFunc
	if dial == nil {
		dial = dialer.DialContext
	}
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil || b.statement == 0 {
			return conn, err //nolint:wrapcheck // pgconn says what it was doing
		}
		// The server ends a statement by itself; this is for one that does not.
		return &impatientConn{Conn: conn, patience: b.statement + time.Second, lost: lost}, nil
	}
	for name, value := range map[string]string{
		"application_name": "parley",
		// A commit that returned survives the loss of power, whatever the default of the database is.
		"synchronous_commit":                  "on",
		"default_transaction_isolation":       "read committed",
		"statement_timeout":                   millis(b.statement),
		"lock_timeout":                        millis(b.lock),
		"idle_in_transaction_session_timeout": "10000",
		"jit":                                 "off", // compiling costs more than any of our queries
	} {
		if _, set := c.RuntimeParams[name]; !set || name == "synchronous_commit" {
			c.RuntimeParams[name] = value
		}
	}
	if b.byKey {
		for _, name := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
			c.RuntimeParams[name] = "off"
		}
	}
	config.AfterConnect = checkServer
	return config
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// checkServer refuses a server that loses what it has acknowledged. A connection
// pool in between may have dropped the settings that were asked for.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var fsync, commit, encoding string
	var version int
	err := conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('server_encoding'), current_setting('server_version_num')::int`).Scan(&fsync, &commit, &encoding, &version)
	switch {
	case err != nil:
		return fmt.Errorf("read settings: %w", err)
	case version < leastVersion:
		return fmt.Errorf("%w: it is older than version %d", ErrServer, leastVersion/10000)
	case encoding != "UTF8":
		return fmt.Errorf("%w: the database is encoded as %s, not UTF8", ErrServer, encoding)
	case fsync != "on":
		return fmt.Errorf("%w: it runs with fsync = %s, and would lose messages that were acknowledged", ErrServer, fsync)
	case commit != "on":
		return fmt.Errorf("%w: synchronous_commit is %s; a connection pool in between must pass settings of the session on", ErrServer, commit)
	}
	return nil
}

// postgresSchema brings the schema up to date, or checks that it is.
func postgresSchema(ctx context.Context, d *dialect, config *pgxpool.Config, o PostgresOptions) error {
	var its pools
	pool, err := its.open(ctx, config, bounds{conns: 2}) // a migration takes as long as it takes
	if err != nil {
		return err
	}
	defer pool.Close()
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // nothing is left in it
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", unmet(err))
	}
	var made bool // goose would make its table to find it empty
	if err := db.QueryRowContext(ctx, "SELECT to_regclass(quote_ident(current_schema()) || '.goose_db_version') IS NOT NULL").Scan(&made); err != nil {
		return fmt.Errorf("check schema: %w", d.classify(err))
	}
	lacks := !made
	if made {
		if lacks, err = pending(ctx, d, db); err != nil {
			return err
		}
	}
	switch {
	case !lacks:
		return nil
	case o.Shared:
		return fmt.Errorf("the schema is older than this program: run parley migrate: %w", ErrServer)
	}
	return migrate(ctx, d, db, goose.WithSessionLocker(schemaLock{}))
}

// schemaLock lets one node at a time change the schema. The lock ends with the
// connection, however that ends.
type schemaLock struct{}

const schemaLockKey = "hashtextextended('parley schema ' || current_schema(), 0)"

// SessionLock implements lock.SessionLocker.
func (schemaLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock("+schemaLockKey+")")
	return err //nolint:wrapcheck // goose says what it was doing
}

// SessionUnlock implements lock.SessionLocker.
func (schemaLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock("+schemaLockKey+")")
	return err //nolint:wrapcheck // goose says what it was doing
}

// rewritePostgres numbers the placeholders and leaves out what only SQLite knows.
func rewritePostgres(query string) string {
	query = strings.ReplaceAll(query, "INSERT OR ROLLBACK INTO", "INSERT INTO")
	var out strings.Builder
	n, quoted := 0, false
	for i := 0; i < len(query); i++ {
		c := query[i]
		switch {
		case c == '\'':
			quoted = !quoted
			out.WriteByte(c)
		case c != '?' || quoted:
			out.WriteByte(c)
		case i+1 < len(query) && query[i+1] >= '1' && query[i+1] <= '9': // numbered already
			out.WriteByte('$')
		default:
			n++
			out.WriteString("$" + strconv.Itoa(n))
		}
	}
	return out.String()
}
