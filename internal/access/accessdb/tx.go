package accessdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"nagar/catalog"
)

// Tx is one transaction that may write. It is for one goroutine.
type Tx struct {
	db         *DB
	tx         *sql.Tx
	generation uint64 // the new one, where Changed was called
}

// Tx runs fn in one transaction and commits it, durably, unless fn returns an
// error, which comes back unchanged. SQLite runs one at a time over all processes;
// PostgreSQL runs them side by side at READ COMMITTED, see Lock.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	if db.writing != nil {
		select {
		case db.writing <- struct{}{}:
			defer func() { <-db.writing }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	inner, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return fail(err)
	}
	tx := &Tx{db: db, tx: inner}
	if err := fn(tx); err != nil {
		return errors.Join(err, ignoreDone(inner.Rollback()))
	}
	if err := inner.Commit(); err != nil {
		return fail(err)
	}
	if tx.generation != 0 {
		db.reached(tx.generation)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) { // the context's end has rolled it back
		return nil
	}
	return err
}

// Exec runs one statement and returns how many rows it touched.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := tx.tx.ExecContext(ctx, tx.db.statement(query), args...)
	if err != nil {
		return 0, fail(err)
	}
	return r.RowsAffected()
}

// Query reads rows, which the caller closes before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := tx.tx.QueryContext(ctx, tx.db.statement(query), args...)
	return rows, fail(err)
}

// QueryRow reads one row; sql.ErrNoRows comes from its Scan.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(ctx, tx.db.statement(query), args...)
}

// Lock waits until no other transaction holds the lock of that name, in any
// process, and holds it until the end of this one. (SQLite's transactions exclude
// each other anyway.)
func (tx *Tx) Lock(ctx context.Context, name string) error {
	if tx.db.postgres == nil {
		return nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(7234, ?)`, int32(h.Sum32()))
	return err
}

// Changed makes the transaction's commit known: everybody's Generation moves on.
// Call it last: from here to the commit other transactions that call it wait.
func (tx *Tx) Changed(ctx context.Context) error {
	if err := tx.QueryRow(ctx, `update generation set number = number + 1 returning number`).Scan(&tx.generation); err != nil {
		return fmt.Errorf("count the change: %w", fail(err))
	}
	if tx.db.postgres != nil {
		if _, err := tx.Exec(ctx, `select pg_notify('`+schemaName+`', '')`); err != nil {
			return fmt.Errorf("tell of the change: %w", err)
		}
	}
	return nil
}

// Duplicate reports whether err says that a key is taken already.
func Duplicate(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// fail gives an error of the database its place among the catalogue's: what lies
// in the database's reach wraps catalog.ErrUnavailable.
func fail(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case lib.SQLITE_BUSY, lib.SQLITE_IOERR, lib.SQLITE_FULL, lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY:
			return fmt.Errorf("access database: %w: %w", catalog.ErrUnavailable, err)
		}
		return fmt.Errorf("access database: %w", err)
	}
	if lost(err) {
		return fmt.Errorf("access database: %w: %w", catalog.ErrUnavailable, err)
	}
	return fmt.Errorf("access database: %w", err)
}

// lost tells an error of PostgreSQL's whereabouts from one of a statement. The
// classes are those of appendix A of its manual.
func lost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && len(pg.Code) == 5 {
		switch pg.Code[:2] {
		case "08", "53", "57", "58": // connection, resources, operator, system
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Micros is a time as the database keeps it: microseconds since 1970, 0 for none.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is what Micros kept.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
