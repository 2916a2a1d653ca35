package index

import "nagar/geo"

// fanOut is the number of children of a node. 16 boxes are 256 bytes, four cache lines.
const fanOut = 16

// tree is a packed R-tree: level 0 holds the boxes of the features in Hilbert
// order, each box of the level above covers fanOut of the level below, the last
// level is one box. Children are found by arithmetic; there are no pointers.
type tree struct {
	boxes  []geo.GridBox
	levels []int32 // where each level begins in boxes, and the end
}

func newTree(leaves []geo.GridBox) tree {
	levels, total := treeLevels(len(leaves))
	t := tree{boxes: make([]geo.GridBox, len(leaves), total), levels: levels}
	copy(t.boxes, leaves)
	for from, to := 0, len(leaves); to-from > 1; {
		for i := from; i < to; i += fanOut {
			b := t.boxes[i]
			for _, c := range t.boxes[i+1 : min(i+fanOut, to)] {
				b = b.Union(c)
			}
			t.boxes = append(t.boxes, b)
		}
		from, to = to, len(t.boxes)
	}
	return t
}

// treeLevels is where each level of a tree of n leaves begins, and its number of boxes.
func treeLevels(n int) (levels []int32, total int) {
	levels = []int32{0, int32(n)}
	for total = n; n > 1; {
		n = (n + fanOut - 1) / fanOut
		total += n
		levels = append(levels, int32(total))
	}
	return levels, total
}

// top is the highest level; -1 for an empty tree.
func (t *tree) top() int {
	if len(t.boxes) == 0 {
		return -1
	}
	return len(t.levels) - 2
}

// box is the box of node i of a level.
func (t *tree) box(level int, i int32) geo.GridBox { return t.boxes[t.levels[level]+i] }

// children is the range of nodes of level-1 below node i of a level.
func (t *tree) children(level int, i int32) (from, to int32) {
	from = i * fanOut
	return from, min(from+fanOut, t.levels[level]-t.levels[level-1])
}

// all is the box of everything.
func (t *tree) all() geo.GridBox {
	if len(t.boxes) == 0 {
		return geo.EmptyGridBox()
	}
	return t.boxes[len(t.boxes)-1]
}

// search appends the leaves that meet q, in order.
func (t *tree) search(q geo.GridBox, dst []int32) []int32 {
	top := t.top()
	if top < 0 || !t.box(top, 0).Intersects(q) {
		return dst
	}
	return t.searchNode(top, 0, q, dst)
}

func (t *tree) searchNode(level int, i int32, q geo.GridBox, dst []int32) []int32 {
	if level == 0 {
		return append(dst, i)
	}
	if q.ContainsBox(t.box(level, i)) { // everything below meets it
		from, to := i, i+1
		for l := level; l > 0; l-- {
			from, to = from*fanOut, min(to*fanOut, t.levels[l]-t.levels[l-1])
		}
		for j := from; j < to; j++ {
			dst = append(dst, j)
		}
		return dst
	}
	from, to := t.children(level, i)
	base := t.levels[level-1]
	for j := from; j < to; j++ {
		if t.boxes[base+j].Intersects(q) {
			if level == 1 {
				dst = append(dst, j)
			} else {
				dst = t.searchNode(level-1, j, q, dst)
			}
		}
	}
	return dst
}

// count is the number of leaves that search would yield, at most limit (it stops there).
func (t *tree) count(q geo.GridBox, limit int) int {
	top := t.top()
	if top < 0 || !t.box(top, 0).Intersects(q) {
		return 0
	}
	return t.countNode(top, 0, q, limit)
}

func (t *tree) countNode(level int, i int32, q geo.GridBox, limit int) int {
	if level == 0 {
		return 1
	}
	if q.ContainsBox(t.box(level, i)) {
		from, to := i, i+1
		for l := level; l > 0; l-- {
			from, to = from*fanOut, min(to*fanOut, t.levels[l]-t.levels[l-1])
		}
		return int(to - from)
	}
	n := 0
	from, to := t.children(level, i)
	base := t.levels[level-1]
	for j := from; j < to && n < limit; j++ {
		if t.boxes[base+j].Intersects(q) {
			n += t.countNode(level-1, j, q, limit-n)
		}
	}
	return n
}
