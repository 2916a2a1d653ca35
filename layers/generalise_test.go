package layers

import (
	"context"
	"fmt"
	"math"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
)

// partition is a collection of wobbly wards that share their borders: the cells
// of a grid of moved corners, with extra positions along the edges.
func partition(t testing.TB, n int) []catalog.Feature {
	r := random(t)
	const w, s, size = 72.80, 18.95, 0.02
	at := func(x, y float64) [2]float64 { return [2]float64{round7(w + x*size), round7(s + y*size)} }
	corner := make([][][2]float64, n+1)
	for x := range corner {
		corner[x] = make([][2]float64, n+1)
		for y := range corner[x] {
			corner[x][y] = at(float64(x)+r.Float64()*0.4, float64(y)+r.Float64()*0.4)
		}
	}
	type edge struct{ x, y, dir int }
	edges := map[edge][][2]float64{}
	wobble := func(a, b [2]float64) [][2]float64 {
		pts := [][2]float64{a}
		for i := 1; i < 30; i++ {
			f := float64(i) / 30
			pts = append(pts, [2]float64{round7(a[0] + (b[0]-a[0])*f + r.NormFloat64()*size/60), round7(a[1] + (b[1]-a[1])*f + r.NormFloat64()*size/60)})
		}
		return append(pts, b)
	}
	for x := range n + 1 {
		for y := range n + 1 {
			if x < n {
				edges[edge{x, y, 0}] = wobble(corner[x][y], corner[x+1][y])
			}
			if y < n {
				edges[edge{x, y, 1}] = wobble(corner[x][y], corner[x][y+1])
			}
		}
	}
	var out []catalog.Feature
	for x := range n {
		for y := range n {
			var ring []float64
			add := func(pts [][2]float64, back bool) {
				for i := range pts[:len(pts)-1] {
					p := pts[i]
					if back {
						p = pts[len(pts)-1-i]
					}
					ring = append(ring, p[0], p[1])
				}
			}
			add(edges[edge{x, y, 0}], false)
			add(edges[edge{x + 1, y, 1}], false)
			add(edges[edge{x, y + 1, 0}], true)
			add(edges[edge{x, y, 1}], true)
			ring = append(ring, ring[0], ring[1])
			out = append(out, catalog.Feature{ID: fmt.Sprintf("w%d-%d", x, y), Geometry: geo.NewPolygon(ring)})
		}
	}
	return out
}

func TestSharedBordersStayShared(t *testing.T) {
	src := newMemSource()
	src.define(catalog.Collection{Name: "buildings", Geometry: catalog.GeometryPolygon})
	wards := partition(t, 6)
	src.write("buildings", wards)
	e := start(t, src, Options{})
	for z := uint32(9); z <= 13; z++ {
		at := geo.TileAt(72.87, 19.02, z)
		_, m := getTile(t, e, at, false)
		// Every position well inside the partition is in one ward, or on borders.
		l := m.Layer("buildings")
		type poly struct{ coords, ends []int32 }
		var ps []poly
		for i := range l.Features {
			c, ends, err := l.Features[i].Lines()
			if err != nil {
				t.Fatal(err)
			}
			ps = append(ps, poly{c, ends})
		}
		r := random(t)
		inner := geo.ProjectBox(geo.Box{W: 72.815, S: 18.965, E: 72.915, N: 19.065})
		ox, oy := at.Origin()
		u := int64(at.UnitsPerTileUnit())
		gaps := 0
		for range 3000 {
			x, y := r.Int32N(4096), r.Int32N(4096)
			gx, gy := ox+int64(x)*u, oy+int64(y)*u
			if gx < int64(inner.MinX) || gx > int64(inner.MaxX) || gy < int64(inner.MinY) || gy > int64(inner.MaxY) {
				continue
			}
			in := 0
			border := false
			for _, p := range ps {
				odd := false
				var from int32
				for _, e := range p.ends {
					switch geo.RingSide(x, y, p.coords[from*2:e*2]) {
					case geo.OnBorder:
						border = true
					case geo.Inside:
						odd = !odd
					}
					from = e
				}
				if odd {
					in++
				}
			}
			if in != 1 && !border {
				gaps++
			}
		}
		// Rounding may fold a wobble over itself: a few positions, not strips along borders.
		if gaps > 6 {
			t.Errorf("z%d: %d of 3000 positions lie in no ward or in two", z, gaps)
		}
	}
}

func TestBuiltUpAreaHolds(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	var feats []catalog.Feature
	want := 0.0
	for i := range 60_000 {
		f := building(r, i)
		f.Geometry = footprint(r, 72.80+r.Float64()*0.06, 18.95+r.Float64()*0.06, 3+r.ExpFloat64()*4)
		want += geo.Area(&f.Geometry)
		feats = append(feats, f)
	}
	src.write("buildings", feats)
	e := start(t, src, Options{})
	box := geo.ProjectBox(geo.Box{W: 72.79, S: 18.94, E: 72.87, N: 19.02})
	for z := uint32(10); z <= 13; z++ {
		got := 0.0
		geo.TilesOf(box, z, 0).Each(func(at geo.Tile) bool {
			tl, m := getTile(t, e, at, false)
			l := m.Layer("buildings")
			if l == nil {
				return true
			}
			var c geo.Clipper
			for i := range l.Features {
				coords, ends, err := l.Features[i].Lines()
				if err != nil {
					t.Fatal(err)
				}
				coords, ends = c.Polygon(coords, ends, geo.GridBox{MinX: 0, MinY: 0, MaxX: 4096, MaxY: 4096})
				var from int32
				for _, end := range ends {
					got += float64(geo.RingArea2(coords[from*2:end*2])) / 2
					from = end
				}
			}
			if z < 12 && tl.Dropped == 0 {
				t.Errorf("z%d: nothing counted as dropped", z)
			}
			if packed := new(gzipper).pack(tl.Data); len(packed) > 500_000 {
				t.Errorf("%s: %d bytes", at, len(packed))
			}
			return true
		})
		tile := geo.TileAt(72.83, 18.98, z)
		scale := tile.UnitsPerTileUnit() * geo.MercatorUnit * math.Cos(18.98*math.Pi/180)
		got *= scale * scale
		if math.Abs(got/want-1) > 0.05 {
			t.Errorf("z%d: %.0f m² built up, want %.0f (%.1f %%)", z, got, want, (got/want-1)*100)
		}
	}
}

func TestBlocksMeetAtTileBorders(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	var feats []catalog.Feature
	for i := range 30_000 {
		f := building(r, i)
		f.Geometry = footprint(r, 72.80+r.Float64()*0.05, 18.95+r.Float64()*0.05, 3+r.Float64()*5)
		feats = append(feats, f)
	}
	src.write("buildings", feats)
	e := start(t, src, Options{})
	// Left of a border and right of it, the same positions are built up.
	for z := uint32(11); z <= 13; z++ {
		a := geo.TileAt(72.825, 18.975, z)
		for _, b := range []geo.Tile{{Z: z, X: a.X + 1, Y: a.Y}, {Z: z, X: a.X, Y: a.Y + 1}} {
			pa, pb := built(t, e, a), built(t, e, b)
			dx, dy := int32(b.X-a.X)*4096, int32(b.Y-a.Y)*4096
			same, n := 0, 0
			for range 4000 {
				x, y := r.Int32N(4096), -40+r.Int32N(80)+4096
				if dx != 0 {
					x, y = y, x
				}
				ina, inb := pa(x, y), pb(x-dx, y-dy)
				if !ina && !inb {
					continue
				}
				n++
				if ina == inb {
					same++
				}
			}
			if n > 100 && float64(same) < 0.97*float64(n) {
				t.Errorf("%s and %s: of %d built-up positions near the border %d agree", a, b, n, same)
			}
		}
	}
}

// built returns a test of whether a position of the tile is in any polygon.
func built(t testing.TB, e *Engine, at geo.Tile) func(x, y int32) bool {
	_, m := getTile(t, e, at, false)
	var rings [][]int32
	var owner []int
	if l := m.Layer("buildings"); l != nil {
		for i := range l.Features {
			c, ends, err := l.Features[i].Lines()
			if err != nil {
				t.Fatal(err)
			}
			var from int32
			for _, e := range ends {
				rings, owner = append(rings, c[from*2:e*2]), append(owner, i)
				from = e
			}
		}
	}
	boxes := make([]geo.GridBox, len(rings))
	for i := range rings {
		boxes[i] = geo.EmptyGridBox()
		for j := 0; j < len(rings[i]); j += 2 {
			boxes[i] = boxes[i].Extend(rings[i][j], rings[i][j+1])
		}
	}
	return func(x, y int32) bool {
		n := map[int]int{}
		for i, r := range rings {
			if boxes[i].Intersects(geo.GridBox{MinX: x, MinY: y, MaxX: x, MaxY: y}) && geo.RingSide(x, y, r) == geo.Inside {
				n[owner[i]]++
			}
		}
		for _, k := range n {
			if k%2 == 1 {
				return true
			}
		}
		return false
	}
}

func TestPointsAreThinnedWithTheirCount(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(catalog.Collection{Name: "facilities", Geometry: catalog.GeometryPoint, Fields: []catalog.Field{{Name: "name", Type: catalog.TypeText}}})
	var feats []catalog.Feature
	for i := range 2000 {
		feats = append(feats, catalog.Feature{ID: fmt.Sprint(i), Geometry: geo.NewPoint(round7(72.85+r.NormFloat64()*0.05), round7(19.05+r.NormFloat64()*0.05)),
			Props: catalog.Properties{{Name: "name", Value: catalog.Text(fmt.Sprint("F", i))}}})
	}
	src.write("facilities", feats)
	e := start(t, src, Options{})
	for z := uint32(6); z <= 15; z++ {
		total := 0
		b := geo.ProjectBox(geo.Box{W: 72.3, S: 18.5, E: 73.4, N: 19.6})
		if z > 13 {
			b = geo.ProjectBox(geo.Box{W: 72.84, S: 19.04, E: 72.86, N: 19.06})
		}
		want := 0
		for i := range feats {
			if geo.TilesOf(b, z, 0).Contains(geo.TileAt(feats[i].Geometry.Coords[0], feats[i].Geometry.Coords[1], z)) {
				want++
			}
		}
		geo.TilesOf(b, z, 0).Each(func(at geo.Tile) bool {
			tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"facilities"}, Tile: at, View: catalog.Public})
			if err != nil {
				t.Fatal(err)
			}
			m, err := mvt.Decode(tl.Data)
			if err != nil {
				t.Fatal(err)
			}
			l := m.Layer("facilities")
			if l == nil {
				return true
			}
			for i := range l.Features {
				c, _, err := l.Features[i].Lines()
				if err != nil {
					t.Fatal(err)
				}
				if c[0] < 0 || c[0] >= 4096 || c[1] < 0 || c[1] >= 4096 {
					continue // of the buffer
				}
				n := int64(1)
				if v, ok := l.Props(&l.Features[i])["point_count"]; ok {
					n = v.(int64)
					if n < 2 || z >= 14 {
						t.Errorf("z%d: point_count %d", z, n)
					}
				}
				total += int(n)
			}
			return true
		})
		// A position within half a unit of a border may count on either side.
		if d := total - want; d < -4 || d > 4 {
			t.Errorf("z%d: %d facilities in all, want %d", z, total, want)
		}
	}
}

func TestRoadsComeByClass(t *testing.T) {
	src := newMemSource()
	src.define(catalog.Collection{Name: "roads", Geometry: catalog.GeometryLine, Fields: []catalog.Field{{Name: "class", Type: catalog.TypeText}}})
	var feats []catalog.Feature
	for i, class := range []string{"motorway", "primary", "residential", "footway", "something else"} {
		y := 19.05 + float64(i)*0.001
		feats = append(feats, catalog.Feature{ID: class, Geometry: geo.NewLineString([]float64{72.80, y, 72.85, y + 0.01, 72.9, y}),
			Props: catalog.Properties{{Name: "class", Value: catalog.Text(class)}}})
	}
	src.write("roads", feats)
	e := start(t, src, Options{})
	for z, want := range map[uint32]int{6: 2, 9: 3, 13: 4, 14: 5} {
		tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"roads"}, Tile: geo.TileAt(72.85, 19.057, z), View: catalog.Public})
		if err != nil {
			t.Fatal(err)
		}
		if tl.Features != want {
			t.Errorf("z%d: %d roads, want %d", z, tl.Features, want)
		}
		if z < 14 && tl.Features+tl.Dropped != 5 {
			t.Errorf("z%d: %d drawn and %d dropped of 5", z, tl.Features, tl.Dropped)
		}
	}
}
