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

// TestTilesEqualPostGIS compares ungeneralised tiles with ST_AsMVTGeom: the same
// features, with the same area within what rounding may do.
func TestTilesEqualPostGIS(t *testing.T) {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, pgtest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 1500)
	for i := range feats {
		p := feats[i].Geometry.Coords
		switch i % 5 {
		case 0: // large ones, cut by tiles
			feats[i].Geometry = footprint(r, p[0], p[1], 50+r.Float64()*1500)
		case 1: // two parts
			a, b := feats[i].Geometry, footprint(r, p[0]+0.002, p[1], 15)
			n := int32(len(a.Coords) / 2)
			g := geo.Geometry{Type: geo.MultiPolygon, Coords: append(append([]float64{}, a.Coords...), b.Coords...), Ends: append([]int32{}, a.Ends...), Polys: []int32{int32(len(a.Ends))}}
			for _, e := range b.Ends {
				g.Ends = append(g.Ends, e+n)
			}
			g.Polys = append(g.Polys, int32(len(g.Ends)))
			feats[i].Geometry = g
		}
	}
	src.write("buildings", feats)
	e := start(t, src, Options{})
	if _, err := db.Exec(ctx, `create table b (key bigint, geom geometry)`); err != nil {
		t.Fatal(err)
	}
	batch := &pgx.Batch{}
	for i := range feats {
		batch.Queue(`insert into b values ($1, ST_Transform(ST_GeomFromEWKB($2), 3857))`,
			int64(catalog.KeyOf("buildings", feats[i].ID)), geo.AppendWKB(nil, &feats[i].Geometry, geo.EWKB))
	}
	batch.Queue(`create index on b using gist (geom)`)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for range 80 {
		at := geo.TileAt(72.85+r.NormFloat64()*0.008, 19.05+r.NormFloat64()*0.008, uint32(13+r.IntN(5)))
		type one struct{ area, length float64 }
		want := map[uint64]one{}
		rows, err := db.Query(ctx, `with t as (select ST_TileEnvelope($1, $2, $3) as env)
			select key, ST_Area(g), ST_Perimeter(g) from (
			  select key, ST_AsMVTGeom(geom, env, 4096, 64, true) as g from b, t
			  where geom && ST_Expand(env, (ST_XMax(env) - ST_XMin(env)) * 64 / 4096)) x where g is not null`, at.Z, at.X, at.Y)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var k int64
			var o one
			if err := rows.Scan(&k, &o.area, &o.length); err != nil {
				t.Fatal(err)
			}
			want[uint64(k)] = o
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		_, m := getTile(t, e, at, true)
		l := m.Layer("buildings")
		got := map[uint64]float64{}
		if l != nil {
			for i := range l.Features {
				coords, ends, err := l.Features[i].Lines()
				if err != nil {
					t.Fatal(err)
				}
				var from int32
				for _, end := range ends {
					got[l.Features[i].ID] += float64(geo.RingArea2(coords[from*2:end*2])) / 2
					from = end
				}
			}
		}
		for k, w := range want {
			compared++
			g, ok := got[k]
			// Each side rounds corners and cuts by half a unit.
			if tol := w.length + 4; math.Abs(g-w.area) > tol || !ok && w.area > 4 {
				t.Errorf("%s: feature %d has area %.0f, PostGIS %.0f (perimeter %.0f)", at, k, g, w.area, w.length)
			}
		}
		for k, g := range got {
			if _, ok := want[k]; !ok && g > 140 { // a sliver along the buffer's edge may go either way
				t.Errorf("%s: feature %d of area %.0f is not in PostGIS's tile", at, k, g)
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d features compared", compared)
	}
}

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
