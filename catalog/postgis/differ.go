package postgis

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

var _ catalog.Differ = (*Store)(nil)

// Unlike tells how another moment differs from a copy of what is current; see
// catalog.Differ. It goes through the clocks of all rows, and reads the rest of
// those only that differ.
func (s *Store) Unlike(ctx context.Context, o catalog.Other, fn func(id string, then *catalog.Feature) error) (catalog.Rev, error) {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mine := func(err error) error {
		if err != nil {
			cancel() // the rows not yet read are not waited for
			err = &callerError{err}
		}
		return err
	}
	var rev catalog.Rev
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		var now time.Time
		if err := tx.QueryRow(ctx, headSQL+`, clock_timestamp()`).Scan(&rev, &now); err != nil {
			return err
		}
		t, err := s.table(ctx, tx, o.Collection)
		if err != nil {
			return err
		}
		where, err := s.standIn(ctx, tx, t)
		if err != nil {
			return err
		}
		if o.At.AsOf.IsZero() {
			o.At.AsOf = now
		}
		since := o.Since
		if o.At.Known != 0 {
			since = min(since, o.At.Known)
		}
		early := o.At.AsOf
		if o.Shown.Before(early) {
			early = o.Shown
		}
		later := fmt.Sprintf(`(select txn from nagar.commits where rev > %d)`, since)
		unsettled := fmt.Sprintf(`(x.valid_from > %s::timestamptz or x.valid_to is not null or x.nagar_txn in %s)`, literal(timestamp(early)), later)
		gone := fmt.Sprintf(`select x.id from %s x where x.nagar_main and x.nagar_txn_to in %s`, t.history(), later)
		if where != "" {
			gone += fmt.Sprintf(` union select x.id from %s x where %s`, where, unsettled)
		}
		rows, err := queryBinary(ctx, tx.Conn(), gone)
		if err != nil {
			return err
		}
		for rows.next() {
			if err := mine(fn(string(rows.values()[0]), nil)); err != nil {
				_ = rows.close()
				return err
			}
		}
		if err := rows.close(); err != nil {
			return err
		}
		sql, args, err := where.scanSQL(t, catalog.Query{Collection: o.Collection, At: o.At}, "", now, unsettled)
		if err != nil {
			return err
		}
		return s.stream(ctx, tx, t, sql, args, catalog.Query{}, func(f *catalog.Feature) error {
			err := fn(f.ID, f)
			if err != nil {
				cancel()
			}
			return err
		})
	})
	if err != nil {
		return 0, s.fail(outer, "compare "+o.Collection+" with another moment", err)
	}
	return rev, nil
}
