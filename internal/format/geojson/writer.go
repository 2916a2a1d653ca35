package geojson

import (
	"bufio"
	"io"
	"time"

	"nagar/catalog"
	"nagar/geo/geojson"
)

// Writer writes features as a FeatureCollection or as GeoJSONSeq, coordinates and
// numbers so that they read back exactly.
type Writer struct {
	w     *bufio.Writer
	seq   bool
	first bool
	buf   []byte
}

// NewWriter writes a FeatureCollection, or one feature a line when seq is set.
func NewWriter(w io.Writer, seq bool) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, 1<<16), seq: seq, first: true}
}

// Write writes one feature; null properties are left out. A valid time is kept in
// the foreign members valid_from and valid_to.
func (w *Writer) Write(f *catalog.Feature) error {
	b := w.buf[:0]
	switch {
	case w.seq:
	case w.first:
		b = append(b, `{"type":"FeatureCollection","features":[`+"\n"...)
	default:
		b = append(b, ",\n"...)
	}
	w.first = false
	b = append(b, `{"type":"Feature","id":`...)
	b = catalog.AppendJSONString(b, f.ID)
	b = appendTime(b, "valid_from", f.ValidFrom)
	b = appendTime(b, "valid_to", f.ValidTo)
	b = append(b, `,"geometry":`...)
	b = geojson.AppendGeometry(b, &f.Geometry)
	b = append(b, `,"properties":{`...)
	n := len(b)
	for _, p := range f.Props {
		if p.Value.IsNull() {
			continue
		}
		if len(b) > n {
			b = append(b, ',')
		}
		b = catalog.AppendJSONString(b, p.Name)
		b = append(b, ':')
		b = p.Value.AppendJSON(b)
	}
	b = append(b, "}}"...)
	if w.seq {
		b = append(b, '\n')
	}
	w.buf = b
	_, err := w.w.Write(b)
	return err
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(b, `,"`+name+`":`...)
	return catalog.Time(t).AppendJSON(b)
}

// Close ends the document and flushes; it does not close what is beneath.
func (w *Writer) Close() error {
	if !w.seq {
		end := "\n]}\n"
		if w.first {
			end = `{"type":"FeatureCollection","features":[]}` + "\n"
		}
		if _, err := w.w.WriteString(end); err != nil {
			return err
		}
	}
	return w.w.Flush()
}
