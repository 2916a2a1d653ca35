package postgis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

// Define creates the collection, or alters it by the rules of catalog.Collection.Alter.
// A definition that changes nothing spends no revision.
func (s *Store) Define(ctx context.Context, c catalog.Collection) (catalog.Rev, error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	var rev catalog.Rev
	var err error
	// A reader who waits for the table that this alters, and holds what this needs,
	// makes a deadlock: the server ends one of the two, and all of it can be done again.
	for range defineAttempts {
		if rev, err = s.define(ctx, c); code(err) != codeDeadlock {
			break
		}
	}
	return rev, s.fail(ctx, "define "+c.Name, err)
}

// defineAttempts is how often a definition is tried that met a deadlock.
const defineAttempts = 10

func (s *Store) define(ctx context.Context, c catalog.Collection) (rev catalog.Rev, err error) {
	err = s.write(ctx, func(tx pgx.Tx) error {
		// One definition at a time: two of the same name would meet halfway.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(7233, 2)`); err != nil {
			return err
		}
		old, err := s.table(ctx, tx, c.Name)
		if errors.Is(err, catalog.ErrNotFound) {
			rev, err = s.createCollection(ctx, tx, c)
			return err
		}
		if err != nil {
			return err
		}
		rev, err = s.alterCollection(ctx, tx, old, c)
		return err
	})
	return rev, err
}

func (s *Store) createCollection(ctx context.Context, tx pgx.Tx, c catalog.Collection) (catalog.Rev, error) {
	var taken bool
	if err := tx.QueryRow(ctx, `select to_regclass($1) is not null`, `public.`+quote(c.Name)).Scan(&taken); err != nil {
		return 0, err
	}
	if taken {
		return 0, &catalog.Invalid{Path: "name", Reason: fmt.Sprintf("the database has a table or view %s that is not a collection", c.Name)}
	}
	t, err := s.register(ctx, tx, c)
	if err != nil {
		return 0, err
	}
	gis, err := postgisSchema(ctx, tx)
	if err != nil {
		return 0, err
	}
	if _, err := tx.Conn().PgConn().Exec(ctx, createSQL(t, quote(gis))).ReadAll(); err != nil {
		return 0, err
	}
	txn, err := s.recordDefinition(ctx, tx, t)
	if err != nil {
		return 0, err
	}
	return assignedRev(ctx, tx, txn)
}

// register makes the collection's row and chooses its column names.
func (s *Store) register(ctx context.Context, tx pgx.Tx, c catalog.Collection) (*table, error) {
	var columns []string
	for i := range c.Fields {
		columns = append(columns, columnName(c.Fields[i].Name, columns))
	}
	t := table{Collection: c, columns: columns}
	err := tx.QueryRow(ctx, `insert into nagar.collections (name, rel, description, columns, attributes, version, txn)
		values ($1, 0, '', '[]', '', 0, 0) returning coll`, c.Name).Scan(&t.coll)
	return newTable(t), err
}

// recordDefinition writes the description of t, as the tables now are, into its
// row and into the feed.
func (s *Store) recordDefinition(ctx context.Context, tx pgx.Tx, t *table) (int64, error) {
	txn, err := newCommit(ctx, tx, "", "define "+t.Name, t.coll)
	if err != nil {
		return 0, err
	}
	return txn, writeDefinition(ctx, tx, t, txn)
}

func writeDefinition(ctx context.Context, tx pgx.Tx, t *table, txn int64) error {
	c := t.Collection
	c.Rev = 0
	description, err := json.Marshal(c)
	if err != nil {
		return err
	}
	columns, err := json.Marshal(t.columns)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`update nagar.collections set rel = to_regclass($2)::oid, description = $3, columns = $4,
		attributes = `+fmt.Sprintf(attributesSQL, `to_regclass($2)::oid`)+`, version = version + 1, txn = $5 where coll = $1`,
		t.coll, t.name(), string(description), string(columns), txn)
	b.Queue(`insert into nagar.defined values ($1, $2)`, txn, t.coll)
	return tx.SendBatch(ctx, b).Close()
}

// attributesSQL describes a table's columns; when it differs from what is
// registered, somebody altered the table.
const attributesSQL = `(select coalesce(string_agg(a.attnum || ':' || a.attname || ':' || a.atttypid, ' ' order by a.attnum), '')
	from pg_attribute a where a.attrelid = %s and a.attnum > 0 and not a.attisdropped)`

func (s *Store) alterCollection(ctx context.Context, tx pgx.Tx, old *table, c catalog.Collection) (catalog.Rev, error) {
	next, err := old.Alter(c)
	if err != nil {
		return 0, err
	}
	next.Rev = old.Rev
	if equalDescriptions(next, old.Collection) {
		var rev catalog.Rev
		err := tx.QueryRow(ctx, headSQL).Scan(&rev)
		return rev, err
	}
	// Whoever comes after us waits behind us for the table: do not wait long for it.
	if _, err := tx.Exec(ctx, `set local lock_timeout = '3s'`); err != nil {
		return 0, err
	}
	t := table{Collection: next, coll: old.coll, columns: append([]string(nil), old.columns...)}
	for i := len(old.Fields); i < len(next.Fields); i++ {
		column := columnName(next.Fields[i].Name, t.columns)
		t.columns = append(t.columns, column)
		for _, name := range []string{old.name(), old.history()} {
			if _, err := tx.Exec(ctx, fmt.Sprintf(`alter table %s add column %s %s`, name, quote(column), columnTypes[next.Fields[i].Type])); err != nil {
				return 0, err
			}
		}
	}
	changed := newTable(t)
	if err := dropFieldIndexes(ctx, tx, changed); err != nil {
		return 0, err
	}
	if len(next.Fields) > len(old.Fields) || next.Geometry != old.Geometry {
		gis, err := postgisSchema(ctx, tx)
		if err != nil {
			return 0, err
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, triggersSQL(changed, quote(gis))).ReadAll(); err != nil {
			return 0, err
		}
	}
	txn, err := s.recordDefinition(ctx, tx, changed)
	if err != nil {
		return 0, err
	}
	return assignedRev(ctx, tx, txn)
}

// equalDescriptions compares by value; an empty list or map equals a nil one, as
// they read back the same.
func equalDescriptions(a, b catalog.Collection) bool {
	text := func(c catalog.Collection) string {
		out, err := json.Marshal(c)
		if err != nil {
			return err.Error()
		}
		return string(out)
	}
	return reflect.DeepEqual(a, b) || text(a) == text(b)
}
