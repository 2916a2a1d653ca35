package postgis

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

// A window of the feed holds about so many changes, and at most so many commits;
// a commit from outside, whose changes nobody counted, counts as windowChanges.
const (
	windowChanges = 20_000
	windowCommits = 2_000
)

// Changes calls fn for every revision after since, in commit order. It reads the
// feed in windows of some revisions; in each, a server-side cursor per touched
// collection, so that the memory is bounded however long the feed or large a
// revision. It holds a connection while fn runs.
func (s *Store) Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error) {
	doing := fmt.Sprintf("read the changes since %d", since)
	if !s.listen.running() {
		if err := s.takeOver(ctx, false); err != nil {
			return since, err
		}
	}
	head, err := s.Head(ctx)
	if err != nil {
		return since, err
	}
	if since > head {
		return since, fmt.Errorf("%s, head is %d: %w", doing, head, catalog.ErrBadCursor)
	}
	for since < head {
		next := since
		err := s.snapshot(ctx, func(tx pgx.Tx) error {
			w, err := s.window(ctx, tx, since, head)
			if err != nil || len(w.commits) == 0 {
				next = head // nothing recorded in between: revisions may have gaps
				return err
			}
			return w.deliver(ctx, fn, func(rev catalog.Rev) { next = rev })
		})
		since = next
		if err != nil {
			return since, s.fail(ctx, doing, err)
		}
	}
	return since, nil
}

// window is a run of commits and the cursors of the collections that they touched.
type window struct {
	tx      pgx.Tx
	commits []commit
	cursors []*cursor
}

type commit struct {
	txn     int64
	rev     catalog.Rev
	time    time.Time
	author  string
	reason  string
	defined []string
}

// window reads the next commits after since, and opens their cursors.
func (s *Store) window(ctx context.Context, tx pgx.Tx, since, head catalog.Rev) (*window, error) {
	w := &window{tx: tx}
	rows, err := tx.Query(ctx, `select txn, rev, recorded, author, reason, coalesce(changes, $3::bigint),
			array(select k.name from nagar.defined d join nagar.collections k using (coll) where d.txn = c.txn order by 1)
		from nagar.commits c where rev > $1 and rev <= $2 order by rev limit `+fmt.Sprint(windowCommits),
		since, head, int64(windowChanges))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var txns []int64
	for total := int64(0); total < windowChanges && rows.Next(); {
		var c commit
		var n int64
		if err := rows.Scan(&c.txn, &c.rev, &c.time, &c.author, &c.reason, &n, &c.defined); err != nil {
			return nil, err
		}
		w.commits = append(w.commits, c)
		txns = append(txns, c.txn)
		total += n
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(txns) == 0 {
		return w, err
	}
	if _, err := tx.Exec(ctx, `set local cursor_tuple_fraction = 1; set local work_mem = '32MB'; set local jit = off; set local random_page_cost = 1.1`); err != nil {
		return nil, err
	}
	tables, err := s.touchedTables(ctx, tx, txns)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		c, err := s.openCursor(ctx, tx, t, w.commits)
		if err != nil {
			return nil, err
		}
		w.cursors = append(w.cursors, c)
	}
	return w, nil
}

func (s *Store) touchedTables(ctx context.Context, tx pgx.Tx, txns []int64) ([]*table, error) {
	rows, err := tx.Query(ctx, `select distinct k.name from nagar.touched t join nagar.collections k using (coll) where t.txn = any($1) order by 1`, txns)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var out []*table
	for _, name := range names {
		t, err := s.table(ctx, tx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// deliver hands the window's commits to fn, in chunks; done is told of each
// revision that was handled whole.
func (w *window) deliver(ctx context.Context, fn func(catalog.Commit) error, done func(catalog.Rev)) error {
	for i := range w.commits {
		c := &w.commits[i]
		out := catalog.Commit{Rev: c.rev, Time: c.time.UTC(), Author: c.author, Reason: c.reason}
		for _, name := range c.defined {
			out.Changes = append(out.Changes, catalog.Change{Kind: catalog.Defined, Collection: name})
		}
		for _, cur := range w.cursors {
			for {
				ch, err := cur.next(ctx, c.rev)
				if err != nil {
					return err
				}
				if ch == nil {
					break
				}
				if len(out.Changes) == catalog.CommitChunk {
					out.More = true
					if err := fn(out); err != nil {
						return &callerError{err}
					}
					out.More, out.Changes = false, make([]catalog.Change, 0, catalog.CommitChunk)
				}
				out.Changes = append(out.Changes, *ch)
			}
		}
		if err := fn(out); err != nil {
			return &callerError{err}
		}
		done(c.rev)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
