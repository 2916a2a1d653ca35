package format

import (
	"strings"
	"testing"

	"nagar/geo"
)

func TestWKTReadsBack(t *testing.T) {
	for _, g := range []geo.Geometry{
		geo.NewPoint(72.87069684271017, -0.1),
		{Type: geo.Point, HasZ: true, Coords: []float64{1e-7, 1e-20, 3}},
		geo.NewLineString([]float64{0, 0, 1, 1}),
		geo.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 0}, []float64{1, 1, 2, 1, 2, 2, 1, 1}),
		{Type: geo.MultiPoint, HasZ: true, Coords: []float64{72.85069684271017, 19.1, 3, 72.9, 19, 0.1}},
		{Type: geo.MultiLineString, Coords: []float64{0, 0, 1, 1, 5, 5, 6, 6}, Ends: []int32{2, 4}},
		{Type: geo.MultiPolygon, Coords: []float64{0, 0, 1, 0, 1, 1, 0, 0, 5, 5, 6, 5, 6, 6, 5, 5}, Ends: []int32{4, 8}, Polys: []int32{1, 2}},
		{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(1, 2), geo.NewLineString([]float64{0, 0, 1, 1})}},
		{Type: geo.Point}, {Type: geo.Polygon}, {Type: geo.MultiPolygon}, {},
	} {
		text := string(AppendWKT(nil, &g))
		got, err := ParseWKT(text)
		if err != nil || !got.Equal(&g) {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
}

func TestWKTRefused(t *testing.T) {
	for text, want := range map[string]string{
		"POINT(1)": "not WKT", "POINT(x y)": "not WKT", "CIRCLE(1 2)": "not WKT", "POINT(1 2) x": "not WKT",
		"SRID=32643;POINT(1 2)": "give --crs", strings.Repeat("GEOMETRYCOLLECTION(", 100): "nested over 40 deep",
		"POINT(NaN 1)": "not WKT", "POINT(1e999 1)": "not WKT",
	} {
		if g, err := ParseWKT(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %+v, %v", text, g, err)
		}
	}
	if g, err := ParseWKT("SRID=4326;POINT (1 2)"); err != nil || g.Type != geo.Point {
		t.Errorf("%+v %v", g, err)
	}
}

func FuzzParseWKT(f *testing.F) {
	f.Add("MULTIPOLYGON Z (((0 0 1, 1 0 1, 1 1 1, 0 0 1)))")
	f.Add("GEOMETRYCOLLECTION(POINT EMPTY, LINESTRING(1e3 2, 3 4))")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ParseWKT(text)
		if err != nil {
			return
		}
		again, err := ParseWKT(string(AppendWKT(nil, &g)))
		if err != nil {
			t.Fatalf("own output refused: %v", err)
		}
		if string(AppendWKT(nil, &again)) != string(AppendWKT(nil, &g)) {
			t.Fatal("not stable")
		}
	})
}
