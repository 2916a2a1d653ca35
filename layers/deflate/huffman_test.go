package deflate

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// cheapest is the cost in bits of a Huffman code without a limit, by merging the
// two smallest weights again and again.
func cheapest(freq []uint32) int {
	var left []int
	for _, f := range freq {
		if f > 0 {
			left = append(left, int(f))
		}
	}
	cost := 0
	for len(left) > 1 {
		slices.Sort(left)
		sum := left[0] + left[1]
		cost += sum
		left = append(left[2:], sum)
	}
	return cost
}

func TestHuffman(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	var h huffman
	for range 300 {
		freq := make([]uint32, 2+r.IntN(numLitLen-1))
		for i := range freq {
			if r.IntN(3) > 0 {
				freq[i] = 1 + uint32(r.ExpFloat64()*50)
			}
		}
		out := make([]code, len(freq))
		h.build(out, freq, 15)
		cost, kraft := 0, 0
		for s, c := range out {
			if (c.len() == 0) != (freq[s] == 0) {
				t.Fatalf("frequency %d has a code of %d bits", freq[s], c.len())
			}
			if c.len() > 0 {
				cost += int(c.len() * uint(freq[s]))
				kraft += 1 << (15 - c.len())
			}
		}
		if kraft != 1<<15 {
			t.Fatalf("Kraft sum %d of %d", kraft, 1<<15)
		}
		if want := cheapest(freq); cost != want {
			t.Fatalf("code of %d bits, the best has %d", cost, want)
		}
		prefixFree(t, out)
	}
}

// No word begins with another one. The stream has words from the lowest bit on.
func prefixFree(t *testing.T, codes []code) {
	t.Helper()
	for i, a := range codes {
		for _, b := range codes[i+1:] {
			if n := min(a.len(), b.len()); n > 0 && a.bits()&(1<<n-1) == b.bits()&(1<<n-1) {
				t.Fatalf("%b of %d bits and %b of %d", a.bits(), a.len(), b.bits(), b.len())
			}
		}
	}
}

// Fibonacci's numbers make the longest codes there are.
func TestHuffmanLimit(t *testing.T) {
	var h huffman
	for _, limit := range []int{7, 14, 15} {
		n := min(1<<limit-1, 19)
		freq := make([]uint32, n)
		a, b := uint32(1), uint32(1)
		for i := range freq {
			freq[i] = a
			a, b = b, a+b
		}
		out := make([]code, n)
		h.build(out, freq, limit)
		kraft := 0
		for _, c := range out {
			if c.len() < 1 || c.len() > uint(limit) {
				t.Fatalf("limit %d: a code of %d bits", limit, c.len())
			}
			kraft += 1 << (uint(limit) - c.len())
		}
		if kraft != 1<<limit {
			t.Fatalf("limit %d: Kraft sum %d of %d", limit, kraft, 1<<limit)
		}
		prefixFree(t, out)
	}
}

// Decoders differ in what they make of a code of one symbol: there are always two.
func TestHuffmanOfOne(t *testing.T) {
	var h huffman
	for _, freq := range [][]uint32{{0, 0, 0}, {0, 9, 0}, {9, 0, 0}} {
		out := make([]code, 3)
		h.build(out, freq, 15)
		n := 0
		for _, c := range out {
			n += int(c.len())
		}
		if n != 2 {
			t.Errorf("%v: %d bits in all, want two codes of one bit", freq, n)
		}
	}
}
