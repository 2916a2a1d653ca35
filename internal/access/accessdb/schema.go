package accessdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"nagar/catalog"
)

// schemaName is the PostgreSQL schema, and the channel of its notifications.
const schemaName = "nagar_access"

// Schema is one room's tables: Steps[i] are the statements that bring version i to
// i+1. A step that has been released never changes.
type Schema struct {
	Name  string
	Steps [][]string
}

// base is this package's own.
var base = Schema{Name: "base", Steps: [][]string{{
	`create table generation (number bigint not null)`,
	`insert into generation values (1)`,
}}}

// migrate brings each schema to the version that this program knows. Several
// processes may do so at once; one does the work.
func (db *DB) migrate(ctx context.Context, schemas []Schema) error {
	schemas = append([]Schema{base}, schemas...)
	if current, err := db.current(ctx, schemas); err != nil || current {
		return err
	}
	return db.Tx(ctx, func(tx *Tx) error {
		if err := tx.Lock(ctx, "migrate"); err != nil {
			return err
		}
		if err := tx.prepare(ctx); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		for _, s := range schemas {
			if err := tx.step(ctx, s); err != nil {
				return fmt.Errorf("schema %s: %w", s.Name, err)
			}
		}
		return nil
	})
}

func (tx *Tx) prepare(ctx context.Context) error {
	if tx.db.postgres != nil {
		var there bool // asked first: IF NOT EXISTS needs the right to create even where it does
		if err := tx.QueryRow(ctx, `select exists (select from pg_namespace where nspname = ?)`, schemaName).Scan(&there); err != nil {
			return fail(err)
		}
		if !there {
			if _, err := tx.Exec(ctx, `create schema `+schemaName); err != nil {
				return err
			}
		}
	}
	_, err := tx.Exec(ctx, `create table if not exists versions (name text primary key, version bigint not null)`)
	return err
}

// current reports whether there is nothing to do, which needs no lock.
func (db *DB) current(ctx context.Context, schemas []Schema) (bool, error) {
	there := `select count(*) from sqlite_master where type = 'table' and name = 'versions'`
	if db.postgres != nil {
		there = `select count(*) from pg_tables where schemaname = '` + schemaName + `' and tablename = 'versions'`
	}
	var n int
	if err := db.QueryRow(ctx, there).Scan(&n); err != nil || n == 0 {
		return false, fail(err)
	}
	for _, s := range schemas {
		version, err := versionOf(ctx, db, s)
		if err != nil || version < len(s.Steps) {
			return false, err
		}
	}
	return true, nil
}

type rowReader interface {
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// versionOf is the version of a schema, 0 where it is not there; a newer one than
// this program knows is catalog.ErrFuture.
func versionOf(ctx context.Context, q rowReader, s Schema) (int, error) {
	var version int
	err := q.QueryRow(ctx, `select version from versions where name = ?`, s.Name).Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, fail(err)
	case version > len(s.Steps):
		return 0, fmt.Errorf("access database: %w: its schema %s is version %d, this program knows %d", catalog.ErrFuture, s.Name, version, len(s.Steps))
	}
	return version, nil
}

func (tx *Tx) step(ctx context.Context, s Schema) error {
	version, err := versionOf(ctx, tx, s)
	if err != nil || version == len(s.Steps) {
		return err
	}
	for ; version < len(s.Steps); version++ {
		for _, statement := range s.Steps[version] {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("to version %d: %w", version+1, err)
			}
		}
	}
	_, err = tx.Exec(ctx, `insert into versions (name, version) values (?, ?) on conflict (name) do update set version = excluded.version`, s.Name, version)
	return err
}
