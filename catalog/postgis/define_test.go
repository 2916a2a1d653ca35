package postgis_test

import (
	"context"
	"testing"
	"time"

	"nagar/catalog"
)

// A definition and a reader that wait for each other: the server ends the one that
// waited first, which is the definition, and that succeeds nevertheless.
func TestDefinitionOutlivesADeadlock(t *testing.T) {
	s, url := open(t)
	c := buildings()
	define(t, s, c)
	ctx := context.Background()
	reader, watch := connect(t, url), connect(t, url)
	tx, err := reader.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	// It reads the table, and wants later what a definition holds from its beginning.
	if _, err := tx.Exec(ctx, `set local deadlock_timeout = '1min'`); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `lock table public.buildings in access share mode`); err != nil {
		t.Fatal(err)
	}
	c.Fields = append(c.Fields, catalog.Field{Name: "later", Type: catalog.TypeText, Title: catalog.Words{"en": "Later"}})
	defined := make(chan error, 1)
	go func() {
		_, err := s.Define(ctx, c)
		defined <- err
	}()
	for waits := false; !waits; time.Sleep(5 * time.Millisecond) {
		if err := watch.QueryRow(ctx, `select exists (select from pg_locks where relation = 'public.buildings'::regclass and not granted)`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	// Granted once the definition was ended; what is written then is done by its next attempt.
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(7233, 2)`); err != nil {
		t.Fatalf("the reader: %v", err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-defined; err != nil {
		t.Fatalf("the definition: %v", err)
	}
	got, err := s.Collection(ctx, c.Name)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := got.Field("later"); !ok {
		t.Error("the new field is not there")
	}
}
