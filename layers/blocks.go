package layers

import (
	"slices"

	"nagar/geo"
)

const (
	blockCell  = 8 // tile units: a pixel of a tile shown at 512 px
	cellArea   = blockCell * blockCell
	areaUnits  = 1024                 // parts of a tile unit² that areas are counted in
	fullCell   = cellArea * areaUnits // a cell that is built up all over
	groupCells = groupCell / blockCell
	groupBits  = 6                    // groupCell is 1 << groupBits
	groups     = extent/groupCell + 2 // across the tile and its buffer
	cellsWide  = groups * groupCells
	labelWide  = cellsWide + 2 // with a cell on each side that is not drawn
)

// groupShift is the size of a group on the grid at zoom z, as a power of two.
func groupShift(z uint32) uint { return groupBits + 20 - uint(z) }

// groupAt is the group of a box, counted from the world's corner: that of its centre.
func groupAt(g geo.GridBox, shift uint) (x, y int64) {
	cx, cy := (int64(g.MinX)+int64(g.MaxX))>>1, (int64(g.MinY)+int64(g.MaxY))>>1
	return (cx + 1<<31) >> shift, (cy + 1<<31) >> shift
}

// groupArea is the built-up area of the cells of one group, row by row, in parts
// of a tile unit².
type groupArea [groupCells * groupCells]int32

// add adds (sign 1) or takes away (-1) a polygon of an area in grid units² that
// belongs to group x, y: over the cells of the group that its box covers, by their
// share. What lies beyond the group counts within: so a group depends on its own
// polygons only. Whole numbers: the order does not matter.
func (a *groupArea) add(g geo.GridBox, area float64, x, y int64, shift uint, sign int32) {
	unit := float64(int64(1) << (shift - groupBits))
	ox, oy, size := x<<shift-1<<31, y<<shift-1<<31, int64(1)<<shift
	x0, x1 := float64(max(int64(g.MinX)-ox, 0))/unit, float64(min(int64(g.MaxX)-ox, size))/unit
	y0, y1 := float64(max(int64(g.MinY)-oy, 0))/unit, float64(min(int64(g.MaxY)-oy, size))/unit
	parts := max(area, 0) / (unit * unit) * areaUnits
	cx0, cx1 := int(x0)/blockCell, min(int(x1)/blockCell, groupCells-1)
	cy0, cy1 := int(y0)/blockCell, min(int(y1)/blockCell, groupCells-1)
	w, h := x1-x0, y1-y0
	if cx0 == cx1 && cy0 == cy1 || w == 0 || h == 0 {
		a[cy0*groupCells+cx0] += sign * int32(parts+0.5)
		return
	}
	density := parts / (w * h)
	for cy := cy0; cy <= cy1; cy++ {
		dy := min(y1, float64((cy+1)*blockCell)) - max(y0, float64(cy*blockCell))
		for cx := cx0; cx <= cx1; cx++ {
			dx := min(x1, float64((cx+1)*blockCell)) - max(x0, float64(cx*blockCell))
			if dx > 0 && dy > 0 {
				a[cy*groupCells+cx] += sign * int32(dx*dy*density+0.5)
			}
		}
	}
}

// blocks merges small polygons into blocks: each adds its area to cells of its
// group. Then each group draws as many of its fullest cells as its area fills, so
// that the built-up area holds over a neighbourhood; what is left of less than a
// cell is settled by a threshold that varies from group to group (ordered dither).
// Cells that touch become one polygon.
type blocks struct {
	shift  uint
	gx, gy int64 // number of the first group in the world

	count [groups * groups]int32  // polygons of the group
	marks [groups * groups]uint64 // sum of their marks
	solo  [groups * groups]bool   // its only polygon is drawn as it is
	area  []groupArea             // of groups that have polygons

	label  []int32 // by cell, labelWide to a row; 0: not drawn; -1: drawn; > 0: number of its block
	stack  []int32
	coords []int32
	rings  []blockRing
	seen   []bool // cells whose upper edge is in a ring
}

type blockRing struct {
	block    int32
	from, to int32 // positions in coords
}

func (b *blocks) reset(t geo.Tile) {
	b.shift = groupShift(t.Z)
	b.gx, b.gy = int64(t.X)*(extent/groupCell)-1, int64(t.Y)*(extent/groupCell)-1
	clear(b.count[:])
	clear(b.marks[:])
	clear(b.solo[:])
}

// local is the number of group x, y of the world within the tile and its buffer; -1 beyond.
func (b *blocks) local(x, y int64) int32 {
	x, y = x-b.gx, y-b.gy
	if x < 0 || y < 0 || x >= groups || y >= groups {
		return -1
	}
	return int32(y*groups + x)
}

// room is the areas of a group that is about to get its first polygon, or has some.
func (b *blocks) room(group int32) *groupArea {
	if b.area == nil {
		b.area = make([]groupArea, groups*groups)
	}
	a := &b.area[group]
	if b.count[group] == 0 {
		*a = groupArea{}
	}
	return a
}

// note counts a small polygon of an area in grid units², unless its group is beyond
// the buffer, with a mark by which it is known when it turns out to be alone.
func (b *blocks) note(g geo.GridBox, area float64, mark uint64) {
	x, y := groupAt(g, b.shift)
	if group := b.local(x, y); group >= 0 {
		b.room(group).add(g, area, x, y, b.shift, 1)
		b.count[group]++
		b.marks[group] += mark
	}
}

// unnote takes back what sums counted.
func (b *blocks) unnote(g geo.GridBox, area float64, mark uint64) {
	x, y := groupAt(g, b.shift)
	if group := b.local(x, y); group >= 0 {
		b.area[group].add(g, area, x, y, b.shift, -1)
		b.count[group]--
		b.marks[group] -= mark
	}
}

// trace works out the blocks and returns how many polygons they stand for.
func (b *blocks) trace() int {
	n, any := 0, false
	b.coords, b.rings = b.coords[:0], b.rings[:0]
	for g := range int32(groups * groups) {
		if b.count[g] == 0 || b.solo[g] {
			continue
		}
		if n == 0 {
			b.clear()
		}
		n += int(b.count[g])
		any = b.choose(g) || any
	}
	if !any {
		return 0
	}
	b.labelBlocks()
	b.outline()
	return n
}

func (b *blocks) clear() {
	if b.label == nil {
		b.label, b.seen = make([]int32, labelWide*labelWide), make([]bool, cellsWide*cellsWide)
		return
	}
	clear(b.label)
	clear(b.seen)
}

// bayer is the ordered-dither matrix of order 3, 0 to 63 (Bayer 1973).
func bayer(x, y int64) int32 {
	v := int32(0)
	for bit := range 3 {
		a, c := int32(x>>bit)&1, int32(y>>bit)&1
		v = v<<2 | (a^c)<<1 | c
	}
	return v
}

// choose marks the cells that a group draws: its fullest ones, of equals the first.
// Cells are counted by how full they are, roughly; so only those about as full as
// the last one drawn need to be told apart.
func (b *blocks) choose(g int32) bool {
	const step, top = fullCell / 32, 63 // more than full where polygons overlap
	area := &b.area[g]
	var count [top + 1]int32
	sum := int64(0)
	for _, a := range area {
		a = max(a, 0)
		sum += int64(a)
		count[min((a+step-1)/step, top)]++
	}
	gx, gy := g%groups, g/groups
	dither := int64(bayer(b.gx+int64(gx), b.gy+int64(gy))*2+1) * fullCell / 128
	k := min(int((sum+dither)/fullCell), len(area)-int(count[0]))
	if k == 0 {
		return false
	}
	last, above := int32(top), int32(0) // the rank of the last cell drawn, and how many are of higher ones
	for ; above+count[last] < int32(k); last-- {
		above += count[last]
	}
	var ties [groupCells * groupCells]uint64 // the area above, the cell below, so that the first is the largest
	n := 0
	for y := range groupCells {
		at := (int(gy)*groupCells+y+1)*labelWide + int(gx)*groupCells + 1
		row := b.label[at : at+groupCells]
		for x, a := range area[y*groupCells : (y+1)*groupCells] {
			rank := min((max(a, 0)+step-1)/step, top)
			row[x] = (last - rank) >> 31 // -1 when it is higher
			ties[n] = uint64(a)*uint64(len(ties)) + uint64(len(ties)-1-y*groupCells-x)
			if rank == last {
				n++
			}
		}
	}
	largestFirst(ties[:n], k-int(above))
	for _, c := range ties[:k-int(above)] {
		at := len(ties) - 1 - int(c%uint64(len(ties)))
		b.label[(int(gy)*groupCells+at/groupCells+1)*labelWide+int(gx)*groupCells+at%groupCells+1] = -1
	}
	return true
}

// largestFirst brings the k largest of numbers that all differ to the front, in any
// order (Hoare's selection).
func largestFirst(v []uint64, k int) {
	if k == 0 || k >= len(v) {
		return
	}
	for lo, hi := 0, len(v)-1; lo < hi; {
		pivot := v[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for v[i] > pivot {
				i++
			}
			for v[j] < pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return
		}
	}
}

// labelBlocks numbers the connected cells (by edges), in reading order.
func (b *blocks) labelBlocks() {
	next := int32(0)
	for i := range b.label {
		if b.label[i] >= 0 {
			continue
		}
		next++
		b.label[i] = next
		b.stack = append(b.stack[:0], int32(i))
		for len(b.stack) > 0 {
			at := b.stack[len(b.stack)-1]
			b.stack = b.stack[:len(b.stack)-1]
			for _, to := range [4]int32{at - labelWide, at + labelWide, at - 1, at + 1} {
				if b.label[to] < 0 {
					b.label[to] = next
					b.stack = append(b.stack, to)
				}
			}
		}
	}
}

// set reports whether a cell is drawn, one beside the others too.
func (b *blocks) set(x, y int32) bool { return b.label[(y+1)*labelWide+x+1] > 0 }

// outline collects the rings round the blocks. Every ring, of a hole too, has an
// upper edge of a drawn cell; it is followed with the drawn side on the right. At
// corners where drawn cells meet diagonally it turns right: blocks that only touch
// stay apart.
func (b *blocks) outline() {
	for y := range int32(cellsWide) {
		over, row := b.label[y*labelWide+1:][:cellsWide], b.label[(y+1)*labelWide+1:][:cellsWide]
		for x, l := range row {
			if l > 0 && over[x] == 0 && !b.seen[y*cellsWide+int32(x)] {
				b.follow(int32(x), y)
			}
		}
	}
}

var steps = [4][2]int32{{1, 0}, {0, 1}, {-1, 0}, {0, -1}} // east, south, west, north

// ahead is the cell to the left and to the right of the way on from a corner, by direction.
var ahead = [4][2][2]int32{
	{{0, -1}, {0, 0}},
	{{0, 0}, {-1, 0}},
	{{-1, 0}, {-1, -1}},
	{{-1, -1}, {0, -1}},
}

func (b *blocks) follow(x, y int32) {
	from := int32(len(b.coords) / 2)
	block := b.label[(y+1)*labelWide+x+1]
	px, py, dir := x, y, 0
	for {
		// One edge on from the corner px, py.
		if dir == 0 {
			b.seen[py*cellsWide+px] = true
		}
		px, py = px+steps[dir][0], py+steps[dir][1]
		l, r := ahead[dir][0], ahead[dir][1]
		was := dir
		switch {
		case !b.set(px+r[0], py+r[1]):
			dir = (dir + 1) & 3
		case b.set(px+l[0], py+l[1]):
			dir = (dir + 3) & 3
		}
		if dir != was {
			b.coords = append(b.coords, px*blockCell-groupCell, py*blockCell-groupCell)
		}
		if px == x && py == y && dir == 0 {
			break
		}
	}
	to := int32(len(b.coords) / 2)
	b.rings = append(b.rings, blockRing{block, from, to})
}

// each calls fn for every ring, each outer ring before its holes.
func (b *blocks) each(fn func(ring []int32)) {
	// Rings were found in reading order: the outer ring of a block before its holes.
	slices.SortStableFunc(b.rings, func(p, q blockRing) int { return int(p.block) - int(q.block) })
	for _, r := range b.rings {
		fn(b.coords[r.from*2 : r.to*2])
	}
}
