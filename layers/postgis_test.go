package layers

import (
	"context"
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
)

// TestNearestEqualsPostGIS compares distances with ST_Distance on geography.
func TestNearestEqualsPostGIS(t *testing.T) {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, pgtest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 400)
	src.write("buildings", feats)
	e := start(t, src, Options{})
	if _, err := db.Exec(ctx, `create table b (id text, geom geography)`); err != nil {
		t.Fatal(err)
	}
	batch := &pgx.Batch{}
	for i := range feats {
		batch.Queue(`insert into b values ($1, ST_GeomFromEWKB($2)::geography)`, feats[i].ID, geo.AppendWKB(nil, &feats[i].Geometry, geo.EWKB))
	}
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		lon, lat := round7(72.85+r.NormFloat64()*0.1), round7(19.05+r.NormFloat64()*0.1)
		a, err := e.Near(ctx, NearRequest{Collection: "buildings", Lon: lon, Lat: lat, Limit: 10, View: catalog.Public})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.Query(ctx, `select ST_Distance(geom, ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography) d from b order by d limit 10`, lon, lat)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[float64])
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range features(t, a) {
			d := f.Properties["distance_m"].(float64)
			// PostGIS looks for the nearest position on a sphere, and so may miss it by a little.
			if math.Abs(d-want[i]) > 0.02+want[i]*3e-5 {
				t.Errorf("from %v %v, place %d: %.3f m, PostGIS %.3f", lon, lat, i, d, want[i])
			}
		}
	}
}
