package gpkg

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// outsideRows opens a store and writes rows into it behind its back.
func outsideRows(t *testing.T, rows int) *Store {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Define(ctx, catalog.Collection{Name: "places", Geometry: catalog.GeometryNone, Fields: []catalog.Field{{Name: "n", Type: catalog.TypeInteger}}}); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	insert := fmt.Sprintf("INSERT INTO places (id, n) WITH RECURSIVE i(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM i WHERE x<%d) SELECT 'p'||x, x FROM i", rows)
	if err := sqlitex.ExecuteTransient(c, insert, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func count(ctx context.Context, s *Store) (n int, err error) {
	_, err = s.Scan(ctx, catalog.Query{Collection: "places"}, func(*catalog.Feature) error { n++; return nil })
	return n, err
}

// TestDrainOutlastsItsWait holds that reads see a bulk edit, even when to drain it
// takes longer than a read waits for the lock: the one that began it, and those
// that came later.
func TestDrainOutlastsItsWait(t *testing.T) {
	defer func(d time.Duration) { drainWait = d }(drainWait)
	drainWait = 20 * time.Millisecond
	const rows = 4_000
	s := outsideRows(t, rows)
	var all sync.WaitGroup
	for range 12 { // more than there are connections
		all.Go(func() {
			if n, err := count(context.Background(), s); err != nil || n != rows {
				t.Errorf("a scan after a bulk edit: %d of %d rows, %v", n, rows, err)
			}
		})
	}
	all.Wait()
	if rev, err := s.Head(context.Background()); err != nil || rev != 2 {
		t.Errorf("the edit is revision %d, %v", rev, err)
	}
}

// TestDrainOutlivesItsReader holds that a drain goes on when the read that began
// it has been given up, and ends with the store.
func TestDrainOutlivesItsReader(t *testing.T) {
	defer func(d time.Duration) { drainWait = d }(drainWait)
	drainWait = time.Hour
	s := outsideRows(t, 4_000)
	_, release := giveUp(t, s)
	release()
	for s.head.Load() != 2 { // nobody reads; the test's own limit ends this
		time.Sleep(time.Millisecond)
	}
	if n, err := count(context.Background(), s); err != nil || n != 4_000 {
		t.Errorf("%d rows, %v", n, err)
	}

	// A drain that waits for its turn ends at once; the store waits for who has it.
	s = outsideRows(t, 4_000)
	d, release := giveUp(t, s)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	<-d.done
	if !errors.Is(d.err, catalog.ErrUnavailable) {
		t.Errorf("a drain of a store that closes: %v", d.err)
	}
	release()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := count(context.Background(), s); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("a read of a closed store: %v", err)
	}

	// One amid its work leaves the file as it was, or drained: never between.
	s = outsideRows(t, 4_000)
	_, release = giveUp(t, s)
	release()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := Open(context.Background(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n, err := count(context.Background(), again); err != nil || n != 4_000 || again.head.Load() != 2 {
		t.Errorf("%d rows, revision %d, %v", n, again.head.Load(), err)
	}
}

// giveUp begins a read, and ends it as soon as it waits for a drain, which waits
// for the writer until it is released.
func giveUp(t *testing.T, s *Store) (d *drainage, release func()) {
	t.Helper()
	writer := <-s.writer
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() {
		_, err := count(ctx, s)
		failed <- err
	}()
	for d == nil {
		s.drainMu.Lock()
		d = s.draining
		s.drainMu.Unlock()
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("a read that was given up: %v", err)
	}
	return d, func() { s.writer <- writer }
}

// TestDrainReadsInOrder holds that a page of a drain costs the same whatever the
// size of the edit: nothing is sorted, and no table is read from its beginning.
func TestDrainReadsInOrder(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, filepath.Join(t.TempDir(), "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Define(ctx, catalog.Collection{Name: "places", Geometry: catalog.GeometryPoint, Fields: []catalog.Field{{Name: "n", Type: catalog.TypeInteger}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.write(ctx, func(tx *writeTx) error {
		sql := drainStatements(tx.schema.byName["places"])
		for _, query := range []string{sql.nameless, sql.pending, sql.moved, sql.arrived} {
			if err := tx.query("EXPLAIN QUERY PLAN "+query, func(q *sqlite.Stmt) error {
				if step := q.ColumnText(3); !strings.HasPrefix(step, "SEARCH") {
					t.Errorf("%s\nin %s", step, query)
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
