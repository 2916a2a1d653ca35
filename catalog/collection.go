package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Class is a classification: who may see a collection or a field.
type Class uint8

// The classes, each including the trust of the one before.
const (
	ClassPublic Class = iota
	ClassInternal
	ClassRestricted
	ClassPersonal
)

var classNames = []string{"public", "internal", "restricted", "personal"}

// String is the class's name as it is written in schemas.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class %d", c)
}

// MarshalText writes the name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name; anything else is an error.
func (c *Class) UnmarshalText(b []byte) error {
	i := slices.Index(classNames, string(b))
	if i < 0 {
		return fmt.Errorf("unknown classification %q (public, internal, restricted, personal)", b)
	}
	*c = Class(i)
	return nil
}

// Words is a text in several languages by BCP 47 code (en, mr, hi, ...).
type Words map[string]string

// In returns the text in lang, else English, else any.
func (w Words) In(lang string) string {
	if s := w[lang]; s != "" {
		return s
	}
	if s := w["en"]; s != "" {
		return s
	}
	for _, s := range w {
		return s
	}
	return ""
}

// GeometryKind says which geometries a collection holds.
type GeometryKind string

// The geometry kinds; each takes single and multi geometries. Any takes all.
const (
	GeometryAny     GeometryKind = "any"
	GeometryPoint   GeometryKind = "point"
	GeometryLine    GeometryKind = "line"
	GeometryPolygon GeometryKind = "polygon"
	GeometryNone    GeometryKind = "none" // a table of records
)

// Field describes one property of a collection's features.
type Field struct {
	Name    string    `json:"name"`
	Type    FieldType `json:"type"`
	Unit    string    `json:"unit,omitempty"` // UCUM code, such as m, Cel, mm
	Title   Words     `json:"title,omitempty"`
	Meaning Words     `json:"meaning,omitempty"`
	Class   Class     `json:"class"`

	// Required says that who enters a feature by hand has to give a value, Values which
	// there are to choose from; none: any. See CheckEntry.
	Required bool     `json:"required,omitempty"`
	Values   []Choice `json:"values,omitempty"`

	// Indexed says that stores find features by this field's value: see
	// Query.Match. For text and integers.
	Indexed bool `json:"indexed,omitempty"`
	// Link says that the values are ids of features of that collection, which need
	// not be there (yet). It implies Indexed. For text.
	Link string `json:"link,omitempty"`
}

// Findable reports whether Query.Match may name the field.
func (f *Field) Findable() bool { return f.Indexed || f.Link != "" }

// checkIndex reports what is wrong with the field's index or link, as *Invalid.
func (f *Field) checkIndex(path string) error {
	switch {
	case f.Link != "" && !collectionName.MatchString(f.Link):
		return &Invalid{Path: path + ".link", Reason: fmt.Sprintf("field %q: link %q is no name of a collection", f.Name, f.Link)}
	case f.Link != "" && f.Type != TypeText:
		return &Invalid{Path: path + ".link", Reason: fmt.Sprintf("field %q: a link is a text, not %s", f.Name, f.Type)}
	case f.Indexed && f.Type != TypeText && f.Type != TypeInteger:
		return &Invalid{Path: path + ".indexed", Reason: fmt.Sprintf("field %q: text and integers are indexed, not %s", f.Name, f.Type)}
	}
	return nil
}

// Collection describes a set of features of one kind.
type Collection struct {
	Name        string       `json:"name"` // lower case, a letter first, then letters, digits, underscore
	Title       Words        `json:"title,omitempty"`
	Description Words        `json:"description,omitempty"`
	Owner       string       `json:"owner,omitempty"` // department
	Licence     string       `json:"licence,omitempty"`
	Source      string       `json:"source,omitempty"`
	Class       Class        `json:"class"`
	Geometry    GeometryKind `json:"geometry"`
	Fields      []Field      `json:"fields"`        // only ever appended to
	Rev         Rev          `json:"rev,omitempty"` // revision of the last change of the description; set by the store
}

// GeometryField is what stands for a feature's geometry where fields are named.
const GeometryField = "geometry"

// ClassOf is the field's classification within its collection: nothing in a
// collection is of a lower class than the collection.
func (c *Collection) ClassOf(f *Field) Class { return max(c.Class, f.Class) }

// Field returns the field of that name.
func (c *Collection) Field(name string) (*Field, bool) {
	for i := range c.Fields {
		if c.Fields[i].Name == name {
			return &c.Fields[i], true
		}
	}
	return nil, false
}

var collectionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// Validate reports the first thing that is wrong with the description, as *Invalid.
func (c *Collection) Validate() error {
	if !collectionName.MatchString(c.Name) {
		return &Invalid{Path: "name", Reason: fmt.Sprintf("collection name %q: want a lower-case letter, then up to 47 of a-z, 0-9, _", c.Name)}
	}
	for _, reserved := range []string{"nagar_", "gpkg_", "rtree_", "sqlite_", "pg_"} {
		if len(c.Name) >= len(reserved) && c.Name[:len(reserved)] == reserved {
			return &Invalid{Path: "name", Reason: fmt.Sprintf("collection names beginning with %s are reserved", reserved)}
		}
	}
	switch c.Geometry {
	case GeometryAny, GeometryPoint, GeometryLine, GeometryPolygon, GeometryNone:
	default:
		return &Invalid{Path: "geometry", Reason: fmt.Sprintf("geometry %q: want any, point, line, polygon or none", c.Geometry)}
	}
	if len(c.Fields) > 1000 {
		return &Invalid{Path: "fields", Reason: "more than 1000 fields"}
	}
	seen := make(map[string]bool, len(c.Fields))
	for i, f := range c.Fields {
		path := fmt.Sprintf("fields[%d]", i)
		if f.Name == "" || len(f.Name) > 200 {
			return &Invalid{Path: path + ".name", Reason: "a field needs a name of 1 to 200 bytes"}
		}
		if !utf8.ValidString(f.Name) || strings.ContainsFunc(f.Name, unicode.IsControl) {
			return &Invalid{Path: path + ".name", Reason: fmt.Sprintf("field name %q: want UTF-8 without control characters", f.Name)}
		}
		if seen[f.Name] {
			return &Invalid{Path: path + ".name", Reason: fmt.Sprintf("field %q is there twice", f.Name)}
		}
		seen[f.Name] = true
		if !f.Type.Valid() {
			return &Invalid{Path: path + ".type", Reason: fmt.Sprintf("field %q: unknown type %q", f.Name, f.Type)}
		}
		if err := f.checkIndex(path); err != nil {
			return err
		}
		if err := f.checkValues(path); err != nil {
			return err
		}
	}
	return nil
}

// Alter returns the description after next is defined over c: texts, classes and
// owner as in next, fields in c's order with next's new ones behind them. A field
// that next leaves out stays; a field whose type would change is *Invalid, and so
// is a change of geometry other than to any.
func (c *Collection) Alter(next Collection) (Collection, error) {
	if err := next.Validate(); err != nil {
		return Collection{}, err
	}
	if next.Geometry != c.Geometry && next.Geometry != GeometryAny {
		return Collection{}, &Invalid{Path: "geometry", Reason: fmt.Sprintf("%s holds %s geometries; it cannot be narrowed to %s", c.Name, c.Geometry, next.Geometry)}
	}
	out := next
	out.Fields = slices.Clone(c.Fields)
	for _, f := range next.Fields {
		old, ok := out.Field(f.Name)
		switch {
		case !ok:
			out.Fields = append(out.Fields, f)
		case old.Type != f.Type:
			return Collection{}, &Invalid{Path: "fields." + f.Name, Reason: fmt.Sprintf("%s.%s is of type %s and cannot become %s", c.Name, f.Name, old.Type, f.Type)}
		default:
			*old = f
		}
	}
	return out, nil
}
