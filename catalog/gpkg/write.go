package gpkg

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// writeTx is one write transaction. It holds the file's write lock.
type writeTx struct {
	*conn
	s      *Store
	ctx    context.Context
	state  state // as the transaction found it, after the drain
	schema *schema
	now    time.Time // the batch's time on both clocks
	rev    catalog.Rev

	author, reason string
	touched        []string            // collections with a change under rev; "+name" for a definition
	wrote          map[string]*written // what gpkg_contents must be told
	ddl            bool                // the schema changed by our own hand
	drained        bool                // edits by other programs were taken in
	dirty          bool                // something without a revision was written
	scrubbed       bool                // something was erased
}

// written is what a transaction did to one collection.
type written struct {
	c      *coll
	box    geo.Box
	shapes int64
}

// write runs fn in a write transaction. fn's error undoes what fn did.
func (s *Store) write(ctx context.Context, fn func(*writeTx) error) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.release()
	return tx.end(fn(tx))
}

// begin takes the write lock and drains what other programs did. The caller ends
// the transaction with end, and must call release in any case.
func (s *Store) begin(ctx context.Context) (*writeTx, error) {
	c, err := s.take(ctx, s.writer)
	if err != nil {
		return nil, err
	}
	return s.beginOn(ctx, c, s.opts.LockTimeout)
}

func (s *Store) beginOn(ctx context.Context, c *conn, limit time.Duration) (*writeTx, error) {
	var err error
	tx := &writeTx{conn: c, s: s, ctx: ctx}
	for attempt := 0; ; attempt++ {
		*tx = writeTx{conn: c, s: s, ctx: ctx}
		c.SetInterrupt(ctx.Done())
		if err = c.beginImmediate(ctx, limit); err == nil {
			err = tx.start()
		}
		// What was drained is committed by itself, so that it stands even if the
		// work fails. It could happen again and again only under a stream of edits
		// by others, and then drain and work go together.
		if err == nil && tx.drained && attempt < 3 {
			c.SetInterrupt(nil)
			if err = tx.commit(); err == nil {
				continue
			}
		}
		if err != nil {
			tx.release()
			return nil, err
		}
		return tx, nil
	}
}

// release undoes what has not been ended and gives the connection back.
func (tx *writeTx) release() {
	if tx.conn == nil {
		return
	}
	tx.rollback()
	tx.s.writer <- tx.conn
	tx.conn = nil
}

// end commits, or where workErr says that the work failed undoes it and returns
// workErr.
func (tx *writeTx) end(workErr error) error {
	defer tx.release()
	if workErr == nil {
		workErr = tx.finish()
	}
	if workErr != nil {
		return workErr
	}
	tx.SetInterrupt(nil) // from here on it is done or undone whole
	if tx.rev == 0 && !tx.drained && !tx.dirty && !tx.ddl {
		return nil // nothing to keep: the rollback is cheaper
	}
	return tx.commit()
}

// start reads the state and drains.
func (tx *writeTx) start() error {
	if err := tx.exec("UPDATE nagar_state SET own=1"); err != nil {
		return err
	}
	st, err := tx.conn.state()
	if err != nil {
		return err
	}
	tx.state = st
	tx.setNow()
	if st.stamp.sqlite != st.seen {
		// Triggers of a table that is gone would break the very statements that
		// mend it.
		if err := tx.conn.setTriggers(false); err != nil {
			return err
		}
		if err := tx.lookOver(); err != nil {
			return fmt.Errorf("take in a schema that another program changed: %w", err)
		}
	} else if tx.schema, err = tx.s.schemaAt(tx.conn, st.stamp); err != nil {
		return err
	}
	// Our own triggers rest during our own writes anyway; switched off they cost
	// nothing, a fifth of a bulk load. Those of others must run.
	if err := tx.conn.setTriggers(tx.schema.foreign); err != nil {
		return err
	}
	if !st.clean() {
		tx.drained = true
		if err := tx.drain(); err != nil {
			return fmt.Errorf("take in edits by other programs: %w", err)
		}
		if err := tx.finish(); err != nil {
			return err
		}
		if tx.rev > 0 {
			tx.state.head, tx.state.headTime = tx.rev, tx.now
		}
		tx.rev, tx.author, tx.reason = 0, "", ""
		tx.setNow()
	}
	return nil
}

// setNow sets the batch's time: the clock's, but never before a recorded time.
func (tx *writeTx) setNow() {
	tx.now = cut(tx.s.opts.Now())
	if tx.now.Before(tx.state.headTime) {
		tx.now = tx.state.headTime
	}
}

// spend returns the revision of this transaction's changes.
func (tx *writeTx) spend() catalog.Rev {
	if tx.rev == 0 {
		tx.rev = tx.state.head + 1
	}
	return tx.rev
}

// touch notes that features of the collection changed under the revision.
func (tx *writeTx) touch(c *coll) *written {
	if w := tx.wrote[c.Name]; w != nil {
		return w
	}
	if tx.wrote == nil {
		tx.wrote = map[string]*written{}
	}
	w := &written{c: c, box: geo.EmptyBox()}
	tx.wrote[c.Name] = w
	return w
}

// finish records the revision, if one was spent, and tells gpkg_contents.
func (tx *writeTx) finish() error {
	if tx.rev == 0 {
		return nil
	}
	names := slices.Clone(tx.touched)
	for name := range tx.wrote {
		names = append(names, name)
	}
	slices.Sort(names)
	if err := tx.exec("INSERT INTO nagar_revs(rev,at,author,reason,touched) VALUES(?1,?2,?3,?4,?5)",
		tx.rev, tx.now.UnixMicro(), tx.author, tx.reason, strings.Join(names, " ")); err != nil {
		return err
	}
	for _, w := range tx.wrote {
		if err := tx.tellContents(w); err != nil {
			return err
		}
	}
	tx.wrote, tx.touched = nil, nil
	return nil
}

// tellContents brings the standard's tables up to date: when the layer changed,
// the box that holds it, the types of geometry in it.
func (tx *writeTx) tellContents(w *written) error {
	at, name := timeText(tx.now.Truncate(time.Millisecond)), w.c.table
	err := tx.exec("UPDATE gpkg_contents SET last_change=?1 WHERE table_name=?2", at, name)
	if err == nil && !w.box.IsEmpty() {
		err = tx.exec(`UPDATE gpkg_contents SET min_x=min(coalesce(min_x,?1),?1), min_y=min(coalesce(min_y,?2),?2),
 max_x=max(coalesce(max_x,?3),?3), max_y=max(coalesce(max_y,?4),?4) WHERE table_name=?5`, w.box.W, w.box.S, w.box.E, w.box.N, name)
	}
	if err == nil && w.shapes&^w.c.shapes != 0 {
		next := *w.c
		next.shapes |= w.shapes
		if err = tx.exec("UPDATE nagar_collections SET shapes=?1 WHERE name=?2", next.shapes, next.Name); err == nil {
			err = tx.exec("UPDATE gpkg_geometry_columns SET geometry_type_name=?1, z=max(z,?2) WHERE table_name=?3", next.gpkgType(), next.gpkgZ(), name)
		}
		tx.bump()
	}
	return err
}

// bump makes every process read the descriptions afresh.
func (tx *writeTx) bump() {
	tx.state.stamp.defs++
	_ = tx.exec("UPDATE nagar_state SET defs=?1", tx.state.stamp.defs) // checked by commit, which writes the same row
}

// commit ends the transaction and tells this process of it.
func (tx *writeTx) commit() error {
	if tx.ddl {
		if err := tx.exec("UPDATE nagar_state SET schema=(SELECT schema_version FROM pragma_schema_version)"); err != nil {
			return err
		}
	}
	if err := tx.exec("UPDATE nagar_state SET own=0"); err != nil {
		return err
	}
	if err := tx.exec("COMMIT"); err != nil {
		return err
	}
	tx.s.sawHead(max(tx.rev, tx.state.head))
	if tx.scrubbed {
		// What was erased still stands in the write-ahead log, until it is emptied:
		// now, or where a reader is in the way, when the file is next closed.
		_ = tx.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return nil
}
