package postgis

import (
	"fmt"
	"slices"

	"nagar/catalog"
)

// adoptNew makes a collection of a table that somebody created: internal, and its
// fields restricted, until its owner classifies them.
func (a *adoption) adoptNew() error {
	if err := a.begin("table created outside"); err != nil {
		return err
	}
	fields, columns, err := a.normalise(nil)
	if err != nil {
		return err
	}
	c := catalog.Collection{Name: a.name, Class: catalog.ClassInternal, Fields: fields, Source: "created in the database"}
	if c.Geometry, err = a.geometryKind(); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	t := table{Collection: c, columns: columns}
	if err := a.tx.QueryRow(a.ctx, `insert into nagar.collections (name, rel, description, columns, attributes, version, txn)
		values ($1, 0, '', '[]', '', 0, 0) returning coll`, a.name).Scan(&t.coll); err != nil {
		return err
	}
	made := newTable(t)
	if err := a.clean(made); err != nil {
		return err
	}
	if err := a.furnish(made, createHistorySQL(made, a.gis)); err != nil {
		return err
	}
	return a.end(made)
}

// adoptReplaced takes the table that stands in the place of a known one, or
// nothing at all, and records the difference to what was there before, row by row.
func (a *adoption) adoptReplaced() error {
	if err := a.begin("table replaced outside"); err != nil {
		return err
	}
	t := a.old
	if a.rel == 0 {
		if err := a.exec(`create table ` + a.table + ` (id text, geom geometry)`); err != nil {
			return err
		}
	} else {
		var kind string
		if err := a.tx.QueryRow(a.ctx, `select relkind::text from pg_class where oid = $1::bigint::oid`, int64(a.rel)).Scan(&kind); err != nil {
			return err
		}
		if kind != "r" {
			return fmt.Errorf("%s is now not a table (relkind %s)", a.name, kind)
		}
	}
	made, err := a.extend(t)
	if err != nil {
		return err
	}
	if err := a.clean(made); err != nil {
		return err
	}
	if err := a.difference(t, made); err != nil {
		return err
	}
	if err := a.furnish(made, ""); err != nil {
		return err
	}
	if err := a.exec(`drop table if exists ` + droppedName(t.coll)); err != nil {
		return err
	}
	return a.end(made)
}

// adoptAltered takes over columns that were added, and puts back those that were dropped.
func (a *adoption) adoptAltered() error {
	if err := a.begin("table altered outside"); err != nil {
		return err
	}
	made, err := a.extend(a.old)
	if err != nil {
		return err
	}
	if err := a.clean(made); err != nil {
		return err
	}
	changed := "false"
	if a.lost {
		changed = "true"
	}
	for _, c := range a.added {
		changed += " or c." + quote(c) + " is not null"
	}
	// What the rows held before is what they hold less the new columns: the values
	// of a dropped one are gone.
	sql := `insert into {history} (id, geom{fields}, valid_from, valid_to, nagar_txn, nagar_txn_to, nagar_main)
		select c.id, c.geom{c}, c.valid_from, c.valid_to, c.nagar_txn, {txn}, true from {table} c where c.nagar_txn <> {txn} and ({changed});
		update {table} c set nagar_txn = {txn}, nagar_hash = null where {changed}`
	if err := a.script(expand(sql, "history", made.history(), "table", a.table, "fields", a.old.fields, "c", a.old.list("c."),
		"txn", fmt.Sprint(a.txn), "changed", changed)); err != nil {
		return err
	}
	if err := a.furnish(made, ""); err != nil {
		return err
	}
	return a.end(made)
}

// extend normalises the table to the collection t, and extends t and its history
// by the columns that are new.
func (a *adoption) extend(t *table) (*table, error) {
	fields, columns, err := a.normalise(t)
	if err != nil {
		return nil, err
	}
	next := table{Collection: t.description(), coll: t.coll, columns: slices.Clone(t.columns)}
	for i := len(t.columns); i < len(columns); i++ {
		next.Fields, next.columns = append(next.Fields, fields[i]), append(next.columns, columns[i])
		a.added = append(a.added, columns[i])
		if err := a.exec(fmt.Sprintf(`alter table %s add column %s %s`, t.history(), quote(columns[i]), columnTypes[fields[i].Type])); err != nil {
			return nil, err
		}
	}
	if err := next.Validate(); err != nil {
		return nil, err
	}
	return newTable(next), nil
}

// difference records what became of each feature of t: rows that are the same keep
// their version, what changed or went goes to history. The rows from before are in
// the copy that the drop left; without one (see schema_drop.sql) all rows are new.
func (a *adoption) difference(t, made *table) error {
	var copied bool
	if err := a.tx.QueryRow(a.ctx, `select to_regclass($1) is not null`, droppedName(t.coll)).Scan(&copied); err != nil {
		return err
	}
	all := func(sql string) error {
		return a.script(expand(sql, "history", t.history(), "table", a.table, "before", droppedName(t.coll), "fields", t.fields,
			"o", t.list("o."), "new", made.list("n."), "nulls", nullsFor(a.added, made), "txn", fmt.Sprint(a.txn)))
	}
	if !copied {
		return all(`update {table} n set valid_from = greatest(n.valid_from, h.ended)
			from (select id, max(nagar_ended) ended from {history} where nagar_ended is not null group by id) h where h.id = n.id`)
	}
	return all(`analyze {before};
		create temporary table nagar_took on commit drop as
			select n.fid, o.ctid old, row(o.geom{o}{nulls})::record operator(pg_catalog.*=) row(n.geom{new})::record
				and (n.valid_from is null or n.valid_from = o.valid_from) and (n.valid_to is null or n.valid_to = o.valid_to) same,
				greatest((select at from nagar.commits where txn = {txn}), o.valid_from) cut
			from {before} o full join {table} n on n.id = o.id;
		update {table} n set nagar_txn = o.nagar_txn, nagar_hash = o.nagar_hash, valid_from = o.valid_from, valid_to = o.valid_to
			from nagar_took k join {before} o on o.ctid = k.old where k.fid = n.fid and k.same;
		insert into {history} (id, geom{fields}, valid_from, valid_to, nagar_txn, nagar_txn_to, nagar_main, nagar_ended)
			select o.id, o.geom{o}, o.valid_from, o.valid_to, o.nagar_txn, {txn}, true, case when k.fid is null then k.cut end
			from nagar_took k join {before} o on o.ctid = k.old where k.same is not true;
		insert into {history} (id, geom{fields}, valid_from, valid_to, nagar_txn, nagar_main)
			select o.id, o.geom{o}, o.valid_from, least(k.cut, o.valid_to), {txn}, false
			from nagar_took k join {before} o on o.ctid = k.old
			where k.same is not true and (o.valid_from is null or o.valid_from < least(k.cut, o.valid_to));
		update {table} n set valid_to = case when n.valid_to > k.cut then n.valid_to end,
			valid_from = k.cut from nagar_took k where k.fid = n.fid and k.same is not true and k.old is not null;
		update {table} n set valid_from = greatest(n.valid_from, h.ended) from nagar_took k,
			(select id, max(nagar_ended) ended from {history} where nagar_ended is not null group by id) h
			where k.fid = n.fid and k.old is null and h.id = n.id;`)
}

// nullsFor is the row tail that stands for columns which were not there before.
func nullsFor(added []string, t *table) string {
	out := ""
	for _, c := range added {
		out += ", null::" + columnTypes[t.Fields[slices.Index(t.columns, c)].Type]
	}
	return out
}

// furnish gives the table what every collection's table has: constraints, the
// index of the feed, triggers.
func (a *adoption) furnish(t *table, history string) error {
	sql := expand(`alter table {table} alter column nagar_txn set not null;
		alter table {table} drop constraint if exists enforce_srid_geom;
		alter table {table} add constraint enforce_srid_geom check ({gis}.st_srid(geom) = 4326);
		alter table {table} drop constraint if exists valid_from_before_valid_to;
		alter table {table} add constraint valid_from_before_valid_to check (valid_from < valid_to);
		drop index if exists public.{index};
		`, "table", a.table, "gis", a.gis, "index", fmt.Sprintf("nagar_%d_txn", t.coll))
	return a.script(sql + bookkeepingSQL(t) + history + triggersSQL(t, a.gis) + "analyze " + a.table)
}
