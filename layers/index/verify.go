package index

import (
	"fmt"

	"nagar/geo"
)

// verify reports the first thing that would let a later use read beyond the arrays.
func (s *Segment) verify() error {
	n := len(s.keys)
	switch {
	case len(s.kinds) != n || len(s.byKey) != n:
		return fmt.Errorf("%w: %d keys, %d kinds, %d in order", ErrStored, n, len(s.kinds), len(s.byKey))
	case !offsets(s.start, n, len(s.coords)):
		return fmt.Errorf("%w: geometries do not fit their words", ErrStored)
	case !offsets(s.idAt, n, len(s.ids)):
		return fmt.Errorf("%w: ids do not fit their bytes", ErrStored)
	}
	for i, h := range s.byKey {
		if h < 0 || int(h) >= n || i > 0 && s.keys[s.byKey[i-1]] > s.keys[h] {
			return fmt.Errorf("%w: handles are not in order of key", ErrStored)
		}
	}
	for h := range n {
		if !shapeFits(s.kinds[h], s.coords[s.start[h]:s.start[h+1]], h < s.boxed) {
			return fmt.Errorf("%w: geometry %d", ErrStored, h)
		}
	}
	for i := range s.cols {
		c := &s.cols[i]
		if !c.fits(n) || len(s.Repeats().Of(i)) != len(c.some) {
			return fmt.Errorf("%w: column %d", ErrStored, i)
		}
	}
	return nil
}

// offsets reports whether off are n+1 ascending offsets from 0 to size. No
// features may have none at all.
func offsets(off []uint32, n, size int) bool {
	if n == 0 && len(off) == 0 {
		return size == 0
	}
	if len(off) != n+1 || off[0] != 0 || int(off[n]) != size {
		return false
	}
	for i := 1; i < len(off); i++ {
		if off[i] < off[i-1] {
			return false
		}
	}
	return true
}

// shapeFits reports whether words are a geometry of that kind.
func shapeFits(kind uint8, words []int32, boxed bool) bool {
	t := geo.Type(kind & kindType)
	switch {
	case !boxed:
		return len(words) == 0
	case kind&kindHeader == 0:
		switch t {
		case geo.Point, geo.LineString, geo.Polygon, geo.MultiPoint:
			return kind == uint8(t) && len(words) >= 2 && len(words)%2 == 0
		}
		return false
	case kind != kindHeader|uint8(t) || len(words) == 0:
		return false
	}
	for members := 0; len(words) > 0; members++ {
		if members > 0 && t != geo.GeometryCollection || len(words) < headerWords {
			return false
		}
		m, n, e, p := geo.Type(words[0]), int(words[1]), int(words[2]), int(words[3])
		if m == geo.None || m > geo.GeometryCollection || n <= 0 || e < 0 || p < 0 || m == geo.GeometryCollection || t != geo.GeometryCollection && m != t {
			return false
		}
		words = words[headerWords:]
		if len(words) < e+p+2*n || !ends(words[:e], n) || !ends(words[e:e+p], e) {
			return false
		}
		lined := m == geo.LineString || m == geo.Polygon || m == geo.MultiLineString || m == geo.MultiPolygon
		if lined != (e > 0) || (m == geo.MultiPolygon) != (p > 0) {
			return false
		}
		words = words[e+p+2*n:]
	}
	return true
}

// ends reports whether the numbers ascend and the last is n; there may be none.
func ends(w []int32, n int) bool {
	last := int32(0)
	for _, v := range w {
		if v < last {
			return false
		}
		last = v
	}
	return len(w) == 0 || int(last) == n
}

// fits reports whether the column is one of n features.
func (c *Column) fits(n int) bool {
	size := len(c.nums)
	if c.isText() {
		size = max(len(c.off)-1, 0)
		if len(c.nums) != 0 || !offsets(c.off, size, len(c.text)) {
			return false
		}
	} else if len(c.off) != 0 || len(c.text) != 0 || !c.Type.Valid() {
		return false
	}
	if c.plain {
		return size == n && len(c.some) == (n+63)/64 && c.w8 == nil && c.w16 == nil && c.w32 == nil
	}
	switch {
	case len(c.some) != 0:
		return false
	case c.w8 != nil:
		return codesFit(c.w8, n, size)
	case c.w16 != nil:
		return codesFit(c.w16, n, size)
	case c.w32 != nil:
		return codesFit(c.w32, n, size)
	}
	return size == 0
}

// codesFit reports whether there are n codes, none above size.
func codesFit[T uint8 | uint16 | uint32](codes []T, n, size int) bool {
	var top T
	for _, c := range codes {
		top = max(top, c)
	}
	return len(codes) == n && int(top) <= size
}
