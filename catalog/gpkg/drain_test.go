package gpkg

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestDrainOutlastsItsWait holds that a read finishes draining a bulk edit, even
// when that takes longer than a read waits for the lock.
func TestDrainOutlastsItsWait(t *testing.T) {
	defer func(d time.Duration) { drainWait = d }(drainWait)
	drainWait = 20 * time.Millisecond
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Define(ctx, catalog.Collection{Name: "places", Geometry: catalog.GeometryNone, Fields: []catalog.Field{{Name: "n", Type: catalog.TypeInteger}}}); err != nil {
		t.Fatal(err)
	}
	const rows = 4000
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	insert := fmt.Sprintf("INSERT INTO places (id, n) WITH RECURSIVE i(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM i WHERE x<%d) SELECT 'p'||x, x FROM i", rows)
	if err := sqlitex.ExecuteTransient(c, insert, nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	if _, err := s.Scan(ctx, catalog.Query{Collection: "places"}, func(*catalog.Feature) error { n++; return nil }); err != nil || n != rows {
		t.Errorf("a scan after a bulk edit: %d of %d rows, %v", n, rows, err)
	}
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
