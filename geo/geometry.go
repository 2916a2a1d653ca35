// Package geo holds the geometry that every other room works on: the geometry
// value and its WKB form, tile and mercator maths, clipping, simplifying and
// measuring. It is pure: no I/O, no log, no network, no context.
//
// Unless a name says otherwise, coordinates are longitude, latitude in degrees
// (EPSG:4326, lon first), and Z is metres above mean sea level.
package geo

import "math"

// Type is the simple-features type of a Geometry, numbered as in WKB
// (OGC 06-103r4, table 7).
type Type uint8

// The geometry types. None is the absence of a geometry: a feature may have none.
const (
	None Type = iota
	Point
	LineString
	Polygon
	MultiPoint
	MultiLineString
	MultiPolygon
	GeometryCollection
)

var typeNames = [...]string{"None", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"}

// String returns the GeoJSON name of the type, "None" for None.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "Unknown"
}

// Geometry is one simple-features geometry in flat arrays: a million of them
// cost the garbage collector few pointers, and box, WKB and projection are one
// loop over Coords.
//
//   - Coords holds every position in order: x0 y0 x1 y1 ..., or with HasZ
//     x0 y0 z0 x1 y1 z1 ...
//   - Ends holds, for LineString, Polygon, MultiLineString and MultiPolygon, the
//     index (in positions, not floats) one past the last position of each line
//     or ring. A LineString has one entry. It is nil for points.
//   - Polys holds, for MultiPolygon only, the index (in Ends) one past the last
//     ring of each polygon.
//   - Geoms holds the members of a GeometryCollection, which has no Coords of its own.
//
// Rings are stored closed (first position repeated at the end). After ingest the
// outer ring runs counter-clockwise and holes clockwise (RFC 7946 section 3.1.6).
// An empty geometry has a Type and no Coords. A Geometry is a value that is
// shared, not copied: whoever holds one does not change its slices.
type Geometry struct {
	Type   Type
	HasZ   bool
	Coords []float64
	Ends   []int32
	Polys  []int32
	Geoms  []Geometry
}

// Stride is the number of floats per position: 3 with Z, else 2.
func (g *Geometry) Stride() int {
	if g.HasZ {
		return 3
	}
	return 2
}

// NumPositions is the number of positions in Coords (members of a collection not counted).
func (g *Geometry) NumPositions() int { return len(g.Coords) / g.Stride() }

// IsEmpty reports whether the geometry has no position at all.
func (g *Geometry) IsEmpty() bool {
	for i := range g.Geoms {
		if !g.Geoms[i].IsEmpty() {
			return false
		}
	}
	return len(g.Coords) == 0
}

// Box returns the bounding box of all positions; EmptyBox when there is none.
func (g *Geometry) Box() Box {
	b := EmptyBox()
	for i, s := 0, g.Stride(); i+1 < len(g.Coords); i += s {
		b = b.Extend(g.Coords[i], g.Coords[i+1])
	}
	for i := range g.Geoms {
		b = b.Union(g.Geoms[i].Box())
	}
	return b
}

// Line returns the floats of line or ring i (in Coords' stride), sharing memory.
func (g *Geometry) Line(i int) []float64 {
	s := int32(g.Stride())
	var from int32
	if i > 0 {
		from = g.Ends[i-1]
	}
	return g.Coords[from*s : g.Ends[i]*s]
}

// PolygonRings returns the half-open range of ring indices of polygon i of a
// Polygon (i = 0) or MultiPolygon.
func (g *Geometry) PolygonRings(i int) (from, to int) {
	if g.Type == Polygon {
		return 0, len(g.Ends)
	}
	if i > 0 {
		from = int(g.Polys[i-1])
	}
	return from, int(g.Polys[i])
}

// NumPolygons is the number of polygons: 1 for a non-empty Polygon, 0 for other types.
func (g *Geometry) NumPolygons() int {
	switch {
	case g.Type == Polygon && len(g.Ends) > 0:
		return 1
	case g.Type == MultiPolygon:
		return len(g.Polys)
	}
	return 0
}

// Equal reports whether both geometries are the same to the last bit, order of
// positions included.
func (g *Geometry) Equal(h *Geometry) bool {
	if g.Type != h.Type || g.HasZ != h.HasZ || len(g.Coords) != len(h.Coords) ||
		len(g.Ends) != len(h.Ends) || len(g.Polys) != len(h.Polys) || len(g.Geoms) != len(h.Geoms) {
		return false
	}
	for i, v := range g.Coords {
		if math.Float64bits(v) != math.Float64bits(h.Coords[i]) {
			return false
		}
	}
	for i, v := range g.Ends {
		if v != h.Ends[i] {
			return false
		}
	}
	for i, v := range g.Polys {
		if v != h.Polys[i] {
			return false
		}
	}
	for i := range g.Geoms {
		if !g.Geoms[i].Equal(&h.Geoms[i]) {
			return false
		}
	}
	return true
}

// NewPoint returns the point at lon, lat in degrees.
func NewPoint(lon, lat float64) Geometry {
	return Geometry{Type: Point, Coords: []float64{lon, lat}}
}

// NewLineString returns a line through the positions lon0 lat0 lon1 lat1 ...
func NewLineString(coords []float64) Geometry {
	return Geometry{Type: LineString, Coords: coords, Ends: []int32{int32(len(coords) / 2)}}
}

// NewPolygon returns a polygon of closed rings (the first is the outer one), each
// as lon0 lat0 lon1 lat1 ...; the coordinates are copied.
func NewPolygon(rings ...[]float64) Geometry {
	g := Geometry{Type: Polygon}
	for _, r := range rings {
		g.Coords = append(g.Coords, r...)
		g.Ends = append(g.Ends, int32(len(g.Coords)/2))
	}
	return g
}
