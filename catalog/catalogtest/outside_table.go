package catalogtest

import "nagar/catalog"

var outsideTableCases = []testCase{
	{name: "outside/rename", outside: true, run: testOutsideRename},
	{name: "outside/insert-or-replace", outside: true, run: testOutsideReplace},
	{name: "outside/new-column", outside: true, run: testOutsideColumn},
	{name: "outside/dropped", outside: true, run: testOutsideDropped},
}

// testOutsideRename gives a feature another id: the old one ends, the new one begins.
func testOutsideRename(e *env) {
	e.define(places())
	before := e.apply(e.s, put("a", "name", "one"), put("b", "name", "one")).Rev
	e.sql(`UPDATE places SET id = 'z', name = 'two' WHERE id = 'a'`)
	e.becomes("z", "two")
	if f := e.get(e.s, "places", "a", catalog.At{}); f != nil {
		e.Errorf("the old id is still there: %s", show(f))
	}
	if f := e.get(e.s, "places", "a", catalog.At{Known: before}); f == nil || f.Props.Get("name").Str() != "one" {
		e.Errorf("the old id in the past: %s", show(f))
	}
	commits, _ := e.changes(e.s, before)
	if n := len(written(commits, "places")); n != 2 {
		e.Errorf("the feed of a rename has %d changes", n)
	}
	if r := e.apply(e.s, put("a", "name", "another"), put("z", "name", "three")); r.Created != 1 || r.Updated != 1 {
		e.Errorf("after a rename: %+v", r)
	}
}

// testOutsideReplace inserts over a row that is there, as scripts do. SQLite
// runs no delete trigger for the row that goes.
func testOutsideReplace(e *env) {
	e.define(places())
	before := e.apply(e.s, put("a", "name", "one", "n", 1), put("b", "name", "one")).Rev
	if e.h.Dialect == PostGIS {
		e.sql(`INSERT INTO places (id, name) VALUES ('a', 'two'), ('c', 'two') ON CONFLICT (id) DO UPDATE SET name = excluded.name, n = NULL`)
	} else {
		e.sql(`INSERT OR REPLACE INTO places (id, name) VALUES ('a', 'two')`, `INSERT OR REPLACE INTO places (id, name) VALUES ('c', 'two')`)
	}
	e.becomes("a", "two")
	e.becomes("c", "two")
	if f := e.now(e.s, "places", "a"); !f.Props.Get("n").IsNull() {
		e.Errorf("replaced: %s", show(f))
	}
	commits, _ := e.changes(e.s, before)
	for _, ch := range written(commits, "places") {
		if (ch.Old != nil) != (ch.ID == "a") || ch.New == nil {
			e.Errorf("the feed of a replacement: %s: %s → %s", ch.ID, show(ch.Old), show(ch.New))
		}
	}
	if f := e.get(e.s, "places", "a", catalog.At{Known: before}); f == nil || f.Props.Get("name").Str() != "one" {
		e.Errorf("the past of what was replaced: %s", show(f))
	}
	if r := e.apply(e.s, put("a", "name", "three")); r.Updated != 1 {
		e.Errorf("writing after it: %+v", r)
	}
}

// testOutsideColumn adds a column, as QGIS does when somebody adds a field: it
// becomes a field, not a public one, and both sides write it.
func testOutsideColumn(e *env) {
	e.define(places())
	e.apply(e.s, put("a", "name", "one"))
	e.sql(`ALTER TABLE places ADD COLUMN colour TEXT`, `UPDATE places SET colour = 'red', name = 'two' WHERE id = 'a'`)
	e.becomes("a", "two")
	e.waitFor(e.s, "a new field", func() bool {
		f := e.now(e.s, "places", "a")
		return f.Props.Get("colour") == catalog.Text("red")
	})
	c, err := e.s.Collection(e.ctx, "places")
	if err != nil {
		e.Fatal(err)
	}
	if f, ok := c.Field("colour"); !ok || f.Class == catalog.ClassPublic || f.Type != catalog.TypeText {
		e.Errorf("the new field: %+v", f)
	}
	e.apply(e.s, put("a", "name", "three", "colour", "blue"), put("b", "colour", "green"))
	if f := e.now(e.open(), "places", "b"); f.Props.Get("colour") != catalog.Text("green") {
		e.Errorf("written by us: %s", show(f))
	}
	e.sql(`UPDATE places SET colour = 'grey', name = 'four' WHERE id = 'b'`)
	if f := e.becomes("b", "four"); f.Props.Get("colour") != catalog.Text("grey") {
		e.Errorf("written by them: %s", show(f))
	}
}

// testOutsideDropped drops a table for good: what it held has ended, its past
// is still known, and everything else goes on.
func testOutsideDropped(e *env) {
	e.define(places())
	parks := places()
	parks.Name = "parks"
	e.define(parks)
	other := put("p", "name", "stays")
	other.Collection = "parks"
	before := e.apply(e.s, put("a", "name", "one"), other).Rev
	e.sql(`DROP TABLE places`)
	e.becomes("a", "")
	if f := e.get(e.s, "places", "a", catalog.At{Known: before}); f == nil || f.Props.Get("name").Str() != "one" {
		e.Errorf("the past of a dropped table: %s", show(f))
	}
	e.now(e.s, "parks", "p")
	if r := e.apply(e.s, put("a", "name", "again", "n", 1)); r.Created != 1 {
		e.Errorf("writing into a dropped collection: %+v", r)
	}
	if f := e.now(e.open(), "places", "a"); f.Props.Get("name").Str() != "again" {
		e.Errorf("after writing: %s", show(f))
	}
}
