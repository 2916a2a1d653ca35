package index

import (
	"errors"
	"fmt"
	"unsafe"

	"nagar/catalog"
	"nagar/geo"
)

// Span is where an array lies in a file: Len bytes from At, whose checksum is Sum.
type Span struct {
	At  int64  `json:"at"`
	Len int64  `json:"len"`
	Sum uint64 `json:"sum,string"`
}

// StoredSegment says where the arrays of a segment, and the marks of what is hidden
// in it, lie in a file. Arrays are as they are in memory, little-endian, their
// elements one after the other:
//
//	Boxes   int32 × 4 (MinX MinY MaxX MaxY): features with geometry, then the upper levels of the tree
//	Kinds   uint8 × Features: geometry type in the low four bits, 0x80 where the words have a header
//	Start   uint32 × Features+1: where the words of each geometry begin
//	Coords  int32: words of geometries, see shape.go
//	Keys    uint64 × Features
//	ByKey   int32 × Features: handles in order of key
//	IDAt    uint32 × Features+1: where each id begins in IDs
//	IDs     bytes
//	Hidden  uint64 × ⌈Features/64⌉: a bit per hidden feature, from the lowest; empty when there is none
type StoredSegment struct {
	Features int            `json:"features"`
	Boxed    int            `json:"boxed"`
	Boxes    Span           `json:"boxes"`
	Kinds    Span           `json:"kinds"`
	Start    Span           `json:"start"`
	Coords   Span           `json:"coords"`
	Keys     Span           `json:"keys"`
	ByKey    Span           `json:"by_key"`
	IDAt     Span           `json:"id_at"`
	IDs      Span           `json:"ids"`
	Hidden   Span           `json:"hidden"`
	Columns  []StoredColumn `json:"columns"`
}

// StoredColumn is a Column: codes of Width bytes (0: all null), or per feature
// with a bit in Some for those that have a value. Nums are int64; Off are uint32,
// where the texts begin in Text, and the end. Again is, of a plain column, the bits
// of Repeats.
type StoredColumn struct {
	Type  catalog.FieldType `json:"type"`
	Plain bool              `json:"plain,omitempty"`
	Width int               `json:"width,omitempty"`
	Codes Span              `json:"codes"`
	Some  Span              `json:"some"`
	Nums  Span              `json:"nums"`
	Off   Span              `json:"off"`
	Text  Span              `json:"text"`
	Again Span              `json:"again"`
}

// Spans calls fn for the place of every array.
func (st *StoredSegment) Spans(fn func(Span)) {
	for _, s := range []Span{st.Boxes, st.Kinds, st.Start, st.Coords, st.Keys, st.ByKey, st.IDAt, st.IDs, st.Hidden} {
		fn(s)
	}
	for i := range st.Columns {
		c := &st.Columns[i]
		for _, s := range []Span{c.Codes, c.Some, c.Nums, c.Off, c.Text, c.Again} {
			fn(s)
		}
	}
}

// Store puts the snapshot's segments, oldest first, with what is hidden in them.
// put writes an array and says where it lies.
func (s *Snapshot) Store(put func([]byte) (Span, error)) ([]StoredSegment, error) {
	out := make([]StoredSegment, len(s.parts))
	for i, p := range s.parts {
		if err := p.seg.store(&out[i], put); err != nil {
			return nil, err
		}
		if p.dead.count() == 0 {
			continue
		}
		marks := make([]uint64, (p.seg.Len()+63)/64)
		p.dead.added(nil, func(h int32) { marks[h>>6] |= 1 << (h & 63) })
		var err error
		if out[i].Hidden, err = put(bytesOf(marks)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Segment) store(to *StoredSegment, put func([]byte) (Span, error)) error {
	to.Features, to.Boxed = s.Len(), s.boxed
	var failed error
	span := func(at *Span, b []byte) {
		if failed == nil && len(b) > 0 {
			*at, failed = put(b)
		}
	}
	span(&to.Boxes, bytesOf(s.tree.boxes))
	span(&to.Kinds, s.kinds)
	span(&to.Start, bytesOf(s.start))
	span(&to.Coords, bytesOf(s.coords))
	span(&to.Keys, bytesOf(s.keys))
	span(&to.ByKey, bytesOf(s.byKey))
	span(&to.IDAt, bytesOf(s.idAt))
	span(&to.IDs, s.ids)
	to.Columns = make([]StoredColumn, len(s.cols))
	for i := range s.cols {
		c, t := &s.cols[i], &to.Columns[i]
		t.Type, t.Plain = c.Type, c.plain
		switch {
		case c.w8 != nil:
			t.Width = 1
			span(&t.Codes, c.w8)
		case c.w16 != nil:
			t.Width = 2
			span(&t.Codes, bytesOf(c.w16))
		case c.w32 != nil:
			t.Width = 4
			span(&t.Codes, bytesOf(c.w32))
		}
		span(&t.Some, bytesOf(c.some))
		span(&t.Nums, bytesOf(c.nums))
		span(&t.Off, bytesOf(c.off))
		span(&t.Text, c.text)
		if c.plain {
			span(&t.Again, bytesOf(s.Repeats().Of(i)))
		}
	}
	return failed
}

// ErrStored is wrapped by every error of OpenStored: the arrays are not those of a segment.
var ErrStored = errors.New("stored segment is inconsistent")

// OpenStored returns the snapshot of stored segments. The arrays that at gives are
// used where they lie; they must begin at a multiple of eight bytes, must never
// change, and stay as long as owner, which the segments refer to, can be reached.
// Whatever they hold, no later use of the snapshot reads beyond them.
func OpenStored(stored []StoredSegment, owner any, at func(Span) ([]byte, error)) (*Snapshot, error) {
	parts := make([]part, len(stored))
	for i := range stored {
		r := &storedReader{at: at}
		seg := r.segment(&stored[i])
		marks := arrayOf[uint64](r, stored[i].Hidden)
		if r.err == nil {
			r.err = seg.verify()
		}
		var hide []int32
		if r.err == nil {
			hide, r.err = handlesOf(marks, seg.Len())
		}
		if r.err != nil {
			return nil, fmt.Errorf("segment %d: %w", i, r.err)
		}
		seg.owner = owner
		parts[i] = part{seg: seg, dead: (*hidden)(nil).with(hide, seg.Len())}
	}
	return newSnapshot(parts), nil
}

type storedReader struct {
	at  func(Span) ([]byte, error)
	err error
}

func (r *storedReader) segment(st *StoredSegment) *Segment {
	s := &Segment{
		kinds: arrayOf[uint8](r, st.Kinds), start: arrayOf[uint32](r, st.Start), coords: arrayOf[int32](r, st.Coords),
		keys: arrayOf[uint64](r, st.Keys), byKey: arrayOf[int32](r, st.ByKey), idAt: arrayOf[uint32](r, st.IDAt), ids: arrayOf[uint8](r, st.IDs),
		boxed: st.Boxed, number: built.Add(1), derived: newDerivations(),
	}
	boxes := arrayOf[geo.GridBox](r, st.Boxes)
	if r.err == nil && (st.Features != len(s.keys) || st.Boxed < 0 || st.Boxed > st.Features) {
		r.err = fmt.Errorf("%w: %d features of which %d have a geometry, %d keys", ErrStored, st.Features, st.Boxed, len(s.keys))
	}
	if r.err != nil {
		return s
	}
	levels, total := treeLevels(st.Boxed)
	if total != len(boxes) {
		r.err = fmt.Errorf("%w: %d boxes for %d features", ErrStored, len(boxes), st.Boxed)
	}
	s.tree = tree{boxes: boxes, levels: levels}
	s.cols = make([]Column, len(st.Columns))
	again := &Repeats{cols: make([][]uint64, len(st.Columns))}
	for i := range st.Columns {
		t := &st.Columns[i]
		again.cols[i] = arrayOf[uint64](r, t.Again)
		c := Column{Type: t.Type, plain: t.Plain, some: arrayOf[uint64](r, t.Some), nums: arrayOf[int64](r, t.Nums), off: arrayOf[uint32](r, t.Off), text: arrayOf[uint8](r, t.Text)}
		switch t.Width {
		case 0:
		case 1:
			c.w8 = arrayOf[uint8](r, t.Codes)
		case 2:
			c.w16 = arrayOf[uint16](r, t.Codes)
		case 4:
			c.w32 = arrayOf[uint32](r, t.Codes)
		default:
			r.err = fmt.Errorf("%w: codes of %d bytes", ErrStored, t.Width)
		}
		s.cols[i] = c
	}
	s.derived.put(slotRepeats, again)
	return s
}

// bytesOf is the memory of an array.
func bytesOf[T any](a []T) []byte {
	if len(a) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(a))), len(a)*int(unsafe.Sizeof(a[0])))
}

// arrayOf is the array in a span, nil for an empty one or after an error.
func arrayOf[T any](r *storedReader, s Span) []T {
	if r.err != nil || s.Len == 0 {
		return nil
	}
	b, err := r.at(s)
	var zero T
	size := int(unsafe.Sizeof(zero))
	switch {
	case err != nil:
		r.err = err
		return nil
	case len(b)%size != 0 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%8 != 0:
		r.err = fmt.Errorf("%w: %d bytes at %d are no array of %d-byte elements", ErrStored, len(b), s.At, size)
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size)
}

// handlesOf are the handles of the bits set, all below n.
func handlesOf(marks []uint64, n int) ([]int32, error) {
	if len(marks) == 0 {
		return nil, nil
	}
	if len(marks) != (n+63)/64 || n%64 != 0 && marks[len(marks)-1]>>(n%64) != 0 {
		return nil, fmt.Errorf("%w: marks of hidden features beyond the last", ErrStored)
	}
	var out []int32
	for h := range int32(n) {
		if marks[h>>6]>>(h&63)&1 != 0 {
			out = append(out, h)
		}
	}
	return out, nil
}

// Replace returns the snapshot with those segments of s that were stored as the
// parts of from taken from to instead, which was opened from what was stored: the
// content is the same, and so are numbers and what was derived. Segments that are
// not in s any more are left out.
func (s *Snapshot) Replace(from, to *Snapshot) *Snapshot {
	by := make(map[*Segment]*Segment, len(from.parts))
	for i, p := range from.parts {
		m := to.parts[i].seg
		m.number, m.derived = p.seg.number, p.seg.derived
		by[p.seg] = m
	}
	parts := make([]part, len(s.parts))
	for i, p := range s.parts {
		if m := by[p.seg]; m != nil {
			p.seg = m
		}
		parts[i] = p
	}
	return newSnapshot(parts)
}
