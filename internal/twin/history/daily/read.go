package daily

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"nagar/internal/twin/history"
)

// Scan implements history.Store.
func (s *Store) Scan(ctx context.Context, span history.Span, fn func(*history.Observation) error) error {
	var n int64
	err := s.read(ctx, "read readings", func(c *sqlite.Conn) (err error) {
		n, err = number(c, span.Datastream)
		return err
	})
	if err != nil || n == 0 {
		return err
	}
	days, err := s.days()
	if err != nil {
		return err
	}
	if span.Newest {
		slices.Reverse(days)
	}
	order := " ORDER BY t"
	if span.Newest {
		order += " DESC"
	}
	o := history.Observation{Datastream: span.Datastream}
	for _, day := range days {
		if day+history.DayLength <= span.From || day >= span.End() {
			continue
		}
		err := s.readDay(ctx, day, func(c *sqlite.Conn) error {
			return sqlitex.Execute(c, "SELECT t,te,v,s,q,x FROM obs WHERE n=? AND t>=? AND t<?"+order, &sqlitex.ExecOptions{
				Args: []any{n, span.From, span.End()}, ResultFunc: func(q *sqlite.Stmt) error {
					fill(&o, q)
					return fn(&o)
				},
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fill reads the columns t, te, v, s, q, x.
func fill(o *history.Observation, q *sqlite.Stmt) {
	o.Time, o.End, o.Value, o.Text = q.ColumnInt64(0), q.ColumnInt64(1), nullable(q, 2), q.ColumnText(3)
	o.Quality, o.Extra = history.Quality(q.ColumnInt64(4)), q.ColumnText(5)
}

// readDay runs fn on a day's file; one that is dropped meanwhile has nothing.
func (s *Store) readDay(ctx context.Context, day int64, fn func(*sqlite.Conn) error) error {
	c, err := s.open(ctx, dayFile(day), "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap(ctx, "open a day of readings", err)
	}
	err = fn(c)
	c.SetInterrupt(nil)
	if sqlite.ErrCode(err) != sqlite.ResultOK && sqlite.ErrCode(err) != sqlite.ResultError {
		err = wrap(ctx, "read a day of readings", err)
	}
	return errors.Join(err, c.Close())
}

// walk steps through the times that a level has, and looks the datastream up in each:
// the table is by time first, so that a batch writes neighbours.
const walk = `WITH RECURSIVE b(t) AS (
 SELECT min(t) FROM rollups WHERE level=?1 AND t>=?2 AND t<?3
 UNION ALL SELECT (SELECT r.t FROM rollups r WHERE r.level=?1 AND r.t>b.t AND r.t<?3 ORDER BY r.t LIMIT 1) FROM b WHERE b.t IS NOT NULL)
SELECT r.t, r.count, r.good, r.min, r.max, r.sum FROM b CROSS JOIN rollups r ON r.level=?1 AND r.t=b.t AND r.n=?4`

// Rollups implements history.Store.
func (s *Store) Rollups(ctx context.Context, l history.Level, span history.Span, fn func(history.Rollup) error) error {
	var own error
	err := s.read(ctx, "read roll-ups", func(c *sqlite.Conn) error {
		n, err := number(c, span.Datastream)
		if err != nil || n == 0 {
			return err
		}
		q, err := c.Prepare(walk)
		if err != nil {
			return err
		}
		for i, v := range [...]int64{int64(l), span.From, span.End(), n} {
			q.BindInt64(i+1, v)
		}
		for {
			ok, err := q.Step()
			if err != nil || !ok {
				return errors.Join(err, q.Reset())
			}
			own = fn(history.Rollup{Start: q.ColumnInt64(0), Count: q.ColumnInt64(1), Good: q.ColumnInt64(2), Min: q.ColumnFloat(3), Max: q.ColumnFloat(4), Sum: q.ColumnFloat(5)})
			if own != nil {
				return q.Reset()
			}
		}
	})
	return errors.Join(own, err)
}

// Latest implements history.Store.
func (s *Store) Latest(ctx context.Context, since time.Time, fn func(*history.Observation) error) error {
	type stream struct {
		n  int64
		id string
	}
	var missing []stream
	err := s.read(ctx, "read datastreams", func(c *sqlite.Conn) error {
		return sqlitex.Execute(c, "SELECT n, id FROM streams ORDER BY n", &sqlitex.ExecOptions{ResultFunc: func(q *sqlite.Stmt) error {
			missing = append(missing, stream{q.ColumnInt64(0), q.ColumnText(1)})
			return nil
		}})
	})
	if err != nil {
		return err
	}
	days, err := s.days()
	if err != nil {
		return err
	}
	slices.Reverse(days)
	var o history.Observation
	for _, day := range days {
		if day+history.DayLength <= since.UnixMicro() || len(missing) == 0 {
			break
		}
		err := s.readDay(ctx, day, func(c *sqlite.Conn) error {
			q, err := c.Prepare("SELECT t,te,v,s,q,x FROM obs WHERE n=? AND t>=? ORDER BY t DESC LIMIT 1")
			if err != nil {
				return err
			}
			rest := missing[:0]
			for _, m := range missing {
				q.BindInt64(1, m.n)
				q.BindInt64(2, since.UnixMicro())
				ok, err := q.Step()
				if err != nil {
					return errors.Join(err, q.Reset())
				}
				if ok {
					o.Datastream = m.id
					fill(&o, q)
				}
				if err := q.Reset(); err != nil {
					return err
				}
				if !ok {
					rest = append(rest, m)
				} else if err := fn(&o); err != nil {
					return err
				}
			}
			missing = rest
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Prune implements history.Store.
func (s *Store) Prune(ctx context.Context, before time.Time) (gone int, err error) {
	var w *writer
	select {
	case w = <-s.writing:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { s.writing <- w }()
	gone, err = w.prune(ctx, before)
	return gone, wrap(ctx, "drop days of readings", err)
}

func (w *writer) prune(ctx context.Context, before time.Time) (gone int, err error) {
	w.main.SetInterrupt(ctx.Done())
	defer w.main.SetInterrupt(nil)
	done, err := sqlitex.ImmediateTransaction(w.main) // nobody appends meanwhile
	if err != nil {
		return 0, err
	}
	defer done(&err)
	days, err := w.s.days()
	if err != nil {
		return 0, err
	}
	if err := w.closeDays(0); err != nil {
		return 0, err
	}
	end := history.DayOf(before.UnixMicro())
	for _, day := range days {
		if day >= end {
			break
		}
		for _, tail := range []string{"-wal", "-shm", ""} {
			if err := os.Remove(filepath.Join(w.s.folder, dayFile(day)+tail)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return gone, err
			}
		}
		gone++
	}
	return gone, sqlitex.Execute(w.main, "DELETE FROM rollups WHERE level=? AND t<?", &sqlitex.ExecOptions{Args: []any{int64(history.FiveMinutes), end}})
}

// Erase implements history.Store.
func (s *Store) Erase(ctx context.Context, datastream string) error {
	var w *writer
	select {
	case w = <-s.writing:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.writing <- w }()
	return wrap(ctx, "erase readings", w.erase(ctx, datastream))
}

func (w *writer) erase(ctx context.Context, datastream string) (err error) {
	w.main.SetInterrupt(ctx.Done())
	defer w.main.SetInterrupt(nil)
	end, err := sqlitex.ImmediateTransaction(w.main)
	if err != nil {
		return err
	}
	defer end(&err)
	n, err := number(w.main, datastream)
	if err != nil || n == 0 {
		return err
	}
	days, err := w.s.days()
	if err != nil {
		return err
	}
	for _, day := range days {
		c, err := w.day(ctx, day)
		if err != nil {
			return err
		}
		if err := sqlitex.Execute(c, "DELETE FROM obs WHERE n=?", &sqlitex.ExecOptions{Args: []any{n}}); err != nil {
			return err
		}
	}
	return sqlitex.Execute(w.main, "DELETE FROM rollups WHERE n=?", &sqlitex.ExecOptions{Args: []any{n}})
}
