package geo

// Intersects reports whether the geometries share a position in the plane of lon
// and lat (OGC 06-103r4 section 6.1.15.3); borders count, holes are outside, Z is
// ignored, an empty geometry shares nothing. It is exact for the coordinates as
// they are, allocates nothing, and takes time as the product of the segments
// within each other's box.
func Intersects(a, b *Geometry) bool {
	return intersects(a, b, a.Box(), b.Box())
}

func intersects(a, b *Geometry, abox, bbox Box) bool {
	if !abox.Intersects(bbox) { // empty boxes meet nothing
		return false
	}
	if a.Type == GeometryCollection {
		for i := range a.Geoms {
			if intersects(&a.Geoms[i], b, a.Geoms[i].Box(), bbox) {
				return true
			}
		}
		return false
	}
	if b.Type == GeometryCollection {
		return intersects(b, a, bbox, abox)
	}
	if isPoints(a) {
		return anyPositionIn(a, b, bbox)
	}
	if isPoints(b) {
		return anyPositionIn(b, a, abox)
	}
	return segmentsMeet(a, b, abox, bbox) || anyRunIn(a, b) || anyRunIn(b, a)
}

func isPoints(g *Geometry) bool { return g.Type == Point || g.Type == MultiPoint }

// anyPositionIn reports whether a position of the points lies in g.
func anyPositionIn(points, g *Geometry, box Box) bool {
	for i, s := 0, points.Stride(); i+1 < len(points.Coords); i += s {
		p := xy{points.Coords[i], points.Coords[i+1]}
		if box.Contains(p.x, p.y) && holds(g, p) {
			return true
		}
	}
	return false
}

// holds reports whether the position lies on or in g, which is no collection.
func holds(g *Geometry, p xy) bool {
	s := g.Stride()
	switch g.Type {
	case Point, MultiPoint:
		for i := 0; i+1 < len(g.Coords); i += s {
			if g.Coords[i] == p.x && g.Coords[i+1] == p.y {
				return true
			}
		}
	case LineString, MultiLineString:
		for i := range g.Ends {
			if on, _ := passes(g.Line(i), s, p); on {
				return true
			}
		}
	case Polygon, MultiPolygon:
		for i := range g.NumPolygons() {
			from, to := g.PolygonRings(i)
			in := false
			for r := from; r < to; r++ {
				on, odd := passes(g.Line(r), s, p)
				if on {
					return true
				}
				in = in != odd
			}
			if in {
				return true
			}
		}
	}
	return false
}

// passes reports whether the line goes through the position, and whether the ray
// from it towards +x meets the line an odd number of times.
func passes(l []float64, s int, p xy) (on, odd bool) {
	if len(l) == s {
		return l[0] == p.x && l[1] == p.y, false
	}
	for j := 0; j+s+1 < len(l); j += s {
		a, b := xy{l[j], l[j+1]}, xy{l[j+s], l[j+s+1]}
		if max(a.x, b.x) < p.x || max(a.y, b.y) < p.y || min(a.y, b.y) > p.y {
			continue
		}
		t := 0
		if min(a.x, b.x) <= p.x { // else p is west of it
			if t = turn(a, b, p); t == 0 {
				return true, false // p is in its box
			}
		}
		if (a.y > p.y) != (b.y > p.y) && (t == 0 || (t > 0) == (b.y > a.y)) {
			odd = !odd
		}
	}
	return false, odd
}

// segmentsMeet reports whether a segment of a meets one of b.
func segmentsMeet(a, b *Geometry, abox, bbox Box) bool {
	sa, sb := a.Stride(), b.Stride()
	for i := range a.Ends {
		la := a.Line(i)
		for j := 0; j < len(la); j += sa {
			p, q := xy{la[j], la[j+1]}, xy{}
			switch {
			case j+sa < len(la):
				q = xy{la[j+sa], la[j+sa+1]}
			case j == 0: // a line of one position
				q = p
			default:
				continue
			}
			if max(p.x, q.x) < bbox.W || min(p.x, q.x) > bbox.E || max(p.y, q.y) < bbox.S || min(p.y, q.y) > bbox.N {
				continue
			}
			for k := range b.Ends {
				if segmentMeets(p, q, b.Line(k), sb) {
					return true
				}
			}
		}
	}
	return false
}

// segmentMeets reports whether the segment pq meets the line.
func segmentMeets(p, q xy, l []float64, s int) bool {
	if len(l) == s {
		c := xy{l[0], l[1]}
		how, _ := meet(p, q, c, c)
		return how != apart
	}
	for j := 0; j+s+1 < len(l); j += s {
		if how, _ := meet(p, q, xy{l[j], l[j+1]}, xy{l[j+s], l[j+s+1]}); how != apart {
			return true
		}
	}
	return false
}

// anyRunIn reports whether a line or ring of a begins in a polygon of b: where no
// segments meet, it is then in it whole.
func anyRunIn(a, b *Geometry) bool {
	if b.Type != Polygon && b.Type != MultiPolygon {
		return false
	}
	for i := range a.Ends {
		if l := a.Line(i); len(l) > 0 && holds(b, xy{l[0], l[1]}) {
			return true
		}
	}
	return false
}
