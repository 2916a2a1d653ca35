package gpkg_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"nagar/catalog"
	"nagar/catalog/gpkg"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// outside runs statements on a connection that knows nothing of the store.
func outside(b testing.TB, path string, statements ...string) {
	b.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for _, s := range statements {
		if err := sqlitex.ExecuteScript(c, s, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDrain takes in what another program did to 40,000 buildings; one
// operation is one such edit.
func BenchmarkDrain(b *testing.B) {
	const rows = 8 * benchBatch
	columns := "geom,uid,height_m,floors,use,ward,year,name"
	for _, bm := range []struct{ name, before, edit string }{
		{"Insert", "", "INSERT INTO buildings(id," + columns + ") SELECT 'o'||id," + columns + " FROM buildings"},
		{"InsertNoID", "", "INSERT INTO buildings(" + columns + ") SELECT " + columns + " FROM buildings"},
		{"Update", "", "UPDATE buildings SET floors=floors+1"},
		{"Touch", "", "UPDATE buildings SET floors=floors"},
		{"Delete", "", "DELETE FROM buildings"},
		{"InsertAfterDelete", "CREATE TEMP TABLE was AS SELECT * FROM buildings; DELETE FROM buildings; ",
			"INSERT INTO buildings(id," + columns + ") SELECT id," + columns + " FROM was"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "bench.gpkg")
			for range b.N {
				b.StopTimer()
				removeStore(b, path)
				s, err := gpkg.Open(context.Background(), path)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Define(context.Background(), buildings()); err != nil {
					b.Fatal(err)
				}
				for i := range rows / benchBatch {
					if _, err := s.Apply(context.Background(), batchOf(i)); err != nil {
						b.Fatal(err)
					}
				}
				outside(b, path, bm.before+bm.edit)
				before := cpuTime()
				b.StartTimer()
				rev, err := s.Head(context.Background())
				used := cpuTime() - before
				b.StopTimer()
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(used.Microseconds())/rows, "cpu-µs/row")
				n := 0
				if _, err := s.Changes(context.Background(), rev-1, func(c catalog.Commit) error { n += len(c.Changes); return nil }); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(n), "changes")
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func removeStore(b *testing.B, path string) {
	b.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			b.Fatal(err)
		}
	}
}
