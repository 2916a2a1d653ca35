package index

import (
	"math"

	"nagar/catalog"
	"nagar/geo"
)

// Neighbour is a feature and its ground distance in metres.
type Neighbour struct {
	Ref    Ref
	Key    catalog.Key
	Metres float64
}

// before is the order of neighbours: distance, then key.
func (n Neighbour) before(m Neighbour) bool {
	return n.Metres < m.Metres || n.Metres == m.Metres && n.Key < m.Key
}

// Nearest walks a snapshot from the position lon, lat in degrees outward, and
// calls fn for each feature for which accept is true, by ground distance to the
// geometry (0 inside a polygon), ties by key, until fn returns false. accept is
// asked once per feature, before its turn, in no certain order; the walk ends when
// it no longer wants more.
//
// The distance is geo.Distance to the position of the geometry that is closest on
// a plane true to scale at lon, lat.
func (f *Finder) Nearest(s *Snapshot, lon, lat float64, accept func(Ref) (use, more bool), fn func(Neighbour) bool) {
	q := newNearQuery(lon, lat)
	var queue nearQueue
	for i, p := range s.parts {
		if top := p.seg.tree.top(); top >= 0 {
			queue.push(nearItem{at: q.bound(p.seg.tree.box(top, 0)), part: int32(i), level: int8(top)})
		}
	}
	var sh Shape
	for len(queue) > 0 {
		it := queue.pop()
		p := s.parts[it.part]
		switch {
		case it.level == isFeature:
			if !fn(Neighbour{Ref{it.part, it.node}, it.key, it.at}) {
				return
			}
		case it.level == 0:
			r := Ref{it.part, it.node}
			if p.dead != nil && p.dead.has(it.node) {
				continue
			}
			use, more := accept(r)
			if !more {
				return
			}
			if !use {
				continue
			}
			d := q.distance(p.seg, it.node, &sh)
			queue.push(nearItem{at: d, key: p.seg.Key(it.node), part: it.part, level: isFeature, node: it.node})
		default:
			t := &p.seg.tree
			from, to := t.children(int(it.level), it.node)
			for j := from; j < to; j++ {
				queue.push(nearItem{at: q.bound(t.box(int(it.level)-1, j)), part: it.part, level: it.level - 1, node: j})
			}
		}
	}
}

const isFeature = -1 // level of an item whose distance is known

type nearItem struct {
	at    float64 // metres; for a node a lower bound
	key   catalog.Key
	part  int32
	node  int32
	level int8
}

// before puts nodes ahead of features at the same distance: a node may hold a
// feature of a smaller key.
func (a nearItem) before(b nearItem) bool {
	switch {
	case a.at != b.at:
		return a.at < b.at
	case (a.level == isFeature) != (b.level == isFeature):
		return b.level == isFeature
	}
	return a.key < b.key
}

// nearQueue is a binary heap.
type nearQueue []nearItem

func (q *nearQueue) push(it nearItem) {
	h := append(*q, it)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !it.before(h[p]) {
			break
		}
		h[i], i = h[p], p
	}
	h[i] = it
	*q = h
}

func (q *nearQueue) pop() nearItem {
	h := *q
	top := h[0]
	it := h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		c := 2*i + 1
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if c >= len(h) || !h[c].before(it) {
			h[i] = it
			break
		}
		h[i], i = h[c], c
	}
	*q = h
	return top
}

// nearQuery is a position and the scales around it.
type nearQuery struct {
	lon, lat float64
	x, y     float64 // grid, not rounded
	gx, gy   int32
	kx, ky   float64 // metres per grid unit at the position
	own      float64 // geo.MercatorScale there
}

func newNearQuery(lon, lat float64) nearQuery {
	q := nearQuery{lon: lon, lat: lat}
	q.gx, q.gy = geo.Project(lon, lat)
	s := math.Sin(min(max(lat, -geo.MaxLatitude), geo.MaxLatitude) * (math.Pi / 180))
	q.x = lon * ((1 << 32) / 360.0)
	q.y = -math.Log((1+s)/(1-s)) * ((1 << 31) / (2 * math.Pi))
	q.own = geo.MercatorScale(q.y)
	mx, my := geo.MetresPerDegree(lat)
	// A grid unit is 360/2³² degrees of longitude, and cos(lat) times that of latitude.
	const unit = 360.0 / (1 << 32)
	q.kx, q.ky = mx*unit, my*unit*q.own
	return q
}

// flattest is the least ratio of a ground distance on the ellipsoid to that on
// the sphere of mercator: the meridian at the equator, (1-e²) = 0.99331.
const flattest = 0.9932

// bound is no greater than the distance to anything in the box.
func (q *nearQuery) bound(b geo.GridBox) float64 {
	dx := max(float64(b.MinX)-q.x, 0, q.x-float64(b.MaxX))
	dy := max(float64(b.MinY)-q.y, 0, q.y-float64(b.MaxY))
	if dx == 0 && dy == 0 {
		return 0
	}
	scale := q.own
	if farthest := max(math.Abs(float64(b.MinY)), math.Abs(float64(b.MaxY))); farthest > math.Abs(q.y) {
		scale = geo.MercatorScale(farthest)
	}
	d := math.Sqrt(dx*dx+dy*dy) * geo.MercatorUnit * scale * flattest
	if d > 1e6 { // straight on the map is not the shortest way over the globe: be careful
		d *= 0.5
	}
	return d
}

// distance is the ground distance in metres to feature h.
func (q *nearQuery) distance(s *Segment, h int32, sh *Shape) float64 {
	best := math.Inf(1)
	for ok := s.Shape(h, sh); ok; ok = sh.Next() {
		if sh.side(q.gx, q.gy) != geo.Outside {
			return 0
		}
		if x, y, ok := sh.closest(q.x, q.y, q.kx, q.ky); ok {
			lon := x * (360.0 / (1 << 32))
			best = min(best, geo.Distance(q.lon, q.lat, lon, geo.LatitudeOf(y)))
		}
	}
	return best
}
