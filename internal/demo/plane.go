package demo

import (
	"math"
	"slices"
)

// vec is a position or direction in metres on the local plane: x east, y north.
type vec struct{ x, y float64 }

func (a vec) add(b vec) vec             { return vec{a.x + b.x, a.y + b.y} }
func (a vec) sub(b vec) vec             { return vec{a.x - b.x, a.y - b.y} }
func (a vec) mul(s float64) vec         { return vec{a.x * s, a.y * s} }
func (a vec) dot(b vec) float64         { return a.x*b.x + a.y*b.y }
func (a vec) cross(b vec) float64       { return a.x*b.y - a.y*b.x }
func (a vec) len() float64              { return math.Hypot(a.x, a.y) }
func (a vec) left() vec                 { return vec{-a.y, a.x} }
func (a vec) lerp(b vec, t float64) vec { return vec{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t} }

func (a vec) unit() vec {
	if l := a.len(); l > 0 {
		return a.mul(1 / l)
	}
	return vec{1, 0}
}

// turn rotates a by the angle in radians.
func (a vec) turn(angle float64) vec {
	s, c := math.Sincos(angle)
	return vec{a.x*c - a.y*s, a.x*s + a.y*c}
}

// shape is a simple polygon, counter-clockwise, not closed. gap[i] is how far
// from the edge pts[i]→pts[i+1] nothing may stand: half a road and its footpath.
// A negative gap marks an edge between lots: -gap is the room to leave beside it.
type shape struct {
	pts []vec
	gap []float64
}

func area(p []vec) float64 {
	var s float64
	for i, a := range p {
		s += a.cross(p[(i+1)%len(p)])
	}
	return s / 2
}

func centroid(p []vec) vec {
	var c vec
	var s float64
	o := p[0]
	for i := range p {
		a, b := p[i].sub(o), p[(i+1)%len(p)].sub(o)
		k := a.cross(b)
		c = c.add(a.add(b).mul(k))
		s += k
	}
	if math.Abs(s) < 1e-9 {
		return o
	}
	return o.add(c.mul(1 / (3 * s)))
}

func inside(p []vec, q vec) bool {
	in := false
	for i, j := 0, len(p)-1; i < len(p); j, i = i, i+1 {
		a, b := p[i], p[j]
		if (a.y > q.y) != (b.y > q.y) && q.x < (b.x-a.x)*(q.y-a.y)/(b.y-a.y)+a.x {
			in = !in
		}
	}
	return in
}

// frame is an oriented bounding box: centre, direction of the longer side, and sizes.
type frame struct {
	c      vec
	u      vec // unit, along the longer side
	lu, lv float64
}

// box returns the smallest of the bounding boxes along the shape's longer edges.
func (s *shape) box() frame {
	var longest float64
	for i, a := range s.pts {
		longest = max(longest, s.pts[(i+1)%len(s.pts)].sub(a).len())
	}
	best := frame{lu: math.Inf(1), lv: 1}
	for i, a := range s.pts {
		e := s.pts[(i+1)%len(s.pts)].sub(a)
		if e.len() < longest/4 {
			continue
		}
		if f := boxAlong(s.pts, e.unit()); f.lu*f.lv < best.lu*best.lv*0.999 {
			best = f
		}
	}
	return best
}

func boxAlong(p []vec, u vec) frame {
	v := u.left()
	u0, u1, v0, v1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, q := range p {
		a, b := q.dot(u), q.dot(v)
		u0, u1, v0, v1 = min(u0, a), max(u1, a), min(v0, b), max(v1, b)
	}
	f := frame{c: u.mul((u0 + u1) / 2).add(v.mul((v0 + v1) / 2)), u: u, lu: u1 - u0, lv: v1 - v0}
	if f.lv > f.lu {
		f.u, f.lu, f.lv = v, f.lv, f.lu
	}
	return f
}

type crossing struct {
	t    float64 // along the cutting line
	node int
}

// cutter holds the scratch memory of split, which runs for every street and lot.
type cutter struct {
	pts   []vec
	gap   []float64
	next  []int
	cross []crossing
	seen  []bool
}

// split cuts a simple polygon along the line through o with direction d, and
// returns the pieces and the stretches of the line inside it. New edges get gap g.
// Where boundary and line cross, sorted along the line, crossings pair up; linking
// each pair both ways around turns the ring into the rings of its pieces.
func (c *cutter) split(s shape, o, d vec, g float64) (pieces []shape, cuts [][2]vec) {
	n := len(s.pts)
	c.pts, c.gap, c.next, c.cross = c.pts[:0], c.gap[:0], c.next[:0], c.cross[:0]
	side := func(p vec) float64 {
		if x := d.cross(p.sub(o)); math.Abs(x) > 1e-7 {
			return x
		}
		return 1e-7 // on the line counts as left of it
	}
	for i := range n {
		a, b := s.pts[i], s.pts[(i+1)%n]
		c.pts, c.gap = append(c.pts, a), append(c.gap, s.gap[i])
		sa, sb := side(a), side(b)
		if (sa > 0) != (sb > 0) {
			p := a.lerp(b, sa/(sa-sb))
			c.cross = append(c.cross, crossing{p.sub(o).dot(d), len(c.pts)})
			c.pts, c.gap = append(c.pts, p), append(c.gap, s.gap[i])
		}
	}
	if len(c.cross) < 2 || len(c.cross)%2 == 1 {
		return []shape{s}, nil
	}
	m := len(c.pts)
	for i := range m {
		c.next = append(c.next, (i+1)%m)
	}
	slices.SortFunc(c.cross, func(a, b crossing) int {
		if a.t < b.t {
			return -1
		}
		if a.t > b.t {
			return 1
		}
		return a.node - b.node
	})
	for i := 0; i < len(c.cross); i += 2 {
		a, b := c.cross[i].node, c.cross[i+1].node
		cuts = append(cuts, [2]vec{c.pts[a], c.pts[b]})
		a2, b2 := len(c.pts), len(c.pts)+1 // the copies that the way out starts from
		c.pts = append(c.pts, c.pts[a], c.pts[b])
		c.gap = append(c.gap, c.gap[a], c.gap[b])
		c.next = append(c.next, c.next[a], c.next[b])
		c.next[a], c.next[b] = b2, a2
		c.gap[a], c.gap[b] = g, g
	}
	return c.trace(), cuts
}

func (c *cutter) trace() (pieces []shape) {
	c.seen = append(c.seen[:0], make([]bool, len(c.pts))...)
	for i := range c.pts {
		if c.seen[i] {
			continue
		}
		k := 0
		for j := i; !c.seen[j]; j = c.next[j] {
			c.seen[j] = true
			k++
		}
		p := shape{make([]vec, 0, k), make([]float64, 0, k)}
		for j, first := i, true; first || j != i; j, first = c.next[j], false {
			nx := c.pts[c.next[j]]
			if c.pts[j].sub(nx).len() > 0.02 { // drop edges shorter than 2 cm
				p.pts, p.gap = append(p.pts, c.pts[j]), append(p.gap, c.gap[j])
			}
		}
		if len(p.pts) >= 3 && area(p.pts) > 1 {
			pieces = append(pieces, p)
		}
	}
	return pieces
}

// clipHalf keeps the part of a convex polygon left of the line o + t·d, in dst.
func clipHalf(dst, p []vec, o, d vec) []vec {
	dst = dst[:0]
	for i, a := range p {
		b := p[(i+1)%len(p)]
		sa, sb := d.cross(a.sub(o)), d.cross(b.sub(o))
		if sa >= 0 {
			dst = append(dst, a)
		}
		if (sa >= 0) != (sb >= 0) {
			dst = append(dst, a.lerp(b, sa/(sa-sb)))
		}
	}
	return dst
}

// segDist is the distance between two segments, 0 when they cross.
func segDist(a, b, c, d vec) float64 {
	r, s := b.sub(a), d.sub(c)
	if k := r.cross(s); math.Abs(k) > 1e-12 {
		q := c.sub(a)
		t, u := q.cross(s)/k, q.cross(r)/k
		if t >= 0 && t <= 1 && u >= 0 && u <= 1 {
			return 0
		}
	}
	return min(pointSeg(a, c, d), pointSeg(b, c, d), pointSeg(c, a, b), pointSeg(d, a, b))
}

func nearestOn(p, a, b vec) vec {
	d := b.sub(a)
	l := d.dot(d)
	if l == 0 {
		return a
	}
	return a.add(d.mul(min(1, max(0, p.sub(a).dot(d)/l))))
}

func pointSeg(p, a, b vec) float64 { return p.sub(nearestOn(p, a, b)).len() }
