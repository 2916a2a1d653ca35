// Package geojson reads GeoJSON files: one object or FeatureCollection, and
// sequences of features, one a line or separated by RS (RFC 8142). It also writes
// them.
//
// The file is split into features while it streams, and each is decoded later, by
// whoever wants it (see nagar/geo/geojson), so that decoding can run on several
// processors. A feature that is not right is that record's fault alone; a break in
// the structure around it is the file's.
package geojson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"nagar/internal/format"
)

// Reader splits a stream into features. It implements format.Decoder.
type Reader struct {
	text *format.Text
	next func(*chunk) error // reads one more record into the chunk, or io.EOF

	offset int64 // of the next unread byte in the unpacked text
	line   int64 // of the same
	index  int64 // records read
	info   format.Info

	state collectionState
}

// Open reads path as GeoJSON in whatever framing it has: a FeatureCollection, one
// Feature or geometry, or several of them one after the other.
func Open(path string) (*Reader, error) {
	t, err := format.OpenText(path)
	if err != nil {
		return nil, err
	}
	r, err := New(t)
	if err != nil {
		t.Close()
	}
	return r, err
}

// OpenSeq reads path as GeoJSONSeq: one feature a line, or RS-separated.
func OpenSeq(path string) (*Reader, error) {
	t, err := format.OpenText(path)
	if err != nil {
		return nil, err
	}
	r, err := NewSeq(t)
	if err != nil {
		t.Close()
	}
	return r, err
}

// New reads GeoJSON from an opened text, up to the first feature, so that Info
// is known.
func New(t *format.Text) (*Reader, error) {
	r := &Reader{text: t, line: 1}
	c, err := r.space()
	if errors.Is(err, io.EOF) {
		return nil, format.Errorf(r.offset, "the file holds nothing but space")
	}
	if err != nil {
		return nil, err
	}
	switch c {
	case rs:
		r.next = r.nextRS
		return r, nil
	case '{':
	default:
		return nil, format.Errorf(r.offset, "want a GeoJSON object, got %s", printable(c))
	}
	r.next = r.nextInCollection
	return r, r.openObject()
}

// NewSeq reads GeoJSONSeq from an opened text.
func NewSeq(t *format.Text) (*Reader, error) {
	r := &Reader{text: t, line: 1}
	c, err := r.space()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case errors.Is(err, io.EOF), c == '{':
		r.next = r.nextLine
	case c == rs:
		r.next = r.nextRS
	default:
		return nil, format.Errorf(r.offset, "want a GeoJSON feature a line, got %s", printable(c))
	}
	return r, nil
}

func printable(c byte) string {
	if c > 0x20 && c < 0x7f {
		return fmt.Sprintf("%q", c)
	}
	return fmt.Sprintf("byte 0x%02x", c)
}

// Info tells the legacy crs member when it stands before the features.
func (r *Reader) Info() format.Info { return r.info }

// Position is how many bytes of the file have been read.
func (r *Reader) Position() int64 { return r.text.Position() }

// Close closes the file.
func (r *Reader) Close() error { return r.text.Close() }

// Read returns the next features, undecoded.
func (r *Reader) Read() (format.Chunk, error) {
	c := chunks.Get().(*chunk)
	c.reset()
	for c.Len() < format.ChunkRecords && len(c.text) < format.ChunkBytes {
		err := r.next(c)
		if err == nil {
			continue
		}
		if c.Len() > 0 && !errors.Is(err, io.EOF) {
			// What was read before the break is still good: give it out first.
			r.next = func(*chunk) error { return err }
			break
		}
		if c.Len() > 0 {
			break
		}
		c.Release()
		return nil, err
	}
	return c, nil
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// span is one record in a chunk's text.
type span struct {
	from, to int
	index    int64
	line     int64
	offset   int64
	tooLong  bool // only the beginning is kept
	open     bool // the file ended without the record's terminator
}

func (r *Reader) begin(c *chunk) span {
	r.index++
	return span{from: len(c.text), index: r.index, line: r.line, offset: r.offset}
}

// keep appends b to the record unless that makes it too long.
func (c *chunk) keep(s *span, b []byte) {
	if s.tooLong {
		return
	}
	if len(c.text)-s.from+len(b) > format.MaxRecord {
		s.tooLong = true
		c.text = c.text[:min(len(c.text), s.from+rejectHead)]
		return
	}
	c.text = append(c.text, b...)
}

// rejectHead is how much of a record too long is kept for the rejects file.
const rejectHead = 256

// rs is the record separator of RFC 8142.
const rs = 0x1e

// space skips white space and returns the next byte without taking it.
func (r *Reader) space() (byte, error) {
	for {
		c, err := r.text.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			r.line++
		case ' ', '\t', '\r':
		default:
			return c, r.text.UnreadByte()
		}
		r.offset++
	}
}

// nextLine reads one line; blank ones are skipped.
func (r *Reader) nextLine(c *chunk) error {
	if _, err := r.space(); err != nil {
		return err
	}
	return r.upTo('\n', c)
}

// nextRS reads from one RS to the next.
func (r *Reader) nextRS(c *chunk) error {
	for {
		b, err := r.space()
		if err != nil {
			return err
		}
		if b != rs {
			break
		}
		r.text.ReadByte()
		r.offset++
	}
	return r.upTo(rs, c)
}

func (r *Reader) upTo(end byte, c *chunk) error {
	s := r.begin(c)
	for {
		b, err := r.text.ReadSlice(end)
		r.offset += int64(len(b))
		if end == '\n' {
			if err == nil {
				r.line++
			}
		} else {
			r.line += int64(bytes.Count(b, []byte{'\n'}))
		}
		if err == nil {
			b = b[:len(b)-1]
		}
		c.keep(&s, b)
		switch {
		case errors.Is(err, io.EOF):
			s.open = true
		case err == nil:
		case isFull(err):
			continue
		default:
			return err
		}
		s.to = len(c.text)
		c.spans = append(c.spans, s)
		return nil
	}
}

// crsName maps a legacy crs member (GeoJSON 2008, section 3) to "EPSG:n", "" for
// lon/lat WGS 84. ok is false when the member names nothing that is understood.
func crsName(raw []byte) (name string, ok bool) {
	var crs struct {
		Properties struct{ Name, Href string }
	}
	if json.Unmarshal(raw, &crs) != nil {
		return "", false
	}
	if crs.Properties.Name != "" {
		return CRSName(crs.Properties.Name)
	}
	return CRSName(crs.Properties.Href)
}

// CRSName maps a CRS as files name it (urn:ogc:def:crs:EPSG::32643, EPSG:32643,
// urn:ogc:def:crs:OGC:1.3:CRS84, an opengis.net URL) to "EPSG:n", or to "" for
// lon/lat WGS 84; false when it is none of these.
func CRSName(s string) (string, bool) {
	up := strings.ToUpper(strings.TrimSpace(s))
	code := up[strings.LastIndexAny(up, ":/")+1:]
	switch {
	case strings.HasPrefix(code, "CRS84"):
		return "", true
	case !strings.Contains(up, "EPSG") || code == "" || strings.Trim(code, "0123456789") != "":
		return "", false
	case code == "4326":
		return "", true
	}
	return "EPSG:" + code, true
}
