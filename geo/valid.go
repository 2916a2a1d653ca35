package geo

import (
	"fmt"
	"math"
)

// Fixes counts what Clean changed.
type Fixes struct {
	Closed   int // rings that got their first position again at the end
	Reversed int // rings turned to run the right way
	Repeated int // positions dropped because they equal the one before
}

// Any reports whether anything was changed.
func (f Fixes) Any() bool { return f != Fixes{} }

// Clean returns g with rings closed, outer rings counter-clockwise and holes
// clockwise (RFC 7946 section 3.1.6), and positions that equal the one before
// (Z included) dropped. What is right already is returned as it is, sharing
// memory. Clean changes how a geometry is written, never its shape: whether the
// shape is valid is for Validate to say.
func Clean(g *Geometry) (Geometry, Fixes) {
	var f Fixes
	switch g.Type {
	case LineString, MultiLineString, Polygon, MultiPolygon:
		if !cleanAlready(g) {
			return cleanLines(g, &f), f
		}
	case GeometryCollection:
		out := *g
		for i := range g.Geoms {
			m, mf := Clean(&g.Geoms[i])
			if !mf.Any() {
				continue
			}
			if !f.Any() {
				out.Geoms = append([]Geometry(nil), g.Geoms...)
			}
			out.Geoms[i] = m
			f.Closed += mf.Closed
			f.Reversed += mf.Reversed
			f.Repeated += mf.Repeated
		}
		return out, f
	}
	return *g, f
}

// outerRing reports whether ring i is the first of its polygon; *poly walks along.
func outerRing(g *Geometry, i int, poly *int) bool {
	if g.Type == Polygon {
		return i == 0
	}
	for *poly < len(g.Polys) && int(g.Polys[*poly]) <= i {
		*poly++
	}
	from, _ := g.PolygonRings(*poly)
	return i == from
}

func cleanAlready(g *Geometry) bool {
	s, rings, poly := g.Stride(), g.Type == Polygon || g.Type == MultiPolygon, 0
	for i := range g.Ends {
		l := g.Line(i)
		for k := s; k+s <= len(l); k += s {
			if l[k] == l[k-s] && l[k+1] == l[k-s+1] && (s == 2 || l[k+2] == l[k-1]) {
				return false
			}
		}
		if !rings || len(l) == 0 {
			continue
		}
		if !closedRing(l, s) || wrongWay(l, s, outerRing(g, i, &poly)) {
			return false
		}
	}
	return true
}

func closedRing(l []float64, s int) bool {
	for k := range s {
		if l[k] != l[len(l)-s+k] {
			return false
		}
	}
	return true
}

// wrongWay judges by the sign of the shoelace sum, taken from the first corner so
// that small rings far from the origin lose nothing. The ring may be open.
func wrongWay(l []float64, s int, outer bool) bool {
	x0, y0, sum := l[0], l[1], 0.0
	for k := s; k+s+1 < len(l); k += s {
		sum += (l[k]-x0)*(l[k+s+1]-y0) - (l[k+s]-x0)*(l[k+1]-y0)
	}
	if outer {
		return sum < 0
	}
	return sum > 0
}

func cleanLines(g *Geometry, f *Fixes) Geometry {
	s, rings, poly := g.Stride(), g.Type == Polygon || g.Type == MultiPolygon, 0
	out := *g
	out.Coords = make([]float64, 0, len(g.Coords)+s)
	out.Ends = make([]int32, 0, len(g.Ends))
	for i := range g.Ends {
		l := g.Line(i)
		from := len(out.Coords)
		for k := 0; k+s <= len(l); k += s {
			if n := len(out.Coords); n > from && equalPosition(out.Coords[n-s:], l[k:k+s]) {
				f.Repeated++
				continue
			}
			out.Coords = append(out.Coords, l[k:k+s]...)
		}
		if r := out.Coords[from:]; rings && len(r) > 0 {
			if !closedRing(r, s) {
				out.Coords = append(out.Coords, r[:s]...)
				f.Closed++
			}
			if r = out.Coords[from:]; wrongWay(r, s, outerRing(g, i, &poly)) {
				reversePositions(r, s)
				f.Reversed++
			}
		}
		out.Ends = append(out.Ends, int32(len(out.Coords)/s))
	}
	return out
}

func equalPosition(a, b []float64) bool {
	for k := range b {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

func reversePositions(l []float64, s int) {
	for i, j := 0, len(l)-s; i < j; i, j = i+s, j-s {
		for k := range s {
			l[i+k], l[j+k] = l[j+k], l[i+k]
		}
	}
}

// ShapeError says why a geometry is not valid, and where.
type ShapeError struct {
	Reason string
	X, Y   float64 // a position at or near the fault; NaN when it has no place
}

func (e *ShapeError) Error() string {
	if math.IsNaN(e.X) || math.IsNaN(e.Y) {
		return e.Reason
	}
	return fmt.Sprintf("%s at (%v, %v)", e.Reason, e.X, e.Y)
}

func shapeError(x, y float64, format string, args ...any) *ShapeError {
	return &ShapeError{Reason: fmt.Sprintf(format, args...), X: x, Y: y}
}

// Validate reports the first thing that makes g invalid in the sense of OGC
// Simple Features (06-103r4 section 6.1), as *ShapeError: numbers that are not
// finite; lines of fewer than two different positions; rings that are open,
// have fewer than four positions or no area, cross or touch themselves; holes
// that cross or lie outside their outer ring or in another hole; an interior cut
// in two by touching rings; polygons of a multipolygon that overlap. Lines may
// cross themselves; empty geometries are valid; the direction of rings does not
// matter. Side-of-line decisions are exact.
//
// A footprint of a few corners takes no allocation; large polygons an index over
// their segments. Shapes built so that nearly every segment passes by nearly every
// other are refused as too intricate once maxValidWork comparisons are spent.
func Validate(g *Geometry) error {
	if err := finite(g); err != nil {
		return err
	}
	switch g.Type {
	case LineString, MultiLineString:
		if err := validLines(g); err != nil {
			return err
		}
	case Polygon, MultiPolygon:
		if done, err := validSmall(g); done {
			if err != nil {
				return err
			}
			return nil
		}
		if err := validPolygons(g); err != nil {
			return err
		}
	case GeometryCollection:
		for i := range g.Geoms {
			if err := Validate(&g.Geoms[i]); err != nil {
				return fmt.Errorf("member %d: %w", i+1, err)
			}
		}
	}
	return nil
}

func finite(g *Geometry) error {
	for i, v := range g.Coords {
		if v-v != 0 { // NaN and both infinities
			s := g.Stride()
			return shapeError(math.NaN(), math.NaN(), "position %d has the ordinate %v", i/s+1, v)
		}
	}
	return nil
}

func validLines(g *Geometry) error {
	s := g.Stride()
	for i := range g.Ends {
		l := g.Line(i)
		if len(l) == 0 && g.Type == LineString {
			continue
		}
		if len(l) < 2*s {
			return shapeError(math.NaN(), math.NaN(), "line %d has fewer than two positions", i+1)
		}
		same := true
		for k := s; k < len(l) && same; k += s {
			same = l[k] == l[0] && l[k+1] == l[1]
		}
		if same {
			return shapeError(l[0], l[1], "all positions of line %d are the same", i+1)
		}
	}
	return nil
}
