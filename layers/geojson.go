package layers

import (
	"slices"
	"strconv"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// featureWriter writes GeoJSON features (RFC 7946) by hand, from grid and columns,
// into a buffer that the answer takes along.
type featureWriter struct {
	buf     []byte
	count   int
	un      geo.Unprojector
	info    *catalog.Collection // whose features are written
	fields  []int
	shown   []bool   // of the collection's fields; nil: all of fields
	names   [][]byte // by position in fields: ,"name":
	seg     *index.Segment
	cols    []shownColumn // of seg
	comma   bool          // a property has been written
	account account
}

// begin starts an array of features of a collection (nil: see collection) in buf.
func (w *featureWriter) begin(buf []byte, c *catalog.Collection, fields []int) {
	w.buf = append(buf[:0], '[')
	w.count = 0
	w.account.finish() // of an answer that was given up
	if c != nil {
		w.collection(c, fields)
	}
}

// collection says whose features follow, and which of its fields are shown.
func (w *featureWriter) collection(c *catalog.Collection, fields []int) {
	w.info, w.fields, w.names, w.seg = c, fields, w.names[:0], nil
	w.account.begin(c, fields)
	for i, f := range fields {
		if i < cap(w.names) {
			w.names = w.names[:i+1]
		} else {
			w.names = append(w.names, nil)
		}
		w.names[i] = propertyName(w.names[i][:0], c.Fields[f].Name)
	}
}

// finish ends the array and hands it over.
func (w *featureWriter) finish() []byte {
	b := append(w.buf, ']')
	w.forget()
	return b
}

// forget lets go of what belongs to the answer and to its collection.
func (w *featureWriter) forget() {
	w.buf, w.info, w.seg = nil, nil, nil
	clear(w.cols)
}

// feature writes a feature up to its properties, those of fields that are shown;
// more may follow, then endFeature.
func (w *featureWriter) feature(s *index.Segment, h int32, sh *index.Shape) {
	if s != w.seg {
		w.enter(s)
	}
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
	w.buf = w.properties(append(w.buf, `,"properties":{`...), h)
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

// shapeBegin is what stands before the coordinates, by type.
var shapeBegin = func() (out [geo.GeometryCollection + 1]string) {
	for t := range out {
		out[t] = `{"type":"` + geo.Type(t).String() + `","coordinates":`
	}
	return out
}()

func (w *featureWriter) shape(sh *index.Shape) {
	b := append(w.buf, shapeBegin[sh.Type]...)
	switch sh.Type {
	case geo.Point:
		b = w.position(b, sh.Coords[0], sh.Coords[1])
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
			first := len(b)
			b = w.position(b, r[0], r[1])
			last := len(b)
			for j := len(r) - 2; j >= 2; j -= 2 {
				b = w.position(append(b, ','), r[j], r[j+1])
			}
			b = append(append(b, ','), b[first:last]...)
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
		b = w.position(b, c[i], c[i+1])
	}
	return append(b, ']')
}

// positionRoom is what a position takes at most: [-180.1234567,-85.1234567]
const positionRoom = 28

func (w *featureWriter) position(b []byte, x, y int32) []byte {
	b = slices.Grow(b, positionRoom)
	lon, lat := w.un.E7(x, y)
	at := len(b)
	p := (*[positionRoom]byte)(b[at : at+positionRoom])
	p[0] = '['
	n := putDegrees(p, 1, lon)
	p[n] = ','
	n = putDegrees(p, n+1, lat)
	p[n] = ']'
	return b[:at+n+1]
}

// putDegrees writes ten-millionths of a degree as a decimal number, without zeros at
// its end, and returns where it ends. Digits are put in pairs: coordinates are most
// of an answer.
func putDegrees(p *[positionRoom]byte, at int, e7 int32) int {
	u := uint32(e7)
	if e7 < 0 {
		p[at] = '-'
		at++
		u = -u
	}
	whole, part := u/1e7, u%1e7
	if whole >= 100 {
		p[at] = '1' // 180 is the most there is
		at++
		whole -= 100
		p[at] = byte('0' + whole/10)
		at++
	} else if whole >= 10 {
		p[at] = byte('0' + whole/10)
		at++
	}
	p[at] = byte('0' + whole%10)
	at++
	if part == 0 {
		return at
	}
	p[at] = '.'
	high, low := part/10_000, part%10_000 // three digits and four
	p[at+1] = byte('0' + high/100)
	pair(p, at+2, high%100)
	pair(p, at+4, low/100)
	pair(p, at+6, low%100)
	for at += 7; p[at] == '0'; {
		at--
	}
	return at + 1
}

// pair writes two digits.
func pair(p *[positionRoom]byte, at int, n uint32) {
	p[at], p[at+1] = digitPairs[n*2], digitPairs[n*2+1]
}

const digitPairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"
