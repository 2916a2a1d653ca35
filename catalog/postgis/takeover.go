package postgis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Outside tools do not only write rows: ogr2ogr -overwrite drops a table and makes
// another, -addfields and QGIS add columns, and anybody may create a table. No
// trigger tells of that (an event trigger needs a superuser), so the system
// catalogue is compared with what is registered: on open, before a batch writes
// to a collection, and while somebody follows.

// found is a table that is not as it is registered.
type found struct {
	name string
	rel  uint32 // 0: it is gone
	coll int32  // 0: it is new
}

const lookSQL = `select k.name, coalesce(r.oid, 0)::bigint, k.coll
	from nagar.collections k
	left join pg_class r on r.relnamespace = 'public'::regnamespace and r.relname = k.name
	where r.oid is distinct from k.rel or k.attributes <> %s
	union all
	select c.relname, c.oid::bigint, 0
	from pg_class c
	where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relpersistence = 'p' and not c.relispartition
		and c.relname ~ '^[a-z][a-z0-9_]{0,47}$' and c.relname !~ '^(nagar|gpkg|rtree|sqlite|pg)_'
		and exists (select from pg_attribute a join pg_type y on y.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and y.typname = 'geometry')
		and not exists (select from nagar.collections k where k.name = c.relname)
		and not exists (select from nagar.ignored i where i.name = c.relname and (i.rel is null or i.rel = c.oid))
		and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
		and pg_has_role(current_user, c.relowner, 'USAGE')`

// sighting is when a difference was first seen, and of which table.
type sighting struct {
	rel  uint32
	when time.Time
}

// A difference is acted on when it has lasted for so long, so that a tool that is
// still at work on the table is left alone; a table that is gone may be about to
// come back.
const (
	settle     = 200 * time.Millisecond
	settleGone = time.Second
)

// takeOver looks for tables that are not as registered and takes them over. With
// now it does so at once, else only what has settled. What somebody else has
// locked is left for later.
func (s *Store) takeOver(ctx context.Context, now bool) error {
	list, err := s.look(ctx, s.pool)
	if err != nil {
		return s.fail(ctx, "look for tables changed from outside", err)
	}
	s.mu.Lock()
	pending := make(map[string]sighting, len(list))
	var due []found
	for _, f := range list {
		p, ok := s.pending[f.name]
		if !ok || p.rel != f.rel {
			p = sighting{f.rel, time.Now()}
		}
		pending[f.name] = p
		wait := settle
		if f.rel == 0 {
			wait = settleGone
		}
		if now || time.Since(p.when) >= wait {
			due = append(due, f)
		}
	}
	s.pending = pending
	s.mu.Unlock()
	for _, f := range due {
		if err := s.takeOverOne(ctx, f); err != nil {
			return s.fail(ctx, "take over table "+f.name, err)
		}
	}
	return nil
}

func (s *Store) look(ctx context.Context, q rowsQuerier) ([]found, error) {
	rows, err := q.Query(ctx, fmt.Sprintf(lookSQL, fmt.Sprintf(attributesSQL, "r.oid")))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (found, error) {
		var f found
		var rel int64
		err := row.Scan(&f.name, &rel, &f.coll)
		f.rel = uint32(rel)
		return f, err
	})
}

// takeOverOne takes one table over in a transaction of its own. What cannot be
// taken over is noted for Check, and is in nobody's way.
func (s *Store) takeOverOne(ctx context.Context, f found) error {
	err := s.write(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(7233, 2)`); err != nil {
			return err
		}
		again, err := s.look(ctx, tx) // another process may have been here first
		if err != nil {
			return err
		}
		for _, g := range again {
			if g.name == f.name {
				return s.adopt(ctx, tx, g)
			}
		}
		return nil
	})
	switch {
	case err == nil, code(err) == codeLock, strings.HasPrefix(code(err), "40"), ctx.Err() != nil:
		return ctx.Err() // somebody was in the way: another time
	case unavailable(err):
		return err
	}
	return s.write(ctx, func(tx pgx.Tx) error {
		if f.coll == 0 {
			if _, err := tx.Exec(ctx, `insert into nagar.ignored values ($1, $2::bigint::oid) on conflict (name) do update set rel = excluded.rel`, f.name, int64(f.rel)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `insert into nagar.problems select $1, '', $2 where not exists (select from nagar.problems where coll = $1 and reason = $2)`,
			f.coll, troubleWith(f.name)+err.Error())
		return err
	})
}

func troubleWith(name string) string {
	return "table " + name + ", changed from outside, could not be taken over: "
}

// adopt takes over the table in the transaction.
func (s *Store) adopt(ctx context.Context, tx pgx.Tx, f found) error {
	gis, err := postgisSchema(ctx, tx)
	if err != nil {
		return err
	}
	a := &adoption{ctx: ctx, tx: tx, s: s, found: f, gis: quote(gis), table: `public.` + quote(f.name)}
	// Never queue behind a tool at work: whoever comes after would queue behind us.
	if err := a.exec(`set local lock_timeout = '100ms'`); err != nil {
		return err
	}
	if f.rel != 0 {
		if err := a.exec(`lock table ` + a.table + ` in access exclusive mode`); err != nil {
			return err
		}
	}
	if err := a.exec(`delete from nagar.problems where coll = $1 and id = '' and starts_with(reason, $2)`, f.coll, troubleWith(f.name)); err != nil {
		return err
	}
	if f.coll == 0 {
		return a.adoptNew()
	}
	t, err := s.table(ctx, tx, f.name)
	if err != nil {
		return err
	}
	a.old = t
	if f.rel == t.rel {
		return a.adoptAltered()
	}
	if ours, err := a.restored(); ours || err != nil {
		return err
	}
	return a.adoptReplaced()
}

// restored knows a table of ours that came back from a dump, under another number
// but with our trigger on it, and notes the number.
func (a *adoption) restored() (bool, error) {
	tag, err := a.tx.Exec(a.ctx, `update nagar.collections k set rel = g.tgrelid, version = version + 1,
			attributes = `+fmt.Sprintf(attributesSQL, "g.tgrelid")+`
		from pg_trigger g where k.coll = $1 and g.tgrelid = $2::bigint::oid and g.tgname = 'nagar_before'
			and g.tgfoid = to_regproc('nagar.before_' || k.coll)::oid
			and (select count(*) from pg_attribute b where b.attrelid = g.tgrelid and b.attnum > 0 and not b.attisdropped) = $3`,
		a.coll, int64(a.rel), len(a.old.columns)+7)
	return tag.RowsAffected() > 0, err
}

// adoption is the taking over of one table.
type adoption struct {
	found
	ctx     context.Context
	tx      pgx.Tx
	s       *Store
	gis     string
	table   string // qualified and quoted
	old     *table // as registered; nil: not yet
	txn     int64
	added   []string // columns that are new to the collection
	retypes []string // what is still to do to columns' types
	lost    bool     // a known column was not there, or of another type
}

func (a *adoption) exec(sql string, args ...any) error {
	_, err := a.tx.Exec(a.ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("%.80s: %w", sql, err)
	}
	return nil
}

func (a *adoption) script(sql string) error {
	_, err := a.tx.Conn().PgConn().Exec(a.ctx, sql).ReadAll()
	return err
}

// begin draws the transaction's number and notes the commit.
func (a *adoption) begin(reason string) error {
	err := a.tx.QueryRow(a.ctx, `select nextval('nagar.txn_seq')`).Scan(&a.txn)
	if err != nil {
		return err
	}
	return a.exec(`insert into nagar.commits (txn, at, author, reason, changes) values ($1, clock_timestamp(), '', $2, 0)`, a.txn, reason)
}

// end records the description and the number of changes.
func (a *adoption) end(t *table) error {
	if err := a.exec(`insert into nagar.touched values ($1, $2)`, a.txn, t.coll); err != nil {
		return err
	}
	if err := writeDefinition(a.ctx, a.tx, t, a.txn); err != nil {
		return err
	}
	return a.exec(expand(`update nagar.commits set changes = (select count(*) from {table} where nagar_txn = {txn})
		+ (select count(*) from {history} where nagar_txn_to = {txn}) where txn = {txn}`,
		"table", t.name(), "history", t.history(), "txn", fmt.Sprint(a.txn)))
}
