package geo

import "math"

// The WGS 84 ellipsoid (NIMA TR8350.2, table 3.1).
const (
	wgsA  = 6378137.0
	wgsF  = 1 / 298.257223563
	wgsE2 = wgsF * (2 - wgsF)
)

// Distance returns the ground distance in metres between two positions in
// degrees, on the WGS 84 ellipsoid by Lambert's formula for long lines (Rapp,
// Geometric Geodesy, 1991): within 1e-5 of the true distance, and over a city
// within two millimetres per kilometre. Near-antipodal pairs may be off by some
// kilometres.
func Distance(lon1, lat1, lon2, lat2 float64) float64 {
	const rad = math.Pi / 180
	// Reduced latitudes.
	b1 := math.Atan((1 - wgsF) * math.Tan(lat1*rad))
	b2 := math.Atan((1 - wgsF) * math.Tan(lat2*rad))
	sp, cp := math.Sincos((b1 + b2) / 2)
	sq, cq := math.Sincos((b2 - b1) / 2)
	sl := math.Sin((lon2 - lon1) * rad / 2)
	// Haversine of the central angle on the auxiliary sphere.
	h := sq*sq + (cp*cp-sq*sq)*sl*sl // cos b1·cos b2 = cos²p - sin²q
	if h <= 0 {
		return 0
	}
	h = min(h, 1)
	sigma := 2 * math.Asin(math.Sqrt(h))
	sin := math.Sin(sigma)
	var x, y float64
	if h < 1 {
		x = (sigma - sin) * sp * sp * cq * cq / (1 - h)
	}
	y = (sigma + sin) * cp * cp * sq * sq / h
	return wgsA * (sigma - wgsF/2*(x+y))
}

// MetresPerDegree returns the ground length of a degree of longitude and of
// latitude at a latitude in degrees, on the WGS 84 ellipsoid.
func MetresPerDegree(lat float64) (lon, latitude float64) {
	s, c := math.Sincos(lat * (math.Pi / 180))
	w := 1 - wgsE2*s*s
	n := wgsA / math.Sqrt(w)
	return n * c * (math.Pi / 180), n * (1 - wgsE2) / w * (math.Pi / 180)
}

// DistanceTo returns the ground distance in metres from a position in degrees to
// the nearest position of g, 0 when a polygon of g contains it; +Inf for an empty
// geometry. Edges are straight in lon, lat. The nearest position is found on a
// plane that is true to scale at lon, lat, and the distance to it is that of
// Distance: for geometries within 50 km the result is right to 1e-4.
func DistanceTo(lon, lat float64, g *Geometry) float64 {
	best := math.Inf(1)
	kx, ky := MetresPerDegree(lat)
	nx, ny, nd := 0.0, 0.0, math.Inf(1)
	near := func(x, y float64) {
		dx, dy := (x-lon)*kx, (y-lat)*ky
		if d := dx*dx + dy*dy; d < nd {
			nx, ny, nd = x, y, d
		}
	}
	s := g.Stride()
	switch g.Type {
	case Point, MultiPoint:
		for i := 0; i+1 < len(g.Coords); i += s {
			near(g.Coords[i], g.Coords[i+1])
		}
	case LineString, MultiLineString, Polygon, MultiPolygon:
		if g.ContainsPosition(lon, lat) {
			return 0
		}
		for i := range g.Ends {
			l := g.Line(i)
			if len(l) == s {
				near(l[0], l[1])
			}
			for j := 0; j+s+1 < len(l); j += s {
				x, y := ClosestOnSegment(0, 0, (l[j]-lon)*kx, (l[j+1]-lat)*ky, (l[j+s]-lon)*kx, (l[j+s+1]-lat)*ky)
				near(lon+x/kx, lat+y/ky)
			}
		}
	}
	if !math.IsInf(nd, 1) {
		best = Distance(lon, lat, nx, ny)
	}
	for i := range g.Geoms {
		best = min(best, DistanceTo(lon, lat, &g.Geoms[i]))
	}
	return best
}

// ContainsPosition reports whether a polygon of g (a Polygon or MultiPolygon)
// contains the position, in the plane of lon and lat; borders, those of holes too, count.
func (g *Geometry) ContainsPosition(x, y float64) bool {
	if g.Type != Polygon && g.Type != MultiPolygon {
		return false
	}
	s := g.Stride()
	for p := range g.NumPolygons() {
		from, to := g.PolygonRings(p)
		in := false
		for r := from; r < to; r++ {
			l := g.Line(r)
			for j := 0; j+s+1 < len(l); j += s {
				on, cross := rayCross(x, y, l[j], l[j+1], l[j+s], l[j+s+1])
				if on {
					return true
				}
				in = in != cross
			}
		}
		if in {
			return true
		}
	}
	return false
}

// rayCross reports whether the position lies on the segment, and whether the ray
// from it towards +x crosses the segment.
func rayCross(x, y, ax, ay, bx, by float64) (on, cross bool) {
	if (ay > y) != (by > y) {
		d := (bx-ax)*(y-ay) - (x-ax)*(by-ay)
		if d == 0 {
			return true, false
		}
		return false, (d > 0) == (by > ay)
	}
	if ay == y && by == y {
		return min(ax, bx) <= x && x <= max(ax, bx), false
	}
	return (ax == x && ay == y) || (bx == x && by == y), false
}

// Area returns the ground area in square metres of the polygons of g, on the
// WGS 84 ellipsoid: exact for edges that are straight on the equal-area cylinder
// (Snyder, Map Projections, 3-11 and 10-1), which for edges under 10 km differs
// from geodesics by less than 1e-6. Holes are taken off, whichever way rings run.
func Area(g *Geometry) float64 {
	sum := 0.0
	for i := range g.Geoms {
		sum += Area(&g.Geoms[i])
	}
	for p := range g.NumPolygons() {
		from, to := g.PolygonRings(p)
		for r := from; r < to; r++ {
			a := math.Abs(ringArea(g.Line(r), g.Stride()))
			if r > from {
				a = -a
			}
			sum += a
		}
	}
	return sum
}

func ringArea(l []float64, s int) float64 {
	if len(l) == 0 {
		return 0
	}
	x0 := l[0]
	q0 := authalicQ(l[1])
	sum, px, pq := 0.0, 0.0, 0.0
	for j := s; j+1 < len(l); j += s {
		x, q := l[j]-x0, authalicQ(l[j+1])-q0
		sum += px*q - x*pq
		px, pq = x, q
	}
	return sum / 2 * (math.Pi / 180) * wgsA * wgsA / 2
}

// authalicQ is Snyder's q (3-12): twice the area, in units of a², between the
// equator and the latitude on one radian of longitude.
func authalicQ(lat float64) float64 {
	e := math.Sqrt(wgsE2)
	s := math.Sin(lat * (math.Pi / 180))
	return (1 - wgsE2) * (s/(1-wgsE2*s*s) + math.Atanh(e*s)/e)
}

// Length returns the ground length in metres of the lines of g, and of the rings
// of its polygons.
func Length(g *Geometry) float64 {
	sum, s := 0.0, g.Stride()
	for i := range g.Geoms {
		sum += Length(&g.Geoms[i])
	}
	for i := range g.Ends {
		l := g.Line(i)
		for j := 0; j+s+1 < len(l); j += s {
			sum += Distance(l[j], l[j+1], l[j+s], l[j+s+1])
		}
	}
	return sum
}
