package layers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// TestAnswersSayWhatTheyCarry: a tile or an answer tells of restricted and personal
// values that are in it, feature by feature, and of no others.
func TestAnswersSayWhatTheyCarry(t *testing.T) {
	src := newMemSource()
	c := buildingsCollection()
	src.define(c)
	secret := catalog.Collection{Name: "raids", Class: catalog.ClassPersonal, Geometry: catalog.GeometryPoint, Fields: []catalog.Field{{Name: "what", Type: catalog.TypeText}}}
	src.define(secret)
	r := random(t)
	feature := func(i int, owner string) catalog.Feature {
		f := catalog.Feature{ID: fmt.Sprint("b", i), Geometry: footprint(r, 72.85+float64(i)*0.02, 19.05, 20)}
		f.Props = catalog.Properties{{Name: "use", Value: catalog.Text("shop")}}
		if owner != "" {
			f.Props = append(f.Props, catalog.Property{Name: "owner", Value: catalog.Text(owner)})
		}
		return f
	}
	src.write("buildings", []catalog.Feature{feature(0, ""), feature(1, "Asha"), feature(2, ""), feature(3, "Bela")})
	rev := src.write("raids", []catalog.Feature{{ID: "r", Geometry: geo.Geometry{Type: geo.Point, Coords: []float64{72.85, 19.05}}}})
	e := start(t, src, Options{})
	waitRev(t, e, rev)

	around := func(i int) geo.Box {
		lon := 72.85 + float64(i)*0.02
		return geo.Box{W: lon - 0.001, S: 19.049, E: lon + 0.001, N: 19.051}
	}
	show := func(all []Carried) string {
		var out []string
		for _, c := range all {
			out = append(out, fmt.Sprintf("%s %s %d [%s]", c.Collection, strings.Join(c.Fields, "+"), c.Count, strings.Join(c.IDs, " ")))
			if c.Box.IsEmpty() {
				t.Errorf("%s: no box", c.Collection)
			}
		}
		slices.Sort(out)
		return strings.Join(out, "; ")
	}
	tile := func(at geo.Tile, v catalog.View, names ...string) string {
		var first string
		for i := range 2 { // drawn, and from the cache
			x, err := e.Tile(t.Context(), TileRequest{Collections: names, Tile: at, View: v})
			if err != nil {
				t.Fatal(err)
			}
			if got := show(x.Carried); i > 0 && got != first {
				t.Errorf("drawn: %q, cached: %q", first, got)
			} else {
				first = got
			}
		}
		return first
	}
	within := func(b geo.Box, v catalog.View, name string) string {
		a, err := e.Within(t.Context(), WithinRequest{Collection: name, Box: &b, View: v})
		if err != nil {
			t.Fatal(err)
		}
		return show(a.Carried)
	}
	near := func(v catalog.View, limit int) string {
		a, err := e.Near(t.Context(), NearRequest{Collection: "buildings", Lon: 72.85, Lat: 19.05, Limit: limit, View: v})
		if err != nil {
			t.Fatal(err)
		}
		return show(a.Carried)
	}
	at := func(v catalog.View) string {
		a, err := e.AtPoint(t.Context(), AtRequest{Lon: 72.85, Lat: 19.05, View: v})
		if err != nil {
			t.Fatal(err)
		}
		return show(a.Carried)
	}
	{ // a feature in the buffer only is in the tile, so it must be in the box
		edge := geo.TileAt(72.85, 19.2, 16)
		b := edge.Box()
		rev := src.write("raids", []catalog.Feature{{ID: "beyond", Geometry: geo.Geometry{Type: geo.Point, Coords: []float64{round7(b.E + (b.E-b.W)/100), round7((b.S + b.N) / 2)}}}})
		waitRev(t, e, rev)
		x, err := e.Tile(t.Context(), TileRequest{Collections: []string{"raids"}, Tile: edge, View: catalog.Everything})
		if err != nil || len(x.Carried) != 1 {
			t.Fatalf("a feature in the buffer: %+v, %v", x, err)
		}
		if got := x.Carried[0].Box; !got.ContainsBox(b) || !got.Contains(b.E+(b.E-b.W)/100, b.S) {
			t.Errorf("box %v of a tile of %v lacks what lies in the buffer", got, b)
		}
	}
	all, whole := catalog.Everything, geo.Box{W: 72, S: 18, E: 74, N: 20}
	z14 := func(i int) geo.Tile { return geo.TileAt(72.85+float64(i)*0.02, 19.05, 14) }
	for _, c := range []struct{ name, got, want string }{
		{"a tile with owners", tile(z14(1), all, "buildings"), "buildings owner 1 []"},
		{"a tile without", tile(z14(0), all, "buildings"), ""},
		{"a tile of a personal collection", tile(z14(0), all, "buildings", "raids"), "raids geometry 1 []"},
		{"the public's tile", tile(z14(1), catalog.Public, "buildings"), ""},
		{"within", within(whole, all, "buildings"), "buildings owner 2 [b1 b3]"},
		{"within, none has one", within(around(2), all, "buildings"), ""},
		{"within, after one that had", within(around(0), all, "buildings"), ""},
		{"within, publicly", within(whole, catalog.Public, "buildings"), ""},
		{"near", near(all, 2), "buildings owner 1 [b1]"},
		{"near, publicly", near(catalog.Public, 2), ""},
		{"at", at(all), "raids geometry 1 [r]"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
