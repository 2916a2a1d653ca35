package mvt

import (
	"encoding/binary"
	"slices"
)

const (
	cmdMoveTo    = 1
	cmdLineTo    = 2
	cmdClosePath = 7
)

// Tag is a key with a value as they stand in Feature.tags, ready to be copied: at
// most seven bytes, the first lowest, and their number in the eighth. 0 is no tag.
type Tag uint64

// TagKey makes the tags of one key. The zero value is none.
type TagKey struct {
	bits uint64 // the key's varint, and its length in the eighth byte
}

// MakeTagKey is the TagKey of a key by its index, below 2¹⁴.
func MakeTagKey(key uint32) TagKey {
	x, n := spread(uint64(key))
	return TagKey{x | uint64(n)<<56}
}

// IsZero reports whether it is the zero value.
func (k TagKey) IsZero() bool { return k.bits == 0 }

// Tag returns the tag of the key and a value by its index. As there are at most 2¹⁴
// keys and 2³² values to a layer, seven bytes do.
func (k TagKey) Tag(value uint32) Tag {
	if value >= 1<<21 {
		return k.long(value)
	}
	// One to three bytes, without a branch between them.
	v := uint64(value)
	two, three := (0x7f-v)>>63, (0x3fff-v)>>63
	x := v&0x7f | v<<1&0x7f00 | v<<2&0x7f0000 | two<<7 | three<<15
	return Tag(k.bits + x<<(k.bits>>53&63) + (1+two+three)<<56)
}

func (k TagKey) long(value uint32) Tag {
	x, n := spread(uint64(value))
	return Tag(k.bits + x<<(k.bits>>53&63) + uint64(n)<<56)
}

func (t Tag) len() int { return int(t >> 56) }

// Feature begins a feature; an id of 0 is not written.
func (w *Writer) Feature(id uint64) {
	w.id, w.typ = id, Unknown
	w.from = len(w.geom)
	w.cx, w.cy, w.parts = 0, 0, 0
}

// Parts is the number of points, lines or rings calls that added something.
func (w *Writer) Parts() int { return w.parts }

// EndFeature lets the feature wait for its attributes and reports true, or leaves
// it out and reports false when it has no geometry (section 4.2).
func (w *Writer) EndFeature() bool {
	if len(w.geom) == w.from {
		return false
	}
	w.waiting = append(w.waiting, pending{w.id, int32(len(w.geom)), w.typ})
	return true
}

// Waiting is the number of features that wait for their attributes.
func (w *Writer) Waiting() int { return len(w.waiting) }

// Tags returns room for the attributes of the features that wait: width tags for
// each, none so far, one feature after the other. It is filled before Flush.
func (w *Writer) Tags(width int) []Tag {
	n := width * len(w.waiting)
	w.width = width
	w.tags = slices.Grow(w.tags[:0], n)[:n]
	clear(w.tags)
	return w.tags
}

// Flush writes the features that wait to the layer.
func (w *Writer) Flush() {
	// Two lengths and an id of ten bytes at most, five field numbers, the type, and
	// what a store of eight bytes writes beyond.
	const beside = 4*binary.MaxVarintLen64 + 6 + 8
	at := len(w.out)
	b := grow(w.out, len(w.waiting)*beside+7*len(w.tags)+len(w.geom))
	b = b[:cap(b)]
	geom, from := w.geom, 0
	for i, f := range w.waiting {
		tags := w.tags[i*w.width : (i+1)*w.width]
		at += f.put(b[at:], tags, geom[from:f.end])
		from = int(f.end)
	}
	w.count += len(w.waiting)
	w.out = b[:at]
	w.waiting, w.geom, w.tags, w.width = w.waiting[:0], geom[:0], w.tags[:0], 0
}

// put writes the feature to b, which is large enough, and returns its length.
// Lengths are taken to have one byte, and what follows is moved where they have more.
func (f *pending) put(b []byte, tags []Tag, geom []byte) int {
	b[0] = 2<<3 | 2
	n := 2
	if f.id != 0 {
		b[n] = 1 << 3
		n += 1 + putUvarint(b[n+1:], f.id)
	}
	head := n
	n += 2
	for _, t := range tags {
		binary.LittleEndian.PutUint64(b[n:], uint64(t))
		n += t.len()
	}
	if n > head+2 {
		b[head] = 2<<3 | 2
		n = putLength(b, head+1, n)
	} else {
		n = head
	}
	b[n], b[n+1], b[n+2] = 3<<3, byte(f.typ), 4<<3|2
	n += 3 + putUvarint(b[n+3:], uint64(len(geom)))
	n += copy(b[n:], geom)
	return putLength(b, 1, n)
}

// putLength writes at b[at] the length of what follows it up to b[end], and returns
// the new end.
func putLength(b []byte, at, end int) int {
	size := end - at - 1
	if size < 0x80 {
		b[at] = byte(size)
		return end
	}
	more := uvarintLen(uint64(size)) - 1
	copy(b[at+1+more:end+more], b[at+1:end])
	binary.PutUvarint(b[at:], uint64(size))
	return end + more
}

func (w *Writer) command(id, count int) {
	w.geom = binary.AppendUvarint(w.geom, uint64(count)<<3|uint64(id))
}

func (w *Writer) delta(x, y int32) {
	ux, uy := zigzagged(x-w.cx), zigzagged(y-w.cy)
	w.cx, w.cy = x, y
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

// cleanReach is the size of coordinates and of their differences up to which CleanRing's products fit well into 32 bits.
const cleanReach = 1 << 14

// CleanRing is Ring for what most footprints are: an outer ring that is clean as it
// is (no repeated position, none on the line between its neighbours) and runs the
// right way. It looks and writes in one pass; false when the ring is not so, or
// reaches as far as 2¹⁴: then nothing was added.
func (w *Writer) CleanRing(coords []int32) bool {
	n := len(coords)
	if n < 6 || n >= 1<<15 {
		return false
	}
	g := grow(w.geom, 10*n/2+4*binary.MaxVarintLen64)
	at := len(g)
	g = g[:cap(g)]
	ox, oy := coords[0], coords[1]
	g[at] = 1<<3 | cmdMoveTo
	at += 1 + putUvarint(g[at+1:], zigzagged(ox-w.cx))
	at += putUvarint(g[at:], zigzagged(oy-w.cy))
	at += putUvarint(g[at:], uint64(n/2-1)<<3|cmdLineTo)
	var px, py, ex, ey, fx, fy int32 // the position from the first one, the last and the first edge
	var area int64
	reach := uint32(ox+cleanReach) | uint32(oy+cleanReach)
	for i := 2; i+1 < n; i += 2 {
		x, y := coords[i]-ox, coords[i+1]-oy
		reach |= uint32(x+cleanReach) | uint32(y+cleanReach)
		dx, dy := x-px, y-py
		if i == 2 {
			fx, fy = dx, dy
		} else if ex*dy == ey*dx {
			return false
		}
		area += int64(px)*int64(y) - int64(x)*int64(py)
		if ux, uy := zigzagged(dx), zigzagged(dy); ux|uy < 0x80 {
			g[at], g[at+1] = byte(ux), byte(uy)
			at += 2
		} else {
			at += putUvarint(g[at:], ux)
			at += putUvarint(g[at:], uy)
		}
		px, py, ex, ey = x, y, dx, dy
	}
	if area <= 0 || reach >= 2*cleanReach || ex*py == ey*px || px*fy == py*fx {
		return false
	}
	g[at] = 1<<3 | cmdClosePath
	w.geom = g[:at+1]
	w.typ = Polygon
	w.cx, w.cy = ox+px, oy+py
	w.parts++
	return true
}
