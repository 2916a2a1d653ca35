package geo

import (
	"slices"
	"testing"
)

func TestPointOnIsInside(t *testing.T) {
	horseshoe := NewPolygon([]float64{0, 0, 10, 0, 10, 10, 8, 10, 8, 2, 2, 2, 2, 10, 0, 10, 0, 0})
	ring := NewPolygon([]float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}, []float64{1, 1, 1, 9, 9, 9, 9, 1, 1, 1})
	for name, c := range map[string]struct {
		g    Geometry
		want func(x, y float64) bool
	}{
		"horseshoe": {horseshoe, func(x, y float64) bool { return y <= 2 || x <= 2 || x >= 8 }},
		"ring":      {ring, func(x, y float64) bool { return x <= 1 || x >= 9 || y <= 1 || y >= 9 }},
		"flat":      {NewPolygon([]float64{1, 1, 2, 1, 1, 1}), func(x, y float64) bool { return y == 1 }},
		"line":      {NewLineString([]float64{0, 0, 1, 1, 5, 1}), func(x, y float64) bool { return x == 1 && y == 1 }},
	} {
		x, y, ok := PointOn(&c.g)
		if !ok || !c.want(x, y) {
			t.Errorf("%s: %v %v %v", name, x, y, ok)
		}
	}
	if _, _, ok := PointOn(&Geometry{Type: Polygon}); ok {
		t.Error("an empty polygon is somewhere")
	}
	if !slices.Equal(crossings(nil, []float64{0, 0, 2, 2, 4, 0, 0, 0}, 2, 1), []float64{1, 3}) {
		t.Error("crossings")
	}
}
