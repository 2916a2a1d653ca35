package mvt

import (
	"bytes"
	"hash/maphash"
)

// table finds encoded values by scope and content: open addressing, eight bytes a
// slot, so that it stays in the processor's cache. It begins each layer small and
// grows in the memory it has, so that clearing it costs what the layer needs, not
// what the largest layer ever needed.
type table struct {
	slots []uint64 // upper half of the hash, which says where to look << 32 | index in known + 1; 0: free
	known []known
}

type known struct {
	from, to     uint32 // in values
	scope, value uint32
}

const firstSlots = 512

var seed = maphash.MakeSeed() // decides only where values lie in the table, never what is written

func (t *table) reset() {
	t.known = t.known[:0]
	if cap(t.slots) < firstSlots {
		t.slots = make([]uint64, firstSlots)
		return
	}
	t.slots = t.slots[:firstSlots]
	clear(t.slots)
}

// find looks for the value that begins at from and ends with values, and enters it
// by its index when it is not there.
func (t *table) find(values []byte, from int, scope, value uint32) (uint32, bool) {
	v := values[from:]
	hash := (maphash.Bytes(seed, v) + uint64(scope)*0x9e3779b97f4a7c15) &^ (1<<32 - 1)
	mask := uint64(len(t.slots) - 1)
	i := hash >> 32 & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i]&^(1<<32-1) != hash {
			continue
		}
		if k := &t.known[uint32(t.slots[i])-1]; k.scope == scope && bytes.Equal(values[k.from:k.to], v) {
			return k.value, true
		}
	}
	t.known = append(t.known, known{uint32(from), uint32(len(values)), scope, value})
	t.slots[i] = hash | uint64(len(t.known))
	if len(t.known)*2 > len(t.slots) {
		t.grow()
	}
	return 0, false
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
	mask := uint64(n - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := s >> 32 & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}
