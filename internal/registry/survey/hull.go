package survey

import (
	"cmp"
	"slices"
)

// point is a position in degrees, lon lat.
type point struct{ x, y float64 }

// outline is a convex polygon, counter-clockwise.
type outline []point

func turn(a, b, c point) float64 { return (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x) }

// hull is the convex hull of the points (Andrew, Another efficient algorithm for
// convex hulls in two dimensions, 1979). It sorts them.
func hull(ps []point) outline {
	slices.SortFunc(ps, func(a, b point) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) })
	ps = slices.Compact(ps)
	if len(ps) < 3 {
		return outline(ps)
	}
	half := func(ps []point) outline {
		var out outline
		for _, p := range ps {
			for len(out) > 1 && turn(out[len(out)-2], out[len(out)-1], p) <= 0 {
				out = out[:len(out)-1]
			}
			out = append(out, p)
		}
		return out[:len(out)-1]
	}
	lower := half(ps)
	slices.Reverse(ps)
	return append(lower, half(ps)...)
}

// has reports whether the point lies within, border included.
func (o outline) has(p point) bool {
	for i := range o {
		if turn(o[i], o[(i+1)%len(o)], p) < 0 {
			return false
		}
	}
	return len(o) > 2
}
