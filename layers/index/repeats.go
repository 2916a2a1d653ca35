package index

import (
	"hash/maphash"
	"math/bits"

	"nagar/geo"
)

// Repeats tells which values of plain columns a tile may come upon more than once
// in a segment: one that it cannot needs no looking up where each is to be kept
// once. Of a geometry of parts, other than lines, each may become a feature of its
// own: its values may always come again.
type Repeats struct {
	cols [][]uint64 // by field, by feature: it may occur again; nil where every value may
}

// slotRepeats is where a segment keeps its Repeats; all other slots are the engine's.
const slotRepeats = -1

// Repeats works them out at the first call.
func (s *Segment) Repeats() *Repeats {
	return s.Derived(slotRepeats, func() Derived { return newRepeats(s) }).(*Repeats)
}

// Bytes is the memory that they take.
func (r *Repeats) Bytes() int64 {
	n := int64(len(r.cols)) * 24
	for _, c := range r.cols {
		n += int64(len(c)) * 8
	}
	return n
}

// Of returns, a bit for each feature, whether its value of field i may occur
// again; nil where every one may.
func (r *Repeats) Of(i int) []uint64 { return r.cols[i] }

func newRepeats(s *Segment) *Repeats {
	r := &Repeats{cols: make([][]uint64, len(s.cols))}
	for i := range s.cols {
		if c := &s.cols[i]; c.plain {
			r.cols[i] = c.repeats()
			for h := range int32(s.boxed) {
				switch s.Type(h) {
				case geo.Point, geo.LineString, geo.MultiLineString, geo.Polygon:
				default:
					r.cols[i][h>>6] |= 1 << (h & 63)
				}
			}
		}
	}
	return r
}

// hashedRow is the upper half of a value's hash, and its feature.
type hashedRow struct {
	hash uint32
	row  int32
}

// repeats counts values by hash: none, one, more. With 32 places to a value, one of
// 32 that are alone shares its place and is taken for a repeated one, which
// costs no more than looking it up. The values are gone through in 256 lots by the
// first byte of their hash, so that the counts of one stay in the nearest cache.
func (c *Column) repeats() []uint64 {
	in, lots := c.lots()
	out := make([]uint64, len(c.some))
	width := max(6, bits.Len(uint(len(in)/8))) // 32 places to the values of a lot
	counts := make([]uint64, 1<<width/32)
	place := func(e hashedRow) (word *uint64, shift uint32) {
		at := e.hash << 8 >> (32 - width)
		return &counts[at/32], at % 32 * 2
	}
	for i, to := range lots[1:] {
		lot := in[lots[i]:to]
		clear(counts)
		for _, e := range lot {
			word, shift := place(e)
			*word |= (*word>>shift&1<<1 | 1) << shift // 0 becomes 1, 1 becomes 3, 3 stays
		}
		for _, e := range lot {
			word, shift := place(e)
			out[e.row>>6] |= *word >> (shift + 1) & 1 << (e.row & 63)
		}
	}
	return out
}

// lots are the values of a plain column by the first byte of their hash, and where
// each lot begins, and the end.
func (c *Column) lots() (in []hashedRow, begin [257]int32) {
	all := make([]hashedRow, 0, len(c.some)*64)
	for w, some := range c.some {
		for ; some != 0; some &= some - 1 {
			h := int32(w<<6 | bits.TrailingZeros64(some))
			hash, _ := c.Hash(h)
			all = append(all, hashedRow{uint32(hash >> 32), h})
			begin[hash>>56+1]++
		}
	}
	for i := range 256 {
		begin[i+1] += begin[i]
	}
	in, at := make([]hashedRow, len(all)), begin
	for _, e := range all {
		to := &at[e.hash>>24]
		in[*to] = e
		*to++
	}
	return in, begin
}

// Hash is a hash of the value of feature h, false for null: equal values of columns
// of one type have equal hashes in every segment of this process.
func (c *Column) Hash(h int32) (uint64, bool) {
	i, ok := c.entry(h)
	switch {
	case !ok:
		return 0, false
	case c.isText():
		return maphash.String(hashSeed, c.entryText(i)), true
	}
	return hashNumber(c.nums[i]), true
}

var hashSeed = maphash.MakeSeed() // decides only how often a value is looked up for nothing

// hashNumber mixes well in its upper bits (Fibonacci hashing, twice).
func hashNumber(n int64) uint64 {
	const golden = 0x9e3779b97f4a7c15
	x := uint64(n) * golden
	return (x ^ x>>32) * golden
}
