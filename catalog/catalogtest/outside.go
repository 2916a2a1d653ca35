package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

var outsideCases = []testCase{
	{name: "outside/sql", outside: true, run: testOutsideSQL},
	{name: "outside/first-wins", outside: true, run: testOutsideConflict},
	{name: "outside/while-closed", outside: true, run: testOutsideClosed},
	{name: "outside/all-gone", outside: true, run: testOutsideAllGone},
	{name: "outside/many", outside: true, run: testOutsideMany},
	{name: "outside/transaction", only: PostGIS, outside: true, run: testOutsideTransaction},
	{name: "outside/slow", only: PostGIS, outside: true, run: testOutsideSlow},
	{name: "outside/locked", only: GeoPackage, outside: true, run: testOutsideLocked},
}

// becomes waits until the feature's name is as wanted ("" for gone).
func (e *env) becomes(id, name string) *catalog.Feature {
	e.Helper()
	var f *catalog.Feature
	e.waitFor(e.s, fmt.Sprintf("%s named %q", id, name), func() bool {
		f = e.get(e.s, "places", id, catalog.At{})
		return f == nil && name == "" || f != nil && name != "" && f.Props.Get("name").Str() == name
	})
	return f
}

// testOutsideSQL inserts, updates and deletes by plain SQL while a follower listens.
func testOutsideSQL(e *env) {
	e.define(places())
	own := e.apply(e.s, put("a", "name", "ours", "n", 1<<53+1, "height_m", 2.5, "day", oddValues[catalog.TypeDate][0],
		"seen", oddValues[catalog.TypeTime][0], "ok", true, "extra", catalog.JSON(`{"a": [1]}`)), put("b", "name", "stays"))
	e.sql(`UPDATE places SET name = 'theirs' WHERE id = 'a'`)
	got := e.becomes("a", "theirs")
	want := *e.get(e.s, "places", "a", catalog.At{Known: own.Rev})
	for i, p := range want.Props {
		if p.Name == "name" {
			want.Props[i].Value = catalog.Text("theirs")
		}
	}
	if !got.Props.Equal(want.Props) || !got.Geometry.Equal(&want.Geometry) || got.Rev <= own.Rev {
		e.Errorf("an update of one column:\nwant %s\ngot  %s", show(&want), show(got))
	}
	commits, _ := e.changes(e.s, own.Rev)
	if ch := written(commits, "places"); len(ch) != 1 || ch[0].Old == nil || ch[0].Old.Props.Get("name").Str() != "ours" || ch[0].New.Props.Get("name").Str() != "theirs" || ch[0].Old.Rev != own.Rev {
		e.Errorf("the feed of an update: %+v", ch)
	}
	if v, err := e.s.History(e.ctx, "places", "a"); err != nil || len(v) != 3 {
		e.Errorf("history after an update: %d versions of 3, %v", len(v), err)
	}
	if old := e.get(e.s, "places", "a", catalog.At{AsOf: got.ValidFrom.Add(-time.Second)}); old == nil || old.Props.Get("name").Str() != "ours" {
		e.Errorf("before the update it was %s", show(old))
	}
	// The geometry, and an insert with and without an id.
	e.sql(`UPDATE places SET geom = `+e.pointSQL(72.9, 19.2)+` WHERE id = 'a'`,
		`INSERT INTO places (id, name, n, geom) VALUES ('c', 'नवीन', -9223372036854775808, `+e.pointSQL(73, 19)+`)`,
		`INSERT INTO places (name, geom) VALUES ('nameless', `+e.pointSQL(74, 20)+`)`,
		`INSERT INTO places (id, name) VALUES ('nowhere', 'no geometry')`)
	if f := e.becomes("c", "नवीन"); f.Props.Get("n") != oddValues[catalog.TypeInteger][3] || f.Geometry.Type != geo.Point || f.Geometry.Coords[0] != 73 {
		e.Errorf("inserted: %s", show(f))
	}
	e.becomes("nowhere", "no geometry")
	if f := e.now(e.s, "places", "a"); f.Geometry.Coords[0] != 72.9 || f.Geometry.Coords[1] != 19.2 {
		e.Errorf("moved: %s", show(f))
	}
	for box, want := range map[geo.Box]string{{W: 72.9, S: 19.2, E: 72.9, N: 19.2}: "a", {W: 73, S: 19, E: 73, N: 19}: "c"} {
		if got, _ := e.scan(e.s, catalog.Query{Collection: "places", Box: &box}); len(got) != 1 || got[want] == nil {
			e.Errorf("box %v: %d features, want %s", box, len(got), want)
		}
	}
	all, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	named := 0
	for id, f := range all {
		if f.Props.Get("name").Str() == "nameless" && id != "" && e.get(e.s, "places", id, catalog.At{}) != nil {
			named++
		}
	}
	if named != 1 || len(all) != 5 {
		e.Errorf("%d features, %d that got an id", len(all), named)
	}
	e.sql(`DELETE FROM places WHERE id = 'a'`)
	e.becomes("a", "")
	if f := e.get(e.s, "places", "a", catalog.At{Known: e.head(e.s) - 1}); f == nil {
		e.Error("what was deleted is not known as it was")
	}
	took := make([]time.Duration, 5)
	for i := range took {
		e.sql(fmt.Sprintf(`UPDATE places SET n = %d WHERE id = 'c'`, i))
		start := time.Now()
		e.waitFor(e.s, "an update", func() bool { return e.now(e.s, "places", "c").Props.Get("n") == catalog.Integer(int64(i)) })
		took[i] = time.Since(start)
	}
	e.quickest("to hear of an edit from outside", time.Second, took)
	// Ours again, over theirs.
	if r := e.apply(e.s, put("a", "name", "back"), put("c", "name", "ours"), put("b", "name", "stays")); r.Created != 1 || r.Updated != 1 || r.Unchanged != 1 {
		e.Errorf("after edits from outside: %+v", r)
	}
}

// testOutsideConflict holds that a write of ours sees an edit from outside that
// came before it, waited for or not.
func testOutsideConflict(e *env) {
	e.define(places())
	seen := e.apply(e.s, put("a", "name", "one"), put("b", "name", "one")).Rev
	e.sql(`UPDATE places SET name = 'two' WHERE id = 'a'`)
	var c *catalog.Conflict
	_, err := e.s.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(provided(seen, put("a", "name", "three")))})
	if !errors.As(err, &c) || c.Want != seen || c.Have <= seen {
		e.Errorf("a write over an edit from outside: %v", err)
	}
	e.sql(`UPDATE places SET name = 'two' WHERE id = 'b'`)
	if r := e.apply(e.s, put("b", "name", "one")); r.Updated != 1 {
		e.Errorf("writing back what an edit from outside had changed: %+v", r)
	}
	if f := e.now(e.s, "places", "b"); f.Props.Get("name").Str() != "one" {
		e.Errorf("written back: %s", show(f))
	}
}

// testOutsideClosed edits while nobody of ours is there.
func testOutsideClosed(e *env) {
	e.define(places())
	before := e.apply(e.s, put("a", "name", "one"), put("b", "name", "one")).Rev
	e.close(e.s)
	e.sql(`UPDATE places SET name = 'two' WHERE id = 'a'`, `DELETE FROM places WHERE id = 'b'`, `INSERT INTO places (id, name) VALUES ('c', 'three')`)
	e.s = e.open()
	e.becomes("a", "two")
	e.becomes("b", "")
	e.becomes("c", "three")
	commits, _ := e.changes(e.s, before)
	if n := len(written(commits, "places")); n != 3 {
		e.Errorf("the feed of three edits has %d changes", n)
	}
}

// testOutsideAllGone empties the table at one stroke, and fills it again.
func testOutsideAllGone(e *env) {
	e.define(places())
	before := e.fill(500).Rev
	statement := `DELETE FROM places`
	if e.h.Dialect == PostGIS {
		statement = `TRUNCATE places`
	}
	e.sql(statement)
	e.becomes("f499", "")
	if got, _ := e.scan(e.s, catalog.Query{Collection: "places"}); len(got) != 0 {
		e.Errorf("%d features are left", len(got))
	}
	commits, _ := e.changes(e.s, before)
	if n := len(written(commits, "places")); n != 500 || len(commits) != 1 {
		e.Errorf("the feed has %d changes in %d commits", n, len(commits))
	}
	if got, _ := e.scan(e.s, catalog.Query{Collection: "places", At: catalog.At{Known: before}}); len(got) != 500 {
		e.Errorf("known before: %d features", len(got))
	}
	if r := e.fill(500); r.Created != 500 {
		e.Errorf("filled again: %+v", r)
	}
}

// testOutsideMany changes many rows by one statement: each is told of, old and new.
func testOutsideMany(e *env) {
	e.define(places())
	before := e.fill(2000).Rev
	e.sql(`UPDATE places SET n = n + 1, name = 'bulk' WHERE n >= 500`)
	e.becomes("f1999", "bulk")
	commits, _ := e.changes(e.s, before)
	changes := written(commits, "places")
	if len(changes) != 1500 || len(commits) != 1 {
		e.Errorf("%d changes in %d commits", len(changes), len(commits))
	}
	for _, ch := range changes {
		if ch.Old == nil || ch.New == nil || ch.New.Props.Get("n").Int() != ch.Old.Props.Get("n").Int()+1 {
			e.Fatalf("a change of many: %s → %s", show(ch.Old), show(ch.New))
		}
	}
	if f := e.now(e.s, "places", "f499"); f.Rev != before {
		e.Errorf("untouched: %s", show(f))
	}
}

// testOutsideTransaction holds that a foreign transaction is one revision, and
// one rolled back is none.
func testOutsideTransaction(e *env) {
	e.define(places())
	before := e.apply(e.s, put("a", "name", "one"), put("b", "name", "one"), put("c", "name", "one")).Rev
	s := e.session()
	s.do(`BEGIN`, `UPDATE places SET name = 'lost'`, `INSERT INTO places (id) VALUES ('lost')`, `ROLLBACK`)
	s.do(`BEGIN`, `UPDATE places SET name = 'two' WHERE id = 'a'`, `UPDATE places SET name = 'three' WHERE id = 'a'`,
		`DELETE FROM places WHERE id = 'b'`, `INSERT INTO places (id, name) VALUES ('d', 'x')`,
		`INSERT INTO places (id, name) VALUES ('brief', 'x')`, `DELETE FROM places WHERE id = 'brief'`,
		`UPDATE places SET name = name WHERE id = 'c'`)
	if e.head(e.s) != before {
		e.Error("an open transaction is seen")
	}
	s.do(`COMMIT`)
	e.becomes("a", "three")
	commits, _ := e.changes(e.s, before)
	if len(commits) != 1 {
		e.Errorf("a transaction is %d revisions", len(commits))
	}
	ids := map[string]string{}
	for _, ch := range written(commits, "places") {
		ids[ch.ID] += fmt.Sprint(show(ch.Old) != "nothing", show(ch.New) != "nothing")
	}
	if ids["a"] != "true true" || ids["b"] != "true false" || ids["d"] != "false true" || ids["brief"] != "" || len(ids) > 4 {
		e.Errorf("the changes of the transaction: %v", ids)
	}
	for _, ch := range written(commits, "places") {
		if ch.ID == "a" && (ch.Old.Props.Get("name").Str() != "one" || ch.New.Props.Get("name").Str() != "three") {
			e.Errorf("twice in one transaction: %s → %s", show(ch.Old), show(ch.New))
		}
	}
	if f := e.now(e.s, "places", "c"); f.Props.Get("name").Str() != "one" {
		e.Errorf("written as it was: %s", show(f))
	}
}

// testOutsideSlow holds a foreign write open: the others go on, are read and
// followed, and the slow one gets the revision of its commit.
func testOutsideSlow(e *env) {
	e.define(places())
	e.apply(e.s, put("a", "name", "one"), put("b", "name", "one"))
	s := e.session()
	s.do(`BEGIN`, `INSERT INTO places (id, name) VALUES ('slow', 'x')`, `UPDATE places SET name = 'slow' WHERE id = 'b'`)
	ctx, cancel := context.WithTimeout(e.ctx, waitLong) // who waits for the other transaction waits for ever
	defer cancel()
	var last catalog.Rev
	for i := range 5 {
		from := e.head(e.s)
		r, err := e.s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(put("a", "name", fmt.Sprint("two ", i)), put(fmt.Sprint("new", i)))})
		if err != nil {
			e.Fatalf("while another transaction is open: %v", err)
		}
		if err := e.s.Wait(ctx, from); err != nil {
			e.Fatalf("while another transaction is open: wait: %v", err)
		}
		commits, reached := e.changes(e.s, from)
		if len(commits) != 1 || reached != r.Rev {
			e.Errorf("while another transaction is open: %d commits up to %d, wrote %d", len(commits), reached, r.Rev)
		}
		last = r.Rev
	}
	if e.get(e.s, "places", "slow", catalog.At{}) != nil {
		e.Error("an open transaction is seen")
	}
	s.do(`COMMIT`)
	e.becomes("b", "slow")
	commits, _ := e.changes(e.s, last)
	if len(commits) != 1 || len(commits[0].Changes) != 2 || commits[0].Rev <= last {
		e.Errorf("the slow transaction in the feed after %d: %+v", last, commits)
	}
}

// testOutsideLocked holds the file's write lock from outside: readers go on,
// writers wait as long as they are willing to, and go on when it is free.
func testOutsideLocked(e *env) {
	e.define(places())
	e.apply(e.s, put("a", "name", "one"))
	s := e.session()
	s.do(`BEGIN IMMEDIATE`)
	if f := e.now(e.s, "places", "a"); f.Props.Get("name").Str() != "one" {
		e.Errorf("read under a foreign lock: %s", show(f))
	}
	ctx, cancel := context.WithTimeout(e.ctx, 200*time.Millisecond)
	defer cancel()
	e.soon("Apply", func() {
		_, err := e.s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(put("a", "name", "two"))})
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, catalog.ErrUnavailable) {
			e.Errorf("write under a foreign lock: %v", err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			e.Errorf("an error of many lines: %v", err)
		}
	})
	done := make(chan error, 1)
	go func() {
		_, err := e.s.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(put("a", "name", "three"))})
		done <- err
	}()
	s.do(`ROLLBACK`)
	if err := <-done; err != nil {
		e.Errorf("write after a foreign lock: %v", err)
	}
	if f := e.now(e.s, "places", "a"); f.Props.Get("name").Str() != "three" {
		e.Errorf("after: %s", show(f))
	}
}
