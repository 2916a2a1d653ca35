package layers

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/geo"
	"nagar/geo/geojson"
)

// TestOverAGeoPackage follows the embedded store through loading, edits and
// deletes.
func TestOverAGeoPackage(t *testing.T) {
	ctx := context.Background()
	st, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := random(t)
	if _, err := st.Define(ctx, buildingsCollection()); err != nil {
		t.Fatal(err)
	}
	feats := city(r, 1000)
	put := func(fs ...catalog.Feature) catalog.Rev {
		var ops []catalog.Op
		for _, f := range fs {
			ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: f})
		}
		res, err := st.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)})
		if err != nil {
			t.Fatal(err)
		}
		return res.Rev
	}
	put(feats[:500]...)
	t.Run("follow", func(t *testing.T) {
		e := start(t, st, Options{})
		rev := put(feats[500:]...)
		waitRev(t, e, rev)
		if i, _ := e.Collection("buildings"); i.Count != 1000 {
			t.Fatalf("%d features", i.Count)
		}
		sub := e.Subscribe()
		defer sub.Close()
		moved := feats[7]
		moved.Geometry = footprint(r, 72.9, 19.1, 30)
		rev = put(moved)
		d := takeUntil(t, e, sub, rev)
		old, now := geo.TileAt(feats[7].Geometry.Coords[0], feats[7].Geometry.Coords[1], 16), geo.TileAt(72.9, 19.1, 16)
		if len(d) != 1 || !d[0].names(old) || !d[0].names(now) {
			t.Errorf("%+v names not both %s and %s", d, old, now)
		}
		res, err := st.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Delete, Collection: "buildings", Feature: catalog.Feature{ID: feats[8].ID}})})
		if err != nil {
			t.Fatal(err)
		}
		waitRev(t, e, res.Rev)
		if _, _, ok := e.Feature("buildings", feats[8].ID); ok {
			t.Error("deleted, but still there")
		}
		// The past on the recorded clock has it.
		at := geo.TileAt(feats[8].Geometry.Coords[0], feats[8].Geometry.Coords[1], 17)
		past, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public, At: catalog.At{Known: rev}})
		if err != nil {
			t.Fatal(err)
		}
		here, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public})
		if err != nil {
			t.Fatal(err)
		}
		if past.Features != here.Features+1 {
			t.Errorf("%d features then, %d now", past.Features, here.Features)
		}
		// A second engine that loads now draws the same.
		f := start(t, st, Options{})
		for z := uint32(8); z < 18; z++ {
			at := geo.TileAt(72.85, 19.05, z)
			a, _ := getTile(t, e, at, false)
			b, _ := getTile(t, f, at, false)
			if a.ETag != b.ETag {
				t.Errorf("%s: the engine that followed and the one that loaded differ", at)
			}
		}
	})
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above")
		}
		dir = up
	}
}

// realFile is a file of the real data; the test is skipped where it is absent, and fails in CI.
func realFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(moduleRoot(t), "../shared/data/mumbai", name))
	if err != nil {
		skip(t, "the real data is absent: "+err.Error())
	}
	return b
}

// TestRealDataIsDrawn draws real polygons, faults included, at every zoom: what
// comes out is well-formed, and what should be there is.
func TestRealDataIsDrawn(t *testing.T) {
	for _, name := range []string{"wards.geojson", "prabhags_2017.geojson", "slum_clusters.geojson", "bkc_buildings_heights.geojson", "parks.geojson"} {
		t.Run(name, func(t *testing.T) {
			var file struct {
				Features []struct{ Geometry json.RawMessage }
			}
			if err := json.Unmarshal(realFile(t, name), &file); err != nil {
				t.Fatal(err)
			}
			src := newMemSource()
			src.define(catalog.Collection{Name: "buildings", Geometry: catalog.GeometryAny})
			var feats []catalog.Feature
			box := geo.EmptyBox()
			for i, f := range file.Features {
				g, _, err := geojson.DecodeGeometry(f.Geometry)
				if err != nil {
					continue
				}
				box = box.Union(g.Box())
				feats = append(feats, catalog.Feature{ID: strconv.Itoa(i), Geometry: g})
			}
			src.write("buildings", feats)
			e := start(t, src, Options{})
			seen := map[uint64]bool{}
			for z := uint32(0); z <= 15; z++ {
				n := 0
				geo.TilesOf(geo.ProjectBox(box), z, 0).Each(func(at geo.Tile) bool {
					for _, all := range []bool{false, true} {
						tl, m := getTile(t, e, at, all)
						if l := m.Layer("buildings"); l != nil {
							for i := range l.Features {
								if coords, ends, err := l.Features[i].Lines(); err != nil || len(ends) == 0 || len(coords) == 0 {
									t.Fatalf("%s: feature %d: %v", at, l.Features[i].ID, err)
								}
								if all && z == 12 {
									seen[l.Features[i].ID] = true
								}
							}
						}
						if !all && z < 14 {
							if k := len(new(gzipper).pack(tl.Data)); k > 500_000 {
								t.Errorf("%s: %d bytes", at, k)
							}
						}
					}
					n++
					return n < 200
				})
			}
			if len(seen) != len(feats) {
				t.Errorf("%d of %d features are in the full tiles of z12", len(seen), len(feats))
			}
		})
	}
}
