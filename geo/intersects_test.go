package geo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/peterstace/simplefeatures/geom"

	"nagar/geo"
)

// TestIntersectsOracle compares random shapes on a coarse grid, where touching
// is common and floats are exact, with simplefeatures.
func TestIntersectsOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	shapes := make([]geo.Geometry, 400)
	theirs := make([]geom.Geometry, len(shapes))
	for i := range shapes {
		shapes[i] = randomShape(rng, rng.IntN(8))
		g, err := geom.UnmarshalWKB(geo.AppendWKB(nil, &shapes[i], geo.ISO), geom.NoValidate{})
		if err != nil {
			t.Fatal(err)
		}
		theirs[i] = g
	}
	meets := 0
	for i := range shapes {
		for j := range 60 {
			j = (i + j*7) % len(shapes)
			want := geom.Intersects(theirs[i], theirs[j])
			got := geo.Intersects(&shapes[i], &shapes[j])
			if got {
				meets++
			}
			if got != want || got != geo.Intersects(&shapes[j], &shapes[i]) {
				t.Fatalf("%s and %s: got %v, want %v", theirs[i].AsText(), theirs[j].AsText(), got, want)
			}
		}
	}
	if meets == 0 {
		t.Error("nothing met: the test tests nothing")
	}
}

func randomShape(rng *rand.Rand, kind int) geo.Geometry {
	x := func() float64 { return float64(rng.IntN(9)) / 8 }
	switch kind {
	case 0:
		return geo.NewPoint(x(), x())
	case 1:
		return geo.Geometry{Type: geo.MultiPoint, Coords: []float64{x(), x(), x(), x()}}
	case 2:
		a, b := x(), x()
		return geo.NewLineString([]float64{a, b, a + 0.125, x(), x() + 2, b + 0.0625})
	case 3: // a triangle
		a, b := x(), x()
		return geo.NewPolygon([]float64{a, b, a + 0.375, b, a + 0.125, b + 0.375, a, b})
	case 4: // a square with a square hole
		a, b, d := x(), x(), 0.12525
		return geo.NewPolygon(square(a, b, 0.5), square(a+d, b+d, 0.25))
	case 5:
		a, b := square(x(), 0, 0.25), square(x(), 0.5, 0.375)
		return geo.Geometry{Type: geo.MultiPolygon, Coords: append(append([]float64{}, a...), b...), Ends: []int32{5, 10}, Polys: []int32{1, 2}}
	case 6:
		return geo.Geometry{Type: geo.MultiLineString, Coords: []float64{0, x(), x(), 1, x(), 0.5, 1.25, x()}, Ends: []int32{2, 4}}
	}
	return geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{randomShape(rng, rng.IntN(7)), randomShape(rng, rng.IntN(7)), {Type: geo.Polygon}}}
}

func square(x, y, side float64) []float64 {
	return []float64{x, y, x + side, y, x + side, y + side, x, y + side, x, y}
}

// TestIntersectsExact holds that a hair's breadth decides.
func TestIntersectsExact(t *testing.T) {
	line := geo.NewLineString([]float64{72.1, 18.3, 73.7, 19.9})
	mid := geo.NewPoint(72.9, 19.1)
	a := geo.NewPolygon(square(72, 19, 0.5))
	touching := geo.NewPolygon(square(72.5, 19, 0.5))
	apart := geo.NewPolygon(square(math.Nextafter(72.5, 73), 19, 0.5))
	hole := geo.NewPolygon(square(0, 0, 10), square(2, 2, 6))
	within, onEdge := geo.NewPolygon(square(3, 3, 1)), geo.NewPoint(2, 5)
	none, empty := geo.Geometry{}, geo.Geometry{Type: geo.Polygon}
	spot := geo.NewLineString([]float64{1, 1})
	for _, c := range []struct {
		name string
		a, b geo.Geometry
		want bool
	}{
		{"neighbours", a, touching, true}, {"a hair apart", a, apart, false}, {"inside a hole", hole, within, false},
		{"on a hole's edge", hole, onEdge, true}, {"nothing", none, a, false}, {"empty", empty, a, false},
		{"a line of one position in a polygon", spot, hole, true}, {"and with itself", spot, spot, true},
		{"beside a line", line, a, false}, {"with itself", line, line, true}, {"a point on the diagonal", line, mid, onDiagonal(line, mid)},
	} {
		if got := geo.Intersects(&c.a, &c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// onDiagonal decides by big rationals whether the point is on the line.
func onDiagonal(l, p geo.Geometry) bool {
	g, _ := geom.UnmarshalWKB(geo.AppendWKB(nil, &l, geo.ISO))
	q, _ := geom.UnmarshalWKB(geo.AppendWKB(nil, &p, geo.ISO))
	return geom.Intersects(g, q)
}
