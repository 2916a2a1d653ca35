package layers

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
)

// scanning is a store that cannot tell differences: the past is scanned.
type scanning struct{ Source }

// TestThePastOfTheDifferences: what is made of the present and the store's word on
// the differences is what a scan of the past gives, for every caller, while the
// collection is edited, planned ahead, corrected and erased.
func TestThePastOfTheDifferences(t *testing.T) {
	t.Run("gpkg", func(t *testing.T) {
		st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		testPast(t, st)
	})
	t.Run("postgis", func(t *testing.T) {
		st, err := postgis.Open(t.Context(), pgtest.Start(t))
		if err != nil {
			t.Fatal(err)
		}
		testPast(t, st)
	})
}

func testPast(t *testing.T, st catalog.Store) {
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	r := random(t)
	if _, err := st.Define(ctx, buildingsCollection()); err != nil {
		t.Fatal(err)
	}
	year := func(n int) time.Time { return time.Date(2000+n, 1, 1, 0, 0, 0, 0, time.UTC) }
	apply := func(ops ...catalog.Op) catalog.Rev {
		t.Helper()
		res, err := st.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)})
		if err != nil {
			t.Fatal(err)
		}
		return res.Rev
	}
	feats := city(r, 3*pastFew)
	var ops []catalog.Op
	for i := range feats {
		if i%3 == 0 {
			feats[i].ValidFrom = year(r.IntN(15))
		}
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: feats[i]})
	}
	apply(ops...)
	e, slow := start(t, st, Options{}), start(t, scanning{st}, Options{})
	moments := []catalog.At{{AsOf: year(5)}, {AsOf: year(16)}, {AsOf: year(60)}}
	for step := range 3 {
		rev := catalog.Rev(0)
		for _, i := range r.Perm(len(feats))[:40] {
			f := building(r, i)
			op := catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: f}
			switch r.IntN(5) {
			case 0:
				op.Feature.ValidFrom = time.Now().Add(time.Hour) // planned
			case 1:
				op = catalog.Op{Kind: catalog.Delete, Collection: "buildings", Feature: catalog.Feature{ID: f.ID}}
			case 2:
				op.Feature.ValidTo = time.Now().Add(time.Hour)
			case 3:
				op = catalog.Op{Kind: catalog.Erase, Collection: "buildings", Feature: catalog.Feature{ID: f.ID}, Fields: []string{"use"}}
			}
			if res, err := st.Apply(ctx, catalog.Batch{Ops: catalog.Ops(op)}); err == nil { // else it is against the rules of the clocks
				rev = max(rev, res.Rev)
			}
		}
		moments = append(moments, catalog.At{Known: rev}, catalog.At{AsOf: time.Now()}, catalog.At{AsOf: year(16), Known: rev})
		waitRev(t, e, rev)
		waitRev(t, slow, rev)
		for i, at := range moments {
			samePast(t, fmt.Sprintf("after step %d, moment %d", step, i), e, slow, at)
		}
	}
	if made := len(e.pasts.all); made == 0 || made > pastMoments {
		t.Errorf("%d moments are kept", made)
	}
}

// samePast compares tiles and answers of two engines at a moment.
func samePast(t *testing.T, what string, a, b *Engine, at catalog.At) {
	t.Helper()
	ctx := context.Background()
	office := catalog.NewView("office", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Rows: "use = 'residential'", Fields: []int{0, 1, 2, 3}}}
	})
	for _, v := range []catalog.View{catalog.Public, office} {
		for _, z := range []uint32{8, 12, 14} {
			r := TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, z), View: v, At: at}
			got, err := a.Tile(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			want, err := b.Tile(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Data, want.Data) || got.Features != want.Features {
				t.Errorf("%s: tile %s shows %d features, scanned %d", what, r.Tile, got.Features, want.Features)
			}
		}
		got, err := a.Count(ctx, CountRequest{Collection: "buildings", View: v, At: at, By: "use"})
		if err != nil {
			t.Fatal(err)
		}
		want, err := b.Count(ctx, CountRequest{Collection: "buildings", View: v, At: at, By: "use"})
		if err != nil {
			t.Fatal(err)
		}
		if got.Count != want.Count || fmt.Sprint(got.Groups) != fmt.Sprint(want.Groups) {
			t.Errorf("%s: counted %v, scanned %v", what, got, want)
		}
	}
	near := NearRequest{Collection: "buildings", Lon: 72.851, Lat: 19.049, Limit: 50, View: office, At: at}
	m, err := a.Near(ctx, near)
	if err != nil {
		t.Fatal(err)
	}
	n, err := b.Near(ctx, near)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Features, n.Features) {
		t.Errorf("%s: the nearest differ", what)
	}
}
