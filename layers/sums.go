package layers

import (
	"cmp"
	"slices"

	"nagar/geo"
	"nagar/layers/index"
)

// A tile of a whole city is not drawn by walking a million footprints: what its
// small polygons add up to, group by group, is kept with every segment. Sums are
// whole numbers, so those of the segments are added, what is hidden is taken
// away, and the tile is the very same as by walking. An edit makes a small
// segment and costs its sums only.
const (
	sumZoom = 12     // deeper tiles hold few features, and the sums of a city would be large
	sumFrom = 16_000 // features hit below which a walk is as quick
)

// sums are what the small polygons of a segment add up to at one zoom and coarseness.
type sums struct {
	groups []sumGroup // by row, then column
	areas  []groupArea
	others []int32 // handles, ascending, of features that have something else than small polygons
}

type sumGroup struct {
	x, y  int32
	at    int32 // index in areas
	count int32
	marks uint64 // sum of handles
}

var _ index.Derived = (*sums)(nil)

// Bytes is the memory that the sums take.
func (s *sums) Bytes() int64 {
	return int64(cap(s.groups))*24 + int64(cap(s.areas))*4*groupCells*groupCells + int64(cap(s.others))*4
}

// mark is a Ref as a number that can be summed up; of one summand it is the Ref.
func mark(part int, handles uint64) uint64 { return uint64(part)<<32 + handles }

func unmark(m uint64) index.Ref { return index.Ref{Part: int32(m >> 32), Handle: int32(uint32(m))} }

// newSums walks a segment.
func newSums(seg *index.Segment, z uint32, coarse int) *sums {
	s := &sums{}
	q, shift := smallRule(z, coarse), groupShift(z)
	known := map[[2]int64]int32{}
	last, at := [2]int64{-1, -1}, int32(0) // neighbours follow each other
	var sh index.Shape
	for h := range int32(seg.Boxed()) {
		other := false
		for ok := seg.Shape(h, &sh); ok; ok = sh.Next() {
			other = other || sh.NumPolygons() == 0
			for p := range sh.NumPolygons() {
				from, to := sh.Rings(p)
				if from == to {
					continue
				}
				b, area, small := q.small(&sh, from, to)
				if !small {
					other = true
					continue
				}
				x, y := groupAt(b, shift)
				if g := [2]int64{x, y}; g != last {
					var ok bool
					if at, ok = known[g]; !ok {
						at = int32(len(s.groups))
						known[g] = at
						s.groups = append(s.groups, sumGroup{x: int32(x), y: int32(y), at: at})
						s.areas = append(s.areas, groupArea{})
					}
					last = g
				}
				s.areas[at].add(b, area, x, y, shift, 1)
				s.groups[at].count++
				s.groups[at].marks += uint64(h)
			}
		}
		if other {
			s.others = append(s.others, h)
		}
	}
	slices.SortFunc(s.groups, func(a, b sumGroup) int { return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x)) })
	s.groups, s.areas, s.others = slices.Clip(s.groups), slices.Clip(s.areas), slices.Clip(s.others)
	return s
}

// sumSlot is where the sums of a zoom and coarseness are kept with a segment.
func sumSlot(z uint32, coarse int) int { return int(z)*(maxCoarse+1) + coarse }

// sumsOf returns the sums of every part, made where they are not yet; nil when the
// layer is to be walked: few features, a filter, a view that hides more than a few
// rows, or mostly something else than small polygons.
func (d *renderer) sumsOf(t geo.Tile) []*sums {
	if t.Z > sumZoom || d.job.filter != nil && !d.job.filter.nearlyAll(d.snap) || d.snap.Count(d.clipGrid, sumFrom) < sumFrom {
		return nil
	}
	all, others := 0, 0
	d.sums = d.sums[:0]
	for i := range int32(d.snap.Parts()) {
		seg := d.snap.Segment(i)
		s := seg.Derived(sumSlot(t.Z, d.coarse), func() index.Derived { return newSums(seg, t.Z, d.coarse) }).(*sums)
		d.sums = append(d.sums, s)
		all, others = all+seg.Len(), others+len(s.others)
	}
	if others > all/4 {
		return nil
	}
	return d.sums
}

// addSums gives the blocks what the parts' sums have within the tile, without what
// is hidden.
func (d *renderer) addSums(all []*sums) {
	b := &d.blocks
	for part, s := range all {
		for y := range int64(groups) {
			row := int32(b.gy + y)
			i, _ := slices.BinarySearchFunc(s.groups, [2]int32{row, int32(b.gx)}, func(g sumGroup, at [2]int32) int {
				return cmp.Or(cmp.Compare(g.y, at[0]), cmp.Compare(g.x, at[1]))
			})
			for ; i < len(s.groups) && s.groups[i].y == row && int64(s.groups[i].x) < b.gx+groups; i++ {
				g := &s.groups[i]
				at := b.local(int64(g.x), int64(g.y))
				to, from := b.room(at), &s.areas[g.at]
				for k := range to {
					to[k] += from[k]
				}
				b.count[at] += g.count
				b.marks[at] += g.marks + uint64(g.count)*mark(part, 0)
			}
		}
		d.takeHidden(int32(part))
	}
}

// takeHidden takes away what features of a part added to its sums that are no
// longer there, or that the view does not see.
func (d *renderer) takeHidden(part int32) {
	seg := d.snap.Segment(part)
	take := func(h int32) {
		if int(h) >= seg.Boxed() || !seg.Box(h).Intersects(d.clipGrid) {
			return
		}
		for ok := seg.Shape(h, &d.shape); ok; ok = d.shape.Next() {
			for p := range d.shape.NumPolygons() {
				from, to := d.shape.Rings(p)
				if from == to {
					continue
				}
				if g, area, small := d.rule.small(&d.shape, from, to); small {
					d.blocks.unnote(g, area, mark(int(part), uint64(h)))
				}
			}
		}
	}
	d.snap.Hidden(part, take)
	d.job.lens.unseen(int(part), seg.Boxed(), func(h int32) {
		if d.snap.Has(index.Ref{Part: part, Handle: h}) {
			take(h)
		}
	})
}

// summed reports whether the layer's sums for a tile are there: then it costs little.
func (j *layerJob) summed(r *TileRequest) bool {
	if r.All || r.Tile.Z > sumZoom || j.filter != nil {
		return false
	}
	all, others := 0, 0
	for i := range int32(j.c.snap.Parts()) {
		seg := j.c.snap.Segment(i)
		if seg.Len() < bigJob {
			continue // made at once
		}
		s, ok := seg.Made(sumSlot(r.Tile.Z, 0))
		if !ok {
			return false
		}
		all, others = all+seg.Len(), others+len(s.(*sums).others)
	}
	return others <= all/4
}
