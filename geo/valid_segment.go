package geo

import "math"

type xy struct{ x, y float64 }

// turn is the side of the line a→b on which c lies: 1 left, -1 right, 0 on it.
// It is exact: a floating-point filter first, and where that cannot decide, the
// determinant as an exact sum (J. R. Shewchuk, Adaptive Precision Floating-Point
// Arithmetic, 1997). Coordinates below 1e-140 in size, which could underflow, are
// taken for zero by no real city. The conversions forbid fused multiply-add.
func turn(a, b, c xy) int {
	l := float64((a.x - c.x) * (b.y - c.y))
	r := float64((a.y - c.y) * (b.x - c.x))
	det := l - r
	const ccwErrBound = 3.3306690738754716e-16 // (3 + 16ε)ε with ε = 2⁻⁵³
	bound := ccwErrBound * (math.Abs(l) + math.Abs(r))
	switch {
	case det > bound:
		return 1
	case det < -bound:
		return -1
	case bound == 0:
		return 0
	}
	return turnExact(a, b, c)
}

// turnExact sums ax·by − ax·cy + bx·cy − bx·ay + cx·ay − cx·by without rounding.
func turnExact(a, b, c xy) int {
	var e [12]float64
	n := 0
	for _, t := range [6][2]float64{{a.x, b.y}, {-a.x, c.y}, {b.x, c.y}, {-b.x, a.y}, {c.x, a.y}, {-c.x, b.y}} {
		p := float64(t[0] * t[1])
		n = grow(&e, n, math.FMA(t[0], t[1], -p))
		n = grow(&e, n, p)
	}
	switch {
	case n == 0:
		return 0
	case e[n-1] > 0:
		return 1
	}
	return -1
}

// grow adds v to the expansion e[:n] (non-overlapping, by growing size), dropping zeros.
func grow(e *[12]float64, n int, v float64) int {
	k := 0
	for i := range n {
		sum := v + e[i]
		bv := sum - v
		err := (v - (sum - bv)) + (e[i] - bv)
		if err != 0 {
			e[k] = err
			k++
		}
		v = sum
	}
	if v != 0 {
		e[k] = v
		k++
	}
	return k
}

// contact is how two segments meet.
type contact uint8

const (
	apart   contact = iota
	touch           // in one point that is an end of one of them
	cross           // in one point inside both
	overlap         // along a stretch
)

// meet reports how segments ab and cd meet and where; the place of a touch is exact.
func meet(a, b, c, d xy) (contact, xy) {
	if max(a.x, b.x) < min(c.x, d.x) || max(c.x, d.x) < min(a.x, b.x) ||
		max(a.y, b.y) < min(c.y, d.y) || max(c.y, d.y) < min(a.y, b.y) {
		return apart, xy{}
	}
	tc, td := turn(a, b, c), turn(a, b, d)
	if tc*td > 0 {
		return apart, xy{}
	}
	ta, tb := turn(c, d, a), turn(c, d, b)
	switch {
	case ta*tb > 0:
		return apart, xy{}
	case tc == 0 && td == 0:
		return meetOnLine(a, b, c, d)
	case tc == 0:
		return touch, c
	case td == 0:
		return touch, d
	case ta == 0:
		return touch, a
	case tb == 0:
		return touch, b
	}
	// The place of a crossing is for the message only.
	den := (b.x-a.x)*(d.y-c.y) - (b.y-a.y)*(d.x-c.x)
	t := ((c.x-a.x)*(d.y-c.y) - (c.y-a.y)*(d.x-c.x)) / den
	if !(t >= 0 && t <= 1) {
		t = 0.5
	}
	return cross, xy{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)}
}

// meetOnLine is meet for segments of one line.
func meetOnLine(a, b, c, d xy) (contact, xy) {
	less := func(p, q xy) bool { return p.x < q.x || p.x == q.x && p.y < q.y }
	if less(b, a) {
		a, b = b, a
	}
	if less(d, c) {
		c, d = d, c
	}
	from, to := a, b
	if less(a, c) {
		from = c
	}
	if less(d, b) {
		to = d
	}
	switch {
	case less(from, to):
		return overlap, from
	case from == to:
		return touch, from
	}
	return apart, xy{}
}

// spike reports whether the path prev→p→next turns back on itself.
func spike(prev, p, next xy) bool {
	if turn(prev, p, next) != 0 {
		return false
	}
	if prev.x != p.x {
		return (prev.x < p.x) == (next.x < p.x) && next.x != p.x
	}
	return (prev.y < p.y) == (next.y < p.y) && next.y != p.y
}

// leftOf is the side of the bent path prev→p→next on which a segment p→q leaves
// p: 1 left, -1 right, 0 along one of its legs.
func leftOf(prev, p, next, q xy) int {
	a, b := turn(prev, p, q), turn(p, next, q)
	switch t := turn(prev, p, next); {
	case t > 0:
		if a > 0 && b > 0 {
			return 1
		}
		if a < 0 || b < 0 {
			return -1
		}
		return 0
	case t < 0:
		if a < 0 && b < 0 {
			return -1
		}
		if a > 0 || b > 0 {
			return 1
		}
		return 0
	}
	return a
}
