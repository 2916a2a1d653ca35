package deflate

import "math/bits"

const (
	numLitLen = 286 // literals, end of block, lengths (RFC 1951, 3.2.5)
	numDist   = 30
	endBlock  = 256

	// maxLitLen is the longest code of a literal or length. The format allows 15
	// bits; with 14, four literals and what is left of a byte fit into 64 bits.
	maxLitLen = 14
	maxDist   = 15
)

// code is a Huffman code word: its length in the lowest eight bits, above them its
// bits in the order of the stream.
type code uint32

func newCode(bits uint64, n uint) code { return code(bits<<8) | code(n) }

func (c code) bits() uint64 { return uint64(c >> 8) }
func (c code) len() uint    { return uint(c & 0xff) }

// The codes that a block may use without telling them (RFC 1951, 3.2.6).
var fixedLitLen, fixedDist = fixedCodesOf()

func fixedCodesOf() (lit [numLitLen]code, dist [numDist]code) {
	reversed := func(word, n int) code {
		return newCode(uint64(bits.Reverse16(uint16(word))>>(16-n)), uint(n))
	}
	for s := range lit {
		switch {
		case s < 144:
			lit[s] = reversed(0b00110000+s, 8)
		case s < 256:
			lit[s] = reversed(0b110010000+s-144, 9)
		case s < 280:
			lit[s] = reversed(s-256, 7)
		default:
			lit[s] = reversed(0b11000000+s-280, 8)
		}
	}
	for s := range dist {
		dist[s] = reversed(s, 5)
	}
	return lit, dist
}

// huffman makes length-limited codes in memory of its own.
type huffman struct {
	keys, spare [numLitLen]uint32 // frequency << 16 | symbol
	node        [numLitLen]uint32
}

// build writes to out the canonical code of symbols with these frequencies, none
// longer than limit bits. A symbol that does not occur gets no code; at least two
// get one, since decoders differ in what they make of less.
func (h *huffman) build(out []code, freq []uint32, limit int) {
	h.atLeastTwo(freq)
	n := h.collect(freq)
	keys := h.sort(n)
	var count [32]int // code words by length
	h.depths(keys, &count)
	limitLengths(&count, limit)
	clear(out)
	var next [17]uint32
	word := uint32(0)
	for l := 1; l <= limit; l++ {
		word <<= 1
		next[l] = word
		word += uint32(count[l])
	}
	// The rarest symbols have the longest codes; within a length, words go by symbol.
	i := 0
	for l := limit; l > 0; l-- {
		for range count[l] {
			out[keys[i]&0xffff] = newCode(0, uint(l))
			i++
		}
	}
	for s, c := range out {
		if l := c.len(); l > 0 {
			out[s] = newCode(uint64(bits.Reverse16(uint16(next[l]))>>(16-l)), l)
			next[l]++
		}
	}
}

// atLeastTwo counts symbols that do not occur as if they did, up to two.
func (h *huffman) atLeastTwo(freq []uint32) {
	used := 0
	for _, f := range freq {
		if f > 0 {
			if used++; used == 2 {
				return
			}
		}
	}
	for s := 0; used < 2; s++ {
		if freq[s] == 0 {
			freq[s] = 1
			used++
		}
	}
}

// collect puts the symbols that occur into h.keys, frequencies scaled to 16 bits.
func (h *huffman) collect(freq []uint32) int {
	most := uint32(0)
	for _, f := range freq {
		most = max(most, f)
	}
	down := max(bits.Len32(most)-16, 0)
	n := 0
	for s, f := range freq {
		if f > 0 {
			h.keys[n] = max(f>>down, 1)<<16 | uint32(s)
			n++
		}
	}
	return n
}

// sort orders the first n keys by frequency, then symbol: two passes of radix sort.
func (h *huffman) sort(n int) []uint32 {
	from, to := h.keys[:n], h.spare[:n]
	for shift := 16; shift < 32; shift += 8 {
		var at [256]uint32
		for _, k := range from {
			at[k>>shift&0xff]++
		}
		sum := uint32(0)
		for i, c := range at {
			at[i] = sum
			sum += c
		}
		for _, k := range from {
			b := k >> shift & 0xff
			to[at[b]] = k
			at[b]++
		}
		from, to = to, from
	}
	return from
}

// depths counts the code words of each length of an unlimited Huffman code over
// sorted keys, lengths beyond 31 as 31. The algorithm is that of Moffat and
// Katajainen, In-place calculation of minimum-redundancy codes (1995).
func (h *huffman) depths(keys []uint32, count *[32]int) {
	n := len(keys)
	a := h.node[:n]
	for i, k := range keys {
		a[i] = k >> 16
	}
	a[0] += a[1]
	root, leaf := 0, 2
	for next := 1; next < n-1; next++ {
		if leaf >= n || a[root] < a[leaf] {
			a[next] = a[root]
			a[root] = uint32(next)
			root++
		} else {
			a[next] = a[leaf]
			leaf++
		}
		if leaf >= n || root < next && a[root] < a[leaf] {
			a[next] += a[root]
			a[root] = uint32(next)
			root++
		} else {
			a[next] += a[leaf]
			leaf++
		}
	}
	a[n-2] = 0
	for next := n - 3; next >= 0; next-- {
		a[next] = a[a[next]] + 1
	}
	open, used, depth := 1, 0, 0
	for root = n - 2; open > 0; depth++ {
		for root >= 0 && a[root] == uint32(depth) {
			used++
			root--
		}
		count[min(depth, 31)] += open - used
		open, used = 2*used, 0
	}
}

// limitLengths shortens code words beyond the limit, and lengthens the longest
// ones below it until the code is one that can be decoded (its Kraft sum is 1).
func limitLengths(count *[32]int, limit int) {
	for l := limit + 1; l < len(count); l++ {
		count[limit] += count[l]
		count[l] = 0
	}
	sum := 0
	for l := 1; l <= limit; l++ {
		sum += count[l] << (limit - l)
	}
	for ; sum > 1<<limit; sum-- {
		l := limit - 1
		for count[l] == 0 {
			l--
		}
		count[limit]--
		count[l]--
		count[l+1] += 2
	}
}
