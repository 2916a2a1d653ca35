package index

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"nagar/catalog"
	"nagar/geo"
)

// Segment is an immutable set of features of one collection. Feature h, its
// handle, is 0 ≤ h < Len; those with geometry come first, in canonical order.
type Segment struct {
	tree   tree // leaves: boxes of features with geometry
	kinds  []uint8
	start  []uint32 // Len+1: where the words of each geometry begin in coords
	coords []int32
	keys   []uint64
	byKey  []int32  // handles in order of key
	idAt   []uint32 // Len+1: where each id begins in ids
	ids    []byte
	cols   []Column // by field of the schema when the segment was built; later fields are null
	boxed  int      // features with geometry
	number uint64   // of all segments built by this process; a mapped one has that of what it was stored from
	owner  any      // of the memory of the arrays, where they lie in a mapped file; nil: the heap

	derived *derivations
}

// Derived is something that was worked out of a whole segment.
type Derived interface {
	Bytes() int64 // the memory that it takes
}

// derivations are what was derived of a segment, by slot. A segment and the same
// one mapped from a file have them in common.
type derivations struct {
	mu   sync.Mutex
	made map[int]*derived
}

func newDerivations() *derivations { return &derivations{made: map[int]*derived{}} }

// put keeps what was worked out elsewhere.
func (ds *derivations) put(slot int, value Derived) {
	d := &derived{value: value}
	d.once.Do(func() { d.made.Store(true) })
	ds.made[slot] = d
}

type derived struct {
	once  sync.Once
	made  atomic.Bool
	value Derived
}

// Derived returns what make made of the segment for a slot, and keeps it as long
// as the segment lives; make is called once, others wait for it meanwhile.
func (s *Segment) Derived(slot int, make func() Derived) Derived {
	s.derived.mu.Lock()
	d := s.derived.made[slot]
	if d == nil {
		d = &derived{}
		s.derived.made[slot] = d
	}
	s.derived.mu.Unlock()
	d.once.Do(func() {
		d.value = make()
		d.made.Store(true)
	})
	return d.value
}

// Made returns what Derived made for a slot, if it did.
func (s *Segment) Made(slot int) (Derived, bool) {
	s.derived.mu.Lock()
	d := s.derived.made[slot]
	s.derived.mu.Unlock()
	if d == nil || !d.made.Load() {
		return nil, false
	}
	return d.value, true
}

// Len is the number of features.
func (s *Segment) Len() int { return len(s.keys) }

// Number tells the segment from every other one of this process.
func (s *Segment) Number() uint64 { return s.number }

// Boxed is the number of features with geometry: handles below it.
func (s *Segment) Boxed() int { return s.boxed }

// Key is the key of feature h.
func (s *Segment) Key(h int32) catalog.Key { return catalog.Key(s.keys[h]) }

// ID is the id of feature h; it shares the segment's memory.
func (s *Segment) ID(h int32) string {
	b := s.ids[s.idAt[h]:s.idAt[h+1]]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Box is the box of feature h, which has a geometry.
func (s *Segment) Box(h int32) geo.GridBox { return s.tree.boxes[h] }

// NumColumns is the number of fields the segment knows; those after it are null.
func (s *Segment) NumColumns() int { return len(s.cols) }

// Column is the column of field i < NumColumns.
func (s *Segment) Column(i int) *Column { return &s.cols[i] }

// Value is the value of field i of feature h, Null when the segment does not know the field.
func (s *Segment) Value(h int32, i int) catalog.Value {
	if i >= len(s.cols) {
		return catalog.Null
	}
	return s.cols[i].Value(h)
}

// rank is what the canonical order compares first.
func (s *Segment) rank(h int32) uint64 { return centreHilbert(s.tree.boxes[h]) }

// firstOfKey is the index in byKey of the first feature whose key is not below key.
func (s *Segment) firstOfKey(key uint64) int {
	// Keys are hashes, evenly spread: interpolate, then halve.
	lo, hi := 0, len(s.byKey)
	for step := 0; lo < hi; step++ {
		m := int(uint(lo+hi) >> 1)
		if step < 4 && hi-lo > 32 {
			a, b := s.keys[s.byKey[lo]], s.keys[s.byKey[hi-1]]
			if a < key && key < b {
				m = lo + int(float64(key-a)/float64(b-a)*float64(hi-lo))
				m = min(max(m, lo), hi-1)
			}
		}
		if s.keys[s.byKey[m]] < key {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// find returns the feature of that key and, unless it is empty, id.
func (s *Segment) find(key uint64, id string) (int32, bool) {
	for i := s.firstOfKey(key); i < len(s.byKey); i++ {
		h := s.byKey[i]
		if s.keys[h] != key {
			break
		}
		if id == "" || s.ID(h) == id {
			return h, true
		}
	}
	return 0, false
}

// Mapped reports whether the arrays lie in a file instead of the heap.
func (s *Segment) Mapped() bool { return s.owner != nil }

// Bytes is the memory that the segment takes, in the heap or in a mapped file.
func (s *Segment) Bytes() int64 {
	n := int64(len(s.tree.boxes))*16 + int64(len(s.kinds)) + int64(len(s.start))*4 + int64(len(s.coords))*4 +
		int64(len(s.keys))*8 + int64(len(s.byKey))*4 + int64(len(s.idAt))*4 + int64(len(s.ids))
	for i := range s.cols {
		n += s.cols[i].bytes()
	}
	s.derived.mu.Lock()
	defer s.derived.mu.Unlock()
	for _, d := range s.derived.made {
		if d.made.Load() {
			n += d.value.Bytes()
		}
	}
	return n
}
