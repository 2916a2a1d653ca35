package demo

import (
	"cmp"
	"math"
	"slices"
)

// An arrangement turns the base map's lines (ward borders, shores, edges of
// greens, main roads, railways) into the faces between them. Lines are noded on a
// grid of a centimetre: cut wherever they meet. Then each face is walked with its
// boundary on the left.

const nodeGrid = 0.01 // metres

// strand is one straight piece of a line, with the room to leave beside it.
type strand struct {
	a, b   vec
	gap    float64
	border bool // only a border on paper: becomes a street where both sides are built
}

type point struct{ x, y int64 } // in units of nodeGrid

func snap(v vec) point {
	return point{int64(math.Round(v.x / nodeGrid)), int64(math.Round(v.y / nodeGrid))}
}
func (p point) vec() vec { return vec{float64(p.x) * nodeGrid, float64(p.y) * nodeGrid} }

func comparePoints(a, b point) int {
	if c := cmp.Compare(a.x, b.x); c != 0 {
		return c
	}
	return cmp.Compare(a.y, b.y)
}

// edge is an undirected piece between two nodes.
type edge struct {
	a, b   point
	gap    float64
	border bool
}

// node cuts all strands where they meet and removes doubles.
func nodeStrands(ss []strand) []edge {
	cells := newSegmentGrid(250)
	for i, s := range ss {
		cells.add(s.a, s.b, 1, i)
	}
	edges := map[[2]point]edge{}
	var keys [][2]point
	for i, s := range ss {
		cuts := []point{snap(s.a), snap(s.b)}
		cells.near(s.a, s.b, 1, func(j int) {
			if j != i {
				cuts = appendMeets(cuts, s, ss[j])
			}
		})
		d := s.b.sub(s.a)
		slices.SortFunc(cuts, func(p, q point) int {
			return cmp.Or(cmp.Compare(p.vec().sub(s.a).dot(d), q.vec().sub(s.a).dot(d)), comparePoints(p, q))
		})
		cuts = slices.Compact(cuts)
		for k := 1; k < len(cuts); k++ {
			key := [2]point{cuts[k-1], cuts[k]}
			if comparePoints(key[0], key[1]) > 0 {
				key[0], key[1] = key[1], key[0]
			}
			e, known := edges[key]
			if !known {
				keys = append(keys, key)
				e = edge{key[0], key[1], s.gap, s.border}
			}
			e.gap, e.border = max(e.gap, s.gap), e.border && s.border
			edges[key] = e
		}
	}
	out := make([]edge, len(keys))
	for i, k := range keys {
		out[i] = edges[k]
	}
	return out
}

// appendMeets adds the places where t meets s: a crossing, or an end of t on s
// (within 2 cm).
func appendMeets(cuts []point, s, t strand) []point {
	const tol = 2 * nodeGrid
	touched := false
	for _, p := range [2]vec{t.a, t.b} {
		if pointSeg(p, s.a, s.b) <= tol {
			cuts = append(cuts, snap(p))
			touched = true
		}
	}
	if touched || pointSeg(s.a, t.a, t.b) <= tol || pointSeg(s.b, t.a, t.b) <= tol {
		return cuts
	}
	r, q := s.b.sub(s.a), t.b.sub(t.a)
	k := r.cross(q)
	if k == 0 {
		return cuts
	}
	w := t.a.sub(s.a)
	u, v := w.cross(q)/k, w.cross(r)/k
	if u > 0 && u < 1 && v > 0 && v < 1 {
		// computed the same way from both sides, so that both get the same node
		if comparePoints(snap(s.a), snap(t.a)) > 0 {
			return append(cuts, snap(t.a.lerp(t.b, v)))
		}
		return append(cuts, snap(s.a.lerp(s.b, u)))
	}
	return cuts
}

// half is a directed edge; twin runs the other way.
type half struct {
	from, to point
	edge     int
	twin     int
	next     int
	angle    float64
}

// faces returns the bounded faces of the edges. Dead ends do not bound anything;
// they are taken off first.
func faces(edges []edge) (out []face) {
	edges = prune(edges)
	hs := make([]half, 0, 2*len(edges))
	star := map[point][]int{}
	var nodes []point
	for i, e := range edges {
		for k, p := range [2][2]point{{e.a, e.b}, {e.b, e.a}} {
			d := p[1].vec().sub(p[0].vec())
			if _, known := star[p[0]]; !known {
				nodes = append(nodes, p[0])
			}
			star[p[0]] = append(star[p[0]], len(hs))
			hs = append(hs, half{from: p[0], to: p[1], edge: i, twin: 2*i + 1 - k, angle: math.Atan2(d.y, d.x)})
		}
	}
	for _, n := range nodes {
		s := star[n]
		slices.SortFunc(s, func(i, j int) int { return cmp.Compare(hs[i].angle, hs[j].angle) })
		for i, h := range s { // arriving by h's twin, leave by the next one clockwise
			hs[hs[h].twin].next = s[(i+len(s)-1)%len(s)]
		}
	}
	seen := make([]bool, len(hs))
	for i := range hs {
		if seen[i] {
			continue
		}
		var f face
		for j := i; !seen[j]; j = hs[j].next {
			seen[j] = true
			e := edges[hs[j].edge]
			f.pts = append(f.pts, hs[j].from.vec())
			f.gap = append(f.gap, e.gap)
			f.border = append(f.border, e.border)
		}
		if len(f.pts) >= 3 && area(f.pts) > 100 {
			out = append(out, f)
		}
	}
	return out
}

// face is one area between lines.
type face struct {
	shape
	border []bool // edge i is only a border on paper
}

// middle is a point within the face, half a metre from the middle of its longest edge.
func (f *face) middle() vec {
	var best vec
	longest := -1.0
	for i, a := range f.pts {
		b := f.pts[(i+1)%len(f.pts)]
		d := b.sub(a)
		if q := a.lerp(b, .5).add(d.unit().left().mul(.5)); d.len() > longest && inside(f.pts, q) {
			longest, best = d.len(), q
		}
	}
	return best
}

// prune removes edges that end in nothing, again and again.
func prune(edges []edge) []edge {
	for {
		deg := map[point]int{}
		for _, e := range edges {
			deg[e.a]++
			deg[e.b]++
		}
		kept := edges[:0:0]
		for _, e := range edges {
			if deg[e.a] > 1 && deg[e.b] > 1 {
				kept = append(kept, e)
			}
		}
		if len(kept) == len(edges) {
			return kept
		}
		edges = kept
	}
}

// islands returns, for each connected part of the lines but the largest, its
// westmost and eastmost node: where it has to be tied to the rest so that no face
// has a hole.
func islands(edges []edge) (ends [][2]point) {
	parent := map[point]point{}
	var order []point
	var find func(p point) point
	find = func(p point) point {
		q, known := parent[p]
		if !known {
			parent[p] = p
			order = append(order, p)
			return p
		}
		if q == p {
			return p
		}
		r := find(q)
		parent[p] = r
		return r
	}
	for _, e := range edges {
		if a, b := find(e.a), find(e.b); a != b {
			parent[a] = b
		}
	}
	type part struct {
		size       int
		west, east point
	}
	parts := map[point]*part{}
	var roots []point
	for _, p := range order {
		r := find(p)
		if parts[r] == nil {
			parts[r] = &part{west: p, east: p}
			roots = append(roots, r)
		}
		s := parts[r]
		s.size++
		if comparePoints(p, s.west) < 0 {
			s.west = p
		}
		if comparePoints(p, s.east) > 0 {
			s.east = p
		}
	}
	largest := 0
	for i, r := range roots {
		if parts[r].size > parts[roots[largest]].size {
			largest = i
		}
	}
	for i, r := range roots {
		if i != largest {
			ends = append(ends, [2]point{parts[r].west, parts[r].east})
		}
	}
	return ends
}
