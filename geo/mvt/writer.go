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

// Writer builds one tile. Call Layer; for each feature Feature, one kind of
// geometry, and EndFeature; then, for as many features as are waiting, Tags and
// Flush; at the end EndLayer. Attributes come many features at a time so that the
// caller can go through them column by column. The zero value is ready; it is not
// safe for concurrent use.
type Writer struct {
	out     []byte // finished layers, then the features of the open one
	skip    int    // where the tile begins in out
	start   int    // where the open layer begins in out, its head first
	body    int    // where its features begin
	name    string
	count   int
	keys    []byte // encoded Layer.keys
	nkeys   uint32
	values  []byte // encoded Layer.values
	nvalues uint32
	last    int // where the last value begins
	table   table

	// the features that wait for their attributes
	waiting []pending
	geom    []byte
	tags    []Tag
	width   int // tags of each

	// the feature being written
	id     uint64
	typ    GeomType
	from   int // where its geometry begins in geom
	cx, cy int32
	parts  int
}

// pending is a feature that waits for its attributes.
type pending struct {
	id  uint64
	end int32 // of its geometry in geom
	typ GeomType
}

// Reset begins a new tile.
func (w *Writer) Reset() {
	w.out, w.skip, w.start = w.out[:0], 0, 0
}

// Bytes returns the finished layers. They are the Writer's: valid until Layer or Reset.
func (w *Writer) Bytes() []byte { return w.out[w.skip:] }

// Held is about how many bytes of memory the Writer keeps for the next tile.
func (w *Writer) Held() int {
	return cap(w.out) + cap(w.values) + cap(w.geom) + 8*(cap(w.table.slots)+2*cap(w.table.known)+cap(w.tags))
}

// Layer begins a layer.
func (w *Writer) Layer(name string) {
	w.name, w.count = name, 0
	w.start = len(w.out)
	w.body = w.start + maxHead + len(name)
	w.out = grow(w.out, w.body-w.start)[:w.body]
	w.keys, w.nkeys = w.keys[:0], 0
	w.values, w.nvalues = w.values[:0], 0
	w.waiting, w.geom, w.tags, w.width = w.waiting[:0], w.geom[:0], w.tags[:0], 0
	w.table.reset()
}

// Count is the number of features of the open layer.
func (w *Writer) Count() int { return w.count + len(w.waiting) }

// Expect makes room for a layer of about so many features at once.
func (w *Writer) Expect(features int) { w.out = grow(w.out, features*aboutFeature) }

// aboutFeature is about how many bytes a footprint takes with its attributes.
const aboutFeature = 72

// grow makes room for n more bytes. It doubles what append would make a quarter
// larger again and again: a large tile was copied five times over.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	return append(make([]byte, 0, max(2*cap(b), len(b)+n)), b...)
}

// maxHead is the most bytes of a layer before its features, without its name: two
// field numbers and lengths, and the version.
const maxHead = 1 + binary.MaxVarintLen64 + 2 + 1 + binary.MaxVarintLen64

// EndLayer closes the layer; one without features is left out (section 4.1).
func (w *Writer) EndLayer(extent uint32) {
	w.Flush()
	if w.count == 0 {
		w.out = w.out[:w.start]
		return
	}
	w.out = grow(w.out, len(w.keys)+len(w.values)+1+binary.MaxVarintLen64)
	w.out = append(append(w.out, w.keys...), w.values...)
	w.out = binary.AppendUvarint(append(w.out, 5<<3), uint64(extent))
	size := 2 + 1 + uvarintLen(uint64(len(w.name))) + len(w.name) + len(w.out) - w.body
	var head [maxHead]byte
	h := binary.AppendUvarint(append(head[:0], 3<<3|2), uint64(size))
	h = append(h, 15<<3, 2) // version
	h = binary.AppendUvarint(append(h, 1<<3|2), uint64(len(w.name)))
	// The head is shorter than its room by what the lengths take less. The first
	// layer begins later, those after it are moved.
	from := w.body - len(w.name) - len(h)
	copy(w.out[from:], h)
	copy(w.out[from+len(h):], w.name)
	if w.start == w.skip {
		w.skip = from
		return
	}
	w.out = w.out[:w.start+copy(w.out[w.start:], w.out[from:])]
}

// Key adds a key to the layer's dictionary and returns its index. The caller adds
// each key once.
func (w *Writer) Key(name string) uint32 {
	w.keys = binary.AppendUvarint(append(w.keys, 3<<3|2), uint64(len(name)))
	w.keys = append(w.keys, name...)
	w.nkeys++
	return w.nkeys - 1
}

// Text adds a string value to the layer's dictionary and returns its index. Like
// the other values it is added whether or not it is there already, see Once.
func (w *Writer) Text(s string) uint32 {
	n := len(s)
	if n < 0x80-2 {
		at := w.value(n + 2)
		b := w.values[at : at+4+n]
		b[0], b[1], b[2], b[3] = 4<<3|2, byte(n+2), 1<<3|2, byte(n)
		copy(b[4:], s)
		w.values = w.values[:at+4+n]
		return w.nvalues - 1
	}
	body := 1 + uvarintLen(uint64(n)) + n
	w.value(body)
	b := binary.AppendUvarint(append(w.values, 4<<3|2), uint64(body))
	b = binary.AppendUvarint(append(b, 1<<3|2), uint64(n))
	w.values = append(b, s...)
	return w.nvalues - 1
}

// Int adds an integer: as int_value, or as the shorter sint_value when negative.
func (w *Writer) Int(v int64) uint32 {
	field, u := byte(4<<3), uint64(v)
	if v < 0 {
		field, u = 6<<3, uint64(v<<1)^uint64(v>>63)
	}
	at := w.value(binary.MaxVarintLen64 + 1)
	b := w.values[at : at+3+binary.MaxVarintLen64]
	n := putUvarint(b[3:], u)
	b[0], b[1], b[2] = 4<<3|2, byte(n+1), field
	w.values = w.values[:at+3+n]
	return w.nvalues - 1
}

// Double adds a real number as double_value.
func (w *Writer) Double(v float64) uint32 {
	at := w.value(9)
	b := w.values[at : at+11]
	b[0], b[1], b[2] = 4<<3|2, 9, 3<<3|1
	binary.LittleEndian.PutUint64(b[3:], math.Float64bits(v))
	w.values = w.values[:at+11]
	return w.nvalues - 1
}

// Bool adds a truth value.
func (w *Writer) Bool(v bool) uint32 {
	b := byte(0)
	if v {
		b = 1
	}
	w.value(2)
	w.values = append(w.values, 4<<3|2, 2, 7<<3, b)
	return w.nvalues - 1
}

// value makes room for a value of so many bytes, and returns where it begins.
func (w *Writer) value(body int) int {
	w.last = len(w.values)
	w.nvalues++
	w.values = grow(w.values, body+2*binary.MaxVarintLen64)
	return w.last
}

// Once takes the value that was just added back when an equal one went through
// Once with the same scope before, and returns that one's index. The scope is a
// number of the caller's; one for each key keeps apart what differs by key only.
func (w *Writer) Once(scope, value uint32) uint32 {
	if i, ok := w.table.find(w.values, w.last, scope, value); ok {
		w.values = w.values[:w.last]
		w.nvalues--
		return i
	}
	return value
}
