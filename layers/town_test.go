package layers

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"nagar/catalog"
	"nagar/geo"
)

// townRule is a row rule, and what it says in Go.
type townRule struct {
	text  string
	holds func(*catalog.Feature) bool
	near  func(*catalog.Feature) bool // so near a border that a grid of a centimetre decides; nil: none is
}

func townRules(r *rand.Rand) []townRule {
	w, s := round7(72.84+r.Float64()*0.02), round7(19.04+r.Float64()*0.02)
	b := geo.Box{W: w, S: s, E: w + 0.01, N: s + 0.01}
	has := func(f *catalog.Feature, name string, v catalog.Value) bool { return f.Props.Get(name) == v }
	return []townRule{
		{"", func(*catalog.Feature) bool { return true }, nil},
		{"ward = 'A'", func(f *catalog.Feature) bool { return has(f, "ward", catalog.Text("A")) }, nil},
		{"ward IN ('A', 'C')", func(f *catalog.Feature) bool {
			return has(f, "ward", catalog.Text("A")) || has(f, "ward", catalog.Text("C"))
		}, nil},
		{"n > 40", func(f *catalog.Feature) bool { v := f.Props.Get("n"); return !v.IsNull() && v.Int() > 40 }, nil},
		{"owner IS NULL", func(f *catalog.Feature) bool { return f.Props.Get("owner").IsNull() }, nil},
		{fmt.Sprintf("S_INTERSECTS(geom, BBOX(%v, %v, %v, %v))", b.W, b.S, b.E, b.N), func(f *catalog.Feature) bool {
			return f.Geometry.Type != geo.None && meetsBox(&f.Geometry, b)
		}, func(f *catalog.Feature) bool {
			const d = 1e-6
			return meetsBox(&f.Geometry, geo.Box{W: b.W - d, S: b.S - d, E: b.E + d, N: b.N + d}) != meetsBox(&f.Geometry, geo.Box{W: b.W + d, S: b.S + d, E: b.E - d, N: b.N - d})
		}},
		{"nothing = 1", func(*catalog.Feature) bool { return false }, nil}, // a rule that does not fit shows nothing
		{"owner = 'nobody'", func(*catalog.Feature) bool { return false }, nil},
	}
}

// townView is a view of tiers, and the slow way to it: to each feature one by one.
type townView struct {
	view  catalog.View
	tiers map[string][]townTier
}

type townTier struct {
	townRule
	fields []int
}

func randomView(r *rand.Rand, cols []catalog.Collection) *townView {
	v := &townView{tiers: map[string][]townTier{}}
	rules := townRules(r)
	for i := range cols {
		for range 1 + r.IntN(3) {
			t := townTier{townRule: rules[r.IntN(len(rules))]}
			for f := range cols[i].Fields {
				if r.IntN(3) > 0 {
					t.fields = append(t.fields, f)
				}
			}
			v.tiers[cols[i].Name] = append(v.tiers[cols[i].Name], t)
		}
	}
	v.view = catalog.NewView("v", func(c *catalog.Collection) []catalog.Tier {
		var out []catalog.Tier
		for _, t := range v.tiers[c.Name] {
			out = append(out, catalog.Tier{Rows: t.text, Fields: t.fields})
		}
		return out
	})
	return v
}

// feature is a random one that no rule is in two minds about.
func (v *townView) feature(r *rand.Rand, collection string, i int) catalog.Feature {
	for {
		f := townFeature(r, collection, i)
		if !slices.ContainsFunc(v.tiers[collection], func(t townTier) bool { return t.near != nil && t.near(&f) }) {
			return f
		}
	}
}

// cut returns the collection without the fields that are not seen on any row.
func (v *townView) cut(c catalog.Collection) catalog.Collection {
	out := c
	out.Fields = nil
	for i, f := range c.Fields {
		if slices.ContainsFunc(v.tiers[c.Name], func(t townTier) bool { return slices.Contains(t.fields, i) }) {
			out.Fields = append(out.Fields, f)
		}
	}
	return out
}

// see returns the feature as the view sees it; false when it does not.
func (v *townView) see(c *catalog.Collection, f catalog.Feature) (catalog.Feature, bool) {
	seen, out := false, f
	out.Props = nil
	for i := range c.Fields {
		shown := false
		for _, t := range v.tiers[c.Name] {
			if t.holds(&f) {
				seen, shown = true, shown || slices.Contains(t.fields, i)
			}
		}
		if val := f.Props.Get(c.Fields[i].Name); shown && !val.IsNull() {
			out.Props = append(out.Props, catalog.Property{Name: c.Fields[i].Name, Value: val})
		}
	}
	return out, seen
}

func townCollections() []catalog.Collection {
	fields := []catalog.Field{
		{Name: "class", Type: catalog.TypeText}, {Name: "n", Type: catalog.TypeInteger}, {Name: "ward", Type: catalog.TypeText},
		{Name: "owner", Type: catalog.TypeText, Class: catalog.ClassPersonal}, {Name: "x", Type: catalog.TypeReal},
	}
	return []catalog.Collection{
		{Name: "houses", Geometry: catalog.GeometryPolygon, Fields: fields},
		{Name: "roads", Geometry: catalog.GeometryLine, Fields: fields},
		{Name: "trees", Geometry: catalog.GeometryAny, Fields: fields},
	}
}

func townFeature(r *rand.Rand, collection string, i int) catalog.Feature {
	lon, lat := round7(72.85+r.NormFloat64()*0.01), round7(19.05+r.NormFloat64()*0.01)
	f := catalog.Feature{ID: fmt.Sprint(collection, i)}
	switch collection {
	case "houses":
		f.Geometry = footprint(r, lon, lat, 4+r.Float64()*30)
	case "roads":
		f.Geometry = geo.Geometry{Type: geo.LineString, Coords: []float64{lon, lat, round7(lon + r.Float64()*0.01), round7(lat + r.Float64()*0.01)}, Ends: []int32{2}}
	default:
		if r.IntN(20) > 0 {
			f.Geometry = geo.Geometry{Type: geo.Point, Coords: []float64{lon, lat}}
		}
	}
	add := func(name string, v catalog.Value) {
		if r.IntN(6) > 0 {
			f.Props = append(f.Props, catalog.Property{Name: name, Value: v})
		}
	}
	add("class", catalog.Text([]string{"primary", "residential", "footway"}[r.IntN(3)]))
	add("n", catalog.Integer(int64(r.IntN(80))))
	add("ward", catalog.Text(string(rune('A'+r.IntN(4)))))
	add("owner", catalog.Text(fmt.Sprint("o", r.IntN(5))))
	add("x", catalog.Real(float64(r.IntN(1000))/8))
	return f
}
