package layers

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// benchViews are what the same tiles and queries are asked as, against everybody's
// view, which sees every row alike: an officer, who sees a field more on the rows
// of an area; a clerk, who sees only rows that a rule has, here all of them, so that
// the answer is the same to the byte; everything.
var benchViews = []struct {
	name string
	view catalog.View
}{
	{"officer", catalog.NewView("officer", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Fields: []int{0, 1, 2, 3, 5, 6}}, {Rows: "use IN ('office', 'school')", Fields: []int{0, 1, 2, 3, 4, 5, 6}}}
	})},
	{"clerk", catalog.NewView("clerk", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Rows: "use IN ('residential', 'office', 'retail', 'school')", Fields: []int{0, 1, 2, 3, 5, 6}}}
	})},
	{"everything", catalog.Everything},
}

// BenchmarkViewCost asks in turn as everybody and by another view; the metric is
// the median of the ratios of each pair, so that a busy machine does not tell.
func BenchmarkViewCost(b *testing.B) {
	e := benchEngine()
	asks := map[string]func(v catalog.View, i int) error{
		"within": func(v catalog.View, i int) error {
			w, s := 72.8+float64(i%16)*0.009, 18.98+float64(i%13)*0.011
			_, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &geo.Box{W: w, S: s, E: w + 0.006, N: s + 0.006}, View: v, Limit: 1000})
			return err
		},
		"near": func(v catalog.View, i int) error {
			_, err := e.Near(context.Background(), NearRequest{Collection: "buildings", Lon: 72.8 + float64(i%16)*0.009, Lat: 18.98 + float64(i%13)*0.011, View: v, Limit: 100})
			return err
		},
	}
	for _, z := range []uint32{11, 12, 14, 16} {
		asks[fmt.Sprintf("z%d", z)] = func(v catalog.View, i int) error {
			at := geo.TileAt(72.8+float64(i%16)*0.009, 18.98+float64(i%13)*0.011, z)
			_, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: at, View: v})
			return err
		}
	}
	for _, what := range []string{"z11", "z12", "z14", "z16", "within", "near"} {
		for _, v := range benchViews {
			b.Run(what+"/"+v.name, func(b *testing.B) {
				took := func(view catalog.View, i int) float64 {
					begin := time.Now()
					if err := asks[what](view, i); err != nil {
						b.Fatal(err)
					}
					return float64(time.Since(begin))
				}
				took(catalog.Public, 0) // sums and rows are worked out once
				took(v.view, 0)
				ratios := make([]float64, 0, b.N)
				b.ResetTimer()
				for i := range b.N { // who asks second finds the processor's caches warm: each does once
					public, other := took(catalog.Public, 2*i), took(v.view, 2*i)
					otherFirst := took(v.view, 2*i+1)
					ratios = append(ratios, math.Sqrt(other/public*otherFirst/took(catalog.Public, 2*i+1)))
				}
				slices.Sort(ratios)
				b.ReportMetric(ratios[len(ratios)/2], "×public")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkViewRows works out what a rule has of a million features.
func BenchmarkViewRows(b *testing.B) {
	e := benchEngine()
	c := e.state.Load().cols["buildings"]
	for _, rule := range []string{"use IN ('office', 'school')", "use = 'office' AND floors > 5", "S_INTERSECTS(geom, POLYGON((72.8 19, 72.84 19, 72.83 19.05, 72.8 19)))"} {
		l := newLens(&c.info, catalog.NewView("rows", func(*catalog.Collection) []catalog.Tier { return []catalog.Tier{{Rows: rule}} }))
		b.Run(rule[:14], func(b *testing.B) {
			for range b.N {
				newRows(c.snap.Segment(0), l.sight.Rule(0))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchCity, "ns/feature")
		})
	}
}
