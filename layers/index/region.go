package index

import (
	"nagar/geo"
)

// Region is a query polygon made ready: its edges are sorted into bands of Y, so
// that a feature is compared with few of them.
type Region struct {
	box    geo.GridBox
	shape  Shape
	words  packer
	bands  [][]int32 // positions (index in coords/2) of the edges that touch each band
	coords []int32
	next   []int32 // where the edge that begins at a position ends
	height int64
}

// NewRegion makes a Polygon or MultiPolygon ready.
func NewRegion(g *geo.Geometry) *Region {
	r := &Region{}
	r.words.box = geo.EmptyGridBox()
	r.words.headed(g)
	r.box = r.words.box
	r.shape.rest = r.words.words
	r.shape.Next()
	r.coords = r.shape.Coords
	n := len(r.coords) / 2
	r.next = make([]int32, n)
	var from int32
	for _, e := range r.shape.Ends {
		for i := from; i < e; i++ {
			if r.next[i] = i + 1; i == e-1 {
				r.next[i] = from
			}
		}
		from = e
	}
	bands := min(max(n/4, 1), 4096)
	r.bands = make([][]int32, bands)
	if r.box.IsEmpty() {
		return r
	}
	r.height = (int64(r.box.MaxY)-int64(r.box.MinY))/int64(bands) + 1
	for i := range r.next {
		a, b := r.band(r.coords[i*2+1]), r.band(r.coords[r.next[i]*2+1])
		for k := min(a, b); k <= max(a, b); k++ {
			r.bands[k] = append(r.bands[k], int32(i))
		}
	}
	return r
}

func (r *Region) band(y int32) int { return int((int64(y) - int64(r.box.MinY)) / r.height) }

// Box is the region's box.
func (r *Region) Box() geo.GridBox { return r.box }

// edge returns the ends of the edge that begins at position i.
func (r *Region) edge(i int32) (ax, ay, bx, by int32) {
	j := r.next[i]
	return r.coords[i*2], r.coords[i*2+1], r.coords[j*2], r.coords[j*2+1]
}

// contains reports whether the position lies in the region or on its border. Only
// edges of the position's band can cross its row.
func (r *Region) contains(x, y int32) bool {
	if x < r.box.MinX || x > r.box.MaxX || y < r.box.MinY || y > r.box.MaxY {
		return false
	}
	in := false
	for _, i := range r.bands[r.band(y)] {
		ax, ay, bx, by := r.edge(i)
		if (ay > y) != (by > y) {
			t := geo.Turn(ax, ay, bx, by, x, y)
			if t == 0 {
				return true
			}
			if (t > 0) == (by > ay) {
				in = !in
			}
		} else if ay == y && by == y && min(ax, bx) <= x && x <= max(ax, bx) || ax == x && ay == y {
			return true
		}
	}
	return in
}

// MeetsRegion reports whether the geometry of feature h shares a position with
// the region, borders included. sh is room to work in.
func (s *Segment) MeetsRegion(h int32, r *Region, sh *Shape) bool {
	if !s.tree.boxes[h].Intersects(r.box) {
		return false
	}
	for ok := s.Shape(h, sh); ok; ok = sh.Next() {
		if r.meets(sh) {
			return true
		}
	}
	return false
}

func (r *Region) meets(sh *Shape) bool {
	for i := 0; i+1 < len(sh.Coords); i += 2 {
		if r.contains(sh.Coords[i], sh.Coords[i+1]) {
			return true
		}
	}
	if len(sh.Ends) == 0 {
		return false
	}
	met := false
	sh.edges(func(ax, ay, bx, by int32) bool {
		lo, hi := max(min(ay, by), r.box.MinY), min(max(ay, by), r.box.MaxY)
		if lo > hi {
			return true
		}
		for k := r.band(lo); k <= r.band(hi) && !met; k++ {
			for _, i := range r.bands[k] {
				cx, cy, dx, dy := r.edge(i)
				if geo.SegmentsMeet(ax, ay, bx, by, cx, cy, dx, dy) {
					met = true
					break
				}
			}
		}
		return !met
	})
	// No edges meet and no position of the shape is in the region: the region may lie in the shape.
	return met || len(r.coords) > 1 && sh.side(r.coords[0], r.coords[1]) != geo.Outside
}
