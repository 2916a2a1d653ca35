package geojson

import (
	"fmt"
	"math"
	"strconv"

	"nagar/geo"
)

// maxGeometryDepth bounds the nesting of geometry collections, as for WKB.
const maxGeometryDepth = 32

// Member is one member of an object: its name, escapes resolved, and the text of
// its value, which is valid JSON.
type Member struct {
	Name  []byte
	Value []byte
}

// Feature is one decoded GeoJSON feature. ID, Props and CRS share the memory of
// the input.
type Feature struct {
	ID       []byte       // JSON text of the id, a string or number; nil when absent or null
	Geometry geo.Geometry // Type None when null or absent
	Props    []Member     // in the order of the source
	CRS      []byte       // JSON text of a legacy crs member of the feature or its geometry; nil when absent or null
	Extra    int          // positions whose ordinates beyond the third were dropped
}

// IDText returns the id as text: a string as it is, an integral number without
// fraction or exponent ("202061691" for 202061691.0), any other number as
// written. It is false without an id or when the string is no text.
func (f *Feature) IDText() (string, bool) { return IDText(f.ID) }

// IDText is the text of a JSON value that serves as an id; see Feature.IDText.
func IDText(raw []byte) (string, bool) {
	switch {
	case len(raw) == 0:
		return "", false
	case raw[0] == '"':
		return Unquote(raw)
	case raw[0] != '-' && raw[0]-'0' >= 10:
		return "", false
	}
	if _, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return string(raw), true
	}
	if v, err := strconv.ParseFloat(string(raw), 64); err == nil && v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
		return strconv.FormatInt(int64(v), 10), true
	}
	return string(raw), true
}

// Decoder decodes features one after the other; the zero value is ready. It keeps
// scratch memory between calls and is not for concurrent use.
type Decoder struct {
	// TypesOnly leaves the coordinates of geometries unread but for their being
	// JSON: Geometry then has its Type alone. It is for surveys of properties.
	TypesOnly bool

	s     scanner
	depth int
	crs   []byte
	extra int

	coords []float64
	ends   []int32
	polys  []int32
}

// DecodeFeature decodes one Feature; see Decoder.Feature.
func DecodeFeature(b []byte) (Feature, error) {
	var d Decoder
	var f Feature
	err := d.Feature(b, &f)
	return f, err
}

// DecodeGeometry decodes one geometry object, or null (Type None). extra counts
// positions whose ordinates beyond the third were dropped. The error is *Error.
func DecodeGeometry(b []byte) (g geo.Geometry, extra int, err error) {
	var d Decoder
	d.reset(b)
	d.s.space()
	if e := d.geometry(&g, 0); e != nil {
		return geo.Geometry{}, 0, e
	}
	if e := d.s.end(); e != nil {
		return geo.Geometry{}, 0, e
	}
	return g, d.extra, nil
}

func (d *Decoder) reset(b []byte) {
	d.s = scanner{b: b}
	d.crs, d.extra = nil, 0
}

// Feature decodes the one Feature object in b into f, whose Props slice is
// reused. A bare geometry object is taken as a feature without properties. The
// error is *Error; f is then unspecified.
func (d *Decoder) Feature(b []byte, f *Feature) error {
	d.reset(b)
	*f = Feature{Props: f.Props[:0]}
	d.s.space()
	err := d.feature(f)
	if err == nil {
		err = d.s.end()
	}
	if err != nil {
		return err
	}
	f.CRS, f.Extra = d.crs, d.extra
	return nil
}

// The members of a Feature that RFC 7946 gives a meaning.
const (
	hasType = 1 << iota
	hasGeometry
	hasProperties
	hasID
	hasCoordinates
	hasGeometries
	hasCRS
)

func once(s *scanner, seen *int, bit int, name string) *Error {
	if *seen&bit != 0 {
		return s.fail("member %q is there twice", name)
	}
	*seen |= bit
	return nil
}

func (d *Decoder) feature(f *Feature) *Error {
	s := &d.s
	start := s.i
	if err := s.open('{', "a Feature object"); err != nil {
		return err
	}
	seen := 0
	var kind []byte
	for more := s.peek() != '}'; more; {
		name, err := s.key()
		if err != nil {
			return err
		}
		switch string(name) {
		case "type":
			if err = once(s, &seen, hasType, "type"); err == nil {
				kind, err = s.value(0)
			}
		case "geometry":
			if err = once(s, &seen, hasGeometry, "geometry"); err == nil {
				if err = d.geometry(&f.Geometry, 0); err != nil {
					err = err.in("geometry")
				}
			}
		case "properties":
			if err = once(s, &seen, hasProperties, "properties"); err == nil {
				if err = d.properties(f); err != nil {
					err = err.in("properties")
				}
			}
		case "id":
			if err = once(s, &seen, hasID, "id"); err == nil {
				err = d.id(f)
			}
		case "coordinates", "geometries":
			seen |= hasCoordinates
			_, err = s.value(0)
		case "crs":
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
			return d.finishFeature(f, kind, seen, start)
		}
	}
	s.i++ // an empty object
	return d.finishFeature(f, kind, seen, start)
}

// finishFeature judges the type once all members are known.
func (d *Decoder) finishFeature(f *Feature, kind []byte, seen, start int) *Error {
	if string(kind) == `"Feature"` {
		return nil
	}
	end := d.s.i
	d.s.i = start
	if seen&(hasCoordinates|hasGeometry|hasProperties) == hasCoordinates {
		*f = Feature{Props: f.Props[:0]}
		return d.geometry(&f.Geometry, 0) // a bare geometry
	}
	switch {
	case kind == nil:
		return d.s.fail(`no member "type"; want "Feature"`)
	case string(kind) == `"FeatureCollection"`:
		return d.s.fail("a FeatureCollection where one Feature is expected")
	}
	d.s.i = end
	return &Error{Offset: start, Path: "type", Reason: fmt.Sprintf(`want "Feature", got %s`, Clip(kind))}
}

func (d *Decoder) readCRS(seen *int) *Error {
	if err := once(&d.s, seen, hasCRS, "crs"); err != nil {
		return err
	}
	v, err := d.s.value(0)
	if err == nil && string(v) != "null" {
		d.crs = v
	}
	return err
}

func (d *Decoder) id(f *Feature) *Error {
	at := d.s.i
	raw, err := d.s.value(0)
	if err != nil {
		return err.in("id")
	}
	switch c := raw[0]; {
	case c == 'n':
	case c == '"' || c == '-' || c-'0' < 10:
		f.ID = raw
	default:
		d.s.i = at
		return d.s.unexpected("a string or number").in("id")
	}
	return nil
}

func (d *Decoder) properties(f *Feature) *Error {
	s := &d.s
	if s.peek() == 'n' {
		_, err := s.value(0)
		return err
	}
	if err := s.open('{', "an object or null"); err != nil {
		return err
	}
	if s.peek() == '}' {
		s.i++
		return nil
	}
	for {
		name, err := s.key()
		if err != nil {
			return err
		}
		v, err := s.value(1)
		if err != nil {
			return err.in(Clip(name))
		}
		f.Props = append(f.Props, Member{name, v})
		if more, err := s.more('}'); !more {
			return err
		}
	}
}
