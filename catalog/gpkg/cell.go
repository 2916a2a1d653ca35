package gpkg

import (
	"math"
	"slices"

	"nagar/geo"
)

// The spatial key. Every row carries one integer, nagar_cell, with an ordinary
// index on it: the cell of a loose quadtree over longitude and latitude. A box
// lies at the finest level whose cells are at least as large as it, in the cell
// of its south-west corner; so it reaches at most one cell further east and
// north, and a window search widens its range of cells by one to the west and
// south. The key is the level above the Morton number of the cell:
//
//	key = level << 48 | morton(x, y),  cell size = 360° / 2^level
//
// It costs an import a fifth of what SQLite's R-tree does, serves the history
// the same way, and is plain data.
const maxLevel = 22 // 9.5 m at the equator

const cellShift = 48

// cellOf is the key of a box; ok is false for an empty one.
func cellOf(b geo.Box) (key int64, ok bool) {
	if b.IsEmpty() {
		return 0, false
	}
	size := math.Max(b.E-b.W, b.N-b.S)
	level := maxLevel
	for level > 0 && 360/float64(int64(1)<<level) < size {
		level--
	}
	return int64(level)<<cellShift | int64(morton(cellIndex(b.W, level), cellIndex(b.S, level))), true
}

// cellIndex is the column of a longitude, or the row of a latitude, at a level.
func cellIndex(v float64, level int) uint32 {
	n := float64(int64(1) << level)
	return uint32(min(max(math.Floor((v+180)/360*n), 0), n-1))
}

// morton interleaves the low 24 bits of x and y, x in the even places.
func morton(x, y uint32) uint64 { return spread(x) | spread(y)<<1 }

func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	x = (x | x<<1) & 0x5555555555555555
	return x
}

// keyRange is an inclusive range of keys.
type keyRange struct{ from, to int64 }

// maxRanges bounds the ranges per level: fewer probes against fewer rows read in vain.
const maxRanges = 12

// cellRanges are the keys under which a box that meets b can lie: a few ranges
// for every level that holds anything. The rows found still need an exact test.
func cellRanges(b geo.Box, levels []int) []keyRange {
	var out []keyRange
	for _, level := range levels {
		x0, x1 := cellIndex(b.W, level), cellIndex(b.E, level)
		y0, y1 := cellIndex(b.S, level), cellIndex(b.N, level)
		// One cell wider for boxes that reach over from the west and south; a
		// rounding error at a border is inside that cell too.
		x0, y0 = x0-min(x0, 1), y0-min(y0, 1)
		from := len(out)
		out = appendRanges(out, level, x0, y0, x1, y1)
		out = append(out[:from], mergeRanges(out[from:])...)
	}
	return out
}

type quad struct {
	x, y  uint32 // in cells of its own level
	level int
}

// appendRanges covers the cells x0..x1 × y0..y1 of a level with quads, breadth
// first, until maxRanges would be passed.
func appendRanges(out []keyRange, level int, x0, y0, x1, y1 uint32) []keyRange {
	meets := func(q quad) (any, whole bool) {
		s := level - q.level
		ax, ay := uint64(q.x)<<s, uint64(q.y)<<s
		bx, by := ax+1<<s-1, ay+1<<s-1
		any = ax <= uint64(x1) && bx >= uint64(x0) && ay <= uint64(y1) && by >= uint64(y0)
		whole = ax >= uint64(x0) && bx <= uint64(x1) && ay >= uint64(y0) && by <= uint64(y1)
		return any, whole
	}
	emit := func(q quad) {
		s := 2 * (level - q.level)
		from := int64(level)<<cellShift | int64(morton(q.x, q.y)<<s)
		out = append(out, keyRange{from, from + 1<<s - 1})
	}
	open := []quad{{}}
	done := 0
	for len(open) > 0 {
		var next []quad
		for _, q := range open {
			_, whole := meets(q)
			if whole {
				emit(q)
				done++
				continue
			}
			for i := range uint32(4) {
				c := quad{q.x<<1 | i&1, q.y<<1 | i>>1, q.level + 1}
				if any, _ := meets(c); any {
					next = append(next, c)
				}
			}
		}
		if done+len(next) > maxRanges && len(next) > 4 {
			for _, q := range next {
				emit(q)
			}
			break
		}
		open = next
	}
	return out
}

// mergeRanges sorts the ranges and joins those that touch.
func mergeRanges(r []keyRange) []keyRange {
	slices.SortFunc(r, func(a, b keyRange) int {
		if a.from < b.from {
			return -1
		}
		return 1
	})
	n := 0
	for _, k := range r {
		if n > 0 && k.from <= r[n-1].to+1 {
			r[n-1].to = max(r[n-1].to, k.to)
			continue
		}
		r[n] = k
		n++
	}
	return r[:n]
}
