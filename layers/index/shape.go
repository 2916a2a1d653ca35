package index

import (
	"math"

	"nagar/geo"
)

// Shape is one geometry on the grid; its slices share the segment's memory. A
// geometry collection is met member by member, see Next.
type Shape struct {
	Type   geo.Type
	Coords []int32 // x0 y0 x1 y1 ...; rings are open
	Ends   []int32 // lines and polygons: index in positions one past each line or ring
	Polys  []int32 // MultiPolygon: index in Ends one past each polygon

	one  [1]int32
	rest []int32 // members of a collection still to come
}

// The kind byte of a feature: its geo.Type, and whether its words begin with a header.
const (
	kindType   = 0x0f
	kindHeader = 0x80
)

// A header is: type, positions, number of ends, number of polys; the ends and
// polys follow, then the coordinates. A collection is its members one after the
// other, each with a header.
const headerWords = 4

// Shape reads the geometry of feature h into sh, or the first member of a
// collection; false when it has none.
func (s *Segment) Shape(h int32, sh *Shape) bool {
	words := s.coords[s.start[h]:s.start[h+1]]
	k := s.kinds[h]
	if k&kindHeader != 0 {
		sh.rest = words
		ok := sh.Next()
		return ok
	}
	sh.Type = geo.Type(k & kindType)
	sh.Coords, sh.Ends, sh.Polys, sh.rest = words, nil, nil, nil
	if sh.Type == geo.LineString || sh.Type == geo.Polygon {
		sh.one[0] = int32(len(words) / 2)
		sh.Ends = sh.one[:]
	}
	return len(words) > 0
}

// Next goes on to the next member of a collection; false when there is none.
func (sh *Shape) Next() bool {
	w := sh.rest
	if len(w) == 0 {
		return false
	}
	n, e, p := int(w[1]), int(w[2]), int(w[3])
	sh.Type = geo.Type(w[0])
	w = w[headerWords:]
	sh.Ends, w = w[:e:e], w[e:]
	sh.Polys, w = w[:p:p], w[p:]
	sh.Coords, sh.rest = w[:n*2:n*2], w[n*2:]
	return true
}

// Type is the geometry type of feature h, GeometryCollection included, None without one.
func (s *Segment) Type(h int32) geo.Type { return geo.Type(s.kinds[h] & kindType) }

// Ring returns the coordinates of line or ring i.
func (sh *Shape) Ring(i int) []int32 {
	var from int32
	if i > 0 {
		from = sh.Ends[i-1]
	}
	return sh.Coords[from*2 : sh.Ends[i]*2]
}

// NumPolygons is the number of polygons, 0 for other types.
func (sh *Shape) NumPolygons() int {
	switch sh.Type {
	case geo.Polygon:
		return 1
	case geo.MultiPolygon:
		return len(sh.Polys)
	}
	return 0
}

// Rings is the half-open range of rings of polygon i.
func (sh *Shape) Rings(i int) (from, to int) {
	if sh.Type == geo.Polygon {
		return 0, len(sh.Ends)
	}
	if i > 0 {
		from = int(sh.Polys[i-1])
	}
	return from, int(sh.Polys[i])
}

// packer turns geometries into words.
type packer struct {
	words []int32
	box   geo.GridBox
}

// pack appends g to the words and returns its kind byte; box grows by it.
func (p *packer) pack(g *geo.Geometry) uint8 {
	switch {
	case g.Type == geo.None || g.IsEmpty():
		return uint8(geo.None)
	case g.Type == geo.GeometryCollection:
		p.members(g)
		return uint8(geo.GeometryCollection) | kindHeader
	case g.Type == geo.Point, g.Type == geo.LineString && len(g.Ends) == 1,
		g.Type == geo.Polygon && len(g.Ends) == 1, g.Type == geo.MultiPoint:
		p.line(g.Coords, g.Stride(), g.Type)
		return uint8(g.Type)
	}
	p.headed(g)
	return uint8(g.Type) | kindHeader
}

func (p *packer) members(g *geo.Geometry) {
	for i := range g.Geoms {
		switch m := &g.Geoms[i]; {
		case m.Type == geo.GeometryCollection:
			p.members(m)
		case m.Type != geo.None && !m.IsEmpty():
			p.headed(m)
		}
	}
}

// headed appends a geometry that is not a collection, with its header.
func (p *packer) headed(g *geo.Geometry) {
	at := len(p.words)
	p.words = append(p.words, int32(g.Type), 0, int32(len(g.Ends)), int32(len(g.Polys)))
	ends := len(p.words)
	p.words = append(p.words, g.Ends...)
	p.words = append(p.words, g.Polys...)
	from := len(p.words)
	if len(g.Ends) == 0 {
		p.line(g.Coords, g.Stride(), g.Type)
	}
	hole := func(i int) bool { return false }
	if n := g.NumPolygons(); n > 0 {
		outer := make(map[int]bool, n)
		for q := range n {
			f, _ := g.PolygonRings(q)
			outer[f] = true
		}
		hole = func(i int) bool { return !outer[i] }
	}
	for i := range g.Ends {
		t := g.Type
		switch {
		case t == geo.MultiLineString:
			t = geo.LineString
		case hole(i):
			t = geo.MultiPolygon // runs the other way
		case t == geo.MultiPolygon:
			t = geo.Polygon
		}
		p.line(g.Line(i), g.Stride(), t)
		p.words[ends+i] = int32(len(p.words)-from) / 2
	}
	p.words[at+1] = int32(len(p.words)-from) / 2
}

// line appends the positions of one line, ring or set of points. as says how:
// Polygon is an outer ring, MultiPolygon a hole; both lose their last position and
// are turned the right way. Positions that fall on the one before are left out.
func (p *packer) line(c []float64, stride int, as geo.Type) {
	from := len(p.words)
	ring := as == geo.Polygon || as == geo.MultiPolygon
	for i := 0; i+1 < len(c); i += stride {
		x, y := geo.Project(c[i], c[i+1])
		if n := len(p.words); n > from && p.words[n-2] == x && p.words[n-1] == y && as != geo.MultiPoint {
			continue
		}
		p.words = append(p.words, x, y)
		p.box = p.box.Extend(x, y)
	}
	if !ring {
		return
	}
	r := p.words[from:]
	if n := len(r); n > 2 && r[0] == r[n-2] && r[1] == r[n-1] {
		r = r[:n-2]
		p.words = p.words[:len(p.words)-2]
	}
	if a := signedArea(r); a < 0 == (as == geo.Polygon) && a != 0 {
		reverseRing(r)
	}
}

// reverseRing turns a ring round and keeps its first position.
func reverseRing(r []int32) {
	for i, j := 2, len(r)-2; i < j; i, j = i+2, j-2 {
		r[i], r[j] = r[j], r[i]
		r[i+1], r[j+1] = r[j+1], r[i+1]
	}
}

// signedArea has the sign of geo.RingArea2, for rings of any size.
func signedArea(r []int32) float64 {
	b := geo.EmptyGridBox()
	for i := 0; i+1 < len(r); i += 2 {
		b = b.Extend(r[i], r[i+1])
	}
	if int64(b.MaxX)-int64(b.MinX) < 1<<24 && int64(b.MaxY)-int64(b.MinY) < 1<<24 || len(r) < 6 {
		return float64(geo.RingArea2(r))
	}
	sum := 0.0
	n := len(r)
	px, py := float64(r[n-2])-float64(r[0]), float64(r[n-1])-float64(r[1])
	for i := 0; i+1 < n; i += 2 {
		x, y := float64(r[i])-float64(r[0]), float64(r[i+1])-float64(r[1])
		sum += px*y - x*py
		px, py = x, y
	}
	if math.Abs(sum) < 1 {
		return 0
	}
	return sum
}
