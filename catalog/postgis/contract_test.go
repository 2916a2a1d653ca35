package postgis_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
	"nagar/catalog/catalogtest"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
)

func TestContract(t *testing.T) {
	catalogtest.Run(t, catalogtest.Harness{
		Dialect: catalogtest.PostGIS,
		New:     func(t testing.TB) string { return pgtest.Start(t) },
		Open: func(ctx context.Context, location string) (catalog.Store, error) {
			return postgis.Open(ctx, location)
		},
		GDAL: pgtest.GDAL,
		Future: func(t testing.TB, location string) {
			execSQL(t, location, `update nagar.meta set version = version + 1`)
		},
	})
}

// execSQL runs statements on a connection that knows nothing of us.
func execSQL(t testing.TB, url, sql string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
