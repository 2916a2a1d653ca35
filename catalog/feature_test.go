package catalog

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"testing"
	"time"

	"nagar/geo"
)

// TestKeyOf holds keys to values computed apart from this code (FNV-1a by
// hash/fnv, splitmix64's finaliser by its paper) and to some by number, since
// tiles in people's caches carry them.
func TestKeyOf(t *testing.T) {
	for _, c := range []struct {
		collection, id string
		want           Key
	}{
		{"buildings", "1", 2055320992023700},
		{"wards", "F/N", 3315581154137407},
		{"", "", 0},
		{"facilities", "नगर", 5579296325086130},
	} {
		h := fnv.New64a()
		h.Write([]byte(c.collection + "/" + c.id))
		z := h.Sum64()
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb
		apart := Key((z ^ (z >> 31)) >> 11)
		if got := KeyOf(c.collection, c.id); got != apart || c.want != 0 && got != c.want {
			t.Errorf("%s/%s: %d, apart %d, known %d", c.collection, c.id, got, apart, c.want)
		}
	}
}

// TestKeyOfSpread holds that keys are exact in JavaScript, differ, and fill
// their range evenly: low bits and high bits alike.
func TestKeyOfSpread(t *testing.T) {
	const n = 500_000
	seen := make(map[Key]bool, n)
	var low, high [256]int
	for i := range n {
		k := KeyOf("buildings", fmt.Sprint(i))
		if k == 0 || k >= 1<<53 || Key(float64(k)) != k {
			t.Fatalf("key %d", k)
		}
		if seen[k] {
			t.Fatalf("two of %d have key %d", n, k)
		}
		seen[k] = true
		low[k&255]++
		high[k>>45]++
	}
	for _, counts := range [][256]int{low, high} {
		chi := 0.0
		for _, c := range counts {
			d := float64(c) - n/256.0
			chi += d * d / (n / 256.0)
		}
		if chi > 400 { // 255 degrees of freedom: above 400 once in 10⁸
			t.Errorf("chi² is %.0f", chi)
		}
	}
	if KeyOf("a", "b/c") == KeyOf("a", "b_c") || KeyOf("ab", "c") == KeyOf("a", "bc") {
		t.Error("different features share a key")
	}
}

func TestCheck(t *testing.T) {
	c := trees()
	ok := func() Feature {
		return Feature{ID: "1", Geometry: geo.NewPoint(72.8, 19), Props: Properties{{"species", Text("वड")}, {"height_m", Integer(4)}, {"planted_by", Null}}}
	}
	f := ok()
	if err := c.Check(&f); err != nil {
		t.Error(err)
	}
	for what, x := range map[string]struct {
		path string
		edit func(*Feature)
	}{
		"no id":          {"id", func(f *Feature) { f.ID = "" }},
		"long id":        {"id", func(f *Feature) { f.ID = strings.Repeat("x", 201) }},
		"id not UTF-8":   {"id", func(f *Feature) { f.ID = "\xff" }},
		"control in id":  {"id", func(f *Feature) { f.ID = "a\tb" }},
		"wrong geometry": {"geometry", func(f *Feature) { f.Geometry = geo.NewLineString([]float64{1, 2, 3, 4}) }},
		"longitude":      {"geometry", func(f *Feature) { f.Geometry = geo.NewPoint(180.0001, 0) }},
		"latitude":       {"geometry", func(f *Feature) { f.Geometry = geo.NewPoint(0, -90.0001) }},
		"metres":         {"geometry", func(f *Feature) { f.Geometry = geo.NewPoint(285000, 2100000) }},
		"NaN":            {"geometry", func(f *Feature) { f.Geometry = geo.NewPoint(math.NaN(), 0) }},
		"infinite Z": {"geometry", func(f *Feature) {
			f.Geometry = geo.Geometry{Type: geo.Point, HasZ: true, Coords: []float64{1, 1, math.Inf(1)}}
		}},
		"unknown field":   {"properties.girth", func(f *Feature) { f.Props = Properties{{"girth", Integer(1)}} }},
		"wrong type":      {"properties.species", func(f *Feature) { f.Props = Properties{{"species", Integer(1)}} }},
		"text for number": {"properties.height_m", func(f *Feature) { f.Props = Properties{{"height_m", Text("4")}} }},
		"NaN value":       {"properties.height_m", func(f *Feature) { f.Props = Properties{{"height_m", Real(math.NaN())}} }},
		"infinite value":  {"properties.height_m", func(f *Feature) { f.Props = Properties{{"height_m", Real(math.Inf(-1))}} }},
		"NUL":             {"properties.species", func(f *Feature) { f.Props = Properties{{"species", Text("a\x00")}} }},
		"not UTF-8":       {"properties.species", func(f *Feature) { f.Props = Properties{{"species", Text("\xff")}} }},
		"times":           {"valid_to", func(f *Feature) { f.ValidFrom, f.ValidTo = time.Unix(2, 0), time.Unix(2, 0) }},
	} {
		f := ok()
		x.edit(&f)
		wantInvalid(t, what, c.Check(&f), x.path)
	}
	f = ok()
	f.Geometry = geo.Geometry{} // no geometry is always allowed
	if err := c.Check(&f); err != nil {
		t.Error(err)
	}
	c.Geometry = GeometryAny
	f.Geometry = geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(1, 1), geo.NewPoint(999, 1)}}
	wantInvalid(t, "inside a collection", c.Check(&f), "geometry")
	c.Fields = append(c.Fields, Field{Name: "extra", Type: TypeJSON})
	for text, ok := range map[string]bool{`{"a":1}`: true, `null`: true, ` 1 `: true, ``: false, `{`: false, `1 2`: false, `{'a':1}`: false} {
		f := Feature{ID: "1", Props: Properties{{"extra", JSON(text)}}}
		if err := c.Check(&f); (err == nil) != ok {
			t.Errorf("JSON %q: %v", text, err)
		}
	}
	if err := c.Check(&Feature{ID: "1", Props: Properties{{"species", Text(strings.Repeat("x", 100))}, {"height_m", Text(strings.Repeat("न", 100))}}}); err == nil || len(err.Error()) > 300 {
		t.Errorf("a message that repeats a long value: %v", err)
	}
}

func TestValidAt(t *testing.T) {
	from, to := time.Unix(10, 0), time.Unix(20, 0)
	for _, c := range []struct {
		f    Feature
		at   int64
		want bool
	}{
		{Feature{}, 0, true}, {Feature{ValidFrom: from}, 9, false}, {Feature{ValidFrom: from}, 10, true}, {Feature{ValidTo: to}, 19, true}, {Feature{ValidTo: to}, 20, false},
		{Feature{ValidFrom: from, ValidTo: to}, 15, true}, {Feature{ValidFrom: from, ValidTo: to}, 25, false},
	} {
		if got := c.f.ValidAt(time.Unix(c.at, 0)); got != c.want {
			t.Errorf("[%v,%v) at %d: %v", c.f.ValidFrom, c.f.ValidTo, c.at, got)
		}
	}
	if !(At{}).IsNow() || (At{Known: 1}).IsNow() || (At{AsOf: from}).IsNow() {
		t.Error("IsNow")
	}
}

// feed is a Feed of n revisions that come one by one.
type feed struct{ n, end Rev }

func (f *feed) Changes(_ context.Context, since Rev, fn func(Commit) error) (Rev, error) {
	for since < f.n {
		if err := fn(Commit{Rev: since + 1}); err != nil {
			return since, err
		}
		since++
	}
	return since, nil
}

func (f *feed) Wait(ctx context.Context, since Rev) error {
	if f.n == f.end {
		return context.Canceled
	}
	f.n = min(f.n+2, f.end)
	return ctx.Err()
}

func TestFollow(t *testing.T) {
	var got []Rev
	err := Follow(context.Background(), &feed{end: 7}, 2, func(c Commit) error { got = append(got, c.Rev); return nil })
	if fmt.Sprint(got) != "[3 4 5 6 7]" || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", got, err)
	}
	stop := errors.New("stop")
	if err := Follow(context.Background(), &feed{end: 7}, 0, func(c Commit) error {
		if c.Rev == 3 {
			return stop
		}
		return nil
	}); err != stop {
		t.Errorf("%v", err)
	}
}

func TestOps(t *testing.T) {
	ops := []Op{{Feature: Feature{ID: "a"}}, {Feature: Feature{ID: "b"}}}
	ids := ""
	for op, err := range Ops(ops...) {
		if err != nil {
			t.Fatal(err)
		}
		ids += op.Feature.ID
	}
	for op := range Ops(ops...) {
		ids += op.Feature.ID
		break
	}
	if ids != "aba" {
		t.Error(ids)
	}
}

// FuzzCheck holds that no feature makes a panic and that one that passes is sound.
func FuzzCheck(f *testing.F) {
	f.Add("1", "species", "वड", 72.8, 19.0, 3.0, 4.5, uint8(0))
	f.Add("\x00", "extra", "{", 200.0, math.NaN(), math.Inf(1), math.Copysign(0, -1), uint8(3))
	f.Fuzz(func(t *testing.T, id, name, text string, x, y, z, v float64, kind uint8) {
		c := trees()
		c.Fields = append(c.Fields, Field{Name: "extra", Type: TypeJSON})
		value := []Value{Text(text), JSON(text), Real(v), Integer(int64(kind)), Null, Boolean(true), Time(time.Unix(int64(kind), 0))}[kind%7]
		feat := Feature{ID: id, Props: Properties{{name, value}}, Geometry: geo.Geometry{Type: geo.Type(kind % 9), HasZ: true, Coords: []float64{x, y, z}}}
		if c.Check(&feat) != nil {
			return
		}
		fd, ok := c.Field(name)
		if CheckID(id) != nil || !ok || !value.IsNull() && value.Type() != fd.Type && !(fd.Type == TypeReal && value.Type() == TypeInteger) {
			t.Errorf("passed: %+v", feat)
		}
		if feat.Geometry.Type != geo.None && (!geo.World().Contains(x, y) || math.IsNaN(z) || math.IsInf(z, 0)) {
			t.Errorf("passed: %+v", feat.Geometry)
		}
	})
}

func BenchmarkKeyOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		KeyOf("buildings", "way/123456789")
	}
}

func BenchmarkCheck(b *testing.B) {
	c := trees()
	f := Feature{ID: "1", Geometry: geo.NewPolygon(make([]float64, 12)), Props: Properties{{"species", Text("वड")}, {"height_m", Real(4)}}}
	c.Geometry = GeometryPolygon
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Check(&f); err != nil {
			b.Fatal(err)
		}
	}
}
