package layers

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// TestTenThousandEditsLeaveAFreshCity: after 10,000 random edits, tile by tile
// over the whole pyramid, what an engine that followed them draws is what is drawn
// from a store that was loaded with the outcome.
func TestTenThousandEditsLeaveAFreshCity(t *testing.T) {
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	src.define(c)
	now := map[string]catalog.Feature{}
	var first []catalog.Feature
	for i := range 3000 {
		f := mixed(r, i)
		first, now[f.ID] = append(first, f), f
	}
	src.write("buildings", first)
	e := start(t, src, Options{})
	var rev catalog.Rev
	for done := 0; done < 10_000; {
		n := 1 + r.IntN(60)
		done += n
		batch := map[string]catalog.Feature{}
		gone := map[string]bool{}
		for range n {
			f := mixed(r, r.IntN(4000))
			if r.IntN(3) == 0 {
				gone[f.ID] = true
				delete(batch, f.ID)
				delete(now, f.ID)
				continue
			}
			batch[f.ID], now[f.ID] = f, f
			delete(gone, f.ID)
		}
		rev = src.write("buildings", slices.Collect(maps.Values(batch)), slices.Collect(maps.Keys(gone))...)
	}
	waitRev(t, e, rev)

	drawn := sameAsFresh(t, e, c, now)
	t.Logf("%d features, %d tiles, %+v", len(now), drawn, e.Stats())
	if drawn < 500 {
		t.Errorf("only %d tiles", drawn)
	}
}

// sameAsFresh compares every tile of an engine's buildings with those of a store
// that was loaded with the features, and returns how many there are.
func sameAsFresh(t *testing.T, e *Engine, c catalog.Collection, now map[string]catalog.Feature) (drawn int) {
	t.Helper()
	fresh := newMemSource()
	fresh.clock = e.opts.Clock
	fresh.define(c)
	fresh.write("buildings", slices.Collect(maps.Values(now)))
	still, err := ReadStill(context.Background(), fresh, []string{"buildings"}, StillOptions{Now: e.opts.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	cur := e.state.Load().cols["buildings"]
	if n := still.Collections()[0].Count; n != cur.snap.Len() {
		t.Fatalf("%d features, want %d", cur.snap.Len(), n)
	}
	pen, err := still.NewPen(catalog.Public, "")
	if err != nil {
		t.Fatal(err)
	}
	followed := &Still{cols: []*collection{cur}}
	var compare func(at geo.Tile)
	compare = func(at geo.Tile) {
		if t.Failed() || !still.Near(at) && !followed.Near(at) {
			return
		}
		want, err := pen.Draw(context.Background(), at)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := getTile(t, e, at, false)
		if !bytes.Equal(got.Data, want.Data) || got.Features != want.Features || got.Dropped != want.Dropped {
			t.Errorf("tile %s: %d bytes with %d features, a fresh one %d with %d", at, len(got.Data), got.Features, len(want.Data), want.Features)
		}
		drawn++
		if at.Z < 16 {
			for _, child := range at.Children() {
				compare(child)
			}
		}
	}
	compare(geo.Tile{})
	return drawn
}
