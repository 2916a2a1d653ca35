package pg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"nagar/internal/twin/history"
)

// Append implements history.Store.
func (s *Store) Append(ctx context.Context, after, upTo history.Position, readings []history.Observation) (fresh []bool, err error) {
	err = s.alone(ctx, func(tx pgx.Tx) error {
		moved, err := tx.Exec(ctx, "update nagar_twin.state set stream=$1, seq=$2 where stream=$3 and seq=$4", upTo.Stream, int64(upTo.Seq), after.Stream, int64(after.Seq))
		if err != nil {
			return err
		}
		if moved.RowsAffected() != 1 {
			return history.ErrMoved
		}
		numbers, err := numbersOf(ctx, tx, readings)
		if err != nil {
			return err
		}
		if err := parts(ctx, tx, readings); err != nil {
			return err
		}
		if fresh, err = insert(ctx, tx, readings, numbers); err != nil {
			return err
		}
		sums := history.NewSums(s.zone)
		for i := range readings {
			if fresh[i] {
				sums.Add(numbers[i], &readings[i])
			}
		}
		return writeSums(ctx, tx, sums)
	})
	return fresh, wrap(ctx, "append readings", err)
}

// numbersOf gives each reading its datastream's number.
func numbersOf(ctx context.Context, tx pgx.Tx, readings []history.Observation) ([]int64, error) {
	by := map[string]int64{}
	var ids []string
	for i := range readings {
		if id := readings[i].Datastream; by[id] == 0 {
			by[id] = -1
			ids = append(ids, id)
		}
	}
	rows, err := tx.Query(ctx, `with wanted as (select unnest($1::text[]) id), made as (insert into nagar_twin.streams(id)
 select id from wanted where not exists (select from nagar_twin.streams s where s.id=wanted.id) returning n, id)
 select n, id from made union all select n, id from nagar_twin.streams where id = any($1)`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var id string
		if err := rows.Scan(&n, &id); err != nil {
			return nil, err
		}
		by[id] = n
	}
	out := make([]int64, len(readings))
	for i := range readings {
		out[i] = by[readings[i].Datastream]
	}
	return out, rows.Err()
}

// parts makes the partitions of the readings' days.
func parts(ctx context.Context, tx pgx.Tx, readings []history.Observation) error {
	seen := map[int64]bool{}
	for i := range readings {
		day := history.DayOf(readings[i].Time)
		if seen[day] {
			continue
		}
		seen[day] = true
		t := time.UnixMicro(day).UTC()
		if t.Year() < 1 || t.Year() > 9999 {
			return fmt.Errorf("a reading of the year %d", t.Year()) // the decoders let none through
		}
		name := t.Format(partForm)
		var there bool
		if err := tx.QueryRow(ctx, "select to_regclass($1) is not null", "nagar_twin."+name).Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf("create table %s partition of nagar_twin.obs for values from (%d) to (%d)",
			pgx.Identifier{"nagar_twin", name}.Sanitize(), day, day+history.DayLength)); err != nil {
			return err
		}
	}
	return nil
}

type key struct{ n, t int64 }

// insert writes the readings that are new. Those of a given time that is taken are
// moved on and tried again.
func insert(ctx context.Context, tx pgx.Tx, readings []history.Observation, numbers []int64) ([]bool, error) {
	fresh := make([]bool, len(readings))
	open := make([]int, len(readings))
	for i := range open {
		open[i] = i
	}
	for len(open) > 0 {
		first := map[key]int{} // of several with one identity the first counts
		var again []int
		for _, i := range open {
			k := key{numbers[i], readings[i].Time}
			if _, there := first[k]; !there {
				first[k] = i
			} else if readings[i].Given {
				again = append(again, i)
			}
		}
		if err := insertOnce(ctx, tx, readings, first, fresh); err != nil {
			return nil, err
		}
		for _, i := range first {
			if !fresh[i] && readings[i].Given {
				again = append(again, i)
			}
		}
		for _, i := range again {
			readings[i].Time++
		}
		if err := parts(ctx, tx, pick(readings, again)); err != nil { // the next day's, at midnight
			return nil, err
		}
		open = again
	}
	return fresh, nil
}

func pick(readings []history.Observation, places []int) []history.Observation {
	out := make([]history.Observation, 0, len(places))
	for _, i := range places {
		out = append(out, readings[i])
	}
	return out
}

func insertOnce(ctx context.Context, tx pgx.Tx, readings []history.Observation, first map[key]int, fresh []bool) error {
	count := len(first)
	n, t, te, q := make([]int64, 0, count), make([]int64, 0, count), make([]int64, 0, count), make([]int32, 0, count)
	v, text, extra := make([]*float64, 0, count), make([]*string, 0, count), make([]*string, 0, count)
	for k, i := range first {
		o := &readings[i]
		n, t, te, q = append(n, k.n), append(t, k.t), append(te, o.End), append(q, int32(o.Quality))
		value, words := &o.Value, (*string)(nil)
		if !o.Number() {
			value, words = nil, &o.Text
		}
		v, text = append(v, value), append(text, words)
		if o.Extra == "" {
			extra = append(extra, nil)
		} else {
			extra = append(extra, &o.Extra)
		}
	}
	rows, err := tx.Query(ctx, `insert into nagar_twin.obs(n,t,te,v,s,q,x)
 select * from unnest($1::bigint[],$2::bigint[],$3::bigint[],$4::double precision[],$5::text[],$6::integer[],$7::text[])
 on conflict do nothing returning n, t`, n, t, te, v, text, q, extra)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k key
		if err := rows.Scan(&k.n, &k.t); err != nil {
			return err
		}
		fresh[first[k]] = true
	}
	return rows.Err()
}

func writeSums(ctx context.Context, tx pgx.Tx, sums *history.Sums) error {
	count := len(sums.By)
	level, t, n := make([]int16, 0, count), make([]int64, 0, count), make([]int64, 0, count)
	all, good := make([]int64, 0, count), make([]int64, 0, count)
	least, most, sum := make([]float64, 0, count), make([]float64, 0, count), make([]float64, 0, count)
	for k, r := range sums.By {
		level, t, n = append(level, int16(k.Level)), append(t, k.Start), append(n, k.Datastream)
		all, good = append(all, r.Count), append(good, r.Good)
		least, most, sum = append(least, r.Min), append(most, r.Max), append(sum, r.Sum)
	}
	_, err := tx.Exec(ctx, `insert into nagar_twin.rollups as r (level,t,n,count,good,min,max,sum)
 select * from unnest($1::smallint[],$2::bigint[],$3::bigint[],$4::bigint[],$5::bigint[],$6::double precision[],$7::double precision[],$8::double precision[])
 on conflict (n, level, t) do update set
 min=case when r.good=0 then excluded.min when excluded.good=0 then r.min else least(r.min,excluded.min) end,
 max=case when r.good=0 then excluded.max when excluded.good=0 then r.max else greatest(r.max,excluded.max) end,
 sum=r.sum+excluded.sum, count=r.count+excluded.count, good=r.good+excluded.good`, level, t, n, all, good, least, most, sum)
	return err
}
