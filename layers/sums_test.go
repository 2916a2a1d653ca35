package layers

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// mixed is a city of mostly small footprints with everything else in between.
func mixed(r *rand.Rand, i int) catalog.Feature {
	f := building(r, i)
	lon, lat := f.Geometry.Coords[0], f.Geometry.Coords[1]
	far := func() (float64, float64) { return lon + r.NormFloat64()*0.01, lat + r.NormFloat64()*0.01 }
	switch r.IntN(40) {
	case 0:
		f.Geometry = footprint(r, lon, lat, 200+r.Float64()*3000)
	case 1:
		f.Geometry = geo.NewPoint(round7(lon), round7(lat))
	case 2:
		x, y := far()
		f.Geometry = geo.NewLineString([]float64{lon, lat, round7(x), round7(y)})
	case 3, 4: // parts near and far, some of them large
		g := geo.Geometry{Type: geo.MultiPolygon}
		for range 1 + r.IntN(4) {
			x, y := far()
			p := footprint(r, x, y, 3+r.ExpFloat64()*60)
			n := int32(len(g.Coords) / 2)
			g.Coords = append(g.Coords, p.Coords...)
			for _, e := range p.Ends {
				g.Ends = append(g.Ends, n+e)
			}
			g.Polys = append(g.Polys, int32(len(g.Ends)))
		}
		f.Geometry = g
	case 5:
		x, y := far()
		f.Geometry = geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{footprint(r, lon, lat, 9), geo.NewPoint(round7(x), round7(y)), footprint(r, x, y, 5)}}
	case 6: // outside the city: alone
		f.Geometry = footprint(r, lon+r.NormFloat64(), lat+r.NormFloat64(), 9)
	}
	return f
}

// TestSumsDrawWhatAWalkDraws compares tiles drawn from sums with those that a
// filter which everything passes makes the engine walk for, through edits.
func TestSumsDrawWhatAWalkDraws(t *testing.T) {
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	src.define(c)
	feats := make([]catalog.Feature, 2*sumFrom)
	for i := range feats {
		feats[i] = mixed(r, i)
	}
	src.write("buildings", feats)
	e := start(t, src, Options{TileBytes: 40_000}) // small: coarser rounds too
	summed := 0
	compare := func(at geo.Tile) {
		q := TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public}
		got, err := e.Tile(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		q.Filter = "height_m >= -1000000 OR height_m IS NULL"
		want, err := e.Tile(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Data, want.Data) || got.Features != want.Features || got.Dropped != want.Dropped {
			t.Fatalf("%s: %d bytes, %d features, %d dropped; by walking %d, %d, %d", at,
				len(got.Data), got.Features, got.Dropped, len(want.Data), want.Features, want.Dropped)
		}
		job := &layerJob{c: e.state.Load().cols["buildings"]}
		if q := (TileRequest{Tile: at}); job.summed(&q) {
			summed++
		}
	}
	for round := range 8 {
		for z := uint32(0); z <= 13; z++ {
			compare(geo.TileAt(72.85+r.NormFloat64()*0.004, 19.05+r.NormFloat64()*0.004, z))
			compare(geo.TileAt(72.85+r.NormFloat64()*0.5, 19.05+r.NormFloat64()*0.5, z))
		}
		var puts []catalog.Feature
		var gone []string
		for range []int{1, 7, 100, 3000}[round%4] {
			if i := r.IntN(len(feats)); r.IntN(3) == 0 {
				gone = append(gone, feats[i].ID)
			} else {
				puts = append(puts, mixed(r, i))
			}
		}
		puts = append(puts, mixed(r, len(feats)+round))
		src.write("buildings", nil, gone...)
		waitRev(t, e, src.write("buildings", onePerID(puts)))
	}
	if summed == 0 {
		t.Error("no tile was drawn from sums")
	}
	t.Logf("%d tiles from sums, %+v", summed, e.Stats())
}

func onePerID(fs []catalog.Feature) []catalog.Feature {
	seen := map[string]bool{}
	var out []catalog.Feature
	for _, f := range fs {
		if !seen[f.ID] {
			seen[f.ID] = true
			out = append(out, f)
		}
	}
	return out
}

// BenchmarkTileAfterEdit draws a tile of the whole city after each edit, as a
// viewer that looks at it from afar makes the server do.
func BenchmarkTileAfterEdit(b *testing.B) {
	for _, z := range []uint32{8, 10, 11, 12} {
		b.Run(fmt.Sprintf("z%d", z), func(b *testing.B) {
			e := benchEngine()
			st := e.state.Load()
			defer e.state.Store(st)
			r := rand.New(rand.NewPCG(7, 7))
			q := TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, z), View: catalog.Public, Encoding: Gzip}
			b.ReportAllocs()
			size := 0
			for i := range b.N + 1 {
				if i == 1 {
					b.ResetTimer() // the first made the sums
				}
				f := benchBuilding(r, r.IntN(benchCity))
				c, _ := e.state.Load().cols["buildings"].edited([]edit{{ID: f.ID, New: &f}}, 2)
				e.state.Store(e.state.Load().with(c))
				t, err := e.Tile(context.Background(), q)
				if err != nil {
					b.Fatal(err)
				}
				size = len(t.Data)
			}
			b.ReportMetric(float64(size), "B/tile")
			b.ReportMetric(float64(e.Stats().IndexBytes)/benchCity, "index-B/feature")
		})
	}
}
