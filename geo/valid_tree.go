package geo

import (
	"cmp"
	"math"
	"slices"
)

// runLength is the number of consecutive segments of a ring under one leaf box:
// they lie together already, so the tree sorts runs, not segments.
const runLength = 8

// treeFan is the number of boxes under one box of the level above.
const treeFan = 8

// segmentRun is segments from..to of one ring.
type segmentRun struct {
	from, to int32
	key      uint32
	box      Box
}

// segmentTree is a packed box tree over the runs in Morton order. levels[0] are
// boxes over treeFan runs each, and so on up to a single one.
type segmentTree struct {
	runs   []segmentRun
	levels [][]Box
	work   int
}

func (t *segmentTree) build(v *validator) {
	all := EmptyBox()
	for _, p := range v.p {
		all = all.Extend(p.x, p.y)
	}
	sx, sy := 65535/math.Max(all.E-all.W, math.SmallestNonzeroFloat32), 65535/math.Max(all.N-all.S, math.SmallestNonzeroFloat32)
	for r := range v.rings {
		ring := &v.rings[r]
		for from := ring.from; from < ring.to; from += runLength {
			run := segmentRun{from: from, to: min(from+runLength, ring.to), box: EmptyBox()}
			for i := run.from; i < run.to; i++ {
				n := v.next(i)
				run.box = run.box.Extend(v.p[i].x, v.p[i].y).Extend(v.p[n].x, v.p[n].y)
			}
			cx, cy := (run.box.W/2+run.box.E/2-all.W)*sx, (run.box.S/2+run.box.N/2-all.S)*sy
			run.key = spread(uint32(cx)) | spread(uint32(cy))<<1
			t.runs = append(t.runs, run)
		}
	}
	slices.SortFunc(t.runs, func(a, b segmentRun) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.from, b.from))
	})
	level := make([]Box, 0, len(t.runs)/treeFan+1)
	for i := 0; i < len(t.runs); i += treeFan {
		b := EmptyBox()
		for _, r := range t.runs[i:min(i+treeFan, len(t.runs))] {
			b = b.Union(r.box)
		}
		level = append(level, b)
	}
	t.levels = append(t.levels, level)
	for len(level) > 1 {
		above := make([]Box, 0, len(level)/treeFan+1)
		for i := 0; i < len(level); i += treeFan {
			b := EmptyBox()
			for _, c := range level[i:min(i+treeFan, len(level))] {
				b = b.Union(c)
			}
			above = append(above, b)
		}
		t.levels = append(t.levels, above)
		level = above
	}
}

// spread puts the 16 low bits of v on the even bits.
func spread(v uint32) uint32 {
	v &= 0xffff
	v = (v | v<<8) & 0x00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f
	v = (v | v<<2) & 0x33333333
	return (v | v<<1) & 0x55555555
}

// search calls fn for every run at or after index from whose box meets b, until
// fn returns false.
func (t *segmentTree) search(b Box, from int, fn func(run int) bool) bool {
	return t.walk(len(t.levels)-1, 0, b, from, fn)
}

func (t *segmentTree) walk(level, node int, b Box, from int, fn func(run int) bool) bool {
	t.work++
	if !t.levels[level][node].Intersects(b) {
		return true
	}
	first := node * treeFan
	if level > 0 {
		span := treeFan // runs under one node of the level below
		for range level - 1 {
			span *= treeFan
		}
		for c := first; c < min(first+treeFan, len(t.levels[level-1])); c++ {
			if (c+1)*span > from && !t.walk(level-1, c, b, from, fn) {
				return false
			}
		}
		return true
	}
	for r := max(first, from); r < min(first+treeFan, len(t.runs)); r++ {
		if t.runs[r].box.Intersects(b) && !fn(r) {
			return false
		}
	}
	return true
}

// pairs gives every two segments whose boxes meet to v.pair; false when the work
// bound was reached or v.pair ended it.
func (t *segmentTree) pairs(v *validator) bool {
	for a := range t.runs {
		ra := &t.runs[a]
		for i := ra.from; i < ra.to; i++ {
			for j := i + 1; j < ra.to; j++ {
				if !v.pair(i, j) {
					return false
				}
			}
		}
		ok := t.search(ra.box, a+1, func(b int) bool {
			rb := &t.runs[b]
			t.work += int(ra.to-ra.from) * 2
			if t.work > maxValidWork {
				return false
			}
			for i := ra.from; i < ra.to; i++ {
				if !v.segmentBox(i).Intersects(rb.box) {
					continue
				}
				t.work += int(rb.to - rb.from)
				for j := rb.from; j < rb.to; j++ {
					if !v.pair(i, j) {
						return false
					}
				}
			}
			return true
		})
		if !ok {
			return false
		}
	}
	return true
}

func (v *validator) segmentBox(i int32) Box {
	a, b := v.p[i], v.p[v.next(i)]
	return Box{W: min(a.x, b.x), S: min(a.y, b.y), E: max(a.x, b.x), N: max(a.y, b.y)}
}

// around marks in odd, and appends to out, the rings that contain p: those whose
// border a ray from p to the east crosses an odd number of times. Rings through p
// itself come out either way. out may hold rings that are not odd.
func (t *segmentTree) around(v *validator, p xy, odd []bool, out []int32) []int32 {
	ray := Box{W: p.x, S: p.y, E: math.Inf(1), N: p.y}
	t.search(ray, 0, func(run int) bool {
		for i := t.runs[run].from; i < t.runs[run].to; i++ {
			a, b := v.p[i], v.p[v.next(i)]
			if (a.y > p.y) == (b.y > p.y) {
				continue
			}
			side := turn(a, b, p)
			if b.y < a.y {
				side = -side
			}
			if side > 0 {
				r := v.ringOf[i]
				odd[r] = !odd[r]
				out = append(out, r)
			}
		}
		return true
	})
	return out
}
