package geojson

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"nagar/catalog"
	"nagar/geo/geojson"
	"nagar/internal/format"
)

func isFull(err error) bool { return errors.Is(err, bufio.ErrBufferFull) }

// chunk is the text of some features.
type chunk struct {
	text  []byte
	spans []span
}

func (c *chunk) reset() { c.text, c.spans = c.text[:0], c.spans[:0] }

// Len is the number of features.
func (c *chunk) Len() int { return len(c.spans) }

// Release puts the memory back; very large texts are left to the collector.
func (c *chunk) Release() {
	if cap(c.text) <= 4*format.ChunkBytes {
		chunks.Put(c)
	}
}

// decoder is what one goroutine needs to decode features.
type decoder struct {
	d     geojson.Decoder
	f     geojson.Feature
	names map[string]string // property names, each allocated once
	words [512]string       // short texts seen lately, by their hash: wards, uses and the like repeat
}

// word is b as a string, most often one that is there already.
func (d *decoder) word(b []byte) string {
	if len(b) > 24 {
		return string(b)
	}
	h := uint32(2166136261) // FNV-1a
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	slot := &d.words[h>>16%uint32(len(d.words))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

var decoders = sync.Pool{New: func() any { return &decoder{names: map[string]string{}} }}

// Decode decodes feature i.
func (c *chunk) Decode(i int, r *format.Record) { c.decode(i, r, false) }

// DecodeFields decodes feature i but for the coordinates of its geometry.
func (c *chunk) DecodeFields(i int, r *format.Record) { c.decode(i, r, true) }

func (c *chunk) decode(i int, r *format.Record, fieldsOnly bool) {
	r.Reset()
	s := &c.spans[i]
	raw := c.text[s.from:s.to]
	r.Index, r.Line = s.index, s.line
	if s.tooLong {
		r.Err = fmt.Errorf("the record is larger than %d MB", format.MaxRecord>>20)
		r.Raw = raw
		return
	}
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.d.TypesOnly = fieldsOnly
	if err := d.d.Feature(raw, &d.f); err != nil {
		r.Err, r.Raw = err, raw
		var e *geojson.Error
		if s.open && errors.As(err, &e) && e.Offset >= len(raw) {
			r.Fatal = true
			r.Err = format.Errorf(s.offset+int64(len(raw)), "the file breaks off inside record %d", s.index)
		}
		return
	}
	if err := d.record(r); err != nil {
		r.Err, r.Raw = err, raw
	}
}

func (d *decoder) record(r *format.Record) error {
	r.Geometry, r.Extra = d.f.Geometry, d.f.Extra
	if d.f.CRS != nil {
		if name, ok := crsName(d.f.CRS); !ok || name != "" {
			return fmt.Errorf("the feature has a coordinate reference system of its own, %s", geojson.Clip(d.f.CRS))
		}
	}
	if d.f.ID != nil {
		id, ok := d.f.IDText()
		if !ok {
			return errors.New("id: half a surrogate pair is no text")
		}
		r.ID = id
	}
	for _, m := range d.f.Props {
		name, ok := d.names[string(m.Name)]
		if !ok {
			if len(d.names) > 10_000 {
				clear(d.names) // a file with a name for every feature must not fill the memory
			}
			name = string(m.Name)
			d.names[name] = name
		}
		v, ok := d.value(m.Value)
		if !ok {
			return fmt.Errorf("properties.%s: half a surrogate pair is no text", name)
		}
		r.Fields = append(r.Fields, format.Field{Name: name, Value: v})
	}
	return nil
}

// value types a JSON value. A number that neither 64-bit integers nor reals hold
// stays a JSON value, so that nothing is lost.
func (d *decoder) value(raw []byte) (catalog.Value, bool) {
	switch raw[0] {
	case '"':
		if bytes.IndexByte(raw, '\\') < 0 {
			return catalog.Text(d.word(raw[1 : len(raw)-1])), true
		}
		s, ok := geojson.Unquote(raw)
		return catalog.Text(s), ok
	case 'n':
		return catalog.Null, true
	case 't':
		return catalog.Boolean(true), true
	case 'f':
		return catalog.Boolean(false), true
	case '{', '[':
		return catalog.JSON(string(raw)), true
	}
	if n, ok := smallInteger(raw); ok {
		return catalog.Integer(n), true
	}
	text := string(raw)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return catalog.Integer(n), true
	}
	for _, c := range raw {
		if c == '.' || c|0x20 == 'e' {
			if f, err := strconv.ParseFloat(text, 64); err == nil {
				return catalog.Real(f), true
			}
		}
	}
	return catalog.JSON(text), true
}

// smallInteger reads an integer of up to 18 digits. -0 is left to the slow way.
func smallInteger(raw []byte) (int64, bool) {
	digits := raw
	if raw[0] == '-' {
		digits = raw[1:]
	}
	if len(digits) > 18 || len(digits) == 0 || digits[0] == '0' && len(raw) > len("0") {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if raw[0] == '-' {
		n = -n
	}
	return n, true
}
