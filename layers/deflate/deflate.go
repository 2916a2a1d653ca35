// Package deflate compresses vector tiles as gzip (RFC 1952, with RFC 1951 inside).
//
// Half of a tile cannot be compressed: ids, coordinates, texts that occur once. A
// general compressor looks for repetitions at every byte of it. This one follows
// the tile's structure and looks where something may repeat: at the head of a
// feature, of its attributes, its geometry, of a value; elsewhere only as long as
// that pays. Everything else is left to Huffman codes, of which features and
// values have their own. Any bytes come back as they were: what is no tile is
// compressed like text.
//
// The same bytes give the same output, on every machine. Nothing is allocated but
// room for the output.
package deflate

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
)

const (
	// blockSize is how many bytes are coded with one pair of Huffman codes.
	blockSize = 128 << 10
	// minBlock is the least that gets codes of its own where values follow features.
	minBlock = 4 << 10
	// exactSize is up to which size all literals are counted; beyond, a quarter is.
	exactSize = 32 << 10
	// maxPart is how much is compressed at a stretch: positions are int32.
	maxPart = 1 << 30
)

// Encoder compresses in memory that it keeps. The zero value is ready; it is not
// safe for concurrent use.
type Encoder struct {
	finder
	w     bitWriter
	start int // of the block, in src
	crc   uint32
}

// Gzip appends src to dst as a gzip file and returns it.
func (e *Encoder) Gzip(dst, src []byte) []byte {
	// No name, no time, the fastest method, unknown system.
	// More than most need, and what a block asks for: it need not be copied then.
	dst = slices.Grow(dst, min(2*len(src), len(src)/4*3+2*blockSize)+1024)
	e.w = bitWriter{out: append(dst, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255)}
	e.crc = 0
	e.parts(src, maxPart)
	out := binary.LittleEndian.AppendUint32(e.w.out, e.crc)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(src)))
	e.w.out, e.src = nil, nil
	return out
}

// parts compresses src, at most size bytes of it knowing each other.
func (e *Encoder) parts(src []byte, size int) {
	for {
		part := src[:min(len(src), size)]
		src = src[len(part):]
		e.finder.reset(part)
		e.start = 0
		e.tile()
		e.flush(len(part), len(src) == 0)
		if len(src) == 0 {
			e.w.align()
			return
		}
	}
}

// flush writes the block up to a position, all of which is matched or literal.
func (e *Encoder) flush(to int, last bool) {
	e.crc = crc32.Update(e.crc, crc32.IEEETable, e.src[e.start:to])
	e.count(e.src[e.lit:to])
	e.b.write(&e.w, e.src, e.start, to, last, e.sparse != 0)
	e.b.reset()
	e.start, e.lit = to, to
}

// full ends the block at a position if it is large enough, or at the end of the
// match that the position lies in.
func (e *Encoder) full(at, size int) {
	if at-e.start >= size {
		e.flush(max(at, e.lit), false)
	}
}

// bound is the most bytes of n that a block of them comes to when it is stored.
func bound(n int) int { return n + 5*(n/math.MaxUint16+1) }
