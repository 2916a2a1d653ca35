package geojson

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	"nagar/geo"
)

var typeNames = map[string]geo.Type{
	`"Point"`: geo.Point, `"LineString"`: geo.LineString, `"Polygon"`: geo.Polygon,
	`"MultiPoint"`: geo.MultiPoint, `"MultiLineString"`: geo.MultiLineString,
	`"MultiPolygon"`: geo.MultiPolygon, `"GeometryCollection"`: geo.GeometryCollection,
}

// geometry decodes a geometry object or null at the cursor. Members may come in
// any order: coordinates that stand before the type are found again.
func (d *Decoder) geometry(g *geo.Geometry, depth int) *Error {
	s := &d.s
	if bytes.HasPrefix(s.b[s.i:], []byte("null")) {
		s.i += 4
		return nil
	}
	if depth > maxGeometryDepth {
		return s.fail("collections nested over %d deep", maxGeometryDepth)
	}
	start := s.i
	if err := s.open('{', "a geometry object"); err != nil {
		return err
	}
	seen, coordsAt, geomsAt := 0, -1, -1
	done := false
	for more := s.peek() != '}'; more; {
		name, err := s.key()
		if err != nil {
			return err
		}
		switch string(name) {
		case "type":
			if err = once(s, &seen, hasType, "type"); err == nil {
				g.Type, err = d.geometryType()
			}
		case "coordinates":
			if err = once(s, &seen, hasCoordinates, "coordinates"); err != nil {
				break
			}
			if g.Type != geo.None && g.Type != geo.GeometryCollection && !d.TypesOnly {
				err, done = d.coordinates(g), true
				break
			}
			coordsAt = s.i
			_, err = s.value(0)
		case "geometries":
			if err = once(s, &seen, hasGeometries, "geometries"); err == nil {
				geomsAt = s.i
				_, err = s.value(0)
			}
		case "crs":
			if seen&hasCRS != 0 {
				return s.fail(`member "crs" is there twice`)
			}
			err = d.readCRS(&seen)
		default:
			_, err = s.value(0)
		}
		if err != nil {
			return err
		}
		if more, err = s.more('}'); err != nil {
			return err
		}
		if !more {
			s.i--
		}
	}
	s.i++
	end := s.i
	s.i = start
	switch {
	case g.Type == geo.None:
		return s.fail(`no member "type"`)
	case g.Type == geo.GeometryCollection:
		if geomsAt < 0 {
			return s.fail(`a GeometryCollection has no member "geometries"`)
		}
		s.i = geomsAt
		if err := d.members(g, depth); err != nil {
			return err
		}
	case done, d.TypesOnly && coordsAt >= 0:
	case coordsAt < 0:
		return s.fail(`a %s has no member "coordinates"`, g.Type)
	default:
		s.i = coordsAt
		if err := d.coordinates(g); err != nil {
			return err
		}
	}
	s.i = end
	return nil
}

func (d *Decoder) geometryType() (geo.Type, *Error) {
	at := d.s.i
	raw, err := d.s.value(0)
	if err != nil {
		return geo.None, err.in("type")
	}
	t, ok := typeNames[string(raw)]
	if !ok {
		d.s.i = at
		return geo.None, d.s.fail("%s is not a geometry type", Clip(raw)).in("type")
	}
	return t, nil
}

func (d *Decoder) members(g *geo.Geometry, depth int) *Error {
	s := &d.s
	i := 0
	return d.list("an array of geometries", "geometries", func() *Error {
		var m geo.Geometry
		if err := d.geometry(&m, depth+1); err != nil {
			return err.in("[" + strconv.Itoa(i) + "]")
		}
		if m.Type == geo.None {
			return s.fail("null is not a geometry").in("[" + strconv.Itoa(i) + "]")
		}
		g.Geoms = append(g.Geoms, m)
		i++
		return nil
	})
}

// list reads an array, calling element at each of its elements.
func (d *Decoder) list(want, place string, element func() *Error) *Error {
	s := &d.s
	err := s.open('[', want)
	if err != nil {
		return err.in(place)
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			if place != "" {
				err = err.in(place)
			}
			return err
		}
		if more, err := s.more(']'); !more {
			if err != nil {
				err = err.in(place)
			}
			return err
		}
	}
}

// coordinates decodes the coordinates of g.Type at the cursor into scratch, and
// copies them out at their exact size.
func (d *Decoder) coordinates(g *geo.Geometry) *Error {
	d.coords, d.ends, d.polys = d.coords[:0], d.ends[:0], d.polys[:0]
	d.depth = 0 // ordinates per position, not yet known
	var err *Error
	switch g.Type {
	case geo.Point:
		if empty, e := d.emptyArray(); e != nil || empty {
			err = e
			break
		}
		err = d.position()
	case geo.MultiPoint:
		err = d.positions("an array of positions")
	case geo.LineString:
		if err = d.positions("an array of positions"); err == nil && len(d.coords) > 0 {
			d.endLine()
		}
	case geo.Polygon, geo.MultiLineString:
		err = d.lines()
	case geo.MultiPolygon:
		err = d.polygons()
	}
	if err != nil {
		return err.in("coordinates")
	}
	if len(d.coords)/2 > math.MaxInt32 {
		return d.s.fail("more than %d positions", math.MaxInt32).in("coordinates")
	}
	g.HasZ = d.depth == 3
	g.Coords = clone(d.coords)
	g.Ends = clone(d.ends)
	g.Polys = clone(d.polys)
	return nil
}

func clone[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return slices.Clone(s)
}

// emptyArray steps over [] when it stands at the cursor.
func (d *Decoder) emptyArray() (bool, *Error) {
	s := &d.s
	at := s.i
	if err := s.open('[', "an array"); err != nil {
		return false, err
	}
	if s.peek() == ']' {
		s.i++
		return true, nil
	}
	s.i = at
	return false, nil
}

func (d *Decoder) endLine() {
	d.ends = append(d.ends, int32(len(d.coords)/max(d.depth, 2)))
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func (d *Decoder) polygons() *Error {
	s := &d.s
	if err := s.open('[', "an array of polygons"); err != nil {
		return err
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for i := 0; ; i++ {
		if err := d.lines(); err != nil {
			return err.in(index(i))
		}
		d.polys = append(d.polys, int32(len(d.ends)))
		if more, err := s.more(']'); !more {
			return err
		}
	}
}

func (d *Decoder) lines() *Error {
	s := &d.s
	if err := s.open('[', "an array of lines or rings"); err != nil {
		return err
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for i := 0; ; i++ {
		if err := d.positions("an array of positions"); err != nil {
			return err.in(index(i))
		}
		d.endLine()
		if more, err := s.more(']'); !more {
			return err
		}
	}
}

func (d *Decoder) positions(want string) *Error {
	s := &d.s
	if err := s.open('[', want); err != nil {
		return err
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for i := 0; ; i++ {
		if err := d.position(); err != nil {
			return err.in(index(i))
		}
		// The usual separator inline: it is the inner loop of the whole import.
		if s.peek() == ',' {
			s.i++
			s.space()
			continue
		}
		more, err := s.more(']')
		if err != nil {
			return err.in(index(i + 1))
		}
		if !more {
			return nil
		}
	}
}

// position reads [x, y] or [x, y, z, ...]. All positions of a geometry have Z or
// none has: neither losing nor inventing heights is harmless.
func (d *Decoder) position() *Error {
	s := &d.s
	at := s.i
	if err := s.open('[', "a position"); err != nil {
		return err
	}
	n := 0
	for more := s.peek() != ']'; more; n++ {
		v, err := s.number()
		if err != nil {
			return err.in(index(n))
		}
		if n < 3 {
			d.coords = append(d.coords, v)
		}
		if s.peek() == ',' {
			s.i++
			s.space()
			continue
		}
		if more, err = s.more(']'); err != nil {
			return err.in(index(n))
		}
		if !more {
			s.i--
		}
	}
	s.i++
	if n > 3 {
		d.extra++
	}
	kept := min(n, 3)
	switch {
	case n < 2:
		s.i = at
		return s.fail("a position needs longitude and latitude, got %d numbers", n)
	case d.depth == 0:
		d.depth = kept
	case d.depth != kept:
		s.i = at
		return s.fail("positions with and without Z in one geometry")
	}
	return nil
}
