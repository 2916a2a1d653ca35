package demo

import (
	"fmt"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/tidwall/rtree"

	"nagar/catalog"
	"nagar/city"
	"nagar/geo"
)

// unobstructed fails when a building stands on water, a green, a road or a railway.
func unobstructed(t *testing.T, p *city.Profile, m made) {
	t.Helper()
	pl := newPlane(p.Bounds)
	var solid []*baseFeature
	b := &base{plane: pl}
	for _, c := range []string{"water", "greens"} {
		for _, f := range m.by[c] {
			solid = append(solid, unproject(b, &f.Geometry))
		}
	}
	lines := newSegmentGrid(100)
	var segs []strand
	var owners []string // id and properties, for the message
	for _, c := range []string{"roads", "rail"} {
		for _, f := range m.by[c] {
			if f.Geometry.Type != geo.LineString {
				continue
			}
			l := b.project(pairs(f.Geometry.Coords))
			for i := 1; i < len(l); i++ {
				lines.add(l[i-1], l[i], 2, len(segs))
				segs = append(segs, strand{a: l[i-1], b: l[i]})
				owners = append(owners, fmt.Sprint(c, f.ID, f.Props))
			}
		}
	}
	for i, f := range m.by["buildings"] {
		ring := b.project(pairs(f.Geometry.Line(0)))
		if i%7 == 0 {
			for _, s := range solid {
				if s.contains(ring[0]) || s.contains(centroid(ring[:len(ring)-1])) {
					t.Fatalf("%s stands on water or a green", f.ID)
				}
			}
		}
		lines.near(ring[0], ring[2], 2, func(id int) {
			for k := 1; k < len(ring); k++ {
				if segDist(ring[k-1], ring[k], segs[id].a, segs[id].b) < .5 {
					t.Errorf("%s stands on a road or railway %s", f.ID, owners[id])
				}
			}
		})
	}
}

func unproject(b *base, g *geo.Geometry) *baseFeature {
	f := &baseFeature{}
	for i := range g.NumPolygons() {
		from, to := g.PolygonRings(i)
		var rings [][]vec
		for r := from; r < to; r++ {
			v := b.project(pairs(g.Line(r)))
			rings = append(rings, v[:len(v)-1])
		}
		f.polys = append(f.polys, rings)
	}
	return f
}

func pairs(c []float64) (out [][2]float64) {
	for i := 0; i+1 < len(c); i += 2 {
		out = append(out, [2]float64{c[i], c[i+1]})
	}
	return out
}

// valid asks another library whether the shape is one, and checks the winding.
func valid(t *testing.T, c string, f *catalog.Feature) {
	t.Helper()
	if f.Geometry.Type == geo.None {
		return // a record of a department without a place
	}
	g, err := geom.UnmarshalWKB(geo.AppendWKB(nil, &f.Geometry, geo.ISO))
	if err == nil {
		err = g.Validate()
	}
	if err != nil {
		t.Errorf("%s %s: %v", c, f.ID, err)
	}
	for i := range f.Geometry.NumPolygons() {
		from, to := f.Geometry.PolygonRings(i)
		for r := from; r < to; r++ {
			l := pairs(f.Geometry.Line(r))
			var s float64
			for k := 1; k < len(l); k++ {
				s += (l[k][0]-l[0][0])*(l[k-1][1]-l[0][1]) - (l[k-1][0]-l[0][0])*(l[k][1]-l[0][1])
			}
			if (s < 0) != (r == from) {
				t.Errorf("%s %s: ring %d winds the wrong way", c, f.ID, r)
			}
		}
	}
}

// overlaps fails when two buildings share more than a sliver of ground.
func overlaps(t *testing.T, fs []*catalog.Feature) {
	t.Helper()
	var tree rtree.RTreeG[int]
	for i, f := range fs {
		b := f.Geometry.Box()
		tree.Insert([2]float64{b.W, b.S}, [2]float64{b.E, b.N}, i)
	}
	for i := 0; i < len(fs); i += 23 {
		a, err := geom.UnmarshalWKB(geo.AppendWKB(nil, &fs[i].Geometry, geo.ISO))
		if err != nil {
			t.Fatal(err)
		}
		b := fs[i].Geometry.Box()
		tree.Search([2]float64{b.W, b.S}, [2]float64{b.E, b.N}, func(_, _ [2]float64, j int) bool {
			if j == i {
				return true
			}
			o, err := geom.UnmarshalWKB(geo.AppendWKB(nil, &fs[j].Geometry, geo.ISO))
			if err != nil {
				t.Fatal(err)
			}
			x, err := geom.Intersection(a, o)
			if err != nil {
				return true // touching walls that the library cannot overlay
			}
			if m2 := x.Area() * 111e3 * 105e3; m2 > .2 {
				t.Errorf("%s and %s overlap by %.1f m²", fs[i].ID, fs[j].ID, m2)
			}
			return true
		})
	}
}
