package gpkg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// foreignGeoPackage is a valid GeoPackage that this store did not make.
func foreignGeoPackage(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.gpkg")
	c, err := openConn(path, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, ddl := range append([]string{fmt.Sprintf("PRAGMA application_id=%d", applicationID)}, core...) {
		if err := c.once(ddl); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := foreignGeoPackage(t)
	for path, want := range map[string]error{
		write("text.gpkg", []byte(strings.Repeat("this is no database. ", 100))): catalog.ErrNotAStore,
		write("other.gpkg", foreign): catalog.ErrNotAStore,
		dir:                          catalog.ErrNotAStore,
		filepath.Join(dir, "no", "such", "x.gpkg"): catalog.ErrUnavailable,
	} {
		s, err := Open(context.Background(), path)
		if !errors.Is(err, want) {
			t.Errorf("%s: want %v, got %v", filepath.Base(path), want, err)
		}
		if s != nil {
			t.Errorf("%s: a store came with the error", path)
		}
		t.Log(err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "other.gpkg")); err != nil || string(after) != string(foreign) {
		t.Error("the refused GeoPackage was changed")
	}
	if _, err := os.Stat(filepath.Join(dir, "other.gpkg-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the refused GeoPackage has a write-ahead log now")
	}
}

func openTest(t *testing.T, path string, opts ...Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), path, opts...)
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

func pointOp(id string) catalog.Op {
	return catalog.Op{Kind: catalog.Put, Collection: "p", Feature: catalog.Feature{ID: id, Geometry: geo.NewPoint(72.8, 19), Props: catalog.Properties{{Name: "t", Value: catalog.Text(strings.Repeat(id, 50))}}}}
}

func definePoints(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.Define(context.Background(), catalog.Collection{Name: "p", Geometry: catalog.GeometryPoint, Fields: []catalog.Field{{Name: "t", Type: catalog.TypeText}}}); err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskUndoesTheBatch(t *testing.T) {
	ctx := context.Background()
	s := openTest(t, filepath.Join(t.TempDir(), "city.gpkg"))
	definePoints(t, s)
	w := <-s.writer
	pages, err := w.int64("PRAGMA page_count")
	if err == nil {
		_, err = w.int64(fmt.Sprintf("PRAGMA max_page_count=%d", pages+20))
	}
	s.writer <- w
	if err != nil {
		t.Fatal(err)
	}
	var ops []catalog.Op
	for i := range 5000 {
		ops = append(ops, pointOp(fmt.Sprintf("p%06d", i)))
	}
	if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)}); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("a full disk: %v", err)
	}
	if r, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops[0])}); err != nil || r.Created != 1 {
		t.Errorf("after a full disk: %+v %v", r, err)
	}
	checkClean(t, s)
}

func checkClean(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Check(context.Background(), func(p catalog.Problem) error {
		t.Errorf("%s/%s: %s", p.Collection, p.ID, p.Reason)
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestLockedFile(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s := openTest(t, path, Options{LockTimeout: 100 * time.Millisecond})
	definePoints(t, s)
	other, err := openConn(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(pointOp("a"))}); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("locked: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := s.Apply(short, catalog.Batch{Ops: catalog.Ops(pointOp("a"))}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked, by a context that ends first: %v", err)
	}
	if n, err := s.Scan(ctx, catalog.Query{Collection: "p"}, func(*catalog.Feature) error { return nil }); err != nil || n != 1 {
		t.Errorf("a reader beside a foreign writer: %v", err)
	}
	// A window needs an index, which cannot be made now: it is answered without.
	box := geo.World()
	if _, err := s.Scan(ctx, catalog.Query{Collection: "p", Box: &box}, func(*catalog.Feature) error { return nil }); err != nil {
		t.Errorf("a window beside a foreign writer: %v", err)
	}
	if err := other.exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(pointOp("a"))}); err != nil || r.Created != 1 {
		t.Errorf("unlocked: %+v %v", r, err)
	}
}

// The triggers of the R-tree extension in all its versions (GeoPackage 1.4,
// clause F.3; GDAL 3.6 writes the older ones).
var rtreeDDL = []string{
	`CREATE VIRTUAL TABLE rtree_p_geom USING rtree(id, minx, maxx, miny, maxy)`,
	`INSERT INTO rtree_p_geom SELECT fid, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), ST_MaxY(geom) FROM p WHERE geom NOT NULL AND NOT ST_IsEmpty(geom)`,
	`INSERT INTO gpkg_extensions VALUES ('p','geom','gpkg_rtree_index','http://www.geopackage.org/spec120/#extension_rtree','write-only')`,
	`CREATE TRIGGER rtree_p_geom_insert AFTER INSERT ON p WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN INSERT OR REPLACE INTO rtree_p_geom VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END`,
	`CREATE TRIGGER rtree_p_geom_update6 AFTER UPDATE OF geom ON p WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)) AND (OLD.geom NOTNULL AND NOT ST_IsEmpty(OLD.geom)) BEGIN UPDATE rtree_p_geom SET minx=ST_MinX(NEW.geom), maxx=ST_MaxX(NEW.geom), miny=ST_MinY(NEW.geom), maxy=ST_MaxY(NEW.geom) WHERE id=NEW.fid; END`,
	`CREATE TRIGGER rtree_p_geom_update7 AFTER UPDATE OF geom ON p WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)) AND (OLD.geom ISNULL OR ST_IsEmpty(OLD.geom)) BEGIN INSERT INTO rtree_p_geom VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END`,
	`CREATE TRIGGER rtree_p_geom_update2 AFTER UPDATE OF geom ON p WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom)) BEGIN DELETE FROM rtree_p_geom WHERE id = OLD.fid; END`,
	`CREATE TRIGGER rtree_p_geom_update5 AFTER UPDATE ON p WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN DELETE FROM rtree_p_geom WHERE id = OLD.fid; INSERT OR REPLACE INTO rtree_p_geom VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END`,
	`CREATE TRIGGER rtree_p_geom_delete AFTER DELETE ON p WHEN OLD.geom NOT NULL BEGIN DELETE FROM rtree_p_geom WHERE id = OLD.fid; END`,
}

func TestNewRTreeTriggersLiveOn(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s := openTest(t, path)
	definePoints(t, s)
	apply := func(ops ...catalog.Op) {
		t.Helper()
		if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)}); err != nil {
			t.Fatal(err)
		}
	}
	apply(pointOp("a"), pointOp("b"), pointOp("c"))
	other, err := openConn(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, ddl := range rtreeDDL {
		if err := other.once(ddl); err != nil {
			t.Fatalf("%s: %v", ddl, err)
		}
	}
	moved, empty := pointOp("a"), pointOp("b")
	moved.Feature.Geometry = geo.NewPoint(72.9, 19.2)
	empty.Feature.Geometry = geo.Geometry{}
	apply(moved, empty, pointOp("d"), catalog.Op{Kind: catalog.Delete, Collection: "p", Feature: catalog.Feature{ID: "c"}})
	apply(catalog.Op{Kind: catalog.Erase, Collection: "p", Feature: catalog.Feature{ID: "d"}}, pointOp("b"))
	got, err := other.text("SELECT group_concat(p.id||round(r.minx,1)) FROM rtree_p_geom r LEFT JOIN p ON p.fid=r.id ORDER BY 1")
	if err != nil || got != "a72.9,b72.8" {
		t.Errorf("the R-tree holds %s, %v", got, err)
	}
	checkClean(t, s)
}

// A journal that another program writes while the clock of recorded time runs
// backwards keeps time and revisions in order.
func TestTimeNeverRunsBackwards(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s := openTest(t, filepath.Join(t.TempDir(), "city.gpkg"), Options{Now: func() time.Time { return now }})
	definePoints(t, s)
	put := func(text string) {
		t.Helper()
		op := pointOp("a")
		op.Feature.Props[0].Value = catalog.Text(text)
		if r, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(op)}); err != nil || r.Unchanged != 0 {
			t.Fatalf("%+v %v", r, err)
		}
	}
	put("one")
	put("two")
	now = now.AddDate(-4, 0, 0)
	put("three")
	if f, err := s.Feature(ctx, "p", "a", catalog.At{}); err != nil || f.Props.Get("t").Str() != "three" {
		t.Errorf("%+v %v", f, err)
	}
	checkClean(t, s)
}

func TestErasedContentIsGoneFromTheFile(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s := openTest(t, path)
	definePoints(t, s)
	const secret = "Asha Patil 98200"
	for _, text := range []string{secret + " one", secret + " two", "three"} {
		op := pointOp("a")
		op.Feature.Props[0].Value = catalog.Text(text)
		if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(op)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Erase, Collection: "p", Feature: catalog.Feature{ID: "a"}, Fields: []string{"t"}})}); err != nil {
		t.Fatal(err)
	}
	checkClean(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if strings.Contains(string(b), secret) {
			t.Errorf("what was erased is still in city.gpkg%s", suffix)
		}
	}
}

func TestBackupIsAStore(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openTest(t, filepath.Join(dir, "city.gpkg"))
	definePoints(t, s)
	for _, text := range []string{"one", "two"} {
		op := pointOp("a")
		op.Feature.Props[0].Value = catalog.Text(text)
		if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(op)}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "it's a copy.gpkg")
	if err := s.Backup(ctx, path); err != nil {
		t.Fatal(err)
	}
	var invalid *catalog.Invalid
	if err := s.Backup(ctx, path); !errors.As(err, &invalid) {
		t.Errorf("over a file that is there: %v", err)
	}
	backup := openTest(t, path)
	if v, err := backup.History(ctx, "p", "a"); err != nil || len(v) != 3 {
		t.Errorf("%+v %v", v, err)
	}
	if rev, err := backup.Head(ctx); err != nil || rev != 3 {
		t.Errorf("head %d %v", rev, err)
	}
	checkClean(t, backup)
}
