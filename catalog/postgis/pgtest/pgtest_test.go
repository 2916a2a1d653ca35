package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestStartGivesSeparatePostGISDatabases(t *testing.T) {
	ctx := context.Background()
	one, two := Start(t), Start(t)
	if err := execute(ctx, one, `create table only_here (g geometry(PointZ, 4326))`); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, two)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var there bool
	var version string
	if err := conn.QueryRow(ctx, `select to_regclass('only_here') is not null, postgis_lib_version()`).Scan(&there, &version); err != nil {
		t.Fatal(err)
	}
	if there {
		t.Error("a table made in one database shows in the other")
	}
	t.Log("PostGIS", version)
}
