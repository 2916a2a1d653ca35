package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/geo"
	"nagar/geo/mvt"
	"nagar/layers"
)

// random returns a generator with a logged seed; SEED repeats a run.
func random(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func round7(v float64) float64 { return math.Round(v*1e7) / 1e7 }

func square(lon, lat, half float64) geo.Geometry {
	w, s, e, n := round7(lon-half), round7(lat-half), round7(lon+half), round7(lat+half)
	return geo.NewPolygon([]float64{w, s, e, s, e, n, w, n, w, s})
}

// town is some hundred buildings, and a ward and a strip of land around them.
func town(r *rand.Rand) map[string][]catalog.Feature {
	out := map[string][]catalog.Feature{}
	for i := range 800 {
		out["buildings"] = append(out["buildings"], catalog.Feature{
			ID: fmt.Sprintf("b%04d", i), Geometry: square(72.85+r.NormFloat64()*0.01, 19.05+r.NormFloat64()*0.01, 0.00005+r.Float64()*0.0002),
			Props: catalog.Properties{{Name: "use", Value: catalog.Text("school")}, {Name: "floors", Value: catalog.Integer(int64(i % 30))}, {Name: "owner", Value: catalog.Text("Somebody")}},
		})
	}
	out["wards"] = []catalog.Feature{{ID: "w1", Geometry: square(72.85, 19.05, 0.05), Props: catalog.Properties{{Name: "name", Value: catalog.Text("A")}}}}
	out["secrets"] = []catalog.Feature{{ID: "s1", Geometry: square(72.85, 19.05, 0.001)}}
	return out
}

func townCollections() []catalog.Collection {
	return []catalog.Collection{
		{Name: "buildings", Title: catalog.Words{"en": "Buildings"}, Source: "Survey", Licence: "CC0", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{
			{Name: "use", Type: catalog.TypeText}, {Name: "floors", Type: catalog.TypeInteger}, {Name: "owner", Type: catalog.TypeText, Class: catalog.ClassRestricted}}},
		{Name: "wards", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{{Name: "name", Type: catalog.TypeText}}},
		{Name: "secrets", Class: catalog.ClassInternal, Geometry: catalog.GeometryPolygon},
	}
}

// load makes a GeoPackage of the features, shuffled.
func load(t testing.TB, r *rand.Rand, all map[string][]catalog.Feature) catalog.Store {
	t.Helper()
	ctx := context.Background()
	st, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, c := range townCollections() {
		if _, err := st.Define(ctx, c); err != nil {
			t.Fatal(err)
		}
		feats := all[c.Name]
		for _, half := range [2][]int{r.Perm(len(feats))[:len(feats)/2], r.Perm(len(feats))} {
			var ops []catalog.Op
			for _, i := range half {
				ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: c.Name, Feature: feats[i]})
			}
			if _, err := st.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return st
}

// export writes an archive of the collections and returns its path.
func export(t testing.TB, st catalog.Store, names []string, o Options) (string, Stats) {
	t.Helper()
	still, err := layers.ReadStill(context.Background(), st, names, layers.StillOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "a.pmtiles"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stats, err := Write(context.Background(), f, still, o)
	if err != nil {
		t.Fatal(err)
	}
	return f.Name(), stats
}

func open(t testing.TB, path string) *Archive {
	t.Helper()
	a, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// engine is an engine that has loaded the store.
func engine(t testing.TB, st catalog.Store) *layers.Engine {
	t.Helper()
	e := layers.New(st, layers.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	<-e.Loaded()
	return e
}

// TestArchiveHoldsWhatTheServerServes: every tile of the pyramid, and no other.
func TestArchiveHoldsWhatTheServerServes(t *testing.T) {
	st := load(t, random(t), town(random(t)))
	names := []string{"wards", "buildings"}
	path, stats := export(t, st, names, Options{MaxZoom: 16, View: catalog.Public})
	a, e := open(t, path), engine(t, st)
	tiles := int64(0)
	wide := geo.ProjectBox(geo.Box{W: 72.7, S: 18.9, E: 73, N: 19.2})
	for z := range uint32(18) {
		geo.TilesOf(wide, z, 0).Each(func(at geo.Tile) bool {
			want, err := e.Tile(context.Background(), layers.TileRequest{Collections: names, Tile: at, View: catalog.Public})
			if err != nil {
				t.Fatal(err)
			}
			got, ok, err := a.Tile(at)
			if err != nil {
				t.Fatal(err)
			}
			if ok != (len(want.Data) > 0 && z <= 16) {
				t.Fatalf("%s: in the archive %v, the server's has %d bytes", at, ok, len(want.Data))
			}
			if !ok {
				return true
			}
			tiles++
			if got, err = a.Plain(got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want.Data) {
				t.Fatalf("%s: %d bytes, the server's %d", at, len(got), len(want.Data))
			}
			return true
		})
	}
	if tiles != stats.Tiles || stats.Contents >= stats.Tiles || a.Addressed != uint64(tiles) {
		t.Errorf("%d tiles found, %+v written: want all found, and those inside the ward kept once", tiles, stats)
	}
}

// TestSameContentSameBytes whatever the order of loading.
func TestSameContentSameBytes(t *testing.T) {
	r := random(t)
	content := town(r)
	var first []byte
	for range 2 {
		path, _ := export(t, load(t, r, content), []string{"buildings", "wards"}, Options{MaxZoom: 15, View: catalog.Public})
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(first, b) {
			t.Fatal("the archives differ")
		}
	}
}

// TestArchiveHoldsWhatItsViewSees: the public's fields and collections only.
func TestArchiveHoldsWhatItsViewSees(t *testing.T) {
	st := load(t, random(t), town(random(t)))
	for _, view := range []catalog.View{catalog.Public, catalog.Everything} {
		path, _ := export(t, st, []string{"buildings"}, Options{MinZoom: 14, MaxZoom: 15, View: view})
		a := open(t, path)
		data, ok, err := a.Tile(geo.TileAt(72.85, 19.05, 15))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if data, err = a.Plain(data); err != nil {
			t.Fatal(err)
		}
		m, err := mvt.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		_, shown := m.Layers[0].Props(&m.Layers[0].Features[0])["owner"]
		told := strings.Contains(string(a.Metadata("vector_layers")), `"owner"`)
		if all := view.Key() == catalog.Everything.Key(); shown != all || told != all {
			t.Errorf("view %s: the owner is in tiles %v, in the metadata %v", view.Key(), shown, told)
		}
		if _, ok, _ := a.Tile(geo.TileAt(72.85, 19.05, 13)); ok {
			t.Error("a zoom that was not asked for")
		}
	}
	still, err := layers.ReadStill(context.Background(), st, []string{"secrets"}, layers.StillOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), nil, still, Options{View: catalog.Public}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("an archive for the public of what is internal: %v", err)
	}
	if _, err := layers.ReadStill(context.Background(), st, []string{"nowhere"}, layers.StillOptions{}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("of what is not there: %v", err)
	}
}

// many writes an archive of so many small tiles, every third like the one before,
// and returns its path.
func many(t testing.TB, n int) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "many.pmtiles"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := newWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.add(manyID(i), manyTile(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.finish(Header{TileCompression: Plain, TileType: PNG, Bounds: geo.World()}, map[string]any{"name": "many"}); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func manyID(i int) uint64 { return firstOf(11) + uint64(i) + uint64(i/7)*3 }

func manyTile(i int) []byte { return fmt.Appendf(nil, "tile %d", i-i%3/2) }

func TestLeafDirectories(t *testing.T) {
	const n = 60_000
	a := open(t, many(t, n))
	if len(a.root) > 30 || a.Header.leaves.length == 0 {
		t.Fatalf("%d entries in the root, %d bytes of leaves", len(a.root), a.Header.leaves.length)
	}
	next := 0
	for id := manyID(0); id <= manyID(n-1); id++ {
		data, ok, err := a.Tile(tileOf(id))
		if err != nil {
			t.Fatal(err)
		}
		if ok != (id == manyID(next)) {
			t.Fatalf("tile %d: found %v, the next one is %d", id, ok, manyID(next))
		}
		if ok {
			if !bytes.Equal(data, manyTile(next)) {
				t.Fatalf("tile %d is %q, want %q", id, data, manyTile(next))
			}
			next++
		}
	}
	if a.Entries >= a.Addressed || a.Contents >= a.Addressed {
		t.Errorf("%d tiles, %d entries, %d contents: repeated ones are not kept once", a.Addressed, a.Entries, a.Contents)
	}
}

// TestRootDirectoryFits where a larger leaf is needed for it.
func TestRootDirectoryFits(t *testing.T) {
	var entries []entry
	r := random(t)
	for i := range 200_000 {
		entries = append(entries, entry{id: uint64(i)*1000 + uint64(r.IntN(900)), offset: uint64(r.Int64N(1 << 40)), length: r.Uint32() | 1, run: 1})
	}
	root, leaves, err := directories(entries, 600)
	if err != nil || len(root) > 600 || len(leaves) == 0 {
		t.Errorf("a root of %d bytes, %d of leaves: %v", len(root), len(leaves), err)
	}
}

func TestTileIDs(t *testing.T) {
	for want, at := range map[uint64]geo.Tile{0: {}, 1: {Z: 1}, 2: {Z: 1, Y: 1}, 3: {Z: 1, X: 1, Y: 1}, 4: {Z: 1, X: 1}, 5: {Z: 2}, 19078479: {Z: 12, X: 3423, Y: 1763}} { // the specification's table
		if got := idOf(at); got != want {
			t.Errorf("%s has id %d, want %d", at, got, want)
		}
	}
	r := random(t)
	for z := range uint32(maxZoom + 1) {
		for range 200 {
			at := geo.Tile{Z: z, X: uint32(r.Int64N(1 << z)), Y: uint32(r.Int64N(1 << z))}
			id := idOf(at)
			if got := tileOf(id); got != at {
				t.Fatalf("%s: id %d is %s", at, id, got)
			}
			if z > 0 && (id-firstOf(z))/4 != idOf(at.Parent(z-1))-firstOf(z-1) {
				t.Fatalf("%s is not among the children of its parent", at)
			}
		}
	}
}

// TestBrokenArchivesAreRefused wherever the file ends, and whatever a number of
// its header says.
func TestBrokenArchivesAreRefused(t *testing.T) {
	path, _ := export(t, load(t, random(t), town(random(t))), []string{"buildings"}, Options{MaxZoom: 14, View: catalog.Public})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 7, 8, 126, 127, 128, 500, rootEnd - 1, rootEnd, rootEnd + 1, len(whole) / 2, len(whole) - 1} {
		if a, err := read(bytes.NewReader(whole[:n]), int64(n)); err == nil {
			t.Errorf("%d of %d bytes are taken for an archive: %+v", n, len(whole), a.Header)
		}
	}
	if _, err := read(bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Fatalf("the whole one: %v", err)
	}
	for at := range 128 {
		for _, v := range []byte{0, 0xff, 0x80} {
			b := bytes.Clone(whole)
			b[at] = v
			probe(b)
		}
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder is taken for an archive")
	}
	short := filepath.Join(t.TempDir(), "short.pmtiles")
	if err := os.WriteFile(short, whole[:len(whole)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(short); err == nil || !strings.Contains(err.Error(), "cut short") || !strings.Contains(err.Error(), short) {
		t.Errorf("a short archive: %v", err)
	}
}

// TestArchiveThatShrinks while it is open says so, and ends.
func TestArchiveThatShrinks(t *testing.T) {
	path := many(t, 60_000)
	a := open(t, path)
	if err := os.Truncate(path, rootEnd+10); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := a.Tile(tileOf(manyID(30_000))); err == nil {
		t.Errorf("found %v, and no error", ok)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Tile(tileOf(manyID(0))); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// probe opens what may be an archive and asks it for some tiles.
func probe(b []byte) {
	a, err := read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return
	}
	ids := []uint64{0, 1, 19078479}
	for _, e := range a.root[:min(len(a.root), 20)] {
		ids = append(ids, e.id, e.id+uint64(e.run))
	}
	for _, id := range ids {
		if id >= firstOf(maxZoom+1) {
			continue
		}
		if data, ok, err := a.Tile(tileOf(id)); err == nil && ok {
			_, _ = a.Plain(data) // what is inside may be anything
		}
	}
}

// small is an archive of a few hundred bytes without compression, so that changes
// to it come through: a root directory with a tile and a leaf, and that leaf.
func small(internal Compression) []byte {
	tiles := []byte("first second third")
	leaf := appendDirectory(nil, []entry{{id: 9, offset: 6, length: 7, run: 3}, {id: 30, offset: 13, length: 5, run: 1}})
	root := appendDirectory(nil, []entry{{id: 0, length: 5, run: 1}, {id: 9, length: uint32(len(leaf))}})
	h := Header{internal: internal, TileCompression: Plain, TileType: MVT, MaxZoom: 4, Bounds: geo.World()}
	b := make([]byte, headerSize)
	for _, part := range []struct {
		at   *section
		data []byte
	}{{&h.root, root}, {&h.metadata, []byte(`{"name":"small"}`)}, {&h.leaves, leaf}, {&h.tiles, tiles}} {
		*part.at = section{uint64(len(b)), uint64(len(part.data))}
		b = append(b, part.data...)
	}
	copy(b, h.append(nil))
	return b
}

func FuzzArchive(f *testing.F) {
	b := small(Plain)
	if a, err := read(bytes.NewReader(b), int64(len(b))); err != nil {
		f.Fatal(err)
	} else if data, ok, err := a.Tile(tileOf(11)); !ok || err != nil || string(data) != "second " {
		f.Fatalf("%q, %v, %v", data, ok, err)
	}
	f.Add(b)
	f.Add(small(Gzip))
	f.Fuzz(func(t *testing.T, b []byte) { probe(b) })
}

func FuzzDirectory(f *testing.F) {
	f.Add(appendDirectory(nil, []entry{{id: 5, length: 10, run: 2}, {id: 9, offset: 10, length: 3, run: 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := &Header{tiles: section{0, 1 << 20}, leaves: section{0, 1 << 16}}
		entries, err := parseDirectory(b, h)
		if err != nil {
			return
		}
		again, err := parseDirectory(appendDirectory(nil, entries), h)
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d entries, again %d: %v", len(entries), len(again), err)
		}
		for i := range entries {
			if entries[i] != again[i] {
				t.Fatalf("entry %d: %+v, again %+v", i, entries[i], again[i])
			}
		}
	})
}
