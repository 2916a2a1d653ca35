package layers

import (
	"slices"

	"nagar/geo"
)

const (
	blockCell  = 8 // tile units: a pixel of a tile shown at 512 px
	cellArea   = blockCell * blockCell
	areaUnits  = 16                   // parts of a tile unit² that areas are counted in
	fullCell   = cellArea * areaUnits // a cell that is built up all over
	groupCells = groupCell / blockCell
	groups     = extent/groupCell + 2 // across the tile and its buffer
	cellsWide  = groups * groupCells
)

// blocks merges small polygons into blocks: each adds its area to the cells that
// its box covers, in whole numbers, so that the order does not matter. Then each
// group draws as many of its fullest cells as its area fills, so that the built-up
// area holds over a neighbourhood; what is left of less than a cell is settled by a
// threshold that varies from group to group (ordered dither). Cells that touch
// become one polygon.
type blocks struct {
	ox, oy int64
	unit   float64 // grid units per tile unit
	gx, gy int64   // number of the first group in the world, for the dither

	count [groups * groups]int32 // polygons of the group
	solo  [groups * groups]bool  // its only polygon is drawn as it is
	boxes []noted

	area   []int32 // by cell
	label  []int32 // 0: not drawn; -1: drawn; > 0: number of its block
	stack  []int32
	coords []int32
	rings  []blockRing
	seen   []bool // cells whose upper edge is in a ring
}

// noted is a small polygon: its box in tile units from the first cell, and area in tile units².
type noted struct {
	group  int32
	x0, y0 float64
	x1, y1 float64
	area   float64
}

type blockRing struct {
	block    int32
	from, to int32 // positions in coords
}

func (b *blocks) reset(t geo.Tile, coarse int) {
	b.ox, b.oy = t.Origin()
	b.unit = t.UnitsPerTileUnit()
	b.gx, b.gy = int64(t.X)*(extent/groupCell)-1, int64(t.Y)*(extent/groupCell)-1
	b.boxes = b.boxes[:0]
	clear(b.count[:])
	clear(b.solo[:])
}

// groupOf is the group of a box: that of its centre; -1 beyond the buffer.
func (b *blocks) groupOf(g geo.GridBox) int32 {
	cx, cy := (int64(g.MinX)+int64(g.MaxX))>>1, (int64(g.MinY)+int64(g.MaxY))>>1
	size := int64(groupCell * b.unit)
	x, y := cx-b.ox+size, cy-b.oy+size
	if x < 0 || y < 0 || x >= size*groups || y >= size*groups {
		return -1
	}
	return int32(y/size*groups + x/size)
}

// note counts a small polygon of an area in grid units²; false when its group is
// beyond the buffer.
func (b *blocks) note(g geo.GridBox, area float64) (group int32, ok bool) {
	if group = b.groupOf(g); group < 0 {
		return 0, false
	}
	b.count[group]++
	b.boxes = append(b.boxes, noted{
		group: group,
		x0:    float64(int64(g.MinX)-b.ox)/b.unit + groupCell, y0: float64(int64(g.MinY)-b.oy)/b.unit + groupCell,
		x1: float64(int64(g.MaxX)-b.ox)/b.unit + groupCell, y1: float64(int64(g.MaxY)-b.oy)/b.unit + groupCell,
		area: max(area, 0) / (b.unit * b.unit),
	})
	return group, true
}

// alone reports whether the group has one polygon only.
func (b *blocks) alone(group int32) bool { return b.count[group] == 1 }

// taken says that the only polygon of the group has been drawn.
func (b *blocks) taken(group int32) { b.solo[group] = true }

// trace works out the blocks and returns how many polygons they stand for.
func (b *blocks) trace() int {
	n := 0
	for i := range b.boxes {
		if p := &b.boxes[i]; !b.solo[p.group] {
			if n == 0 {
				b.clear()
			}
			n++
			b.spread(p)
		}
	}
	b.coords, b.rings = b.coords[:0], b.rings[:0]
	if n == 0 {
		return 0
	}
	any := false
	for g := range int32(groups * groups) {
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
	if b.area == nil {
		b.area, b.label = make([]int32, cellsWide*cellsWide), make([]int32, cellsWide*cellsWide)
		b.seen = make([]bool, cellsWide*cellsWide)
	}
	clear(b.area)
	clear(b.label)
	clear(b.seen)
}

// spread adds the polygon's area to the cells under its box, by their share of it.
func (b *blocks) spread(p *noted) {
	x0, y0 := max(int(p.x0)/blockCell, 0), max(int(p.y0)/blockCell, 0)
	x1, y1 := min(int(p.x1)/blockCell, cellsWide-1), min(int(p.y1)/blockCell, cellsWide-1)
	w, h := p.x1-p.x0, p.y1-p.y0
	if x0 == x1 && y0 == y1 || w == 0 || h == 0 {
		if p.x0 >= 0 && p.y0 >= 0 && x0 < cellsWide && y0 < cellsWide {
			b.area[y0*cellsWide+x0] += int32(p.area * areaUnits)
		}
		return
	}
	density := p.area * areaUnits / (w * h)
	for y := y0; y <= y1; y++ {
		dy := min(p.y1, float64((y+1)*blockCell)) - max(p.y0, float64(y*blockCell))
		for x := x0; x <= x1; x++ {
			dx := min(p.x1, float64((x+1)*blockCell)) - max(p.x0, float64(x*blockCell))
			if dx > 0 && dy > 0 {
				b.area[y*cellsWide+x] += int32(dx * dy * density)
			}
		}
	}
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

// choose marks the cells that a group draws.
func (b *blocks) choose(g int32) bool {
	gx, gy := g%groups, g/groups
	base := gy*groupCells*cellsWide + gx*groupCells
	type cell struct{ area, at int32 }
	var cells [groupCells * groupCells]cell
	n, sum := 0, int64(0)
	for y := range int32(groupCells) {
		for x := range int32(groupCells) {
			at := base + y*cellsWide + x
			a := b.area[at]
			if a == 0 {
				continue
			}
			sum += int64(a)
			i := n
			for ; i > 0 && cells[i-1].area < a; i-- {
				cells[i] = cells[i-1]
			}
			cells[i] = cell{a, at}
			n++
		}
	}
	if n == 0 {
		return false
	}
	dither := int64(bayer(b.gx+int64(gx), b.gy+int64(gy))*2+1) * fullCell / 128
	k := min(int((sum+dither)/fullCell), n)
	for _, c := range cells[:k] {
		b.label[c.at] = -1
	}
	return k > 0
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
			x := at % cellsWide
			for _, to := range [4]int32{at - cellsWide, at + cellsWide, at - 1, at + 1} {
				if to < 0 || to >= cellsWide*cellsWide || to == at-1 && x == 0 || to == at+1 && x == cellsWide-1 || b.label[to] >= 0 {
					continue
				}
				b.label[to] = next
				b.stack = append(b.stack, to)
			}
		}
	}
}

// set reports whether a cell is drawn; those beyond the edge are not.
func (b *blocks) set(x, y int32) bool {
	return x >= 0 && y >= 0 && x < cellsWide && y < cellsWide && b.label[y*cellsWide+x] > 0
}

// outline collects the rings round the blocks. Every ring, of a hole too, has an
// upper edge of a drawn cell; it is followed with the drawn side on the right. At
// corners where drawn cells meet diagonally it turns right: blocks that only touch
// stay apart.
func (b *blocks) outline() {
	for y := range int32(cellsWide) {
		for x := range int32(cellsWide) {
			if b.set(x, y) && !b.set(x, y-1) && !b.seen[y*cellsWide+x] {
				b.follow(x, y)
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
	block := b.label[y*cellsWide+x]
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
