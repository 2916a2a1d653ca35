package geo

import "math"

// Box is an axis-aligned rectangle in lon, lat degrees (or any plane), borders
// included: W ≤ E, S ≤ N. It never crosses the antimeridian.
type Box struct{ W, S, E, N float64 }

// EmptyBox contains nothing, and is the neutral element of Union.
func EmptyBox() Box {
	return Box{W: math.Inf(1), S: math.Inf(1), E: math.Inf(-1), N: math.Inf(-1)}
}

// World is the whole of EPSG:4326.
func World() Box { return Box{W: -180, S: -90, E: 180, N: 90} }

// IsEmpty reports whether the box contains no point (a NaN border counts as empty).
func (b Box) IsEmpty() bool { return !(b.W <= b.E && b.S <= b.N) }

// Extend returns the smallest box that contains b and the position x, y.
func (b Box) Extend(x, y float64) Box {
	if x < b.W {
		b.W = x
	}
	if x > b.E {
		b.E = x
	}
	if y < b.S {
		b.S = y
	}
	if y > b.N {
		b.N = y
	}
	return b
}

// Union returns the smallest box that contains both.
func (b Box) Union(c Box) Box {
	if c.IsEmpty() {
		return b
	}
	return b.Extend(c.W, c.S).Extend(c.E, c.N)
}

// Intersects reports whether the boxes share a point; a shared border counts.
func (b Box) Intersects(c Box) bool {
	return b.W <= c.E && c.W <= b.E && b.S <= c.N && c.S <= b.N
}

// Contains reports whether the position lies in the box or on its border.
func (b Box) Contains(x, y float64) bool {
	return b.W <= x && x <= b.E && b.S <= y && y <= b.N
}

// ContainsBox reports whether c, not empty, lies wholly in b.
func (b Box) ContainsBox(c Box) bool {
	return b.W <= c.W && c.E <= b.E && b.S <= c.S && c.N <= b.N
}
