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
	queue := &f.queue
	queue.begin(s)
	for i, p := range s.parts {
		if top := p.seg.tree.top(); top >= 0 {
			queue.push(newNearItem(q.bound(p.seg.tree.box(top, 0)), i, top, 0))
		}
	}
	for len(queue.heap) > 0 {
		it := queue.pop()
		part := it.part()
		p := &s.parts[part]
		switch level := it.level(); level {
		case isFeature:
			if !fn(Neighbour{Ref{int32(part), it.node}, p.seg.Key(it.node), it.at}) {
				return
			}
		case 0:
			if p.dead != nil && p.dead.has(it.node) {
				continue
			}
			use, more := accept(Ref{int32(part), it.node})
			if !more {
				return
			}
			if use {
				queue.push(newNearItem(q.distance(p.seg, it.node, &f.shape), part, isFeature, it.node))
			}
		default:
			t := &p.seg.tree
			from, to := t.children(level, it.node)
			base := t.levels[level-1]
			for j, b := range t.boxes[base+from : base+to] {
				queue.push(newNearItem(q.bound(b), part, level-1, from+int32(j)))
			}
		}
	}
}

const isFeature = -1 // level of an item whose distance is known

// nearItem is a node or a feature that waits for its turn.
type nearItem struct {
	at   float64 // metres; for a node a lower bound
	node int32
	tag  uint32 // part and level
}

func newNearItem(at float64, part, level int, node int32) nearItem {
	return nearItem{at: at, node: node, tag: uint32(part)<<4 | uint32(level-isFeature)}
}

func (it nearItem) part() int  { return int(it.tag >> 4) }
func (it nearItem) level() int { return int(it.tag&15) + isFeature }

// nearQueue is a binary heap that keeps its memory.
type nearQueue struct {
	heap []nearItem
	snap *Snapshot
}

func (q *nearQueue) begin(s *Snapshot) { q.heap, q.snap = q.heap[:0], s }

// before puts nodes ahead of features at the same distance: a node may hold a
// feature of a smaller key.
func (q *nearQueue) before(a, b nearItem) bool {
	return a.at < b.at || a.at == b.at && q.beforeAtSame(a, b)
}

func (q *nearQueue) beforeAtSame(a, b nearItem) bool {
	if a.level() != isFeature || b.level() != isFeature {
		return a.level() != isFeature && b.level() == isFeature
	}
	return q.snap.parts[a.part()].seg.Key(a.node) < q.snap.parts[b.part()].seg.Key(b.node)
}

func (q *nearQueue) push(it nearItem) {
	h := append(q.heap, it)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !q.before(it, h[p]) {
			break
		}
		h[i], i = h[p], p
	}
	h[i] = it
	q.heap = h
}

func (q *nearQueue) pop() nearItem {
	h := q.heap
	top := h[0]
	it := h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		c := 2*i + 1
		if c+1 < len(h) && q.before(h[c+1], h[c]) {
			c++
		}
		if c >= len(h) || !q.before(h[c], it) {
			h[i] = it
			break
		}
		h[i], i = h[c], c
	}
	q.heap = h
	return top
}

// nearQuery is a position and the scales around it.
type nearQuery struct {
	lon, lat float64
	x, y     float64 // grid, not rounded
	gx, gy   int32
	kx, ky   float64 // metres per grid unit at the position
	own      float64 // geo.MercatorScale there
	near     [2]struct{ farthest, scale float64 }
}

func newNearQuery(lon, lat float64) nearQuery {
	q := nearQuery{lon: lon, lat: lat}
	q.gx, q.gy = geo.Project(lon, lat)
	s := math.Sin(min(max(lat, -geo.MaxLatitude), geo.MaxLatitude) * (math.Pi / 180))
	q.x = lon * ((1 << 32) / 360.0)
	q.y = -math.Log((1+s)/(1-s)) * ((1 << 31) / (2 * math.Pi))
	q.own = geo.MercatorScale(q.y)
	for i, d := range [...]float64{1 << 18, 1 << 22} { // 2.4 and 39 km at the equator
		q.near[i].farthest = math.Abs(q.y) + d
		q.near[i].scale = geo.MercatorScale(q.near[i].farthest)
	}
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
		scale = q.scaleAt(farthest)
	}
	d := math.Sqrt(dx*dx+dy*dy) * geo.MercatorUnit * scale * flattest
	if d > 1e6 { // straight on the map is not the shortest way over the globe: be careful
		d *= 0.5
	}
	return d
}

// scaleAt is no greater than geo.MercatorScale at a distance from the equator; near
// the position it costs nothing.
func (q *nearQuery) scaleAt(farthest float64) float64 {
	for i := range q.near {
		if farthest <= q.near[i].farthest {
			return q.near[i].scale
		}
	}
	return geo.MercatorScale(farthest)
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
