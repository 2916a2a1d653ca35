package postgis

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"nagar/catalog"
)

var _ catalog.Store = (*Store)(nil)

// Store is a catalog.Store in a PostgreSQL database with PostGIS. Its methods may
// be called from any goroutine, and any number of Stores, in any number of
// processes, may be open on one database.
type Store struct {
	pool     *pgxpool.Pool
	password string
	listen   listener

	mu      sync.Mutex
	known   map[string]*table   // by collection, as last read
	loaded  map[string]bool     // collections that this Store wrote to: Close builds their indexes
	loading map[int32]bool      // collections whose last batch was large and all new
	pending map[string]sighting // tables that the last look found new or changed, by name
	sizes   map[string]int64    // of tables whose spatial index waits, at the last look
}

// defaultConns, where pool_max_conns in the URL says nothing, leaves room for followers, each of which holds a connection while
// it handles what it was given.
const defaultConns = 16

// Open connects to the database that the URL (postgres://user@host/db) names and
// makes it a store when it is none yet, which needs the right to create a schema
// and, where it is not there, the extension postgis. A store that a newer Nagar
// wrote is ErrFuture; a database that cannot be reached wraps ErrUnavailable.
// Tables that outside tools left are taken over before Open returns.
func Open(ctx context.Context, dsn string) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, &catalog.Invalid{Path: "store", Reason: redact(err.Error(), passwordOf(dsn))}
	}
	s := &Store{
		password: config.ConnConfig.Password,
		known:    map[string]*table{},
		loaded:   map[string]bool{},
		loading:  map[int32]bool{},
		pending:  map[string]sighting{},
		sizes:    map[string]int64{},
	}
	if u, err := url.Parse(dsn); err == nil && !u.Query().Has("pool_max_conns") {
		config.MaxConns = defaultConns
	}
	// Plans depend on how many rows a table has, which a load changes by a factor
	// of a million; and a cached statement breaks when a column is added. So
	// nothing is prepared ahead.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	if _, ok := config.ConnConfig.RuntimeParams["application_name"]; !ok {
		config.ConnConfig.RuntimeParams["application_name"] = "nagar"
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	config.AfterConnect = findPostGIS
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, s.fail(ctx, "open store", err)
	}
	if err := s.prepare(ctx); err != nil {
		s.pool.Close()
		return nil, err
	}
	return s, nil
}

// findPostGIS puts the extension's schema on the connection's search path, where
// it is not in public.
func findPostGIS(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `select set_config('search_path', current_setting('search_path') || ', ' || quote_ident(n.nspname), false)
		from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'postgis' and n.nspname <> 'public'`)
	return err
}

// prepare brings the database to this version and takes over what is new in it.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.takeOver(ctx, true); err != nil {
		return err
	}
	return s.buildIndexes(ctx, nil)
}

// Close ends the store: it builds the spatial indexes that a load put off, and
// closes the connections.
func (s *Store) Close() error {
	s.listen.stop()
	s.mu.Lock()
	loaded := s.loaded
	s.loaded = map[string]bool{}
	s.mu.Unlock()
	var err error
	if len(loaded) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		err = s.buildIndexes(ctx, loaded)
	}
	s.pool.Close()
	return err
}

// Head is the latest revision.
func (s *Store) Head(ctx context.Context) (catalog.Rev, error) {
	var rev catalog.Rev
	err := s.pool.QueryRow(ctx, headSQL).Scan(&rev)
	return rev, s.fail(ctx, "read the head", err)
}

const headSQL = `select coalesce((select rev from nagar.commits where rev is not null order by rev desc limit 1), 0)`

// RevAt is the last revision recorded at or before t; 0 when there is none.
func (s *Store) RevAt(ctx context.Context, t time.Time) (catalog.Rev, error) {
	var rev catalog.Rev
	err := s.pool.QueryRow(ctx, `select coalesce((select rev from nagar.commits where recorded <= $1
		order by recorded desc limit 1), 0)`, t).Scan(&rev)
	return rev, s.fail(ctx, "find the revision of a time", err)
}

// snapshot runs fn in a read-only transaction that sees one state of the database.
func (s *Store) snapshot(ctx context.Context, fn func(pgx.Tx) error) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer rollback(ctx, tx)
	return fn(tx)
}

// write runs fn in a transaction whose writes the triggers take for our own, and
// commits it.
func (s *Store) write(ctx context.Context, fn func(pgx.Tx) error) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer rollback(ctx, tx)
	if _, err := tx.Exec(ctx, `select set_config('nagar.own', 'on', true)`); err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// rollback ends a transaction that may be over already, also when ctx is.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // what fails here has ended the connection, and with it the transaction
}

// newCommit registers a commit of our own in the transaction and returns its number.
func newCommit(ctx context.Context, tx pgx.Tx, author, reason string, coll int32) (int64, error) {
	var txn int64
	err := tx.QueryRow(ctx, `with c as (
			insert into nagar.commits (txn, at, author, reason, changes)
			values (nextval('nagar.txn_seq'), clock_timestamp(), $1, $2, 0) returning txn),
		t as (insert into nagar.touched select txn, $3 from c)
		select txn from c`, author, reason, coll).Scan(&txn)
	return txn, err
}

// assignedRev has the transaction's revision assigned, which takes the commit
// lock: the commit must follow at once.
func assignedRev(ctx context.Context, tx pgx.Tx, txn int64) (catalog.Rev, error) {
	var rev catalog.Rev
	b := &pgx.Batch{}
	b.Queue(`set constraints nagar.commits_rev immediate`)
	b.Queue(`select rev from nagar.commits where txn = $1`, txn).QueryRow(func(row pgx.Row) error { return row.Scan(&rev) })
	err := tx.SendBatch(ctx, b).Close()
	return rev, err
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func literal(s string) string {
	var b []byte
	b = append(b, '\'')
	for i := 0; i < len(s); i++ {
		if s[i] == '\'' {
			b = append(b, '\'')
		}
		b = append(b, s[i])
	}
	return string(append(b, '\''))
}

// tempName names a temporary table of a collection's layout; another layout has
// another name, so that one left over in a connection is never mistaken.
func tempName(kind string, t *table) string {
	return fmt.Sprintf("nagar_%s_%d_%d", kind, t.coll, t.version)
}
