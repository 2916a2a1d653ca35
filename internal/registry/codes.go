package registry

import (
	"nagar/geo"
	"nagar/geo/digipin"
	"nagar/geo/pluscode"
)

// The schemes of codes that say where a structure stands. They are worked out from
// its outline and kept nowhere: another survey may move them by a cell.
const (
	SchemeDigipin  = "digipin"
	SchemePlusCode = "pluscode"
)

// Code is the code of the place where a structure stands.
type Code struct {
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
}

// codesOf are the codes of a position inside the geometry.
func codesOf(g *geo.Geometry) []Code {
	lon, lat, ok := geo.PointOn(g)
	if !ok {
		return nil
	}
	var out []Code
	if code, ok := digipin.Encode(lon, lat); ok {
		out = append(out, Code{SchemeDigipin, code})
	}
	return append(out, Code{SchemePlusCode, pluscode.Encode(lon, lat, 10)})
}
