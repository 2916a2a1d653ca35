// Package daily keeps the history of readings in a folder of SQLite files: one for
// each day (of phenomenonTime, in UTC), dropped whole, and history.db with the names
// of datastreams, the roll-ups and the position in the stream.
//
// history.db is what makes an Append one: it is locked first, the files of the days
// are committed, then it is, with the position. A crash between leaves rows in a
// day's file that no position speaks of; when their message is read again they are
// known by its number, and counted then.
//
// history.db:
//
//	streams(n, id)                       a datastream's number
//	rollups(level, t, n, count, good, min, max, sum)  by time first: a batch writes neighbours
//	state(stream, seq)                   one row
//
// 2026-11-23.db, page size 1024 since a batch touches a page for each datastream:
//
//	obs(n, t, te, v, s, q, seq, x)       v is null where s has the result
package daily

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"nagar/catalog"
	"nagar/internal/twin/history"
)

// Store is an open folder.
type Store struct {
	folder string
	zone   *time.Location

	writing chan *writer      // the one that may append
	readers chan *sqlite.Conn // of history.db; nil: not open yet
}

var _ history.Store = (*Store)(nil)

const (
	mainFile = "history.db"
	dayForm  = "2006-01-02"
	reading  = 4 // connections
)

// Open opens the folder, or makes it. Hours and days of roll-ups are those of zone,
// which must stay the same.
func Open(ctx context.Context, folder string, zone *time.Location) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the history: %w", err)
	}
	s := &Store{folder: folder, zone: zone, writing: make(chan *writer, 1), readers: make(chan *sqlite.Conn, reading)}
	c, err := s.open(ctx, mainFile, mainSchema)
	if err != nil {
		return nil, wrap(ctx, "open the history", err)
	}
	for range reading {
		s.readers <- nil
	}
	s.writing <- &writer{s: s, main: c, numbers: map[string]int64{}}
	return s, nil
}

const mainSchema = `CREATE TABLE IF NOT EXISTS streams (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS rollups (level INTEGER NOT NULL, t INTEGER NOT NULL, n INTEGER NOT NULL, count INTEGER NOT NULL, good INTEGER NOT NULL,
 min REAL NOT NULL, max REAL NOT NULL, sum REAL NOT NULL, PRIMARY KEY (level, t, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one=1), stream TEXT NOT NULL, seq INTEGER NOT NULL);
INSERT OR IGNORE INTO state VALUES (1, '', 0);`

const daySchema = `CREATE TABLE IF NOT EXISTS obs (n INTEGER NOT NULL, t INTEGER NOT NULL, te INTEGER NOT NULL, v REAL, s TEXT, q INTEGER NOT NULL,
 seq INTEGER NOT NULL, x TEXT, PRIMARY KEY (n, t)) WITHOUT ROWID;`

// open opens a file of the folder, with its schema where it may be made.
func (s *Store) open(ctx context.Context, name, schema string) (*sqlite.Conn, error) {
	path := filepath.Join(s.folder, name)
	if schema != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives its companions this mode
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	c.SetInterrupt(ctx.Done())
	c.SetBlockOnBusy()
	// FULL: history.db must not speak, after a power cut, of rows that a day's file lost.
	for _, p := range []string{"page_size=1024", "journal_mode=WAL", "synchronous=FULL", "cache_size=-8192", "wal_autocheckpoint=4000"} {
		if err == nil {
			err = sqlitex.ExecuteTransient(c, "PRAGMA "+p, nil)
		}
	}
	if err == nil && schema != "" {
		err = makeTables(c, schema)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// makeTables runs a script that writes from its begin: one that reads first would
// fail where another process writes meanwhile.
func makeTables(c *sqlite.Conn, script string) (err error) {
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	return sqlitex.ExecuteScript(c, script, nil)
}

// Close implements history.Store.
func (s *Store) Close() error {
	w := <-s.writing
	err := errors.Join(w.closeDays(0), w.main.Close())
	for range reading {
		if c := <-s.readers; c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// wrap says what was being done, and that the place is out of reach where it is.
func wrap(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, history.ErrMoved):
		return err
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultIOErr, sqlite.ResultFull, sqlite.ResultCantOpen, sqlite.ResultReadOnly:
		return fmt.Errorf("%s: %w: %w", doing, catalog.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// read runs fn in a snapshot of history.db.
func (s *Store) read(ctx context.Context, doing string, fn func(*sqlite.Conn) error) error {
	var c *sqlite.Conn
	select {
	case c = <-s.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.readers <- c }()
	if c == nil {
		var err error
		if c, err = s.open(ctx, mainFile, ""); err != nil {
			return wrap(ctx, doing, err)
		}
	}
	c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(nil)
	return wrap(ctx, doing, fn(c))
}

// Position implements history.Store.
func (s *Store) Position(ctx context.Context) (p history.Position, err error) {
	err = s.read(ctx, "read the history's position", func(c *sqlite.Conn) error {
		p, err = position(c)
		return err
	})
	return p, err
}

func position(c *sqlite.Conn) (p history.Position, err error) {
	err = sqlitex.Execute(c, "SELECT stream, seq FROM state", &sqlitex.ExecOptions{ResultFunc: func(q *sqlite.Stmt) error {
		p = history.Position{Stream: q.ColumnText(0), Seq: uint64(q.ColumnInt64(1))}
		return nil
	}})
	return p, err
}

// number is the number of a datastream; 0 when it has none.
func number(c *sqlite.Conn, id string) (n int64, err error) {
	err = sqlitex.Execute(c, "SELECT n FROM streams WHERE id=?", &sqlitex.ExecOptions{Args: []any{id}, ResultFunc: func(q *sqlite.Stmt) error {
		n = q.ColumnInt64(0)
		return nil
	}})
	return n, err
}

// days are the days that there are files of, in order.
func (s *Store) days() ([]int64, error) {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	var out []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".db")
		if !ok {
			continue
		}
		if t, err := time.Parse(dayForm, name); err == nil {
			out = append(out, t.UnixMicro())
		}
	}
	slices.Sort(out)
	return out, nil
}

func dayFile(day int64) string { return time.UnixMicro(day).UTC().Format(dayForm) + ".db" }

// mark tells a message of one stream from that of another with the same number.
func mark(stream string, seq uint64) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(stream)) // never fails
	return int64(h.Sum64()<<48>>1 | seq&(1<<47-1))
}

func nullable(q *sqlite.Stmt, column int) float64 {
	if q.ColumnIsNull(column) {
		return math.NaN()
	}
	return q.ColumnFloat(column)
}
