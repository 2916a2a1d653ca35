// Package crs brings positions from any coordinate reference system to lon/lat
// WGS 84 (EPSG:4326, longitude first), through PROJ where this build has it.
//
// Guarantees. Axis order is always east, north. A transformation that PROJ can
// only guess (a ballpark: two datums without a known relation, or a grid that is
// missing) is an error, and one whose accuracy is worse than half a metre says so
// in its Note. Heights: those of a compound system (such as EPSG:7415) are heights
// above a local mean sea level and stay as they are; ellipsoidal ones (such as
// EPSG:4979) are brought to the EGM96 geoid, or refused when its grid is missing.
//
// Only the importer may import this package: with PROJ it is cgo.
package crs

import (
	"fmt"
	"math"
	"strings"
)

// Options refine New.
type Options struct {
	// Probe is a position of the data, in the source system: where several
	// operations exist, the one that PROJ takes there serves for all the data.
	Probe [2]float64
}

// Transformer transforms positions. It is not for concurrent use.
type Transformer struct {
	note string
	run  func(coords []float64, stride int) error
	end  func()
}

// New returns the transformer for a system named as EPSG:n or by its WKT; nil when
// positions in it are lon/lat WGS 84 as they are. The caller closes it.
func New(name string, o Options) (*Transformer, error) {
	name = strings.TrimSpace(name)
	code := strings.ToUpper(name)
	if strings.Trim(code, "0123456789") == "" {
		code = "EPSG:" + code
		name = code
	}
	switch code {
	case "EPSG:", "EPSG:4326", "OGC:CRS84", "CRS84", "WGS84", "OGC:CRS84H":
		return nil, nil
	case "EPSG:3857", "EPSG:900913", "EPSG:102100", "ESRI:102100":
		return &Transformer{run: fromMercator}, nil
	}
	if isLonLatWKT(name) {
		return nil, nil
	}
	return newProj(name, o)
}

// isLonLatWKT reports whether the text is WKT of plain WGS 84 in degrees, as nearly
// every .prj file is.
func isLonLatWKT(s string) bool {
	for _, head := range [...]string{`GEOGCS["GCS_WGS_1984"`, `GEOGCS["WGS 84"`, `GEOGCRS["WGS 84"`, `GEOGCS["WGS84"`, `GEOGCS["WGS_1984"`} {
		if len(s) >= len(head) && strings.EqualFold(s[:len(head)], head) {
			return strings.Contains(s, "0.01745329") && !strings.Contains(strings.ToUpper(s), "AXIS[\"ELLIPSOIDAL HEIGHT")
		}
	}
	return false
}

// Transform replaces x, y (and z, with stride 3) of each position by longitude and
// latitude in degrees (and metres above mean sea level). On an error, coords are
// unspecified.
func (t *Transformer) Transform(coords []float64, stride int) error {
	for i := 0; i+1 < len(coords); i += stride {
		if x, y := coords[i], coords[i+1]; x-x != 0 || y-y != 0 {
			return fmt.Errorf("position %d (%v, %v) is not finite", i/stride+1, x, y)
		}
	}
	return t.run(coords, stride)
}

// Note is what a user should know of the transformation, "" for nothing.
func (t *Transformer) Note() string { return t.note }

// Close frees what the transformer holds.
func (t *Transformer) Close() error {
	if t.end != nil {
		t.end()
		t.end = nil
	}
	return nil
}

// mercatorRadius is the sphere of EPSG:3857, in metres.
const mercatorRadius = 6378137

// fromMercator is the inverse of web mercator (EPSG Guidance Note 7-2, section
// 3.2.1.2: Popular Visualisation Pseudo Mercator).
func fromMercator(coords []float64, stride int) error {
	const edge = 20037508.3427892431
	for i := 0; i+1 < len(coords); i += stride {
		x, y := coords[i], coords[i+1]
		if math.Abs(x) > edge*1.0000001 || math.Abs(y) > 2*edge {
			return fmt.Errorf("position %d (%v, %v) is not in EPSG:3857", i/stride+1, x, y)
		}
		coords[i] = max(-180, min(180, x/mercatorRadius*180/math.Pi))
		coords[i+1] = math.Atan(math.Sinh(y/mercatorRadius)) * 180 / math.Pi
	}
	return nil
}
