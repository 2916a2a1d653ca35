package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/tidwall/rtree"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/city"
	"nagar/geo"
)

func profile(t testing.TB, path string) *city.Profile {
	t.Helper()
	p, err := city.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// made is one generated city, by collection.
type made struct {
	by    map[string][]*catalog.Feature
	order []string
	hash  string
}

func generate(t testing.TB, o Options) made {
	t.Helper()
	m := made{by: map[string][]*catalog.Feature{}}
	h := sha256.New()
	var buf []byte
	err := Generate(context.Background(), o, func(c string, f *catalog.Feature) error {
		if len(m.order) == 0 || m.order[len(m.order)-1] != c {
			m.order = append(m.order, c)
		}
		m.by[c] = append(m.by[c], f)
		buf = append(append(append(buf[:0], c...), '/'), f.ID...)
		buf = geo.AppendWKB(buf, &f.Geometry, geo.ISO)
		for _, p := range f.Props {
			buf = p.Value.AppendJSON(append(append(buf, p.Name...), '='))
		}
		h.Write(buf)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m.hash = hex.EncodeToString(h.Sum(nil))
	return m
}

func TestSameSeedSameBytes(t *testing.T) {
	p := profile(t, "")
	a, b := generate(t, Options{Profile: p, Buildings: 5000, Seed: 7}), generate(t, Options{Profile: p, Buildings: 5000, Seed: 7})
	if a.hash != b.hash {
		t.Error("two runs with one seed differ")
	}
	if c := generate(t, Options{Profile: p, Buildings: 5000, Seed: 8}); c.hash == a.hash {
		t.Error("another seed gives the same city")
	}
}

// TestCity checks a whole Mumbai: counts, schema, bounds, UIDs, validity.
func TestCity(t *testing.T) {
	p := profile(t, "")
	m := generate(t, Options{Profile: p, Buildings: 30_000, Seed: 1})
	if got := strings.Join(m.order, " "); got != strings.Join(Collections, " ") {
		t.Errorf("collections come as %s", got)
	}
	for c, n := range map[string]int{"buildings": 30_000, "facilities": 2000, "sensors": 300, "wards": 24} {
		if len(m.by[c]) != n {
			t.Errorf("%d %s, want %d", len(m.by[c]), c, n)
		}
	}
	wards, categories := map[string]int{}, map[string]int{}
	uids, ids := map[string]bool{}, map[string]bool{}
	for c, fs := range m.by {
		col, ok := catalog.StandardCollection(c)
		if !ok {
			t.Fatalf("%s is no standard collection", c)
		}
		for i, f := range fs {
			if err := col.Check(f); err != nil {
				t.Fatalf("%s %s: %v", c, f.ID, err)
			}
			if !p.Bounds.ContainsBox(f.Geometry.Box()) {
				t.Fatalf("%s %s lies outside the city", c, f.ID)
			}
			if key := c + f.ID; ids[key] {
				t.Fatalf("%s %s is there twice", c, f.ID)
			} else {
				ids[key] = true
			}
			if c != "buildings" || i%10 == 0 {
				valid(t, c, f)
			}
		}
	}
	for _, f := range m.by["buildings"] {
		u := f.Props.Get("uid").Str()
		if v, err := uid.Parse(u); err != nil || v.Reserved() || uids[u] {
			t.Fatalf("uid %q: %v, repeated %v", u, err, uids[u])
		}
		uids[u] = true
		wards[f.Props.Get("ward").Str()]++
	}
	for _, f := range m.by["facilities"] {
		categories[f.Props.Get("category").Str()]++
		for _, field := range []string{"name", "name_mr", "name_hi", "address", "phone", "ward"} {
			if s := f.Props.Get(field).Str(); s == "" || strings.ContainsAny(s, "{}") {
				t.Errorf("%s has %s %q", f.ID, field, s)
			}
		}
	}
	if len(wards) != 24 || len(categories) != 25 {
		t.Errorf("buildings in %d wards, facilities of %d categories", len(wards), len(categories))
	}
	overlaps(t, m.by["buildings"])
	clear(t, p, m)
}

// clear is the map without what stands on water, greens, roads or rails.
func clear(t *testing.T, p *city.Profile, m made) {
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

// TestWardsPartition: the wards share their borders vertex for vertex, so that the
// edges that only one ward has are just the land's outline.
func TestWardsPartition(t *testing.T) {
	m := generate(t, Options{Profile: profile(t, ""), Buildings: 100, Seed: 1})
	edges := func(fs []*catalog.Feature) (sum float64, count map[[4]float64]int) {
		count = map[[4]float64]int{}
		for _, f := range fs {
			for i := range f.Geometry.Ends {
				l := pairs(f.Geometry.Line(i))
				for k := 1; k < len(l); k++ {
					a, b := l[k-1], l[k]
					sum += a[0]*b[1] - b[0]*a[1]
					if a[0] > b[0] || a[0] == b[0] && a[1] > b[1] {
						a, b = b, a
					}
					count[[4]float64{a[0], a[1], b[0], b[1]}]++
				}
			}
		}
		return sum / 2, count
	}
	ward, shared := edges(m.by["wards"])
	land, outline := edges(m.by["land"][:1])
	if math.Abs(ward-land) > 1e-9 {
		t.Errorf("the wards' areas add up to %v square degrees, the land has %v", ward, land)
	}
	once, twice := 0, 0
	for e, n := range shared {
		switch {
		case n == 2:
			twice++
		case n == 1 && outline[e] == 1:
			once++
		default:
			t.Errorf("edge %v is in %d wards and %d times in the outline", e, n, outline[e])
		}
	}
	if once != len(outline) || twice < 200 {
		t.Errorf("%d of %d outline edges, %d shared", once, len(outline), twice)
	}
}

func TestInventedCity(t *testing.T) {
	p := profile(t, filepath.Join("..", "..", "city", "testdata", "saltmere.json"))
	m := generate(t, Options{Profile: p, Buildings: 3000, Seed: 5})
	if len(m.by["buildings"]) != 3000 || len(m.by["wards"]) != 3 {
		t.Errorf("%d buildings, %d wards", len(m.by["buildings"]), len(m.by["wards"]))
	}
	var all bytes.Buffer
	for c, fs := range m.by {
		for i, f := range fs {
			if i%5 == 0 {
				valid(t, c, f)
			}
			for _, p := range f.Props {
				fmt.Fprintln(&all, p.Value.String())
			}
		}
	}
	for _, foreign := range []string{"Mumbai", "मुंबई", "Dadar", "F/N"} {
		if strings.Contains(all.String(), foreign) {
			t.Errorf("an invented city speaks of %s", foreign)
		}
	}
	overlaps(t, m.by["buildings"])
	clear(t, p, m)
}

// TestDense packs ten times what fits at the usual density.
func TestDense(t *testing.T) {
	p := profile(t, filepath.Join("..", "..", "city", "testdata", "saltmere.json"))
	m := generate(t, Options{Profile: p, Buildings: 60_000, Seed: 5})
	if len(m.by["buildings"]) != 60_000 {
		t.Errorf("%d buildings", len(m.by["buildings"]))
	}
	overlaps(t, m.by["buildings"])
	err := Generate(context.Background(), Options{Profile: p, Buildings: MaxBuildings, Seed: 5}, func(string, *catalog.Feature) error { return nil })
	if !errors.Is(err, ErrTooMany) {
		t.Errorf("three million buildings on a small island: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	nothing := func(string, *catalog.Feature) error { return nil }
	p := profile(t, "")
	for _, o := range []Options{{}, {Profile: p, Buildings: -1}, {Profile: p, Buildings: MaxBuildings + 1}} {
		if err := Generate(context.Background(), o, nothing); err == nil {
			t.Errorf("%d buildings: no error", o.Buildings)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err := Generate(ctx, Options{Profile: p, Buildings: 5000}, func(string, *catalog.Feature) error {
		if n++; n == 1000 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n > 3000 {
		t.Errorf("cancelled after %d features: %v", n, err)
	}
	stop := errors.New("stop")
	if err := Generate(context.Background(), Options{Profile: p, Buildings: 100}, func(string, *catalog.Feature) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("yield's error becomes %v", err)
	}
}

func FuzzBase(f *testing.F) {
	p := profile(f, filepath.Join("..", "..", "city", "testdata", "saltmere.json"))
	raw, err := p.BaseMap()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"features":[{"properties":{"layer":"land"},"geometry":{"type":"Polygon","coordinates":[]}}]}`))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = decodeBase(raw, p) })
}

func BenchmarkGenerate(b *testing.B) {
	p := profile(b, "")
	b.ReportAllocs()
	for b.Loop() {
		if err := Generate(context.Background(), Options{Profile: p, Buildings: 100_000, Seed: 1}, func(string, *catalog.Feature) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
