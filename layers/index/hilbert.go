package index

import "nagar/geo"

// hilbert is the place of a grid position on the Hilbert curve of order 32
// (J. Skilling, "Programming the Hilbert curve", 2004, in two dimensions).
func hilbert(px, py int32) uint64 {
	x, y := uint32(px)^1<<31, uint32(py)^1<<31
	var d uint64
	for s := uint(31); ; s-- {
		rx, ry := x>>s&1, y>>s&1
		d = d<<2 | uint64(3*rx^ry)
		if ry == 0 {
			if rx == 1 {
				x, y = ^x, ^y
			}
			x, y = y, x
		}
		if s == 0 {
			return d
		}
	}
}

// centreHilbert is the place of the centre of a box.
func centreHilbert(b geo.GridBox) uint64 {
	return hilbert(int32((int64(b.MinX)+int64(b.MaxX))>>1), int32((int64(b.MinY)+int64(b.MaxY))>>1))
}

// ranked is a row with what it is sorted by.
type ranked struct {
	rank uint64
	row  int32
}

// radixSort sorts by rank, stable, eleven bits at a time, skipping digits that
// are the same in all.
func radixSort(a []ranked) []ranked {
	const bits, size = 11, 1 << 11
	if len(a) < 64 {
		for i := 1; i < len(a); i++ {
			for j := i; j > 0 && a[j].rank < a[j-1].rank; j-- {
				a[j], a[j-1] = a[j-1], a[j]
			}
		}
		return a
	}
	b := make([]ranked, len(a))
	var count [size]int32
	for shift := uint(0); shift < 64; shift += bits {
		clear(count[:])
		for i := range a {
			count[a[i].rank>>shift&(size-1)]++
		}
		if int(count[a[0].rank>>shift&(size-1)]) == len(a) {
			continue
		}
		var sum int32
		for i, c := range count {
			count[i], sum = sum, sum+c
		}
		for i := range a {
			d := a[i].rank >> shift & (size - 1)
			b[count[d]] = a[i]
			count[d]++
		}
		a, b = b, a
	}
	return a
}
