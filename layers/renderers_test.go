package layers

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

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

// TestRenderersGoWhenNobodyNeedsThem: after a busy minute a server has as many
// renderers as it uses at a time, and at rest none.
func TestRenderersGoWhenNobodyNeedsThem(t *testing.T) {
	for _, features := range []int{1, bigJob} {
		p := renderers{wait: time.Hour}
		use := func(n int) {
			var ds []*renderer
			for range n {
				d := p.get(features)
				d.w.Expect(1000)
				ds = append(ds, d)
			}
			for _, d := range ds {
				p.put(d, features)
			}
		}
		idle := func(when string, want int) {
			t.Helper()
			if n := len(p.idle[0]) + len(p.idle[1]); n != want {
				t.Fatalf("%s: %d renderers are kept, want %d", when, n, want)
			}
			if want == 0 && p.held != 0 {
				t.Fatalf("%s: %d bytes are said to be kept", when, p.held)
			}
		}
		use(8)
		idle("after eight at a time", 8)
		p.drop()
		use(2)
		p.drop()
		idle("after two at a time", 2)
		p.drop()
		idle("at rest", 0)
		if p.look != nil {
			t.Error("a look is due though nothing is kept")
		}
		for range 2 * keepAll / keepSmall {
			d := new(renderer)
			d.w.Expect(keepSmall / 100)
			p.put(d, features)
		}
		if p.held > keepAll {
			t.Errorf("%d bytes are kept, more than %d", p.held, keepAll)
		}
	}
}
