package geojson

import (
	"errors"
	"io"

	"nagar/geo/geojson"
	"nagar/internal/format"
)

// collectionState is where in the outer structure the reader stands.
type collectionState uint8

const (
	inFeatures collectionState = iota // before the next element of the array
	firstFeature
	afterFeatures // behind the array, inside the outer object
	wholeObject   // the outer object was a feature itself
	done
)

// maxMember bounds what is kept of a member of the outer object.
const maxMember = 1 << 20

// openObject reads the outer object up to its features, or the whole object when
// it has none. It stands at the opening brace.
func (r *Reader) openObject() error {
	c := chunks.Get().(*chunk)
	c.reset()
	s := r.begin(c)
	take := func() { // the byte at the cursor
		b, _ := r.text.ReadByte()
		r.offset++
		c.keep(&s, []byte{b})
	}
	take()
	kind := ""
	for first := true; ; first = false {
		b, err := r.token()
		if err != nil {
			return err
		}
		if first && b == '}' || !first && b == ',' || !first && b == '}' {
			take()
			if b == '}' {
				return r.single(c, s, kind)
			}
			if b, err = r.token(); err != nil {
				return err
			}
		} else if !first {
			return format.Errorf(r.offset, "want ',' or '}' in the outer object, got %s", printable(b))
		}
		if b != '"' {
			return format.Errorf(r.offset, "want a member name, got %s", printable(b))
		}
		name, err := r.member(c, &s)
		if err != nil {
			return err
		}
		if b, err = r.token(); err != nil {
			return err
		}
		if name == `"features"` && b == '[' {
			r.text.ReadByte()
			r.offset++
			r.state, r.index = firstFeature, 0
			c.Release()
			return nil
		}
		value, err := r.capture(c, &s)
		if err != nil {
			return err
		}
		if name == `"type"` {
			kind = string(value)
		}
		if name == `"crs"` && string(value) != "null" {
			crs, ok := crsName(value)
			if !ok {
				return format.Errorf(r.offset, "the crs member names no known coordinate reference system; give --crs")
			}
			r.info.CRS = crs
		}
	}
}

// token skips space; the end of the file is a break.
func (r *Reader) token() (byte, error) {
	b, err := r.space()
	if errors.Is(err, io.EOF) {
		return 0, r.breaksOff()
	}
	return b, err
}

func (r *Reader) breaksOff() error {
	return format.Errorf(r.offset, "the file breaks off in the middle of its JSON")
}

// member reads a member name with its quotes, and the colon.
func (r *Reader) member(c *chunk, s *span) (string, error) {
	name, err := r.capture(c, s)
	if err != nil {
		return "", err
	}
	text := string(name)
	b, err := r.token()
	if err != nil {
		return "", err
	}
	if b != ':' {
		return "", format.Errorf(r.offset, "want ':', got %s", printable(b))
	}
	r.text.ReadByte()
	r.offset++
	c.keep(s, []byte{':'})
	return text, nil
}

// capture appends the value at the cursor to the record, and returns its text cut
// to maxMember.
func (r *Reader) capture(c *chunk, s *span) ([]byte, error) {
	from := len(c.text)
	if err := r.value(c, s); err != nil {
		return nil, err
	}
	if s.tooLong {
		return nil, nil
	}
	return c.text[from:min(len(c.text), from+maxMember)], nil
}

// single makes the outer object the first record; more may follow it.
func (r *Reader) single(c *chunk, s span, kind string) error {
	switch kind {
	case `"Feature"`, `"Point"`, `"LineString"`, `"Polygon"`, `"MultiPoint"`, `"MultiLineString"`, `"MultiPolygon"`, `"GeometryCollection"`:
	case `"FeatureCollection"`:
		return format.Errorf(s.offset, "the FeatureCollection has no array of features")
	case "":
		return format.Errorf(s.offset, "the file is JSON but not GeoJSON: its object has no type")
	default:
		return format.Errorf(s.offset, "the file is JSON but not GeoJSON: its object is of type %s", geojson.Clip([]byte(kind)))
	}
	s.to = len(c.text)
	c.spans = append(c.spans, s)
	first := c
	r.next = func(c *chunk) error {
		c.text = append(c.text, first.text...)
		c.spans = append(c.spans, first.spans...)
		r.next = r.nextObject
		return nil
	}
	return nil
}

// nextObject reads one more object of a sequence without framing.
func (r *Reader) nextObject(c *chunk) error {
	b, err := r.space()
	if err != nil {
		return err
	}
	if b != '{' {
		return format.Errorf(r.offset, "want another object or the end, got %s", printable(b))
	}
	return r.element(c)
}

// nextInCollection reads one element of the array of features.
func (r *Reader) nextInCollection(c *chunk) error {
	if r.state == done {
		return io.EOF
	}
	b, err := r.token()
	if err != nil {
		return err
	}
	if b == ']' {
		r.text.ReadByte()
		r.offset++
		return r.behind()
	}
	if r.state == inFeatures {
		if b != ',' {
			return format.Errorf(r.offset, "want ',' or ']' after a feature, got %s", printable(b))
		}
		r.text.ReadByte()
		r.offset++
		if _, err := r.token(); err != nil {
			return err
		}
	}
	r.state = inFeatures
	return r.element(c)
}

func (r *Reader) element(c *chunk) error {
	s := r.begin(c)
	if err := r.value(c, &s); err != nil {
		return err
	}
	s.to = len(c.text)
	c.spans = append(c.spans, s)
	return nil
}

// behind reads what stands behind the array of features, to the end of the file.
func (r *Reader) behind() error {
	r.state = done
	c := chunks.Get().(*chunk)
	defer c.Release()
	for {
		b, err := r.token()
		if err != nil {
			return err
		}
		r.text.ReadByte()
		r.offset++
		if b == '}' {
			break
		}
		if b != ',' {
			return format.Errorf(r.offset-1, "want ',' or '}' after the features, got %s", printable(b))
		}
		if b, err = r.token(); err != nil {
			return err
		}
		if b != '"' {
			return format.Errorf(r.offset, "want a member name, got %s", printable(b))
		}
		c.reset()
		s := span{}
		name, err := r.member(c, &s)
		if err != nil {
			return err
		}
		if _, err = r.token(); err != nil {
			return err
		}
		value, err := r.capture(c, &s)
		if err != nil {
			return err
		}
		if crs, ok := crsName(value); name == `"crs"` && string(value) != "null" && (!ok || crs != r.info.CRS) {
			return format.Errorf(r.offset, "a crs member behind the features names another coordinate reference system; give --crs")
		}
		if name == `"features"` {
			return format.Errorf(r.offset, "there is a second member \"features\"")
		}
	}
	b, err := r.space()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return err
	}
	return format.Errorf(r.offset, "want the end of the file, got %s", printable(b))
}
