package gpkg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// Options tune a store; the zero value of each is the default.
type Options struct {
	// Readers is the most reads that run at once; further ones wait. Default 8.
	Readers int
	// LockTimeout is how long a write waits for another program that holds the
	// file before it gives up with catalog.ErrUnavailable (its context may end it
	// sooner). Default one minute.
	LockTimeout time.Duration
	// CacheMB is the page cache of the writing connection in MiB. Default 16.
	CacheMB int
	// Now is the clock of recorded time. Default time.Now.
	Now func() time.Time
}

// Store is one GeoPackage file as a catalog.Store. All methods are safe for
// concurrent use, by several processes and by several Stores of one process.
type Store struct {
	path string
	opts Options

	// Each channel is a pool: the one writer, the readers, the one connection that
	// polls for writes by others. Whoever takes a connection out may use it.
	writer, readers, poller chan *conn
	stages                  chan *stage // spare memory for batches
	closed                  chan struct{}
	closing                 sync.Once
	closeErr                error

	ready       atomic.Bool
	schema      atomic.Pointer[schema]
	head        atomic.Int64 // the latest revision known to this Store
	dataVersion int64        // as the poller last saw it; owned by whoever holds the poller

	drainMu  sync.Mutex
	draining *drainage // the one under way, if any

	wakeMu sync.Mutex
	wake   chan struct{} // closed and replaced when head moves
}

var _ catalog.Store = (*Store)(nil)

// Open opens the store in the GeoPackage at path, or creates it where there is no
// file or an empty one. A file that is something else, another GeoPackage
// included, is catalog.ErrNotAStore; one that a newer Nagar has written is
// catalog.ErrFuture.
func Open(ctx context.Context, path string, opts ...Options) (*Store, error) {
	s := &Store{path: path, closed: make(chan struct{}), wake: make(chan struct{})}
	if len(opts) > 0 {
		s.opts = opts[0]
	}
	if s.opts.Readers <= 0 {
		s.opts.Readers = 8
	}
	if s.opts.LockTimeout <= 0 {
		s.opts.LockTimeout = time.Minute
	}
	if s.opts.CacheMB <= 0 {
		s.opts.CacheMB = 16
	}
	if s.opts.Now == nil {
		s.opts.Now = time.Now
	}
	s.writer = make(chan *conn, 1)
	s.poller = make(chan *conn, 1)
	s.stages = make(chan *stage, 2)
	s.readers = make(chan *conn, s.opts.Readers)
	doing := "open " + filepath.Base(path)
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, wrap(ctx, doing, err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	create := false
	switch info, err := os.Stat(s.path); {
	case errors.Is(err, fs.ErrNotExist):
		create = true
	case err != nil:
		return fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	case info.IsDir():
		return fmt.Errorf("%w: it is a directory", catalog.ErrNotAStore)
	case info.Size() == 0:
		create = true
	}
	w, err := openConn(s.path, create)
	if err != nil {
		return err
	}
	s.writer <- w
	if err := prepareFile(ctx, w, s.opts.LockTimeout); err != nil {
		return err
	}
	for _, p := range []string{
		// FULL makes every acknowledged batch outlive a power cut too. It costs one
		// fsync per batch, 0.3 ms here; NORMAL would risk the last batches.
		"synchronous=FULL",
		fmt.Sprintf("cache_size=-%d", s.opts.CacheMB*1024),
		"temp_store=MEMORY",
		"secure_delete=ON", // what is erased leaves no trace in free pages
		"wal_autocheckpoint=8000",
		"journal_size_limit=67108864",
	} {
		if err := w.exec("PRAGMA " + p); err != nil {
			return err
		}
	}
	p, err := openConn(s.path, false, "query_only=ON", "cache_size=-256")
	if err != nil {
		return err
	}
	s.poller <- p
	for range s.opts.Readers {
		s.readers <- nil // opened when first needed
	}
	if s.dataVersion, err = p.int64("PRAGMA data_version"); err != nil {
		return err
	}
	// What other programs did while no Nagar was looking enters the feed now.
	if err := s.write(ctx, func(*writeTx) error { return nil }); err != nil && !unavailable(err) {
		return err
	}
	if err := s.read(ctx, func(*readTx) error { return nil }); err != nil {
		return err
	}
	s.ready.Store(true)
	return nil
}

// Close ends the store. Reads and writes under way end first.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		for _, pool := range []chan *conn{s.readers, s.poller, s.writer} {
			for len(pool) < cap(pool) && s.opened() {
				time.Sleep(time.Millisecond)
			}
			for len(pool) > 0 {
				if c := <-pool; c != nil {
					s.closeErr = errors.Join(s.closeErr, c.Close())
				}
			}
		}
	})
	return s.closeErr
}

// opened reports whether Open has done its work.
func (s *Store) opened() bool { return s.ready.Load() }

var errClosed = fmt.Errorf("%w: it is closed", catalog.ErrUnavailable)

// take gets a connection out of a pool.
func (s *Store) take(ctx context.Context, pool chan *conn) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-s.closed:
		return nil, errClosed
	default:
	}
	select {
	case c := <-pool:
		return c, nil
	case <-s.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// state is the one row that tells a transaction where the file stands.
type state struct {
	stamp    stamp
	seen     int64 // SQLite's schema counter when the store last looked over the schema
	journal  bool  // other programs' edits wait to be drained
	head     catalog.Rev
	headTime time.Time
}

// clean reports whether nothing that other programs did waits to be taken in.
func (st *state) clean() bool { return !st.journal && st.seen == st.stamp.sqlite }

const stateQuery = `SELECT (SELECT schema_version FROM pragma_schema_version), schema, defs, EXISTS(SELECT 1 FROM nagar_journal),
 coalesce((SELECT max(rev) FROM nagar_revs),0), coalesce((SELECT at FROM nagar_revs ORDER BY rev DESC LIMIT 1),0) FROM nagar_state`

func (c *conn) state() (state, error) {
	var st state
	found := false
	err := c.query(stateQuery, func(q *sqlite.Stmt) error {
		found = true
		st = state{
			stamp:   stamp{q.ColumnInt64(0), q.ColumnInt64(2)},
			seen:    q.ColumnInt64(1),
			journal: q.ColumnInt64(3) != 0,
			head:    catalog.Rev(q.ColumnInt64(4)),
		}
		if us := q.ColumnInt64(5); st.head > 0 {
			st.headTime = time.UnixMicro(us).UTC()
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: nagar_state is empty", catalog.ErrNotAStore)
	}
	return st, err
}

// schemaAt is the schema of the stamp: the cached one, or read afresh.
func (s *Store) schemaAt(c *conn, at stamp) (*schema, error) {
	if cached := s.schema.Load(); cached != nil && cached.stamp == at {
		return cached, nil
	}
	sc, err := loadSchema(c, at)
	if err != nil {
		return nil, err
	}
	s.schema.Store(sc)
	return sc, nil
}

// readTx is one consistent snapshot of the file.
type readTx struct {
	*conn
	state
	schema *schema
	now    time.Time // the end of the valid clock in this snapshot: not before any recorded time
}

// read runs fn in a snapshot. Edits by other programs that wait in the journal
// are drained first, however long that takes, so that the snapshot is what its
// revision says; where it cannot begin soon, because another program holds the
// file, the snapshot is taken without them.
func (s *Store) read(ctx context.Context, fn func(*readTx) error) error {
	c, err := s.take(ctx, s.readers)
	if err != nil {
		return err
	}
	defer func() { s.readers <- c }()
	if c == nil {
		if c, err = openConn(s.path, false, "query_only=ON", "cache_size=-8192"); err != nil {
			return err
		}
	}
	c.SetInterrupt(ctx.Done())
	defer c.rollback()
	for attempt := 0; ; attempt++ {
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		st, err := c.state()
		if err != nil {
			return err
		}
		if !st.clean() && attempt < 3 {
			c.rollback()
			c.SetInterrupt(ctx.Done())
			if err := s.drainSoon(ctx); err == nil {
				continue
			} else if !unavailable(err) && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			attempt = 3
			continue
		}
		sc, err := s.schemaAt(c, st.stamp)
		if err != nil {
			return err
		}
		tx := &readTx{conn: c, state: st, schema: sc, now: cut(s.opts.Now())}
		if tx.now.Before(st.headTime) {
			tx.now = st.headTime
		}
		s.sawHead(st.head)
		return fn(tx)
	}
}

// coll returns the collection, or catalog.ErrNotFound.
func (sc *schema) coll(name string) (*coll, error) {
	if c := sc.byName[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("collection %q: %w", name, catalog.ErrNotFound)
}

// sawHead notes that the store has reached a revision, and wakes those who wait.
func (s *Store) sawHead(rev catalog.Rev) {
	for {
		old := s.head.Load()
		if int64(rev) <= old {
			return
		}
		if s.head.CompareAndSwap(old, int64(rev)) {
			break
		}
	}
	s.wakeMu.Lock()
	close(s.wake)
	s.wake = make(chan struct{})
	s.wakeMu.Unlock()
}
