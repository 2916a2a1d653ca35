package deflate

// header is how a block tells its codes: their lengths, in order, run-length coded
// and Huffman coded in turn (RFC 1951, 3.2.7).
type header struct {
	lens     [numLitLen + numDist]uint8
	litLens  int // how many of them are given
	dists    int
	symbols  []headerSymbol
	freq     [19]uint32
	code     [19]code
	preCodes int
	size     int // in bits
}

type headerSymbol struct{ sym, extra uint8 }

// preOrder is the order in which the lengths of the header's own code are given.
var preOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func preExtra(sym uint8) uint {
	switch sym {
	case 16:
		return 2
	case 17:
		return 3
	case 18:
		return 7
	}
	return 0
}

// make works out the header of two codes.
func (h *header) make(huff *huffman, litLen, dist []code) {
	h.litLens, h.dists = lastUsed(litLen, 257), lastUsed(dist, 1)
	lens := h.lens[:0]
	for _, c := range litLen[:h.litLens] {
		lens = append(lens, uint8(c.len()))
	}
	for _, c := range dist[:h.dists] {
		lens = append(lens, uint8(c.len()))
	}
	h.pack(lens)
	huff.build(h.code[:], h.freq[:], 7)
	h.preCodes = len(preOrder)
	for h.preCodes > 4 && h.code[preOrder[h.preCodes-1]] == 0 {
		h.preCodes--
	}
	h.size = 5 + 5 + 4 + 3*h.preCodes
	for _, s := range h.symbols {
		h.size += int(h.code[s.sym].len() + preExtra(s.sym))
	}
}

func lastUsed(c []code, least int) int {
	n := len(c)
	for n > least && c[n-1] == 0 {
		n--
	}
	return n
}

// pack run-length codes the lengths.
func (h *header) pack(lens []uint8) {
	h.symbols = h.symbols[:0]
	clear(h.freq[:])
	put := func(sym uint8, extra int) {
		h.symbols = append(h.symbols, headerSymbol{sym, uint8(extra)})
		h.freq[sym]++
	}
	for len(lens) > 0 {
		l, n := lens[0], 1
		for n < len(lens) && lens[n] == l {
			n++
		}
		lens = lens[n:]
		if l != 0 {
			put(l, 0)
			n--
		}
		for n >= 3 {
			switch {
			case l != 0:
				k := min(n, 6)
				put(16, k-3)
				n -= k
			case n > 10:
				k := min(n, 138)
				put(18, k-11)
				n -= k
			default:
				put(17, n-3)
				n = 0
			}
		}
		for ; n > 0; n-- {
			put(l, 0)
		}
	}
}

func (h *header) write(w *bitWriter) {
	w.add(uint64(h.litLens-257)|uint64(h.dists-1)<<5|uint64(h.preCodes-4)<<10, 14)
	for _, s := range preOrder[:h.preCodes] {
		w.add(uint64(h.code[s].len()), 3)
	}
	for _, s := range h.symbols {
		c := h.code[s.sym]
		w.add(c.bits()|uint64(s.extra)<<c.len(), c.len()+preExtra(s.sym))
	}
}
