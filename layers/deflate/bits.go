package deflate

import (
	"encoding/binary"
	"math"
	"slices"
)

// bitWriter appends bits to out, the lowest first.
type bitWriter struct {
	out []byte
	acc uint64 // the bits that do not fill a byte yet
	n   uint   // how many they are: less than 8 between calls
}

// reserve makes room for n bytes and the eight that a store may overwrite.
func (w *bitWriter) reserve(n int) { w.out = slices.Grow(w.out, n+8) }

// add appends the lowest n bits of v, at most 56; the others are 0.
func (w *bitWriter) add(v uint64, n uint) {
	w.acc |= v << (w.n & 63)
	w.n += n
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], w.acc)
	w.out = append(w.out, b[:w.n>>3]...)
	w.acc >>= w.n &^ 7 & 63
	w.n &= 7
}

// align fills the last byte with zeros.
func (w *bitWriter) align() {
	if w.n > 0 {
		w.add(0, 8-w.n)
	}
}

// stored writes src as blocks without compression (RFC 1951, 3.2.4).
func (w *bitWriter) stored(src []byte, last bool) {
	for {
		part := src[:min(len(src), math.MaxUint16)]
		src = src[len(part):]
		final := uint64(0)
		if last && len(src) == 0 {
			final = 1
		}
		w.add(final, 3)
		w.align()
		w.out = binary.LittleEndian.AppendUint16(w.out, uint16(len(part)))
		w.out = binary.LittleEndian.AppendUint16(w.out, ^uint16(len(part)))
		w.out = append(w.out, part...)
		if len(src) == 0 {
			return
		}
	}
}
