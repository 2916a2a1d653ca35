package archive

import (
	"math/bits"

	"nagar/geo"
)

// maxZoom is the deepest zoom whose ids fit in 64 bits.
const maxZoom = 31

// firstOf is the id of the first tile of a zoom: (4^z − 1) / 3.
func firstOf(z uint32) uint64 { return (1<<(2*z) - 1) / 3 }

// idOf numbers the tiles of all zooms: zoom by zoom, and within one along the
// Hilbert curve (spec section 4.1, "TileID"). The four children of the tile at
// place d of its zoom are at places 4d to 4d+3 of theirs.
func idOf(t geo.Tile) uint64 {
	x, y, d := t.X, t.Y, uint64(0)
	for s := t.Z; s > 0; s-- {
		rx, ry := x>>(s-1)&1, y>>(s-1)&1
		d = d<<2 | uint64(3*rx^ry)
		x, y = turn(rx, ry, x, y)
	}
	return firstOf(t.Z) + d
}

// tileOf is the tile of an id that is below firstOf(maxZoom + 1).
func tileOf(id uint64) geo.Tile {
	z := uint32(bits.Len64(3*id+1)-1) / 2
	d := id - firstOf(z)
	var x, y uint32
	for s := range z {
		rx := uint32(d>>1) & 1
		ry := uint32(d)&1 ^ rx
		x, y = turn(rx, ry, x, y)
		x, y = x&(1<<s-1)|rx<<s, y&(1<<s-1)|ry<<s
		d >>= 2
	}
	return geo.Tile{Z: z, X: x, Y: y}
}

// turn lays the curve within a quadrant as it runs there. Bits above those that
// still count may come out turned over; nobody reads them.
func turn(rx, ry, x, y uint32) (uint32, uint32) {
	if ry != 0 {
		return x, y
	}
	if rx != 0 {
		return ^y, ^x
	}
	return y, x
}
