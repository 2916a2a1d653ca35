package layers

import (
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
)

// position is a corner of a feature, in tile units of the world at some zoom.
type position struct {
	id   uint64
	x, y int64
}

// corners are the positions of a tile's features within so many tile units of the
// border between two tiles, which is at x = border in the world.
func corners(t *testing.T, l *mvt.Layer, at geo.Tile, border, within int64) map[position]bool {
	t.Helper()
	out := map[position]bool{}
	if l == nil {
		return out
	}
	for i := range l.Features {
		f := &l.Features[i]
		coords, _, err := f.Lines()
		if err != nil {
			t.Fatal(err)
		}
		for j := 0; j+1 < len(coords); j += 2 {
			p := position{f.ID, int64(at.X)*extent + int64(coords[j]), int64(at.Y)*extent + int64(coords[j+1])}
			// Where the upper and lower edges of the buffer cut, both tiles cut alike, but a
			// corner that is left over of a cut may be needed in one of them only.
			if y := coords[j+1]; y <= 1-buffer || y >= extent+buffer-1 {
				continue
			}
			if p.x > border-within && p.x < border+within {
				out[p] = true
			}
		}
	}
	return out
}

// TestNeighboursMeet: where two tiles overlap, they have the same corners of the
// same features, so that nothing is torn or doubled at the border between them.
func TestNeighboursMeet(t *testing.T) {
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	src.define(c)
	src.write("buildings", manyShapes(r))
	e := start(t, src, Options{})
	compared := 0
	for range 150 {
		left := geo.TileAt(72.85+r.NormFloat64()*0.01, 19.05+r.NormFloat64()*0.01, uint32(9+r.IntN(10)))
		right := geo.Tile{Z: left.Z, X: left.X + 1, Y: left.Y}
		for _, all := range []bool{true, false} {
			_, a := getTile(t, e, left, all)
			_, b := getTile(t, e, right, all)
			// A small polygon, up to a group wide, is drawn alone where its centre is within the buffer.
			border, within := int64(right.X)*extent, int64(groupCell/2-2)
			if all {
				within = buffer - 4
			}
			x, y := corners(t, a.Layer("buildings"), left, border, within), corners(t, b.Layer("buildings"), right, border, within)
			for p := range x {
				if !y[p] {
					t.Errorf("%s all=%v: %+v (%d from the border) is not in its neighbour", left, all, p, p.x-border)
				}
			}
			for p := range y {
				if !x[p] {
					t.Errorf("%s all=%v: %+v (%d from the border) is not in its neighbour", right, all, p, p.x-border)
				}
			}
			compared += len(x)
		}
	}
	if compared < 2000 {
		t.Errorf("only %d corners compared", compared)
	}
}
