package layers

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
)

// slowDistance is the distance between two geometries the slow way: 0 where they
// meet, else from each position of one to the other.
func slowDistance(a, b *geo.Geometry) float64 {
	if geo.Intersects(a, b) {
		return 0
	}
	best := math.Inf(1)
	for _, p := range [][2]*geo.Geometry{{a, b}, {b, a}} {
		eachPosition(p[0], func(lon, lat float64) { best = min(best, geo.DistanceTo(lon, lat, p[1])) })
	}
	return best
}

func eachPosition(g *geo.Geometry, fn func(lon, lat float64)) {
	for i := range g.Geoms {
		eachPosition(&g.Geoms[i], fn)
	}
	for i := 0; i+1 < len(g.Coords); i += g.Stride() {
		fn(g.Coords[i], g.Coords[i+1])
	}
}

// somewhere is a query geometry of any type.
func somewhere(r *rand.Rand, i int) geo.Geometry {
	gs := manyShapes(r)[:6]
	g := gs[i%6].Geometry
	switch i % 7 {
	case 5:
		return geo.Geometry{Type: geo.MultiPoint, Coords: []float64{g.Coords[0], g.Coords[1], 72.87, 19.04, 72.84, 19.07}}
	case 6:
		return geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{g, geo.NewPoint(72.86, 19.03)}}
	}
	return g
}

// mapSlack is by how much an edge of three kilometres that is straight in degrees
// leaves one that is straight on the map, metres.
const mapSlack = 0.1

// TestWithinDistanceEqualsBruteForce asks around points, lines, polygons and
// collections of them, page by page.
func TestWithinDistanceEqualsBruteForce(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := manyShapes(r)[:700]
	src.write("buildings", feats[:600])
	rev := src.write("buildings", feats[500:]) // several segments
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	for i := range 42 {
		g := somewhere(r, i)
		metres := math.Exp(r.Float64()*8) - 1 // to 3 km
		if i%9 == 0 {
			metres = 0
		}
		want := map[string]float64{}
		for j := range feats {
			want[feats[j].ID] = slowDistance(&g, &feats[j].Geometry)
		}
		got := map[string]bool{}
		req := WithinRequest{Collection: "buildings", Around: &g, Distance: metres, View: catalog.Public, Limit: 60}
		for {
			a, err := e.Within(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range features(t, a) {
				d := f.Properties["distance_m"].(float64)
				if got[f.ID] || math.Abs(d-want[f.ID]) > mapSlack+want[f.ID]*1e-4 {
					t.Fatalf("%v %d: %s at %.3f m, want %.3f (twice: %v)", g.Type, i, f.ID, d, want[f.ID], got[f.ID])
				}
				got[f.ID] = true
			}
			if req.After = a.Next; a.Next == "" {
				break
			}
		}
		for id, d := range want {
			if got[id] != (d <= metres) && math.Abs(d-metres) > mapSlack+d*1e-4 {
				t.Fatalf("%v %d: %s is %.3f m away of %.3f, and there: %v", g.Type, i, id, d, metres, got[id])
			}
		}
		n, err := e.Count(context.Background(), CountRequest{Collection: "buildings", Around: &g, Distance: metres, View: catalog.Public})
		if err != nil || n.Count != len(got) {
			t.Fatalf("counts %d (%v), lists %d", n.Count, err, len(got))
		}
	}
}

// TestWithinDistanceEqualsPostGIS compares with ST_DWithin and ST_Distance on
// geography. PostGIS looks for the two nearest positions on a sphere and measures
// between these on the ellipsoid, so it never finds nearer ones, and may take one to
// the north for one to the east that is nearer by the ratio of the ellipsoid's
// radii of curvature: at the equator 1 - e², e² = 0.00669, less elsewhere. Its
// edges are arcs of the globe, ours straight on the map: what lies between them is
// allowed for.
func TestWithinDistanceEqualsPostGIS(t *testing.T) {
	ctx := context.Background()
	const e2 = 0.00669438 // first eccentricity of WGS 84, squared
	db, err := pgx.Connect(ctx, pgtest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	long := func(g *geo.Geometry) bool { b := g.Box(); return b.E-b.W > 0.012 || b.N-b.S > 0.012 }
	feats := slices.DeleteFunc(manyShapes(r)[:600], func(f catalog.Feature) bool { return long(&f.Geometry) })
	src.write("buildings", feats)
	e := start(t, src, Options{})
	if _, err := db.Exec(ctx, `create table b (id text, geom geography)`); err != nil {
		t.Fatal(err)
	}
	batch, widest := &pgx.Batch{}, 0.0
	for i := range feats {
		widest = max(widest, bulge(&feats[i].Geometry))
		batch.Queue(`insert into b values ($1, ST_GeomFromEWKB($2)::geography)`, feats[i].ID, geo.AppendWKB(nil, &feats[i].Geometry, geo.EWKB))
	}
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 28 {
		g := somewhere(r, i)
		for g.Type == geo.Polygon && long(&g) {
			g = somewhere(r, i)
		}
		metres := 20 + r.Float64()*2000
		rows, err := db.Query(ctx, `select id, ST_Distance(geom, q), ST_DWithin(geom, q, $2) from b, (select ST_GeomFromEWKB($1)::geography q) x`, geo.AppendWKB(nil, &g, geo.EWKB), metres)
		if err != nil {
			t.Fatal(err)
		}
		slack := 0.01 + bulge(&g) + widest
		want, in := map[string]float64{}, map[string]bool{}
		var id string
		var d float64
		var ok bool
		if _, err := pgx.ForEachRow(rows, []any{&id, &d, &ok}, func() error { want[id], in[id] = d, ok; return nil }); err != nil {
			t.Fatal(err)
		}
		a, err := e.Within(ctx, WithinRequest{Collection: "buildings", Around: &g, Distance: metres, View: catalog.Public, Limit: MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, f := range features(t, a) {
			got[f.ID] = true
			if d := f.Properties["distance_m"].(float64); d > want[f.ID]*(1+1e-4)+slack || d < want[f.ID]*(1-e2)-slack {
				t.Errorf("%v %d: %s at %.3f m, PostGIS %.3f", g.Type, i, f.ID, d, want[f.ID])
			}
		}
		for id := range want {
			if got[id] != in[id] && math.Abs(want[id]-metres) > slack+want[id]*e2 {
				t.Errorf("%v %d: %s at %.3f m of %.3f: there %v, PostGIS %v", g.Type, i, id, want[id], metres, got[id], in[id])
			}
		}
	}
}

// bulge is how far, in metres, the longest edge's arc of the globe lies from its
// straight line on the map: L² tan φ / 8R.
func bulge(g *geo.Geometry) (most float64) {
	for i := range g.Geoms {
		most = max(most, bulge(&g.Geoms[i]))
	}
	n := g.Stride()
	for i := range g.Ends {
		for c := g.Line(i); len(c) > n; c = c[n:] {
			phi := c[1] * math.Pi / 180
			dx, dy := (c[n]-c[0])*math.Cos(phi)*111_320, (c[n+1]-c[1])*111_320
			most = max(most, (dx*dx+dy*dy)*math.Abs(math.Tan(phi))/(8*6_371_000))
		}
	}
	return most
}

func TestPlacesThatAreNone(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	e := start(t, src, Options{})
	point, line, none := geo.NewPoint(72.8, 19), geo.NewLineString([]float64{72.8, 19, 72.9, 19}), geo.Geometry{Type: geo.GeometryCollection}
	far := geo.NewPoint(200, 19)
	box := geo.Box{W: 72, S: 18, E: 73, N: 20}
	for path, r := range map[string]WithinRequest{
		"distance -1":  {Around: &point, Distance: -1},
		"distance NaN": {Around: &point, Distance: math.NaN()},
		"distance far": {Around: &point, Distance: MaxDistance + 1},
		"geometry":     {Around: &none},
		"geometry far": {Around: &far},
		"bbox both":    {Around: &point, Box: &box},
		"bbox":         {},
		"geometry not": {Polygon: &line},
	} {
		r.Collection, r.View = "buildings", catalog.Public
		_, err := e.Within(context.Background(), r)
		var bad *catalog.Invalid
		if want, _, _ := strings.Cut(path, " "); !errors.As(err, &bad) || bad.Path != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// BenchmarkAlongALine asks for what lies within 50 m of a line across the city.
func BenchmarkAlongALine(b *testing.B) {
	e := benchEngine()
	var c []float64
	for i := range 2000 {
		c = append(c, 72.8+float64(i)*0.00005, 19+float64(i)*0.000045)
	}
	line := geo.NewLineString(c)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		a, err := e.Count(b.Context(), CountRequest{Collection: "buildings", View: catalog.Public, Around: &line, Distance: 50})
		if err != nil {
			b.Fatal(err)
		}
		n = a.Count
	}
	b.ReportMetric(float64(n), "features")
}
