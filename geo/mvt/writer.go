// Package mvt writes and reads Mapbox Vector Tiles, version 2.1
// (github.com/mapbox/vector-tile-spec).
//
// The Writer works in memory of its own that it keeps from tile to tile, and
// allocates nothing once it is warm. It cares for the form (dictionaries,
// commands, no repeated positions); that rings are clean and run the right way is
// the caller's part (geo.CleanRing, geo.RingArea2).
package mvt

import (
	"encoding/binary"
	"math"
	"slices"
)

// GeomType is the type of a feature's geometry (section 4.3.4).
type GeomType uint8

// The geometry types.
const (
	Unknown GeomType = iota
	Point
	LineString
	Polygon
)

const (
	cmdMoveTo    = 1
	cmdLineTo    = 2
	cmdClosePath = 7
)

// Writer builds one tile. Call Layer, then for each feature Feature, Tag and one
// kind of geometry, and EndFeature; then EndLayer. The zero value is ready; it is
// not safe for concurrent use.
type Writer struct {
	out      []byte // finished layers
	name     string
	features []byte
	count    int
	keys     []byte // encoded Layer.keys
	nkeys    uint32
	values   []byte // encoded Layer.values
	nvalues  uint32
	table    table

	// the feature being written
	id     uint64
	typ    GeomType
	tags   []byte
	geom   []byte
	cx, cy int32
	parts  int
}

// Reset begins a new tile.
func (w *Writer) Reset() {
	w.out = w.out[:0]
}

// Bytes returns the finished layers. They are the Writer's: valid until Reset.
func (w *Writer) Bytes() []byte { return w.out }

// Layer begins a layer.
func (w *Writer) Layer(name string) {
	w.name = name
	w.features, w.count = w.features[:0], 0
	w.keys, w.nkeys = w.keys[:0], 0
	w.values, w.nvalues = w.values[:0], 0
	w.table.reset()
}

// Len is about how many bytes the open layer takes so far.
func (w *Writer) Len() int { return len(w.features) + len(w.values) + len(w.keys) }

// Count is the number of features of the open layer.
func (w *Writer) Count() int { return w.count }

// EndLayer closes the layer; one without features is left out (section 4.1).
func (w *Writer) EndLayer(extent uint32) {
	if w.count == 0 {
		return
	}
	size := 1 + uvarintLen(uint64(len(w.name))) + len(w.name) +
		len(w.features) + len(w.keys) + len(w.values) + 1 + uvarintLen(uint64(extent)) + 2
	w.out = slices.Grow(w.out, size+1+binary.MaxVarintLen64)
	w.out = binary.AppendUvarint(append(w.out, 3<<3|2), uint64(size))
	w.out = append(w.out, 15<<3, 2) // version
	w.out = binary.AppendUvarint(append(w.out, 1<<3|2), uint64(len(w.name)))
	w.out = append(w.out, w.name...)
	w.out = append(w.out, w.features...)
	w.out = append(w.out, w.keys...)
	w.out = append(w.out, w.values...)
	w.out = binary.AppendUvarint(append(w.out, 5<<3), uint64(extent))
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// Key adds a key to the layer's dictionary and returns its index. The caller adds
// each key once.
func (w *Writer) Key(name string) uint32 {
	w.keys = binary.AppendUvarint(append(w.keys, 3<<3|2), uint64(len(name)))
	w.keys = append(w.keys, name...)
	w.nkeys++
	return w.nkeys - 1
}

// value ends a Value message whose body starts at from+2 (tag and one length
// byte are reserved at from), and returns its index, an earlier one when the
// layer has the same value already.
func (w *Writer) value(from int) uint32 {
	body := w.values[from+2:]
	if len(body) >= 0x80 { // the length takes more than the reserved byte
		n := uvarintLen(uint64(len(body)))
		w.values = append(w.values, 0, 0, 0, 0, 0, 0, 0, 0, 0)[:len(w.values)+n-1]
		copy(w.values[from+1+n:], w.values[from+2:])
		body = w.values[from+1+n:]
	}
	w.values[from] = 4<<3 | 2
	binary.PutUvarint(w.values[from+1:], uint64(len(body)))
	if i, ok := w.table.find(w.values, from); ok {
		w.values = w.values[:from]
		return i
	}
	w.table.add(from)
	w.nvalues++
	return w.nvalues - 1
}

// Text adds a string value.
func (w *Writer) Text(s string) uint32 {
	from := len(w.values)
	w.values = binary.AppendUvarint(append(w.values, 0, 0, 1<<3|2), uint64(len(s)))
	w.values = append(w.values, s...)
	return w.value(from)
}

// Int adds an integer: as int_value, or as the shorter sint_value when negative.
func (w *Writer) Int(v int64) uint32 {
	from := len(w.values)
	if v < 0 {
		w.values = binary.AppendVarint(append(w.values, 0, 0, 6<<3), v)
	} else {
		w.values = binary.AppendUvarint(append(w.values, 0, 0, 4<<3), uint64(v))
	}
	return w.value(from)
}

// Double adds a real number as double_value.
func (w *Writer) Double(v float64) uint32 {
	from := len(w.values)
	w.values = binary.LittleEndian.AppendUint64(append(w.values, 0, 0, 3<<3|1), math.Float64bits(v))
	return w.value(from)
}

// Bool adds a truth value.
func (w *Writer) Bool(v bool) uint32 {
	from := len(w.values)
	b := byte(0)
	if v {
		b = 1
	}
	w.values = append(w.values, 0, 0, 7<<3, b)
	return w.value(from)
}

// Feature begins a feature; an id of 0 is not written.
func (w *Writer) Feature(id uint64) {
	w.id, w.typ = id, Unknown
	w.tags, w.geom = w.tags[:0], w.geom[:0]
	w.cx, w.cy, w.parts = 0, 0, 0
}

// Tag gives the feature the value under the key.
func (w *Writer) Tag(key, value uint32) {
	w.tags = binary.AppendUvarint(w.tags, uint64(key))
	w.tags = binary.AppendUvarint(w.tags, uint64(value))
}

func (w *Writer) command(id, count int) {
	w.geom = binary.AppendUvarint(w.geom, uint64(count)<<3|uint64(id))
}

func (w *Writer) delta(x, y int32) {
	dx, dy := int64(x)-int64(w.cx), int64(y)-int64(w.cy)
	w.cx, w.cy = x, y
	ux, uy := uint64(dx<<1)^uint64(dx>>63), uint64(dy<<1)^uint64(dy>>63)
	if ux|uy < 0x80 { // most steps of a footprint
		w.geom = append(w.geom, byte(ux), byte(uy))
		return
	}
	w.geom = binary.AppendUvarint(w.geom, ux)
	w.geom = binary.AppendUvarint(w.geom, uy)
}

// Points adds the positions x0 y0 x1 y1 ... as the feature's geometry, all of it.
func (w *Writer) Points(coords []int32) {
	n := len(coords) / 2
	if n == 0 {
		return
	}
	w.typ = Point
	w.command(cmdMoveTo, n)
	for i := 0; i+1 < len(coords); i += 2 {
		w.delta(coords[i], coords[i+1])
	}
	w.parts++
}

// Line adds a line to the feature; repeated positions are left out, and so is a
// line with fewer than two different ones.
func (w *Writer) Line(coords []int32) {
	n := distinct(coords)
	if n < 2 {
		return
	}
	w.typ = LineString
	w.command(cmdMoveTo, 1)
	w.delta(coords[0], coords[1])
	w.command(cmdLineTo, n-1)
	for i := 2; i+1 < len(coords); i += 2 {
		if coords[i] != w.cx || coords[i+1] != w.cy {
			w.delta(coords[i], coords[i+1])
		}
	}
	w.parts++
}

func distinct(coords []int32) int {
	if len(coords) < 2 {
		return 0
	}
	n := 1
	for i := 2; i+1 < len(coords); i += 2 {
		if coords[i] != coords[i-2] || coords[i+1] != coords[i-1] {
			n++
		}
	}
	return n
}

// Ring adds an open ring of at least three positions to the feature, an outer one
// before its holes.
func (w *Writer) Ring(coords []int32) {
	if len(coords) < 6 {
		return
	}
	w.typ = Polygon
	w.command(cmdMoveTo, 1)
	w.delta(coords[0], coords[1])
	w.command(cmdLineTo, len(coords)/2-1)
	for i := 2; i+1 < len(coords); i += 2 {
		w.delta(coords[i], coords[i+1])
	}
	w.command(cmdClosePath, 1)
	w.parts++
}

// Parts is the number of points, lines or rings calls that added something.
func (w *Writer) Parts() int { return w.parts }

// EndFeature adds the feature to the layer and reports true, or leaves it out and
// reports false when it has no geometry (section 4.2).
func (w *Writer) EndFeature() bool {
	if len(w.geom) == 0 {
		return false
	}
	size := 2 + 1 + uvarintLen(uint64(len(w.geom))) + len(w.geom)
	if w.id != 0 {
		size += 1 + uvarintLen(w.id)
	}
	if len(w.tags) > 0 {
		size += 1 + uvarintLen(uint64(len(w.tags))) + len(w.tags)
	}
	b := binary.AppendUvarint(append(w.features, 2<<3|2), uint64(size))
	if w.id != 0 {
		b = binary.AppendUvarint(append(b, 1<<3), w.id)
	}
	if len(w.tags) > 0 {
		b = binary.AppendUvarint(append(b, 2<<3|2), uint64(len(w.tags)))
		b = append(b, w.tags...)
	}
	b = append(b, 3<<3, byte(w.typ))
	b = binary.AppendUvarint(append(b, 4<<3|2), uint64(len(w.geom)))
	w.features = append(b, w.geom...)
	w.count++
	return true
}
