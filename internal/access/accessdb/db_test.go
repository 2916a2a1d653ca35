package accessdb

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
)

var notes = Schema{Name: "notes", Steps: [][]string{
	{`create table notes (id text primary key, n bigint not null, body bytea, done boolean not null)`},
	{`create index notes_n on notes (n)`},
}}

// opener opens the same database each time it is called.
type opener func(t *testing.T, schemas ...Schema) (*DB, error)

func both(t *testing.T, test func(t *testing.T, open opener)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "city #1?.gpkg.d", "access.db")
		test(t, func(t *testing.T, schemas ...Schema) (*DB, error) { return OpenFile(t.Context(), path, schemas...) })
	})
	t.Run("postgres", func(t *testing.T) {
		url := pgtest.Start(t)
		test(t, func(t *testing.T, schemas ...Schema) (*DB, error) { return OpenPostgres(t.Context(), url, schemas...) })
	})
}

func (o opener) must(t *testing.T, schemas ...Schema) *DB {
	t.Helper()
	db, err := o(t, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOneStatementOnBoth(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		db, ctx := open.must(t, notes), t.Context()
		err := db.Tx(ctx, func(tx *Tx) error {
			if err := tx.Lock(ctx, "notes"); err != nil {
				return err
			}
			n, err := tx.Exec(ctx, `insert into notes (id, n, body, done) values (?, ?, ?, ?)`, "what?", int64(1)<<52, []byte{0, 255}, true)
			if n != 1 {
				t.Errorf("inserted %d rows", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		var body []byte
		var done bool
		if err := db.QueryRow(ctx, `select n, body, done from notes where id = ? and id <> '?'`, "what?").Scan(&n, &body, &done); err != nil {
			t.Fatal(err)
		}
		if n != 1<<52 || string(body) != "\x00\xff" || !done {
			t.Errorf("read back %d %x %v", n, body, done)
		}
		err = db.Tx(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, `insert into notes (id, n, done) values (?, 1, false)`, "what?")
			return err
		})
		if !Duplicate(err) {
			t.Errorf("a second row of one key: %v", err)
		}
		if err := db.QueryRow(ctx, `select n from notes where id = ?`, "none").Scan(&n); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("no row: %v", err)
		}
	})
}

func TestFailedTxLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		db, ctx := open.must(t, notes), t.Context()
		before, reason := db.Generation(), errors.New("no")
		err := db.Tx(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(ctx, `insert into notes (id, n, done) values ('x', 1, false)`); err != nil {
				return err
			}
			if err := tx.Changed(ctx); err != nil {
				return err
			}
			return reason
		})
		if !errors.Is(err, reason) {
			t.Fatalf("got %v", err)
		}
		var n int
		if err := db.QueryRow(ctx, `select count(*) from notes`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows, %v", n, err)
		}
		if db.Generation() != before {
			t.Error("the generation moved without a change")
		}
	})
}

func TestSchemasAreBroughtUp(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		old := Schema{Name: notes.Name, Steps: notes.Steps[:1]}
		db, ctx := open.must(t, old), t.Context()
		if err := db.Tx(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, `insert into notes (id, n, done) values ('x', 1, false)`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var opened sync.WaitGroup
		for range 4 { // several processes start at once
			opened.Go(func() {
				db, err := open(t, notes, Schema{Name: "more", Steps: [][]string{{`create table more (a bigint)`}}})
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				var n int
				if err := db.QueryRow(ctx, `select (select count(*) from notes) + (select count(*) from more)`).Scan(&n); err != nil || n != 1 {
					t.Errorf("%d rows, %v", n, err)
				}
				_ = db.Close()
			})
		}
		opened.Wait()
		if _, err := open(t, old); !errors.Is(err, catalog.ErrFuture) {
			t.Errorf("a newer schema: %v", err)
		}
	})
}

func TestChangesReachOtherProcesses(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		one, two := open.must(t), open.must(t)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := two.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		defer running.Wait()
		defer cancel()
		for range 3 {
			before := one.Generation()
			if err := one.Tx(ctx, func(tx *Tx) error { return tx.Changed(ctx) }); err != nil {
				t.Fatal(err)
			}
			after := one.Generation()
			if after == before {
				t.Fatal("the change is not known where it was made")
			}
			for two.Generation() != after {
				select {
				case <-ctx.Done():
					t.Fatal("the test ended before the change was known elsewhere")
				default:
					pause(ctx, time.Millisecond)
				}
			}
		}
		if two.Stale() {
			t.Error("what was just seen is called stale")
		}
	})
}

func TestNothingIsReliedOnForLongUnseen(t *testing.T) {
	db := opener(func(t *testing.T, _ ...Schema) (*DB, error) {
		return OpenFile(t.Context(), filepath.Join(t.TempDir(), "access.db"))
	}).must(t)
	if db.Stale() {
		t.Error("stale without anybody looking")
	}
	db.seen()
	if db.Stale() {
		t.Error("stale at once")
	}
	db.born = db.born.Add(-2 * patience) // as if so much time had passed since
	if !db.Stale() {
		t.Error("relied on for ever")
	}
}

func TestWritersOfOneFileQueue(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for range 3 { // processes
			db := open.must(t)
			for range 4 {
				wg.Go(func() {
					for range 10 {
						if err := db.Tx(ctx, func(tx *Tx) error { return tx.Changed(ctx) }); err != nil {
							t.Errorf("Tx: %v", err)
						}
					}
				})
			}
		}
		wg.Wait()
		if g := open.must(t).Generation(); g != 121 {
			t.Errorf("generation %d after 120 changes", g)
		}
	})
}

func TestFileIsItsOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.gpkg.d", "access.db")
	db, err := OpenFile(t.Context(), path, notes)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(file), mode)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for in, want := range map[string]string{
		`a = ? and b = ?`:          `a = $1 and b = $2`,
		`a = '?' and "b?" = ?`:     `a = '?' and "b?" = $1`,
		`a = 'it''s ?' and b=?`:    `a = 'it''s ?' and b=$1`,
		`select 1`:                 `select 1`,
		`in (?,?,?,?,?,?,?,?,?,?)`: `in ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
	} {
		if got := number(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
