package layers

import (
	"nagar/geo"
)

// ringRef is a ring in d.pieces: positions from to to, not floats.
type ringRef struct {
	from, to int32
	area     int64 // geo.RingArea2
}

// polygon adds one polygon, rings from to to of d.shape, to the open feature:
// rounded, clipped, its rings clean and in order.
func (d *renderer) polygon(from, to int, whole bool, snap int32) {
	sh := &d.shape
	if whole && to-from == 1 { // most footprints
		d.transform(sh.Ring(from), snap)
		if d.w.CleanRing(d.points) {
			return
		}
		if r := geo.CleanRing(d.points); r != nil && geo.RingArea2(r) > 0 {
			d.w.Ring(r)
		}
		return
	}
	if !whole && snap == 1 {
		d.clippedOnGrid(from, to)
		return
	}
	// All rings of the polygon in tile units, in d.pieces and d.pends.
	d.pieces, d.pends = d.pieces[:0], d.pends[:0]
	for i := from; i < to; i++ {
		d.transform(sh.Ring(i), snap)
		d.pieces = append(d.pieces, d.points...)
		d.pends = append(d.pends, int32(len(d.pieces)/2))
	}
	coords, ends := d.pieces, d.pends
	if !whole {
		coords, ends = d.clip.Polygon(coords, ends, clipTile)
	}
	d.emit(coords, ends)
}

// clippedOnGrid clips first and rounds after: cuts are as fine as the grid, and far
// parts, which may not fit into 32 bits in tile units, are gone. Rounded shapes
// (snap > 1) are clipped after rounding instead, so that an edge is the same in
// the tiles on both sides of a border.
func (d *renderer) clippedOnGrid(from, to int) {
	sh := &d.shape
	d.pieces, d.pends = d.pieces[:0], d.pends[:0]
	for i := from; i < to; i++ {
		d.pieces = append(d.pieces, sh.Ring(i)...)
		d.pends = append(d.pends, int32(len(d.pieces)/2))
	}
	coords, ends := d.clip.Polygon(d.pieces, d.pends, d.clipGrid)
	d.transform(coords, 1)
	d.emit(d.points, ends)
}

// emit cleans the rings of what was one polygon and writes them, each outer ring
// followed by its holes.
func (d *renderer) emit(coords, ends []int32) {
	d.rings = d.rings[:0]
	outers := 0
	var at int32
	for _, e := range ends {
		ring := geo.CleanRing(coords[at*2 : e*2])
		from := at
		at = e
		if ring == nil {
			continue
		}
		a := geo.RingArea2(ring)
		if a == 0 {
			continue
		}
		if a > 0 {
			outers++
		}
		// CleanRing works in place, but may have moved the start.
		copy(coords[from*2:], ring)
		d.rings = append(d.rings, ringRef{from, from + int32(len(ring)/2), a})
	}
	for i, o := range d.rings {
		if o.area < 0 {
			continue
		}
		outer := coords[o.from*2 : o.to*2]
		d.w.Ring(outer)
		for j, h := range d.rings {
			if h.area > 0 || j == i {
				continue
			}
			if hole := coords[h.from*2 : h.to*2]; outers == 1 || inRing(hole, outer) {
				d.w.Ring(hole)
			}
		}
	}
}

// inRing reports whether a hole lies in an outer ring, neither crossing the other.
func inRing(hole, outer []int32) bool {
	for i := 0; i+1 < len(hole); i += 2 {
		if s := geo.RingSide(hole[i], hole[i+1], outer); s != geo.OnBorder {
			return s == geo.Inside
		}
	}
	return true
}
