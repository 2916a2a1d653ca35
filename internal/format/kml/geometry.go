package kml

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"nagar/geo"
)

func isGeometry(name string) bool {
	switch name {
	case "Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack", "Model":
		return true
	}
	return false
}

// shape is a geometry while it is read: lines of lon lat alt triples.
type shape struct {
	lines    [][]float64
	absolute bool
	alts     bool // every position has an altitude
}

// geometry reads the geometry element e to its end. What is wrong with its content
// goes to p.bad.
func (p *placemark) geometry(e xml.StartElement) (geo.Geometry, error) {
	switch e.Name.Local {
	case "MultiGeometry", "MultiTrack":
		return p.multi()
	case "Model":
		p.fail("a 3D model is no geometry that can be stored")
		return geo.Geometry{}, p.x.Skip()
	}
	s := shape{alts: true}
	if err := p.rings(&s); err != nil {
		return geo.Geometry{}, err
	}
	return p.build(e.Name.Local, &s), nil
}

func (p *placemark) fail(format string, args ...any) {
	if p.bad == nil {
		p.bad = fmt.Errorf(format, args...)
	}
}

// rings reads coordinates wherever they stand in the open element; the outer
// boundary comes first whatever the order of the source.
func (p *placemark) rings(s *shape) error {
	return p.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "coordinates":
			text, err := p.text()
			if err == nil {
				s.lines = append(s.lines, p.coordinates(text, ",", s))
			}
			return err
		case "coord": // gx:coord of a track: lon lat alt
			text, err := p.text()
			if err == nil {
				c := p.coordinates(strings.Join(strings.Fields(text), ","), ",", s)
				if len(s.lines) == 0 {
					s.lines = append(s.lines, nil)
				}
				s.lines[0] = append(s.lines[0], c...)
			}
			return err
		case "altitudeMode":
			text, err := p.text()
			s.absolute = text == "absolute"
			return err
		case "outerBoundaryIs":
			inner := shape{alts: true}
			err := p.rings(&inner)
			s.lines = append(inner.lines, s.lines...)
			s.alts = s.alts && inner.alts
			return err
		case "innerBoundaryIs", "LinearRing":
			return p.rings(s)
		}
		return p.x.Skip()
	})
}

// coordinates reads "lon,lat[,alt] lon,lat[,alt] ..." as triples.
func (p *placemark) coordinates(text, sep string, s *shape) []float64 {
	tuples := strings.Fields(text)
	out := make([]float64, 0, 3*len(tuples))
	for i, tuple := range tuples {
		parts := strings.Split(strings.TrimSuffix(tuple, sep), sep)
		if len(parts) < 2 || len(parts) > 3 {
			p.fail("coordinates: position %d is %q, not lon,lat or lon,lat,alt", i+1, clip(tuple))
			return nil
		}
		if len(parts) == 2 {
			s.alts = false
			parts = append(parts, "0")
		}
		for _, part := range parts {
			v, err := strconv.ParseFloat(part, 64)
			if err != nil || v-v != 0 {
				p.fail("coordinates: position %d: %q is not a finite number", i+1, clip(part))
				return nil
			}
			out = append(out, v)
		}
	}
	return out
}

func (p *placemark) build(kind string, s *shape) geo.Geometry {
	g := geo.Geometry{HasZ: s.absolute && s.alts}
	add := func(line []float64) {
		for i := 0; i+2 < len(line); i += 3 {
			g.Coords = append(g.Coords, line[i:i+g.Stride()]...)
		}
	}
	switch kind {
	case "Point":
		g.Type = geo.Point
		if len(s.lines) > 1 || len(s.lines) == 1 && len(s.lines[0]) > 3 {
			p.fail("a Point has more than one position")
			return g
		}
	case "Polygon":
		g.Type = geo.Polygon
	default:
		g.Type = geo.LineString
		if len(s.lines) > 1 {
			p.fail("a %s has more than one list of coordinates", kind)
			return g
		}
	}
	for _, line := range s.lines {
		if len(line) == 0 && g.Type != geo.Polygon {
			continue
		}
		add(line)
		if g.Type != geo.Point {
			g.Ends = append(g.Ends, int32(g.NumPositions()))
		}
	}
	return g
}

// multi reads a MultiGeometry: a multi type when its members are of one kind, else
// a collection.
func (p *placemark) multi() (geo.Geometry, error) {
	var members []geo.Geometry
	err := p.each(func(e xml.StartElement) error {
		if !isGeometry(e.Name.Local) {
			return p.x.Skip()
		}
		g, err := p.geometry(e)
		if err == nil {
			members = append(members, g)
		}
		return err
	})
	if err != nil || p.bad != nil {
		return geo.Geometry{}, err
	}
	return gather(members), nil
}

func gather(members []geo.Geometry) geo.Geometry {
	out := geo.Geometry{Type: geo.GeometryCollection, Geoms: members}
	for i := range members {
		m := &members[i]
		if m.Type > geo.Polygon || m.Type != members[0].Type || m.HasZ != members[0].HasZ {
			return out
		}
	}
	if len(members) == 0 {
		return out
	}
	g := geo.Geometry{Type: members[0].Type + 3, HasZ: members[0].HasZ}
	for i := range members {
		m := &members[i]
		base := int32(g.NumPositions())
		g.Coords = append(g.Coords, m.Coords...)
		for _, e := range m.Ends {
			g.Ends = append(g.Ends, base+e)
		}
		if g.Type == geo.MultiPolygon {
			g.Polys = append(g.Polys, int32(len(g.Ends)))
		}
	}
	return g
}
