package gpkg_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// What another program may do to rows and their ids at once, in one drain.
func TestIDsMoveBetweenRows(t *testing.T) {
	s, path := city(t)
	must(t, s, func(ctx context.Context) error {
		var ops []catalog.Op
		for i := range 1500 { // three pages of a drain
			ops = append(ops, work(fmt.Sprintf("m%04d", i), fmt.Sprint(i)))
		}
		_, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)})
		return err
	})
	before := head(t, s)
	sql(t, path, `BEGIN;
UPDATE works SET id='swap' WHERE id='m0001'; UPDATE works SET id='m0001' WHERE id='m1400'; UPDATE works SET id='m1400' WHERE id='swap';
UPDATE works SET what=what WHERE id BETWEEN 'm0010' AND 'm0700';
UPDATE works SET what='even' WHERE id BETWEEN 'm0710' AND 'm1300' AND fid%2=0;
DELETE FROM works WHERE id='m0002';
INSERT INTO works(id,what,geom) SELECT 'm0003','anew',geom FROM works WHERE id='m0004' ON CONFLICT(id) DO UPDATE SET what='anew';
INSERT OR REPLACE INTO works(id,what,geom) SELECT 'm0005','elsewhere',geom FROM works WHERE id='m0004';
UPDATE works SET id='renamed' WHERE id='m0006';
INSERT INTO works(id,what,geom) SELECT 'm0006','after it',geom FROM works WHERE id='m0004';
INSERT INTO works(what,geom) SELECT 'nameless',geom FROM works WHERE id BETWEEN 'm0010' AND 'm0900';
COMMIT;`)
	feed := told(t, s, before)
	want := []string{"works/m0001 true true", "works/m1400 true true", "works/m0002 true false", "works/m0003 true true",
		"works/m0005 true true", "works/renamed false true", "works/m0006 true true"}
	even, nameless := 0, 0
	for id, f := range ids(t, s, "works", catalog.At{}) {
		switch f.Props.Get("what").Str() {
		case "even":
			even++
			want = append(want, "works/"+id+" true true")
		case "nameless":
			nameless++
			want = append(want, "works/"+id+" false true")
		}
	}
	slices.Sort(feed)
	slices.Sort(want)
	if even < 290 || even > 300 || nameless != 891 || !slices.Equal(feed, want) {
		t.Errorf("%d even, %d nameless; the feed of %d changes tells other than %d", even, nameless, len(feed), len(want))
	}
	if rev := head(t, s); rev != before+1 {
		t.Errorf("revision %d after %d", rev, before)
	}
	if old := ids(t, s, "works", catalog.At{Known: before}); len(old) != 1503 || old["m0001"].Props.Get("what").Str() != "1" {
		t.Errorf("the past holds %d features", len(old))
	}
	clean(t, s)
}

var date2099 = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)

// A table that is made anew says nothing of its features' ends: they stay, in the
// table too.
func TestOverwriteKeepsTheValidEnd(t *testing.T) {
	s, path := city(t)
	end := catalog.Op{Kind: catalog.Put, Collection: "works", Feature: work("w1", "dig").Feature}
	end.Feature.ValidTo = date2099
	must(t, s, func(ctx context.Context) error {
		_, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(end)})
		return err
	})
	before := head(t, s)
	tool(t, "ogr2ogr", "-overwrite", "-nln", "works", path, geojson(t,
		`{"type":"Feature","properties":{"id":"w1","what":"dig"},"geometry":{"type":"Point","coordinates":[72.85,19.05]}}`,
		`{"type":"Feature","properties":{"id":"w2","what":"dug"},"geometry":{"type":"Point","coordinates":[72.85,19.05]}}`))
	if got := ids(t, s, "works", catalog.At{}); len(got) != 2 || !got["w1"].ValidTo.Equal(date2099) || got["w2"].Props.Get("what").Str() != "dug" {
		t.Errorf("%+v", got)
	}
	if feed := told(t, s, before); len(feed) != 2 {
		t.Errorf("feed: %v", feed)
	}
	clean(t, s)
}

// Windows find every feature where it is, whatever has happened since the first
// one was asked for.
func TestWindowsFollowEdits(t *testing.T) {
	s, path := city(t)
	place := func(i int, x float64) catalog.Op {
		op := work(fmt.Sprintf("p%04d", i), "here")
		op.Feature.Geometry = geo.NewPoint(x, 19+float64(i)*1e-5)
		return op
	}
	put := func(x float64, from, to int) {
		t.Helper()
		var ops []catalog.Op
		for i := from; i < to; i++ {
			ops = append(ops, place(i, x))
		}
		must(t, s, func(ctx context.Context) error {
			_, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)})
			return err
		})
	}
	agree := func(doing string) {
		t.Helper()
		for _, box := range []geo.Box{{W: 71, S: 18, E: 74, N: 20}, {W: 72, S: 19, E: 72.0001, N: 19.002}, {W: 73, S: 19.001, E: 73, N: 19.0105}} {
			want, got := 0, map[string]int{}
			for _, f := range ids(t, s, "works", catalog.At{}) {
				if f.Geometry.Box().Intersects(box) {
					want++
				}
			}
			if _, err := s.Scan(context.Background(), catalog.Query{Collection: "works", Box: &box}, func(f *catalog.Feature) error {
				got[f.ID]++
				if got[f.ID] > 1 {
					t.Errorf("%s: %s comes twice", doing, f.ID)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(got) != want {
				t.Errorf("%s: %v holds %d features, found %d", doing, box, want, len(got))
			}
		}
	}
	put(72, 0, 2500)
	agree("loaded")
	put(73, 100, 150)
	agree("some moved")
	put(73, 100, 1400)
	agree("many moved")
	put(72, 120, 130)
	agree("some moved back")
	sql(t, path, "UPDATE works SET fid=fid+100000 WHERE id BETWEEN 'p0010' AND 'p0020'")
	agree("features in other rows")
	sql(t, path, "DELETE FROM works WHERE id BETWEEN 'p0030' AND 'p0040'; UPDATE works SET geom=(SELECT geom FROM works WHERE id='p0100') WHERE id BETWEEN 'p0050' AND 'p0060'")
	agree("edited outside")
	put(73, 2500, 2600)
	sql(t, path, "UPDATE works SET nagar_cell=7, what='keyless' WHERE id BETWEEN 'p0200' AND 'p0300'")
	agree("keys spoilt outside")
	clean(t, s)
}
