package geo

import (
	"math"
	"testing"

	"github.com/golang/geo/s2"
)

func TestDistanceKnown(t *testing.T) {
	// By GeographicLib, through PostGIS 3.3 (ST_Distance on geography).
	for _, c := range []struct{ lon1, lat1, lon2, lat2, want float64 }{
		{72.8777, 19.076, 72.8777, 19.076, 0},
		{72.8777, 19.076, 72.8777, 19.0769, 99.62368704},
		{72.8777, 19.076, 72.8786, 19.076, 94.71970288},
		{72.8, 18.9, 72.95, 19.25, 41835.43472306},
		{0, 0, 0, 1, 110574.3885578},
		{0, 0, 1, 0, 111319.49079327},
		{72.8777, 19.076, -0.1278, 51.5074, 7199598.76380951},
	} {
		got := Distance(c.lon1, c.lat1, c.lon2, c.lat2)
		if math.Abs(got-c.want) > 1e-4+c.want*2e-6 {
			t.Errorf("%v: %.4f m, want %.4f", c, got, c.want)
		}
	}
}

func TestDistanceAgainstTheSphere(t *testing.T) {
	r := random(t)
	for range 20_000 {
		lon, lat := r.Float64()*360-180, r.Float64()*160-80
		d := math.Pow(10, r.Float64()*6-6)
		lon2, lat2 := lon+d*r.NormFloat64(), min(max(lat+d*r.NormFloat64(), -89), 89)
		got := Distance(lon, lat, lon2, lat2)
		a := s2.LatLngFromDegrees(lat, lon)
		sphere := float64(a.Distance(s2.LatLngFromDegrees(lat2, lon2))) * 6371008.8
		if math.Abs(got-sphere) > sphere*0.0075+1e-3 { // the ellipsoid differs by up to 0.7 %
			t.Fatalf("%v %v to %v %v: %.3f, on the sphere %.3f", lon, lat, lon2, lat2, got, sphere)
		}
	}
}

func TestDistanceToEdges(t *testing.T) {
	sq := NewPolygon([]float64{72.87, 19.07, 72.88, 19.07, 72.88, 19.08, 72.87, 19.08, 72.87, 19.07},
		[]float64{72.874, 19.074, 72.874, 19.076, 72.876, 19.076, 72.876, 19.074, 72.874, 19.074})
	for _, c := range []struct{ lon, lat, want float64 }{
		{72.871, 19.071, 0},
		{72.87, 19.075, 0}, // on the border
		{72.875, 19.075, 105.2447457},
		{72.875, 19.081, 110.67},
		{72.881, 19.081, Distance(72.881, 19.081, 72.88, 19.08)},
	} {
		if got := DistanceTo(c.lon, c.lat, &sq); math.Abs(got-c.want) > 0.05 {
			t.Errorf("%v %v: %.3f m, want %.3f", c.lon, c.lat, got, c.want)
		}
	}
	empty := Geometry{Type: Polygon}
	if d := DistanceTo(0, 0, &empty); !math.IsInf(d, 1) {
		t.Errorf("an empty polygon is %v m away", d)
	}
}

func TestAreaAndLength(t *testing.T) {
	// By PostGIS 3.3, on geography: the top edge of the square degree is a geodesic there.
	sq := NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 1, 0, 0})
	if a := Area(&sq); math.Abs(a/1.2308778361469454e10-1) > 1e-4 {
		t.Errorf("area %.0f", a)
	}
	block := NewPolygon([]float64{72.87, 19.07, 72.88, 19.07, 72.88, 19.08, 72.87, 19.08, 72.87, 19.07})
	if a := Area(&block); math.Abs(a/1.1649853296141624e6-1) > 1e-6 {
		t.Errorf("area %.3f", a)
	}
	withHole := NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 1, 0, 0}, []float64{.25, .25, .25, .75, .75, .75, .75, .25, .25, .25})
	if a := Area(&withHole) / Area(&sq); math.Abs(a-0.75) > 1e-3 {
		t.Errorf("a quarter is missing: %v", a)
	}
	l := NewLineString([]float64{0, 0, 0, 1, 1, 1})
	if got, want := Length(&l), Distance(0, 0, 0, 1)+Distance(0, 1, 1, 1); got != want {
		t.Errorf("length %v, want %v", got, want)
	}
}

func TestRingSideEqualsSlowCount(t *testing.T) {
	r := random(t)
	for range 2000 {
		var ring []int32
		for range 3 + r.IntN(8) {
			ring = append(ring, r.Int32N(20), r.Int32N(20))
		}
		for x := int32(-1); x <= 20; x++ {
			for y := int32(-1); y <= 20; y++ {
				if got, want := RingSide(x, y, ring), slowSide(x, y, ring); got != want {
					t.Fatalf("%d %d in %v: %d, want %d", x, y, ring, got, want)
				}
			}
		}
	}
}

func slowSide(x, y int32, ring []int32) Side {
	in := false
	n := len(ring)
	for i := 0; i < n; i += 2 {
		j := (i + 2) % n
		ax, ay, bx, by := float64(ring[i]), float64(ring[i+1]), float64(ring[j]), float64(ring[j+1])
		px, py := float64(x), float64(y)
		if (bx-ax)*(py-ay) == (px-ax)*(by-ay) && px >= min(ax, bx) && px <= max(ax, bx) && py >= min(ay, by) && py <= max(ay, by) {
			return OnBorder
		}
		if (ay > py) != (by > py) && px < (bx-ax)*(py-ay)/(by-ay)+ax {
			in = !in
		}
	}
	if in {
		return Inside
	}
	return Outside
}

func TestTurnIsExactForFarPositions(t *testing.T) {
	const m = math.MaxInt32
	if got := Turn(-m, -m, m, m, m-1, m-2); got == 0 {
		t.Error("a unit off the diagonal of the world counts as on it")
	}
	if got := Turn(-m, -m, 0, 0, m, m); got != 0 {
		t.Error("the diagonal of the world is not straight")
	}
}

func TestContainsPositionBorders(t *testing.T) {
	sq := NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 4, 0, 0}, []float64{1, 1, 1, 2, 2, 2, 2, 1, 1, 1})
	for _, c := range []struct {
		x, y float64
		want bool
	}{{0, 0, true}, {4, 2, true}, {2, 4, true}, {1.5, 1.5, false}, {1, 1.5, true}, {2, 2, true}, {3, 3, true}, {5, 0, false}, {-1, 0, false}, {4.0001, 4, false}} {
		if got := sq.ContainsPosition(c.x, c.y); got != c.want {
			t.Errorf("%v %v: %v", c.x, c.y, got)
		}
	}
}
