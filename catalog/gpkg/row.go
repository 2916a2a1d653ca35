package gpkg

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"time"
	"unicode/utf8"

	"nagar/catalog"
	"nagar/geo"

	"zombiezen.com/go/sqlite"
)

// content is what a version says, in the form in which it is written: the
// geometry as a blob, the values in the order of the collection's fields.
type content struct {
	blob      []byte
	vals      []catalog.Value
	validTo   time.Time
	hash      int64
	cell      int64
	hasCell   bool
	box       geo.Box
	shapes    int64 // which kind of geometry: a bit per geo.Type, and shapeZ
	validFrom time.Time
}

// seal computes the content's hash: the first 64 bits of SHA-256 over geometry,
// values and valid end. Equal hashes are taken for equal content; the scratch
// buffer is returned for reuse.
func (ct *content) seal(scratch []byte) []byte {
	b := binary.LittleEndian.AppendUint32(scratch[:0], uint32(len(ct.blob)))
	b = append(b, ct.blob...)
	if !ct.validTo.IsZero() {
		b = append(b, 't')
		b = binary.LittleEndian.AppendUint64(b, uint64(ct.validTo.UnixMicro()))
	}
	for i, v := range ct.vals {
		if v.IsNull() { // a field added later leaves the hash as it is
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(i)<<8|uint32(v.Type()[0]))
		switch v.Type() {
		case catalog.TypeText, catalog.TypeJSON:
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v.Str())))
			b = append(b, v.Str()...)
		case catalog.TypeReal:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
		case catalog.TypeTime, catalog.TypeDate:
			b = binary.LittleEndian.AppendUint64(b, uint64(v.AsTime().UnixMicro()))
		default:
			b = binary.LittleEndian.AppendUint64(b, uint64(v.Int()))
		}
	}
	sum := sha256.Sum256(b)
	ct.hash = int64(binary.LittleEndian.Uint64(sum[:]))
	return b
}

// shapeZ stands beside the bits of the geometry types.
const shapeZ = 1 << 8

// setGeometry encodes g, appending to arena, which is returned.
func (ct *content) setGeometry(arena []byte, g *geo.Geometry) []byte {
	ct.box, ct.shapes = geo.EmptyBox(), 0
	if g.Type == geo.None {
		ct.blob, ct.hasCell = nil, false
		return arena
	}
	ct.shapes = 1 << g.Type
	if g.HasZ {
		ct.shapes |= shapeZ
	}
	ct.box = g.Box()
	from := len(arena)
	arena = appendBlob(arena, g, ct.box)
	ct.blob = arena[from:len(arena):len(arena)]
	ct.cell, ct.hasCell = cellOf(ct.box)
	return arena
}

// setValues puts the properties in the order of the fields. vals must hold a null
// for every field. present, when not nil, is told which fields are given.
func (c *coll) setValues(vals []catalog.Value, present []bool, props catalog.Properties) error {
	next := 0
	for i := range props {
		p := &props[i]
		if next >= len(c.Fields) || c.Fields[next].Name != p.Name {
			at, ok := c.index[p.Name]
			if !ok {
				return &catalog.Invalid{Path: "properties." + p.Name, Reason: fmt.Sprintf("%s has no field %q", c.Name, p.Name)}
			}
			next = at
		}
		v := p.Value
		if v.Type() == catalog.TypeInteger && c.Fields[next].Type == catalog.TypeReal {
			v = catalog.Real(v.Float())
		}
		vals[next] = v
		if present != nil {
			present[next] = true
		}
		next++
	}
	return nil
}

// bindRow binds a row for the statements insert and update.
func (c *coll) bindRow(stmt *sqlite.Stmt, id string, rev catalog.Rev, ct *content) int {
	stmt.BindText(1, id)
	if ct.hasCell {
		stmt.BindInt64(2, ct.cell)
	} else {
		stmt.BindNull(2)
	}
	bindTime(stmt, 3, ct.validFrom)
	bindTime(stmt, 4, ct.validTo)
	stmt.BindInt64(5, int64(rev))
	stmt.BindInt64(6, ct.hash)
	n := 7
	if c.geom != "" {
		if ct.blob == nil {
			stmt.BindNull(n)
		} else {
			stmt.BindBytes(n, ct.blob)
		}
		n++
	}
	for i := range c.cols {
		if i < len(ct.vals) {
			bindValue(stmt, n, ct.vals[i])
		} else {
			stmt.BindNull(n)
		}
		n++
	}
	return n
}

func bindTime(stmt *sqlite.Stmt, n int, t time.Time) {
	if t.IsZero() {
		stmt.BindNull(n)
		return
	}
	stmt.BindText(n, timeText(t))
}

func bindValue(stmt *sqlite.Stmt, n int, v catalog.Value) {
	switch v.Type() {
	case catalog.TypeText, catalog.TypeJSON:
		stmt.BindText(n, v.Str())
	case catalog.TypeInteger, catalog.TypeBoolean:
		stmt.BindInt64(n, v.Int())
	case catalog.TypeReal:
		stmt.BindFloat(n, v.Float())
	case catalog.TypeTime:
		stmt.BindText(n, string(appendTime(nil, v.AsTime())))
	case catalog.TypeDate:
		stmt.BindText(n, string(appendDate(nil, v.AsTime())))
	default:
		stmt.BindNull(n)
	}
}

// rowReader decodes rows. It keeps what repeats from row to row: a buffer, and
// the texts seen lately, so that a million rows do not hold a million copies of
// "residential".
type rowReader struct {
	buf   []byte
	texts []string
	slab  []catalog.Property

	slabLen int
}

const (
	keptTexts  = 1024 // of which each has one place, by its hash: a power of two
	maxKeptLen = 64
	slabLen    = 512
)

func newRowReader() *rowReader { return &rowReader{} }

var textSeed = maphash.MakeSeed()

// bytes copies a column's text or blob into the reader's buffer.
func (r *rowReader) bytes(stmt *sqlite.Stmt, col int) []byte {
	n := stmt.ColumnLen(col)
	if n > cap(r.buf) {
		r.buf = make([]byte, n+n/2)
	}
	r.buf = r.buf[:n]
	stmt.ColumnBytes(col, r.buf)
	return r.buf
}

func (r *rowReader) text(stmt *sqlite.Stmt, col int) string {
	b := r.bytes(stmt, col)
	if len(b) > maxKeptLen {
		return string(b)
	}
	if r.texts == nil {
		r.texts = make([]string, keptTexts)
	}
	kept := &r.texts[maphash.Bytes(textSeed, b)&(keptTexts-1)]
	if *kept != string(b) {
		*kept = string(b)
	}
	return *kept
}

// take is a slice of n properties that nobody else has.
func (r *rowReader) take(n int) catalog.Properties {
	if len(r.slab) < n {
		r.slabLen = min(2*r.slabLen+n, slabLen) // little for one feature, more for many
		r.slab = make([]catalog.Property, max(n, r.slabLen))
	}
	p := r.slab[:0:n]
	r.slab = r.slab[n:]
	return p
}

// Places in the rows that the statements current and past give, after the rowid.
const (
	atRow = iota
	atRev
	atID
	atGeom
	atFrom
	atTo
	atFields
)

// feature decodes the current row of stmt into f.
func (r *rowReader) feature(stmt *sqlite.Stmt, c *coll, f *catalog.Feature) error {
	*f = catalog.Feature{Rev: catalog.Rev(stmt.ColumnInt64(atRev)), ID: stmt.ColumnText(atID)}
	var err error
	if f.ValidFrom, err = r.time(stmt, atFrom); err == nil {
		f.ValidTo, err = r.time(stmt, atTo)
	}
	if err != nil {
		return err
	}
	switch stmt.ColumnType(atGeom) {
	case sqlite.TypeNull:
	case sqlite.TypeBlob:
		if f.Geometry, err = decodeBlob(r.bytes(stmt, atGeom)); err != nil {
			return &catalog.Invalid{Path: "geometry", Reason: err.Error()}
		}
	default:
		return &catalog.Invalid{Path: "geometry", Reason: "not a GeoPackage geometry"}
	}
	f.Props = r.take(len(c.Fields))
	for i := range c.Fields {
		v, err := r.value(stmt, atFields+i, &c.Fields[i])
		if err != nil {
			return err
		}
		if !v.IsNull() {
			f.Props = append(f.Props, catalog.Property{Name: c.Fields[i].Name, Value: v})
		}
	}
	return nil
}

func (r *rowReader) time(stmt *sqlite.Stmt, col int) (time.Time, error) {
	if stmt.ColumnIsNull(col) {
		return time.Time{}, nil
	}
	b := r.bytes(stmt, col)
	if len(b) == 0 {
		return time.Time{}, nil
	}
	t, err := parseTime(b)
	if err != nil {
		return time.Time{}, &catalog.Invalid{Path: "valid time", Reason: err.Error()}
	}
	return t, nil
}

// value decodes one column. Outside tools may have written anything into it;
// what means a value of the field's type is taken, the rest is *Invalid.
func (r *rowReader) value(stmt *sqlite.Stmt, col int, fd *catalog.Field) (catalog.Value, error) {
	kind := stmt.ColumnType(col)
	if kind == sqlite.TypeNull {
		return catalog.Null, nil
	}
	var err error
	switch fd.Type {
	case catalog.TypeText, catalog.TypeJSON:
		if kind == sqlite.TypeBlob {
			break
		}
		if fd.Type == catalog.TypeJSON {
			return catalog.JSON(r.text(stmt, col)), nil
		}
		return catalog.Text(r.text(stmt, col)), nil
	case catalog.TypeInteger:
		if kind == sqlite.TypeInteger {
			return catalog.Integer(stmt.ColumnInt64(col)), nil
		}
		if f := stmt.ColumnFloat(col); kind == sqlite.TypeFloat && f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			return catalog.Integer(int64(f)), nil
		}
	case catalog.TypeReal:
		if kind == sqlite.TypeInteger || kind == sqlite.TypeFloat {
			return catalog.Real(stmt.ColumnFloat(col)), nil
		}
	case catalog.TypeBoolean:
		if n := stmt.ColumnInt64(col); kind == sqlite.TypeInteger && (n == 0 || n == 1) {
			return catalog.Boolean(n == 1), nil
		}
	case catalog.TypeTime, catalog.TypeDate:
		if kind != sqlite.TypeText {
			break
		}
		var t time.Time
		if t, err = parseTime(r.bytes(stmt, col)); err != nil {
			break
		}
		if fd.Type == catalog.TypeDate {
			return catalog.Date(t), nil
		}
		return catalog.Time(t), nil
	}
	if err == nil {
		b := r.bytes(stmt, col)
		if !utf8.Valid(b) {
			b = []byte("a blob")
		}
		err = fmt.Errorf("%s is not a value of type %s", clip(b), fd.Type)
	}
	return catalog.Null, &catalog.Invalid{Path: "properties." + fd.Name, Reason: err.Error()}
}

// isInvalid reports whether err speaks of the content of a row, not of the store.
func isInvalid(err error) bool {
	var inv *catalog.Invalid
	return errors.As(err, &inv)
}
