package format

import (
	"errors"
	"fmt"
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

func clip(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}
