package postgis

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A spatial index made after a load costs 2 s for a million polygons, kept up
// during it 5 s or more; an index on a field costs a second and three. So a
// collection begins without any; they are built when the Store that wrote to it
// closes, when a follower sees the table at rest, and on open. Until then a search
// reads the whole table, and is right.

// waiting lists the collections whose tables lack an index, with their size.
func (s *Store) waiting(ctx context.Context) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, `select k.name, pg_relation_size(k.rel) from nagar.collections k join pg_class c on c.oid = k.rel
		where not exists (select from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
			join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
			where i.indrelid = k.rel and m.amname = 'gist' and a.attname = 'geom' and i.indisvalid)
		or (k.description like '%"indexed":true%' or k.description like '%"link":%') and exists (
			select from json_array_elements(k.description::json -> 'fields') with ordinality f(field, n)
			where ((field ->> 'indexed')::boolean or field ->> 'link' <> '')
			and (to_regclass(format('public.nagar_%s_field_%s', k.coll, n - 1)) is null
				or to_regclass(format('nagar.nagar_%s_field_%s_past', k.coll, n - 1)) is null))`)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	var name string
	var size int64
	_, err = pgx.ForEachRow(rows, []any{&name, &size}, func() error {
		out[name] = size
		return nil
	})
	return out, err
}

// buildIndexes builds the indexes that are waiting, of the named
// collections only when there are names. One that somebody's transaction is in
// the way of is left for another time.
func (s *Store) buildIndexes(ctx context.Context, only map[string]bool) error {
	list, err := s.waiting(ctx)
	if err != nil {
		return s.fail(ctx, "look for indexes to build", err)
	}
	for name := range list {
		if only != nil && !only[name] {
			continue
		}
		if err := s.buildIndex(ctx, name); err != nil {
			return s.fail(ctx, "build the indexes of "+name, err)
		}
	}
	return nil
}

// buildIdleIndexes builds those of tables that did not grow since the last call.
func (s *Store) buildIdleIndexes(ctx context.Context) error {
	list, err := s.waiting(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.sizes
	s.sizes = list
	s.mu.Unlock()
	rest := map[string]bool{}
	for name, size := range list {
		if old, ok := before[name]; ok && old == size {
			rest[name] = true
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return s.buildIndexes(ctx, rest)
}

func (s *Store) buildIndex(ctx context.Context, name string) error {
	err := s.write(ctx, func(tx pgx.Tx) error {
		t, err := s.table(ctx, tx, name)
		if err != nil {
			return err
		}
		// One process builds: "if not exists" of two at once ends in a duplicate key.
		sql := fmt.Sprintf(`set local lock_timeout = '200ms'; set local maintenance_work_mem = '128MB';
			lock table %s in share row exclusive mode;
			create index if not exists %s on %[1]s using gist (geom);`, t.name(), quote(t.index()))
		for i := range t.Fields {
			if t.Fields[i].Findable() {
				for k, index := range t.fieldIndexes(i) {
					sql += fmt.Sprintf("\n\t\t\tcreate index if not exists %s on %s ((%s));", index, [2]string{t.name(), t.history()}[k], t.indexed(i, ""))
				}
			}
		}
		_, err = tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
		return err
	})
	if c := code(err); c == codeLock || c == "42P01" || c == codeDeadlock {
		return nil
	}
	return err
}

// dropFieldIndexes drops the indexes of fields that are indexed no more.
func dropFieldIndexes(ctx context.Context, tx pgx.Tx, t *table) error {
	for i := range t.Fields {
		if t.Fields[i].Findable() {
			continue
		}
		index := t.fieldIndexes(i)
		if _, err := tx.Exec(ctx, fmt.Sprintf(`drop index if exists public.%s, nagar.%s`, index[0], index[1])); err != nil {
			return err
		}
	}
	return nil
}
