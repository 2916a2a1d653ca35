package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// takeUntil gathers notices until the engine has published rev.
func takeUntil(t testing.TB, e *Engine, s *Subscription, rev catalog.Rev) []Dirty {
	t.Helper()
	waitRev(t, e, rev)
	patience := time.After(waitLong)
	for {
		select {
		case <-s.Wait():
		case <-patience:
			t.Fatal("no notice")
		}
		// An earlier revision's notice may be on its way still.
		if got := s.Take(); slices.ContainsFunc(got, func(d Dirty) bool { return d.Rev >= rev }) {
			return got
		}
	}
}

// names reports whether the notice covers the tile: it names it, one below or
// one above it, or its box meets it.
func (d *Dirty) names(at geo.Tile) bool {
	if d.Box != nil {
		return d.Box.Intersects(at.Box())
	}
	for _, t := range d.Tiles {
		z := min(t.Z, at.Z)
		if t.Parent(z) == at.Parent(z) {
			return true
		}
	}
	return false
}

func TestEditsDirtyTheirTilesAndNoOthers(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 3000)
	rev := src.write("buildings", feats)
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	sub := e.Subscribe()
	defer sub.Close()
	var watch []geo.Tile
	for z := uint32(0); z <= 18; z++ {
		c := geo.TileAt(72.85, 19.05, z)
		for dx := -2; dx <= 2; dx++ {
			for dy := -2; dy <= 2; dy++ {
				at := geo.Tile{Z: z, X: uint32(int(c.X) + dx), Y: uint32(int(c.Y) + dy)}
				if at.Valid() {
					watch = append(watch, at)
				}
			}
		}
	}
	fetch := func() map[string]string {
		m := map[string]string{}
		for _, at := range watch {
			for _, all := range []bool{false, true} {
				tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public, All: all})
				if err != nil {
					t.Fatal(err)
				}
				m[fmt.Sprint(at, all)] = tl.ETag
			}
		}
		return m
	}
	tags := fetch()
	changed := 0
	order := r.Perm(len(feats)) // each at most once: deleting what is gone changes nothing
	for n := range 60 {
		i := order[n]
		switch n % 4 {
		case 0:
			rev = src.write("buildings", nil, feats[i].ID)
		case 1: // move
			x := building(r, i)
			x.ID = feats[i].ID
			rev = src.write("buildings", []catalog.Feature{x})
		case 2: // attributes only
			x := feats[i]
			x.Props = catalog.Properties{{Name: "use", Value: catalog.Text(fmt.Sprint("new ", n))}}
			rev = src.write("buildings", []catalog.Feature{x})
		case 3:
			rev = src.write("buildings", []catalog.Feature{building(r, 1_000_000+n), building(r, 2_000_000+n)})
		}
		dirty := takeUntil(t, e, sub, rev)
		now := fetch()
		for _, at := range watch {
			for _, all := range []bool{false, true} {
				k := fmt.Sprint(at, all)
				if now[k] == tags[k] {
					continue
				}
				changed++
				if !slices.ContainsFunc(dirty, func(d Dirty) bool { return d.names(at) }) {
					t.Fatalf("edit %d: tile %s changed unannounced: %+v", n, k, dirty)
				}
			}
		}
		for _, d := range dirty {
			if d.Collection != "buildings" || d.Rev < rev || len(d.Tiles) > maxDirtyTiles {
				t.Fatalf("notice %+v", d)
			}
			for _, x := range d.Tiles {
				if x.Z != 16 {
					t.Fatalf("tile %s in a notice", x)
				}
			}
		}
		tags = now
	}
	if changed == 0 {
		t.Fatal("no tile ever changed")
	}
	s := e.Stats()
	if s.CacheHits == 0 || s.CacheTiles == 0 {
		t.Errorf("the cache was of no use: %+v", s)
	}
}

func TestManyDirtyTilesBecomeABox(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	e := start(t, src, Options{})
	sub := e.Subscribe()
	defer sub.Close()
	var many []catalog.Feature
	for i := range 500 {
		f := building(r, i)
		f.Geometry = footprint(r, 72.7+r.Float64()*0.3, 18.9+r.Float64()*0.3, 10)
		many = append(many, f)
	}
	rev := src.write("buildings", many)
	d := takeUntil(t, e, sub, rev)
	if len(d) != 1 || d[0].Box == nil || d[0].Tiles != nil {
		t.Fatalf("%+v", d)
	}
	for i := range many {
		if !d[0].Box.ContainsBox(many[i].Geometry.Box()) {
			t.Fatalf("%v does not contain %v", *d[0].Box, many[i].Geometry.Box())
		}
	}
}

func TestASleepingSubscriberIsToldTheWorld(t *testing.T) {
	var h subscribers
	e := &Engine{}
	e.subs.names = nil
	s := e.Subscribe()
	_ = h.count()
	st := &state{names: []string{"a", "b"}, rev: 9}
	for i := range noticeLog + 10 {
		e.subs.notify(&change{collection: "a", boxes: []geo.GridBox{{MinX: int32(i), MinY: 0, MaxX: int32(i), MaxY: 0}}}, st, 16)
	}
	d := s.Take()
	if len(d) != 2 || d[0].Collection != "a" || d[1].Collection != "b" || d[0].Box == nil || *d[0].Box != geo.World() {
		t.Fatalf("%+v", d)
	}
	if d := s.Take(); len(d) != 0 {
		t.Fatalf("told twice: %+v", d)
	}
	s.Close()
	if e.subs.count() != 0 {
		t.Error("still counted after Close")
	}
}

func TestCollectionsAppearAndChangeAtRunTime(t *testing.T) {
	r := random(t)
	src := newMemSource()
	e := start(t, src, Options{})
	ask := func(v catalog.View) (*Tile, error) {
		return e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, 10), View: v, All: true})
	}
	if _, err := ask(catalog.Public); !errors.Is(err, catalog.ErrNotFound) {
		t.Fatalf("unknown collection: %v", err)
	}
	c := buildingsCollection()
	c.Class = catalog.ClassInternal
	src.define(c)
	waitRev(t, e, src.write("buildings", city(r, 10)))
	if _, err := ask(catalog.Public); !errors.Is(err, catalog.ErrNotFound) {
		t.Fatalf("internal collection for the public: %v", err)
	}
	before, err := ask(catalog.Everything)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(before.Data, []byte("secret person")) {
		t.Error("the full view misses a restricted field")
	}
	c.Class = catalog.ClassPublic
	c.Fields = append(slices.Clone(c.Fields), catalog.Field{Name: "colour", Type: catalog.TypeText})
	src.define(c)
	f := building(r, 3)
	f.Props = append(f.Props, catalog.Property{Name: "colour", Value: catalog.Text("ochre")})
	waitRev(t, e, src.write("buildings", []catalog.Feature{f}))
	tl, err := ask(catalog.Public)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(tl.Data, []byte("ochre")) || bytes.Contains(tl.Data, []byte("secret")) {
		t.Error("the new field is missing, or a hidden one is not")
	}
	// A field that becomes hidden leaves cached tiles too.
	c.Fields = slices.Clone(c.Fields)
	c.Fields[7].Class = catalog.ClassPersonal
	waitRev(t, e, src.define(c))
	if tl, err = ask(catalog.Public); err != nil || bytes.Contains(tl.Data, []byte("ochre")) {
		t.Errorf("still there: %v", err)
	}
}

func TestAnUnavailableStoreIsWaitedFor(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	src.write("buildings", city(r, 10))
	src.setFail(fmt.Errorf("gone: %w", catalog.ErrUnavailable))
	e := New(src, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	time.Sleep(150 * time.Millisecond)
	if _, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}}); !errors.Is(err, catalog.ErrUnavailable) || e.Ready() {
		t.Fatalf("before loading: %v", err)
	}
	src.setFail(nil)
	select {
	case <-e.Loaded():
	case <-time.After(waitLong):
		t.Fatal("not loaded after the store came back")
	}
	src.setFail(fmt.Errorf("gone: %w", catalog.ErrUnavailable))
	time.Sleep(50 * time.Millisecond)
	if tl, _ := getTile(t, e, geo.TileAt(72.85, 19.05, 8), true); tl.Features != 10 {
		t.Fatalf("%d features while the store is away", tl.Features)
	}
	src.setFail(nil)
	rev := src.write("buildings", nil, "b000003")
	waitRev(t, e, rev)
	// Another failure ends Run.
	src.setFail(errors.New("disk on fire"))
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "disk on fire") {
			t.Fatalf("%v", err)
		}
	case <-time.After(waitLong):
		t.Fatal("Run goes on")
	}
	cancel()
}

func TestThePastIsDrawnFromTheStore(t *testing.T) {
	drawThePast(t, random(t))
	// Cities with a footprint that touches the tile's border by rounding only.
	for _, seed := range []uint64{1795470955259881082, 1795471129018642433, 1795471132468840156} {
		drawThePast(t, rand.New(rand.NewPCG(seed, 1)))
	}
}

func drawThePast(t *testing.T, r *rand.Rand) {
	t.Helper()
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 300)
	then := src.write("buildings", feats)
	e := start(t, src, Options{})
	at := geo.TileAt(72.85, 19.05, 14)
	ask := func(a catalog.At) *Tile {
		tl, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public, At: a})
		if err != nil {
			t.Fatal(err)
		}
		return tl
	}
	waitRev(t, e, then)
	before := ask(catalog.At{})
	var ids []string
	for i := range 150 {
		ids = append(ids, feats[i].ID)
	}
	waitRev(t, e, src.write("buildings", nil, ids...))
	if now := ask(catalog.At{}); now.ETag == before.ETag {
		t.Fatal("the present did not change")
	}
	if past := ask(catalog.At{Known: then}); !bytes.Equal(past.Data, before.Data) || past.Rev != then {
		t.Fatalf("the past differs: revision %d", past.Rev)
	}
	p := NearRequest{Collection: "buildings", Lon: 72.85, Lat: 19.05, Limit: 200, View: catalog.Public, At: catalog.At{Known: then}}
	a, err := e.Near(context.Background(), p)
	if err != nil || a.Count != 200 {
		t.Fatalf("nearest of the past: %v, %d", err, a.Count)
	}
	p.Lon, p.Lat, p.Limit = -100, 40, 3 // far away from everything
	if a, err = e.Near(context.Background(), p); err != nil || a.Count != 3 {
		t.Fatalf("nearest of the past from afar: %v, %+v", err, a)
	}
	b := geo.Box{W: 72, S: 18, E: 74, N: 20}
	w, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &b, View: catalog.Public, Limit: 1000, At: catalog.At{Known: then}})
	if err != nil || w.Count != 300 {
		t.Fatalf("window of the past: %v, %d", err, w.Count)
	}
}

func TestReadersNeverSeeHalfARevision(t *testing.T) {
	// Every revision moves all features together; a reader must find them all in one place.
	src := newMemSource()
	src.define(buildingsCollection())
	r := rand.New(rand.NewPCG(1, 1))
	all := func(n int) []catalog.Feature {
		lon := 72.8 + 0.01*float64(n%10)
		var out []catalog.Feature
		for i := range 40 {
			out = append(out, catalog.Feature{ID: fmt.Sprint(i), Geometry: footprint(r, lon, 19, 5),
				Props: catalog.Properties{{Name: "floors", Value: catalog.Integer(int64(n))}}})
		}
		return out
	}
	src.write("buildings", all(0))
	e := start(t, src, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			b := geo.Box{W: 72, S: 18, E: 74, N: 20}
			for ctx.Err() == nil {
				a, err := e.Within(ctx, WithinRequest{Collection: "buildings", Box: &b, View: catalog.Public, Limit: 1000})
				if err != nil {
					return
				}
				fs := features(t, a)
				if len(fs) != 40 {
					t.Errorf("%d features", len(fs))
				}
				for _, f := range fs {
					if f.Properties["floors"] != fs[0].Properties["floors"] {
						t.Error("two revisions in one answer")
					}
				}
				rev := e.Rev()
				tl, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19, 9), View: catalog.Public, All: true, Encoding: Gzip})
				if err == nil && (tl.Rev < rev || tl.Features != 40) {
					t.Errorf("revision %d after %d, %d features", tl.Rev, rev, tl.Features)
				}
			}
		}()
	}
	var rev catalog.Rev
	for n := range 300 {
		rev = src.write("buildings", all(n+1))
	}
	waitRev(t, e, rev)
	cancel()
	wg.Wait()
	eventually(t, "the segments are merged", func() bool { return e.Stats().Segments <= 40 })
}

func TestCancelledRequestsStopTheWork(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	src.write("buildings", city(random(t), 100))
	e := start(t, src, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, Tile: geo.TileAt(72.85, 19.05, 9), View: catalog.Public}); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	eventually(t, "nothing is at work", func() bool { return e.Stats().InFlight == 0 })
	// The next one gets its tile.
	if tl, _ := getTile(t, e, geo.TileAt(72.85, 19.05, 9), true); tl.Features != 100 {
		t.Fatalf("%d features", tl.Features)
	}
}
