package geo

import (
	"math"
	"slices"
)

// Clipper cuts lines and polygons on an integer plane (the mercator grid or tile
// units) to a rectangle. It keeps its buffers from call to call, so that a warm
// one allocates nothing. The zero value is ready; it is not safe for concurrent use.
//
// Coordinates are x0 y0 x1 y1 ...; rings are open (the first position is not
// repeated). Cuts are rounded to whole units, the same way for an edge in either
// direction, so that two polygons that share an edge still share it when cut.
type Clipper struct {
	a, b   ringSet
	chains []chain
	cross  []crossing
	used   []bool
	keep   []int32
}

type ringSet struct {
	coords []int32
	ends   []int32 // index in positions one past each ring
}

func (s *ringSet) reset() { s.coords, s.ends = s.coords[:0], s.ends[:0] }

func (s *ringSet) ring(i int) []int32 {
	var from int32
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.coords[from*2 : s.ends[i]*2]
}

func (s *ringSet) close() { s.ends = append(s.ends, int32(len(s.coords)/2)) }

// chain is a run of a ring inside the half-plane, from where it enters to where
// it leaves; both ends lie on the border.
type chain struct {
	from, to int32 // positions in keep
	next     int32 // the chain of the same ring that follows, for closing in ring order
}

type crossing struct {
	at    float64 // along the border
	chain int32
	out   bool // the chain leaves here
}

// side is one border of the rectangle: inside where sign·coordinate[axis] ≤ sign·c.
type side struct {
	axis int
	sign int32
	c    int32
}

func (b GridBox) sides() [4]side {
	return [4]side{{0, -1, b.MinX}, {0, 1, b.MaxX}, {1, -1, b.MinY}, {1, 1, b.MaxY}}
}

func (s side) inside(p []int32) bool {
	if s.sign > 0 {
		return p[s.axis] <= s.c
	}
	return p[s.axis] >= s.c
}

// cut returns where the segment p–q crosses the border, along the border, not rounded.
func (s side) cut(p, q []int32) float64 {
	if p[s.axis] > q[s.axis] {
		p, q = q, p
	}
	o := 1 - s.axis
	t := float64(int64(s.c)-int64(p[s.axis])) / float64(int64(q[s.axis])-int64(p[s.axis]))
	return float64(p[o]) + float64(t*float64(int64(q[o])-int64(p[o])))
}

func (s side) point(at float64) (x, y int32) {
	v := int32(math.Floor(at + 0.5))
	if s.axis == 0 {
		return s.c, v
	}
	return v, s.c
}

// Polygon clips one polygon: rings as coords and ends (index in positions one past
// each ring), outer ring first, holes running the other way round. It returns the
// rings of what is left, sharing the Clipper's memory until the next call. What
// was one polygon may be several: the caller tells outer rings from holes by their
// direction, which is kept. Rings may touch themselves at single positions but
// have no double edges along the border.
func (c *Clipper) Polygon(coords, ends []int32, box GridBox) (outCoords, outEnds []int32) {
	in := ringSet{coords, ends}
	dst, other := &c.a, &c.b
	for _, s := range box.sides() {
		if s.allInside(in.coords) {
			continue
		}
		dst.reset()
		c.half(dst, &in, s)
		in = *dst
		if len(in.ends) == 0 {
			return nil, nil
		}
		dst, other = other, dst
	}
	return in.coords, in.ends
}

func (s side) allInside(coords []int32) bool {
	if s.sign > 0 {
		for i := s.axis; i < len(coords); i += 2 {
			if coords[i] > s.c {
				return false
			}
		}
		return true
	}
	for i := s.axis; i < len(coords); i += 2 {
		if coords[i] < s.c {
			return false
		}
	}
	return true
}

// half appends to dst what of the rings lies on the inner side of s.
func (c *Clipper) half(dst, in *ringSet, s side) {
	c.chains, c.cross, c.keep = c.chains[:0], c.cross[:0], c.keep[:0]
	for r := range in.ends {
		ring := in.ring(r)
		n := len(ring) / 2
		start, any := -1, false
		for i := range n {
			if s.inside(ring[i*2:]) {
				any = true
				if p := (i + n - 1) % n; start < 0 && !s.inside(ring[p*2:]) {
					start = i
				}
			}
		}
		switch {
		case !any:
		case start < 0:
			dst.coords = append(dst.coords, ring...)
			dst.close()
		default:
			c.chainsOf(ring, start, s)
		}
	}
	if len(c.chains) == 0 {
		return
	}
	if len(c.chains) > 1 {
		c.link()
	}
	c.join(dst)
}

// chainsOf collects the runs of one ring inside s; the run that enters at vertex start is first.
func (c *Clipper) chainsOf(ring []int32, start int, s side) {
	n := len(ring) / 2
	first := int32(len(c.chains))
	for k := 0; k < n; {
		i := (start + k) % n
		if !s.inside(ring[i*2:]) {
			k++
			continue
		}
		id := int32(len(c.chains))
		p := (i + n - 1) % n
		from := int32(len(c.keep) / 2)
		at := s.cut(ring[p*2:p*2+2], ring[i*2:i*2+2])
		x, y := s.point(at)
		c.keep = append(c.keep, x, y)
		c.cross = append(c.cross, crossing{at, id, false})
		for s.inside(ring[i*2:]) {
			c.keep = append(c.keep, ring[i*2], ring[i*2+1])
			k++
			p, i = i, (i+1)%n
		}
		at = s.cut(ring[p*2:p*2+2], ring[i*2:i*2+2])
		x, y = s.point(at)
		c.keep = append(c.keep, x, y)
		c.cross = append(c.cross, crossing{at, id, true})
		c.chains = append(c.chains, chain{from, int32(len(c.keep) / 2), id + 1})
	}
	c.chains[len(c.chains)-1].next = first
}

// link pairs the crossings along the border: between an even one and the next odd
// one the border is inside the polygon. It sets chain.next to the chain that goes
// on where a chain leaves. When a pair does not join an end to a start, the input is
// not a valid polygon; its chains then stay in ring order, closed along the border
// as Sutherland and Hodgman do.
func (c *Clipper) link() {
	slices.SortFunc(c.cross, func(a, b crossing) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return int(a.chain - b.chain)
	})
	for i := 0; i < len(c.cross); i += 2 {
		a := c.cross[i]
		for j := i + 1; j < len(c.cross); j++ { // among equals, take one that fits
			if j > i+1 && c.cross[j].at != c.cross[i+1].at {
				return
			}
			if c.cross[j].out != a.out {
				c.cross[i+1], c.cross[j] = c.cross[j], c.cross[i+1]
				break
			}
			if j == len(c.cross)-1 {
				return
			}
		}
	}
	for i := 0; i < len(c.cross); i += 2 {
		a, b := c.cross[i], c.cross[i+1]
		if a.out {
			c.chains[a.chain].next = b.chain
		} else {
			c.chains[b.chain].next = a.chain
		}
	}
}

// join appends the rings that the chains form along chain.next.
func (c *Clipper) join(dst *ringSet) {
	c.used = append(c.used[:0], make([]bool, len(c.chains))...)
	for i := range c.chains {
		if c.used[i] {
			continue
		}
		for j := int32(i); !c.used[j]; j = c.chains[j].next {
			c.used[j] = true
			dst.coords = append(dst.coords, c.keep[c.chains[j].from*2:c.chains[j].to*2]...)
		}
		dst.close()
	}
}

// Line appends to coords and ends the parts of a line that lie in the box, and
// returns both. A part that only touches the box in one position is left out.
func (c *Clipper) Line(coords, ends, line []int32, box GridBox) ([]int32, []int32) {
	open := false
	for i := 0; i+3 < len(line); i += 2 {
		x0, y0, x1, y1, ok := clipSegment(line[i], line[i+1], line[i+2], line[i+3], box)
		if !ok || (x0 == x1 && y0 == y1 && (line[i] != line[i+2] || line[i+1] != line[i+3])) {
			if open {
				ends, open = append(ends, int32(len(coords)/2)), false
			}
			continue
		}
		if !open {
			coords, open = append(coords, x0, y0), true
		}
		coords = append(coords, x1, y1)
		if x1 != line[i+2] || y1 != line[i+3] {
			ends, open = append(ends, int32(len(coords)/2)), false
		}
	}
	if open {
		ends = append(ends, int32(len(coords)/2))
	}
	return coords, ends
}

// clipSegment is the part of a segment in the box, borders included (Liang and
// Barsky 1984), rounded to whole units. The segment is taken in a fixed direction,
// so that the cuts do not depend on how it runs.
func clipSegment(x0, y0, x1, y1 int32, b GridBox) (int32, int32, int32, int32, bool) {
	swap := x0 > x1 || (x0 == x1 && y0 > y1)
	if swap {
		x0, y0, x1, y1 = x1, y1, x0, y0
	}
	t0, t1 := 0.0, 1.0
	dx, dy := float64(int64(x1)-int64(x0)), float64(int64(y1)-int64(y0))
	for _, e := range [4][2]float64{
		{-dx, float64(int64(x0) - int64(b.MinX))}, {dx, float64(int64(b.MaxX) - int64(x0))},
		{-dy, float64(int64(y0) - int64(b.MinY))}, {dy, float64(int64(b.MaxY) - int64(y0))},
	} {
		p, q := e[0], e[1]
		switch {
		case p == 0 && q < 0:
			return 0, 0, 0, 0, false
		case p < 0:
			t0 = max(t0, q/p)
		case p > 0:
			t1 = min(t1, q/p)
		}
	}
	if t0 > t1 {
		return 0, 0, 0, 0, false
	}
	ax, ay, bx, by := x0, y0, x1, y1
	if t0 > 0 {
		ax, ay = x0+int32(math.Floor(t0*dx+0.5)), y0+int32(math.Floor(t0*dy+0.5))
	}
	if t1 < 1 {
		bx, by = x0+int32(int64(math.Floor(t1*dx+0.5))), y0+int32(int64(math.Floor(t1*dy+0.5)))
	}
	if swap {
		return bx, by, ax, ay, true
	}
	return ax, ay, bx, by, true
}
