package layers

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
	"nagar/geo/geojson"
	"nagar/geo/mvt"
)

// asMVT asks PostGIS for the same tile: every feature that meets the tile and its
// buffer, attributes as the engine writes them.
const asMVT = `with t as (select ST_TileEnvelope($1, $2, $3) as env)
	select ST_AsMVT(q, 'buildings', 4096, 'g', 'key') from (
		select key, uid, height_m, floors, use, built::text as built, ok, ST_AsMVTGeom(geom, env, 4096, 64, true) as g
		from b, t where geom && ST_Expand(env, (ST_XMax(env) - ST_XMin(env)) * 64 / 4096)) q where g is not null`

// manyShapes is a town of large, small, holed and split buildings, of lines and of points.
func manyShapes(r *rand.Rand) []catalog.Feature {
	feats := city(r, 2500)
	for i := range feats {
		p := feats[i].Geometry.Coords
		switch i % 6 {
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
		case 2: // a street
			line := []float64{p[0], p[1]}
			for range 2 + r.IntN(20) {
				n := len(line)
				line = append(line, round7(line[n-2]+r.NormFloat64()*0.0015), round7(line[n-1]+r.NormFloat64()*0.0015))
			}
			feats[i].Geometry = geo.Geometry{Type: geo.LineString, Coords: line, Ends: []int32{int32(len(line) / 2)}}
		case 3:
			feats[i].Geometry = geo.Geometry{Type: geo.Point, Coords: p[:2]}
		}
	}
	return feats
}

// realShapes are polygons of the real city, where its data is at hand.
func realShapes(t *testing.T) []catalog.Feature {
	var out []catalog.Feature
	for _, name := range []string{"wards.geojson", "parks.geojson", "bkc_buildings_heights.geojson"} {
		b, err := os.ReadFile(filepath.Join(moduleRoot(t), "../shared/data/mumbai", name))
		if err != nil {
			t.Logf("without real data: %v", err)
			continue
		}
		var file struct {
			Features []struct{ Geometry json.RawMessage }
		}
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatal(err)
		}
		for i, f := range file.Features {
			if g, _, err := geojson.DecodeGeometry(f.Geometry); err == nil && geo.Validate(&g) == nil {
				out = append(out, catalog.Feature{ID: name + strconv.Itoa(i), Geometry: g, Props: catalog.Properties{{Name: "use", Value: catalog.Text(name)}}})
			}
		}
	}
	return out
}

// fillPostGIS puts the features into table b, in the projection of tiles.
func fillPostGIS(t *testing.T, db *pgx.Conn, feats []catalog.Feature) {
	t.Helper()
	ctx := context.Background()
	if _, err := db.Exec(ctx, `create table b (key bigint, geom geometry, uid text, height_m float8, floors bigint, use text, built date, ok boolean)`); err != nil {
		t.Fatal(err)
	}
	batch := &pgx.Batch{}
	for i := range feats {
		f := &feats[i]
		args := []any{int64(catalog.KeyOf("buildings", f.ID)), geo.AppendWKB(nil, &f.Geometry, geo.EWKB)}
		for _, name := range []string{"uid", "height_m", "floors", "use", "built", "ok"} {
			args = append(args, plainValue(f.Props.Get(name)))
		}
		batch.Queue(`insert into b values ($1, ST_Transform(ST_GeomFromEWKB($2), 3857), $3, $4, $5, $6, $7, $8)`, args...)
	}
	batch.Queue(`create index on b using gist (geom)`)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		t.Fatal(err)
	}
}

func plainValue(v catalog.Value) any {
	switch v.Type() {
	case catalog.TypeText:
		return v.Str()
	case catalog.TypeReal:
		return v.Float()
	case catalog.TypeInteger:
		return v.Int()
	case catalog.TypeBoolean:
		return v.Bool()
	case catalog.TypeDate:
		return v.AsTime()
	}
	return nil
}

// size is what a feature of a tile is compared by: the area of a polygon, the
// length of a line, the number of points; rim is the length of all its edges,
// slack what the places of its cuts may differ by.
type size struct {
	of    mvt.GeomType
	sum   float64
	rim   float64
	slack float64
	edge  bool // it lies along the border of the buffer as a whole
	props string
}

// onBorder reports whether a coordinate is at the border of what is drawn, or within a unit.
func onBorder(v int32) bool { return v <= 1-buffer || v >= extent+buffer-1 }

// slack is how far along the border the place may lie where an edge that ends there
// is cut: each side rounds by half a unit, and the flatter the edge, the more that counts.
func slack(x0, y0, x1, y1 int32) float64 {
	along, across := math.Abs(float64(x1-x0)), math.Abs(float64(y1-y0))
	out := 0.0
	if onBorder(y0) || onBorder(y1) {
		out += min(along, along/max(across, 0.5))
	}
	if onBorder(x0) || onBorder(x1) {
		out += min(across, across/max(along, 0.5))
	}
	return out
}

func sizes(t *testing.T, l *mvt.Layer) map[uint64]size {
	t.Helper()
	out := map[uint64]size{}
	if l == nil {
		return out
	}
	for i := range l.Features {
		f := &l.Features[i]
		coords, ends, err := f.Lines()
		if err != nil {
			t.Fatalf("feature %d: %v", f.ID, err)
		}
		s := size{of: f.Type, props: fmt.Sprint(l.Props(f)), edge: true}
		for j := 0; j+1 < len(coords); j += 2 {
			s.edge = s.edge && (onBorder(coords[j]) || onBorder(coords[j+1]))
		}
		if f.Type == mvt.Point {
			s.sum = float64(len(coords) / 2)
		}
		var from int32
		for _, e := range ends {
			part := coords[from*2 : e*2]
			from = e
			for j := 2; j+1 < len(part); j += 2 {
				long := math.Hypot(float64(part[j]-part[j-2]), float64(part[j+1]-part[j-1]))
				s.rim += long
				s.slack += slack(part[j-2], part[j-1], part[j], part[j+1])
			}
			switch f.Type {
			case mvt.Polygon:
				s.sum += float64(geo.RingArea2(part)) / 2
			case mvt.LineString:
				s.sum = s.rim
			}
		}
		out[f.ID] = s
	}
	return out
}

// differ says how the same feature of two tiles differs, by more than rounding may
// do: PostGIS rounds before it cuts, the engine after.
func differ(ours, theirs size) string {
	tolerance := map[mvt.GeomType]float64{
		mvt.Point:      0,
		mvt.LineString: 6 + theirs.rim*0.02 + max(ours.slack, theirs.slack),
		mvt.Polygon:    4 + theirs.rim*1.5, // each side rounds corners and cuts by half a unit
	}[theirs.of]
	switch {
	case ours.of != theirs.of:
		return fmt.Sprintf("is of type %d, theirs of %d", ours.of, theirs.of)
	case ours.props != theirs.props:
		return fmt.Sprintf("has %s, theirs %s", ours.props, theirs.props)
	case math.Abs(ours.sum-theirs.sum) > tolerance:
		return fmt.Sprintf("measures %.0f, theirs %.0f (within %.0f)", ours.sum, theirs.sum, tolerance)
	}
	return ""
}

// negligible is a feature that may be in one tile and not in the other: a sliver
// along the buffer's edge, or one too small for a polygon of its own.
func (s size) negligible() bool {
	return s.edge || s.of == mvt.Polygon && s.sum <= 140 || s.of == mvt.LineString && s.rim <= 4
}

// TestTilesEqualPostGIS compares ungeneralised tiles with ST_AsMVT: the same
// features and attributes, areas and lengths within what rounding may do. TILES=2000
// compares as many tiles, of zooms 12 to 18.
func TestTilesEqualPostGIS(t *testing.T) {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, pgtest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	tiles := 250
	if s := os.Getenv("TILES"); s != "" {
		if tiles, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	src.define(c)
	feats := append(manyShapes(r), realShapes(t)...)
	src.write("buildings", feats)
	e := start(t, src, Options{})
	fillPostGIS(t, db, feats)
	compared := map[mvt.GeomType]int{}
	for range tiles {
		at := geo.TileAt(72.855+r.NormFloat64()*0.01, 19.055+r.NormFloat64()*0.01, uint32(12+r.IntN(7)))
		var b []byte
		if err := db.QueryRow(ctx, asMVT, at.Z, at.X, at.Y).Scan(&b); err != nil {
			t.Fatal(err)
		}
		theirs, err := mvt.Decode(b)
		if err != nil {
			t.Fatalf("%s: PostGIS's tile: %v", at, err)
		}
		_, m := getTile(t, e, at, true)
		got, want := sizes(t, m.Layer("buildings")), sizes(t, theirs.Layer("buildings"))
		for key, w := range want {
			compared[w.of]++
			if g, ok := got[key]; !ok && !w.negligible() {
				t.Errorf("%s: feature %d (%+v) is missing", at, key, w)
			} else if why := differ(g, w); ok && why != "" {
				t.Errorf("%s: feature %d %s", at, key, why)
			}
		}
		for key, g := range got {
			if _, ok := want[key]; !ok && !g.negligible() {
				t.Errorf("%s: feature %d (%+v) is not in PostGIS's tile", at, key, g)
			}
		}
	}
	t.Logf("%d tiles: %d points, %d lines, %d polygons compared", tiles, compared[mvt.Point], compared[mvt.LineString], compared[mvt.Polygon])
	for _, of := range []mvt.GeomType{mvt.Point, mvt.LineString, mvt.Polygon} {
		if compared[of] < tiles {
			t.Errorf("only %d of type %d compared", compared[of], of)
		}
	}
}
