package postgis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

//go:embed schema.sql
var schemaSQL string

//go:embed schema_drop.sql
var schemaDropSQL string

// schemaVersion is the version of the system schema that this code writes.
const schemaVersion = 1

// migrations[i] brings version i+1 to i+2.
var migrations = []string{}

// migrate creates the system schema or brings it up to schemaVersion. Several
// processes may do so at once: an advisory lock lets one do it.
func (s *Store) migrate(ctx context.Context) error {
	err := s.pool.QueryRow(ctx, `select 1`).Scan(new(int))
	if err != nil {
		return s.fail(ctx, "open store", err)
	}
	if version, err := s.version(ctx, s.pool); err != nil {
		return s.fail(ctx, "read the store's version", err)
	} else if version == schemaVersion {
		return nil
	} else if version > schemaVersion {
		return fmt.Errorf("%w: its schema is version %d, this program knows %d", catalog.ErrFuture, version, schemaVersion)
	}
	err = s.write(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(7233, 0)`); err != nil {
			return err
		}
		version, err := s.version(ctx, tx)
		if err != nil {
			return err
		}
		if version == 0 {
			return s.create(ctx, tx)
		}
		for ; version < schemaVersion; version++ {
			if _, err := tx.Exec(ctx, migrations[version-1]); err != nil {
				return fmt.Errorf("to version %d: %w", version+1, err)
			}
		}
		_, err = tx.Exec(ctx, `update nagar.meta set version = $1`, schemaVersion)
		return err
	})
	return s.fail(ctx, "prepare the store's schema", err)
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// version is the version of the system schema, 0 where there is none.
func (s *Store) version(ctx context.Context, q querier) (int, error) {
	var there bool
	// Not by to_regclass, which may answer from before the lock was waited for.
	if err := q.QueryRow(ctx, `select exists (select from pg_class where relnamespace = (select oid from pg_namespace where nspname = 'nagar') and relname = 'meta')`).Scan(&there); err != nil || !there {
		return 0, err
	}
	var version int
	err := q.QueryRow(ctx, `select version from nagar.meta`).Scan(&version)
	return version, err
}

// create makes the system schema in the transaction.
func (s *Store) create(ctx context.Context, tx pgx.Tx) error {
	var number int
	if err := tx.QueryRow(ctx, `select current_setting('server_version_num')::int / 10000`).Scan(&number); err != nil {
		return err
	}
	if number < 13 {
		return fmt.Errorf("%w: the server is PostgreSQL %d; version 13 or later is needed", catalog.ErrUnavailable, number)
	}
	gis, err := postgisSchema(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err := tx.Exec(ctx, `create extension postgis`); err != nil {
			return fmt.Errorf("%w: the extension postgis is not in this database and could not be created (ask its administrator to run CREATE EXTENSION postgis): %w", catalog.ErrUnavailable, err)
		}
		gis, err = postgisSchema(ctx, tx)
	}
	if err != nil {
		return err
	}
	if _, err := tx.Conn().PgConn().Exec(ctx, strings.ReplaceAll(schemaSQL, "{postgis}", quote(gis))).ReadAll(); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `insert into nagar.meta (version) values ($1)`, schemaVersion); err != nil {
		return err
	}
	// Tables that were here before us are not ours to change.
	if _, err := tx.Exec(ctx, `insert into nagar.ignored select c.relname from pg_class c
		where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace`); err != nil {
		return err
	}
	return createDropTriggers(ctx, tx)
}

func postgisSchema(ctx context.Context, tx pgx.Tx) (string, error) {
	var name string
	err := tx.QueryRow(ctx, `select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'postgis'`).Scan(&name)
	return name, err
}

// createDropTriggers makes the event triggers where this role may; without them a
// table dropped from outside takes its last versions along.
func createDropTriggers(ctx context.Context, tx pgx.Tx) error {
	sub, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	_, err = sub.Conn().PgConn().Exec(ctx, schemaDropSQL).ReadAll()
	if err == nil {
		return sub.Commit(ctx)
	}
	if code(err) != codePrivilege {
		return err
	}
	return sub.Rollback(ctx)
}
