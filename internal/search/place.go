package search

import (
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/city/spelling"
	"nagar/geo"
)

// role is what a field is to the search.
type role uint8

const (
	noRole role = iota
	nameRole
	sideRole // found by, less strongly: address, category, ...
	showRole // shown with a result, not searched
)

// roles by field name; a language may follow as in name_mr.
var roles = map[string]role{
	"name": nameRole, "title": nameRole, "alt_name": nameRole, "short_name": nameRole,
	"address": sideRole, "category": sideRole, "kind": sideRole, "ward": sideRole, "neighbourhood": sideRole, "place": sideRole,
	"uid": showRole, "class": showRole, "hours": showRole, "phone": showRole, "wheelchair": showRole,
}

func roleOf(f *catalog.Field) role {
	if r, ok := roles[f.Name]; ok {
		return r
	}
	if i := strings.LastIndexByte(f.Name, '_'); i > 0 && (len(f.Name)-i == 3 || len(f.Name)-i == 4) {
		if r := roles[f.Name[:i]]; r == nameRole || r == sideRole {
			return r
		}
	}
	return noRole
}

// named reports whether features of the collection may have a name.
func named(c *catalog.Collection) bool { return len(nameFields(c)) > 0 }

// nameFields are the fields that hold names.
func nameFields(c *catalog.Collection) (names []string) {
	for i := range c.Fields {
		if f := &c.Fields[i]; f.Type == catalog.TypeText && roleOf(f) == nameRole {
			names = append(names, f.Name)
		}
	}
	return names
}

// place is one thing that can be found: a feature, or all lines of one name in a
// collection, such as the parts of a road.
type place struct {
	collection string
	members    []member // by id; the first one's values stand for all
}

func (p *place) values() []value { return p.members[0].values }

// member is a feature of a place.
type member struct {
	id       string
	lon, lat float64
	box      geo.Box
	values   []value
}

// value is a field of a place, with its words.
type value struct {
	field     string
	role      role
	text      catalog.Value
	words     []string
	skeletons []string
}

// maxText is the most bytes of a text that are read for words.
const maxText = 1000

// memberOf reads a feature; false when it has no name or is nowhere. Lines of one
// group, which is their names, are one place.
func memberOf(c *catalog.Collection, f *catalog.Feature) (m member, group string, ok bool) {
	first := ""
	for i := range c.Fields {
		fd := &c.Fields[i]
		r := roleOf(fd)
		if r == noRole || fd.Type != catalog.TypeText {
			continue
		}
		v := f.Props.Get(fd.Name)
		if strings.TrimSpace(v.Str()) == "" || len(v.Str()) > maxText {
			continue
		}
		val := value{field: fd.Name, role: r, text: v}
		if r != showRole {
			val.words = spelling.Fold(v.Str())
			for _, w := range val.words {
				val.skeletons = append(val.skeletons, spelling.Skeleton(w))
			}
		}
		if r == nameRole && len(val.words) > 0 {
			ok = true
			first += strings.Join(val.words, " ") + "\x00"
		}
		m.values = append(m.values, val)
	}
	if !ok {
		return m, "", false
	}
	m.id = f.ID
	if m.lon, m.lat, ok = geo.PointOn(&f.Geometry); !ok {
		return m, "", false
	}
	m.box = f.Geometry.Box()
	if isLine(&f.Geometry) {
		group = first
	}
	return m, group, true
}

// document is the place as the full-text index takes it: its words in one field
// for each kind and classification.
func (p *place) document(c *catalog.Collection) map[string]any {
	words := map[string][]string{}
	values := p.values()
	for i := range values {
		v := &values[i]
		fd, ok := c.Field(v.field)
		if !ok || v.role == showRole {
			continue
		}
		class := max(c.Class, fd.Class)
		kind := nameWords
		if v.role == sideRole {
			kind = sideWords
		}
		for j, w := range v.words {
			add(words, indexField(kind, class), w)
			for _, n := range []int{1, 2} {
				add(words, indexField(startWords, class), beginning(w, n))
			}
			if s := v.skeletons[j]; s != "" && v.role == nameRole {
				add(words, indexField(soundWords, class), s)
			}
		}
	}
	out := make(map[string]any, len(words))
	for k, list := range words {
		out[k] = strings.Join(list, " ")
	}
	return out
}

func add(words map[string][]string, field, w string) {
	if !slices.Contains(words[field], w) {
		words[field] = append(words[field], w)
	}
}

// beginning is the first n letters of a word. Short beginnings are looked up as
// words, since expanding them into all words that begin so would be slow.
func beginning(w string, n int) string {
	for i := range w {
		if n == 0 {
			return w[:i]
		}
		n--
	}
	return w
}

func isLine(g *geo.Geometry) bool {
	return g.Type == geo.LineString || g.Type == geo.MultiLineString
}
