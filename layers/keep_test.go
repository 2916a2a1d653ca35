package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/snapfile"
)

// heard gathers what an engine tells of its snapshot file.
type heard struct {
	mu  sync.Mutex
	all []SnapshotNotice
}

func (h *heard) tell(n SnapshotNotice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, n)
}

func (h *heard) notices() []SnapshotNotice {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}

// await returns the n-th notice that meets the condition, from 1.
func (h *heard) await(t testing.TB, n int, what string, is func(SnapshotNotice) bool) SnapshotNotice {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		left := n
		for _, x := range h.notices() {
			if is(x) {
				if left--; left == 0 {
					return x
				}
			}
		}
		if time.Now().After(end) {
			t.Fatalf("not %s within a minute: %+v", what, h.notices())
		}
	}
}

func written(n SnapshotNotice) bool { return n.Written && n.Err == nil }
func taken(n SnapshotNotice) bool   { return !n.Written && n.Err == nil }
func refused(n SnapshotNotice) bool { return !n.Written && n.Err != nil }

// run starts an engine that keeps its index in the folder, and returns how to end it.
func run(t testing.TB, src Source, o Options) (*Engine, *heard, func()) {
	t.Helper()
	h := &heard{}
	o.Tell = h.tell
	e := New(src, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	end := sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(end)
	select {
	case <-e.Loaded():
	case <-time.After(time.Minute):
		t.Fatal("not loaded after a minute")
	}
	return e, h, end
}

// TestRestartFromTheSnapshotFile: after random edits, before and after the file was
// written, an engine that starts from it draws and answers as a fresh one does.
func TestRestartFromTheSnapshotFile(t *testing.T) {
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	src.define(c)
	src.define(catalog.Collection{Name: "empty", Geometry: catalog.GeometryAny})
	now := map[string]catalog.Feature{}
	write := func(n int) (rev catalog.Rev) {
		var puts []catalog.Feature
		var gone []string
		for _, i := range r.Perm(2000)[:n] {
			f := mixed(r, i)
			if r.IntN(3) == 0 {
				gone = append(gone, f.ID)
				delete(now, f.ID)
				continue
			}
			puts, now[f.ID] = append(puts, f), f
		}
		return src.write("buildings", puts, gone...)
	}
	write(1500)
	o := Options{Snapshots: t.TempDir()}
	for start := range 4 {
		e, h, end := run(t, src, o)
		if start == 0 {
			h.await(t, 1, "written", written)
		} else {
			h.await(t, 1, "taken", taken)
		}
		waitRev(t, e, src.head())
		if drawn := sameAsFresh(t, e, c, now); drawn < 200 {
			t.Errorf("only %d tiles", drawn)
		}
		fresh, _, endFresh := run(t, src, Options{})
		for range 20 {
			lon, lat := 72.85+r.NormFloat64()*0.02, 19.05+r.NormFloat64()*0.02
			ask := NearRequest{Collection: "buildings", Lon: lon, Lat: lat, Limit: 20, View: catalog.Public}
			a, err := e.Near(context.Background(), ask)
			b, errB := fresh.Near(context.Background(), ask)
			if err != nil || errB != nil || !bytes.Equal(a.Features, b.Features) {
				t.Fatalf("near %v %v: %v %v\n%s\nfresh:\n%s", lon, lat, err, errB, a.Features, b.Features)
			}
			box := geo.Box{W: lon, S: lat, E: lon + 0.01, N: lat + 0.01}
			x, err := e.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &box, View: catalog.Public})
			y, errB := fresh.Within(context.Background(), WithinRequest{Collection: "buildings", Box: &box, View: catalog.Public})
			if err != nil || errB != nil || !bytes.Equal(x.Features, y.Features) {
				t.Fatalf("within %v: %v %v", box, err, errB)
			}
		}
		endFresh()
		for range 5 {
			waitRev(t, e, write(1+r.IntN(40)))
		}
		if start%2 == 0 {
			c.Fields = append(c.Fields, catalog.Field{Name: fmt.Sprint("more", start), Type: catalog.TypeText})
			waitRev(t, e, src.define(c))
		}
		end()
		write(1 + r.IntN(40)) // while no engine looks
	}
}

// TestMappedArraysTakeThePlaceOfTheHeap: once the file is written the engine holds
// nothing twice, and its tiles stay the same.
func TestMappedArraysTakeThePlaceOfTheHeap(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	src.write("buildings", city(r, 3000))
	e, h, _ := run(t, src, Options{Snapshots: t.TempDir(), CacheBytes: -1})
	at := geo.TileAt(72.85, 19.05, 12)
	before, _ := getTile(t, e, at, false)
	h.await(t, 1, "written", written)
	if n := e.state.Load().cols["buildings"].snap.Loose(); n > 0 {
		t.Errorf("%d features are in the heap still", n)
	}
	after, _ := getTile(t, e, at, false)
	if before.ETag != after.ETag {
		t.Error("the tile differs")
	}
}

// TestErasedIsNotKept: nothing of an erased feature is in the folder once the
// engine shows that it is gone, nor in the file that is written then.
func TestErasedIsNotKept(t *testing.T) {
	r := random(t)
	folder := t.TempDir()
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 800)
	word := func(i int) string { return fmt.Sprintf("someone-%d-lives-here", i) }
	for i := range feats {
		feats[i].Props = append(slices.DeleteFunc(slices.Clone(feats[i].Props), func(p catalog.Property) bool { return p.Name == "use" }),
			catalog.Property{Name: "use", Value: catalog.Text(word(i))})
	}
	src.write("buildings", feats)
	has := func(w string) bool {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range entries {
			info, err := f.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", f.Name(), info.Mode())
			}
			b, err := os.ReadFile(filepath.Join(folder, f.Name()))
			if err == nil && bytes.Contains(b, []byte(w)) {
				return true
			}
		}
		return false
	}
	e, h, end := run(t, src, Options{Snapshots: folder})
	h.await(t, 1, "written", written)
	if !has(word(7)) {
		t.Fatal("the word is not in the file to begin with")
	}
	rev := src.erase("buildings", feats[7].ID)
	waitRev(t, e, rev)
	if has(word(7)) {
		t.Error("it is in the file after the erasure is shown")
	}
	e.keep.soon()
	h.await(t, 2, "written again", written)
	if has(word(7)) || !has(word(8)) {
		t.Errorf("in the new file: what was erased %v, what was not %v", has(word(7)), has(word(8)))
	}
	end()
	// While no engine looks: the one that comes next learns it from the feed.
	src.erase("buildings", feats[8].ID)
	e, h, _ = run(t, src, Options{Snapshots: folder})
	h.await(t, 1, "taken", taken)
	waitRev(t, e, src.head())
	if has(word(8)) {
		t.Error("it is in the file after the next start")
	}
}

// soon lets the file be written without a pause after the last time.
func (k *keeper) soon() {
	k.mu.Lock()
	k.written = time.Time{}
	k.mu.Unlock()
	select {
	case k.due <- struct{}{}:
	default:
	}
}

// TestPlannedAndEndingOutliveARestart: what is to appear or to end while no engine
// runs, and after, does so.
func TestPlannedAndEndingOutliveARestart(t *testing.T) {
	r := random(t)
	var now atomic.Pointer[time.Time]
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	set := func(d time.Duration) { x := t0.Add(d); now.Store(&x) }
	set(0)
	src := newMemSource()
	src.clock = func() time.Time { return *now.Load() }
	src.define(buildingsCollection())
	feats := city(r, 6)
	feats[0].ValidFrom = t0.Add(time.Hour)
	feats[1].ValidTo = t0.Add(2 * time.Hour)
	feats[2].ValidFrom, feats[2].ValidTo = t0.Add(3*time.Hour), t0.Add(5*time.Hour)
	feats[3].ValidTo = t0.Add(4 * time.Hour)
	feats[4].ValidTo = t0.Add(-time.Hour)
	src.clock = func() time.Time { return *now.Load() }
	src.write("buildings", feats)
	o := Options{Snapshots: t.TempDir(), Clock: func() time.Time { return *now.Load() }}
	shown := func(e *Engine) string {
		var out []string
		for i := range feats {
			if _, _, ok := e.Feature("buildings", feats[i].ID); ok {
				out = append(out, fmt.Sprint(i))
			}
		}
		return strings.Join(out, " ")
	}
	e, h, end := run(t, src, o)
	h.await(t, 1, "written", written)
	if got := shown(e); got != "1 3 5" {
		t.Errorf("at first: %s", got)
	}
	end()
	set(2 * time.Hour)
	e, h, end = run(t, src, o)
	h.await(t, 1, "taken", taken)
	all := map[string]catalog.Feature{}
	for _, f := range feats {
		all[f.ID] = f
	}
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{2 * time.Hour, "0 3 5"}, {3 * time.Hour, "0 2 3 5"}, {4 * time.Hour, "0 2 5"}, {5 * time.Hour, "0 5"}} {
		set(c.after)
		e.Tick()
		if got := shown(e); got != c.want {
			t.Errorf("after %v: %s, want %s", c.after, got, c.want)
		}
		sameAsFresh(t, e, buildingsCollection(), all)
	}
	end()
	set(-time.Minute) // a clock that was set back cannot bring back what has ended
	_, h, _ = run(t, src, o)
	h.await(t, 1, "refused", refused)
}

// FuzzTimetable: any bytes are a timetable or refused.
func FuzzTimetable(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tt := newTimetable()
	for i, x := range every() {
		x.ID = fmt.Sprint(i)
		if x.ValidTo = t0.Add(time.Hour); r.IntN(2) == 0 {
			x.ValidFrom = t0.Add(time.Minute)
		}
		tt.admit("things", &x, t0)
	}
	f.Add(encodeAppointments(tt.list()))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeTimetable(b)
		if err != nil {
			if !errors.Is(err, snapfile.ErrBroken) {
				t.Fatalf("%v does not wrap ErrBroken", err)
			}
			return
		}
		again, err := decodeTimetable(encodeAppointments(got.list()))
		if err != nil || len(again.queue) != len(got.queue) {
			t.Fatalf("read again: %v", err)
		}
	})
}

// TestDescriptionsChangeUnderTheFile: a description that changed in words only,
// while no engine ran and while one did, is that of the next file.
func TestDescriptionsChangeUnderTheFile(t *testing.T) {
	src := newMemSource()
	c := buildingsCollection()
	src.define(c)
	src.write("buildings", city(random(t), 50))
	o := Options{Snapshots: t.TempDir()}
	for i := range 4 {
		e, h, end := run(t, src, o)
		if i == 0 {
			h.await(t, 1, "written", written)
		} else {
			h.await(t, 1, "taken", taken)
		}
		if got, _ := e.Collection("buildings"); got.Owner != c.Owner {
			t.Errorf("start %d: owner %q, want %q", i, got.Owner, c.Owner)
		}
		c.Owner = fmt.Sprint("running ", i)
		waitRev(t, e, src.define(c))
		if i%2 == 0 {
			e.keep.refused.Store(true)
			e.keep.soon()
			h.await(t, 1+(2-i)/2, "written again", written)
		}
		if refusals := slices.IndexFunc(h.notices(), refused); refusals >= 0 {
			t.Errorf("start %d: %+v", i, h.notices()[refusals])
		}
		end()
		c.Owner = fmt.Sprint("resting ", i)
		src.define(c)
	}
}
