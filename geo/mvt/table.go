package mvt

import (
	"bytes"
	"hash/maphash"
)

// table finds encoded values by content: open addressing over ranges of the
// values buffer, cleared by a generation number, so that a warm one neither
// allocates nor is wiped per layer.
type table struct {
	slots []slot
	gen   uint32
	n     int
	last  uint64 // hash of the value that find looked for
}

type slot struct {
	gen      uint32
	index    uint32
	from, to int32
	hash     uint64
}

var seed = maphash.MakeSeed() // decides only where values lie in the table, never what is written

func (t *table) reset() {
	t.gen++
	t.n = 0
	if t.gen == 0 { // wrapped: old slots would look fresh
		clear(t.slots)
		t.gen = 1
	}
}

// find looks for the value that begins at from and ends with values.
func (t *table) find(values []byte, from int) (uint32, bool) {
	v := values[from:]
	t.last = maphash.Bytes(seed, v)
	if t.n*2 >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	for i := t.last & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.gen != t.gen {
			return 0, false
		}
		if s.hash == t.last && bytes.Equal(values[s.from:s.to], v) {
			return s.index, true
		}
	}
}

// add enters the value that find has just not found.
func (t *table) add(from, to int, index uint32) {
	t.put(slot{t.gen, index, int32(from), int32(to), t.last})
	t.n++
}

func (t *table) put(s slot) {
	mask := uint64(len(t.slots) - 1)
	for i := s.hash & mask; ; i = (i + 1) & mask {
		if t.slots[i].gen != t.gen {
			t.slots[i] = s
			return
		}
	}
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(256, len(old)*2))
	if t.gen == 0 {
		t.gen = 1
	}
	for _, s := range old {
		if s.gen == t.gen {
			t.put(s)
		}
	}
}
