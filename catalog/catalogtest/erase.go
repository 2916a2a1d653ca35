package catalogtest

import (
	"errors"
	"strings"

	"nagar/catalog"
	"nagar/geo"
)

var eraseCases = []testCase{
	{name: "erase", run: testErase},
}

// testErase holds that what is erased is nowhere to be read: not now, not then,
// not in history, not in the feed.
func testErase(e *env) {
	e.define(places())
	e.apply(e.s, since(year(2000), put("a", "name", "secret one", "n", 1)), put("bystander", "name", "secret too"))
	e.apply(e.s, since(year(2010), put("a", "name", "secret two", "n", 2)))
	e.apply(e.s, since(year(2010), put("a", "name", "secret three", "n", 3)))
	e.apply(e.s, put("gone", "name", "secret"))
	before := e.apply(e.s, del("gone"))
	seen := e.now(e.s, "places", "a").Rev
	erase := func(id string, fields ...string) catalog.Op {
		return catalog.Op{Kind: catalog.Erase, Collection: "places", Feature: catalog.Feature{ID: id}, Fields: fields}
	}
	r := e.apply(e.s, erase("a", "name"), erase("gone"), erase("nobody"))
	if r.Erased != 2 || r.Unchanged != 1 || r.Rev <= before.Rev {
		e.Errorf("erase: %+v", r)
	}
	check := func(what string, f *catalog.Feature) {
		e.Helper()
		if f != nil && f.ID != "bystander" && strings.Contains(show(f), "secret") {
			e.Errorf("%s still says %s", what, show(f))
		}
	}
	for _, id := range []string{"a", "gone"} {
		versions, err := e.s.History(e.ctx, "places", id)
		if err != nil || len(versions) < 1 {
			e.Errorf("history of %s: %d versions, %v", id, len(versions), err)
		}
		for _, v := range versions {
			check("history", &v.Feature)
			if id == "gone" && v.Geometry.Type != geo.None {
				e.Errorf("an erased geometry: %s", show(&v.Feature))
			}
			if id == "a" && v.Geometry.Type != geo.Point {
				e.Errorf("erasing a name erased the geometry: %s", show(&v.Feature))
			}
		}
	}
	for rev := catalog.Rev(1); rev <= r.Rev; rev++ {
		for _, y := range []int{2005, 2015} {
			check("the past", e.get(e.s, "places", "a", catalog.At{AsOf: year(y), Known: rev}))
		}
		got, _ := e.scan(e.s, catalog.Query{Collection: "places", At: catalog.At{Known: rev}})
		check("a past scan", got["a"])
		check("a past scan", got["gone"])
	}
	commits, _ := e.changes(e.s, 0)
	for _, ch := range written(commits, "places") {
		check("the feed", ch.Old)
		check("the feed", ch.New)
	}
	scrubbed := written(commits[len(commits)-1:], "places")
	for _, ch := range scrubbed {
		if ch.Kind != catalog.Scrubbed || ch.ID == "a" && (ch.New == nil || ch.New.Props.Get("n") != catalog.Integer(3)) || ch.ID == "gone" && ch.New != nil {
			e.Errorf("the feed of an erase: %+v: %s → %s", ch, show(ch.Old), show(ch.New))
		}
	}
	if len(scrubbed) != 2 {
		e.Errorf("the feed of an erase has %d changes", len(scrubbed))
	}
	if f := e.get(e.s, "places", "a", catalog.At{AsOf: year(2005)}); f == nil || f.Props.Get("n") != catalog.Integer(1) {
		e.Errorf("what was not erased is lost: %s", show(f))
	}
	if f := e.now(e.s, "places", "bystander"); f.Props.Get("name") != catalog.Text("secret too") {
		e.Errorf("a bystander: %s", show(f))
	}
	var c *catalog.Conflict
	if err := e.refuse(provided(seen, put("a", "name", "secret again"))); !errors.As(err, &c) {
		e.Errorf("a writer who saw the erased content: %v", err)
	}
}
