package index

import "math/bits"

// hidden marks features of a segment as hidden by a later edit. It is immutable:
// with returns a changed copy that shares the untouched pages.
type hidden struct {
	pages []*page
	n     int
}

// page marks 4096 features.
type page [64]uint64

func (d *hidden) has(h int32) bool {
	if d == nil {
		return false
	}
	p := d.pages[h>>12]
	return p != nil && p[h>>6&63]>>(h&63)&1 != 0
}

func (d *hidden) count() int {
	if d == nil {
		return 0
	}
	return d.n
}

// with returns the marks with those of hs, which are sorted or not, of a segment of n features.
func (d *hidden) with(hs []int32, n int) *hidden {
	if len(hs) == 0 {
		return d
	}
	c := &hidden{pages: make([]*page, (n+4095)>>12)}
	if d != nil {
		copy(c.pages, d.pages)
		c.n = d.n
	}
	fresh := make(map[int32]bool, 1)
	for _, h := range hs {
		i := h >> 12
		if !fresh[i] {
			p := new(page)
			if c.pages[i] != nil {
				*p = *c.pages[i]
			}
			c.pages[i], fresh[i] = p, true
		}
		if w := &c.pages[i][h>>6&63]; *w>>(h&63)&1 == 0 {
			*w |= 1 << (h & 63)
			c.n++
		}
	}
	return c
}

// added calls fn for each mark of d that old lacks.
func (d *hidden) added(old *hidden, fn func(h int32)) {
	if d == nil || d == old {
		return
	}
	for i, p := range d.pages {
		if p == nil || old != nil && old.pages[i] == p {
			continue
		}
		for j, w := range p {
			if old != nil && old.pages[i] != nil {
				w &^= old.pages[i][j]
			}
			for ; w != 0; w &= w - 1 {
				fn(int32(i<<12 | j<<6 | bits.TrailingZeros64(w)))
			}
		}
	}
}
