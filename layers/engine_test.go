package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
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
	case <-time.After(waitLong):
		t.Fatal("not loaded")
	}
	return e
}

// waitLong is how long a test waits for what comes soon: much longer than that on
// the busiest machine.
const waitLong = time.Minute

// eventually waits until it is so.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(waitLong); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", waitLong, what)
		}
	}
}

func waitRev(t testing.TB, e *Engine, rev catalog.Rev) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLong)
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
