package postgis

import (
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"
)

// expand replaces {name} by value for each pair, once: what a value holds is not
// looked at again.
func expand(sql string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(sql)
}

// eraseAll carries out the batch's erasures on the collection.
func (w *writer) eraseAll() error {
	for i := range w.staged {
		o := &w.staged[i]
		if o.kind != catalog.Erase {
			continue
		}
		st, err := w.erase(o)
		if err != nil {
			return err
		}
		w.status(o.ord, st)
	}
	return nil
}

// erase blanks content in every version of a feature. The current version is
// recorded anew, so that its revision moves; the one it supersedes is as blank.
func (w *writer) erase(o *op) (catalog.Status, error) {
	c, h := w.t.name(), w.t.history()
	var current, past bool
	var rev catalog.Rev
	if err := w.conn.QueryRow(w.ctx, fmt.Sprintf(`select exists (select from %s where id = $1)`, h), o.id).Scan(&past); err != nil {
		return 0, err
	}
	if _, err := w.conn.Exec(w.ctx, fmt.Sprintf(`select from %s where id = $1 for no key update`, c), o.id); err != nil {
		return 0, err
	}
	if err := w.conn.QueryRow(w.ctx, fmt.Sprintf(`select count(*) > 0, coalesce(max(m.rev), 0) from %s c
		left join nagar.commits m on m.txn = c.nagar_txn where c.id = $1`, c), o.id).Scan(&current, &rev); err != nil {
		return 0, err
	}
	if err := o.condition(w.t.Name, &head{there: current, rev: rev}); err != nil {
		return 0, err
	}
	if !current && !past {
		return catalog.Unchanged, nil
	}
	var blank []string
	if len(o.fields) == 0 {
		blank = append(blank, "geom = null")
	}
	for i, name := range w.t.columns {
		if len(o.fields) == 0 || slices.Contains(o.fields, w.t.Fields[i].Name) {
			blank = append(blank, quote(name)+" = null")
		}
	}
	statements := []string{
		fmt.Sprintf(`insert into %s (id, geom%s, valid_from, valid_to, nagar_txn, nagar_txn_to, nagar_main)
			select id, geom%[2]s, valid_from, valid_to, nagar_txn, %d, true from %s where id = $1`, h, w.t.fields, w.txn, c),
		fmt.Sprintf(`update %s set %s where id = $1`, h, strings.Join(blank, ", ")),
		fmt.Sprintf(`update %s set %s, nagar_txn = %d, nagar_hash = null where id = $1`, c, strings.Join(blank, ", "), w.txn),
		fmt.Sprintf(`insert into nagar.scrubbed values (%d, %d, $1)`, w.txn, w.t.coll),
	}
	for _, sql := range statements {
		if _, err := w.conn.Exec(w.ctx, sql, o.id); err != nil {
			return 0, err
		}
	}
	w.touched = true
	return catalog.Erased, nil
}

// deleteRest deletes what a replacing batch did not put: rows that it neither
// wrote nor left as they are.
func (w *writer) deleteRest() error {
	if _, err := w.conn.Exec(w.ctx, `create temporary table if not exists nagar_kept (fid bigint primary key) on commit delete rows;
		create temporary table if not exists nagar_rest (fid bigint primary key) on commit delete rows`); err != nil {
		return err
	}
	if len(w.kept) > 0 {
		w.out = append(w.out[:0], copyHeader...)
		for _, fid := range w.kept {
			w.out = append(w.out, 0, 1)
			w.out = appendInt64(w.out, fid)
		}
		if err := w.copyIn(`copy pg_temp.nagar_kept (fid) from stdin binary`); err != nil {
			return err
		}
	}
	lock := fmt.Sprintf(`insert into pg_temp.nagar_rest select fid from (select c.fid from %s c where c.nagar_txn <> %d
		and not exists (select from pg_temp.nagar_kept k where k.fid = c.fid) order by c.id for no key update of c) x`, w.t.name(), w.txn)
	tag, err := w.conn.Exec(w.ctx, lock)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	if w.now.IsZero() {
		if err := w.conn.QueryRow(w.ctx, `select clock_timestamp()`).Scan(&w.now); err != nil {
			return err
		}
	}
	cut := fmt.Sprintf(`greatest(%s::timestamptz, c.valid_from)`, literal(timestamp(w.now)))
	var do trip
	w.closeVersions(&do, `pg_temp.nagar_rest`, "s.fid", cut, "true", "true")
	do.exec(fmt.Sprintf(`delete from %s c using pg_temp.nagar_rest s where c.fid = s.fid`, w.t.name()))
	if err := do.send(w.ctx, w.conn.Conn()); err != nil {
		return err
	}
	w.result.Deleted += int(tag.RowsAffected())
	w.touched = true
	return nil
}
