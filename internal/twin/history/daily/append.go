package daily

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"nagar/internal/twin/history"
)

// openDays is how many days' files a writer keeps open.
const openDays = 8

// writer is the connections of the one who appends.
type writer struct {
	s       *Store
	main    *sqlite.Conn
	days    []*dayWriter     // the last used last
	numbers map[string]int64 // of datastreams that are committed
}

type dayWriter struct {
	day int64
	c   *sqlite.Conn
}

// Append implements history.Store.
func (s *Store) Append(ctx context.Context, after, upTo history.Position, readings []history.Observation) (fresh []bool, err error) {
	var w *writer
	select {
	case w = <-s.writing:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { s.writing <- w }()
	fresh, err = w.append(ctx, after, upTo, readings)
	return fresh, wrap(ctx, "append readings", err)
}

func (w *writer) append(ctx context.Context, after, upTo history.Position, readings []history.Observation) (fresh []bool, err error) {
	w.main.SetInterrupt(ctx.Done())
	defer w.main.SetInterrupt(nil)
	end, err := sqlitex.ImmediateTransaction(w.main) // nobody else writes from here on
	if err != nil {
		return nil, err
	}
	learned := map[string]int64{}
	defer func() {
		end(&err)
		for id, n := range learned {
			if err == nil {
				w.numbers[id] = n
			}
		}
	}()
	if at, err := position(w.main); err != nil {
		return nil, err
	} else if at != after {
		return nil, history.ErrMoved
	}
	numbers := make([]int64, len(readings))
	for i := range readings {
		if numbers[i], err = w.number(readings[i].Datastream, learned); err != nil {
			return nil, err
		}
	}
	fresh = make([]bool, len(readings))
	sums := history.NewSums(w.s.zone)
	if err := w.writeDays(ctx, upTo.Stream, readings, numbers, fresh, sums); err != nil {
		return nil, err
	}
	if err := writeSums(w.main, sums); err != nil {
		return nil, err
	}
	return fresh, sqlitex.Execute(w.main, "UPDATE state SET stream=?, seq=?", &sqlitex.ExecOptions{Args: []any{upTo.Stream, int64(upTo.Seq)}})
}

// number is a datastream's number, which it may be given now.
func (w *writer) number(id string, learned map[string]int64) (int64, error) {
	if n := w.numbers[id]; n != 0 {
		return n, nil
	}
	if n := learned[id]; n != 0 {
		return n, nil
	}
	if err := sqlitex.Execute(w.main, "INSERT INTO streams(id) VALUES (?) ON CONFLICT DO NOTHING", &sqlitex.ExecOptions{Args: []any{id}}); err != nil {
		return 0, err
	}
	n, err := number(w.main, id)
	learned[id] = n
	return n, err
}

// writeDays writes the readings into the files of their days, one transaction each.
func (w *writer) writeDays(ctx context.Context, stream string, readings []history.Observation, numbers []int64, fresh []bool, sums *history.Sums) error {
	byDay := map[int64][]int{}
	for i := range readings {
		day := history.DayOf(readings[i].Time)
		byDay[day] = append(byDay[day], i)
	}
	for day, places := range byDay {
		if t := time.UnixMicro(day).UTC(); t.Year() < 1 || t.Year() > 9999 {
			return fmt.Errorf("a reading of the year %d", t.Year()) // the decoders let none through
		}
		c, err := w.day(ctx, day)
		if err != nil {
			return err
		}
		// In the order of the table: neighbours go into one page.
		slices.SortStableFunc(places, func(i, j int) int {
			return int(min(max(numbers[i]-numbers[j], -1), 1))
		})
		if err := writeDay(c, stream, readings, numbers, places, fresh); err != nil {
			return err
		}
		for _, i := range places {
			if fresh[i] {
				sums.Add(numbers[i], &readings[i])
			}
		}
	}
	return nil
}

func writeDay(c *sqlite.Conn, stream string, readings []history.Observation, numbers []int64, places []int, fresh []bool) (err error) {
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	insert, err := c.Prepare("INSERT INTO obs(n,t,te,v,s,q,seq,x) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING")
	if err != nil {
		return err
	}
	type key struct{ n, t int64 }
	mine := make(map[key]bool, len(places)) // of this batch, so none that a crash has left
	for _, i := range places {
		o := &readings[i]
		m := mark(stream, o.Seq)
		for {
			bind(insert, numbers[i], m, o)
			if _, err := insert.Step(); err != nil {
				return errors.Join(err, insert.Reset())
			}
			if err := insert.Reset(); err != nil {
				return err
			}
			fresh[i] = c.Changes() == 1
			if !fresh[i] && !mine[key{numbers[i], o.Time}] {
				if fresh[i], err = left(c, numbers[i], o.Time, m); err != nil {
					return err
				}
			}
			if fresh[i] || !o.Given {
				break
			}
			o.Time++
		}
		mine[key{numbers[i], o.Time}] = true
	}
	return nil
}

// left reports whether the row is what an Append of the same message left that did
// not come to its end.
func left(c *sqlite.Conn, n, t, m int64) (yes bool, err error) {
	err = sqlitex.Execute(c, "SELECT seq FROM obs WHERE n=? AND t=?", &sqlitex.ExecOptions{Args: []any{n, t}, ResultFunc: func(q *sqlite.Stmt) error {
		yes = q.ColumnInt64(0) == m
		return nil
	}})
	return yes, err
}

func bind(q *sqlite.Stmt, n, m int64, o *history.Observation) {
	q.BindInt64(1, n)
	q.BindInt64(2, o.Time)
	q.BindInt64(3, o.End)
	if o.Number() {
		q.BindFloat(4, o.Value)
		q.BindNull(5)
	} else {
		q.BindNull(4)
		q.BindText(5, o.Text)
	}
	q.BindInt64(6, int64(o.Quality))
	q.BindInt64(7, m)
	if o.Extra == "" {
		q.BindNull(8)
	} else {
		q.BindText(8, o.Extra)
	}
}

func writeSums(c *sqlite.Conn, sums *history.Sums) error {
	keys := make([]history.Bucket, 0, len(sums.By))
	for k := range sums.By {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b history.Bucket) int {
		for _, d := range [...]int64{int64(a.Level) - int64(b.Level), a.Start - b.Start, a.Datastream - b.Datastream} {
			if d != 0 {
				return int(min(max(d, -1), 1))
			}
		}
		return 0
	})
	q, err := c.Prepare(`INSERT INTO rollups(level,t,n,count,good,min,max,sum) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET
 min=CASE WHEN good=0 THEN excluded.min WHEN excluded.good=0 THEN min ELSE min(min,excluded.min) END,
 max=CASE WHEN good=0 THEN excluded.max WHEN excluded.good=0 THEN max ELSE max(max,excluded.max) END,
 sum=sum+excluded.sum, count=count+excluded.count, good=good+excluded.good`)
	if err != nil {
		return err
	}
	for _, k := range keys {
		r := sums.By[k]
		for i, v := range [...]int64{int64(k.Level), k.Start, k.Datastream, r.Count, r.Good} {
			q.BindInt64(i+1, v)
		}
		for i, v := range [...]float64{r.Min, r.Max, r.Sum} {
			q.BindFloat(i+6, v)
		}
		if _, err := q.Step(); err != nil {
			return errors.Join(err, q.Reset())
		}
		if err := q.Reset(); err != nil {
			return err
		}
	}
	return nil
}

// day is the connection to a day's file.
func (w *writer) day(ctx context.Context, day int64) (*sqlite.Conn, error) {
	for i, d := range w.days {
		if d.day == day {
			if _, err := os.Stat(filepath.Join(w.s.folder, dayFile(day))); err != nil { // another process has dropped it
				w.days = slices.Delete(w.days, i, i+1)
				d.c.SetInterrupt(nil)
				if err := d.c.Close(); err != nil {
					return nil, err
				}
				break
			}
			w.days = append(slices.Delete(w.days, i, i+1), d)
			d.c.SetInterrupt(ctx.Done())
			return d.c, nil
		}
	}
	if err := w.closeDays(openDays - 1); err != nil {
		return nil, err
	}
	c, err := w.s.open(ctx, dayFile(day), daySchema)
	if err != nil {
		return nil, err
	}
	w.days = append(w.days, &dayWriter{day, c})
	return c, nil
}

// closeDays closes the files that were used longest ago, all but so many.
func (w *writer) closeDays(keep int) (err error) {
	for len(w.days) > keep {
		w.days[0].c.SetInterrupt(nil)
		err = errors.Join(err, w.days[0].c.Close())
		w.days = w.days[1:]
	}
	return err
}
