package layers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sort"
	"strconv"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
)

// random returns a generator with a logged seed; SEED repeats a run.
func random(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func buildingsCollection() catalog.Collection {
	return catalog.Collection{Name: "buildings", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{
		{Name: "uid", Type: catalog.TypeText}, {Name: "height_m", Type: catalog.TypeReal}, {Name: "floors", Type: catalog.TypeInteger},
		{Name: "use", Type: catalog.TypeText}, {Name: "owner", Type: catalog.TypeText, Class: catalog.ClassRestricted},
		{Name: "built", Type: catalog.TypeDate}, {Name: "ok", Type: catalog.TypeBoolean},
	}}
}

func round7(v float64) float64 { return math.Round(v*1e7) / 1e7 }

// footprint is a rotated rectangle or L, some with a hole, around a position.
func footprint(r *rand.Rand, lon, lat, size float64) geo.Geometry {
	a := r.Float64() * math.Pi
	s, c := math.Sincos(a)
	at := func(x, y float64) (float64, float64) {
		x, y = x*size, y*size
		return round7(lon + (x*c-y*s)/105000), round7(lat + (x*s+y*c)/110600)
	}
	ring := func(p ...float64) []float64 {
		var out []float64
		for i := 0; i < len(p); i += 2 {
			x, y := at(p[i], p[i+1])
			out = append(out, x, y)
		}
		return append(out, out[0], out[1])
	}
	w, h := 0.5+r.Float64(), 0.5+r.Float64()
	switch r.IntN(4) {
	case 0:
		return geo.NewPolygon(ring(-w, -h, w, -h, w, 0, 0, 0, 0, h, -w, h))
	case 1:
		return geo.NewPolygon(ring(-w, -h, w, -h, w, h, -w, h), ring(-w/2, -h/2, -w/2, h/2, w/2, h/2, w/2, -h/2))
	}
	return geo.NewPolygon(ring(-w, -h, w, -h, w, h, -w, h))
}

var uses = []string{"residential", "office", "retail", "school"}

func building(r *rand.Rand, i int) catalog.Feature {
	lon, lat := 72.85+r.NormFloat64()*0.01, 19.05+r.NormFloat64()*0.01
	f := catalog.Feature{ID: fmt.Sprintf("b%06d", i), Geometry: footprint(r, lon, lat, 4+r.Float64()*20), Props: catalog.Properties{
		{Name: "uid", Value: catalog.Text(fmt.Sprintf("U%08X", r.Uint32()))},
		{Name: "height_m", Value: catalog.Real(math.Round(r.Float64()*600) / 10)},
		{Name: "floors", Value: catalog.Integer(int64(r.IntN(40)) - 3)},
		{Name: "use", Value: catalog.Text(uses[r.IntN(len(uses))])},
		{Name: "owner", Value: catalog.Text("secret person")},
	}}
	if r.IntN(3) == 0 {
		f.Props = append(f.Props, catalog.Property{Name: "built", Value: catalog.Date(time.Date(1990+r.IntN(30), 3, 4, 0, 0, 0, 0, time.UTC))},
			catalog.Property{Name: "ok", Value: catalog.Boolean(r.IntN(2) == 0)})
	}
	return f
}

func city(r *rand.Rand, n int) []catalog.Feature {
	out := make([]catalog.Feature, n)
	for i := range out {
		out[i] = building(r, i)
	}
	return out
}

// start runs an engine over src until the test ends.
func start(t testing.TB, src Source, o Options) *Engine {
	t.Helper()
	e := New(src, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	select {
	case <-e.Loaded():
	case err := <-done:
		done <- err
		t.Fatalf("Run ended with %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("not loaded after 20 s")
	}
	return e
}

func waitRev(t testing.TB, e *Engine, rev catalog.Rev) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.WaitRev(ctx, rev); err != nil {
		t.Fatalf("revision %d: %v (at %d)", rev, err, e.Rev())
	}
}

func getTile(t testing.TB, e *Engine, at geo.Tile, all bool) (*Tile, *mvt.Tile) {
	t.Helper()
	tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public, All: all})
	if err != nil {
		t.Fatalf("tile %s: %v", at, err)
	}
	m, err := mvt.Decode(tl.Data)
	if err != nil {
		t.Fatalf("tile %s: %v", at, err)
	}
	return tl, m
}

// tileArea checks every ring of a layer and returns the sum of polygon areas in
// tile units².
func tileArea(t testing.TB, l *mvt.Layer) float64 {
	t.Helper()
	sum := 0.0
	if l == nil {
		return 0
	}
	for i := range l.Features {
		f := &l.Features[i]
		coords, ends, err := f.Lines()
		if err != nil {
			t.Fatalf("feature %d: %v", f.ID, err)
		}
		if f.Type != mvt.Polygon {
			continue
		}
		var from int32
		for k, e := range ends {
			ring := coords[from*2 : e*2]
			a := geo.RingArea2(ring)
			if a == 0 || k == 0 && a < 0 {
				t.Fatalf("feature %d: ring %d has area %d", f.ID, k, a)
			}
			for j := 0; j+3 < len(ring); j += 2 {
				if ring[j] == ring[j+2] && ring[j+1] == ring[j+3] {
					t.Fatalf("feature %d: ring %d repeats a position", f.ID, k)
				}
			}
			sum += float64(a) / 2
			from = e
		}
	}
	return sum
}

func TestTilesShowWhatIsThere(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 3000)
	src.write("buildings", feats)
	e := start(t, src, Options{})
	byKey := map[uint64]*catalog.Feature{}
	for i := range feats {
		byKey[uint64(catalog.KeyOf("buildings", feats[i].ID))] = &feats[i]
	}
	for z := uint32(0); z <= 22; z++ {
		at := geo.TileAt(72.85, 19.05, z)
		tl, m := getTile(t, e, at, true)
		l := m.Layer("buildings")
		if l == nil {
			if z < 16 {
				t.Fatalf("z%d: empty", z)
			}
			continue
		}
		tileArea(t, l)
		if tl.Features != len(l.Features) {
			t.Errorf("z%d: says %d features, has %d", z, tl.Features, len(l.Features))
		}
		box := at.GridBox(buffer)
		want := 0
		for i := range feats {
			if geo.ProjectBox(feats[i].Geometry.Box()).Intersects(box) {
				want++
			}
		}
		if z <= 12 && len(l.Features) != want {
			t.Errorf("z%d: %d features, want %d", z, len(l.Features), want)
		}
		for i := range l.Features {
			f := byKey[l.Features[i].ID]
			if f == nil {
				t.Fatalf("z%d: unknown id %d", z, l.Features[i].ID)
			}
			got := l.Props(&l.Features[i])
			want := map[string]any{}
			for _, p := range f.Props {
				switch p.Value.Type() {
				case catalog.TypeText:
					want[p.Name] = p.Value.Str()
				case catalog.TypeReal:
					want[p.Name] = p.Value.Float()
				case catalog.TypeInteger:
					want[p.Name] = p.Value.Int()
				case catalog.TypeBoolean:
					want[p.Name] = p.Value.Bool()
				default:
					want[p.Name] = p.Value.AsTime().Format(time.DateOnly)
				}
			}
			delete(want, "owner")
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("z%d %s: attributes %v, want %v", z, f.ID, got, want)
			}
		}
	}
}

func TestShuffledLoadAndEditsGiveTheSameBytes(t *testing.T) {
	r := random(t)
	feats := city(r, 4000)
	fresh := newMemSource()
	fresh.define(buildingsCollection())
	fresh.write("buildings", feats)
	a := start(t, fresh, Options{})

	edited := newMemSource()
	edited.define(buildingsCollection())
	b := start(t, edited, Options{})
	order := r.Perm(len(feats))
	var rev catalog.Rev
	for len(order) > 0 {
		n := min(1+r.IntN(200), len(order))
		var batch []catalog.Feature
		for _, i := range order[:n] {
			if r.IntN(4) == 0 { // first something else
				x := building(r, i)
				edited.write("buildings", []catalog.Feature{x})
			}
			batch = append(batch, feats[i])
		}
		if r.IntN(3) == 0 {
			x := building(r, 1_000_000+r.IntN(50))
			edited.write("buildings", []catalog.Feature{x})
		}
		order = order[n:]
		rev = edited.write("buildings", batch)
	}
	for i := range 50 {
		rev = edited.write("buildings", nil, fmt.Sprintf("b%06d", 1_000_000+i))
	}
	waitRev(t, b, rev)
	for range 60 {
		z := uint32(9 + r.IntN(9))
		at := geo.TileAt(72.85+r.NormFloat64()*0.01, 19.05+r.NormFloat64()*0.01, z)
		for _, all := range []bool{false, true} {
			x, _ := getTile(t, a, at, all)
			y, _ := getTile(t, b, at, all)
			if !bytes.Equal(x.Data, y.Data) || x.ETag != y.ETag {
				t.Fatalf("tile %s all=%v differs: %d and %d bytes, %d and %d features", at, all, len(x.Data), len(y.Data), x.Features, y.Features)
			}
		}
	}
	if i, _ := b.Collection("buildings"); i.Count != len(feats) {
		t.Errorf("%d features, want %d", i.Count, len(feats))
	}
	t.Logf("%+v", b.Stats())
}

func TestFourChildrenHaveTheParentsArea(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 500)
	for i := range feats { // large ones, cut by many tiles
		p := feats[i].Geometry.Coords
		feats[i].Geometry = footprint(r, p[0], p[1], 200+r.Float64()*2000)
	}
	src.write("buildings", feats)
	e := start(t, src, Options{})
	inside := func(at geo.Tile) float64 {
		_, m := getTile(t, e, at, true)
		l := m.Layer("buildings")
		if l == nil {
			return 0
		}
		sum := 0.0
		var c geo.Clipper
		for i := range l.Features {
			coords, ends, err := l.Features[i].Lines()
			if err != nil {
				t.Fatal(err)
			}
			coords, ends = c.Polygon(coords, ends, geo.GridBox{MinX: 0, MinY: 0, MaxX: 4096, MaxY: 4096})
			var from int32
			for _, end := range ends {
				sum += float64(geo.RingArea2(coords[from*2:end*2])) / 2
				from = end
			}
		}
		return sum
	}
	for range 40 {
		at := geo.TileAt(72.85+r.NormFloat64()*0.01, 19.05+r.NormFloat64()*0.01, uint32(12+r.IntN(5)))
		parent := inside(at)
		sum := 0.0
		for _, c := range at.Children() {
			sum += inside(c)
		}
		// Each edge of a parent's ring may be off by half a unit along its length.
		if d := math.Abs(sum/4 - parent); d > 2000+parent*0.002 {
			t.Errorf("%s: children %.0f, parent %.0f", at, sum/4, parent)
		}
	}
}

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
