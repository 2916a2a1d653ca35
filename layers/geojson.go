package layers

import (
	"math"
	"slices"
	"strconv"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// featureWriter writes GeoJSON features (RFC 7946) by hand, from grid and columns,
// into a buffer that it keeps.
type featureWriter struct {
	buf     []byte
	count   int
	un      geo.Unprojector
	fields  []int
	shown   []bool   // of the collection's fields; nil: all of fields
	names   [][]byte // by position in fields: ,"name":
	comma   bool     // a property has been written
	account account
}

// begin starts an array of features of a collection (nil: see collection).
func (w *featureWriter) begin(c *catalog.Collection, fields []int) {
	w.buf = append(w.buf[:0], '[')
	w.count = 0
	w.account.finish() // of an answer that was given up
	if c != nil {
		w.collection(c, fields)
	}
}

// collection says whose features follow, and which of its fields are shown.
func (w *featureWriter) collection(c *catalog.Collection, fields []int) {
	w.fields, w.names = fields, w.names[:0]
	w.account.begin(c, fields)
	for i, f := range fields {
		if i < cap(w.names) {
			w.names = w.names[:i+1]
		} else {
			w.names = append(w.names, nil)
		}
		w.names[i] = append(catalog.AppendJSONString(append(w.names[i][:0], ','), c.Fields[f].Name), ':')
	}
}

// finish ends the array and returns it, in memory of its own.
func (w *featureWriter) finish() []byte {
	w.buf = append(w.buf, ']')
	return slices.Clone(w.buf)
}

// feature writes a feature up to its properties, those of fields that are shown;
// more may follow, then endFeature.
func (w *featureWriter) feature(s *index.Segment, h int32, sh *index.Shape) {
	b := w.buf
	if w.count > 0 {
		b = append(b, ',')
	}
	w.count++
	b = append(b, `{"type":"Feature","id":`...)
	b = catalog.AppendJSONString(b, s.ID(h))
	b = append(b, `,"key":`...)
	b = strconv.AppendUint(b, uint64(s.Key(h)), 10)
	b = append(b, `,"geometry":`...)
	w.buf = b
	w.geometry(s, h, sh)
	b = append(w.buf, `,"properties":{`...)
	w.comma = false
	for i, f := range w.fields {
		if f >= s.NumColumns() {
			break
		}
		if w.shown != nil && !w.shown[f] {
			continue
		}
		v := s.Column(f).Value(h)
		if v.IsNull() {
			continue
		}
		name := w.names[i]
		if !w.comma {
			name = name[1:]
		}
		w.comma = true
		b = append(b, name...)
		b = v.AppendJSON(b)
		if w.account.guarded != nil {
			w.account.value(i)
		}
	}
	w.buf = b
	w.account.feature(s, h)
}

func (w *featureWriter) name(name string) {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
	w.buf = append(catalog.AppendJSONString(w.buf, name), ':')
}

// number adds a property to the open feature.
func (w *featureWriter) number(name string, v float64) {
	w.name(name)
	w.buf = catalog.AppendJSONFloat(w.buf, v)
}

// text adds a property to the open feature.
func (w *featureWriter) text(name, v string) {
	w.name(name)
	w.buf = catalog.AppendJSONString(w.buf, v)
}

func (w *featureWriter) endFeature() { w.buf = append(w.buf, '}', '}') }

func (w *featureWriter) geometry(s *index.Segment, h int32, sh *index.Shape) {
	switch {
	case int(h) >= s.Boxed() || !s.Shape(h, sh):
		w.buf = append(w.buf, "null"...)
	case s.Type(h) != geo.GeometryCollection:
		w.shape(sh)
	default:
		w.buf = append(w.buf, `{"type":"GeometryCollection","geometries":[`...)
		for first := true; ; first = false {
			if !first {
				if !sh.Next() {
					break
				}
				w.buf = append(w.buf, ',')
			}
			w.shape(sh)
		}
		w.buf = append(w.buf, `]}`...)
	}
}

func (w *featureWriter) shape(sh *index.Shape) {
	b := append(w.buf, `{"type":"`...)
	b = append(b, sh.Type.String()...)
	b = append(b, `","coordinates":`...)
	switch sh.Type {
	case geo.Point:
		b = w.position(b, sh.Coords)
	case geo.MultiPoint:
		b = w.positions(b, sh.Coords)
	case geo.LineString:
		b = w.positions(b, sh.Ring(0))
	case geo.MultiLineString:
		b = append(b, '[')
		for i := range sh.Ends {
			if i > 0 {
				b = append(b, ',')
			}
			b = w.positions(b, sh.Ring(i))
		}
		b = append(b, ']')
	case geo.Polygon:
		b = w.rings(b, sh, 0, len(sh.Ends))
	case geo.MultiPolygon:
		b = append(b, '[')
		for p := range sh.Polys {
			if p > 0 {
				b = append(b, ',')
			}
			from, to := sh.Rings(p)
			b = w.rings(b, sh, from, to)
		}
		b = append(b, ']')
	}
	w.buf = append(b, '}')
}

// rings closes the rings and turns them back: outer ones run counter-clockwise.
func (w *featureWriter) rings(b []byte, sh *index.Shape, from, to int) []byte {
	b = append(b, '[')
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ',')
		}
		r := sh.Ring(i)
		b = append(b, '[')
		if len(r) >= 2 {
			b = w.position(b, r)
			for j := len(r) - 2; j >= 0; j -= 2 {
				b = w.position(append(b, ','), r[j:])
			}
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

func (w *featureWriter) positions(b []byte, c []int32) []byte {
	b = append(b, '[')
	for i := 0; i+1 < len(c); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.position(b, c[i:])
	}
	return append(b, ']')
}

func (w *featureWriter) position(b []byte, c []int32) []byte {
	lon, lat := w.un.LonLat(c[0], c[1])
	b = appendDegrees(append(b, '['), lon)
	b = appendDegrees(append(b, ','), lat)
	return append(b, ']')
}

// appendDegrees appends degrees with at most seven decimals.
func appendDegrees(b []byte, v float64) []byte {
	n := int64(math.Floor(v*1e7 + 0.5))
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendInt(b, n/1e7, 10)
	f := n % 1e7
	if f == 0 {
		return b
	}
	var d [8]byte
	d[0] = '.'
	for i := 7; i > 0; i-- {
		d[i] = byte('0' + f%10)
		f /= 10
	}
	e := 8
	for d[e-1] == '0' {
		e--
	}
	return append(b, d[:e]...)
}
