//go:build cgo

package geo

import (
	"testing"

	"github.com/twpayne/go-geos"
)

// TestValidateAgreesWithGEOS compares with GEOS on small random polygons over a
// coarse grid, where every touch, overlap and spike is common. (simplefeatures is
// no oracle here: it takes a hole that touches its outer ring from outside.)
func TestValidateAgreesWithGEOS(t *testing.T) {
	r := validSeed(t)
	ctx := geos.NewContext()
	valid := 0
	for n := range 200_000 {
		g := Geometry{Type: MultiPolygon}
		grid := 3 + r.IntN(8)
		for range 1 + r.IntN(3) {
			for ring := range 1 + r.IntN(3) {
				corners, size := 3+r.IntN(3), grid
				if n%7 == 0 {
					corners += r.IntN(6)
				}
				ox, oy := 0, 0
				if ring > 0 || n%2 == 0 {
					size = 2 + r.IntN(3)
					ox, oy = r.IntN(grid), r.IntN(grid)
				}
				from := len(g.Coords)
				if n%3 == 0 && ring == 0 { // a rectangle, so that many are valid
					w, h := float64(2+r.IntN(grid)), float64(2+r.IntN(grid))
					x, y := float64(ox), float64(oy)
					g.Coords = append(g.Coords, x, y, x+w, y, x+w, y+h, x, y+h)
				} else {
					for range corners {
						g.Coords = append(g.Coords, float64(ox+r.IntN(size+1)), float64(oy+r.IntN(size+1)))
					}
				}
				g.Coords = append(g.Coords, g.Coords[from], g.Coords[from+1])
				g.Ends = append(g.Ends, int32(g.NumPositions()))
			}
			g.Polys = append(g.Polys, int32(len(g.Ends)))
		}
		if n%2 == 1 && len(g.Polys) == 1 {
			g.Type, g.Polys = Polygon, nil
		}
		err := Validate(&g)
		wkb := AppendWKB(nil, &g, ISO)
		og, oerr := ctx.NewGeomFromWKB(wkb)
		want := oerr == nil && og.IsValid()
		if (err == nil) != want {
			reason := ""
			if og != nil {
				reason = og.IsValidReason() + " " + og.ToWKT()
			}
			t.Fatalf("we say %v, GEOS %v: %s", err, want, reason)
		}
		if want {
			valid++
		}
	}
	t.Logf("%d of 200,000 valid", valid)
}
