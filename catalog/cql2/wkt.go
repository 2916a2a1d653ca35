package cql2

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"nagar/catalog"
	"nagar/geo"
)

// wktTypes are the words that begin a geometry literal.
var wktTypes = map[string]geo.Type{
	"POINT": geo.Point, "LINESTRING": geo.LineString, "POLYGON": geo.Polygon, "MULTIPOINT": geo.MultiPoint,
	"MULTILINESTRING": geo.MultiLineString, "MULTIPOLYGON": geo.MultiPolygon, "GEOMETRYCOLLECTION": geo.GeometryCollection,
}

// ParseGeometry reads a geometry as a filter's literals are written: WKT (OGC
// 06-103r4 section 7), in degrees, longitude first; a Z is read and left out. An
// error is *catalog.Invalid with Path "geometry" and says at which character (from
// 1) what was expected.
func ParseGeometry(text string) (geo.Geometry, error) {
	g, err := parseGeometry(text)
	var bad *catalog.Invalid
	if errors.As(err, &bad) {
		return geo.Geometry{}, &catalog.Invalid{Path: "geometry", Reason: bad.Reason}
	}
	return g, err
}

func parseGeometry(text string) (g geo.Geometry, err error) {
	switch {
	case len(text) > MaxText:
		return g, &catalog.Invalid{Reason: fmt.Sprintf("longer than %d bytes", MaxText)}
	case !utf8.ValidString(text):
		return g, &catalog.Invalid{Reason: "not UTF-8"}
	}
	p := &parser{lexer: lexer{text: text}, most: maxNodes}
	p.advance()
	w := p.tok
	kind := wktTypes[strings.ToUpper(w.text)]
	if p.err == nil && (w.kind != tName || kind == geo.None) {
		p.fail(w.at, "expected a geometry such as LINESTRING(72.8 19.0, 72.9 19.1), found %s", w)
	}
	p.advance()
	p.word("Z")
	g = p.nestGeometry(w.at, kind)
	if p.err == nil && p.tok.kind != tEnd {
		p.fail(p.tok.at, "expected the end, found %s", p.tok)
	}
	return g, p.err
}

// geometry reads what follows the type's word of a literal.
func (p *parser) geometry(at int, t geo.Type) *node {
	p.word("Z")
	n := p.node(opGeom, at)
	n.geom = p.nestGeometry(at, t)
	return n
}

func (p *parser) nestGeometry(at int, t geo.Type) (g geo.Geometry) {
	p.nest(at, func() *node { g = p.shape(t); return nil })
	return g
}

// shape reads the bracketed part of a literal. Z is read and left out: relations
// are of the plane.
func (p *parser) shape(t geo.Type) geo.Geometry {
	g := geo.Geometry{Type: t}
	p.expect("(")
	switch t {
	case geo.Point:
		p.position(&g)
	case geo.LineString:
		p.line(&g, false)
	case geo.Polygon:
		p.list(func() { p.expect("("); p.line(&g, true); p.expect(")") })
	case geo.MultiPoint:
		p.list(func() {
			if p.sign("(") { // MULTIPOINT((1 2)) and MULTIPOINT(1 2) are both about
				p.position(&g)
				p.expect(")")
			} else {
				p.position(&g)
			}
		})
	case geo.MultiLineString:
		p.list(func() { p.expect("("); p.line(&g, false); p.expect(")") })
	case geo.MultiPolygon:
		p.list(func() {
			p.expect("(")
			p.list(func() { p.expect("("); p.line(&g, true); p.expect(")") })
			p.expect(")")
			g.Polys = append(g.Polys, int32(len(g.Ends)))
		})
	case geo.GeometryCollection:
		p.list(func() {
			w := p.tok
			kind := wktTypes[strings.ToUpper(w.text)]
			if w.kind != tName || kind == geo.None {
				p.fail(w.at, "expected a geometry, found %s", w)
				return
			}
			p.advance()
			p.word("Z")
			g.Geoms = append(g.Geoms, p.nestGeometry(w.at, kind))
		})
	}
	p.expect(")")
	return g
}

// list reads one or more, separated by commas.
func (p *parser) list(one func()) {
	one()
	for p.err == nil && p.sign(",") {
		one()
	}
}

func (p *parser) position(g *geo.Geometry) {
	at := p.tok.at
	x, y := p.signed(), p.signed()
	if p.tok.kind == tNumber || p.tok.kind == tSign && (p.tok.text == "-" || p.tok.text == "+") {
		p.signed()
	}
	if p.err == nil && !geo.World().Contains(x, y) {
		p.fail(at, "(%v %v) is not a longitude and latitude in degrees", x, y)
	}
	g.Coords = append(g.Coords, x, y)
}

// line reads the positions of a line or, closed, of a ring.
func (p *parser) line(g *geo.Geometry, ring bool) {
	at, from := p.tok.at, len(g.Coords)
	p.list(func() { p.position(g) })
	l := g.Coords[from:]
	switch n := len(l) / 2; {
	case p.err != nil:
	case ring && n < 4:
		p.fail(at, "a ring has at least four positions, this one %d", n)
	case ring && !slices.Equal(l[:2], l[len(l)-2:]):
		p.fail(at, "a ring ends where it began")
	case !ring && n < 2:
		p.fail(at, "a line has at least two positions")
	}
	g.Ends = append(g.Ends, int32(len(g.Coords)/2))
}

// bbox reads BBOX(west, south, [bottom,] east, north [, top]).
func (p *parser) bbox(at int) *node {
	var v []float64
	p.list(func() { v = append(v, p.signed()) })
	n := p.node(opGeom, at)
	n.box = true
	var b geo.Box
	switch len(v) {
	case 4:
		b = geo.Box{W: v[0], S: v[1], E: v[2], N: v[3]}
	case 6:
		b = geo.Box{W: v[0], S: v[1], E: v[3], N: v[4]}
	default:
		p.fail(at, "BBOX wants four numbers (west, south, east, north) or six")
		return n
	}
	switch {
	case p.err != nil:
	case !geo.World().Contains(b.W, b.S) || !geo.World().Contains(b.E, b.N):
		p.fail(at, "BBOX is not within longitude ±180 and latitude ±90")
	case b.W > b.E:
		p.fail(at, "BBOX has its west east of its east; boxes over the antimeridian are not supported, join two with OR")
	case b.S > b.N:
		p.fail(at, "BBOX has its south north of its north")
	}
	n.geom = geo.NewPolygon([]float64{b.W, b.S, b.E, b.S, b.E, b.N, b.W, b.N, b.W, b.S})
	return n
}
