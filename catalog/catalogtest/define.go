package catalogtest

import (
	"errors"
	"reflect"
	"strings"

	"nagar/catalog"
)

var defineCases = []testCase{
	{name: "define/keeps-everything", run: testDefine},
	{name: "define/alter", run: testAlter},
	{name: "define/refuse", run: testDefineRefuse},
	{name: "define/unknown", run: testUnknown},
	{name: "define/seen-by-others", run: testDefineSeen},
	{name: "define/many-fields", run: testManyFields},
	{name: "open/future", run: testFuture},
}

func testDefine(e *env) {
	if head := e.head(e.s); head != 0 {
		e.Errorf("a new store is at revision %d", head)
	}
	c := places()
	c.Description = catalog.Words{"en": "it's \"quoted\"", "hi": "हिन्दी"}
	c.Class = catalog.ClassInternal
	c.Fields[1].Title = catalog.Words{"mr": "उंची"}
	c.Fields[1].Meaning = catalog.Words{"en": "above ground"}
	c.Rev = e.define(c)
	records := catalog.Collection{Name: "a_records", Geometry: catalog.GeometryNone}
	records.Rev = e.define(records)
	if records.Rev <= c.Rev {
		e.Errorf("the second definition is revision %d, the first %d", records.Rev, c.Rev)
	}
	got, err := e.s.Collection(e.ctx, "places")
	if err != nil || !reflect.DeepEqual(got, c) {
		e.Errorf("want %+v\ngot  %+v, %v", c, got, err)
	}
	list, err := e.s.Collections(e.ctx)
	if err != nil || len(list) != 2 || list[0].Name != "a_records" || !reflect.DeepEqual(list[1], c) {
		e.Errorf("collections: %+v, %v", list, err)
	}
	// The same again is no change and spends no revision.
	if rev := e.define(places0(c)); rev != records.Rev {
		e.Errorf("defining the same again: revision %d, head was %d", rev, records.Rev)
	}
	commits, _ := e.changes(e.s, 0)
	if len(commits) != 2 || commits[0].Rev != c.Rev || len(commits[0].Changes) != 1 ||
		commits[0].Changes[0].Kind != catalog.Defined || commits[0].Changes[0].Collection != "places" {
		e.Errorf("the feed of two definitions: %+v", commits)
	}
	// A table of records takes features without geometry, and only those.
	r := e.apply(e.s, catalog.Op{Kind: catalog.Put, Collection: "a_records", Feature: catalog.Feature{ID: "1"}})
	if r.Created != 1 {
		e.Errorf("put of a bare record: %+v", r)
	}
	e.wantInvalid(e.refuse(catalog.Op{Kind: catalog.Put, Collection: "a_records", Feature: feature("2")}), "a geometry in a table of records")
}

// places0 is c as a caller would write it, without the store's revision.
func places0(c catalog.Collection) catalog.Collection {
	c.Rev = 0
	return c
}

func testAlter(e *env) {
	e.define(places())
	e.apply(e.s, put("a", "name", "x", "n", 1))
	next := places()
	next.Title = catalog.Words{"en": "Spots"}
	next.Owner = "Parks"
	next.Fields = []catalog.Field{
		{Name: "storeys", Type: catalog.TypeInteger, Title: catalog.Words{"en": "Storeys"}},
		{Name: "name", Type: catalog.TypeText, Class: catalog.ClassPersonal},
	}
	rev := e.define(next)
	got, err := e.s.Collection(e.ctx, "places")
	if err != nil {
		e.Fatal(err)
	}
	old := places()
	want, err := old.Alter(next)
	if err != nil {
		e.Fatal(err)
	}
	want.Rev = rev
	if !reflect.DeepEqual(got, want) {
		e.Errorf("altered:\nwant %+v\ngot  %+v", want, got)
	}
	f := e.now(e.s, "places", "a")
	if !f.Props.Get("storeys").IsNull() || f.Props.Get("n") != catalog.Integer(1) {
		e.Errorf("altering changed a feature: %s", show(f))
	}
	if r := e.apply(e.s, put("a", "name", "x", "n", 1)); r.Unchanged != 1 {
		e.Errorf("the same put after altering: %+v", r)
	}
	e.apply(e.s, put("a", "name", "x", "n", 1, "storeys", 7), put("b", "storeys", 1))
	if f := e.now(e.s, "places", "a"); f.Props.Get("storeys") != catalog.Integer(7) {
		e.Errorf("the new field: %s", show(f))
	}
	if f := e.get(e.s, "places", "a", catalog.At{Known: rev}); f == nil || !f.Props.Get("storeys").IsNull() {
		e.Errorf("before the new field was set: %s", show(f))
	}
}

func testDefineRefuse(e *env) {
	e.define(places())
	retyped, narrowed := places(), places()
	retyped.Fields[2].Type = catalog.TypeText
	narrowed.Geometry = catalog.GeometryPoint
	twice := places()
	twice.Fields = append(twice.Fields, twice.Fields[0])
	for what, c := range map[string]catalog.Collection{
		"another type":        retyped,
		"a narrower geometry": narrowed,
		"a field twice":       twice,
		"a name with capital": {Name: "Wards", Geometry: catalog.GeometryAny},
		"SQL for a name":      {Name: `x"; drop table places; --`, Geometry: catalog.GeometryAny},
		"a reserved name":     {Name: "nagar_x", Geometry: catalog.GeometryAny},
		"no geometry kind":    {Name: "x"},
		"an unknown type":     {Name: "x", Geometry: catalog.GeometryAny, Fields: []catalog.Field{{Name: "a", Type: "blob"}}},
		"a NUL in a field":    {Name: "x", Geometry: catalog.GeometryAny, Fields: []catalog.Field{{Name: "a\x00", Type: "text"}}},
	} {
		before := e.head(e.s)
		_, err := e.s.Define(e.ctx, c)
		e.wantInvalid(err, what)
		if e.head(e.s) != before {
			e.Errorf("%s: a refused definition spent a revision", what)
		}
	}
}

// testUnknown asks for what is not there, in every way.
func testUnknown(e *env) {
	e.define(places())
	_, err := e.s.Collection(e.ctx, "nowhere")
	wantNotFound(e, "Collection", err)
	_, err = e.s.Feature(e.ctx, "nowhere", "a", catalog.At{})
	wantNotFound(e, "Feature of no collection", err)
	_, err = e.s.Feature(e.ctx, "places", "a", catalog.At{})
	wantNotFound(e, "Feature", err)
	_, err = e.s.History(e.ctx, "places", "a")
	wantNotFound(e, "History", err)
	_, err = e.s.Scan(e.ctx, catalog.Query{Collection: "nowhere"}, func(*catalog.Feature) error { return nil })
	wantNotFound(e, "Scan", err)
	op := put("a")
	op.Collection = "nowhere"
	var inv *catalog.Invalid
	if err := e.refuse(op); !errors.Is(err, catalog.ErrNotFound) && !errors.As(err, &inv) {
		e.Errorf("put into no collection: %v", err)
	}
	for _, name := range []string{`places"; drop table places; --`, "nagar", "sqlite_master", "pg_class", "spatial_ref_sys", ""} {
		_, err := e.s.Scan(e.ctx, catalog.Query{Collection: name}, func(*catalog.Feature) error { return nil })
		wantNotFound(e, "Scan "+name, err)
	}
}

func wantNotFound(e *env, what string, err error) {
	e.Helper()
	if !errors.Is(err, catalog.ErrNotFound) {
		e.Errorf("%s: want ErrNotFound, got %v", what, err)
	}
}

// testDefineSeen holds that no handle works with a stale description.
func testDefineSeen(e *env) {
	other := e.open()
	e.define(places())
	if _, err := other.Collection(e.ctx, "places"); err != nil {
		e.Errorf("the other handle: %v", err)
	}
	e.apply(other, put("a", "name", "x"))
	next := places()
	next.Fields = append(next.Fields, catalog.Field{Name: "new", Type: catalog.TypeText})
	if _, err := other.Define(e.ctx, next); err != nil {
		e.Fatal(err)
	}
	e.apply(e.s, put("b", "new", "fresh"))
	if f := e.now(other, "places", "b"); f.Props.Get("new") != catalog.Text("fresh") {
		e.Errorf("through the other handle: %s", show(f))
	}
	all, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	if len(all) != 2 {
		e.Errorf("scan: %d features", len(all))
	}
}

func testManyFields(e *env) {
	c := catalog.Collection{Name: "wide", Geometry: catalog.GeometryPoint}
	f := feature("a")
	for i := range 600 {
		name := "f" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + string(rune('a'+i/26))
		c.Fields = append(c.Fields, catalog.Field{Name: name, Type: catalog.TypeInteger})
		f.Props = append(f.Props, catalog.Property{Name: name, Value: catalog.Integer(int64(i))})
	}
	e.define(c)
	e.apply(e.s, catalog.Op{Kind: catalog.Put, Collection: "wide", Feature: f})
	got := e.now(e.s, "wide", "a")
	e.compare("600 fields", &f, got, true)
}

func testFuture(e *env) {
	if e.h.Future == nil {
		e.Skip("the harness cannot make a store of the future")
	}
	e.define(places())
	e.apply(e.s, put("a"))
	e.close(e.s)
	e.noVerify = true
	e.h.Future(e, e.location)
	s, err := e.h.Open(e.ctx, e.location)
	if err == nil {
		s.Close()
		e.Fatal("a store of the future was opened")
	}
	if !errors.Is(err, catalog.ErrFuture) || len(err.Error()) < len(catalog.ErrFuture.Error())+5 {
		e.Errorf("want ErrFuture and what to do, got %v", err)
	}
}
