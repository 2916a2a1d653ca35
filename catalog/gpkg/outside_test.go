package gpkg_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/geo"
)

// tool runs an outside program and returns what it printed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is not installed", name)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	if strings.Contains(errs.String(), "ERROR") || strings.Contains(errs.String(), "application_id") || name == "ogrinfo" && errs.Len() > 0 {
		t.Fatalf("%s %s said:\n%s", name, strings.Join(args, " "), errs.String())
	}
	return out.String()
}

// sql runs statements by the sqlite3 shell, which knows none of our functions.
func sql(t *testing.T, path, statements string) string {
	t.Helper()
	return tool(t, "sqlite3", "-bail", "-cmd", ".timeout 60000", path, statements)
}

// city opens a store with two collections and some features in it.
func city(t *testing.T) (*gpkg.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s := reopen(t, path)
	must(t, s, func(ctx context.Context) error {
		if _, err := s.Define(ctx, buildings()); err != nil {
			return err
		}
		if _, err := s.Define(ctx, catalog.Collection{Name: "works", Geometry: catalog.GeometryAny, Fields: []catalog.Field{{Name: "what", Type: catalog.TypeText}, {Name: "n", Type: catalog.TypeInteger}}}); err != nil {
			return err
		}
		var ops []catalog.Op
		for i := range 10 {
			ops = append(ops, building(i))
		}
		for i := range 3 {
			ops = append(ops, work(fmt.Sprintf("w%d", i), "dig"))
		}
		_, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)})
		return err
	})
	return s, path
}

func work(id, what string) catalog.Op {
	return catalog.Op{Kind: catalog.Put, Collection: "works", Feature: catalog.Feature{ID: id, Geometry: geo.NewPoint(72.85, 19.05), Props: catalog.Properties{{Name: "what", Value: catalog.Text(what)}}}}
}

func reopen(t *testing.T, path string) *gpkg.Store {
	t.Helper()
	s, err := gpkg.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must(t *testing.T, _ *gpkg.Store, fn func(context.Context) error) {
	t.Helper()
	if err := fn(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// ids scans a collection.
func ids(t *testing.T, s *gpkg.Store, collection string, at catalog.At) map[string]catalog.Feature {
	t.Helper()
	out := map[string]catalog.Feature{}
	if _, err := s.Scan(context.Background(), catalog.Query{Collection: collection, At: at}, func(f *catalog.Feature) error {
		out[f.ID] = *f
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// problems runs Check.
func problems(t *testing.T, s *gpkg.Store) []string {
	t.Helper()
	var out []string
	if err := s.Check(context.Background(), func(p catalog.Problem) error {
		out = append(out, p.Collection+"/"+p.ID+": "+p.Reason)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func clean(t *testing.T, s *gpkg.Store) {
	t.Helper()
	for _, p := range problems(t, s) {
		t.Error(p)
	}
}

// told is the feed after a revision, as "collection/id old new".
func told(t *testing.T, s *gpkg.Store, since catalog.Rev) []string {
	t.Helper()
	var out []string
	if _, err := s.Changes(context.Background(), since, func(c catalog.Commit) error {
		for _, ch := range c.Changes {
			if ch.Kind != catalog.Defined {
				out = append(out, fmt.Sprintf("%s/%s %t %t", ch.Collection, ch.ID, ch.Old != nil, ch.New != nil))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func head(t *testing.T, s *gpkg.Store) catalog.Rev {
	t.Helper()
	rev, err := s.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func TestOgrinfoSeesPlainLayers(t *testing.T) {
	_, path := city(t)
	list := tool(t, "ogrinfo", path)
	if !strings.Contains(list, "1: buildings (Polygon)") || !strings.Contains(list, "2: works (Point)") || strings.Contains(list, "nagar_") {
		t.Error(list)
	}
	layer := tool(t, "ogrinfo", "-al", path, "buildings")
	for _, want := range []string{"Feature Count: 10", "height_m: Real", "floors: Integer64", "valid_from: DateTime", "POLYGON ((72."} {
		if !strings.Contains(layer, want) {
			t.Errorf("no %q in\n%s", want, layer[:min(len(layer), 3000)])
		}
	}
}

// Whatever a collection allows and holds, GDAL lists it without a warning, with the
// narrowest type that the standard has for it.
func TestOgrinfoListsEveryKindOfLayer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s := reopen(t, path)
	square := []float64{72.8, 19, 72.9, 19, 72.9, 19.1, 72.8, 19}
	polygon, point, line := geo.NewPolygon(square), geo.NewPoint(72.8, 19), geo.NewLineString(square[:4])
	multi := polygon
	multi.Type, multi.Polys = geo.MultiPolygon, []int32{int32(len(polygon.Ends))}
	high := polygon
	high.HasZ, high.Coords = true, []float64{72.8, 19, 1, 72.9, 19, 2, 72.9, 19.1, 3, 72.8, 19, 1}
	want := ""
	for i, layer := range []struct {
		allows catalog.GeometryKind
		holds  []geo.Geometry
		listed string
	}{
		{catalog.GeometryPolygon, nil, " (Polygon)"},
		{catalog.GeometryPolygon, []geo.Geometry{polygon}, " (Polygon)"},
		{catalog.GeometryPolygon, []geo.Geometry{multi}, " (Multi Polygon)"},
		{catalog.GeometryPolygon, []geo.Geometry{polygon, multi}, ""}, // the standard has no narrower type for both
		{catalog.GeometryPolygon, []geo.Geometry{high}, " (3D Polygon)"},
		{catalog.GeometryLine, []geo.Geometry{line}, " (Line String)"},
		{catalog.GeometryPoint, []geo.Geometry{point}, " (Point)"},
		{catalog.GeometryAny, nil, ""},
		{catalog.GeometryAny, []geo.Geometry{point}, " (Point)"},
		{catalog.GeometryAny, []geo.Geometry{point, line, multi}, ""},
		{catalog.GeometryNone, []geo.Geometry{{}}, " (None)"},
	} {
		name := fmt.Sprintf("layer_%c", 'a'+i)
		want += fmt.Sprintf("%d: %s%s\n", i+1, name, layer.listed)
		must(t, s, func(ctx context.Context) error {
			if _, err := s.Define(ctx, catalog.Collection{Name: name, Geometry: layer.allows, Class: catalog.ClassInternal}); err != nil {
				return err
			}
			for n, g := range layer.holds { // one by one: the type widens
				op := catalog.Op{Kind: catalog.Put, Collection: name, Feature: catalog.Feature{ID: fmt.Sprint(n), Geometry: g}}
				if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(op)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if got := tool(t, "ogrinfo", "-q", path); got != want {
		t.Errorf("want\n%s, got\n%s", want, got)
	}
}

// A GeoPackage validator's first questions, asked by SQL.
func TestTheFileIsAValidGeoPackage(t *testing.T) {
	s, path := city(t)
	clean(t, s)
	for query, want := range map[string]string{
		"PRAGMA application_id":    "1196444487",
		"PRAGMA user_version":      "10300",
		"PRAGMA integrity_check":   "ok",
		"PRAGMA foreign_key_check": "",
		"SELECT group_concat(srs_id) FROM (SELECT srs_id FROM gpkg_spatial_ref_sys ORDER BY 1)":                                            "-1,0,4326",
		"SELECT count(*) FROM gpkg_contents c JOIN gpkg_geometry_columns g USING(table_name,srs_id) WHERE data_type='features'":            "2",
		"SELECT count(*) FROM gpkg_contents WHERE last_change NOT GLOB '????-??-??T??:??:??.???Z'":                                         "0",
		"SELECT geometry_type_name||z||m FROM gpkg_geometry_columns ORDER BY table_name":                                                   "POLYGON00\nPOINT00",
		"SELECT DISTINCT hex(substr(geom,1,8)) FROM buildings":                                                                             "47500003E6100000",
		"SELECT count(*) FROM gpkg_contents WHERE table_name LIKE 'nagar%'":                                                                "0",
		"SELECT count(*) FROM gpkg_contents WHERE min_x<72.7 OR max_x>73 OR min_y<18 OR max_y>20 OR min_x>max_x OR min_x IS NULL":          "0",
		"SELECT group_concat(type) FROM pragma_table_info('buildings') WHERE name IN ('fid','id','height_m','floors','valid_from','geom')": "INTEGER,GEOMETRY,TEXT,REAL,INTEGER,DATETIME",
	} {
		if got := strings.TrimSpace(sql(t, path, query)); got != want {
			t.Errorf("%s: want %q, got %q", query, want, got)
		}
	}
}

func TestReplaceFromOutsideLosesNothing(t *testing.T) {
	s, path := city(t)
	before := head(t, s)
	sql(t, path, `INSERT OR REPLACE INTO works(fid,id,what) VALUES(1,'w0','by fid'); INSERT OR REPLACE INTO works(id,what) VALUES('w1','by id');
 UPDATE OR REPLACE works SET id='w2', what='pushed out' WHERE id='w1'; INSERT OR IGNORE INTO works(id,what) VALUES('w0','ignored');`)
	got := ids(t, s, "works", catalog.At{})
	if len(got) != 2 || got["w0"].Props.Get("what").Str() != "by fid" || got["w2"].Props.Get("what").Str() != "pushed out" {
		t.Errorf("now: %+v", got)
	}
	if old := ids(t, s, "works", catalog.At{Known: before}); len(old) != 3 || old["w2"].Props.Get("what").Str() != "dig" {
		t.Errorf("before: %+v", old)
	}
	if feed := told(t, s, before); len(feed) != 3 || head(t, s) != before+1 {
		t.Errorf("feed: %v, head %d", feed, head(t, s))
	}
	clean(t, s)
}

// An outsider who writes our own columns, as one does who appends an export of
// another store, is drained like any other.
func TestOutsiderWritesOurColumns(t *testing.T) {
	s, path := city(t)
	before := head(t, s)
	sql(t, path, `INSERT INTO works(id,what,nagar_rev,nagar_hash,nagar_cell) VALUES('x','new',1,2,3); UPDATE works SET nagar_rev=99, nagar_hash=0 WHERE id='w0';`)
	if feed := told(t, s, before); len(feed) != 1 || feed[0] != "works/x false true" {
		t.Errorf("feed: %v", feed)
	}
	clean(t, s)
}

func TestRowsThatBreakTheRules(t *testing.T) {
	s, path := city(t)
	before := head(t, s)
	blob := func(srs uint32, x, y float64) string {
		b := []byte{'G', 'P', 0, 1}
		b = binary.LittleEndian.AppendUint32(b, srs)
		b = append(b, 1, 1, 0, 0, 0)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(y))
		return fmt.Sprintf("x'%x'", b)
	}
	sql(t, path, `UPDATE works SET geom=x'0102' WHERE id='w0'; UPDATE works SET geom=`+blob(32643, 280000, 2100000)+` WHERE id='w1';
 INSERT INTO works(id,geom) VALUES('nan',`+blob(4326, math.NaN(), 19)+`),('metres',`+blob(4326, 280000, 2100000)+`),('good',`+blob(0, 72.8, 19)+`);
 INSERT INTO works(id,n) VALUES('type','twelve'); INSERT INTO works(id,valid_from) VALUES('when','yesterday'); INSERT INTO works(id,what) VALUES(char(10),'x');`)
	got := ids(t, s, "works", catalog.At{})
	if len(got) != 2 || got["good"].Geometry.Coords == nil || got["w2"].ID == "" {
		t.Errorf("now: %v", got)
	}
	if feed := told(t, s, before); len(feed) != 3 {
		t.Errorf("feed: %v", feed)
	}
	if found := problems(t, s); len(found) != 7 {
		t.Errorf("problems: %s", strings.Join(found, "\n"))
	}
	if n := strings.TrimSpace(sql(t, path, "SELECT count(*) FROM works")); n != "9" {
		t.Errorf("%s rows are left of 9", n)
	}
	// Mended, by hand and through the door.
	sql(t, path, `UPDATE works SET geom=`+blob(4326, 72.8, 19)+` WHERE id IN ('w0','nan'); UPDATE works SET n=12 WHERE id='type'; DELETE FROM works WHERE id IN ('when',char(10));`)
	must(t, s, func(ctx context.Context) error {
		r, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(work("w1", "again"), work("metres", "again"))})
		if r.Created != 2 {
			t.Errorf("%+v", r)
		}
		return err
	})
	if got := ids(t, s, "works", catalog.At{}); len(got) != 7 {
		t.Errorf("mended: %v", got)
	}
	clean(t, s)
}

func TestTableIsRenamedAndWidenedOutside(t *testing.T) {
	s, path := city(t)
	before := head(t, s)
	sql(t, path, `ALTER TABLE works RENAME TO diggings; UPDATE gpkg_contents SET table_name='diggings' WHERE table_name='works'; UPDATE gpkg_geometry_columns SET table_name='diggings' WHERE table_name='works';
 ALTER TABLE diggings ADD COLUMN "Dépth" REAL; UPDATE diggings SET "Dépth"=1.5, what='deep' WHERE id='w0';`)
	got := ids(t, s, "works", catalog.At{})
	if len(got) != 3 || got["w0"].Props.Get("Dépth") != catalog.Real(1.5) {
		t.Errorf("%+v", got)
	}
	c, err := s.Collection(context.Background(), "works")
	if f, ok := c.Field("Dépth"); err != nil || !ok || f.Class != catalog.ClassRestricted || f.Type != catalog.TypeReal {
		t.Errorf("%+v %v", c, err)
	}
	if feed := told(t, s, before); len(feed) != 1 {
		t.Errorf("feed: %v", feed)
	}
	must(t, s, func(ctx context.Context) error {
		_, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(work("w9", "late"))})
		return err
	})
	clean(t, s)
}

// writeFile writes a small GeoJSON.
func geojson(t *testing.T, features ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.geojson")
	if err := os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOverwriteTwiceAndWithoutIDs(t *testing.T) {
	s, path := city(t)
	before := head(t, s)
	one := `{"type":"Feature","properties":{"what":"a"},"geometry":{"type":"Point","coordinates":[72.8,19]}}`
	two := `{"type":"Feature","properties":{"what":"b","when":"2026-01-02T03:04:05Z"},"geometry":{"type":"MultiPoint","coordinates":[[72.8,19,5]]}}`
	tool(t, "ogr2ogr", "-overwrite", "-nln", "works", path, geojson(t, one, two))
	if got := ids(t, s, "works", catalog.At{}); len(got) != 2 || got["fid-2"].Props.Get("what").Str() != "b" || !got["fid-2"].Geometry.HasZ {
		t.Errorf("%+v", got)
	}
	if feed := told(t, s, before); len(feed) != 5 {
		t.Errorf("feed: %v", feed)
	}
	if old := ids(t, s, "works", catalog.At{Known: before}); len(old) != 3 {
		t.Errorf("the past: %+v", old)
	}
	clean(t, s)
	again := head(t, s)
	tool(t, "ogr2ogr", "-overwrite", "-nln", "works", path, geojson(t, one, strings.Replace(two, `"b"`, `"c"`, 1)))
	if feed := told(t, s, again); len(feed) != 1 || feed[0] != "works/fid-2 true true" {
		t.Errorf("feed of the second overwrite: %v", feed)
	}
	clean(t, s)
}

func TestLayerIsDeletedOutside(t *testing.T) {
	s, path := city(t)
	before := head(t, s)
	tool(t, "ogrinfo", path, "-sql", "DROP TABLE works")
	if got := ids(t, s, "works", catalog.At{}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if feed := told(t, s, before); len(feed) != 3 || feed[0] != "works/w0 true false" {
		t.Errorf("feed: %v", feed)
	}
	must(t, s, func(ctx context.Context) error {
		_, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(work("w0", "back"))})
		return err
	})
	clean(t, s)
	sql(t, path, "DROP TABLE works") // past the standard's tables: nothing can be kept
	if got := ids(t, s, "works", catalog.At{}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if found := problems(t, s); len(found) != 1 || !strings.Contains(found[0], "lost") {
		t.Errorf("problems: %v", found)
	}
}

func TestAddedTables(t *testing.T) {
	s, path := city(t)
	f := `{"type":"Feature","id":"t-1","properties":{"id":"t-1","valid_to":"2099-01-01T00:00:00Z","ID_2":7,"Größe":2.5},"geometry":{"type":"Point","coordinates":[72.8,19]}}`
	tool(t, "ogr2ogr", "-update", "-nln", "Street Trees", path, geojson(t, f))
	tool(t, "ogr2ogr", "-update", "-nln", "metric", "-t_srs", "EPSG:32643", path, geojson(t, f))
	got := ids(t, s, "street_trees", catalog.At{})
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	c, err := s.Collection(context.Background(), "street_trees")
	if err != nil || c.Class != catalog.ClassInternal {
		t.Errorf("%+v %v", c, err)
	}
	if f := got["t-1"]; f.Props.Get("Größe") != catalog.Real(2.5) || f.Props.Get("ID_2") != catalog.Integer(7) || f.ValidTo.Year() != 2099 {
		t.Errorf("%+v", f)
	}
	if _, err := s.Collection(context.Background(), "metric"); err == nil {
		t.Error("a layer in metres was taken in")
	}
	if found := problems(t, s); len(found) != 1 || !strings.Contains(found[0], "32643") {
		t.Errorf("problems: %v", found)
	}
}

// A script may overwrite one layer after the other while no Nagar is running.
func TestOverwritesInARow(t *testing.T) {
	s, path := city(t)
	before := head(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file := func(what string) string {
		return geojson(t, `{"type":"Feature","properties":{"id":"w1","what":"`+what+`"},"geometry":{"type":"Point","coordinates":[72.8,19]}}`)
	}
	for _, what := range []string{"a", "b", "c"} {
		tool(t, "ogr2ogr", "-overwrite", "-nln", "works", path, file(what))
		tool(t, "ogr2ogr", "-overwrite", "-nln", "trees", path, file(what))
	}
	s = reopen(t, path)
	if got := ids(t, s, "works", catalog.At{}); len(got) != 1 || got["w1"].Props.Get("what").Str() != "c" {
		t.Errorf("%+v", got)
	}
	if old := ids(t, s, "works", catalog.At{Known: before}); len(old) != 3 || old["w1"].Props.Get("what").Str() != "dig" {
		t.Errorf("the past: %+v", old)
	}
	if feed := told(t, s, before); len(feed) != 4 {
		t.Errorf("feed: %v", feed)
	}
	clean(t, s)
}
