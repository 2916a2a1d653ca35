package gpkg_test

import (
	"context"
	"path/filepath"
	"testing"

	"nagar/catalog"
	"nagar/catalog/catalogtest"
	"nagar/catalog/gpkg"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func TestContract(t *testing.T) {
	catalogtest.Run(t, catalogtest.Harness{
		Dialect: catalogtest.GeoPackage,
		New:     func(t testing.TB) string { return filepath.Join(t.TempDir(), "city.gpkg") },
		Open: func(ctx context.Context, path string) (catalog.Store, error) {
			s, err := gpkg.Open(ctx, path)
			if err != nil {
				return nil, err // not a nil *Store in an interface
			}
			return s, nil
		},
		Future: func(t testing.TB, path string) {
			c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := sqlitex.ExecuteTransient(c, "INSERT INTO nagar_migrations VALUES(99,'2999-01-01T00:00:00.000Z','the future')", nil); err != nil {
				t.Fatal(err)
			}
		},
	})
}
