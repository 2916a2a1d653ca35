package match

import (
	"math"

	"nagar/geo"
)

// Votes on how far a survey lies off as a whole are counted in cells of voteCell
// metres.
const (
	voteCell  = .25
	voteLeast = 8   // footprints that have to agree
	voteShare = .35 // of those that have a like one within reach
	shiftMin  = .1  // metres: less is nothing
)

// cell is one box of displacements with its votes; the sums are in millimetres, so
// that their order does not matter.
type cell struct {
	votes  int
	dx, dy int64
}

// align finds how far the new survey lies off as a whole, and takes it out: each new
// footprint votes for the displacements from the old ones near it that look like it,
// and most votes win.
func (s *surveys) align() {
	if s.opts.MaxShift < 0 {
		return
	}
	cells := map[[2]int]*cell{}
	voters := 0
	for j := range s.b {
		o := &s.b[j]
		if o.Area <= 0 {
			continue
		}
		voted := false
		m := s.opts.MaxShift
		s.tree.Search([2]float64{o.MinX - m, o.MinY - m}, [2]float64{o.MaxX + m, o.MaxY + m}, func(_, _ [2]float64, i int) bool {
			dx, dy := o.CX-s.a[i].CX, o.CY-s.a[i].CY
			if math.Hypot(dx, dy) > m || !alike(o, &s.a[i]) {
				return true
			}
			voted = true
			k := [2]int{int(math.Floor(dx / voteCell)), int(math.Floor(dy / voteCell))}
			c := cells[k]
			if c == nil {
				c = &cell{}
				cells[k] = c
			}
			c.votes++
			c.dx += int64(math.Round(dx * 1000))
			c.dy += int64(math.Round(dy * 1000))
			return true
		})
		if voted {
			voters++
		}
	}
	best := winner(cells)
	if best.votes < voteLeast || float64(best.votes) < voteShare*float64(voters) {
		return
	}
	dx, dy := float64(best.dx)/float64(best.votes)/1000, float64(best.dy)/float64(best.votes)/1000
	if math.Hypot(dx, dy) < shiftMin {
		return
	}
	s.res.DX, s.res.DY, s.res.Aligned = dx, dy, best.votes
	for j := range s.b {
		s.b[j].Move(-dx, -dy)
	}
}

// alike reports whether two outlines are about of one size and shape.
func alike(a, b *geo.Outline) bool {
	const off = 1.2 // metres that a side may differ, and 6 % of it
	near := func(p, q float64) bool { return math.Abs(p-q) <= off+.06*min(p, q) }
	return math.Abs(a.Area-b.Area) <= .15*min(a.Area, b.Area) &&
		near(a.MaxX-a.MinX, b.MaxX-b.MinX) && near(a.MaxY-a.MinY, b.MaxY-b.MinY)
}

// winner is the cell with its eight neighbours that has the most votes; of equal
// ones the nearest to no displacement, then the least.
func winner(cells map[[2]int]*cell) (best cell) {
	var at [2]int
	for k := range cells {
		var sum cell
		for dx := -1; dx <= 1; dx++ {
			for dy := -1; dy <= 1; dy++ {
				if c := cells[[2]int{k[0] + dx, k[1] + dy}]; c != nil {
					sum.votes, sum.dx, sum.dy = sum.votes+c.votes, sum.dx+c.dx, sum.dy+c.dy
				}
			}
		}
		far := func(k [2]int) int { return (2*k[0]+1)*(2*k[0]+1) + (2*k[1]+1)*(2*k[1]+1) }
		if sum.votes > best.votes || sum.votes == best.votes && (far(k) < far(at) || far(k) == far(at) && (k[0] < at[0] || k[0] == at[0] && k[1] < at[1])) {
			best, at = sum, k
		}
	}
	return best
}
