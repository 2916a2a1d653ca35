package format

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"

	"nagar/geo"
)

// maxWKTDepth bounds the brackets of well-known text: a multipolygon in a
// collection in a collection needs no more.
const maxWKTDepth = 40

// ParseWKT reads a geometry in well-known text (OGC 06-103r4 section 7), also
// with PostGIS's prefix SRID=4326;. M is dropped. An empty text is no geometry.
func ParseWKT(s string) (geo.Geometry, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return geo.Geometry{}, nil
	}
	if len(s) > 5 && strings.EqualFold(s[:5], "SRID=") {
		srid, rest, ok := strings.Cut(s[5:], ";")
		if !ok || srid != "4326" {
			return geo.Geometry{}, fmt.Errorf("WKT with SRID %s: give --crs and leave the prefix out", clip(srid))
		}
		s = rest
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			if depth++; depth > maxWKTDepth {
				return geo.Geometry{}, fmt.Errorf("WKT with brackets nested over %d deep", maxWKTDepth)
			}
		case ')':
			depth--
		}
	}
	g, err := geom.UnmarshalWKT(s, geom.NoValidate{})
	if err != nil {
		return geo.Geometry{}, fmt.Errorf("not WKT: %s", clip(err.Error()))
	}
	out, err := geo.DecodeWKB(g.AsBinary())
	if err != nil {
		return geo.Geometry{}, errors.New("not WKT")
	}
	return out, nil
}

// AppendWKT appends g as well-known text, numbers so that they read back exactly;
// nothing for Type None.
func AppendWKT(b []byte, g *geo.Geometry) []byte {
	if g.Type == geo.None {
		return b
	}
	b = append(b, strings.ToUpper(g.Type.String())...)
	if g.HasZ {
		b = append(b, " Z"...)
	}
	if g.IsEmpty() && len(g.Geoms) == 0 {
		return append(b, " EMPTY"...)
	}
	b = append(b, ' ')
	switch g.Type {
	case geo.Point, geo.MultiPoint:
		return appendLine(b, g.Coords, g.Stride())
	case geo.LineString:
		return appendLine(b, g.Line(0), g.Stride())
	case geo.MultiPolygon:
		b = append(b, '(')
		for p := range g.Polys {
			if p > 0 {
				b = append(b, ", "...)
			}
			from, to := g.PolygonRings(p)
			b = appendLines(b, g, from, to)
		}
		return append(b, ')')
	case geo.GeometryCollection:
		b = append(b, '(')
		for i := range g.Geoms {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = AppendWKT(b, &g.Geoms[i])
		}
		return append(b, ')')
	}
	return appendLines(b, g, 0, len(g.Ends))
}

func appendLines(b []byte, g *geo.Geometry, from, to int) []byte {
	b = append(b, '(')
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ", "...)
		}
		b = appendLine(b, g.Line(i), g.Stride())
	}
	return append(b, ')')
}

func appendLine(b []byte, c []float64, stride int) []byte {
	if len(c) == 0 {
		return append(b, "EMPTY"...)
	}
	b = append(b, '(')
	for i, v := range c {
		switch {
		case i == 0:
		case i%stride == 0:
			b = append(b, ", "...)
		default:
			b = append(b, ' ')
		}
		b = strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	return append(b, ')')
}

func clip(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}
