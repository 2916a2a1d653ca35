// Package pg keeps the history of readings in PostgreSQL, in the schema nagar_twin:
// a partition for each day (of phenomenonTime, in UTC), dropped whole.
package pg

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"nagar/catalog"
	"nagar/internal/twin/history"
)

// Store is an open schema.
type Store struct {
	pool *pgxpool.Pool
	zone *time.Location
}

var _ history.Store = (*Store)(nil)

// appendLock is the advisory lock of who appends, prunes or makes the schema.
const appendLock = 0x6e61676172747769 // "nagartwi"

const schema = `create schema if not exists nagar_twin;
create table if not exists nagar_twin.streams (n bigint generated always as identity primary key, id text not null unique);
create table if not exists nagar_twin.obs (n bigint not null, t bigint not null, te bigint not null, v double precision, s text, q integer not null, x text,
 primary key (n, t)) partition by range (t);
create table if not exists nagar_twin.rollups (level smallint not null, t bigint not null, n bigint not null, count bigint not null, good bigint not null,
 min double precision not null, max double precision not null, sum double precision not null, primary key (n, level, t)) with (fillfactor=70);
create table if not exists nagar_twin.state (one boolean primary key default true check (one), stream text not null, seq bigint not null);
insert into nagar_twin.state(stream, seq) values ('', 0) on conflict do nothing;`

// Open opens the schema in the database of the URL, or makes it, which needs the
// right to create one. Hours and days of roll-ups are those of zone, which must stay
// the same.
func Open(ctx context.Context, dsn string, zone *time.Location) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("history of readings: the store's URL cannot be read") // the error may quote the password
	}
	config.MaxConns = 6
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "nagar"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, wrap(ctx, "open the history", err)
	}
	s := &Store{pool: pool, zone: zone}
	if err := s.alone(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, schema)
		return err
	}); err != nil {
		pool.Close()
		return nil, wrap(ctx, "open the history", err)
	}
	return s, nil
}

// alone runs fn in the one transaction at a time that writes.
func (s *Store) alone(ctx context.Context, fn func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(appendLock)); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Close implements history.Store.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// wrap says what was being done, and that the database is out of reach where it is.
func wrap(ctx context.Context, doing string, err error) error {
	var server *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, history.ErrMoved):
		return err
	case errors.As(err, &server):
		if c := server.Code; strings.HasPrefix(c, "08") || strings.HasPrefix(c, "53") || strings.HasPrefix(c, "57") || strings.HasPrefix(c, "58") {
			return fmt.Errorf("%s: %w: %w", doing, catalog.ErrUnavailable, err)
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, catalog.ErrUnavailable, err)
}

// Position implements history.Store.
func (s *Store) Position(ctx context.Context) (p history.Position, err error) {
	var seq int64
	err = s.pool.QueryRow(ctx, "select stream, seq from nagar_twin.state").Scan(&p.Stream, &seq)
	p.Seq = uint64(seq)
	return p, wrap(ctx, "read the history's position", err)
}

// Scan implements history.Store.
func (s *Store) Scan(ctx context.Context, span history.Span, fn func(*history.Observation) error) error {
	order := ""
	if span.Newest {
		order = " desc"
	}
	rows, err := s.pool.Query(ctx, "select t, te, v, coalesce(s,''), q, coalesce(x,'') from nagar_twin.obs where n=(select n from nagar_twin.streams where id=$1) and t>=$2 and t<$3 order by t"+order,
		span.Datastream, span.From, span.End())
	if err != nil {
		return wrap(ctx, "read readings", err)
	}
	o := history.Observation{Datastream: span.Datastream}
	return each(ctx, rows, &o, nil, fn)
}

// each calls fn with the observation of each row: t, te, v, s, q, x, and before them
// what id takes.
func each(ctx context.Context, rows pgx.Rows, o *history.Observation, id *string, fn func(*history.Observation) error) error {
	defer rows.Close()
	for rows.Next() {
		var v *float64
		var q int32
		into := []any{&o.Time, &o.End, &v, &o.Text, &q, &o.Extra}
		if id != nil {
			into = append([]any{id}, into...)
		}
		if err := rows.Scan(into...); err != nil {
			return wrap(ctx, "read readings", err)
		}
		o.Quality, o.Value = history.Quality(q), math.NaN()
		if v != nil {
			o.Value = *v
		}
		if err := fn(o); err != nil {
			return err
		}
	}
	return wrap(ctx, "read readings", rows.Err())
}

// Rollups implements history.Store.
func (s *Store) Rollups(ctx context.Context, l history.Level, span history.Span, fn func(history.Rollup) error) error {
	rows, err := s.pool.Query(ctx, "select t, count, good, min, max, sum from nagar_twin.rollups where n=(select n from nagar_twin.streams where id=$1) and level=$2 and t>=$3 and t<$4 order by t",
		span.Datastream, int16(l), span.From, span.End())
	if err != nil {
		return wrap(ctx, "read roll-ups", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r history.Rollup
		if err := rows.Scan(&r.Start, &r.Count, &r.Good, &r.Min, &r.Max, &r.Sum); err != nil {
			return wrap(ctx, "read roll-ups", err)
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return wrap(ctx, "read roll-ups", rows.Err())
}

// Latest implements history.Store.
func (s *Store) Latest(ctx context.Context, since time.Time, fn func(*history.Observation) error) error {
	rows, err := s.pool.Query(ctx, `select d.id, o.* from nagar_twin.streams d cross join lateral
 (select t, te, v, coalesce(s,''), q, coalesce(x,'') from nagar_twin.obs where n=d.n and t>=$1 order by t desc limit 1) o`, since.UnixMicro())
	if err != nil {
		return wrap(ctx, "read the latest readings", err)
	}
	var o history.Observation
	return each(ctx, rows, &o, &o.Datastream, fn)
}

// Prune implements history.Store.
func (s *Store) Prune(ctx context.Context, before time.Time) (gone int, err error) {
	end := history.DayOf(before.UnixMicro())
	err = s.alone(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select c.relname from pg_inherits i join pg_class c on c.oid=i.inhrelid where i.inhparent='nagar_twin.obs'::regclass")
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, name := range names {
			if day, err := time.Parse(partForm, name); err != nil || day.UnixMicro() >= end {
				continue
			}
			if _, err := tx.Exec(ctx, "drop table "+pgx.Identifier{"nagar_twin", name}.Sanitize()); err != nil {
				return err
			}
			gone++
		}
		_, err = tx.Exec(ctx, "delete from nagar_twin.rollups where level=$1 and t<$2", int16(history.FiveMinutes), end)
		return err
	})
	return gone, wrap(ctx, "drop days of readings", err)
}

// Erase implements history.Store.
func (s *Store) Erase(ctx context.Context, datastream string) error {
	return wrap(ctx, "erase readings", s.alone(ctx, func(tx pgx.Tx) error {
		for _, table := range []string{"obs", "rollups"} {
			if _, err := tx.Exec(ctx, "delete from nagar_twin."+table+" where n=(select n from nagar_twin.streams where id=$1)", datastream); err != nil {
				return err
			}
		}
		return nil
	}))
}

// partForm is the name of a day's partition.
const partForm = "obs_20060102"
