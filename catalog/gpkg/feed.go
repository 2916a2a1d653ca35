package gpkg

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// pollEvery is how often a waiting Store looks whether another program wrote. A
// look costs some 10 µs.
const pollEvery = 20 * time.Millisecond

// Head is the latest revision.
func (s *Store) Head(ctx context.Context) (catalog.Rev, error) {
	var rev catalog.Rev
	err := s.read(ctx, func(tx *readTx) error { rev = tx.head; return nil })
	return rev, wrap(ctx, "read the head", err)
}

// RevAt is the last revision recorded at or before t; 0 when there is none.
func (s *Store) RevAt(ctx context.Context, t time.Time) (catalog.Rev, error) {
	var rev catalog.Rev
	err := s.read(ctx, func(tx *readTx) error {
		n, err := tx.int64("SELECT rev FROM nagar_revs WHERE at<=?1 ORDER BY at DESC, rev DESC LIMIT 1", t.UnixMicro())
		rev = catalog.Rev(n)
		return err
	})
	return rev, wrap(ctx, "find a revision by time", err)
}

// Wait returns nil once there is a revision after since.
func (s *Store) Wait(ctx context.Context, since catalog.Rev) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.wakeMu.Lock()
		wake := s.wake
		s.wakeMu.Unlock()
		if s.head.Load() > int64(since) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closed:
			return errClosed
		case <-wake:
		case <-timer.C:
			if err := s.poll(ctx); err != nil && ctx.Err() == nil {
				return wrap(ctx, "wait for a revision", err)
			}
			timer.Reset(pollEvery)
		}
	}
}

// poll looks whether anything was written to the file, and if so takes it in. One
// poll at a time is enough for a Store.
func (s *Store) poll(ctx context.Context) error {
	var c *conn
	select {
	case c = <-s.poller:
		defer func() { s.poller <- c }()
	default:
		return nil
	}
	version, err := c.int64("PRAGMA data_version")
	if err != nil || version == s.dataVersion {
		return err
	}
	return s.read(ctx, func(tx *readTx) error {
		if tx.clean() { // else another program holds the file: look again
			s.dataVersion = version
		}
		return nil
	})
}

// entry is a row of nagar_revs.
type entry struct {
	catalog.Commit
	touched string
}

const entryColumns = "SELECT rev,at,author,reason,touched FROM nagar_revs "

func readEntry(q *sqlite.Stmt) entry {
	return entry{catalog.Commit{Rev: catalog.Rev(q.ColumnInt64(0)), Time: time.UnixMicro(q.ColumnInt64(1)).UTC(), Author: q.ColumnText(2), Reason: q.ColumnText(3)}, q.ColumnText(4)}
}

// commitOf is the revision without its changes.
func (tx *readTx) commitOf(rev catalog.Rev) (entry, error) {
	var e entry
	err := tx.query(entryColumns+"WHERE rev=?1", func(q *sqlite.Stmt) error { e = readEntry(q); return nil }, rev)
	return e, err
}

// pageRevs is the most revisions read from one snapshot before they are handed
// on: a long snapshot keeps the write-ahead log from being emptied.
const pageRevs = 256

// Changes calls fn for every revision after since, in commit order.
func (s *Store) Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error) {
	f := &feed{ctx: ctx, fn: fn, last: since}
	for until := catalog.Rev(-1); ; {
		err := s.read(ctx, func(tx *readTx) error {
			if until < 0 {
				if since > tx.head || since < 0 {
					return fmt.Errorf("changes since %d: %w (head %d)", since, catalog.ErrBadCursor, tx.head)
				}
				until = tx.head
			}
			return f.page(tx)
		})
		if f.err == nil && err == nil {
			f.deliver()
		}
		if f.err != nil {
			return f.last, f.err
		}
		if err != nil {
			return f.last, wrap(ctx, "read changes", err)
		}
		if f.last >= until {
			return f.last, nil
		}
	}
}

// feed is one run of Changes.
type feed struct {
	ctx   context.Context
	fn    func(catalog.Commit) error
	last  catalog.Rev // handed on whole
	ready []catalog.Commit
	size  int // changes in ready
	err   error
}

// deliver hands on the commits that are ready.
func (f *feed) deliver() {
	for i := range f.ready {
		if f.err == nil {
			f.err = f.ctx.Err()
		}
		if f.err == nil {
			if f.err = f.fn(f.ready[i]); f.err == nil && !f.ready[i].More {
				f.last = f.ready[i].Rev
			}
		}
		f.ready[i] = catalog.Commit{}
	}
	f.ready, f.size = f.ready[:0], 0
}

// page reads the next revisions into ready. Only one that exceeds a chunk is
// handed on while the snapshot is open.
func (f *feed) page(tx *readTx) error {
	var entries []entry
	if err := tx.query(entryColumns+"WHERE rev>?1 ORDER BY rev LIMIT ?2", func(q *sqlite.Stmt) error {
		entries = append(entries, readEntry(q))
		return nil
	}, f.last, pageRevs); err != nil {
		return err
	}
	r := newRowReader()
	for _, e := range entries {
		chunk := e.Commit
		err := tx.changesOf(e, r, func(ch catalog.Change) error {
			if len(chunk.Changes) == catalog.CommitChunk {
				chunk.More = true
				f.ready = append(f.ready, chunk)
				chunk = e.Commit
				f.deliver()
			}
			chunk.Changes = append(chunk.Changes, ch)
			return f.err
		})
		if err != nil {
			return err
		}
		f.ready = append(f.ready, chunk)
		if f.size += len(chunk.Changes); f.size >= catalog.CommitChunk {
			return nil
		}
	}
	return nil
}

// changesOf calls fn for each change of a revision.
func (tx *readTx) changesOf(e entry, r *rowReader, fn func(catalog.Change) error) error {
	var names []string
	for _, name := range strings.Fields(e.touched) {
		if rest, ok := strings.CutPrefix(name, "+"); ok {
			if err := fn(catalog.Change{Kind: catalog.Defined, Collection: rest}); err != nil {
				return err
			}
			continue
		}
		names = append(names, name)
	}
	for _, name := range names {
		c, err := tx.schema.coll(name)
		if err != nil {
			return err
		}
		x := &changeReader{tx: tx, c: c, rev: e.Rev, r: r, fn: fn}
		if err := x.run(); err != nil {
			return err
		}
	}
	return nil
}

// changeReader reads the changes that one revision made to one collection.
type changeReader struct {
	tx     *readTx
	c      *coll
	rev    catalog.Rev
	r      *rowReader
	fn     func(catalog.Change) error
	old    bool            // the revision superseded anything
	scrubs map[string]bool // what it erased
}

func (x *changeReader) run() error {
	n, err := x.tx.int64("SELECT EXISTS(SELECT 1 FROM "+x.c.history()+" WHERE nagar_rev_to=?1)", x.rev)
	if err != nil {
		return err
	}
	x.old = n != 0
	if err := x.tx.query("SELECT id FROM nagar_scrubs WHERE rev=?1 AND collection=?2", func(q *sqlite.Stmt) error {
		if x.scrubs == nil {
			x.scrubs = map[string]bool{}
		}
		x.scrubs[q.ColumnText(0)] = true
		return nil
	}, x.rev, x.c.Name); err != nil {
		return err
	}
	if err := x.tx.query(x.c.sql.currentAtRev, x.written, x.rev); err != nil {
		return err
	}
	if err := x.tx.query(x.c.sql.pastFrom, x.written, x.rev); err != nil {
		return err
	}
	if err := x.tx.query(x.c.sql.pastTo, x.ended, x.rev); err != nil {
		return err
	}
	for id := range x.scrubs { // what was erased after it had been deleted
		if err := x.fn(catalog.Change{Kind: catalog.Scrubbed, Collection: x.c.Name, ID: id}); err != nil {
			return err
		}
	}
	return nil
}

// written is a version that the revision recorded.
func (x *changeReader) written(q *sqlite.Stmt) error {
	next := new(catalog.Feature)
	if err := x.r.feature(q, x.c, next); err != nil {
		return err
	}
	ch := catalog.Change{Kind: catalog.Written, Collection: x.c.Name, ID: next.ID, New: next}
	if x.old {
		if err := x.tx.query(x.c.sql.oldAt, func(q *sqlite.Stmt) error {
			ch.Old = new(catalog.Feature)
			return x.r.feature(q, x.c, ch.Old)
		}, x.rev, next.ID); err != nil {
			return err
		}
	}
	if x.scrubs[next.ID] {
		delete(x.scrubs, next.ID)
		ch.Kind = catalog.Scrubbed
		if old := ch.Old; old != nil {
			ch.Old = &catalog.Feature{ID: old.ID, ValidFrom: old.ValidFrom, ValidTo: old.ValidTo, Rev: old.Rev}
		}
	}
	return x.fn(ch)
}

// ended is a version that the revision superseded by nothing.
func (x *changeReader) ended(q *sqlite.Stmt) error {
	old := new(catalog.Feature)
	if err := x.r.feature(q, x.c, old); err != nil {
		return err
	}
	return x.fn(catalog.Change{Kind: catalog.Written, Collection: x.c.Name, ID: old.ID, Old: old})
}
