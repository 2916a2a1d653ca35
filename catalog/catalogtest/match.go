package catalogtest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

var matchCases = []testCase{
	{name: "match/brute-force", run: testMatch},
	{name: "match/refuse", run: testMatchRefuse},
	{name: "match/values", run: testMatchValues},
	{name: "match/altered", run: testMatchAltered},
	{name: "match/many", run: testScanAll},
	{name: "match/erased", run: testMatchErased},
	{name: "match/outside", outside: true, run: testMatchOutside},
	{name: "match/dropped-outside", outside: true, run: testMatchDropped},
}

// linked is places with a link, and an indexed number.
func linked() catalog.Collection {
	c := places()
	c.Fields[0].Link = "structures"
	c.Fields[2].Indexed = true
	return c
}

func (e *env) match(s catalog.Store, at catalog.At, field string, values ...string) map[string]*catalog.Feature {
	e.Helper()
	got, _ := e.scan(s, catalog.Query{Collection: "places", At: at, Match: &catalog.Match{Field: field, Values: values}})
	return got
}

// wantIDs asserts which features a match found, ids with spaces between.
func (e *env) wantIDs(what string, got map[string]*catalog.Feature, ids string) {
	e.Helper()
	want := strings.Fields(ids)
	for _, id := range want {
		if got[id] == nil {
			e.Errorf("%s: %s is missing", what, id)
		}
	}
	if len(got) != len(want) {
		e.Errorf("%s: %d features, want %s", what, len(got), ids)
	}
}

// testMatch compares matches, now and in the past, in a box and without one, with
// a loop over everything.
func testMatch(e *env) {
	e.define(linked())
	rng := e.rng()
	model := newOracle()
	var revs []catalog.Rev
	var asofs []time.Time
	for step := range 5 {
		from := year(2000 + 3*step)
		var ops []catalog.Op
		for i := range 200 {
			id := fmt.Sprint("f", i)
			op := since(from, put(id, "name", fmt.Sprint("s", rng.IntN(30)), "n", rng.IntN(20)-10, "height_m", float64(step)))
			op.Feature.Geometry = randomGeometry(rng)
			switch rng.IntN(6) {
			case 0:
				op = since(from, del(id))
			case 1:
				op.Feature.Props = op.Feature.Props[2:] // without name and n
			case 2:
				continue
			}
			ops = append(ops, op)
		}
		r := e.apply(e.s, ops...)
		if _, err := model.apply(ops, r.Rev, time.Now()); err != nil {
			e.Fatal(err)
		}
		revs, asofs = append(revs, r.Rev), append(asofs, from, from.AddDate(1, 0, 0))
	}
	found := 0
	for i := range 150 {
		var at catalog.At
		if i%3 > 0 {
			at = catalog.At{AsOf: asofs[rng.IntN(len(asofs))], Known: revs[rng.IntN(len(revs))]}
		}
		q := catalog.Query{Collection: "places", At: at, Match: &catalog.Match{Field: "name"}}
		if i%2 == 0 {
			q.Match.Field = "n"
		}
		accepted := map[string]bool{}
		for range rng.IntN(4) {
			v := fmt.Sprint("s", rng.IntN(31))
			if i%2 == 0 {
				v = fmt.Sprint(rng.IntN(21) - 10)
			}
			q.Match.Values = append(q.Match.Values, v, v) // twice is once
			accepted[v] = true
		}
		if i%5 == 0 {
			box := randomBox(rng)
			q.Box = &box
		}
		asof := at.AsOf
		if asof.IsZero() {
			asof = time.Now()
		}
		want := model.scan(asof, at.Known)
		for id, f := range want {
			if v := f.Props.Get(q.Match.Field); v.IsNull() || !accepted[v.String()] || q.Box != nil && !f.Geometry.Box().Intersects(*q.Box) {
				delete(want, id)
			}
		}
		found += len(want)
		got, _ := e.scan(e.s, q)
		e.compareAll(fmt.Sprintf("%s of %v, box %v, asof %s known %d", q.Match.Field, q.Match.Values, q.Box, stamp(at.AsOf), at.Known), want, got, false)
		if e.Failed() {
			return
		}
	}
	if found == 0 {
		e.Error("no match found anything: the test tests nothing")
	}
	e.everMatched(model)
}

// everMatched compares what was ever of a value with all versions that there were.
func (e *env) everMatched(model *oracle) {
	e.Helper()
	past := 0
	for i := range 30 {
		name := fmt.Sprint("s", i)
		want, got := map[string]bool{}, map[string]bool{}
		for id, l := range model.lives {
			for _, v := range l.versions {
				if v.Props.Get("name").Str() == name {
					want[fmt.Sprint(id, v.Props.Get("height_m"))] = true
				}
			}
		}
		_, err := e.s.Scan(e.ctx, catalog.Query{Collection: "places", Ever: true, Match: &catalog.Match{Field: "name", Values: []string{name}}}, func(f *catalog.Feature) error {
			got[fmt.Sprint(f.ID, f.Props.Get("height_m"))] = true
			return nil
		})
		if err != nil || !maps.Equal(want, got) {
			e.Errorf("ever %s: %d versions, want %d, %v", name, len(got), len(want), err)
		}
		past += len(want)
	}
	all := 0
	if _, err := e.s.Scan(e.ctx, catalog.Query{Collection: "places", Ever: true}, func(*catalog.Feature) error { all++; return nil }); err != nil || all < past {
		e.Errorf("ever, of any value: %d versions, %v; %d have a value", all, err, past)
	}
}

func testMatchRefuse(e *env) {
	c := linked()
	e.define(c)
	for _, m := range []catalog.Match{
		{Field: "day", Values: []string{"x"}}, {Field: "nowhere", Values: []string{"x"}}, {Field: "", Values: nil},
		{Field: "n", Values: []string{"1", "one"}}, {Field: "name", Values: []string{"a\x00b"}}, {Field: "name", Values: []string{"\xff"}}, {Field: "n", Values: []string{"9223372036854775808"}},
	} {
		_, err := e.s.Scan(e.ctx, catalog.Query{Collection: "places", Match: &m}, func(*catalog.Feature) error { return nil })
		e.wantInvalid(err, fmt.Sprintf("a match of %q with %q", m.Field, m.Values))
	}
	for what, spoil := range map[string]func(*catalog.Field){
		"an indexed real":    func(f *catalog.Field) { f.Name, f.Type, f.Indexed = "x", catalog.TypeReal, true },
		"an indexed JSON":    func(f *catalog.Field) { f.Name, f.Type, f.Indexed = "x", catalog.TypeJSON, true },
		"a link of integers": func(f *catalog.Field) { f.Name, f.Type, f.Link = "x", catalog.TypeInteger, "structures" },
		"a link to nothing":  func(f *catalog.Field) { f.Name, f.Type, f.Link = "x", catalog.TypeText, "No Such" },
	} {
		next := linked()
		var f catalog.Field
		spoil(&f)
		next.Fields = append(next.Fields, f)
		_, err := e.s.Define(e.ctx, next)
		e.wantInvalid(err, what)
	}
	if got, err := e.s.Collection(e.ctx, "places"); err != nil || got.Fields[0].Link != "structures" || !got.Fields[2].Indexed || got.Fields[1].Findable() {
		e.Errorf("the description: %+v, %v", got.Fields[:3], err)
	}
}

// testMatchValues holds that a match is exact: no case, no spaces, no number in a
// text is taken for another, and a text of any length is found.
func testMatchValues(e *env) {
	e.define(linked())
	long := strings.Repeat("लंबा ", 900) // more than an entry of a B-tree holds
	texts := []string{"a", "A", " a", "a ", "007", "7", "", "ÿ", "y\u0308", "x' or '1'='1", `a"b`, "नगर", long, long + "x", "100%", "NULL"}
	var ops []catalog.Op
	for i, s := range texts {
		ops = append(ops, put(fmt.Sprint(i), "name", s, "n", i-5))
	}
	e.apply(e.s, append(ops, put("none"))...)
	for i, s := range texts {
		e.wantIDs(fmt.Sprintf("%.20q", s), e.match(e.s, catalog.At{}, "name", s), fmt.Sprint(i))
		e.wantIDs(fmt.Sprint(i-5), e.match(e.s, catalog.At{Known: e.head(e.s)}, "n", fmt.Sprint(i-5)), fmt.Sprint(i))
	}
	e.wantIDs("seven, however written", e.match(e.s, catalog.At{}, "n", "007", "7", "+7"), "12")
	e.wantIDs("no value at all", e.match(e.s, catalog.At{}, "name"), "")
	e.wantIDs("all", e.match(e.s, catalog.At{}, "name", texts...), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15")
}

// testMatchAltered gives a field that is filled its index, and takes it back.
func testMatchAltered(e *env) {
	e.define(places())
	first := e.apply(e.s, since(year(2000), put("a", "name", "x")), since(year(2000), put("b", "name", "y")))
	e.apply(e.s, since(year(2010), put("a", "name", "y")))
	other := e.open()
	e.match(e.openDefined(other, linked()), catalog.At{}, "name", "x")
	e.wantIDs("now", e.match(e.s, catalog.At{}, "name", "y"), "a b")
	e.wantIDs("then", e.match(e.s, catalog.At{AsOf: year(2005)}, "name", "x"), "a")
	e.wantIDs("as known first", e.match(e.s, catalog.At{Known: first.Rev}, "name", "x", "y"), "a b")
	e.openDefined(other, places())
	_, err := e.s.Scan(e.ctx, catalog.Query{Collection: "places", Match: &catalog.Match{Field: "name"}}, func(*catalog.Feature) error { return nil })
	e.wantInvalid(err, "a match of a field that is indexed no more")
	e.openDefined(other, linked())
	e.apply(e.s, since(year(2020), put("b", "name", "x")))
	e.wantIDs("with its index again", e.match(other, catalog.At{}, "name", "x"), "b")
	// A field that is new, and indexed from its beginning.
	next := linked()
	next.Fields = append(next.Fields, catalog.Field{Name: "key", Type: catalog.TypeText, Indexed: true})
	e.define(next)
	e.apply(e.s, put("c", "key", "k"))
	e.wantIDs("the new field", e.match(other, catalog.At{}, "key", "k"), "c")
}

// openDefined defines the collection through s, which it returns.
func (e *env) openDefined(s catalog.Store, c catalog.Collection) catalog.Store {
	e.Helper()
	if _, err := s.Define(e.ctx, c); err != nil {
		e.Fatalf("define %s: %v", c.Name, err)
	}
	return s
}

// testScanAll asks many questions of one snapshot, while somebody writes.
func testScanAll(e *env) {
	e.define(linked())
	records := linked()
	records.Name = "records"
	e.define(records)
	write := func(s catalog.Store, n int) error {
		a, b := put("a", "name", "s", "n", n), put("b", "name", "s", "n", n)
		b.Collection = "records"
		_, err := s.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(a, b)})
		return err
	}
	if err := write(e.s, 0); err != nil {
		e.Fatal(err)
	}
	other := e.open()
	done, stop := make(chan error, 1), make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := write(other, n); err != nil {
				done <- err
				return
			}
		}
	}()
	match := &catalog.Match{Field: "name", Values: []string{"s"}}
	box, nowhere, empty := geo.World(), geo.Box{W: 1, S: 1, E: 2, N: 2}, geo.EmptyBox()
	queries := []catalog.Query{{Collection: "places", Match: match}, {Collection: "records", Match: match}, {Collection: "places", Box: &nowhere},
		{Collection: "records", Box: &box}, {Collection: "places"}, {Collection: "places", Box: &empty, Match: match}, {Collection: "places", Match: &catalog.Match{Field: "n"}}}
	for range 40 {
		seen := map[int]int64{}
		rev, err := e.s.ScanAll(e.ctx, queries, func(i int, f *catalog.Feature) error {
			if _, twice := seen[i]; twice {
				e.Errorf("query %d gave two features", i)
			}
			seen[i] = f.Props.Get("n").Int()
			if f.Rev == 0 {
				e.Errorf("query %d: a feature without revision", i)
			}
			return nil
		})
		if err != nil || rev == 0 || len(seen) != 4 || seen[0] != seen[1] || seen[0] != seen[3] || seen[0] != seen[4] {
			e.Errorf("one snapshot at %d, %v: %v", rev, err, seen)
			break
		}
	}
	close(stop)
	if err := <-done; err != nil {
		e.Error(err)
	}
	if rev, err := e.s.ScanAll(e.ctx, nil, nil); err != nil || rev != e.head(e.s) {
		e.Errorf("no questions: revision %d, %v", rev, err)
	}
	enough := errors.New("enough")
	if _, err := e.s.ScanAll(e.ctx, queries, func(int, *catalog.Feature) error { return enough }); !errors.Is(err, enough) {
		e.Errorf("the caller's error: %v", err)
	}
	_, err := e.s.ScanAll(e.ctx, append(queries, catalog.Query{Collection: "nowhere"}), func(int, *catalog.Feature) error { return nil })
	wantNotFound(e, "ScanAll", err)
	_, err = e.s.ScanAll(e.ctx, append(queries, catalog.Query{Collection: "places", Match: &catalog.Match{Field: "day"}}), func(int, *catalog.Feature) error { return nil })
	e.wantInvalid(err, "ScanAll by a field that is not indexed")
	e.now(e.s, "places", "a") // the handle is of use after all that
}

func testMatchErased(e *env) {
	e.define(linked())
	old := e.apply(e.s, since(year(2000), put("a", "name", "secret", "n", 1)))
	e.apply(e.s, since(year(2010), put("a", "name", "secret", "n", 2)))
	e.wantIDs("before", e.match(e.s, catalog.At{AsOf: year(2005)}, "name", "secret"), "a")
	e.apply(e.s, catalog.Op{Kind: catalog.Erase, Collection: "places", Feature: catalog.Feature{ID: "a"}, Fields: []string{"name"}})
	for _, at := range []catalog.At{{}, {AsOf: year(2005)}, {Known: old.Rev}} {
		e.wantIDs("an erased value", e.match(e.s, at, "name", "secret"), "")
	}
	e.wantIDs("what was not erased", e.match(e.s, catalog.At{AsOf: year(2005)}, "n", "1"), "a")
}

func testMatchOutside(e *env) {
	e.define(linked())
	e.apply(e.s, put("a", "name", "s1", "n", 1), put("b", "name", "s2"))
	e.wantIDs("ours", e.match(e.s, catalog.At{}, "name", "s1"), "a")
	before := e.head(e.s)
	e.sql(`UPDATE places SET name = 's3', n = 7 WHERE id = 'a'`,
		`INSERT INTO places (id, name, geom) VALUES ('c', 's3', `+e.pointSQL(73, 19)+`)`, `DELETE FROM places WHERE id = 'b'`)
	e.becomes("c", "s3")
	e.becomes("b", "")
	e.wantIDs("theirs", e.match(e.s, catalog.At{}, "name", "s3"), "a c")
	e.wantIDs("their number", e.match(e.s, catalog.At{}, "n", "7"), "a")
	e.wantIDs("what is no more", e.match(e.s, catalog.At{}, "name", "s1", "s2"), "")
	e.wantIDs("as it was known", e.match(e.s, catalog.At{Known: before}, "name", "s1", "s2", "s3"), "a b")
	// Who cannot write the file reads it all the same.
	box := geo.Box{W: 72.99, S: 18.99, E: 73.01, N: 19.01}
	got, _ := e.scan(e.s, catalog.Query{Collection: "places", Box: &box, Match: &catalog.Match{Field: "name", Values: []string{"s3"}}})
	e.wantIDs("in a box", got, "c")
}

// testMatchDropped takes the index away behind the store's back: it is slower
// then, and right.
func testMatchDropped(e *env) {
	e.define(linked())
	e.apply(e.s, put("a", "name", "s1"), put("b", "name", "s2"))
	e.wantIDs("with an index", e.match(e.s, catalog.At{}, "name", "s1"), "a")
	e.close(e.s)
	e.s = e.open()
	index := "nagar_field_1_0"
	if e.h.Dialect == PostGIS {
		index = "nagar_1_field_0"
	}
	e.sql(`DROP INDEX ` + index)
	e.apply(e.s, put("c", "name", "s1"))
	e.wantIDs("without", e.match(e.s, catalog.At{}, "name", "s1"), "a c")
	e.close(e.s)
	e.s = e.open()
	e.wantIDs("opened anew", e.match(e.s, catalog.At{}, "name", "s1"), "a c")
}
