package mvt

import (
	"bytes"
	"hash/maphash"
)

// table finds encoded values by content: open addressing, eight bytes a slot, so
// that it stays in the processor's cache. It begins each layer small and grows in
// the memory it has, so that clearing it costs what the layer needs, not what the
// largest layer ever needed.
type table struct {
	slots []uint64 // upper half of the hash, which says where to look << 32 | index + 1; 0: free
	n     int
	at    []uint32 // where each value begins, by index
	last  uint64   // hash of the value that find looked for, its upper half only
}

const firstSlots = 512

var seed = maphash.MakeSeed() // decides only where values lie in the table, never what is written

func (t *table) reset() {
	t.n, t.at = 0, t.at[:0]
	if cap(t.slots) < firstSlots {
		t.slots = make([]uint64, firstSlots)
		return
	}
	t.slots = t.slots[:firstSlots]
	clear(t.slots)
}

// find looks for the value that begins at from and ends with values.
func (t *table) find(values []byte, from int) (uint32, bool) {
	v := values[from:]
	t.last = maphash.Bytes(seed, v) &^ (1<<32 - 1)
	mask := uint64(len(t.slots) - 1)
	for i := t.last >> 32 & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			return 0, false
		}
		if s&^(1<<32-1) != t.last {
			continue
		}
		index := uint32(s) - 1
		end := uint32(from)
		if int(index)+1 < len(t.at) {
			end = t.at[index+1]
		}
		if bytes.Equal(values[t.at[index]:end], v) {
			return index, true
		}
	}
}

// add enters the value that find has just not found, the next one by index.
func (t *table) add(from int) {
	t.at = append(t.at, uint32(from))
	if t.n*2 >= len(t.slots) {
		t.grow()
	}
	t.put(t.last | uint64(len(t.at)))
	t.n++
}

func (t *table) put(slot uint64) {
	mask := uint64(len(t.slots) - 1)
	for i := slot >> 32 & mask; ; i = (i + 1) & mask {
		if t.slots[i] == 0 {
			t.slots[i] = slot
			return
		}
	}
}

// grow doubles the table. A slot says itself where it belongs: nothing is hashed again.
func (t *table) grow() {
	n := 2 * len(t.slots)
	old := append([]uint64(nil), t.slots...)
	if cap(t.slots) >= n {
		t.slots = t.slots[:n]
		clear(t.slots)
	} else {
		t.slots = make([]uint64, n)
	}
	for _, s := range old {
		if s != 0 {
			t.put(s)
		}
	}
}
