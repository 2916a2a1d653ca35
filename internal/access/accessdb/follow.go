package accessdb

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// poll is how often a process looks for changes of others. It also bounds what
	// a lost notification costs.
	poll = 50 * time.Millisecond
	// patience is how long what was read may be relied on while the database cannot
	// be reached.
	patience = 5 * time.Second
)

// Generation is another number after each change that was told by Changed.
// Reading it costs nothing.
func (db *DB) Generation() uint64 { return db.generation.Load() }

// Stale reports whether the database has been out of sight for so long that what
// was read from it may no longer be true. Without Run nothing is ever stale.
func (db *DB) Stale() bool {
	return db.begun.Load() && time.Since(db.born)-time.Duration(db.looked.Load()) > patience
}

// Run follows the changes of other processes until ctx ends, and returns nil then.
// A database out of reach is tried again.
func (db *DB) Run(ctx context.Context) error {
	db.seen() // opening it was a look
	for ctx.Err() == nil {
		if db.postgres != nil {
			_ = db.listen(ctx) // whatever ended it, it is begun anew
		} else {
			_ = db.watch(ctx)
		}
		pause(ctx, poll)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

type contextReader interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// look reads the generation.
func (db *DB) look(ctx context.Context, q contextReader) error {
	var n uint64
	if err := q.QueryRowContext(ctx, `select number from generation`).Scan(&n); err != nil {
		return fail(err)
	}
	db.reached(n)
	return nil
}

// reached notes a generation, unless a later one is known.
func (db *DB) reached(n uint64) {
	for {
		have := db.generation.Load()
		if n <= have || db.generation.CompareAndSwap(have, n) {
			return
		}
	}
}

// seen notes that the generation known is the database's.
func (db *DB) seen() {
	db.looked.Store(int64(time.Since(db.born)))
	db.begun.Store(true)
}

// watch looks at SQLite's data_version, which another connection's commit moves,
// and reads the generation when it has.
func (db *DB) watch(ctx context.Context) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	last := int64(-1)
	for {
		var version int64
		if err := conn.QueryRowContext(ctx, `pragma data_version`).Scan(&version); err != nil {
			return err
		}
		if version != last {
			if err := db.look(ctx, conn); err != nil {
				return err
			}
			last = version
		}
		db.seen()
		if pause(ctx, poll); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// listen waits for PostgreSQL's notifications on a connection of its own; the poll
// stands in where a pooler swallows them.
func (db *DB) listen(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, db.postgres.Copy())
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, `listen `+schemaName); err != nil {
		return err
	}
	for {
		var n uint64
		if err := conn.QueryRow(ctx, `select number from generation`).Scan(&n); err != nil {
			return err
		}
		db.reached(n)
		db.seen()
		wait, cancel := context.WithTimeout(ctx, poll)
		_, err := conn.WaitForNotification(wait)
		cancel()
		if ctx.Err() != nil || err != nil && wait.Err() == nil || conn.IsClosed() {
			return err
		}
	}
}
