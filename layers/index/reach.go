package index

import (
	"math"

	"nagar/geo"
)

// Reach is everything within a ground distance of a query geometry of any type,
// made ready: the boxes of its edges, grown by the distance, are in a tree, so
// that a feature is compared with the few edges that can be near enough. It is
// used by one goroutine at a time.
type Reach struct {
	metres  float64
	edges   []edge // lines and rings; a point is an edge without length
	boxes   tree   // of the edges, grown
	starts  []edge // the first edge of each part
	regions []*Region

	near  []int32 // edges near the one in hand
	strip int32   // for whose latitude kx and ky hold
	kx    float64 // metres per grid unit; 0: not known yet
	ky    float64
}

type edge struct{ ax, ay, bx, by int32 }

func (e edge) box() geo.GridBox {
	return geo.GridBox{MinX: min(e.ax, e.bx), MinY: min(e.ay, e.by), MaxX: max(e.ax, e.bx), MaxY: max(e.ay, e.by)}
}

// NewReach makes a geometry ready, degrees; metres ≥ 0.
func NewReach(g *geo.Geometry, metres float64) *Reach {
	r := &Reach{metres: metres}
	r.add(g)
	leaves := make([]geo.GridBox, len(r.edges))
	for i, e := range r.edges {
		leaves[i] = grown(e.box(), metres)
	}
	r.boxes = newTree(leaves) // edges come one after the other along a line: near in order, near in space
	return r
}

func (r *Reach) add(g *geo.Geometry) {
	for i := range g.Geoms {
		r.add(&g.Geoms[i])
	}
	if g.Type == geo.GeometryCollection || g.Type == geo.None || g.IsEmpty() {
		return
	}
	var words packer
	words.box = geo.EmptyGridBox()
	words.headed(g)
	sh := Shape{rest: words.words}
	sh.Next()
	if sh.NumPolygons() > 0 {
		r.regions = append(r.regions, NewRegion(g))
	}
	sh.parts(func(part []int32) {
		r.starts = append(r.starts, edge{part[0], part[1], part[0], part[1]})
	})
	sh.lines(func(e edge) { r.edges = append(r.edges, e) })
}

// parts calls fn for each point, line or ring.
func (sh *Shape) parts(fn func(part []int32)) {
	if len(sh.Ends) == 0 {
		for i := 0; i+1 < len(sh.Coords); i += 2 {
			fn(sh.Coords[i : i+2])
		}
		return
	}
	for i := range sh.Ends {
		if part := sh.Ring(i); len(part) >= 2 {
			fn(part)
		}
	}
}

// lines calls fn for each edge; a point, and what has shrunk to one, is an edge
// without length.
func (sh *Shape) lines(fn func(edge)) {
	rings := sh.NumPolygons() > 0
	sh.parts(func(c []int32) {
		n := len(c)
		if n == 2 {
			fn(edge{c[0], c[1], c[0], c[1]})
			return
		}
		for i := 0; i+3 < n; i += 2 {
			fn(edge{c[i], c[i+1], c[i+2], c[i+3]})
		}
		if rings {
			fn(edge{c[n-2], c[n-1], c[0], c[1]})
		}
	})
}

// grown is a box that holds everything within a ground distance of b.
func grown(b geo.GridBox, metres float64) geo.GridBox {
	units := func(farthest float64) float64 {
		return metres / (geo.MercatorUnit * geo.MercatorScale(min(farthest, 1<<31)) * flattest)
	}
	farthest := max(math.Abs(float64(b.MinY)), math.Abs(float64(b.MaxY)))
	// The scale falls towards the poles: take that of twice as far out.
	return b.Grow(int64(min(units(farthest+2*units(farthest))+2, 1<<30)))
}

// Box holds all that is within reach.
func (r *Reach) Box() geo.GridBox { return r.boxes.all() }

// touches reports whether anything in the box may be within reach.
func (r *Reach) touches(b geo.GridBox) bool {
	for _, region := range r.regions { // what lies deep inside is far from all edges
		if region.box.Intersects(b) {
			return true
		}
	}
	return r.boxes.count(b, 1) > 0
}

// Reaching returns the features that may be within reach, in canonical order; the
// slice is the Finder's until the next call.
func (f *Finder) Reaching(s *Snapshot, r *Reach) []Ref {
	return f.gather(s, func(i int) []int32 {
		f.handles = f.handles[:0]
		t := &s.parts[i].seg.tree
		if top := t.top(); top >= 0 {
			f.handles = t.reaching(top, 0, r, f.handles)
		}
		return f.handles
	})
}

func (t *tree) reaching(level int, i int32, r *Reach, dst []int32) []int32 {
	if !r.touches(t.box(level, i)) {
		return dst
	}
	if level == 0 {
		return append(dst, i)
	}
	from, to := t.children(level, i)
	for j := from; j < to; j++ {
		dst = t.reaching(level-1, j, r, dst)
	}
	return dst
}

// WithinReach returns the ground distance in metres from feature h to the query
// geometry, 0 where they share a position, and whether that is within reach. As
// in Nearest, it is geo.Distance between the two positions that are closest on a
// plane true to scale there; edges are straight on the map. sh is room to work in.
func (s *Segment) WithinReach(h int32, r *Reach, sh *Shape) (metres float64, ok bool) {
	best := closestPair{square: math.Inf(1)}
	for ok := s.Shape(h, sh); ok; ok = sh.Next() {
		if r.inside(sh) || r.surrounded(sh) {
			return 0, true
		}
		sh.lines(func(e edge) {
			if best.square == 0 {
				return
			}
			r.near = r.boxes.search(e.box(), r.near[:0])
			for _, i := range r.near {
				r.compare(e, r.edges[i], &best)
			}
		})
		if best.square == 0 {
			return 0, true
		}
	}
	if math.IsInf(best.square, 1) {
		return 0, false
	}
	metres = geo.Distance(degreesOf(best.px), geo.LatitudeOf(best.py), degreesOf(best.qx), geo.LatitudeOf(best.qy))
	return metres, metres <= r.metres
}

func degreesOf(x float64) float64 { return x * (360.0 / (1 << 32)) }

// inside reports whether a part of the shape begins in a polygon of the query.
func (r *Reach) inside(sh *Shape) bool {
	in := false
	for _, region := range r.regions {
		sh.parts(func(part []int32) { in = in || region.contains(part[0], part[1]) })
	}
	return in
}

// surrounded reports whether a part of the query begins in a polygon of the shape.
func (r *Reach) surrounded(sh *Shape) bool {
	if sh.NumPolygons() == 0 {
		return false
	}
	for _, e := range r.starts {
		if sh.side(e.ax, e.ay) != geo.Outside {
			return true
		}
	}
	return false
}

// closestPair are two positions, grid units, and the square of the metres between.
type closestPair struct {
	square         float64
	px, py, qx, qy float64
}

// compare keeps the closest positions of two edges if they are closer than best.
func (r *Reach) compare(e, f edge, best *closestPair) {
	if geo.SegmentsMeet(e.ax, e.ay, e.bx, e.by, f.ax, f.ay, f.bx, f.by) {
		best.square = 0
		return
	}
	r.scaleAt(e.ay)
	ox, oy := float64(e.ax), float64(e.ay)
	on := func(x, y int32) (float64, float64) { return (float64(x) - ox) * r.kx, (float64(y) - oy) * r.ky }
	bx, by := on(e.bx, e.by)
	cx, cy := on(f.ax, f.ay)
	dx, dy := on(f.bx, f.by)
	try := func(px, py, ax, ay, bx, by float64) {
		qx, qy := geo.ClosestOnSegment(px, py, ax, ay, bx, by)
		if d := (px-qx)*(px-qx) + (py-qy)*(py-qy); d < best.square {
			*best = closestPair{d, ox + px/r.kx, oy + py/r.ky, ox + qx/r.kx, oy + qy/r.ky}
		}
	}
	try(0, 0, cx, cy, dx, dy)
	try(bx, by, cx, cy, dx, dy)
	try(cx, cy, 0, 0, bx, by)
	try(dx, dy, 0, 0, bx, by)
}

// scaleAt sets kx and ky for grid Y, to that of its strip of 2¹⁴ units (152 m at
// the equator).
func (r *Reach) scaleAt(y int32) {
	strip := y >> 14
	if r.kx != 0 && strip == r.strip {
		return
	}
	r.strip = strip
	at := float64(strip)*(1<<14) + 1<<13
	mx, my := geo.MetresPerDegree(geo.LatitudeOf(at))
	const unit = 360.0 / (1 << 32)
	r.kx, r.ky = mx*unit, my*unit*geo.MercatorScale(at)
}
