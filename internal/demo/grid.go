package demo

import "math"

// segmentGrid finds segments near a place: a hash of square cells, each with the
// segments whose box, widened by their reach, meets it.
type segmentGrid struct {
	size  float64
	cells map[[2]int32][]int32
	mark  []uint32 // per segment: the last query that reported it
	query uint32
}

func newSegmentGrid(size float64) *segmentGrid {
	return &segmentGrid{size: size, cells: map[[2]int32][]int32{}}
}

func (g *segmentGrid) span(a, b vec, reach float64) (x0, y0, x1, y1 int32) {
	f := func(v float64) int32 { return int32(math.Floor(v / g.size)) }
	return f(min(a.x, b.x) - reach), f(min(a.y, b.y) - reach), f(max(a.x, b.x) + reach), f(max(a.y, b.y) + reach)
}

func (g *segmentGrid) add(a, b vec, reach float64, id int) {
	x0, y0, x1, y1 := g.span(a, b, reach)
	for x := x0; x <= x1; x++ {
		for y := y0; y <= y1; y++ {
			k := [2]int32{x, y}
			g.cells[k] = append(g.cells[k], int32(id))
		}
	}
	for len(g.mark) <= id {
		g.mark = append(g.mark, 0)
	}
}

// near calls fn once for each segment that may be within reach of the box of a and b.
func (g *segmentGrid) near(a, b vec, reach float64, fn func(id int)) {
	g.query++
	x0, y0, x1, y1 := g.span(a, b, reach)
	for x := x0; x <= x1; x++ {
		for y := y0; y <= y1; y++ {
			for _, id := range g.cells[[2]int32{x, y}] {
				if g.mark[id] != g.query {
					g.mark[id] = g.query
					fn(int(id))
				}
			}
		}
	}
}
