package layers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// The benchmarks' city: a million footprints of five corners or so, six seen
// attributes each, in a square of about 20 km.
const benchCity = 1_000_000

func benchBuilding(r *rand.Rand, i int) catalog.Feature {
	f := building(r, i)
	lon, lat := 72.77+r.Float64()*0.2, 18.95+r.Float64()*0.2
	f.Geometry = footprint(r, lon, lat, 4+r.Float64()*8)
	return f
}

var benchEngine = sync.OnceValue(func() *Engine {
	r := rand.New(rand.NewPCG(42, 1))
	c := buildingsCollection()
	b := index.NewBuilder(&c)
	for i := range benchCity {
		f := benchBuilding(r, i)
		b.Add(&f)
	}
	e := New(newMemSource(), Options{CacheBytes: -1})
	st := (&state{rev: 1, cols: map[string]*collection{}}).with(&collection{info: c, snap: index.NewSnapshot(b.Build()), rev: 1})
	e.state.Store(st)
	e.rev.Store(1)
	close(e.loaded)
	return e
})

func BenchmarkBuildIndex(b *testing.B) {
	r := rand.New(rand.NewPCG(42, 1))
	c := buildingsCollection()
	feats := make([]catalog.Feature, benchCity)
	for i := range feats {
		feats[i] = benchBuilding(r, i)
	}
	b.ResetTimer()
	b.ReportAllocs()
	var size int64
	for range b.N {
		x := index.NewBuilder(&c)
		for i := range feats {
			x.Add(&feats[i])
		}
		size = x.Build().Bytes()
	}
	b.ReportMetric(float64(size)/benchCity, "B/feature")
}

func benchTile(b *testing.B, z uint32, all bool, enc Encoding) {
	e := benchEngine()
	b.ResetTimer()
	b.ReportAllocs()
	n := 0
	for i := range b.N {
		at := geo.TileAt(72.8+float64(i%16)*0.009, 18.98+float64(i%13)*0.011, z)
		t, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public, All: all, Encoding: enc})
		if err != nil {
			b.Fatal(err)
		}
		n += t.Features + t.Dropped
	}
	b.ReportMetric(float64(n)/float64(b.N), "features/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(n, 1)), "ns/feature")
}

func BenchmarkTile(b *testing.B) {
	for _, z := range []uint32{10, 12, 13, 14, 16} {
		for _, enc := range []Encoding{Identity, Gzip} {
			b.Run(fmt.Sprintf("z%d/generalised/%s", z, enc), func(b *testing.B) { benchTile(b, z, false, enc) })
			if z >= 12 && z < fullZoom {
				b.Run(fmt.Sprintf("z%d/all/%s", z, enc), func(b *testing.B) { benchTile(b, z, true, enc) })
			}
		}
	}
}

func BenchmarkTileWarm(b *testing.B) {
	e := benchEngine()
	e.cache = newCache(64 << 20)
	defer func() { e.cache = newCache(-1) }()
	r := TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, 15), View: catalog.Public, Encoding: Gzip}
	b.ReportAllocs()
	for range b.N {
		if _, err := e.Tile(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWithin500m(b *testing.B) {
	e := benchEngine()
	b.ReportAllocs()
	n := 0
	for i := 0; b.Loop(); i++ {
		lon, lat := 72.8+float64(i%100)*0.001, 19+float64(i%89)*0.001
		a, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", View: catalog.Public, Limit: MaxLimit,
			Box: &geo.Box{W: lon, S: lat, E: lon + 0.00475, N: lat + 0.0045}})
		if err != nil {
			b.Fatal(err)
		}
		n += a.Count
		a.Release()
	}
	b.ReportMetric(float64(n)/float64(b.N), "features/op")
}

func BenchmarkNearest10(b *testing.B) {
	e := benchEngine()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a, err := e.Near(context.Background(), NearRequest{Collection: "buildings", View: catalog.Public, Limit: 10,
			Lon: 72.8 + float64(i%1000)*0.0001, Lat: 19 + float64(i%899)*0.0001})
		if err != nil {
			b.Fatal(err)
		}
		a.Release()
	}
}

func BenchmarkAtPoint(b *testing.B) {
	e := benchEngine()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a, err := e.AtPoint(context.Background(), AtRequest{View: catalog.Public, Lon: 72.8 + float64(i%1000)*0.0001, Lat: 19 + float64(i%899)*0.0001})
		if err != nil {
			b.Fatal(err)
		}
		a.Release()
	}
}

func BenchmarkEdit(b *testing.B) {
	e := benchEngine()
	st := e.state.Load()
	c := st.cols["buildings"]
	r := rand.New(rand.NewPCG(7, 7))
	snap := c.snap
	b.ReportAllocs()
	for range b.N {
		f := benchBuilding(r, r.IntN(benchCity))
		snap = snap.Apply(&c.info, []index.Edit{{ID: f.ID, New: &f}}, func(geo.GridBox) {})
	}
	b.ReportMetric(float64(snap.Parts()), "segments")
}

// BenchmarkTileFilter is a tile at z14 with all of some 8,000 footprints, with a
// filter that each passes, and with one that few pass: what a filter costs is the
// difference of the first two.
func BenchmarkTileFilter(b *testing.B) {
	e := benchEngine()
	for _, c := range []struct{ name, text string }{
		{"none", ""}, {"all pass", "use <> 'nothing' AND floors > -1"}, {"few pass", "use = 'residential' AND floors > 4"},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, 14), View: catalog.Public, Encoding: Identity, Filter: c.text}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				t, err := e.Tile(b.Context(), r)
				if err != nil {
					b.Fatal(err)
				}
				n = t.Features
			}
			b.ReportMetric(float64(n), "features")
		})
	}
}
