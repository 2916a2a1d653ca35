package catalogtest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

var exactCases = []testCase{
	{name: "exact/values", run: testValues},
	{name: "exact/names", run: testFieldNames},
	{name: "exact/ids", run: testIDs},
	{name: "exact/geometries", run: testGeometries},
	{name: "exact/kinds", run: testGeometryKinds},
}

// oddValues are values that a careless store bends, by field type.
var oddValues = map[catalog.FieldType][]catalog.Value{
	catalog.TypeText: texts(
		"", " ", "नागर 🏙️", "e\u0301 é", "\u202eright to left\u202c", `O'Brien "quoted" \back\slash`, "'; drop table places; --",
		"%s %d $1 ?1 :a @b", "line\nbreak\r\n\ttab", "0012", "1e5", "true", "NULL", "null", "2020-01-01", "{}", "NaN",
		"\u0001\u007f", "\ufeffmark", "\U0010ffff", "%_\\%", strings.Repeat("लांब ", 50_000)),
	catalog.TypeInteger: integers(0, 1, -1, math.MinInt64, math.MaxInt64, 1<<53, 1<<53+1, -1<<53-1, 1<<31, -1<<31-1),
	catalog.TypeReal: reals(0, 1, -1, 0.1, 1.0/3, math.Pi, 1<<53+2, 1e15, 1e16, -1e22, 1e300, math.MaxFloat64, -math.MaxFloat64,
		math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 2.2250738585072011e-308, 1e-320, 123456789.123456789, 5e-7,
		math.Nextafter(1, 2), 9007199254740993, 9223372036854775807),
	catalog.TypeBoolean: {catalog.Boolean(true), catalog.Boolean(false)},
	catalog.TypeTime: times("2026-11-23T08:15:30.123456Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999Z", "2026-11-23T13:45:30.5+05:30", "1883-11-18T12:00:00Z", "2016-12-31T23:59:59Z"),
	catalog.TypeDate: dates("2026-11-23", "1970-01-01", "1969-12-31", "2000-02-29", "1900-03-01", "0001-01-01", "9999-12-31"),
	catalog.TypeJSON: jsons(`null`, `0`, `"text"`, `{"b": 1,  "a":[1.0, 1e400, -0]}`, `[ ]`, `{"a":1,"a":2}`, `"\u0000 \ud83c\udfd9"`,
		`{"नाव":"ठाणे"}`, "\n{ }\t", `12345678901234567890.10`, `{"_type":"string"}`, `true`, `"\""`),
}

func texts(s ...string) []catalog.Value   { return values(catalog.Text, s) }
func integers(s ...int64) []catalog.Value { return values(catalog.Integer, s) }
func reals(s ...float64) []catalog.Value  { return values(catalog.Real, s) }
func jsons(s ...string) []catalog.Value   { return values(catalog.JSON, s) }
func times(s ...string) []catalog.Value   { return values(parsed(catalog.Time, time.RFC3339Nano), s) }
func dates(s ...string) []catalog.Value   { return values(parsed(catalog.Date, time.DateOnly), s) }
func values[T any](of func(T) catalog.Value, s []T) []catalog.Value {
	out := make([]catalog.Value, len(s))
	for i := range s {
		out[i] = of(s[i])
	}
	return out
}

func parsed(of func(time.Time) catalog.Value, layout string) func(string) catalog.Value {
	return func(s string) catalog.Value {
		t, err := time.Parse(layout, s)
		if err != nil {
			panic(err)
		}
		return of(t)
	}
}

// testValues writes each odd value and reads it by every path, now and as past.
func testValues(e *env) {
	c := catalog.Collection{Name: "odd", Geometry: catalog.GeometryAny}
	want := map[string]*catalog.Feature{}
	var ops []catalog.Op
	for typ, list := range oddValues {
		c.Fields = append(c.Fields, catalog.Field{Name: "v_" + string(typ), Type: typ})
		for i, v := range list {
			f := feature(fmt.Sprintf("%s-%d", typ, i), "v_"+string(typ), v)
			want[f.ID] = &f
			ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: f})
		}
	}
	null := feature("null", "v_text", nil, "v_integer", nil)
	want["null"] = &null
	ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: null})
	e.define(c)
	first := e.apply(e.s, ops...)
	if r := e.apply(e.s, ops...); r.Unchanged != len(ops) {
		for i, s := range r.Statuses {
			if s != catalog.Unchanged {
				e.Errorf("written again, %s is changed", ops[i].Feature.ID)
			}
		}
	}
	read := func(what string, get func(id string) *catalog.Feature) {
		e.Helper()
		bad := 0
		for id, w := range want {
			g := get(id)
			switch {
			case g == nil:
				e.Errorf("%s: %s is not there", what, id)
			case !g.Props.Equal(w.Props):
				if bad++; bad < 20 {
					e.Errorf("%s: %s: want %s, got %s", what, id, clipped(w), clipped(g))
				}
			}
		}
	}
	check := func(at catalog.At) {
		e.Helper()
		all, _ := e.scan(e.s, catalog.Query{Collection: "odd", At: at})
		read("scan", func(id string) *catalog.Feature { return all[id] })
		read("feature", func(id string) *catalog.Feature { return e.get(e.s, "odd", id, at) })
		var commits []catalog.Commit
		commits, _ = e.changes(e.s, first.Rev-1)
		fed := map[string]*catalog.Feature{}
		for _, ch := range written(commits[:1], "odd") {
			fed[ch.ID] = ch.New
		}
		read("feed", func(id string) *catalog.Feature { return fed[id] })
	}
	check(catalog.At{})
	e.applyBatch(e.s, catalog.Batch{Replace: "odd", Ops: catalog.Ops()})
	check(catalog.At{Known: first.Rev})
	// An integer is at home in a real field; −0 is 0.
	e.apply(e.s, catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: feature("home", "v_real", 5)},
		catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: feature("zero", "v_real", math.Copysign(0, -1))})
	if f := e.now(e.s, "odd", "home"); f.Props.Get("v_real") != catalog.Real(5) {
		e.Errorf("an integer in a real field: %s", show(f))
	}
	if r := e.apply(e.s, catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: feature("home", "v_real", 5)},
		catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: feature("zero", "v_real", 0.0)}); r.Unchanged != 2 {
		e.Errorf("the same numbers again: %+v", r)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		e.wantInvalid(e.refuse(catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: feature("x", "v_real", v)}), fmt.Sprint(v))
	}
}

func clipped(f *catalog.Feature) string {
	if s := show(f); len(s) > 300 {
		return s[:300] + "…"
	}
	return show(f)
}

// oddNames are field names that clash with something somewhere.
var oddNames = []string{
	"Name", "name", "NAME", "id", "ID", "fid", "FID", "ogc_fid", "geom", "geometry", "order", "select", "table", "user", "rowid", "oid", "_rowid_",
	"ctid", "xmin", "tableoid", "valid_from", "valid_to", "Valid_From", "nagar_rev", "nagar_x", "rev", "key", "ward no.", " leading", "trailing ", " ",
	"प्रभाग", "🏙️", "e\u0301", "é", `a"b`, "a'b", "a`b", "a]b", `x"; drop table odd; --`, "%s", "$1", "?1", "a.b", "a\\b", "1st", "-", "*",
	"id_1", "id_2", "name_1", "Name_2", "geom_1", "İ", "ı", "ß", "ẞ", "Ⅷ", "ⅷ", "Ç", "ç",
	strings.Repeat("long", 15) + "abc1", strings.Repeat("long", 15) + "abc2", strings.Repeat("l", 63), strings.Repeat("l", 64), strings.Repeat("l", 200),
	strings.Repeat("न", 66), strings.Repeat("न", 65) + "x",
}

func testFieldNames(e *env) {
	c := catalog.Collection{Name: "odd", Geometry: catalog.GeometryAny}
	f := feature("a")
	for i, name := range oddNames {
		c.Fields = append(c.Fields, catalog.Field{Name: name, Type: catalog.TypeText})
		f.Props = append(f.Props, catalog.Property{Name: name, Value: catalog.Text(fmt.Sprint("value ", i))})
	}
	half := c
	half.Fields = c.Fields[:len(c.Fields)/2]
	e.define(half)
	e.define(c)
	got, err := e.s.Collection(e.ctx, "odd")
	if err != nil || len(got.Fields) != len(c.Fields) {
		e.Fatalf("collection: %d fields, %v", len(got.Fields), err)
	}
	for i := range c.Fields {
		if got.Fields[i].Name != c.Fields[i].Name {
			e.Errorf("field %d is %q, want %q", i, got.Fields[i].Name, c.Fields[i].Name)
		}
	}
	op := catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: f}
	rev := e.apply(e.s, op).Rev
	next := f
	next.Props = catalog.Properties{{Name: "NAME", Value: catalog.Text("only")}}
	e.apply(e.s, catalog.Op{Kind: catalog.Put, Collection: "odd", Feature: next, Merge: true})
	for _, p := range f.Props {
		want := p.Value
		if past := e.get(e.s, "odd", "a", catalog.At{Known: rev}); past.Props.Get(p.Name) != want {
			e.Errorf("%q then: want %s, got %s", p.Name, want, past.Props.Get(p.Name))
		}
		if p.Name == "NAME" {
			want = catalog.Text("only")
		}
		if now := e.now(e.open1(), "odd", "a"); now.Props.Get(p.Name) != want {
			e.Errorf("%q now: want %s, got %s", p.Name, want, now.Props.Get(p.Name))
		}
	}
}

func testIDs(e *env) {
	e.define(places())
	ids := []string{"a", "A", " a", "a ", "1", "01", "1.0", "नागर", "🏙️", "é", "e\u0301", `a"b'c`, "a/b", "a%b", "a_b", "a\\b", "'; drop table places; --",
		"null", "NULL", "ß", "SS", strings.Repeat("x", 200), strings.Repeat("x", 199) + "y", strings.Repeat("न", 66), "-1", "0x10", "1e3", "\u00a0"}
	var ops []catalog.Op
	for i, id := range ids {
		ops = append(ops, put(id, "n", i))
	}
	if r := e.apply(e.s, ops...); r.Created != len(ids) {
		e.Fatalf("created %d of %d ids", r.Created, len(ids))
	}
	all, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	for i, id := range ids {
		if f := e.now(e.s, "places", id); f.ID != id || f.Props.Get("n") != catalog.Integer(int64(i)) {
			e.Errorf("id %q: %s", id, show(f))
		}
		if all[id] == nil {
			e.Errorf("the scan lacks id %q", id)
		}
	}
	if r := e.apply(e.s, del("A"), del("01"), del("e\u0301")); r.Deleted != 3 {
		e.Errorf("deleting three: %+v", r)
	}
	e.now(e.s, "places", "a")
	e.now(e.s, "places", "1")
	e.now(e.s, "places", "é")
}

// open1 is a second handle, opened once per case.
func (e *env) open1() catalog.Store {
	if e.second == nil {
		e.second = e.open()
	}
	return e.second
}

// oddGeometries is every type, with and without Z, empty, nested, and with
// coordinates that must survive to the bit.
func oddGeometries() map[string]geo.Geometry {
	square := []float64{72, 19, 73, 19, 73, 20, 72, 20, 72, 19}
	hole := []float64{72.2, 19.2, 72.2, 19.4, 72.4, 19.4, 72.4, 19.2, 72.2, 19.2}
	z := func(g geo.Geometry) geo.Geometry {
		flat := g.Coords
		g.HasZ, g.Coords = true, nil
		for i := 0; i+1 < len(flat); i += 2 {
			g.Coords = append(g.Coords, flat[i], flat[i+1], 0.1+float64(i)*1e-9)
		}
		return g
	}
	multi := geo.Geometry{
		Type:   geo.MultiPolygon,
		Coords: append(append(append([]float64{}, square...), hole...), 1, 1, 2, 1, 2, 2, 1, 1),
		Ends:   []int32{5, 10, 14}, Polys: []int32{2, 3},
	}
	lines := geo.Geometry{Type: geo.MultiLineString, Coords: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, Ends: []int32{2, 5}}
	tiny := math.SmallestNonzeroFloat64
	out := map[string]geo.Geometry{
		"none":             {},
		"point":            geo.NewPoint(72.8777, 19.076),
		"point z":          {Type: geo.Point, HasZ: true, Coords: []float64{72.87770000000001, 19.076000000000004, -58.123456789}},
		"point −0":         {Type: geo.Point, HasZ: true, Coords: []float64{math.Copysign(0, -1), math.Copysign(0, -1), math.Copysign(0, -1)}},
		"point tiny":       {Type: geo.Point, HasZ: true, Coords: []float64{tiny, -tiny, tiny}},
		"point far z":      {Type: geo.Point, HasZ: true, Coords: []float64{180, -90, 1e300}},
		"point corner":     geo.NewPoint(-180, 90),
		"line":             geo.NewLineString([]float64{1.1, 2.2, 3.3, 4.4}),
		"line z":           z(geo.NewLineString([]float64{1.1, 2.2, 3.3, 4.4})),
		"polygon":          geo.NewPolygon(square, hole),
		"polygon z":        z(geo.NewPolygon(square, hole)),
		"multipoint":       {Type: geo.MultiPoint, Coords: []float64{1, 2, 3, 4}},
		"multipoint z":     {Type: geo.MultiPoint, HasZ: true, Coords: []float64{1, 2, 3, 4, 5, 6}},
		"multipoint of 1":  {Type: geo.MultiPoint, Coords: []float64{1, 2}},
		"multiline":        lines,
		"multiline z":      z(lines),
		"multipolygon":     multi,
		"multipolygon z":   z(multi),
		"multipolygon 1":   {Type: geo.MultiPolygon, Coords: square, Ends: []int32{5}, Polys: []int32{1}},
		"collection":       {Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(1, 2), geo.NewPolygon(square), lines}},
		"collection z":     {Type: geo.GeometryCollection, HasZ: true, Geoms: []geo.Geometry{z(geo.NewPoint(1, 2)), z(multi)}},
		"collection deep":  {Type: geo.GeometryCollection, Geoms: []geo.Geometry{{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(1, 2)}}}},
		"empty point":      {Type: geo.Point},
		"empty point z":    {Type: geo.Point, HasZ: true},
		"empty line":       {Type: geo.LineString},
		"empty polygon":    {Type: geo.Polygon},
		"empty multipoint": {Type: geo.MultiPoint},
		"empty multiline":  {Type: geo.MultiLineString},
		"empty multi":      {Type: geo.MultiPolygon},
		"empty collection": {Type: geo.GeometryCollection},
	}
	for n, g := range out {
		// As a decoder of its own WKB gives it: what is stored is what comes back.
		if h, err := geo.DecodeWKB(geo.AppendWKB(nil, &g, geo.ISO)); err == nil && g.Type != geo.None {
			out[n] = h
		}
	}
	return out
}

func testGeometries(e *env) {
	e.define(places())
	want := map[string]*catalog.Feature{}
	var ops []catalog.Op
	for name, g := range oddGeometries() {
		f := catalog.Feature{ID: name, Geometry: g}
		want[name] = &f
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "places", Feature: f})
	}
	r := e.apply(e.s, ops...)
	if again := e.apply(e.s, ops...); again.Unchanged != len(ops) {
		for i, s := range again.Statuses {
			if s != catalog.Unchanged {
				e.Errorf("written again, %s is changed", ops[i].Feature.ID)
			}
		}
	}
	got, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	e.compareAll("scan", want, got, true)
	for id, w := range want {
		e.compare(id, w, e.now(e.s, "places", id), true)
	}
	e.applyBatch(e.s, catalog.Batch{Replace: "places", Ops: catalog.Ops()})
	for id, w := range want {
		past := e.get(e.s, "places", id, catalog.At{Known: r.Rev})
		e.compare(id+" in the past", w, past, true)
	}
	box := geo.World()
	got, _ = e.scan(e.s, catalog.Query{Collection: "places", Box: &box, At: catalog.At{Known: r.Rev}})
	for id, w := range want {
		if in := !w.Geometry.IsEmpty(); in != (got[id] != nil) {
			e.Errorf("the whole world holds %s: %v, want %v", id, got[id] != nil, in)
		}
	}
}

// testGeometryKinds holds that each kind of collection takes its kinds and
// refuses others, and that it can be widened to any.
func testGeometryKinds(e *env) {
	for _, kind := range []catalog.GeometryKind{catalog.GeometryPoint, catalog.GeometryLine, catalog.GeometryPolygon, catalog.GeometryAny} {
		c := catalog.Collection{Name: "k_" + string(kind), Geometry: kind}
		e.define(c)
		for name, g := range oddGeometries() {
			op := catalog.Op{Kind: catalog.Put, Collection: c.Name, Feature: catalog.Feature{ID: name, Geometry: g}}
			if g.Type == geo.None || kind.Takes(g.Type) {
				e.apply(e.s, op)
				want := op.Feature
				e.compare(string(kind)+" "+name, &want, e.now(e.s, c.Name, name), true)
			} else {
				e.wantInvalid(e.refuse(op), name+" into "+string(kind))
			}
		}
	}
	e.define(catalog.Collection{Name: "k_point", Geometry: catalog.GeometryAny})
	line := catalog.Op{Kind: catalog.Put, Collection: "k_point", Feature: catalog.Feature{ID: "line", Geometry: geo.NewLineString([]float64{1, 2, 3, 4})}}
	e.apply(e.s, line)
	e.compare("a line after widening", &line.Feature, e.now(e.s, "k_point", "line"), true)
}
