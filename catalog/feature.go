package catalog

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"nagar/geo"
)

// Rev is a revision: the number of a committed write, growing in commit order from 1.
// 0 stands for "before everything" or "the latest", as the place says.
type Rev int64

// Key is a feature's number in tiles and in memory: 53 bits, so that JavaScript
// holds it exactly, never 0, and a hash of collection and id, so that it does not
// depend on the order of loading.
type Key uint64

// KeyOf returns the key of the feature: FNV-1a (64 bits) over collection, '/', id,
// spread by the finaliser of splitmix64, the upper 53 bits.
func KeyOf(collection, id string) Key {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i := 0; i < len(collection); i++ {
		h = (h ^ uint64(collection[i])) * prime
	}
	h = (h ^ '/') * prime
	for i := 0; i < len(id); i++ {
		h = (h ^ uint64(id[i])) * prime
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	if k := Key(h >> 11); k != 0 {
		return k
	}
	return 1
}

// Feature is one thing the city knows: a geometry (EPSG:4326, lon lat, Z metres
// above mean sea level; it may have none) and typed properties.
type Feature struct {
	ID       string // stable within its collection, 1 to 200 bytes of UTF-8
	Geometry geo.Geometry
	Props    Properties

	// ValidFrom and ValidTo bound the time in which this was true in the city,
	// [ValidFrom, ValidTo); a zero ValidFrom has no known beginning, a zero
	// ValidTo no known end.
	ValidFrom, ValidTo time.Time

	// Rev is the revision that recorded this version; set by the store.
	Rev Rev
}

// ValidAt reports whether the feature was true in the city at t.
func (f *Feature) ValidAt(t time.Time) bool {
	return (f.ValidFrom.IsZero() || !t.Before(f.ValidFrom)) && (f.ValidTo.IsZero() || t.Before(f.ValidTo))
}

// Check reports the first thing that is wrong with the feature against its
// collection, as *Invalid: id, geometry kind and coordinates, unknown fields,
// wrong types, text that is not UTF-8. It does not judge the shape of rings;
// ingest does.
func (c *Collection) Check(f *Feature) error {
	if err := CheckID(f.ID); err != nil {
		return err
	}
	if err := c.checkGeometry(&f.Geometry); err != nil {
		return err
	}
	for i := range f.Props {
		p := &f.Props[i]
		fd, ok := c.Field(p.Name)
		if !ok {
			return &Invalid{Path: "properties." + p.Name, Reason: fmt.Sprintf("%s has no field %q", c.Name, p.Name)}
		}
		if err := fd.check(p.Value); err != nil {
			return err
		}
	}
	if !f.ValidFrom.IsZero() && !f.ValidTo.IsZero() && !f.ValidFrom.Before(f.ValidTo) {
		return &Invalid{Path: "valid_to", Reason: "valid_to is not after valid_from"}
	}
	return nil
}

// CheckID reports what is wrong with a feature id, as *Invalid.
func CheckID(id string) error {
	if id == "" || len(id) > 200 || !utf8.ValidString(id) {
		return &Invalid{Path: "id", Reason: "an id is 1 to 200 bytes of UTF-8"}
	}
	for i := 0; i < len(id); i++ {
		if id[i] < 0x20 || id[i] == 0x7f {
			return &Invalid{Path: "id", Reason: "an id has no control characters"}
		}
	}
	return nil
}

func (fd *Field) check(v Value) error {
	switch {
	case v.IsNull() || v.Type() == fd.Type, fd.Type == TypeReal && v.Type() == TypeInteger:
	default:
		return &Invalid{Path: "properties." + fd.Name, Reason: fmt.Sprintf("want %s, got %s %s", fd.Type, v.Type(), clip(v.String()))}
	}
	if v.Type() == TypeReal {
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return &Invalid{Path: "properties." + fd.Name, Reason: "NaN and infinity are not values"}
		}
	}
	if v.Type() == TypeJSON && !json.Valid([]byte(v.str)) {
		return &Invalid{Path: "properties." + fd.Name, Reason: "text is not one JSON value: " + clip(v.str)}
	}
	for i := 0; i < len(v.str); i++ {
		if v.str[i] == 0 {
			return &Invalid{Path: "properties." + fd.Name, Reason: "text holds a NUL byte"}
		}
	}
	if !utf8.ValidString(v.str) {
		return &Invalid{Path: "properties." + fd.Name, Reason: "text is not UTF-8"}
	}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

func (c *Collection) checkGeometry(g *geo.Geometry) error {
	if g.Type == geo.None {
		return nil
	}
	if !c.Geometry.Takes(g.Type) {
		return &Invalid{Path: "geometry", Reason: fmt.Sprintf("%s holds %s geometries, not %s", c.Name, c.Geometry, g.Type)}
	}
	return checkPositions(g)
}

func checkPositions(g *geo.Geometry) error {
	s := g.Stride()
	for i := 0; i+s <= len(g.Coords); i += s {
		x, y := g.Coords[i], g.Coords[i+1]
		if !(x >= -180 && x <= 180 && y >= -90 && y <= 90) {
			return &Invalid{Path: "geometry", Reason: fmt.Sprintf("position %d (%v, %v) is not a longitude and latitude in degrees", i/s, x, y)}
		}
		if s == 3 && (math.IsNaN(g.Coords[i+2]) || math.IsInf(g.Coords[i+2], 0)) {
			return &Invalid{Path: "geometry", Reason: fmt.Sprintf("position %d has Z %v", i/s, g.Coords[i+2])}
		}
	}
	for i := range g.Geoms {
		if err := checkPositions(&g.Geoms[i]); err != nil {
			return err
		}
	}
	return nil
}

// Takes reports whether geometries of type t belong into a collection of kind k.
func (k GeometryKind) Takes(t geo.Type) bool {
	switch k {
	case GeometryAny:
		return true
	case GeometryPoint:
		return t == geo.Point || t == geo.MultiPoint
	case GeometryLine:
		return t == geo.LineString || t == geo.MultiLineString
	case GeometryPolygon:
		return t == geo.Polygon || t == geo.MultiPolygon
	}
	return false
}
