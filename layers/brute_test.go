package layers

import (
	"context"
	"encoding/json"
	"math"
	"sort"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

type gotFeature struct {
	ID         string
	Key        uint64
	Geometry   json.RawMessage
	Properties map[string]any
}

func features(t testing.TB, a *Answer) []gotFeature {
	t.Helper()
	var out []gotFeature
	if err := json.Unmarshal(a.Features, &out); err != nil {
		t.Fatalf("%v in %s", err, a.Features)
	}
	if len(out) != a.Count {
		t.Fatalf("count %d, %d features", a.Count, len(out))
	}
	return out
}

func TestNearestEqualsBruteForce(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 2000)
	feats = append(feats, feats[7], feats[7]) // ties
	feats[2000].ID, feats[2001].ID = "twin", "twin2"
	src.write("buildings", feats)
	e := start(t, src, Options{})
	for range 60 {
		lon, lat := round7(72.85+r.NormFloat64()*0.02), round7(19.05+r.NormFloat64()*0.02)
		type want struct {
			id  string
			key catalog.Key
			d   float64
		}
		var all []want
		for i := range feats {
			all = append(all, want{feats[i].ID, catalog.KeyOf("buildings", feats[i].ID), geo.DistanceTo(lon, lat, &feats[i].Geometry)})
		}
		sort.Slice(all, func(i, j int) bool { return all[i].d < all[j].d || all[i].d == all[j].d && all[i].key < all[j].key })
		req := NearRequest{Collection: "buildings", Lon: lon, Lat: lat, Limit: 7, View: catalog.Public}
		n := 0
		for page := range 3 {
			a, err := e.Near(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range features(t, a) {
				d := f.Properties["distance_m"].(float64)
				if math.Abs(d-all[n].d) > 0.02+all[n].d*1e-5 {
					t.Fatalf("page %d, place %d: %s at %.3f m, want %s at %.3f m", page, n, f.ID, d, all[n].id, all[n].d)
				}
				n++
			}
			req.After = a.Next
		}
		if n != 21 {
			t.Fatalf("%d neighbours in three pages of seven", n)
		}
	}
}

func TestWithinEqualsBruteForce(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 2000)
	src.write("buildings", feats)
	e := start(t, src, Options{})
	for range 40 {
		w, s := round7(72.85+r.NormFloat64()*0.01), round7(19.05+r.NormFloat64()*0.01)
		b := geo.Box{W: w, S: s, E: round7(w + r.Float64()*0.01), N: round7(s + r.Float64()*0.01)}
		poly := geo.NewPolygon([]float64{b.W, b.S, b.E, b.S, b.E, b.N, b.W, b.N, b.W, b.S})
		want := map[string]bool{}
		for i := range feats {
			if meetsBox(&feats[i].Geometry, b) {
				want[feats[i].ID] = true
			}
		}
		for _, req := range []WithinRequest{{Box: &b}, {Polygon: &poly}} {
			req.Collection, req.View, req.Limit = "buildings", catalog.Public, 37
			got := map[string]bool{}
			for {
				a, err := e.Within(context.Background(), req)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range features(t, a) {
					if got[f.ID] {
						t.Fatalf("%s twice", f.ID)
					}
					got[f.ID] = true
					if _, leaked := f.Properties["owner"]; leaked {
						t.Fatal("a restricted field is shown")
					}
				}
				if req.After = a.Next; a.Next == "" {
					break
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%d features, want %d", len(got), len(want))
			}
			for id := range want {
				if !got[id] {
					t.Fatalf("%s is missing", id)
				}
			}
		}
	}
}

// meetsBox is the slow way: a position in the box, a corner in the polygon, or
// an edge that crosses a side.
func meetsBox(g *geo.Geometry, b geo.Box) bool {
	for i := 0; i < len(g.Coords); i += 2 {
		if b.Contains(g.Coords[i], g.Coords[i+1]) {
			return true
		}
	}
	corners := [][2]float64{{b.W, b.S}, {b.E, b.S}, {b.E, b.N}, {b.W, b.N}}
	for _, c := range corners {
		if g.ContainsPosition(c[0], c[1]) {
			return true
		}
	}
	cross := func(ax, ay, bx, by, cx, cy float64) float64 { return (bx-ax)*(cy-ay) - (cx-ax)*(by-ay) }
	for i := range g.Ends {
		l := g.Line(i)
		for j := 0; j+3 < len(l); j += 2 {
			for k := range corners {
				c, d := corners[k], corners[(k+1)%4]
				if cross(l[j], l[j+1], l[j+2], l[j+3], c[0], c[1])*cross(l[j], l[j+1], l[j+2], l[j+3], d[0], d[1]) <= 0 &&
					cross(c[0], c[1], d[0], d[1], l[j], l[j+1])*cross(c[0], c[1], d[0], d[1], l[j+2], l[j+3]) <= 0 {
					return true
				}
			}
		}
	}
	return false
}

func TestAnswersGiveCoordinatesBack(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 300)
	src.write("buildings", feats)
	e := start(t, src, Options{})
	b := geo.Box{W: 72, S: 18, E: 74, N: 20}
	a, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &b, View: catalog.Public, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]*catalog.Feature{}
	for i := range feats {
		byID[feats[i].ID] = &feats[i]
	}
	for _, f := range features(t, a) {
		var g struct {
			Type        string
			Coordinates [][][2]float64
		}
		if err := json.Unmarshal(f.Geometry, &g); err != nil {
			t.Fatal(err)
		}
		var flat []float64
		for _, ring := range g.Coordinates {
			for _, p := range ring {
				flat = append(flat, p[0], p[1])
			}
		}
		want := byID[f.ID].Geometry
		if len(flat) != len(want.Coords) {
			t.Fatalf("%s: %d numbers, want %d", f.ID, len(flat), len(want.Coords))
		}
		for i := range flat {
			// A hole of the tests runs clockwise or not; compare outer rings exactly.
			if i < int(want.Ends[0])*2 && flat[i] != want.Coords[i] {
				t.Fatalf("%s: number %d is %v, want %v", f.ID, i, flat[i], want.Coords[i])
			}
		}
	}
	if a.Count != len(feats) {
		t.Fatalf("%d features, want %d", a.Count, len(feats))
	}
}
