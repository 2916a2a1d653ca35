package cql2

import (
	"errors"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

func TestGeometriesAreReadAndRefused(t *testing.T) {
	for text, want := range map[string]string{
		"POINT(72.8 19)":                              "Point 1",
		"point z (72.8 19 5)":                         "Point 1",
		"LINESTRING(72.8 19, 72.9 19.1, 73 19)":       "LineString 3",
		"POLYGON((72 18,73 18,73 19,72 18))":          "Polygon 4",
		"MULTIPOINT(72 18, 73 19)":                    "MultiPoint 2",
		"MULTILINESTRING((72 18,73 19),(72 19,72 1))": "MultiLineString 4",
		"GEOMETRYCOLLECTION(POINT(1 2))":              "GeometryCollection 0",
	} {
		g, err := ParseGeometry(text)
		if err != nil || !strings.HasPrefix(want, g.Type.String()+" ") || g.NumPositions() != int(want[len(want)-1]-'0') {
			t.Errorf("%s: %v %d, %v", text, g.Type, g.NumPositions(), err)
		}
	}
	for text, want := range map[string]string{
		"": "expected a geometry", "CIRCLE(1 2)": "expected a geometry", "POINT(72.8)": "expected", "POINT(200 19)": "not a longitude", "POINT(1 2) x": "expected the end",
		"LINESTRING(1 2)": "at least two", "POLYGON((1 2,3 4,5 6,7 8))": "ends where it began", "\xff": "UTF-8", strings.Repeat("(", MaxText+1): "longer",
		strings.Repeat("GEOMETRYCOLLECTION(", 2000) + "POINT(1 2)": "",
	} {
		_, err := ParseGeometry(text)
		var bad *catalog.Invalid
		if !errors.As(err, &bad) || bad.Path != "geometry" || !strings.Contains(bad.Reason, want) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

// FuzzParseGeometry: whatever is read has positions in the world and whole parts.
func FuzzParseGeometry(f *testing.F) {
	for _, s := range []string{"POINT(72.8 19)", "LINESTRING(72.8 19, 72.9 19.1)", "POLYGON((72 18,73 18,73 19,72 18),(1 1,2 1,2 2,1 1))", "MULTIPOLYGON(((72 18,73 18,73 19,72 18)))",
		"GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(LINESTRING(1 2,3 4)))", "MULTIPOINT((1 2),(3 4))", "POINT Z (1 2 3)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ParseGeometry(text)
		if err != nil {
			return
		}
		if g.Type == geo.None {
			t.Fatalf("%q is nothing", text)
		}
		if b := g.Box(); !b.IsEmpty() && !geo.World().ContainsBox(b) {
			t.Fatalf("%q reaches out of the world: %v", text, b)
		}
		clean, _ := geo.Clean(&g)
		_ = geo.Validate(&clean)
	})
}
