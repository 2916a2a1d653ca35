package accessdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// DB is the open database. Its methods may be called from any goroutine.
type DB struct {
	sql      *sql.DB
	postgres *pgx.ConnConfig // of the connection that listens; nil: SQLite
	writing  chan struct{}   // SQLite: held by the one Tx of this process, so that they queue fairly
	numbered sync.Map        // statement with ? → statement with $1, for PostgreSQL

	generation atomic.Uint64
	begun      atomic.Bool  // Run has looked at least once
	looked     atomic.Int64 // when Run last saw the database, nanoseconds since born
	born       time.Time
}

// OpenFile opens the SQLite file at path, makes it and its folder where there are
// none, and brings every schema to its version. A schema that a newer Nagar wrote
// wraps catalog.ErrFuture.
func OpenFile(ctx context.Context, path string, schemas ...Schema) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the access database: %w", err)
	}
	// SQLite gives the files beside it (-wal, -shm) the mode of this one.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("access database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(whole), RawQuery: url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	}.Encode()}
	pool, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, fmt.Errorf("access database: %w", err)
	}
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(8)
	return open(ctx, &DB{sql: pool, writing: make(chan struct{}, 1)}, schemas)
}

// OpenPostgres opens the schema nagar_access in the database of the URL
// (postgres://user@host/db), makes it where there is none, which needs the right to
// create one, and brings every schema to its version.
func OpenPostgres(ctx context.Context, dsn string, schemas ...Schema) (*DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("access database: the store's URL cannot be read") // the error may quote the password
	}
	for _, ours := range []string{"pool_max_conns", "pool_min_conns"} { // the store's, not the server's
		delete(config.RuntimeParams, ours)
	}
	config.RuntimeParams["search_path"] = schemaName
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "nagar"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	// Works behind a pooler too, which may hand each statement to another connection.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(4)
	return open(ctx, &DB{sql: pool, postgres: config}, schemas)
}

func open(ctx context.Context, db *DB, schemas []Schema) (*DB, error) {
	db.born = time.Now()
	err := db.migrate(ctx, schemas)
	if err == nil {
		err = db.look(ctx, db.sql)
	}
	if err != nil {
		return nil, errors.Join(err, db.sql.Close())
	}
	return db, nil
}

// Close closes the connections; Run must have ended.
func (db *DB) Close() error { return db.sql.Close() }

// Query reads rows; the caller closes them. Each call sees the latest state.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := db.sql.QueryContext(ctx, db.statement(query), args...)
	return rows, fail(err)
}

// QueryRow reads one row; sql.ErrNoRows comes from its Scan.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return db.sql.QueryRowContext(ctx, db.statement(query), args...)
}

// statement numbers the placeholders for PostgreSQL. A ? inside quotes stays.
func (db *DB) statement(query string) string {
	if db.postgres == nil {
		return query
	}
	if s, ok := db.numbered.Load(query); ok {
		return s.(string)
	}
	s := number(query)
	db.numbered.Store(query, s)
	return s
}

func number(query string) string {
	out := make([]byte, 0, len(query)+8)
	n, quote := 0, byte(0)
	for i := 0; i < len(query); i++ {
		c := query[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '?':
			n++
			out = fmt.Appendf(out, "$%d", n)
			continue
		}
		out = append(out, c)
	}
	return string(out)
}
