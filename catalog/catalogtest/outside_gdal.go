package catalogtest

import (
	"fmt"
	"strings"

	"nagar/catalog"
	"nagar/geo"
)

var gdalCases = []testCase{
	{name: "gdal/append", outside: true, run: testAppend},
	{name: "gdal/upsert", only: GeoPackage, outside: true, run: testUpsert},
	{name: "gdal/overwrite", outside: true, run: testOverwrite},
	{name: "gdal/overwrite-plain", outside: true, run: testOverwritePlain},
	{name: "gdal/new-layer", outside: true, run: testNewLayer},
	{name: "gdal/read", outside: true, run: testRead},
	{name: "gdal/spatial-index", only: GeoPackage, outside: true, run: testSpatialIndex},
}

// outsiders are n features as an outside file has them: "new" ones and, by the
// same ids as fill's, known ones.
func outsiders(prefix string, from, to int, name string) []catalog.Feature {
	var out []catalog.Feature
	for i := from; i < to; i++ {
		f := feature(fmt.Sprint(prefix, i), "name", name, "n", i, "height_m", float64(i)+0.5)
		f.Geometry = geo.NewPoint(72+float64(i)/1024, 19)
		out = append(out, f)
	}
	return out
}

// matches asserts that the collection holds just these features, and no more.
func (e *env) matches(what string, want []catalog.Feature) {
	e.Helper()
	m := map[string]*catalog.Feature{}
	for i := range want {
		m[want[i].ID] = &want[i]
	}
	got, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	for _, f := range got {
		f.ValidFrom = m0(m[f.ID]).ValidFrom // outside edits are true from when they were made
	}
	e.compareAll(what, m, got, true)
}

func m0(f *catalog.Feature) *catalog.Feature {
	if f == nil {
		return &catalog.Feature{}
	}
	return f
}

func testAppend(e *env) {
	e.define(places())
	e.apply(e.s, put("ours", "name", "x"))
	rows := outsiders("t", 0, 700, "नवा")
	e.ogr2ogr(e.geojson(rows...), "-append", "-nln", "places")
	e.becomes("t699", "नवा")
	e.matches("appended", append(rows, feature("ours", "name", "x")))
	if r := e.apply(e.s, put("t3", "name", "ours now"), del("t4")); r.Updated != 1 || r.Deleted != 1 {
		e.Errorf("writing to appended rows: %+v", r)
	}
	// And again, after writes of ours.
	more := outsiders("u", 0, 20, "more")
	e.ogr2ogr(e.geojson(more...), "-append", "-nln", "places")
	e.becomes("u19", "more")
	if got, _ := e.scan(e.s, catalog.Query{Collection: "places"}); len(got) != 720 {
		e.Errorf("%d features, want 720", len(got))
	}
}

// testUpsert updates by the unique id, as GDAL 3.6 can in a GeoPackage.
func testUpsert(e *env) {
	e.define(places())
	e.apply(e.s, put("t1", "name", "old", "n", 1), put("ours", "name", "x"))
	rows := outsiders("t", 0, 5, "upserted")
	e.ogr2ogr(e.geojson(rows...), "-upsert", "-nln", "places")
	e.becomes("t4", "upserted")
	e.matches("upserted", append(rows, feature("ours", "name", "x")))
	if v, err := e.s.History(e.ctx, "places", "t1"); err != nil || len(v) < 2 {
		e.Errorf("the history of what was updated: %d versions, %v", len(v), err)
	}
}

// testOverwrite replaces the table: the feed tells the difference, the past
// stays, and the store goes on.
func testOverwrite(e *env) {
	args := []string{"-overwrite", "-nln", "places", "-lco", "FID=fid", "-lco", "GEOMETRY_NAME=geom"}
	if e.h.Dialect == PostGIS {
		args = append(args, "-lco", "LAUNDER=NO")
	}
	overwrite(e, args)
}

// testOverwritePlain is the same as somebody types it, with GDAL's own names
// for the geometry and the row's number.
func testOverwritePlain(e *env) {
	overwrite(e, []string{"-overwrite", "-nln", "places"})
}

func overwrite(e *env, args []string) {
	e.define(places())
	same := outsiders("t", 0, 3, "same")
	var ops []catalog.Op
	for _, f := range same {
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "places", Feature: f})
	}
	before := e.apply(e.s, append(ops, put("t3", "name", "changes", "n", 3), put("gone", "name", "x", "extra", catalog.JSON(`{"kept": 1}`)))...).Rev
	rows := append(same, outsiders("t", 3, 6, "theirs")...)
	e.ogr2ogr(e.geojson(rows...), args...)
	e.becomes("t5", "theirs")
	e.matches("overwritten", rows)
	kinds := map[string]string{}
	commits, _ := e.changes(e.s, before)
	for _, ch := range written(commits, "places") {
		kinds[ch.ID] += fmt.Sprintf("%t%t", ch.Old != nil, ch.New != nil)
	}
	want := map[string]string{"t3": "truetrue", "t4": "falsetrue", "t5": "falsetrue", "gone": "truefalse"}
	if len(kinds) != len(want) {
		e.Errorf("the feed tells of %v, want %v", kinds, want)
	}
	for id, k := range want {
		if kinds[id] != k {
			e.Errorf("%s: the feed tells %q, want %q", id, kinds[id], k)
		}
	}
	if f := e.get(e.s, "places", "gone", catalog.At{Known: before}); f == nil || f.Props.Get("extra") != catalog.JSON(`{"kept": 1}`) {
		e.Errorf("the past: %s", show(f))
	}
	if c, err := e.s.Collection(e.ctx, "places"); err != nil || len(c.Fields) < len(places().Fields) || c.Owner != "Surveys" {
		e.Errorf("the description: %+v, %v", c, err)
	}
	// Both ways after it: ours, with a field that the new table lacked, and theirs.
	if r := e.apply(e.s, put("t0", "name", "ours", "ok", true), put("fresh", "name", "y", "extra", catalog.JSON(`[1]`)), del("t1")); r.Updated != 1 || r.Created != 1 || r.Deleted != 1 {
		e.Errorf("after -overwrite: %+v", r)
	}
	if f := e.now(e.s, "places", "t0"); f.Props.Get("ok") != catalog.Boolean(true) {
		e.Errorf("a field that the new table lacked: %s", show(f))
	}
	e.sql(`UPDATE places SET name = 'again' WHERE id = 't2'`)
	e.becomes("t2", "again")
	other := e.open()
	if f := e.now(other, "places", "fresh"); f.Props.Get("extra") != catalog.JSON(`[1]`) {
		e.Errorf("through another handle: %s", show(f))
	}
}

// testNewLayer makes a table that we never knew: it becomes a collection, and
// not a public one.
func testNewLayer(e *env) {
	e.define(places())
	rows := outsiders("tree", 0, 30, "वड")
	e.ogr2ogr(e.geojson(rows...), "-nln", "trees")
	var got map[string]*catalog.Feature
	e.waitFor(e.s, "a new collection", func() bool {
		if _, err := e.s.Collection(e.ctx, "trees"); err != nil {
			return false
		}
		got, _ = e.scan(e.s, catalog.Query{Collection: "trees"})
		return len(got) == 30
	})
	c, err := e.s.Collection(e.ctx, "trees")
	if err != nil || c.Class == catalog.ClassPublic {
		e.Errorf("a table from outside is of class %v, %v", c.Class, err)
	}
	if f := got["tree7"]; f == nil || f.Props.Get("name").Str() != "वड" || f.Props.Get("n") != catalog.Integer(7) || f.Geometry.Type != geo.Point {
		e.Errorf("a row from outside: %s", show(f))
	}
	op := put("tree7", "name", "ours")
	op.Collection = "trees"
	if r := e.apply(e.s, op); r.Updated != 1 {
		e.Errorf("writing to it: %+v", r)
	}
	e.sql(`UPDATE trees SET name = 'theirs' WHERE id = 'tree8'`)
	e.waitFor(e.s, "an edit of it", func() bool { return e.now(e.s, "trees", "tree8").Props.Get("name").Str() == "theirs" })
}

// testRead reads our tables by GDAL, which knows nothing of us.
func testRead(e *env) {
	c := places()
	c.Geometry = catalog.GeometryPoint
	e.define(c)
	e.apply(e.s, put("a", "name", "नागर", "n", 1<<53+1, "height_m", 2.5, "ok", true, "seen", oddValues[catalog.TypeTime][0], "day", oddValues[catalog.TypeDate][0]), put("b"))
	e.apply(e.s, put("a", "name", "नगर", "n", 1<<53+1, "height_m", 2.5, "ok", true, "seen", oddValues[catalog.TypeTime][0], "day", oddValues[catalog.TypeDate][0]))
	out := e.tool("ogrinfo", "-ro", e.gdal(), "places")
	for _, want := range []string{"Feature Count: 2", "id (String", "= a\n", "name (String", "= नगर", "n (Integer64", "9007199254740993", "height_m (Real", "2.5",
		"seen (DateTime", "2026/11/23 08:15:30.123", "day (Date", "2026/11/23", "POINT (72.85 19.05)", "WGS 84", "Boolean"} {
		if !strings.Contains(out, want) {
			e.Errorf("ogrinfo does not say %q:\n%s", want, out)
		}
	}
}

// testSpatialIndex adds the R-tree that QGIS adds, and edits from both sides:
// ours and GDAL's windows must both stay right.
func testSpatialIndex(e *env) {
	e.define(places())
	e.fill(50)
	e.sql(`SELECT CreateSpatialIndex('places','geom')`)
	check := func(what string, lon, lat float64, want int) {
		e.Helper()
		d := 1e-3
		out := e.tool("ogrinfo", "-ro", "-so", "-spat", fmt.Sprint(lon-d), fmt.Sprint(lat-d), fmt.Sprint(lon+d), fmt.Sprint(lat+d), e.location, "places")
		if !strings.Contains(out, fmt.Sprintf("Feature Count: %d\n", want)) {
			e.Errorf("%s: GDAL's window, want %d:\n%s", what, want, out)
		}
		box := geo.Box{W: lon - d, S: lat - d, E: lon + d, N: lat + d}
		if got, _ := e.scan(e.s, catalog.Query{Collection: "places", Box: &box}); len(got) != want {
			e.Errorf("%s: our window: %d, want %d", what, len(got), want)
		}
	}
	check("indexed", 72.85, 19.05, 50)
	moved := put("f1", "n", 1)
	moved.Feature.Geometry = geo.NewPoint(73, 20)
	bare := put("f2")
	bare.Feature.Geometry = geo.Geometry{}
	empty := put("f3")
	empty.Feature.Geometry = geo.Geometry{Type: geo.Polygon}
	e.apply(e.s, moved, bare, empty, del("f4"), put("f5", "n", -1), put("new"))
	check("ours", 72.85, 19.05, 47)
	check("ours", 73, 20, 1)
	e.sql(`UPDATE places SET geom = `+e.pointSQL(73, 20)+`, name = 'moved' WHERE id = 'f6'`, `DELETE FROM places WHERE id = 'f7'`,
		`UPDATE places SET geom = NULL WHERE id = 'f8'`, `INSERT INTO places (id, name, geom) VALUES ('theirs', 'new', `+e.pointSQL(73, 20)+`)`)
	e.becomes("theirs", "new")
	check("theirs", 72.85, 19.05, 44)
	check("theirs", 73, 20, 3)
	e.apply(e.s, del("theirs"), put("f8"))
	check("ours again", 72.85, 19.05, 45)
	check("ours again", 73, 20, 2)
	e.sql(`SELECT DisableSpatialIndex('places','geom')`)
	e.apply(e.s, del("f6"))
	e.sql(`UPDATE places SET geom = ` + e.pointSQL(74, 20) + `, name = 'last' WHERE id = 'f1'`)
	e.becomes("f1", "last")
	check("without index", 74, 20, 1)
}
