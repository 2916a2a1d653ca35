package geo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxTileZoom is the deepest zoom that tiles are made for.
const MaxTileZoom = 22

// TileExtent is the width of a tile in tile units (MVT 2.1 section 4.1, "extent").
const TileExtent = 4096

// Tile is one tile of the web mercator pyramid (XYZ scheme): zoom, column from
// the west, row from the north.
type Tile struct{ Z, X, Y uint32 }

// Valid reports whether the tile exists and is not deeper than MaxTileZoom.
func (t Tile) Valid() bool {
	return t.Z <= MaxTileZoom && t.X < 1<<t.Z && t.Y < 1<<t.Z
}

// String is z/x/y.
func (t Tile) String() string {
	b := strconv.AppendUint(make([]byte, 0, 24), uint64(t.Z), 10)
	b = strconv.AppendUint(append(b, '/'), uint64(t.X), 10)
	return string(strconv.AppendUint(append(b, '/'), uint64(t.Y), 10))
}

// ParseTile reads z/x/y in decimal; a tile that is not Valid is an error.
func ParseTile(s string) (Tile, error) {
	p := strings.Split(s, "/")
	if len(p) != 3 {
		return Tile{}, fmt.Errorf("tile %q: want z/x/y", s)
	}
	var v [3]uint32
	for i, q := range p {
		n, err := strconv.ParseUint(q, 10, 32)
		if err != nil {
			return Tile{}, fmt.Errorf("tile %q: want three numbers z/x/y", s)
		}
		v[i] = uint32(n)
	}
	t := Tile{v[0], v[1], v[2]}
	if !t.Valid() {
		return Tile{}, fmt.Errorf("tile %s does not exist (zoom 0 to %d, x and y below 2^zoom)", t, MaxTileZoom)
	}
	return t, nil
}

// TileAt returns the tile of zoom z that contains lon, lat in degrees.
func TileAt(lon, lat float64, z uint32) Tile {
	x, y := Project(lon, lat)
	return GridTile(x, y, z)
}

// GridTile returns the tile of zoom z that contains the grid position.
func GridTile(x, y int32, z uint32) Tile {
	s := 32 - z
	return Tile{z, uint32((int64(x) + mercHalf) >> s), uint32((int64(y) + mercHalf) >> s)}
}

// Parent returns the tile of zoom z ≤ t.Z that contains t.
func (t Tile) Parent(z uint32) Tile {
	s := t.Z - z
	return Tile{z, t.X >> s, t.Y >> s}
}

// Children returns the four tiles one zoom deeper.
func (t Tile) Children() [4]Tile {
	z, x, y := t.Z+1, t.X*2, t.Y*2
	return [4]Tile{{z, x, y}, {z, x + 1, y}, {z, x, y + 1}, {z, x + 1, y + 1}}
}

// Origin returns the tile's north-west corner on the grid.
func (t Tile) Origin() (x, y int64) {
	s := 32 - t.Z
	return int64(t.X)<<s - mercHalf, int64(t.Y)<<s - mercHalf
}

// UnitsPerTileUnit is the size of one tile unit (1/4096 of the tile) in grid
// units; below 1 for zooms over 20.
func (t Tile) UnitsPerTileUnit() float64 { return math.Exp2(20 - float64(t.Z)) }

// GridBox returns the tile's rectangle on the grid, grown by buffer tile units on
// every side. The far borders belong to the next tile and are included.
func (t Tile) GridBox(buffer int) GridBox {
	x, y := t.Origin()
	w := int64(1) << (32 - t.Z)
	d := int64(math.Ceil(float64(buffer) * t.UnitsPerTileUnit()))
	return GridBox{satInt32(x - d), satInt32(y - d), satInt32(x + w + d), satInt32(y + w + d)}
}

// Box returns the tile's rectangle in degrees.
func (t Tile) Box() Box {
	x, y := t.Origin()
	w := int64(1) << (32 - t.Z)
	return Box{
		W: float64(x) / mercUnitsPerDegree, E: float64(x+w) / mercUnitsPerDegree,
		N: LatitudeOf(float64(y)), S: LatitudeOf(float64(y + w)),
	}
}

// TileRange is a rectangle of tiles of one zoom, borders included.
type TileRange struct{ Z, MinX, MinY, MaxX, MaxY uint32 }

// TilesOf returns the tiles of zoom z whose rectangle, grown by buffer tile
// units, meets b.
func TilesOf(b GridBox, z uint32, buffer int) TileRange {
	g := b.Grow(int64(math.Ceil(float64(buffer) * math.Exp2(20-float64(z)))))
	a, c := GridTile(g.MinX, g.MinY, z), GridTile(g.MaxX, g.MaxY, z)
	r := TileRange{z, a.X, a.Y, c.X, c.Y}
	// A box that ends on a tile's near border touches the tile before, too.
	if onBorder(g.MinX, z) && r.MinX > 0 {
		r.MinX--
	}
	if onBorder(g.MinY, z) && r.MinY > 0 {
		r.MinY--
	}
	return r
}

func onBorder(v int32, z uint32) bool { return (int64(v)+mercHalf)&(1<<(32-z)-1) == 0 }

// Count is the number of tiles.
func (r TileRange) Count() uint64 {
	return uint64(r.MaxX-r.MinX+1) * uint64(r.MaxY-r.MinY+1)
}

// Contains reports whether the tile is in the range.
func (r TileRange) Contains(t Tile) bool {
	return t.Z == r.Z && r.MinX <= t.X && t.X <= r.MaxX && r.MinY <= t.Y && t.Y <= r.MaxY
}

// Each calls fn for every tile of the range, row by row, until it returns false.
func (r TileRange) Each(fn func(Tile) bool) {
	for y := r.MinY; y <= r.MaxY; y++ {
		for x := r.MinX; x <= r.MaxX; x++ {
			if !fn(Tile{r.Z, x, y}) {
				return
			}
		}
	}
}
