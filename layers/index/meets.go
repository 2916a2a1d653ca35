package index

import (
	"math"

	"nagar/geo"
)

// MeetsBox reports whether the geometry of feature h shares a position with the
// box, borders included. sh is room to work in.
func (s *Segment) MeetsBox(h int32, q geo.GridBox, sh *Shape) bool {
	b := s.tree.boxes[h]
	if !b.Intersects(q) {
		return false
	}
	if q.ContainsBox(b) {
		return true
	}
	for ok := s.Shape(h, sh); ok; ok = sh.Next() {
		if sh.meetsBox(q) {
			return true
		}
	}
	return false
}

func (sh *Shape) meetsBox(q geo.GridBox) bool {
	c := sh.Coords
	for i := 0; i+1 < len(c); i += 2 { // a position in the box is the usual case
		if q.MinX <= c[i] && c[i] <= q.MaxX && q.MinY <= c[i+1] && c[i+1] <= q.MaxY {
			return true
		}
	}
	if sh.Type == geo.Point || sh.Type == geo.MultiPoint {
		return false
	}
	met := false
	sh.edges(func(ax, ay, bx, by int32) bool {
		met = geo.SegmentMeetsBox(ax, ay, bx, by, q)
		return !met
	})
	return met || sh.side(q.MinX, q.MinY) != geo.Outside
}

// edges calls fn for every segment of lines and rings, closing ones included,
// until it returns false.
func (sh *Shape) edges(fn func(ax, ay, bx, by int32) bool) {
	rings := sh.Type == geo.Polygon || sh.Type == geo.MultiPolygon
	for i := range sh.Ends {
		r := sh.Ring(i)
		for j := 0; j+3 < len(r); j += 2 {
			if !fn(r[j], r[j+1], r[j+2], r[j+3]) {
				return
			}
		}
		if n := len(r); rings && n >= 4 && !fn(r[n-2], r[n-1], r[0], r[1]) {
			return
		}
	}
}

// side says where a position lies to the polygons of the shape; Outside for other types.
func (sh *Shape) side(x, y int32) geo.Side {
	for p := range sh.NumPolygons() {
		from, to := sh.Rings(p)
		in := false
		for r := from; r < to; r++ {
			switch geo.RingSide(x, y, sh.Ring(r)) {
			case geo.OnBorder:
				return geo.OnBorder
			case geo.Inside:
				in = !in
			}
		}
		if in {
			return geo.Inside
		}
	}
	return geo.Outside
}

// MeetsPosition reports whether feature h is at the position: a polygon contains
// it, or its border, a line or a point is within a unit of it.
func (s *Segment) MeetsPosition(h int32, x, y int32, sh *Shape) bool {
	if !s.tree.boxes[h].Grow(1).Intersects(geo.GridBox{MinX: x, MinY: y, MaxX: x, MaxY: y}) {
		return false
	}
	px, py := float64(x), float64(y)
	for ok := s.Shape(h, sh); ok; ok = sh.Next() {
		if sh.side(x, y) != geo.Outside {
			return true
		}
		if cx, cy, ok := sh.closest(px, py, 1, 1); ok && math.Abs(cx-px) <= 1 && math.Abs(cy-py) <= 1 {
			return true
		}
	}
	return false
}

// closest returns the position of the shape's points and segments that is
// closest to px, py when X and Y count kx and ky per unit; false for an empty shape.
func (sh *Shape) closest(px, py, kx, ky float64) (x, y float64, ok bool) {
	best := math.Inf(1)
	try := func(cx, cy float64) {
		if d := cx*cx + cy*cy; d < best {
			best, x, y = d, px+cx/kx, py+cy/ky
		}
	}
	rel := func(vx, vy int32) (float64, float64) { return (float64(vx) - px) * kx, (float64(vy) - py) * ky }
	switch {
	case len(sh.Ends) == 0:
		for i := 0; i+1 < len(sh.Coords); i += 2 {
			try(rel(sh.Coords[i], sh.Coords[i+1]))
		}
	default:
		rings := sh.Type == geo.Polygon || sh.Type == geo.MultiPolygon
		for i := range sh.Ends {
			r := sh.Ring(i)
			n := len(r)
			if n == 0 {
				continue
			}
			ax, ay := rel(r[0], r[1])
			from := 2
			switch {
			case n == 2:
				try(ax, ay)
			case rings: // begin with the closing segment
				ax, ay = rel(r[n-2], r[n-1])
				from = 0
			}
			for j := from; j+1 < n; j += 2 {
				bx, by := rel(r[j], r[j+1])
				try(geo.ClosestOnSegment(0, 0, ax, ay, bx, by))
				ax, ay = bx, by
			}
		}
	}
	return x, y, !math.IsInf(best, 1)
}
