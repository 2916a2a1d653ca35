package layers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
)

func TestWhatIsHere(t *testing.T) {
	src := newMemSource()
	src.define(catalog.Collection{Name: "wards", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{{Name: "name", Type: catalog.TypeText}}})
	src.define(catalog.Collection{Name: "secrets", Geometry: catalog.GeometryPolygon, Class: catalog.ClassInternal})
	src.define(catalog.Collection{Name: "trees", Geometry: catalog.GeometryPoint})
	src.define(catalog.Collection{Name: "records", Geometry: catalog.GeometryNone})
	sq := func(w, s, e, n float64) []float64 { return []float64{w, s, e, s, e, n, w, n, w, s} }
	ward := func(id string, g geo.Geometry) catalog.Feature {
		return catalog.Feature{ID: id, Geometry: g, Props: catalog.Properties{{Name: "name", Value: catalog.Text("Ward " + id)}}}
	}
	src.write("wards", []catalog.Feature{
		ward("A", geo.NewPolygon(sq(72.80, 19.00, 72.82, 19.02), []float64{72.805, 19.005, 72.805, 19.01, 72.81, 19.01, 72.81, 19.005, 72.805, 19.005})),
		ward("B", geo.NewPolygon([]float64{72.82, 19.00, 72.84, 19.00, 72.84, 19.02, 72.82, 19.02, 72.82, 19.00})),
	})
	src.write("secrets", []catalog.Feature{{ID: "s", Geometry: geo.NewPolygon(sq(72.7, 18.9, 72.9, 19.1))}})
	src.write("trees", []catalog.Feature{{ID: "banyan", Geometry: geo.NewPoint(72.8151234, 19.0151234)}})
	rev := src.write("records", []catalog.Feature{{ID: "r"}})
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	for _, c := range []struct {
		lon, lat float64
		want     string
		view     catalog.View
	}{
		{72.815, 19.015, "A", catalog.Public},
		{72.8075, 19.0075, "", catalog.Public}, // in the hole
		{72.805, 19.0075, "A", catalog.Public}, // on the hole's border
		{72.82, 19.01, "B A", catalog.Public},  // on the shared border
		{72.82, 19.02, "B A", catalog.Public},  // at the shared corner
		{72.80, 19.00, "A", catalog.Public},    // at a corner
		{72.79999, 19.00, "", catalog.Public},  // a metre outside
		{72.8151234, 19.0151234, "banyan A", catalog.Public},
		{72.81512345, 19.0151234, "banyan A", catalog.Public}, // half a centimetre off
		{72.8151244, 19.0151234, "A", catalog.Public},         // ten centimetres off
		{72.815, 19.015, "s A", catalog.Everything},
		{0, 0, "", catalog.Everything},
		{180, 90, "", catalog.Everything},
	} {
		a, err := e.AtPoint(context.Background(), AtRequest{Lon: c.lon, Lat: c.lat, View: c.view})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range features(t, a) {
			got = append(got, f.ID)
			if f.Properties["collection"] == nil {
				t.Errorf("%s has no collection", f.ID)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v %v: %v, want %s", c.lon, c.lat, got, c.want)
		}
	}
	a, err := e.AtPoint(context.Background(), AtRequest{Lon: 72.8151234, Lat: 19.0151234, View: catalog.Public, Collections: []string{"wards", "trees"}})
	if err != nil {
		t.Fatal(err)
	}
	if fs := features(t, a); len(fs) != 2 || fs[0].ID != "A" || fs[0].Properties["name"] != "Ward A" || fs[1].ID != "banyan" {
		t.Errorf("%+v", fs)
	}
}

func TestFiltersReadColumnsAndGrid(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 1200)
	src.write("buildings", feats)
	rev := src.write("buildings", feats[:300]) // several segments
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	prop := func(f *catalog.Feature, name string) catalog.Value { return f.Props.Get(name) }
	for text, want := range map[string]func(f *catalog.Feature) bool{
		"floors >= 20": func(f *catalog.Feature) bool { return prop(f, "floors").Int() >= 20 },
		"use = 'office' AND height_m < 30": func(f *catalog.Feature) bool {
			return prop(f, "use").Str() == "office" && prop(f, "height_m").Float() < 30
		},
		"use IN ('school', 'retail')": func(f *catalog.Feature) bool { u := prop(f, "use").Str(); return u == "school" || u == "retail" },
		"built IS NULL":               func(f *catalog.Feature) bool { return prop(f, "built").IsNull() },
		"S_INTERSECTS(geom, BBOX(72.845, 19.045, 72.855, 19.055))": func(f *catalog.Feature) bool {
			return meetsBox(&f.Geometry, geo.Box{W: 72.845, S: 19.045, E: 72.855, N: 19.055})
		},
	} {
		ids := map[string]bool{}
		for i := range feats {
			if want(&feats[i]) {
				ids[feats[i].ID] = true
			}
		}
		b := geo.Box{W: 72, S: 18, E: 74, N: 20}
		a, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &b, View: catalog.Public, Limit: MaxLimit, Filter: text})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, f := range features(t, a) {
			if !ids[f.ID] {
				t.Errorf("%s: %s should not be there", text, f.ID)
			}
		}
		if a.Count != len(ids) {
			t.Errorf("%s: %d features, want %d", text, a.Count, len(ids))
		}
		tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: geo.Tile{}, View: catalog.Public, All: true, Filter: text})
		if err != nil {
			t.Fatal(err)
		}
		if tl.Features != len(ids) {
			t.Errorf("%s: %d features in the tile, want %d", text, tl.Features, len(ids))
		}
		n, err := e.Near(context.Background(), NearRequest{Collection: "buildings", Lon: 72.85, Lat: 19.05, View: catalog.Public, Limit: MaxLimit, Filter: text})
		if err != nil || n.Count != len(ids) {
			t.Errorf("%s: nearest gives %d (%v), want %d", text, n.Count, err, len(ids))
		}
	}
}

// every is one geometry of each type, holes and nested collections included.
func every() []catalog.Feature {
	sq := func(x, y, d float64) []float64 { return []float64{x, y, x + d, y, x + d, y + d, x, y + d, x, y} }
	hole := func(x, y, d float64) []float64 { return []float64{x, y, x, y + d, x + d, y + d, x + d, y, x, y} }
	gs := []geo.Geometry{
		geo.NewPoint(72.85, 19.05),
		{Type: geo.Point, HasZ: true, Coords: []float64{72.8501, 19.05, 12.5}},
		{Type: geo.MultiPoint, Coords: []float64{72.851, 19.05, 72.852, 19.051}},
		geo.NewLineString([]float64{72.85, 19.051, 72.853, 19.052}),
		{Type: geo.MultiLineString, Coords: []float64{72.85, 19.053, 72.851, 19.053, 72.852, 19.053, 72.853, 19.054}, Ends: []int32{2, 4}},
		geo.NewPolygon(sq(72.855, 19.05, 0.002), hole(72.8555, 19.0505, 0.001)),
		{Type: geo.MultiPolygon, Coords: append(sq(72.86, 19.05, 0.001), sq(72.862, 19.05, 0.001)...), Ends: []int32{5, 10}, Polys: []int32{1, 2}},
		{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(72.865, 19.05), geo.NewPolygon(sq(72.866, 19.05, 0.001))}},
		{Type: geo.Polygon}, {Type: geo.GeometryCollection}, {},
	}
	var out []catalog.Feature
	for i, g := range gs {
		out = append(out, catalog.Feature{ID: fmt.Sprintf("%02d \"<é", i), Geometry: g})
	}
	return out
}

func TestEveryGeometryTypeIsDrawnAndAnswered(t *testing.T) {
	src := newMemSource()
	src.define(catalog.Collection{Name: "buildings", Geometry: catalog.GeometryAny})
	feats := every()
	src.write("buildings", feats)
	e := start(t, src, Options{})
	b := geo.Box{W: 72, S: 18, E: 74, N: 20}
	a, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &b, View: catalog.Public, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range features(t, a) {
		var c bytes.Buffer
		if err := json.Compact(&c, f.Geometry); err != nil {
			t.Fatal(err)
		}
		got[f.ID] = c.String()
	}
	for i, want := range []string{
		`{"type":"Point","coordinates":[72.85,19.05]}`,
		`{"type":"Point","coordinates":[72.8501,19.05]}`,
		`{"type":"MultiPoint","coordinates":[[72.851,19.05],[72.852,19.051]]}`,
		`{"type":"LineString","coordinates":[[72.85,19.051],[72.853,19.052]]}`,
		`{"type":"MultiLineString","coordinates":[[[72.85,19.053],[72.851,19.053]],[[72.852,19.053],[72.853,19.054]]]}`,
		`{"type":"Polygon","coordinates":[[[72.855,19.05],[72.857,19.05],[72.857,19.052],[72.855,19.052],[72.855,19.05]],[[72.8555,19.0505],[72.8555,19.0515],[72.8565,19.0515],[72.8565,19.0505],[72.8555,19.0505]]]}`,
		`{"type":"MultiPolygon","coordinates":[[[[72.86,19.05],[72.861,19.05],[72.861,19.051],[72.86,19.051],[72.86,19.05]]],[[[72.862,19.05],[72.863,19.05],[72.863,19.051],[72.862,19.051],[72.862,19.05]]]]}`,
		`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[72.865,19.05]},{"type":"Polygon","coordinates":[[[72.866,19.05],[72.867,19.05],[72.867,19.051],[72.866,19.051],[72.866,19.05]]]}]}`,
	} {
		if g := got[feats[i].ID]; g != want {
			t.Errorf("%s:\n%s\nwant\n%s", feats[i].ID, g, want)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d features in the window, want the 8 that have a place", len(got))
	}
	if i, _ := e.Collection("buildings"); i.Count != len(feats) {
		t.Errorf("%d features in all, want %d", i.Count, len(feats))
	}
	_, m := getTile(t, e, geo.TileAt(72.858, 19.052, 10), true)
	types := map[mvt.GeomType]int{}
	for i := range m.Layer("buildings").Features {
		types[m.Layer("buildings").Features[i].Type]++
	}
	if types[mvt.Point] != 4 || types[mvt.LineString] != 2 || types[mvt.Polygon] != 3 {
		t.Errorf("%v", types)
	}
	for _, all := range []bool{false, true} {
		for z := uint32(0); z <= 22; z++ {
			_, m := getTile(t, e, geo.TileAt(72.8555, 19.0505, z), all)
			if l := m.Layer("buildings"); l != nil {
				tileArea(t, l)
			}
		}
	}
}

func TestAPolygonThatCoversTheTile(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	src.write("buildings", []catalog.Feature{
		{ID: "world", Geometry: geo.NewPolygon([]float64{-180, -85, 180, -85, 180, 85, -180, 85, -180, -85})},
	})
	e := start(t, src, Options{})
	for z := uint32(0); z <= 22; z++ {
		_, m := getTile(t, e, geo.TileAt(72.85, 19.05, z), true)
		l := m.Layer("buildings")
		if l == nil {
			t.Fatalf("z%d: empty", z)
		}
		a := tileArea(t, l)
		if z > 2 && a != (4096+128)*(4096+128) {
			t.Errorf("z%d: area %v", z, a)
		}
	}
}

// What queries and what tiles derive of a segment must not be taken for each other.
func TestTilesAndQueriesOfOneCollectionInTurn(t *testing.T) {
	at := geo.TileAt(72.85, 19.05, 14)
	for _, queryFirst := range []bool{true, false} {
		src := newMemSource()
		src.define(catalog.Collection{Name: "buildings", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{
			{Name: "uid", Type: catalog.TypeText}, {Name: "use", Type: catalog.TypeText}}})
		town := city(random(t), 4500) // from 4,096 different values on they are kept by feature
		for i := range town {         // of values that repeat, and of values that do not
			town[i].Props = catalog.Properties{{Name: "uid", Value: catalog.Text(fmt.Sprint("no ", i))}, {Name: "use", Value: catalog.Text(fmt.Sprint("use ", i%3))}}
		}
		src.write("buildings", town)
		e := start(t, src, Options{})
		query := func() {
			a, err := e.Near(context.Background(), NearRequest{Collection: "buildings", Lon: 72.85, Lat: 19.05, Limit: 10, View: catalog.Public})
			if err != nil || a.Count == 0 {
				t.Fatalf("%d near, %v", a.Count, err)
			}
		}
		if queryFirst {
			query()
		}
		if _, m := getTile(t, e, at, true); m.Layer("buildings") == nil {
			t.Error("an empty tile")
		}
		query()
	}
}

func TestEncodingsCarryTheSameTile(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	src.write("buildings", city(random(t), 500))
	e := start(t, src, Options{})
	tags := map[string]bool{}
	var raw []byte
	for enc := Identity; enc <= Brotli; enc++ {
		tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, 14), View: catalog.Public, Encoding: enc})
		if err != nil {
			t.Fatal(err)
		}
		if tags[tl.ETag] || !strings.HasPrefix(tl.ETag, `"`) {
			t.Errorf("%v has the tag %s", enc, tl.ETag)
		}
		tags[tl.ETag] = true
		b := expand(t, enc, tl.Data)
		if enc == Identity {
			raw = b
		} else if !bytes.Equal(raw, b) || len(tl.Data) > len(raw)+64 {
			t.Errorf("%v carries another tile (%v), or a much longer one: %d of %d bytes", enc, !bytes.Equal(raw, b), len(tl.Data), len(raw))
		}
	}
	// An empty tile has no bytes in any encoding.
	for enc := Identity; enc <= Brotli; enc++ {
		tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: geo.Tile{Z: 14}, View: catalog.Public, Encoding: enc})
		if err != nil || len(tl.Data) != 0 || tl.ETag == "" {
			t.Errorf("%v: %v, %d bytes", enc, err, len(tl.Data))
		}
	}
}

// FuzzTile draws arbitrary polygons, valid or not: what comes out is well-formed
// at every zoom, and answers are JSON.
func FuzzTile(f *testing.F) {
	f.Add([]byte{0, 0, 255, 0, 255, 255, 0, 255, 60, 60, 60, 120, 120, 120}, byte(4), byte(14), false)
	f.Add([]byte{9, 9, 9, 9, 9, 9}, byte(0), byte(3), true)
	f.Fuzz(func(t *testing.T, b []byte, split, z byte, all bool) {
		if len(b) > 400 {
			return
		}
		g := geo.Geometry{Type: geo.Polygon}
		for i := 0; i+1 < len(b); i += 2 {
			g.Coords = append(g.Coords, 72.85+float64(b[i])*1e-5, 19.05+float64(b[i+1])*1e-5)
		}
		n := int32(len(g.Coords) / 2)
		if n == 0 {
			return
		}
		if s := int32(split) % n; s > 0 {
			g.Ends = append(g.Ends, s)
		}
		g.Ends = append(g.Ends, n)
		c := buildingsCollection()
		e := New(newMemSource(), Options{CacheBytes: -1})
		st := (&state{cols: map[string]*collection{}}).with(&collection{info: c, snap: emptySnapshot(&c)})
		col, _ := st.cols["buildings"].edited([]edit{{ID: "x", New: &catalog.Feature{ID: "x", Geometry: g}}}, 1)
		e.state.Store(st.with(col))
		close(e.loaded)
		at := geo.TileAt(72.85+100e-5, 19.05+100e-5, uint32(z)%(geo.MaxTileZoom+1))
		_, m := getTile(t, e, at, all)
		if l := m.Layer("buildings"); l != nil {
			tileArea(t, l)
		}
		box := geo.Box{W: 72, S: 18, E: 73, N: 20}
		a, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &box, View: catalog.Public})
		if err != nil || !json.Valid(a.Features) {
			t.Fatalf("%v: %s", err, a.Features)
		}
		if a, err = e.Near(context.Background(), NearRequest{Collection: "buildings", Lon: 72.9, Lat: 19, View: catalog.Public}); err != nil || !json.Valid(a.Features) || math.Signbit(float64(a.Count)) {
			t.Fatalf("%v: %s", err, a.Features)
		}
	})
}
