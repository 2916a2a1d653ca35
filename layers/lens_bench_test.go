package layers

import (
	"context"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// benchViews are what the same tiles and queries are asked as: everybody, who sees
// every row alike; an officer, who sees more on the rows of an area; a clerk, who
// sees that area's rows only; everything.
var benchViews = []struct {
	name string
	view catalog.View
}{
	{"public", catalog.Public},
	{"officer", catalog.NewView("officer", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Fields: []int{0, 1, 2, 3, 5, 6}}, {Rows: "use IN ('office', 'school')", Fields: []int{0, 1, 2, 3, 4, 5, 6}}}
	})},
	{"clerk", catalog.NewView("clerk", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Rows: "use IN ('residential', 'office', 'retail', 'school')", Fields: []int{0, 1, 2, 3, 5, 6}}}
	})},
	{"everything", catalog.Everything},
}

func BenchmarkViewTile(b *testing.B) {
	e := benchEngine()
	for _, z := range []uint32{12, 14, 16} {
		for _, v := range benchViews {
			b.Run("z"+string(rune('0'+z/10))+string(rune('0'+z%10))+"/"+v.name, func(b *testing.B) {
				req := TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.86, 19.05, z), View: v.view}
				if _, err := e.Tile(context.Background(), req); err != nil { // the rows are worked out once
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					req.Tile = geo.TileAt(72.8+float64(i%16)*0.009, 18.98+float64(i%13)*0.011, z)
					if _, err := e.Tile(context.Background(), req); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkViewWithin(b *testing.B) {
	e := benchEngine()
	for _, v := range benchViews {
		b.Run(v.name, func(b *testing.B) {
			req := WithinRequest{Collection: "buildings", Box: &geo.Box{W: 72.85, S: 19.05, E: 72.856, N: 19.056}, View: v.view, Limit: 1000}
			for i := range b.N {
				if i == 1 {
					b.ResetTimer()
					b.ReportAllocs()
				}
				if _, err := e.Within(context.Background(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkViewRows(b *testing.B) {
	e := benchEngine()
	seg := e.state.Load().cols["buildings"].snap.Segment(0)
	l := newLens(&e.state.Load().cols["buildings"].info, benchViews[1].view)
	b.ResetTimer()
	for range b.N {
		newRows(seg, l.sight.Rule(l.rules[0]))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchCity, "ns/feature")
}
