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
	defined := map[string]catalog.Collection{}
	for _, c := range append(catalog.Standard(), Definitions()...) {
		defined[c.Name] = c
	}
	for c, fs := range m.by {
		col, ok := defined[c]
		if !ok {
			t.Fatalf("%s is not defined", c)
		}
		for i, f := range fs {
			if err := col.Check(f); err != nil {
				t.Fatalf("%s %s: %v", c, f.ID, err)
			}
			if c != "land" && !p.Bounds.ContainsBox(f.Geometry.Box()) {
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
	named := map[string]bool{}
	for _, f := range m.by["facilities"] {
		if n := f.Props.Get("name").Str(); named[n] {
			t.Errorf("two facilities are called %s", n)
		} else {
			named[n] = true
		}
		categories[f.Props.Get("category").Str()]++
		for _, field := range []string{"name", "name_mr", "name_hi", "address", "phone", "ward"} {
			if s := f.Props.Get(field).Str(); s == "" || strings.ContainsAny(s, "{}") {
				t.Errorf("%s has %s %q", f.ID, field, s)
			}
		}
	}
	offices := map[string]bool{}
	for _, f := range m.by["facilities"] {
		if f.Props.Get("category").Str() == "ward_office" {
			offices[f.Props.Get("ward").Str()] = true
		}
	}
	if len(offices) != 24 {
		t.Errorf("%d of 24 wards have an office", len(offices))
	}
	if len(wards) != 24 || len(categories) != 25 {
		t.Errorf("buildings in %d wards, facilities of %d categories", len(wards), len(categories))
	}
	overlaps(t, m.by["buildings"])
	unobstructed(t, p, m)
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
	unobstructed(t, p, m)
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
