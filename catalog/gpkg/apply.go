package gpkg

import (
	"context"
	"fmt"
	"hash/maphash"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// How much of a batch is checked and encoded before the write lock is taken: a
// batch within these bounds holds the lock only while its rows are written.
const (
	stageOps   = 8192
	stageBytes = 8 << 20
)

// op is one operation, checked and encoded.
type op struct {
	content
	kind    catalog.OpKind
	c       *coll
	id      string
	want    *catalog.Rev
	merge   bool
	present []bool   // Merge: the fields that are given
	fields  []string // Erase: which
}

// applier carries one batch from its operations to its result.
type applier struct {
	s      *Store
	batch  *catalog.Batch
	schema *schema
	result catalog.Result
	*stage

	tx     *writeTx
	tables map[string]*table
}

// stage is the memory in which a batch is prepared. A Store keeps the last few
// for the next batches.
type stage struct {
	seen    map[[2]uint64]struct{} // the features named so far, see seenKey
	staged  []op
	arena   []byte // geometries of the staged operations
	vals    []catalog.Value
	scratch []byte
	bytes   int // of texts staged
}

func (s *Store) newStage() *stage {
	select {
	case st := <-s.stages:
		return st
	default:
		return &stage{seen: map[[2]uint64]struct{}{}}
	}
}

// keepStage keeps the memory of a batch, unless it was an uncommonly big one.
func (s *Store) keepStage(st *stage) {
	if len(st.seen) > 2*stageOps || cap(st.arena) > 2*stageBytes {
		return
	}
	clear(st.seen)
	st.empty()
	select {
	case s.stages <- st:
	default:
	}
}

// empty makes room for the next operations.
func (st *stage) empty() {
	clear(st.staged)
	clear(st.vals)
	st.staged, st.arena, st.vals, st.bytes = st.staged[:0], st.arena[:0], st.vals[:0], 0
}

// Apply writes a batch; see catalog.Batch and catalog.Op. The batch is checked
// and encoded before the file is locked, as far as it fits into memory.
func (s *Store) Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error) {
	a := &applier{s: s, batch: &b, stage: s.newStage(), tables: map[string]*table{}}
	err := a.run(ctx)
	s.keepStage(a.stage)
	if a.tx != nil {
		a.tx.release()
	}
	if err != nil {
		return catalog.Result{}, wrap(ctx, "apply a batch", err)
	}
	return a.result, nil
}

func (a *applier) run(ctx context.Context) error {
	err := a.s.read(ctx, func(tx *readTx) error {
		a.schema = tx.schema
		return tx.replay(a.batch.Key, &a.result)
	})
	if err != nil || a.result.Replayed {
		return err
	}
	if a.batch.Replace != "" {
		if _, err := a.schema.coll(a.batch.Replace); err != nil {
			return err
		}
	}
	if a.batch.Ops != nil {
		for o, err := range a.batch.Ops {
			if err == nil {
				err = a.prepare(o)
			}
			if err == nil && (len(a.staged) >= stageOps || len(a.arena)+a.bytes >= stageBytes) {
				err = a.flush(ctx)
			}
			if err == nil && len(a.staged)&255 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				return a.end(err)
			}
		}
	}
	if err := a.flush(ctx); err != nil || a.result.Replayed {
		return a.end(err)
	}
	return a.end(a.conclude())
}

// end ends the transaction, if there is one.
func (a *applier) end(err error) error {
	if a.tx == nil {
		return err
	}
	tx := a.tx
	a.tx = nil
	if err = tx.end(err); err == nil && !a.result.Replayed && a.result.Rev == 0 {
		a.result.Rev = tx.state.head
	}
	return err
}

// replay finds the result of an earlier batch of the same key.
func (c *conn) replay(key string, r *catalog.Result) error {
	if key == "" {
		return nil
	}
	return c.query("SELECT rev,created,updated,unchanged,deleted,erased FROM nagar_keys WHERE key=?1", func(q *sqlite.Stmt) error {
		*r = catalog.Result{Rev: catalog.Rev(q.ColumnInt64(0)), Created: q.ColumnInt(1), Updated: q.ColumnInt(2),
			Unchanged: q.ColumnInt(3), Deleted: q.ColumnInt(4), Erased: q.ColumnInt(5), Replayed: true}
		return nil
	}, key)
}

// flush writes the staged operations, after taking the lock where it is not held.
func (a *applier) flush(ctx context.Context) error {
	if a.tx == nil {
		tx, err := a.s.begin(ctx)
		if err != nil {
			return err
		}
		a.tx = tx
		tx.author, tx.reason = a.batch.Author, a.batch.Reason
		if err := tx.replay(a.batch.Key, &a.result); err != nil || a.result.Replayed {
			return err
		}
	}
	for i := range a.staged {
		o := &a.staged[i]
		status, err := a.perform(o)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", o.c.Name, o.id, err)
		}
		a.count(status)
	}
	a.empty()
	return nil
}

func (a *applier) count(status catalog.Status) {
	a.result.Statuses = append(a.result.Statuses, status)
	switch status {
	case catalog.Unchanged:
		a.result.Unchanged++
	case catalog.Created:
		a.result.Created++
	case catalog.Updated:
		a.result.Updated++
	case catalog.Deleted:
		a.result.Deleted++
	case catalog.Erased:
		a.result.Erased++
	}
}

// conclude does what stands at the end of a batch: deletes what a replaced
// collection's batch has not put, and remembers the key.
func (a *applier) conclude() error {
	if a.batch.Replace != "" {
		if err := a.replace(); err != nil {
			return err
		}
	}
	a.result.Rev = a.tx.rev
	if a.result.Rev == 0 {
		a.result.Rev = a.tx.state.head
	}
	if a.batch.Key == "" {
		return nil
	}
	r := &a.result
	a.tx.dirty = true
	return a.tx.exec("INSERT INTO nagar_keys VALUES(?1,?2,?3,?4,?5,?6,?7)", a.batch.Key, r.Rev, r.Created, r.Updated, r.Unchanged, r.Deleted, r.Erased)
}

// replace deletes the features of the replaced collection that the batch did not put.
func (a *applier) replace() error {
	c, err := a.tx.schema.coll(a.batch.Replace)
	if err != nil {
		return err
	}
	t, err := a.table(c)
	if err != nil {
		return err
	}
	type victim struct {
		fid int64
		id  string
	}
	var page []victim
	for last := int64(-1 << 62); ; {
		page = page[:0]
		if err := a.tx.query(t.c.sql.currentFids, func(q *sqlite.Stmt) error {
			page = append(page, victim{q.ColumnInt64(0), q.ColumnText(1)})
			return nil
		}, last); err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		last = page[len(page)-1].fid
		for _, v := range page {
			if _, put := a.seen[seenKey(c.Name, v.id)]; put {
				continue
			}
			o := op{kind: catalog.Delete, c: c, id: v.id}
			status, err := t.delete(&o)
			if err != nil {
				return fmt.Errorf("%s/%s: %w", c.Name, v.id, err)
			}
			if status == catalog.Deleted {
				a.result.Deleted++
			}
		}
	}
}

// seenSeeds make seenKey's hashes unknown to whoever chooses the ids.
var seenSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// seenKey is the feature in 128 bits: takes no two features for one by any chance
// that matters, and keeps a batch of millions in little memory.
func seenKey(collection, id string) [2]uint64 {
	var room [256]byte
	b := append(append(append(room[:0], collection...), '/'), id...)
	return [2]uint64{maphash.Bytes(seenSeeds[0], b), maphash.Bytes(seenSeeds[1], b)}
}

// prepare checks and encodes one operation.
func (a *applier) prepare(in *catalog.Op) error {
	c, err := a.schema.coll(in.Collection)
	if err != nil {
		return err
	}
	f := &in.Feature
	at := func(err error) error { return fmt.Errorf("%s/%s: %w", c.Name, f.ID, err) }
	if err := catalog.CheckID(f.ID); err != nil {
		return at(err)
	}
	key := seenKey(c.Name, f.ID)
	if _, twice := a.seen[key]; twice {
		return at(&catalog.Invalid{Path: "id", Reason: "the batch names this feature twice"})
	}
	a.seen[key] = struct{}{}
	a.staged = append(a.staged, op{kind: in.Kind, c: c, id: f.ID, merge: in.Merge})
	o := &a.staged[len(a.staged)-1]
	if in.If != nil {
		want := *in.If
		o.want = &want
	}
	o.validFrom = cut(f.ValidFrom)
	switch in.Kind {
	case catalog.Put:
		return a.preparePut(o, f)
	case catalog.Delete:
		return nil
	case catalog.Erase:
		for _, name := range in.Fields {
			if _, ok := c.Field(name); !ok {
				return at(&catalog.Invalid{Path: "fields", Reason: fmt.Sprintf("%s has no field %q", c.Name, name)})
			}
		}
		o.fields = append(o.fields, in.Fields...)
		return nil
	}
	return at(&catalog.Invalid{Path: "kind", Reason: fmt.Sprintf("no operation has the number %d", in.Kind)})
}

func (a *applier) preparePut(o *op, f *catalog.Feature) error {
	c := o.c
	if err := c.Check(f); err != nil {
		return fmt.Errorf("%s/%s: %w", c.Name, f.ID, err)
	}
	n := len(c.Fields)
	if cap(a.vals)-len(a.vals) < n { // slices of the old array stay valid
		a.vals = make([]catalog.Value, 0, max(2*cap(a.vals), n*1024, 4096))
	}
	from := len(a.vals)
	a.vals = a.vals[:from+n]
	o.vals = a.vals[from : from+n : from+n]
	clear(o.vals)
	if o.merge {
		o.present = make([]bool, n)
	}
	if err := c.setValues(o.vals, o.present, f.Props); err != nil {
		return fmt.Errorf("%s/%s: %w", c.Name, f.ID, err)
	}
	for i := range o.vals {
		a.bytes += len(o.vals[i].Str())
	}
	o.validTo = cut(f.ValidTo)
	// The arena may move while it grows; the blobs of earlier operations keep the
	// old array alive until the stage is written.
	a.arena = o.setGeometry(a.arena, &f.Geometry)
	a.scratch = o.seal(a.scratch)
	return nil
}
