package layers

import (
	"context"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/geo"
)

// countingSource counts scans.
type countingSource struct {
	Source
	scans atomic.Int64
}

func (s *countingSource) Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	s.scans.Add(1)
	return s.Source.Scan(ctx, q, fn)
}

// TestNewWordsCostNoScan: a title costs a description, a table made anew or
// another field a scan, after which edits and appointments go on.
func TestNewWordsCostNoScan(t *testing.T) {
	r := random(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var clock atomic.Pointer[time.Time]
	clock.Store(&now)
	src := &countingSource{Source: newMemSource()}
	m := src.Source.(*memSource)
	m.clock = func() time.Time { return *clock.Load() }
	c := buildingsCollection()
	m.define(c)
	feats := city(r, 200)
	feats[0].ValidTo = now.Add(time.Hour)
	feats[1].ValidFrom = now.Add(time.Hour)
	m.write("buildings", feats)
	e := start(t, src, Options{Clock: func() time.Time { return *clock.Load() }})
	expect := func(what string, rev catalog.Rev, scans int64, count int) {
		t.Helper()
		waitRev(t, e, rev)
		if got := src.scans.Load(); got != scans {
			t.Errorf("%s: %d scans, want %d", what, got, scans)
		}
		if i, _ := e.Collection("buildings"); i.Count != count {
			t.Errorf("%s: %d features, want %d", what, i.Count, count)
		}
	}
	expect("load", 2, 1, 199)
	c.Title = catalog.Words{"en": "Buildings"}
	c.Fields[1].Class = catalog.ClassRestricted
	expect("title and class", m.define(c), 1, 199)
	// What the table held is gone past the feed: only the definition tells.
	m.mu.Lock()
	for i := range m.commits {
		for j := range m.commits[i].Changes {
			if ch := &m.commits[i].Changes[j]; ch.ID == feats[7].ID {
				ch.New = nil
			}
		}
	}
	m.mu.Unlock()
	expect("made anew", m.define(c), 2, 198)
	if _, _, ok := e.Feature("buildings", feats[7].ID); ok {
		t.Error("what the table lost is still there")
	}
	c.Fields = append(c.Fields, catalog.Field{Name: "colour", Type: catalog.TypeText})
	expect("a field", m.define(c), 3, 198)
	expect("an edit", m.write("buildings", []catalog.Feature{building(r, 9000)}), 3, 199)
	later := now.Add(2 * time.Hour)
	clock.Store(&later)
	e.Tick() // one ends, one begins, once each
	expect("later", 0, 3, 199)
	for i, want := range []bool{false, true} {
		if _, _, ok := e.Feature("buildings", feats[i].ID); ok != want {
			t.Errorf("feature %d is shown: %v", i, ok)
		}
	}
}

// TestATableDroppedPastTheFeed: a DROP TABLE in an SQL shell leaves nothing of
// what it destroyed in the feed.
func TestATableDroppedPastTheFeed(t *testing.T) {
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		skip(t, "no sqlite3: "+err.Error())
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	st, err := gpkg.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Define(ctx, buildingsCollection()); err != nil {
		t.Fatal(err)
	}
	r := random(t)
	put := func(fs ...catalog.Feature) catalog.Rev {
		var ops []catalog.Op
		for _, f := range fs {
			ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: f})
		}
		res, err := st.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)})
		if err != nil {
			t.Fatal(err)
		}
		return res.Rev
	}
	put(city(r, 300)...)
	t.Run("follow", func(t *testing.T) {
		e := start(t, st, Options{})
		at := geo.TileAt(72.85, 19.05, 12)
		if tl, _ := getTile(t, e, at, true); tl.Features == 0 {
			t.Fatal("nothing is drawn")
		}
		if out, err := exec.Command(shell, "-bail", "-cmd", ".timeout 60000", path, "DROP TABLE buildings").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		eventually(t, "the features that are gone are not shown", func() bool {
			i, _ := e.Collection("buildings")
			return i.Count == 0
		})
		if tl, _ := getTile(t, e, at, true); tl.Features != 0 {
			t.Errorf("%d features drawn that are gone", tl.Features)
		}
		waitRev(t, e, put(building(r, 5)))
		if i, _ := e.Collection("buildings"); i.Count != 1 {
			t.Errorf("%d features", i.Count)
		}
	})
}
