package postgis

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A spatial index made after a load costs 2 s for a million polygons, kept up
// during it 5 s or more. So a collection begins without one; it is built when
// the Store that wrote to it closes, when a follower sees the table at rest, and
// on open. Until then a window search reads the whole table, and is right.

// waiting lists the collections whose table has no spatial index, with its size.
func (s *Store) waiting(ctx context.Context) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, `select k.name, pg_relation_size(k.rel) from nagar.collections k join pg_class c on c.oid = k.rel
		where not exists (select from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
			join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
			where i.indrelid = k.rel and m.amname = 'gist' and a.attname = 'geom' and i.indisvalid)`)
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

// buildIndexes builds the spatial indexes that are waiting, of the named
// collections only when there are names. One that somebody's transaction is in
// the way of is left for another time.
func (s *Store) buildIndexes(ctx context.Context, only map[string]bool) error {
	list, err := s.waiting(ctx)
	if err != nil {
		return s.fail(ctx, "look for spatial indexes to build", err)
	}
	for name := range list {
		if only != nil && !only[name] {
			continue
		}
		if err := s.buildIndex(ctx, name); err != nil {
			return s.fail(ctx, "build the spatial index of "+name, err)
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
		_, err = tx.Conn().PgConn().Exec(ctx, fmt.Sprintf(`set local lock_timeout = '200ms'; set local maintenance_work_mem = '128MB';
			lock table %s in share mode;
			create index if not exists %s on %[1]s using gist (geom)`, t.name(), quote(t.index()))).ReadAll()
		return err
	})
	if c := code(err); c == codeLock || c == "42P01" || c == codeDeadlock {
		return nil
	}
	return err
}
