package layers

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
	"nagar/layers/index"
)

// TestARendererAtRestKeepsNoSegment: what a merge replaced must not stay in memory
// because a tile was drawn from it once; nor what one huge tile needed.
func TestARendererAtRestKeepsNoSegment(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	c := buildingsCollection()
	gone := make(chan struct{})
	var p renderers
	d := p.get(1)
	func() {
		b := index.NewBuilder(&c)
		for i := range 2000 {
			f := building(r, i)
			b.Add(&f)
		}
		seg := b.Build()
		runtime.SetFinalizer(seg, func(*index.Segment) { close(gone) })
		in := &collection{info: c, snap: index.NewSnapshot(seg), rev: 1}
		for _, all := range []bool{false, true} {
			req := &TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, 13), View: catalog.Public, All: all}
			job, err := newLayerJob(in, req)
			if err != nil {
				t.Fatal(err)
			}
			job.lens.on(in, nil)
			if _, err := d.fit(context.Background(), req, []layerJob{job}, tileBudget); err != nil {
				t.Fatal(err)
			}
			if d.features == 0 {
				t.Fatal("nothing drawn")
			}
		}
	}()
	p.put(d, 1)
	eventually(t, "the segment to be freed", func() bool {
		runtime.GC()
		select {
		case <-gone:
			return true
		default:
			return false
		}
	})
	runtime.KeepAlive(d)

	var q renderers
	d.arena = make([]mvt.Tag, keepSmall/8+1)
	q.put(d, 1)
	if q.get(1) == d {
		t.Error("a renderer beyond the limit was kept")
	}
}
