package postgis

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

// Check verifies every invariant of the store and calls fn for each problem.
func (s *Store) Check(ctx context.Context, fn func(catalog.Problem) error) error {
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		tables, err := s.tables(ctx, tx)
		if err != nil {
			return err
		}
		for _, c := range storeChecks {
			if err := report(ctx, tx, fn, "", c); err != nil {
				return err
			}
		}
		for _, t := range tables {
			if err := s.checkTable(ctx, tx, t, fn); err != nil {
				return err
			}
		}
		return nil
	})
	return s.fail(ctx, "check", err)
}

// A check is a query whose rows are ids and reasons.

var storeChecks = []string{
	`select '', format('revision %s is without a number or time', txn) from nagar.commits where rev is null or recorded is null`,
	`select '', format('revision %s is recorded before revision %s', rev, before) from
		(select rev, recorded, lag(rev) over w before, lag(recorded) over w earlier from nagar.commits window w as (order by rev)) x where recorded <= earlier`,
	`select '', format('revision %s is beyond the sequence at %s', max(rev), (select last_value from nagar.rev_seq)) from nagar.commits
		having max(rev) > (select last_value from nagar.rev_seq)`,
	`select '', format('transaction %s is beyond the sequence at %s', max(txn), (select last_value from nagar.txn_seq)) from nagar.commits
		having max(txn) > (select last_value from nagar.txn_seq)`,
	`select '', format('the feed names collection %s, which is not there', coll) from nagar.touched where not exists (select from nagar.collections k where k.coll = touched.coll)`,
	`select '', reason from nagar.problems where coll = 0`,
}

// tableChecks hold of every collection; see expand in checkTable.
var tableChecks = []string{
	`select p.id, p.reason from nagar.problems p where p.coll = {coll} and (p.id = '' or exists (select from {table} x where x.id = p.id and x.geom is null))`,
	`select '', 'the table was altered or replaced from outside and is not taken over yet' from nagar.collections k where k.coll = {coll} and k.attributes <> {attributes}`,
	`select '', format('trigger %s is missing or disabled', n) from unnest(array['nagar_before', 'nagar_after', 'nagar_truncate']) n
		where not exists (select from pg_trigger g where g.tgrelid = {rel} and g.tgname = n and g.tgenabled in ('O', 'A'))`,
	`select id, format('its current version names transaction %s, which never committed', nagar_txn) from {table} x where not exists (select from nagar.commits m where m.txn = x.nagar_txn and m.rev is not null)`,
	`select id, format('a past version names transaction %s, which never committed', nagar_txn) from {history} x where not exists (select from nagar.commits m where m.txn = x.nagar_txn and m.rev is not null)`,
	`select id, format('a past version names transaction %s, which never committed', nagar_txn_to) from {history} x where nagar_txn_to is not null and not exists (select from nagar.commits m where m.txn = x.nagar_txn_to and m.rev is not null)`,
	`select id, 'the feed misses its transaction' from (
			select id, nagar_txn txn from {table} union all select id, nagar_txn from {history} union all select id, nagar_txn_to from {history} where nagar_txn_to is not null) x
		where not exists (select from nagar.touched t where t.txn = x.txn and t.coll = {coll})`,
	`select id, 'a past version is superseded before it was recorded' from {history} x join nagar.commits a on a.txn = x.nagar_txn join nagar.commits b on b.txn = x.nagar_txn_to where b.rev <= a.rev`,
	`select id, 'valid_to is not after valid_from' from {table} where valid_to <= valid_from`,
	`select id, 'a past version''s valid_to is not after its valid_from' from {history} where valid_to <= valid_from`,
	`select id, 'geometry: ' || nagar.geometry_problem(geom, {kind}) from {table} where nagar.geometry_problem(geom, {kind}) is not null`,
	// Two versions of a feature, held to be true at one time, about one time.
	`with v as (select row_number() over () n, id, tstzrange(valid_from, valid_to) valid, int8range(a.rev, b.rev) held from (
			select id, valid_from, valid_to, nagar_txn, null::bigint nagar_txn_to from {table} where exists (select from {history} h where h.id = {table}.id)
			union all select id, valid_from, valid_to, nagar_txn, nagar_txn_to from {history}) x
			join nagar.commits a on a.txn = x.nagar_txn left join nagar.commits b on b.txn = x.nagar_txn_to)
		select p.id, 'two versions are held to be true about one time' from v p join v q on q.id = p.id and q.n > p.n and p.valid && q.valid and p.held && q.held`,
}

func (s *Store) checkTable(ctx context.Context, tx pgx.Tx, t *table, fn func(catalog.Problem) error) error {
	there := false
	if err := tx.QueryRow(ctx, `select coalesce(to_regclass($1)::oid = $2::bigint::oid, false)`, t.name(), int64(t.rel)).Scan(&there); err != nil {
		return err
	}
	if !there {
		if err := fn(catalog.Problem{Collection: t.Name, Reason: "its table was dropped or replaced from outside and is not taken over yet"}); err != nil {
			return &callerError{err}
		}
		return nil
	}
	for _, c := range tableChecks {
		sql := expand(c, "coll", fmt.Sprint(t.coll), "rel", fmt.Sprint(t.rel), "table", t.name(), "history", t.history(),
			"kind", literal(string(t.Geometry)), "attributes", fmt.Sprintf(attributesSQL, fmt.Sprint(t.rel)))
		if err := report(ctx, tx, fn, t.Name, sql); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

// report calls fn for each row (id, reason) of the query.
func report(ctx context.Context, tx pgx.Tx, fn func(catalog.Problem) error, collection, sql string) error {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		p := catalog.Problem{Collection: collection}
		if err := rows.Scan(&p.ID, &p.Reason); err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return &callerError{err}
		}
	}
	return rows.Err()
}
