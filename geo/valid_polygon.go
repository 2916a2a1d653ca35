package geo

import (
	"fmt"
	"slices"
)

// maxValidWork bounds the segment comparisons of one Validate: some seconds.
const maxValidWork = 200_000_000

// ringName names a ring for people, counting from one.
func ringName(polygon, ring int, t Type) string {
	name := "the outer ring"
	if ring > 1 {
		name = fmt.Sprintf("hole %d", ring-1)
	}
	if t == MultiPolygon {
		name += fmt.Sprintf(" of polygon %d", polygon)
	}
	return name
}

// validRing is one ring as the validator sees it: vertices from..to of
// validator.p, not closed, without repeats.
type validRing struct {
	from, to int32
	polygon  int32
	ring     int32 // in its polygon; 0 is the outer one
	sign     int8  // 1 runs counter-clockwise, -1 clockwise
}

// ringTouch is a place that two rings share.
type ringTouch struct {
	a, b int32
	at   xy
}

// validator compares all segments of a polygon or multipolygon. Segment i runs
// from vertex i to next(i).
type validator struct {
	t       Type
	p       []xy
	ringOf  []int32
	rings   []validRing
	tree    segmentTree
	touches []ringTouch
	inside  map[[2]int32]bool // of rings that touch: is the first inside the second
	err     *ShapeError
}

func validPolygons(g *Geometry) error {
	v := validator{t: g.Type}
	if err := v.load(g); err != nil {
		return err
	}
	v.tree.build(&v)
	if !v.tree.pairs(&v) && v.err == nil {
		v.err = shapeError(v.p[0].x, v.p[0].y, "the shape is too intricate to be judged in reasonable time")
	}
	if v.err == nil && len(v.rings) > 1 {
		for i := range v.rings {
			v.orient(&v.rings[i])
		}
		v.judgeTouches()
		v.judgeNesting()
	}
	if v.err != nil {
		return v.err
	}
	return nil
}

func (v *validator) load(g *Geometry) error {
	s := g.Stride()
	v.p = make([]xy, 0, g.NumPositions())
	for poly := range g.NumPolygons() {
		from, to := g.PolygonRings(poly)
		for i := from; i < to; i++ {
			l, start := g.Line(i), len(v.p)
			for k := 0; k+1 < len(l); k += s {
				if q := (xy{l[k], l[k+1]}); len(v.p) == start || q != v.p[len(v.p)-1] {
					v.p = append(v.p, q)
				}
			}
			var first, last xy
			if n := len(v.p); n > start {
				first, last = v.p[start], v.p[n-1]
			}
			if err := ringForm(len(l)/s, len(v.p)-start, first, last, poly+1, i-from+1, g.Type); err != nil {
				return err
			}
			v.p = v.p[:len(v.p)-1] // the closing position
			v.rings = append(v.rings, validRing{from: int32(start), to: int32(len(v.p)), polygon: int32(poly), ring: int32(i - from)})
		}
	}
	v.ringOf = make([]int32, len(v.p))
	for r := range v.rings {
		for i := v.rings[r].from; i < v.rings[r].to; i++ {
			v.ringOf[i] = int32(r)
		}
	}
	return nil
}

func (v *validator) next(i int32) int32 {
	if r := &v.rings[v.ringOf[i]]; i+1 == r.to {
		return r.from
	}
	return i + 1
}

func (v *validator) prev(i int32) int32 {
	if r := &v.rings[v.ringOf[i]]; i == r.from {
		return r.to - 1
	}
	return i - 1
}

func (v *validator) name(r int32) string {
	return ringName(int(v.rings[r].polygon)+1, int(v.rings[r].ring)+1, v.t)
}

// pair judges two different segments; false ends the search.
func (v *validator) pair(i, j int32) bool {
	ni, nj := v.next(i), v.next(j)
	ri, rj := v.ringOf[i], v.ringOf[j]
	if ri == rj && (ni == j || nj == i) {
		if ni != j {
			i, j, nj = j, i, ni
		}
		if spike(v.p[i], v.p[j], v.p[nj]) {
			v.err = shapeError(v.p[j].x, v.p[j].y, "self-intersection: %s turns back on itself", v.name(ri))
		}
		return v.err == nil
	}
	c, at := meet(v.p[i], v.p[ni], v.p[j], v.p[nj])
	switch {
	case c == apart:
		return true
	case ri == rj:
		v.err = selfContact(c, at, int(v.rings[ri].polygon)+1, int(v.rings[ri].ring)+1, v.t)
	case c == touch:
		return v.touch(i, j, at)
	default:
		v.clash(ri, rj, at)
	}
	return false
}

func (v *validator) clash(a, b int32, at xy) {
	if pa, pb := v.rings[a].polygon, v.rings[b].polygon; pa != pb {
		v.err = shapeError(at.x, at.y, "polygons %d and %d overlap or share a border", min(pa, pb)+1, max(pa, pb)+1)
		return
	}
	v.err = shapeError(at.x, at.y, "%s crosses or runs along %s", v.name(max(a, b)), v.name(min(a, b)))
}

// legs are the vertices before and after the place at on segment i's ring.
func (v *validator) legs(i int32, at xy) (prev, next xy) {
	n := v.next(i)
	switch at {
	case v.p[i]:
		return v.p[v.prev(i)], v.p[n]
	case v.p[n]:
		return v.p[i], v.p[v.next(n)]
	}
	return v.p[i], v.p[n]
}

// touch records that segments of two rings share a point, unless the rings cross
// there: then the legs of one lie on different sides of the other. A leg along
// the other ring is an overlap, which its own pair of segments reports.
func (v *validator) touch(i, j int32, at xy) bool {
	a, b := v.ringOf[i], v.ringOf[j]
	ap, an := v.legs(i, at)
	bp, bn := v.legs(j, at)
	if leftOf(ap, at, an, bp)*leftOf(ap, at, an, bn) < 0 {
		v.clash(a, b, at)
		return false
	}
	if v.inside == nil {
		v.inside = map[[2]int32]bool{}
		for r := range v.rings {
			v.orient(&v.rings[r])
		}
	}
	v.inside[[2]int32{b, a}] = leftOf(ap, at, an, bp)*int(v.rings[a].sign) > 0
	v.inside[[2]int32{a, b}] = leftOf(bp, at, bn, ap)*int(v.rings[b].sign) > 0
	v.touches = append(v.touches, ringTouch{a, b, at})
	return true
}

// orient finds the direction of a ring from its lowest leftmost corner, exactly.
func (v *validator) orient(r *validRing) {
	low := r.from
	for i := r.from + 1; i < r.to; i++ {
		if q, l := v.p[i], v.p[low]; q.x < l.x || q.x == l.x && q.y < l.y {
			low = i
		}
	}
	r.sign = int8(turn(v.p[v.prev(low)], v.p[low], v.p[v.next(low)]))
}

// judgeTouches finds interiors cut in two: the graph of a polygon's rings and the
// places where they touch must have no cycle.
func (v *validator) judgeTouches() {
	type place struct {
		polygon int32
		at      xy
	}
	type incidence struct {
		ring  int32
		place int32
	}
	parent := make([]int32, len(v.rings))
	for i := range parent {
		parent[i] = int32(i)
	}
	root := func(i int32) int32 {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	places, seen := map[place]int32{}, map[incidence]bool{}
	for _, t := range v.touches {
		if v.rings[t.a].polygon != v.rings[t.b].polygon {
			continue
		}
		key := place{v.rings[t.a].polygon, t.at}
		n, ok := places[key]
		if !ok {
			n = int32(len(parent))
			parent = append(parent, n)
			places[key] = n
		}
		for _, r := range [2]int32{t.a, t.b} {
			if seen[incidence{r, n}] {
				continue
			}
			seen[incidence{r, n}] = true
			if root(r) == root(n) {
				v.err = shapeError(t.at.x, t.at.y, "the interior is cut in two where %s touches another ring", v.name(r))
				return
			}
			parent[root(r)] = root(n)
		}
	}
}

// judgeNesting checks, for rings that do not cross, which lies in which: holes in
// their outer ring and not in each other, no polygon in another's interior.
func (v *validator) judgeNesting() {
	touching := make(map[int32][]int32)
	for pair := range v.inside {
		touching[pair[0]] = append(touching[pair[0]], pair[1])
	}
	odd := make([]bool, len(v.rings))
	depth := make(map[int32]int)
	var around []int32
	for r := range v.rings {
		ring := &v.rings[r]
		around = v.tree.around(v, v.p[ring.from], odd, around[:0])
		for _, o := range touching[int32(r)] {
			odd[o] = v.inside[[2]int32{int32(r), o}]
			around = append(around, o)
		}
		odd[r] = false
		if ring.ring > 0 && !odd[int32(r)-ring.ring] {
			v.err = shapeError(v.p[ring.from].x, v.p[ring.from].y, "%s lies outside its outer ring", v.name(int32(r)))
		}
		slices.Sort(around)
		clear(depth)
		for _, o := range slices.Compact(around) {
			other := &v.rings[o]
			if !odd[o] {
				continue
			}
			odd[o] = false
			switch {
			case other.polygon == ring.polygon && ring.ring > 0 && other.ring > 0:
				v.err = shapeError(v.p[ring.from].x, v.p[ring.from].y, "%s lies in %s", v.name(int32(r)), v.name(o))
			case other.polygon != ring.polygon && ring.ring == 0 && other.ring == 0:
				depth[other.polygon]++
			case other.polygon != ring.polygon && ring.ring == 0:
				depth[other.polygon]--
			}
		}
		for _, o := range around {
			if p := v.rings[o].polygon; depth[p] > 0 && v.err == nil {
				v.err = shapeError(v.p[ring.from].x, v.p[ring.from].y, "polygon %d lies in polygon %d", ring.polygon+1, p+1)
			}
		}
		if v.err != nil {
			return
		}
	}
}
