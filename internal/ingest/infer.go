package ingest

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/format"
)

// columnShape is what the values of one source column are like.
type columnShape struct {
	name     string
	first    int64 // where it was first seen, for the order of fields
	declared catalog.FieldType

	seen map[catalog.FieldType]bool
	big  bool // an integer that a real does not hold exactly
	huge bool // a number that no type holds exactly
}

// shape is what the records of a file are like: columns and geometries.
type shape struct {
	columns map[string]*columnShape
	kinds   map[catalog.GeometryKind]bool
	ids     bool // some record has an id of its own
	badUID  bool // some record has a uid that is none
	uidFrom map[string]bool
}

func newShape(info format.Info, uidFrom map[string]bool) *shape {
	s := &shape{columns: map[string]*columnShape{}, kinds: map[catalog.GeometryKind]bool{}, uidFrom: uidFrom}
	for i, c := range info.Columns {
		s.columns[c.Name] = &columnShape{name: c.Name, first: int64(i) - math.MaxInt32, declared: c.Type, seen: map[catalog.FieldType]bool{}}
	}
	return s
}

// add takes in one record.
func (s *shape) add(r *format.Record) {
	s.ids = s.ids || r.ID != ""
	if k := kindOf(&r.Geometry); k != "" {
		s.kinds[k] = true
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		c, ok := s.columns[f.Name]
		if !ok {
			c = &columnShape{name: f.Name, first: r.Index<<16 | int64(min(i, 1<<16-1)), seen: map[catalog.FieldType]bool{}}
			s.columns[f.Name] = c
		}
		c.first = min(c.first, r.Index<<16|int64(min(i, 1<<16-1)))
		c.add(f)
		if s.uidFrom[f.Name] && !f.Value.IsNull() && !validUID(f.Value) {
			s.badUID = true
		}
	}
}

func kindOf(g *geo.Geometry) catalog.GeometryKind {
	switch g.Type {
	case geo.None:
		return ""
	case geo.Point, geo.MultiPoint:
		return catalog.GeometryPoint
	case geo.LineString, geo.MultiLineString:
		return catalog.GeometryLine
	case geo.Polygon, geo.MultiPolygon:
		return catalog.GeometryPolygon
	}
	return catalog.GeometryAny
}

func (c *columnShape) add(f *format.Field) {
	v := f.Value
	switch v.Type() {
	case "":
		return
	case catalog.TypeInteger:
		n := v.Int()
		c.big = c.big || n > maxExact || n < -maxExact
	case catalog.TypeJSON:
		if text := v.Str(); text != "" && text[0] != '{' && text[0] != '[' {
			c.huge = true
		}
	case catalog.TypeText:
		c.addText(v.Str(), f.Loose)
		return
	}
	c.seen[v.Type()] = true
}

// addText looks for what text stands for. Only text from a source without types
// is taken for a number or a truth: quoted digits in JSON are text on purpose.
func (c *columnShape) addText(s string, loose bool) {
	if c.seen[catalog.TypeText] {
		return // nothing beats text
	}
	s = strings.TrimSpace(s)
	if loose {
		switch {
		case s == "":
			return
		case plainNumber(s):
			n, err := strconv.ParseInt(s, 10, 64)
			if err == nil {
				c.big = c.big || n > maxExact || n < -maxExact
				c.seen[catalog.TypeInteger] = true
				return
			}
			if _, err := strconv.ParseFloat(s, 64); err != nil || !strings.ContainsAny(s, ".eE") {
				c.huge = true
			}
			c.seen[catalog.TypeReal] = true
			return
		case strings.EqualFold(s, "true"), strings.EqualFold(s, "false"):
			c.seen[catalog.TypeBoolean] = true
			return
		}
	}
	if _, ok := parseTime(s); ok {
		c.seen[catalog.TypeTime] = true
	} else if _, ok := parseDate(s); ok {
		c.seen[catalog.TypeDate] = true
	} else {
		c.seen[catalog.TypeText] = true
	}
}

// fieldType is the type that holds all values seen exactly; mixed ones are text.
func (c *columnShape) fieldType() catalog.FieldType {
	switch {
	case c.declared != "":
		return c.declared
	case c.huge:
		return catalog.TypeText
	case len(c.seen) == 1:
		for t := range c.seen {
			return t
		}
	case len(c.seen) == 2 && c.seen[catalog.TypeInteger] && c.seen[catalog.TypeReal] && !c.big:
		return catalog.TypeReal
	}
	return catalog.TypeText
}

// merge takes in what another goroutine saw.
func (s *shape) merge(o *shape) {
	s.ids = s.ids || o.ids
	s.badUID = s.badUID || o.badUID
	for k := range o.kinds {
		s.kinds[k] = true
	}
	for name, oc := range o.columns {
		c, ok := s.columns[name]
		if !ok {
			s.columns[name] = oc
			continue
		}
		c.first = min(c.first, oc.first)
		c.big, c.huge = c.big || oc.big, c.huge || oc.huge
		for t := range oc.seen {
			c.seen[t] = true
		}
	}
}

// ordered are the columns by where they were first seen.
func (s *shape) ordered() []*columnShape {
	out := make([]*columnShape, 0, len(s.columns))
	for _, c := range s.columns {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].first != out[j].first {
			return out[i].first < out[j].first
		}
		return out[i].name < out[j].name
	})
	return out
}

// geometry is the kind of collection that holds all geometries seen.
func (s *shape) geometry(declared catalog.GeometryKind) catalog.GeometryKind {
	switch len(s.kinds) {
	case 0:
		if declared != "" {
			return declared
		}
		return catalog.GeometryAny
	case 1:
		for k := range s.kinds {
			return k
		}
	}
	return catalog.GeometryAny
}
