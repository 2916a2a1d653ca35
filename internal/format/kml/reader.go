// Package kml reads the placemarks of KML 2.2 (OGC 07-147r2), also zipped as KMZ.
//
// Fields are name, description, address, phoneNumber, the times, and the extended
// data of a placemark, trimmed of the white space that writers pad them with; they
// are text whose type ingest infers. Altitudes are kept only where they are heights
// above mean sea level (altitudeMode absolute): in the other modes KML says to
// ignore them or means heights above ground.
package kml

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/net/html/charset"

	"nagar/catalog"
	"nagar/internal/format"
)

// maxDepth bounds the nesting of elements inside a placemark.
const maxDepth = 64

// Reader reads placemarks. It implements format.Decoder.
type Reader struct {
	text  io.Closer
	pos   func() int64
	limit *format.Limited
	xml   *xml.Decoder
	index int64
}

// Open reads path, a KML file or a KMZ archive (whose first .kml is taken).
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 4)
	n, _ := io.ReadFull(f, head)
	f.Close()
	if string(head[:n]) == "PK\x03\x04" {
		return openZip(path)
	}
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

func openZip(path string) (*Reader, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, format.Errorf(0, "zip: %v", err)
	}
	for _, f := range z.File {
		if !strings.HasSuffix(strings.ToLower(f.Name), ".kml") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			z.Close()
			return nil, format.Errorf(-1, "zip: %s: %v", f.Name, err)
		}
		t, err := format.NewText(in)
		if err == nil {
			var r *Reader
			if r, err = New(t); err == nil {
				r.text = z
				return r, nil
			}
		}
		z.Close()
		return nil, err
	}
	z.Close()
	return nil, format.Errorf(-1, "the archive holds no .kml file")
}

// New reads an opened text up to its root element, which must be kml.
func New(t *format.Text) (*Reader, error) {
	r := &Reader{text: t, pos: t.Position, limit: format.NewLimited(t, "is an element left open?")}
	r.xml = xml.NewDecoder(r.limit)
	r.xml.Entity = xml.HTMLEntity
	r.xml.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		return charset.NewReaderLabel(label, in)
	}
	for {
		t, err := r.xml.Token()
		if errors.Is(err, io.EOF) {
			return nil, format.Errorf(0, "the file holds no XML element")
		}
		if err != nil {
			return nil, r.fileError(err)
		}
		if e, ok := t.(xml.StartElement); ok {
			if e.Name.Local != "kml" {
				return nil, format.Errorf(r.xml.InputOffset(), "the file is XML but not KML: its root element is %s", clip(e.Name.Local))
			}
			return r, nil
		}
	}
}

// Info tells nothing: KML is always lon/lat, and has no list of fields.
func (r *Reader) Info() format.Info { return format.Info{} }

// Position is how many bytes of the file have been read.
func (r *Reader) Position() int64 { return r.pos() }

// Close closes the file.
func (r *Reader) Close() error { return r.text.Close() }

func (r *Reader) fileError(err error) error {
	var own *format.Error
	var syntax *xml.SyntaxError
	at := r.xml.InputOffset()
	switch {
	case errors.As(err, &own):
		if own.Offset < 0 {
			return format.Errorf(at, "%s", own.Reason)
		}
		return own
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF"):
		return format.Errorf(at, "the file breaks off in the middle of its XML")
	case errors.As(err, &syntax):
		return format.Errorf(at, "line %d: %s", syntax.Line, syntax.Msg)
	}
	return format.Errorf(at, "%v", err)
}

// Read returns the next placemarks.
func (r *Reader) Read() (format.Chunk, error) {
	var out format.Slice
	from := r.xml.InputOffset()
	for len(out) < format.ChunkRecords && r.xml.InputOffset()-from < format.ChunkBytes {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return append(out, format.Record{Index: r.index + 1, Err: r.fileError(err), Fatal: true}), nil
		}
		out = append(out, rec)
	}
	if len(out) == 0 {
		return nil, io.EOF
	}
	return out, nil
}

// next finds and reads the next placemark.
func (r *Reader) next() (format.Record, error) {
	for {
		r.limit.Next()
		t, err := r.xml.Token()
		if err != nil {
			return format.Record{}, err
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "Placemark" {
			continue
		}
		r.index++
		line, _ := r.xml.InputPos()
		p := placemark{x: r.xml}
		p.rec = format.Record{Index: r.index, Line: int64(line)}
		for _, a := range e.Attr {
			if a.Name.Local == "id" {
				p.rec.ID = strings.TrimSpace(a.Value)
			}
		}
		if err := p.read(); err != nil {
			return format.Record{}, err
		}
		if p.bad != nil {
			p.rec.Err = p.bad
		}
		return p.rec, nil
	}
}

// placemark is one placemark while it is read. bad is what is wrong with its
// content; an error of a method is the file's.
type placemark struct {
	x     *xml.Decoder
	rec   format.Record
	bad   error
	depth int
}

func (p *placemark) field(name, value string) {
	if name = strings.TrimSpace(name); name == "" {
		return
	}
	for i := range p.rec.Fields {
		if p.rec.Fields[i].Name == name {
			// name is both a member of the placemark and of its data: keep the first
			// unless it is empty.
			if p.rec.Fields[i].Value.IsNull() && value != "" {
				p.rec.Fields[i].Value = catalog.Text(value)
			} else if value != "" && p.rec.Fields[i].Value.Str() != value {
				p.field(name+"_2", value)
			}
			return
		}
	}
	f := format.Field{Name: name, Loose: true}
	if value != "" {
		f.Value = catalog.Text(value)
	}
	p.rec.Fields = append(p.rec.Fields, f)
}

// each calls fn for every child element until the open element ends.
func (p *placemark) each(fn func(xml.StartElement) error) error {
	if p.depth++; p.depth > maxDepth {
		return format.Errorf(p.x.InputOffset(), "elements nested over %d deep in a placemark", maxDepth)
	}
	defer func() { p.depth-- }()
	for {
		t, err := p.x.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := fn(t); err != nil {
				return err
			}
		}
	}
}

// text reads the trimmed text of the open element, children aside, to its end.
func (p *placemark) text() (string, error) {
	var b strings.Builder
	for {
		t, err := p.x.Token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			return strings.TrimSpace(b.String()), nil
		case xml.StartElement:
			if err := p.x.Skip(); err != nil {
				return "", err
			}
		}
	}
}

func (p *placemark) read() error {
	return p.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "name", "description", "address", "phoneNumber":
			s, err := p.text()
			if err == nil {
				p.field(e.Name.Local, s)
			}
			return err
		case "TimeStamp", "TimeSpan":
			return p.each(func(e xml.StartElement) error {
				s, err := p.text()
				if err == nil {
					p.field(e.Name.Local, s)
				}
				return err
			})
		case "ExtendedData":
			return p.extended()
		}
		if isGeometry(e.Name.Local) {
			g, err := p.geometry(e)
			if err == nil && p.bad == nil {
				p.rec.Geometry = g
			}
			return err
		}
		return p.x.Skip()
	})
}

// extended reads Data, SchemaData and elements of other namespaces.
func (p *placemark) extended() error {
	return p.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "Data":
			value := ""
			err := p.each(func(c xml.StartElement) error {
				s, err := p.text()
				if c.Name.Local == "value" {
					value = s
				}
				return err
			})
			if err == nil {
				p.field(attr(e, "name"), value)
			}
			return err
		case "SchemaData":
			return p.each(func(c xml.StartElement) error {
				s, err := p.text()
				if err == nil && c.Name.Local == "SimpleData" {
					p.field(attr(c, "name"), s)
				}
				return err
			})
		}
		s, err := p.text()
		if err == nil {
			p.field(e.Name.Local, s)
		}
		return err
	})
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return fmt.Sprintf("%s…", string(r[:40]))
	}
	return s
}
