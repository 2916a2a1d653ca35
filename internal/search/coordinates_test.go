package search

import (
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
