package geojson

import (
	"math"
	"strconv"

	"nagar/geo"
)

// AppendGeometry appends g as a GeoJSON geometry object without spaces, each
// number the shortest that reads back as the same float64; null for Type None.
// Stored geometries are finite; a NaN or infinity is written as null.
func AppendGeometry(b []byte, g *geo.Geometry) []byte {
	if g.Type == geo.None {
		return append(b, "null"...)
	}
	b = append(b, `{"type":"`...)
	b = append(b, g.Type.String()...)
	if g.Type == geo.GeometryCollection {
		b = append(b, `","geometries":[`...)
		for i := range g.Geoms {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendGeometry(b, &g.Geoms[i])
		}
		return append(b, "]}"...)
	}
	b = append(b, `","coordinates":`...)
	b = appendCoordinates(b, g)
	return append(b, '}')
}

func appendCoordinates(b []byte, g *geo.Geometry) []byte {
	s := g.Stride()
	switch g.Type {
	case geo.Point:
		if len(g.Coords) < s {
			return append(b, "[]"...)
		}
		return appendPosition(b, g.Coords[:s])
	case geo.MultiPoint:
		return appendPositions(b, g.Coords, s)
	case geo.LineString:
		if len(g.Ends) == 0 {
			return append(b, "[]"...)
		}
		return appendPositions(b, g.Line(0), s)
	case geo.MultiPolygon:
		b = append(b, '[')
		for p := range g.Polys {
			if p > 0 {
				b = append(b, ',')
			}
			from, to := g.PolygonRings(p)
			b = appendLines(b, g, from, to)
		}
		return append(b, ']')
	default:
		return appendLines(b, g, 0, len(g.Ends))
	}
}

func appendLines(b []byte, g *geo.Geometry, from, to int) []byte {
	b = append(b, '[')
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ',')
		}
		b = appendPositions(b, g.Line(i), g.Stride())
	}
	return append(b, ']')
}

func appendPositions(b []byte, c []float64, s int) []byte {
	b = append(b, '[')
	for i := 0; i+s <= len(c); i += s {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPosition(b, c[i:i+s])
	}
	return append(b, ']')
}

func appendPosition(b []byte, c []float64) []byte {
	b = append(b, '[')
	for i, v := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v)
	}
	return append(b, ']')
}

func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}
