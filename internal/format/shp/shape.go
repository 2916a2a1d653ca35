package shp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"nagar/geo"
)

var errShort = errors.New("the shape breaks off")

// shapeReader walks over the bytes of one shape.
type shapeReader struct {
	b []byte
	i int
}

func (s *shapeReader) uint32() uint32 {
	v := binary.LittleEndian.Uint32(s.b[s.i:])
	s.i += 4
	return v
}

func (s *shapeReader) float() float64 {
	v := math.Float64frombits(binary.LittleEndian.Uint64(s.b[s.i:]))
	s.i += 8
	return v
}

func (s *shapeReader) has(n int) bool { return n >= 0 && len(s.b)-s.i >= n }

// decodeShape reads the content of a record. M is dropped.
func decodeShape(b []byte) (geo.Geometry, error) {
	s := &shapeReader{b: b}
	t := s.uint32()
	hasZ := t >= 11 && t <= 18
	switch t {
	case 0:
		return geo.Geometry{}, nil
	case 1, 11, 21:
		return s.point(hasZ)
	case 8, 18, 28:
		return s.multiPoint(hasZ)
	case 3, 13, 23, 5, 15, 25:
		return s.parts(t%10 == 5, hasZ)
	case 31:
		return geo.Geometry{}, errors.New("a MultiPatch is no geometry that can be stored")
	}
	return geo.Geometry{}, fmt.Errorf("unknown shape type %d", t)
}

func (s *shapeReader) point(hasZ bool) (geo.Geometry, error) {
	g := geo.Geometry{Type: geo.Point, HasZ: hasZ}
	if !s.has(8 * g.Stride()) {
		return g, errShort
	}
	for range g.Stride() {
		g.Coords = append(g.Coords, s.float())
	}
	return g, nil
}

// xyz reads n x, y pairs, and behind them, with Z, a range and n heights.
func (s *shapeReader) xyz(g *geo.Geometry, n int) error {
	need := 16 * n
	if g.HasZ {
		need += 16 + 8*n
	}
	if n < 0 || n > len(s.b) || !s.has(need) {
		return errShort
	}
	stride := g.Stride()
	g.Coords = make([]float64, n*stride)
	for i := 0; i < len(g.Coords); i += stride {
		g.Coords[i], g.Coords[i+1] = s.float(), s.float()
	}
	if g.HasZ {
		s.i += 16
		for i := 2; i < len(g.Coords); i += stride {
			g.Coords[i] = s.float()
		}
	}
	return nil
}

func (s *shapeReader) multiPoint(hasZ bool) (geo.Geometry, error) {
	g := geo.Geometry{Type: geo.MultiPoint, HasZ: hasZ}
	if !s.has(36) {
		return g, errShort
	}
	s.i += 32
	return g, s.xyz(&g, int(s.uint32()))
}

// parts reads a PolyLine or Polygon.
func (s *shapeReader) parts(polygon, hasZ bool) (geo.Geometry, error) {
	g := geo.Geometry{HasZ: hasZ}
	if !s.has(40) {
		return g, errShort
	}
	s.i += 32
	parts, points := int(s.uint32()), int(s.uint32())
	if parts > len(s.b)/4 || !s.has(4*parts) {
		return g, errShort
	}
	starts := make([]int, parts+1)
	for i := range parts {
		starts[i] = int(s.uint32())
	}
	starts[parts] = points
	for i := range parts {
		if starts[i] > starts[i+1] || i == 0 && starts[0] != 0 {
			return g, errors.New("the parts of the shape are out of order")
		}
	}
	if err := s.xyz(&g, points); err != nil {
		return g, err
	}
	for _, end := range starts[1:] {
		g.Ends = append(g.Ends, int32(end))
	}
	switch {
	case polygon:
		return group(&g), nil
	case parts == 1:
		g.Type = geo.LineString
	default:
		g.Type = geo.MultiLineString
	}
	return g, nil
}

// ringBox is one ring while rings are grouped.
type ringBox struct {
	index int
	box   geo.Box
	area  float64 // signed; negative runs clockwise, as outer rings do here
}

// group makes polygons of rings: clockwise ones are outer, and each other is a hole
// of the smallest outer ring around it. A hole in no outer ring is taken as one
// itself: writers get the direction wrong.
func group(g *geo.Geometry) geo.Geometry {
	var outers, holes []ringBox
	for i := range g.Ends {
		r := measure(g, i)
		if r.area < 0 || len(g.Ends) == 1 {
			outers = append(outers, r)
		} else {
			holes = append(holes, r)
		}
	}
	of := make(map[int][]int) // outer ring → its holes
	for _, h := range holes {
		best := -1
		for k := range outers {
			o := &outers[k]
			if o.area < 0 && o.box.ContainsBox(h.box) && (best < 0 || o.area > outers[best].area) && contains(g, o.index, h.index) {
				best = k
			}
		}
		if best < 0 {
			outers = append(outers, h)
		} else {
			of[outers[best].index] = append(of[outers[best].index], h.index)
		}
	}
	out := geo.Geometry{Type: geo.Polygon, HasZ: g.HasZ}
	if len(outers) > 1 {
		out.Type = geo.MultiPolygon
	}
	add := func(ring int) {
		out.Coords = append(out.Coords, g.Line(ring)...)
		out.Ends = append(out.Ends, int32(out.NumPositions()))
	}
	for _, o := range outers {
		add(o.index)
		for _, h := range of[o.index] {
			add(h)
		}
		if out.Type == geo.MultiPolygon {
			out.Polys = append(out.Polys, int32(len(out.Ends)))
		}
	}
	return out
}

func measure(g *geo.Geometry, ring int) ringBox {
	r := ringBox{index: ring, box: geo.EmptyBox()}
	l, s := g.Line(ring), g.Stride()
	for i := 0; i+1 < len(l); i += s {
		r.box = r.box.Extend(l[i], l[i+1])
		if i+s < len(l) {
			r.area += (l[i]-l[0])*(l[i+s+1]-l[1]) - (l[i+s]-l[0])*(l[i+1]-l[1])
		}
	}
	return r
}

// contains reports whether the first position of the hole that is no corner of the
// outer ring lies inside it (crossings of a ray to the east).
func contains(g *geo.Geometry, outer, hole int) bool {
	o, h, s := g.Line(outer), g.Line(hole), g.Stride()
	for k := 0; k+1 < len(h); k += s {
		x, y := h[k], h[k+1]
		inside, corner := false, false
		for i := 0; i+s+1 < len(o); i += s {
			x1, y1, x2, y2 := o[i], o[i+1], o[i+s], o[i+s+1]
			if x1 == x && y1 == y {
				corner = true
				break
			}
			if (y1 > y) != (y2 > y) && x < x1+(y-y1)/(y2-y1)*(x2-x1) {
				inside = !inside
			}
		}
		if !corner {
			return inside
		}
	}
	return true
}
