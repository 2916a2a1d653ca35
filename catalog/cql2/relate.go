package cql2

import (
	"math"

	"nagar/geo"
)

// spatialOp is a relation of the feature's geometry to the literal.
type spatialOp uint8

const (
	intersects spatialOp = iota + 1
	disjoint
	within
	contains
)

var spatial = map[string]spatialOp{"S_INTERSECTS": intersects, "S_DISJOINT": disjoint, "S_WITHIN": within, "S_CONTAINS": contains}

// turned is the relation when the literal comes first.
func (s spatialOp) turned() spatialOp {
	switch s {
	case within:
		return contains
	case contains:
		return within
	}
	return s
}

// spatial relates the row's geometry; without one the answer is unknown.
func (e *eval) spatial(t *term) truth {
	box, ok := e.row.Box()
	if !ok {
		return unknown
	}
	switch t.near {
	case intersects:
		return of(e.intersects(t, box))
	case disjoint:
		return of(!e.intersects(t, box))
	case within:
		return of(!box.IsEmpty() && t.box.ContainsBox(box) && reachesInside(e.row.Geometry(), t.box))
	}
	p := t.shape.Coords
	return of(len(p) > 1 && box.Contains(p[0], p[1]) && interiorHolds(e.row.Geometry(), p[0], p[1]))
}

func (e *eval) intersects(t *term, box geo.Box) bool {
	switch {
	case !box.Intersects(t.box):
		return false
	case t.isBox && t.box.ContainsBox(box):
		return true
	}
	return geo.Intersects(e.row.Geometry(), t.shape)
}

// reachesInside reports whether the interior of g, which lies in the box, meets
// the box's inside: what lies all on the border is not within (OGC 06-103r4,
// 6.1.15.3).
func reachesInside(g *geo.Geometry, b geo.Box) bool {
	s := g.Stride()
	inside := func(x, y float64) bool { return b.W < x && x < b.E && b.S < y && y < b.N }
	switch g.Type {
	case geo.Point, geo.MultiPoint:
		for i := 0; i+1 < len(g.Coords); i += s {
			if inside(g.Coords[i], g.Coords[i+1]) {
				return true
			}
		}
	case geo.LineString, geo.MultiLineString:
		for i := range g.Ends {
			l := g.Line(i)
			for j := 0; j+s+1 < len(l); j += s {
				// The middle of a segment in the box is inside unless it runs along a side.
				if inside((l[j]+l[j+s])/2, (l[j+1]+l[j+s+1])/2) {
					return true
				}
			}
		}
	case geo.Polygon, geo.MultiPolygon:
		return len(g.Coords) > 0 && b.W < b.E && b.S < b.N
	case geo.GeometryCollection:
		for i := range g.Geoms {
			if reachesInside(&g.Geoms[i], b) {
				return true
			}
		}
	}
	return false
}

// interiorHolds reports whether the position lies in the interior of g.
func interiorHolds(g *geo.Geometry, x, y float64) bool {
	p := geo.Geometry{Type: geo.Point, Coords: []float64{x, y}}
	switch g.Type {
	case geo.Point, geo.MultiPoint:
		return geo.Intersects(g, &p)
	case geo.LineString, geo.MultiLineString:
		return geo.Intersects(g, &p) && !lineEnd(g, x, y)
	case geo.Polygon, geo.MultiPolygon:
		rim := *g
		rim.Type, rim.Polys = geo.MultiLineString, nil
		return geo.Intersects(g, &p) && !geo.Intersects(&rim, &p)
	case geo.GeometryCollection:
		for i := range g.Geoms {
			if interiorHolds(&g.Geoms[i], x, y) {
				return true
			}
		}
	}
	return false
}

// lineEnd reports whether the position is on the boundary of the lines: where an
// odd number of them end.
func lineEnd(g *geo.Geometry, x, y float64) bool {
	s, odd := g.Stride(), false
	for i := range g.Ends {
		l := g.Line(i)
		if len(l) < s {
			continue
		}
		last := len(l) - s
		odd = odd != (l[0] == x && l[1] == y) != (l[last] == x && l[last+1] == y)
	}
	return odd
}

// span is a time or an interval, both ends included, in Unix µs.
type span struct{ from, to int64 }

// span evaluates a time or an interval.
func (e *eval) span(t *term) (span, bool) {
	if t.kind == kTime {
		v, ok := e.scalar(t)
		return span{v.i, v.i}, ok
	}
	out := span{math.MinInt64, math.MaxInt64}
	for i, end := range [...]*int64{&out.from, &out.to} {
		if t.args[i].op == opOpen {
			continue
		}
		v, ok := e.scalar(t.args[i])
		if !ok {
			return out, false
		}
		*end = v.i
	}
	return out, true
}

// temporal are the relations of two times or intervals (21-065r2, table 8).
var temporal = map[string]func(a, b span) bool{
	"T_AFTER":        func(a, b span) bool { return a.from > b.to },
	"T_BEFORE":       func(a, b span) bool { return a.to < b.from },
	"T_CONTAINS":     func(a, b span) bool { return a.from < b.from && a.to > b.to },
	"T_DISJOINT":     func(a, b span) bool { return a.from > b.to || a.to < b.from },
	"T_DURING":       func(a, b span) bool { return a.from > b.from && a.to < b.to },
	"T_EQUALS":       func(a, b span) bool { return a == b },
	"T_FINISHEDBY":   func(a, b span) bool { return a.from < b.from && a.to == b.to },
	"T_FINISHES":     func(a, b span) bool { return a.from > b.from && a.to == b.to },
	"T_INTERSECTS":   func(a, b span) bool { return a.from <= b.to && a.to >= b.from },
	"T_MEETS":        func(a, b span) bool { return a.to == b.from },
	"T_METBY":        func(a, b span) bool { return a.from == b.to },
	"T_OVERLAPPEDBY": func(a, b span) bool { return a.from > b.from && a.from < b.to && a.to > b.to },
	"T_OVERLAPS":     func(a, b span) bool { return a.from < b.from && a.to > b.from && a.to < b.to },
	"T_STARTEDBY":    func(a, b span) bool { return a.from == b.from && a.to > b.to },
	"T_STARTS":       func(a, b span) bool { return a.from == b.from && a.to < b.to },
}

// Bounds is a box outside of which no row with a geometry matches; the whole
// world (and beyond) when the filter does not say.
func (f *Filter) Bounds() geo.Box { return bounds(f.root) }

func bounds(t *term) geo.Box {
	all := geo.Box{W: math.Inf(-1), S: math.Inf(-1), E: math.Inf(1), N: math.Inf(1)}
	switch {
	case t.op == opAnd:
		for _, a := range t.args {
			b := bounds(a)
			all = geo.Box{W: max(all.W, b.W), S: max(all.S, b.S), E: min(all.E, b.E), N: min(all.N, b.N)}
		}
	case t.op == opOr:
		out := geo.EmptyBox()
		for _, a := range t.args {
			out = out.Union(bounds(a))
		}
		return out
	case t.op == opSpatial && t.near != disjoint:
		return t.box
	}
	return all
}
