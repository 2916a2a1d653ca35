package geo

import "slices"

// PointOn returns a position on or in the geometry, degrees: for an area the
// middle of its widest stretch half way up its largest part, so that a label
// there is always inside. False for an empty geometry.
func PointOn(g *Geometry) (lon, lat float64, ok bool) {
	switch g.Type {
	case Polygon, MultiPolygon:
		return inside(g)
	case GeometryCollection:
		for i := range g.Geoms {
			if lon, lat, ok = PointOn(&g.Geoms[i]); ok {
				return lon, lat, true
			}
		}
		return 0, 0, false
	}
	n := g.NumPositions()
	if n == 0 {
		return 0, 0, false
	}
	i := 0
	if g.Type == LineString || g.Type == MultiLineString {
		i = n / 2
	}
	return g.Coords[i*g.Stride()], g.Coords[i*g.Stride()+1], true
}

func inside(g *Geometry) (lon, lat float64, ok bool) {
	best, box := -1, EmptyBox()
	for i := range g.NumPolygons() {
		from, to := g.PolygonRings(i)
		if from == to {
			continue
		}
		b := ringBox(g.Line(from), g.Stride())
		if best < 0 || (b.E-b.W)*(b.N-b.S) > (box.E-box.W)*(box.N-box.S) {
			best, box = i, b
		}
	}
	if best < 0 || box.IsEmpty() {
		return 0, 0, false
	}
	from, to := g.PolygonRings(best)
	lat = (box.S + box.N) / 2
	var cuts []float64
	for i := from; i < to; i++ {
		cuts = crossings(cuts, g.Line(i), g.Stride(), lat)
	}
	slices.Sort(cuts)
	widest := -1.0
	for i := 0; i+1 < len(cuts); i += 2 {
		if w := cuts[i+1] - cuts[i]; w > widest {
			widest, lon = w, (cuts[i]+cuts[i+1])/2
		}
	}
	if widest <= 0 { // flat: any position of it will do
		line := g.Line(from)
		return line[0], line[1], true
	}
	return lon, lat, true
}

func ringBox(line []float64, stride int) Box {
	b := EmptyBox()
	for i := 0; i+1 < len(line); i += stride {
		b = b.Extend(line[i], line[i+1])
	}
	return b
}

// crossings appends the longitudes at which a ring crosses the latitude. Each
// edge counts its lower end and not its upper one, so that corners count once.
func crossings(out, line []float64, stride int, lat float64) []float64 {
	for i := 0; i+stride+1 < len(line); i += stride {
		x0, y0, x1, y1 := line[i], line[i+1], line[i+stride], line[i+stride+1]
		if (y0 <= lat) != (y1 <= lat) {
			out = append(out, x0+(lat-y0)/(y1-y0)*(x1-x0))
		}
	}
	return out
}
