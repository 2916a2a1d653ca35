package postgis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"nagar/catalog"
	"nagar/geo"
)

// Scan calls fn for each selected feature of one consistent snapshot, in no
// particular order, as the rows come in: its memory does not grow with their
// number. It holds a connection, and the snapshot, until it returns.
func (s *Store) Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var rev catalog.Rev
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		// The clock is read in the snapshot: every version that the snapshot shows
		// began before.
		var now time.Time
		if err := tx.QueryRow(ctx, headSQL+`, clock_timestamp()`).Scan(&rev, &now); err != nil {
			return err
		}
		t, err := s.table(ctx, tx, q.Collection)
		if err != nil {
			return err
		}
		if q.Box != nil && q.Box.IsEmpty() {
			return nil
		}
		where, err := s.standIn(ctx, tx, t)
		if err != nil {
			return err
		}
		sql, args, err := where.scanSQL(t, q, "", now)
		if err != nil {
			return err
		}
		return s.stream(ctx, tx, t, sql, args, q, func(f *catalog.Feature) error {
			err := fn(f)
			if err != nil {
				cancel() // the rows not yet read are not waited for
			}
			return err
		})
	})
	if err != nil {
		return 0, s.fail(outer, "scan "+q.Collection, err)
	}
	return rev, nil
}

// ScanAll is a Scan of each query, of one snapshot, in one round trip: the answers
// come back one after the other.
func (s *Store) ScanAll(ctx context.Context, queries []catalog.Query, fn func(int, *catalog.Feature) error) (catalog.Rev, error) {
	var rev catalog.Rev
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		var now time.Time
		if err := tx.QueryRow(ctx, headSQL+`, clock_timestamp()`).Scan(&rev, &now); err != nil {
			return err
		}
		tables, where, err := s.tablesOf(ctx, tx, queries)
		if err != nil {
			return err
		}
		line := tx.Conn().PgConn().StartPipeline(ctx)
		err = func() error {
			for i, q := range queries {
				if q.Box != nil && q.Box.IsEmpty() {
					q.Box = &geo.Box{W: 181, S: 91, E: 181, N: 91} // meets nothing
				}
				sql, args, err := where[i].scanSQL(tables[i], q, "", now)
				if err != nil {
					return err
				}
				values, err := textArgs(args)
				if err != nil {
					return err
				}
				line.SendQueryParams(sql, values, nil, nil, []int16{pgx.BinaryFormatCode})
			}
			if err := line.Sync(); err != nil {
				return err
			}
			return s.answers(ctx, line, tables, queries, fn)
		}()
		if closed := line.Close(); err == nil {
			err = closed
		}
		return err
	})
	if err != nil {
		return 0, s.fail(ctx, "scan", err)
	}
	return rev, nil
}

// answers hands on what comes back for each query.
func (s *Store) answers(ctx context.Context, line *pgconn.Pipeline, tables []*table, queries []catalog.Query, fn func(int, *catalog.Feature) error) error {
	for i := range queries {
		got, err := line.GetResults()
		if err != nil {
			return err
		}
		rr, ok := got.(*pgconn.ResultReader)
		if !ok {
			return fmt.Errorf("the database answered %T", got)
		}
		err = s.features(ctx, &binaryRows{rr: rr}, tables[i], queries[i], func(f *catalog.Feature) error { return fn(i, f) })
		if err != nil {
			return err
		}
	}
	return nil
}

// tablesOf are the tables that the queries read, and where their rows are. What is
// known of them is asked for in one go; a table that changed is read anew.
func (s *Store) tablesOf(ctx context.Context, tx pgx.Tx, queries []catalog.Query) ([]*table, []current, error) {
	names := make([]string, len(queries))
	for i := range queries {
		names[i] = queries[i].Collection
	}
	rows, err := tx.Query(ctx, `select name, version, coalesce(to_regclass('public.' || quote_ident(name))::oid = rel, false) from nagar.collections where name = any($1)`, names)
	if err != nil {
		return nil, nil, err
	}
	type state struct {
		version int64
		there   bool
	}
	states := map[string]state{}
	var name string
	var st state
	if _, err := pgx.ForEachRow(rows, []any{&name, &st.version, &st.there}, func() error {
		states[name] = st
		return nil
	}); err != nil {
		return nil, nil, err
	}
	tables, where := make([]*table, len(queries)), make([]current, len(queries))
	for i, name := range names {
		s.mu.Lock()
		t := s.known[name]
		s.mu.Unlock()
		if st := states[name]; t != nil && st.there && t.version == st.version {
			tables[i], where[i] = t, current(t.name())
			continue
		}
		if tables[i], err = s.table(ctx, tx, name); err != nil {
			return nil, nil, err
		}
		if where[i], err = s.standIn(ctx, tx, tables[i]); err != nil {
			return nil, nil, err
		}
	}
	return tables, where, nil
}

// stream reads features and hands on those whose box meets the given one: the
// database's boxes are rounded outward to single precision.
func (s *Store) stream(ctx context.Context, tx pgx.Tx, t *table, sql string, args []any, q catalog.Query, fn func(*catalog.Feature) error) error {
	rows, err := queryBinary(ctx, tx.Conn(), sql, args...)
	if err != nil {
		return err
	}
	return s.features(ctx, rows, t, q, fn)
}

func (s *Store) features(ctx context.Context, rows *binaryRows, t *table, q catalog.Query, fn func(*catalog.Feature) error) error {
	defer rows.close()
	var f catalog.Feature
	for n := 0; rows.next(); {
		// Rows that had come before the caller left are not theirs any more.
		if err := ctx.Err(); err != nil {
			return err
		}
		if q.Limit > 0 && n == q.Limit {
			continue // of a window, the database has no limit
		}
		if err := t.decodeFeature(rows.values(), &f); err != nil {
			return err
		}
		if q.Box != nil && !f.Geometry.Box().Intersects(*q.Box) {
			continue
		}
		n++
		if err := fn(&f); err != nil {
			return &callerError{err}
		}
	}
	return rows.close()
}

// current is where a collection's current rows are: in its table, or, between the
// moment somebody drops that and we take note, in the copy that the drop left.
type current string

func (s *Store) standIn(ctx context.Context, tx querier, t *table) (current, error) {
	var there, copied bool
	err := tx.QueryRow(ctx, `select coalesce(to_regclass($2)::oid = k.rel, false), to_regclass($3) is not null from nagar.collections k where k.coll = $1`,
		t.coll, t.name(), droppedName(t.coll)).Scan(&there, &copied)
	switch {
	case err != nil:
		return "", err
	case there:
		return current(t.name()), nil
	case copied:
		return current(droppedName(t.coll)), nil
	}
	return "", nil
}

func droppedName(coll int32) string { return fmt.Sprintf("nagar.dropped_%d", coll) }

// scanSQL selects what was true at q.At.AsOf (now, when that is zero) as it was
// recorded up to q.At.Known; with an id, of that feature only; of the current rows
// x those only that meet all of some.
func (from current) scanSQL(t *table, q catalog.Query, id string, now time.Time, some ...string) (string, []any, error) {
	asof := q.At.AsOf
	if asof.IsZero() {
		asof = now
	}
	args := []any{asof.Truncate(time.Microsecond)}
	box := ""
	if q.Box != nil {
		b := clampBox(*q.Box)
		args = append(args, b.W, b.S, b.E, b.N)
		box = " and x.geom && st_makeenvelope($2, $3, $4, $5, 4326)"
	}
	if id != "" {
		args = append(args, id)
		box += fmt.Sprintf(" and x.id = $%d", len(args))
	}
	if q.Match != nil {
		m, err := t.Matcher(q.Match)
		if err != nil {
			return "", nil, err
		}
		args, box = t.matchSQL(m, args, box)
	}
	valid := `(x.valid_from is null or x.valid_from <= $1) and (x.valid_to is null or x.valid_to > $1)` + box
	if q.Planned {
		valid = `(x.valid_to is null or x.valid_to > $1)` + box
	}
	if q.Ever {
		valid, q.At.Known = `$1::timestamptz is not null`+box, 0
	}
	var parts []string
	recorded := ""
	if q.At.Known != 0 {
		args = append(args, int64(q.At.Known))
		recorded = fmt.Sprintf(" and m.rev <= $%d", len(args))
	}
	if from != "" {
		parts = append(parts, fmt.Sprintf(`select %s from %s x left join nagar.commits m on m.txn = x.nagar_txn where %s`,
			t.selectList("x", "m.rev"), from, strings.Join(append(some, valid+recorded), " and ")))
	}
	if q.Ever {
		parts = append(parts, fmt.Sprintf(`select %s from %s x left join nagar.commits m on m.txn = x.nagar_txn where x.nagar_main and %s`,
			t.selectList("x", "m.rev"), t.history(), valid))
	} else if !q.At.IsNow() {
		until := "x.nagar_txn_to is null"
		join := ""
		if q.At.Known != 0 {
			until = fmt.Sprintf("(x.nagar_txn_to is null or e.rev > $%d)", len(args))
			join = " left join nagar.commits e on e.txn = x.nagar_txn_to"
		}
		parts = append(parts, fmt.Sprintf(`select %s from %s x left join nagar.commits m on m.txn = x.nagar_txn%s where %s%s and %s`,
			t.selectList("x", "m.rev"), t.history(), join, valid, recorded, until))
	}
	if len(parts) == 0 {
		parts = append(parts, fmt.Sprintf(`select %s from %s x left join nagar.commits m on false where false and x.valid_from < $1`, t.selectList("x", "m.rev"), t.history()))
		args = args[:1]
	}
	sql := strings.Join(parts, " union all ")
	if q.Limit > 0 && q.Box == nil {
		sql += fmt.Sprintf(" limit %d", q.Limit)
	}
	return sql, args, nil
}

// matchSQL appends the condition that a field has one of the values.
func (t *table) matchSQL(m *catalog.Matcher, args []any, where string) ([]any, string) {
	column := `x.` + quote(t.columns[m.Place])
	list, heads := make([]string, len(m.Values)), make([]string, len(m.Values))
	for i, v := range m.Values {
		list[i], heads[i] = v.String(), left(v.String())
	}
	args = append(args, list)
	if m.Field.Type == catalog.TypeInteger {
		return args, fmt.Sprintf("%s and %s = any($%d::bigint[])", where, column, len(args))
	}
	args = append(args, heads)
	return args, fmt.Sprintf("%s and %s = any($%d::text[]) and %s = any($%d::text[])", where, column, len(args)-1, t.indexed(m.Place, "x."), len(args))
}

// left is what left(s, maxKey) is in the database.
func left(s string) string {
	n := 0
	for i := range s {
		if n == maxKey {
			return s[:i]
		}
		n++
	}
	return s
}

// clampBox keeps infinities away from the database; nothing lies out there.
func clampBox(b geo.Box) geo.Box {
	return geo.Box{W: max(b.W, -181), S: max(b.S, -91), E: min(b.E, 181), N: min(b.N, 91)}
}

// Feature returns one feature as it is at that moment, or ErrNotFound.
func (s *Store) Feature(ctx context.Context, collection, id string, at catalog.At) (catalog.Feature, error) {
	var f catalog.Feature
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		t, err := s.table(ctx, tx, collection)
		if err != nil {
			return err
		}
		var now time.Time
		if err := tx.QueryRow(ctx, `select clock_timestamp()`).Scan(&now); err != nil {
			return err
		}
		where, err := s.standIn(ctx, tx, t)
		if err != nil {
			return err
		}
		sql, args, err := where.scanSQL(t, catalog.Query{Collection: collection, At: at}, id, now)
		if err != nil {
			return err
		}
		found := false
		err = s.stream(ctx, tx, t, sql, args, catalog.Query{}, func(g *catalog.Feature) error {
			f, found = *g, true
			return nil
		})
		if err == nil && !found {
			err = fmt.Errorf("%s/%s: %w", collection, id, catalog.ErrNotFound)
		}
		return err
	})
	if err != nil {
		return catalog.Feature{}, s.fail(ctx, "read "+collection+"/"+id, err)
	}
	return f, nil
}

// History returns every version of a feature by recorded, then valid time;
// ErrNotFound when there never was one.
func (s *Store) History(ctx context.Context, collection, id string) ([]catalog.Version, error) {
	var out []catalog.Version
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		t, err := s.table(ctx, tx, collection)
		if err != nil {
			return err
		}
		where, err := s.standIn(ctx, tx, t)
		if err != nil {
			return err
		}
		const about = `coalesce(e.rev, 0), m.recorded, m.author, m.reason, `
		sql := fmt.Sprintf(`select %s%s from %s x join nagar.commits m on m.txn = x.nagar_txn left join nagar.commits e on e.txn = x.nagar_txn_to where x.id = $1`,
			about, t.selectList("x", "m.rev"), t.history())
		if where != "" {
			sql += fmt.Sprintf(` union all select %s%s from %s x join nagar.commits m on m.txn = x.nagar_txn left join nagar.commits e on false where x.id = $1`,
				about, t.selectList("x", "m.rev"), where)
		}
		rows, err := queryBinary(ctx, tx.Conn(), sql+` order by 6, 7 nulls first`, id)
		if err != nil {
			return err
		}
		defer rows.close()
		for rows.next() {
			v := rows.values()
			ver := catalog.Version{RevTo: catalog.Rev(binaryInt(v[0])), Recorded: binaryInstant(v[1]).time(), Author: string(v[2]), Reason: string(v[3])}
			if err := t.decodeFeature(v[4:], &ver.Feature); err != nil {
				return err
			}
			out = append(out, ver)
		}
		if err := rows.close(); err != nil {
			return err
		}
		if len(out) == 0 {
			return fmt.Errorf("%s/%s: %w", collection, id, catalog.ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return nil, s.fail(ctx, "read the history of "+collection+"/"+id, err)
	}
	return out, nil
}
