package geo

import "math"

// smallRing is the most segments of a single ring compared pair by pair on the stack.
const smallRing = 24

// validSmall judges a polygon of one small ring, the usual footprint, without
// allocating. done is false when the geometry is not of that kind.
func validSmall(g *Geometry) (done bool, err *ShapeError) {
	if len(g.Ends) == 0 {
		return true, nil
	}
	s := g.Stride()
	if len(g.Ends) != 1 || len(g.Coords) > (smallRing+1)*s {
		return false, nil
	}
	var p [smallRing + 1]xy
	n := 0
	for k := 0; k+1 < len(g.Coords); k += s {
		if q := (xy{g.Coords[k], g.Coords[k+1]}); n == 0 || q != p[n-1] {
			p[n] = q
			n++
		}
	}
	if err := ringForm(len(g.Coords)/s, n, p[0], p[max(n-1, 0)], 1, 1, g.Type); err != nil {
		return true, err
	}
	// p[:n] is closed, without repeats: n-1 segments p[i]→p[i+1].
	m := n - 1
	for i := range m {
		next := i + 2
		if next > m {
			next = 1
		}
		if spike(p[i], p[i+1], p[next]) {
			return true, shapeError(p[i+1].x, p[i+1].y, "self-intersection: %s turns back on itself", ringName(1, 1, g.Type))
		}
		last := m
		if i == 0 {
			last = m - 1
		}
		for j := i + 2; j < last; j++ {
			if c, at := meet(p[i], p[i+1], p[j], p[j+1]); c != apart {
				return true, selfContact(c, at, 1, 1, g.Type)
			}
		}
	}
	return true, nil
}

// ringForm judges what needs no comparing of segments: positions counts the
// ring's positions as stored, distinct those without repeats.
func ringForm(positions, distinct int, first, last xy, polygon, ring int, t Type) *ShapeError {
	name := func() string { return ringName(polygon, ring, t) }
	switch {
	case positions == 0:
		return shapeError(math.NaN(), math.NaN(), "%s is empty", name())
	case positions < 4:
		return shapeError(first.x, first.y, "%s has %d positions, fewer than four", name(), positions)
	case first != last:
		return shapeError(first.x, first.y, "%s is not closed", name())
	case distinct < 4:
		return shapeError(first.x, first.y, "%s has fewer than three different positions", name())
	}
	return nil
}

func selfContact(c contact, at xy, polygon, ring int, t Type) *ShapeError {
	how := "crosses itself"
	switch c {
	case touch:
		how = "touches itself"
	case overlap:
		how = "runs along itself"
	}
	return shapeError(at.x, at.y, "self-intersection: %s %s", ringName(polygon, ring, t), how)
}
