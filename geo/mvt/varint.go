package mvt

import (
	"encoding/binary"
	"math/bits"
)

// A varint is worked out in a register and stored in one go: tiles are made of
// little else, and a loop over its bytes costs several times as much.

// maxSpread is the first number whose varint does not fit into eight bytes.
const maxSpread = 1 << 56

// spread returns the varint of v < maxSpread, its first byte lowest, and its length.
func spread(v uint64) (x uint64, n int) {
	if v < 1<<14 { // most: no branch between one byte and two
		long := (0x7f - v) >> 63
		return v&0x7f | long<<7 | v<<1&0x7f00, 1 + int(long)
	}
	// Seven bits into each byte: halves apart, then quarters, then eighths.
	x = v&0xfffffff | v&0xfffffff0000000<<4
	x = x&0x00003fff00003fff | x&0x0fffc0000fffc000<<2
	x = x&0x007f007f007f007f | x&0x3f803f803f803f80<<1
	n = (bits.Len64(v) + 6) / 7
	return x | 0x8080808080808080&(1<<(8*n-8)-1), n
}

// putUvarint writes v to b, which has room for ten bytes, and returns its length.
func putUvarint(b []byte, v uint64) int {
	if v >= maxSpread {
		return binary.PutUvarint(b, v)
	}
	x, n := spread(v)
	binary.LittleEndian.PutUint64(b, x)
	return n
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// zigzagged makes small numbers of either sign small (section 4.3.2).
func zigzagged(v int32) uint64 { return uint64(uint32(v<<1) ^ uint32(v>>31)) }
