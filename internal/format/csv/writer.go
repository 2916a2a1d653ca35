package csv

import (
	"encoding/csv"
	"io"
	"strconv"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/format"
)

// Writer writes features as RFC 4180 text in UTF-8: id, geometry, and the fields in
// the collection's order. Geometry is a column of WKT; collections of points have
// lon and lat before it, and WKT only for what is not a plain point. Null and empty
// text are both empty cells.
type Writer struct {
	w      *csv.Writer
	c      *catalog.Collection
	fields []string
	row    []string
	point  bool
}

// NewWriter writes the header: the fields of the collection that view sees.
func NewWriter(w io.Writer, c *catalog.Collection, view catalog.View) (*Writer, error) {
	out := &Writer{w: csv.NewWriter(w), c: c, point: c.Geometry == catalog.GeometryPoint}
	header := []string{"id"}
	switch {
	case out.point:
		header = append(header, "lon", "lat", "wkt")
	case c.Geometry != catalog.GeometryNone:
		header = append(header, "wkt")
	}
	for i := range c.Fields {
		if view.SeesField(c, &c.Fields[i]) {
			out.fields = append(out.fields, c.Fields[i].Name)
		}
	}
	header = append(header, out.fields...)
	return out, out.w.Write(header)
}

// Write writes one feature.
func (w *Writer) Write(f *catalog.Feature) error {
	row := append(w.row[:0], f.ID)
	plain := f.Geometry.Type == geo.Point && !f.Geometry.HasZ && len(f.Geometry.Coords) == 2
	switch {
	case w.point && plain:
		row = append(row, number(f.Geometry.Coords[0]), number(f.Geometry.Coords[1]), "")
	case w.point:
		row = append(row, "", "", string(format.AppendWKT(nil, &f.Geometry)))
	case w.c.Geometry != catalog.GeometryNone:
		row = append(row, string(format.AppendWKT(nil, &f.Geometry)))
	}
	for _, name := range w.fields {
		if v := f.Props.Get(name); v.IsNull() {
			row = append(row, "")
		} else if v.Type() == catalog.TypeTime || v.Type() == catalog.TypeDate {
			text := v.String()
			row = append(row, text[1:len(text)-1]) // without its JSON quotes
		} else {
			row = append(row, v.String())
		}
	}
	w.row = row
	return w.w.Write(row)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Close flushes; it does not close what is beneath.
func (w *Writer) Close() error {
	w.w.Flush()
	return w.w.Error()
}
