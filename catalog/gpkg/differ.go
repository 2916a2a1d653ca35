package gpkg

import (
	"context"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

var _ catalog.Differ = (*Store)(nil)

// Unlike tells how another moment differs from a copy of what is current; see
// catalog.Differ. It goes through the clocks of all rows, and reads the rest of
// those only that differ.
func (s *Store) Unlike(ctx context.Context, o catalog.Other, fn func(id string, then *catalog.Feature) error) (catalog.Rev, error) {
	var rev catalog.Rev
	var fnErr error
	err := s.read(ctx, func(tx *readTx) error {
		rev = tx.head
		c, err := tx.schema.coll(o.Collection)
		if err != nil {
			return err
		}
		return tx.unlike(c, o, func(id string, then *catalog.Feature) error {
			fnErr = fn(id, then)
			return fnErr
		})
	})
	if fnErr != nil {
		return rev, fnErr
	}
	return rev, wrap(ctx, "compare "+o.Collection+" with another moment", err)
}

func (tx *readTx) unlike(c *coll, o catalog.Other, fn func(id string, then *catalog.Feature) error) error {
	asof, known := tx.moment(o.At)
	since := min(o.Since, known)
	r := newRowReader()
	var f catalog.Feature
	current := func(stmt *sqlite.Stmt) error {
		from, err := r.time(stmt, atFrom)
		if err != nil {
			return err
		}
		to, err := r.time(stmt, atTo)
		if err != nil {
			return err
		}
		rev := catalog.Rev(stmt.ColumnInt64(atRev))
		if o.Settled(rev, from, to, asof, known) {
			return nil
		}
		f = catalog.Feature{ValidFrom: from, ValidTo: to}
		if rev > known || !f.ValidAt(asof) {
			return fn(stmt.ColumnText(atID), nil)
		}
		if err := r.feature(stmt, c, &f); err != nil {
			return err
		}
		return fn(f.ID, &f)
	}
	// What a later revision superseded or deleted is not in the store as in the copy.
	if err := tx.query("SELECT DISTINCT nagar_id FROM "+c.history()+" WHERE nagar_rev_to>?1", func(stmt *sqlite.Stmt) error {
		return fn(stmt.ColumnText(0), nil)
	}, int64(since)); err != nil {
		return err
	}
	if err := tx.query(c.sql.current+" AND ("+colFrom+" IS NOT NULL OR "+colTo+" IS NOT NULL OR nagar_rev>?1)", current, int64(since)); err != nil {
		return err
	}
	var p pastRow
	return tx.query(c.sql.past+" AND nagar_rev<=?1 AND (nagar_rev_to>?1 OR nagar_end IS NOT NULL)", func(stmt *sqlite.Stmt) error {
		if catalog.Rev(stmt.ColumnInt64(atFields+len(c.cols))) <= known {
			if end, err := r.time(stmt, atFields+len(c.cols)+1); err != nil || !asof.Before(end) {
				return err
			}
		}
		if err := r.past(stmt, c, &p); err != nil {
			return err
		}
		if v, ok := p.at(known); ok && v.ValidAt(asof) {
			return fn(v.ID, &v)
		}
		return nil
	}, int64(known))
}
