package gpkg

import (
	"context"
	"fmt"
	"path/filepath"
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
