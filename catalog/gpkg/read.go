package gpkg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/geo"

	"zombiezen.com/go/sqlite"
)

// pastRow is a row of the history: up to two versions. As first recorded it was
// held from Feature.Rev up to revTo; from revTo on, if anything of it is left on
// the valid clock, it is held to have ended at end.
type pastRow struct {
	catalog.Feature
	revTo catalog.Rev
	end   time.Time
}

func (r *rowReader) past(stmt *sqlite.Stmt, c *coll, p *pastRow) error {
	if err := r.feature(stmt, c, &p.Feature); err != nil {
		return err
	}
	p.revTo = catalog.Rev(stmt.ColumnInt64(atFields + len(c.cols)))
	var err error
	p.end, err = r.time(stmt, atFields+len(c.cols)+1)
	return err
}

// rest is the version that is left from revTo on, false when none is.
func (p *pastRow) rest() (catalog.Feature, bool) {
	if p.end.IsZero() {
		return catalog.Feature{}, false
	}
	f := p.Feature
	f.Rev = p.revTo
	if f.ValidTo.IsZero() || p.end.Before(f.ValidTo) {
		f.ValidTo = p.end
	}
	return f, f.ValidFrom.IsZero() || f.ValidFrom.Before(f.ValidTo)
}

// at is the one of the row's versions that was held at known, if any.
func (p *pastRow) at(known catalog.Rev) (catalog.Feature, bool) {
	switch {
	case known < p.Rev:
		return catalog.Feature{}, false
	case known < p.revTo:
		return p.Feature, true
	}
	return p.rest()
}

// moment is a catalog.At made concrete in a snapshot.
func (tx *readTx) moment(at catalog.At) (asof time.Time, known catalog.Rev) {
	if asof = at.AsOf; asof.IsZero() {
		asof = tx.now
	}
	if known = at.Known; known == 0 || known > tx.head {
		known = tx.head
	}
	return asof, known
}

// Feature returns one feature as it is at that moment, or catalog.ErrNotFound.
func (s *Store) Feature(ctx context.Context, collection, id string, at catalog.At) (catalog.Feature, error) {
	var out catalog.Feature
	err := s.read(ctx, func(tx *readTx) error {
		c, err := tx.schema.coll(collection)
		if err != nil {
			return err
		}
		asof, known := tx.moment(at)
		found := false
		take := func(f *catalog.Feature) {
			if !found && f.Rev <= known && f.ValidAt(asof) {
				out, found = *f, true
			}
		}
		r := newRowReader()
		var f catalog.Feature
		err = tx.query(c.sql.currentByID, func(q *sqlite.Stmt) error {
			err := r.feature(q, c, &f)
			take(&f)
			return err
		}, id)
		if err == nil && !found && !at.IsNow() {
			var p pastRow
			err = tx.query(c.sql.pastByID, func(q *sqlite.Stmt) error {
				err := r.past(q, c, &p)
				if v, ok := p.at(known); ok {
					take(&v)
				}
				return err
			}, id)
		}
		if err == nil && !found {
			err = catalog.ErrNotFound
		}
		return err
	})
	return out, wrap(ctx, "read "+collection+"/"+id, err)
}

// History returns every version of a feature by recorded, then valid time.
func (s *Store) History(ctx context.Context, collection, id string) ([]catalog.Version, error) {
	var out []catalog.Version
	err := s.read(ctx, func(tx *readTx) error {
		c, err := tx.schema.coll(collection)
		if err != nil {
			return err
		}
		r := newRowReader()
		if err := tx.query(c.sql.pastByID, func(q *sqlite.Stmt) error {
			var p pastRow
			err := r.past(q, c, &p)
			out = append(out, catalog.Version{Feature: p.Feature, RevTo: p.revTo})
			if f, ok := p.rest(); ok {
				out = append(out, catalog.Version{Feature: f})
			}
			return err
		}, id); err != nil {
			return err
		}
		if err := tx.query(c.sql.currentByID, func(q *sqlite.Stmt) error {
			var f catalog.Feature
			err := r.feature(q, c, &f)
			out = append(out, catalog.Version{Feature: f})
			return err
		}, id); err != nil {
			return err
		}
		if len(out) == 0 {
			return catalog.ErrNotFound
		}
		slices.SortStableFunc(out, func(a, b catalog.Version) int {
			return cmp.Or(cmp.Compare(a.Rev, b.Rev), a.ValidFrom.Compare(b.ValidFrom))
		})
		for i := range out {
			c, err := tx.commitOf(out[i].Rev)
			if err != nil {
				return err
			}
			out[i].Recorded, out[i].Author, out[i].Reason = c.Time, c.Author, c.Reason
		}
		return nil
	})
	return out, wrap(ctx, "read the history of "+collection+"/"+id, err)
}

// Scan calls fn for each selected feature of one consistent snapshot, in the
// order of their rows, what is current first.
func (s *Store) Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	return s.ScanAll(ctx, []catalog.Query{q}, func(_ int, f *catalog.Feature) error { return fn(f) })
}

// ScanAll is a Scan of each query, one after the other, of one snapshot.
func (s *Store) ScanAll(ctx context.Context, queries []catalog.Query, fn func(int, *catalog.Feature) error) (catalog.Rev, error) {
	var rev catalog.Rev
	var fnErr error
	doing := "scan"
	err := s.indexFor(ctx, queries)
	if err == nil {
		err = s.read(ctx, func(tx *readTx) error {
			rev = tx.head
			r := newRowReader()
			for i, q := range queries {
				doing = "scan " + q.Collection
				c, err := tx.schema.coll(q.Collection)
				if err != nil {
					return err
				}
				n := 0
				err = tx.scan(c, q, r, func(f *catalog.Feature) error {
					if fnErr = fn(i, f); fnErr != nil {
						return fnErr
					}
					if n++; n == q.Limit {
						return errEnough
					}
					return nil
				})
				if err != nil && !errors.Is(err, errEnough) {
					return err
				}
			}
			return nil
		})
	}
	if fnErr != nil {
		return rev, fnErr
	}
	return rev, wrap(ctx, doing, err)
}

// errEnough ends a scan at its limit.
var errEnough = errors.New("enough")

func (tx *readTx) scan(c *coll, q catalog.Query, r *rowReader, fn func(*catalog.Feature) error) error {
	asof, known := tx.moment(q.At)
	var f catalog.Feature
	current := func(stmt *sqlite.Stmt) error {
		if catalog.Rev(stmt.ColumnInt64(atRev)) > known && !q.Ever {
			return nil
		}
		if err := r.feature(stmt, c, &f); err != nil {
			return fmt.Errorf("row %d: %w", stmt.ColumnInt64(atRow), err)
		}
		planned := q.Planned && f.ValidFrom.After(asof)
		if !f.ValidAt(asof) && !q.Ever && !planned {
			return nil
		}
		return fn(&f)
	}
	var p pastRow
	past := func(stmt *sqlite.Stmt) error {
		if err := r.past(stmt, c, &p); err != nil {
			return fmt.Errorf("past version %d: %w", stmt.ColumnInt64(atRow), err)
		}
		if q.Ever {
			v := p.Feature
			return fn(&v)
		}
		v, ok := p.at(known)
		if !ok || !v.ValidAt(asof) {
			return nil
		}
		return fn(&v)
	}
	presentOnly := q.At.IsNow() && !q.Ever
	if q.Match != nil {
		return tx.match(c, q, r, current, past)
	}
	if q.Box == nil {
		if err := tx.query(c.sql.current, current); err != nil || presentOnly {
			return err
		}
		return tx.query(c.sql.past, past)
	}
	if q.Box.IsEmpty() {
		return nil
	}
	if err := tx.window(c.sql.current, quote(c.table), c.indexed, *q.Box, r, current); err != nil || presentOnly {
		return err
	}
	return tx.window(c.sql.past, c.history(), true, *q.Box, r, past)
}

// window calls row for the rows of a table whose boxes meet b.
func (tx *readTx) window(query, table string, indexed bool, b geo.Box, r *rowReader, row func(*sqlite.Stmt) error) error {
	inside := func(q *sqlite.Stmt) error {
		box, err := blobBox(r.bytes(q, atGeom))
		if err != nil || !box.Intersects(b) {
			return err
		}
		return row(q)
	}
	if !indexed {
		return tx.query(query+" AND nagar_cell IS NOT NULL", inside)
	}
	levels, err := tx.levels(table)
	if err != nil {
		return err
	}
	// The rows that the index names are read in the order of the table: IN sorts
	// them first. In the order of their cells a large window costs a page for each
	// row, some pages again and again.
	return tx.query(query+" AND rowid IN (SELECT i.rowid FROM json_each(?1) AS k CROSS JOIN "+table+
		" AS i WHERE i.nagar_cell BETWEEN k.value->>0 AND k.value->>1)", inside, jsonRanges(cellRanges(b, levels)))
}

// jsonRanges is [[from,to],...].
func jsonRanges(ranges []keyRange) string {
	b := []byte{'['}
	for i, k := range ranges {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "[%d,%d]", k.from, k.to)
	}
	return string(append(b, ']'))
}

// levels are the levels of the quadtree that hold anything, found by hopping
// through the index.
func (tx *readTx) levels(table string) ([]int, error) {
	var out []int
	for from := int64(0); ; {
		key := int64(-1)
		if err := tx.query("SELECT nagar_cell FROM "+table+" WHERE nagar_cell>=?1 ORDER BY nagar_cell LIMIT 1", func(q *sqlite.Stmt) error {
			key = q.ColumnInt64(0)
			return nil
		}, from); err != nil {
			return nil, err
		}
		if key < 0 {
			return out, nil
		}
		level := int(key >> cellShift)
		out = append(out, level)
		from = int64(level+1) << cellShift
	}
}
