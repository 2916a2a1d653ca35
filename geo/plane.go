package geo

import "math/bits"

// This file holds the exact tests on the mercator grid: int32 positions, open
// rings, no rounding.

// crossSign is the sign of a·b - c·d, for factors below 2³³ in size.
func crossSign(a, b, c, d int64) int {
	const safe = 1 << 31
	if a < safe && a > -safe && b < safe && b > -safe && c < safe && c > -safe && d < safe && d > -safe {
		p, q := a*b, c*d
		switch {
		case p > q:
			return 1
		case p < q:
			return -1
		}
		return 0
	}
	h1, l1 := mul128(a, b)
	h2, l2 := mul128(c, d)
	switch {
	case h1 > h2 || h1 == h2 && l1 > l2:
		return 1
	case h1 == h2 && l1 == l2:
		return 0
	}
	return -1
}

func mul128(a, b int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(uint64(a), uint64(b))
	hi = int64(h)
	if a < 0 {
		hi -= b
	}
	if b < 0 {
		hi -= a
	}
	return hi, l
}

// Turn is the direction of a→b→c: positive for clockwise on a plane whose Y grows
// south, 0 when the three are on a line.
func Turn(ax, ay, bx, by, cx, cy int32) int {
	return crossSign(int64(bx)-int64(ax), int64(cy)-int64(ay), int64(cx)-int64(ax), int64(by)-int64(ay))
}

// Side says where a position lies.
type Side int8

// The sides.
const (
	Outside  Side = -1
	OnBorder Side = 0
	Inside   Side = 1
)

// RingSide says where x, y lies to one open ring, by even and odd crossings.
func RingSide(x, y int32, ring []int32) Side {
	in := false
	n := len(ring)
	if n < 2 {
		return Outside
	}
	ax, ay := ring[n-2], ring[n-1]
	for i := 0; i+1 < n; i += 2 {
		bx, by := ring[i], ring[i+1]
		if (ay > y) != (by > y) {
			if ax > x || bx > x { // else the ray to the east misses it, or it is on the border
				if ax > x && bx > x {
					in = !in
				} else if t := Turn(ax, ay, bx, by, x, y); t == 0 {
					return OnBorder
				} else if (t > 0) == (by > ay) {
					in = !in
				}
			} else if (ax == x || bx == x) && Turn(ax, ay, bx, by, x, y) == 0 {
				return OnBorder
			}
		} else if ay == y && by == y && min(ax, bx) <= x && x <= max(ax, bx) {
			return OnBorder
		} else if ax == x && ay == y {
			return OnBorder
		}
		ax, ay = bx, by
	}
	if in {
		return Inside
	}
	return Outside
}

// SegmentsMeet reports whether the segments a–b and c–d share a position, ends included.
func SegmentsMeet(ax, ay, bx, by, cx, cy, dx, dy int32) bool {
	if max(ax, bx) < min(cx, dx) || max(cx, dx) < min(ax, bx) || max(ay, by) < min(cy, dy) || max(cy, dy) < min(ay, by) {
		return false
	}
	return Turn(ax, ay, bx, by, cx, cy)*Turn(ax, ay, bx, by, dx, dy) <= 0 &&
		Turn(cx, cy, dx, dy, ax, ay)*Turn(cx, cy, dx, dy, bx, by) <= 0
}

// SegmentMeetsBox reports whether the segment a–b shares a position with the box,
// borders included.
func SegmentMeetsBox(ax, ay, bx, by int32, b GridBox) bool {
	if max(ax, bx) < b.MinX || b.MaxX < min(ax, bx) || max(ay, by) < b.MinY || b.MaxY < min(ay, by) {
		return false
	}
	// The segment's box meets; they are apart only if all corners are strictly on one side of its line.
	t := Turn(ax, ay, bx, by, b.MinX, b.MinY)
	if t == 0 {
		return true
	}
	for _, c := range [3][2]int32{{b.MaxX, b.MinY}, {b.MinX, b.MaxY}, {b.MaxX, b.MaxY}} {
		if Turn(ax, ay, bx, by, c[0], c[1]) != t {
			return true
		}
	}
	return false
}
