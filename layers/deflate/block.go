package deflate

import (
	"encoding/binary"
	"math/bits"
)

// seq is a run of literals and the match that follows it.
type seq struct {
	lit  uint32 // literals before the match
	dist uint16 // distance - 1
	len  uint8  // length - minMatch
	sym  uint8  // distance code
}

// Lengths and distances are coded as a symbol and extra bits (RFC 1951, 3.2.5).
var (
	lenBase   = [29]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255}
	lenExtra  = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	lenSymbol = lenSymbols()
)

func lenSymbols() (out [256]uint8) {
	for s, base := range lenBase {
		for l := int(base); l < 256; l++ {
			out[l] = uint8(s)
		}
	}
	return out
}

// distSymbol is the code of a distance - 1: two codes for every power of two.
func distSymbol(d uint32) uint8 {
	if d < 4 {
		return uint8(d)
	}
	n := uint32(bits.Len32(d)) - 1
	return uint8(2*n + d>>(n-1)&1)
}

func distExtra(sym uint8) uint { return uint(max(sym>>1, 1) - 1) }

// block holds what one block is made of and writes it.
type block struct {
	seqs []seq
	lits [4][256]uint32 // counts of literals, of every fourth byte: adding one waits for no other
	freq [numLitLen]uint32
	dist [numDist]uint32

	huff     huffman
	litCode  [numLitLen]code
	distCode [numDist]code
	lenCode  [256]code // by length - minMatch, with its extra bits
	head     header
}

func (b *block) reset() {
	b.seqs = b.seqs[:0]
	clear(b.lits[:])
	clear(b.freq[:])
	clear(b.dist[:])
}

// add adds a match, and how many literals come before it.
func (b *block) add(lits, n int, dist uint32, sym uint8) {
	l := uint8(n - minMatch)
	b.freq[endBlock+1+int(lenSymbol[l])]++
	b.dist[sym]++
	b.seqs = append(b.seqs, seq{lit: uint32(lits), dist: uint16(dist), len: l, sym: sym})
}

// count counts literals.
func (b *block) count(lits []byte) {
	for ; len(lits) >= 4; lits = lits[4:] {
		v := binary.LittleEndian.Uint32(lits)
		b.lits[0][uint8(v)]++
		b.lits[1][uint8(v>>8)]++
		b.lits[2][uint8(v>>16)]++
		b.lits[3][uint8(v>>24)]++
	}
	for i, c := range lits {
		b.lits[i&3][c]++
	}
}

// frequencies completes b.freq. Where a quarter of the literals was counted, any
// may occur.
func (b *block) frequencies(sampled bool) {
	for i := range 256 {
		b.freq[i] = b.lits[0][i] + b.lits[1][i] + b.lits[2][i] + b.lits[3][i]
	}
	if sampled {
		for i := range 256 {
			b.freq[i] = 16*b.freq[i] + 1
		}
		for i := endBlock + 1; i < numLitLen; i++ {
			b.freq[i] *= 4
		}
	}
	b.freq[endBlock] = 1
}

// Kinds of block (RFC 1951, 3.2.3), above the bit that marks the last one.
const (
	fixedCodes   = 1 << 1
	dynamicCodes = 2 << 1
)

// write writes src[from:to], which the seqs and literals after them make up, in the
// smallest form.
func (b *block) write(w *bitWriter, src []byte, from, to int, last, sampled bool) {
	b.frequencies(sampled)
	b.huff.build(b.litCode[:], b.freq[:], maxLitLen)
	b.huff.build(b.distCode[:], b.dist[:], maxDist)
	b.head.make(&b.huff, b.litCode[:], b.distCode[:])
	before := *w
	w.reserve(2*(to-from) + 512) // no code is longer than 14 bits, no header than 300 bytes
	final := uint64(0)
	if last {
		final = 1
	}
	if !sampled && b.fixedSmaller() {
		b.litCode, b.distCode = fixedLitLen, fixedDist
		w.add(fixedCodes|final, 3)
	} else {
		w.add(dynamicCodes|final, 3)
		b.head.write(w)
	}
	b.body(w, src, from, to)
	if len(w.out)-len(before.out) > bound(to-from) {
		w.out, w.acc, w.n = w.out[:len(before.out)], before.acc, before.n
		w.stored(src[from:to], last)
	}
}

// fixedSmaller reports whether the codes that need no header do better.
func (b *block) fixedSmaller() bool {
	gain := b.head.size
	for s, f := range b.freq {
		gain += (int(b.litCode[s].len()) - int(fixedLitLen[s].len())) * int(f)
	}
	for s, f := range b.dist {
		gain += (int(b.distCode[s].len()) - int(fixedDist[s].len())) * int(f)
	}
	return gain >= 0
}

// body writes the symbols. Room for them is reserved.
func (b *block) body(w *bitWriter, src []byte, from, to int) {
	b.lengths()
	out, acc, n := w.out[:cap(w.out)], w.acc, w.n
	at := len(w.out)
	for i := range b.seqs {
		s := &b.seqs[i]
		acc, n, at = b.literals(out, acc, n, at, src, from, from+int(s.lit))
		from += int(s.lit) + int(s.len) + minMatch
		c := b.lenCode[s.len]
		acc |= c.bits() << (n & 63)
		n += c.len()
		c = b.distCode[s.sym]
		acc |= c.bits() << (n & 63)
		n += c.len()
		x := distExtra(s.sym)
		acc |= uint64(s.dist) & (1<<(x&63) - 1) << (n & 63)
		n += x
		store64(out, at, acc) // literals has seen to the room
		at += int(n >> 3)
		acc >>= n &^ 7 & 63
		n &= 7
	}
	acc, n, at = b.literals(out, acc, n, at, src, from, to)
	w.out, w.acc, w.n = out[:at], acc, n
	c := b.litCode[endBlock]
	w.add(c.bits(), c.len())
}

// lengths joins the code and the extra bits of each length.
func (b *block) lengths() {
	for s, base := range lenBase {
		c, extra := b.litCode[endBlock+1+s], lenExtra[s]
		for x := range min(1<<extra, 256-int(base)) {
			b.lenCode[int(base)+x] = newCode(c.bits()|uint64(x)<<c.len(), c.len()+uint(extra))
		}
	}
}

// rest masks the codes of up to three literals.
var rest = [4][3]code{{}, {^code(0)}, {^code(0), ^code(0)}, {^code(0), ^code(0), ^code(0)}}

// literals writes src[from:to]. Less than a byte is left in acc, before and after.
// There is room for a match behind them then.
func (b *block) literals(out []byte, acc uint64, n uint, at int, src []byte, from, to int) (uint64, uint, int) {
	// A literal takes less than two bytes, and a store overwrites eight.
	if from > to || to > len(src) || at+2*(to-from)+16 > len(out) {
		panic("deflate: no room for a block")
	}
	codes := &b.litCode
	for from+4 <= to {
		v := load32(src, from)
		c0, c1, c2, c3 := codes[uint8(v)], codes[uint8(v>>8)], codes[uint8(v>>16)], codes[uint8(v>>24)]
		// Two and two, so that not every step waits for the one before.
		acc |= (c0.bits() | c1.bits()<<(c0&63)) << (n & 63)
		n += (c0 + c1).len()
		acc |= (c2.bits() | c3.bits()<<(c2&63)) << (n & 63)
		n += (c2 + c3).len()
		store64(out, at, acc)
		at += int(n >> 3)
		acc >>= n &^ 7 & 63
		n &= 7
		from += 4
	}
	if from+4 <= len(src) { // how many are left is hard to foretell: no branch on it
		v := load32(src, from)
		m := &rest[(to-from)&3]
		c0, c1, c2 := codes[uint8(v)]&m[0], codes[uint8(v>>8)]&m[1], codes[uint8(v>>16)]&m[2]
		acc |= (c0.bits() | c1.bits()<<(c0&63)) << (n & 63)
		n += (c0 + c1).len()
		acc |= c2.bits() << (n & 63)
		n += c2.len()
	} else {
		for ; from < to; from++ {
			c := codes[src[from]]
			acc |= c.bits() << (n & 63)
			n += c.len()
		}
	}
	store64(out, at, acc)
	at += int(n >> 3)
	acc >>= n &^ 7 & 63
	n &= 7
	return acc, n, at
}
