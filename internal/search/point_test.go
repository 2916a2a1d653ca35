package search

import (
	"slices"
	"testing"

	"nagar/geo"
)

func TestCoordinates(t *testing.T) {
	city := geo.Box{W: 72.7, S: 18.8, E: 73.1, N: 19.4}
	for in, want := range map[string][2]float64{
		"19.076, 72.8777": {72.8777, 19.076}, "19.076,72.8777": {72.8777, 19.076}, " 19.076 72.8777 ": {72.8777, 19.076}, "72.8777, 19.076": {72.8777, 19.076},
		"19.076 N, 72.8777 E": {72.8777, 19.076}, "72.8777°E 19.076°N": {72.8777, 19.076}, "-33.9, 151.2": {151.2, -33.9}, "33.9 S 151.2 E": {151.2, -33.9}, "19,73": {73, 19},
	} {
		lon, lat, ok := coordinates(in, city)
		if !ok || lon != want[0] || lat != want[1] {
			t.Errorf("%q: %v %v %v", in, lon, lat, ok)
		}
	}
	for _, in := range []string{"12 15", "Sector 7", "1.2.3, 4", "91.5, 200.1", "19.07", "19.076 N, 72.8 N", "1,2,3", "NaN, 3.4"} {
		if _, _, ok := coordinates(in, city); ok {
			t.Errorf("%q is taken for a position", in)
		}
	}
}

func TestPointIsInside(t *testing.T) {
	horseshoe := geo.NewPolygon([]float64{0, 0, 10, 0, 10, 10, 8, 10, 8, 2, 2, 2, 2, 10, 0, 10, 0, 0})
	ring := geo.NewPolygon([]float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}, []float64{1, 1, 1, 9, 9, 9, 9, 1, 1, 1})
	for name, c := range map[string]struct {
		g    geo.Geometry
		want func(x, y float64) bool
	}{
		"horseshoe": {horseshoe, func(x, y float64) bool { return y <= 2 || x <= 2 || x >= 8 }},
		"ring":      {ring, func(x, y float64) bool { return x <= 1 || x >= 9 || y <= 1 || y >= 9 }},
		"flat":      {geo.NewPolygon([]float64{1, 1, 2, 1, 1, 1}), func(x, y float64) bool { return y == 1 }},
		"line":      {geo.NewLineString([]float64{0, 0, 1, 1, 5, 1}), func(x, y float64) bool { return x == 1 && y == 1 }},
	} {
		x, y, ok := pointOf(&c.g)
		if !ok || !c.want(x, y) {
			t.Errorf("%s: %v %v %v", name, x, y, ok)
		}
	}
	if _, _, ok := pointOf(&geo.Geometry{Type: geo.Polygon}); ok {
		t.Error("an empty polygon is somewhere")
	}
	if !slices.Equal(crossings(nil, []float64{0, 0, 2, 2, 4, 0, 0, 0}, 2, 1), []float64{1, 3}) {
		t.Error("crossings")
	}
}
