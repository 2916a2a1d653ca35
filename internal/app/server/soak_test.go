package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"nagar/geo"
)

// strain is how hard a soak is.
type strain struct {
	lasting   time.Duration
	listeners int
	edits     int // a second
	readers   int // each asks twenty times a second
	buildings int
	full      bool // long enough to judge growth and delay by
}

// soakStrain is a few seconds; SOAK=10m is the real one.
func soakStrain(t *testing.T) strain {
	s := os.Getenv("SOAK")
	if s == "" {
		return strain{lasting: 2 * time.Second, listeners: 50, edits: 50, readers: 2, buildings: 1000}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	return strain{lasting: d, listeners: 1000, edits: 100, readers: 4, buildings: 100_000, full: true}
}

// TestSoak edits a city at random through the store, as another process does, while
// listeners wait for events, watchers fetch what the events name and readers ask
// for anything. No tile is older than the event that announced it, every listener
// hears of the last edit, the tiles in the end are those of a server started
// afresh, and nothing is left when all have gone. With SOAK=10m (`make soak`) it
// also holds that nothing grows and that edits are seen in time.
func TestSoak(t *testing.T) {
	if args := os.Getenv(soakChild); args != "" {
		runSoakChild(args)
	}
	bareStores(t, func(t *testing.T, c *town) { soak(t, soakStrain(t), c) })
}

func soak(t *testing.T, how strain, c *town) {
	c.importer(t, "demo", "--buildings", fmt.Sprint(how.buildings), "--seed", "7")
	server := startSoakServer(t, c, "on")
	c.base = server.base
	quiet := server.figures(t)
	city := newSoakCity(t, c, uint64(time.Now().UnixNano()))

	listening, goHome := context.WithCancel(t.Context())
	crowd := &crowd{base: c.base, city: city, seen: newDelays()}
	crowd.gather(t, listening, how.listeners)

	working, stop := context.WithTimeout(t.Context(), how.lasting)
	defer stop()
	var work sync.WaitGroup
	work.Go(func() { city.edit(t, working, how.edits) })
	for i := range how.readers {
		work.Go(func() { readAnything(t, working, c.base, rand.New(rand.NewPCG(city.seed, uint64(i)))) })
	}
	samples := server.watch(t, working, how.lasting/40)
	work.Wait()

	last := city.last()
	eventually(t, "every listener hears of the last edit", func() bool { return crowd.behind(last) == 0 })
	goHome()
	crowd.gone.Wait()
	sameAsAfresh(t, c, city.seed)
	after := server.settled(t, quiet)
	if report := c.importer(t, "check"); report["problems"] != 0.0 {
		t.Errorf("check: %v", report)
	}

	t.Logf("%s, %d listeners, SEED=%d: %d edits (%.0f/s), %d events to listeners, %d tiles fetched after their event, none older",
		how.lasting, how.listeners, city.seed, city.count(), float64(city.count())/how.lasting.Seconds(), crowd.events.Load(), crowd.fetched.Load())
	t.Logf("commit → event → tile: %s", crowd.seen)
	t.Logf("before: %v; after: %v", quiet, after)
	for i, s := range samples {
		if i%max(1, len(samples)/10) == 0 || i == len(samples)-1 {
			t.Logf("%3d %%: %v", 100*(i+1)/len(samples), s)
		}
	}
	if crowd.fetched.Load() == 0 {
		t.Error("no tile was fetched after an event")
	}
	if how.full {
		judgeGrowth(t, samples)
		if p95 := crowd.seen.quantile(0.95); p95 > 500*time.Millisecond {
			t.Errorf("the new tile came %v after the commit (p95)", p95)
		}
	}
}

// judgeGrowth compares the second quarter of a run with its last.
func judgeGrowth(t *testing.T, samples []soakFigures) {
	t.Helper()
	if len(samples) < 8 {
		t.Fatalf("%d samples", len(samples))
	}
	middle := func(part []soakFigures, what func(soakFigures) int64) int64 {
		var list []int64
		for _, s := range part {
			list = append(list, what(s))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	n := len(samples)
	for _, f := range []struct {
		name  string
		what  func(soakFigures) int64
		slack int64 // beyond a tenth
	}{
		{"heap", func(s soakFigures) int64 { return s.heap }, 8 << 20},
		{"resident memory", func(s soakFigures) int64 { return s.resident }, 32 << 20},
		{"goroutines", func(s soakFigures) int64 { return s.goroutines }, 32},
		{"open files", func(s soakFigures) int64 { return s.files }, 32},
		{"segments", func(s soakFigures) int64 { return s.segments }, 16},
	} {
		early, late := middle(samples[n/4:n/2], f.what), middle(samples[n*3/4:], f.what)
		if late > early+early/10+f.slack {
			t.Errorf("%s grew from %d to %d", f.name, early, late)
		}
	}
}

// sameAsAfresh holds tiles and answers against those of a server that has just
// read the store.
func sameAsAfresh(t *testing.T, c *town, seed uint64) {
	t.Helper()
	fresh := &town{base: startSoakServer(t, c, "off").base}
	r := rand.New(rand.NewPCG(seed, 99))
	for i := range 60 {
		lon, lat := soakPlace(r)
		paths := []string{fmt.Sprintf("/tiles/buildings,sensors/%s.mvt", geo.TileAt(lon, lat, 8+uint32(i%10)))}
		paths = append(paths, paths[0]+"?generalize=none",
			fmt.Sprintf("/api/near?collection=buildings&lon=%f&lat=%f&k=20", lon, lat),
			fmt.Sprintf("/api/within?collection=buildings&bbox=%f,%f,%f,%f", lon, lat, lon+0.003, lat+0.003))
		for _, path := range paths {
			status, old := c.get(t, path)
			freshStatus, want := fresh.get(t, path)
			old = bytes.ReplaceAll(old, []byte(c.base), []byte(fresh.base))
			if status != freshStatus || !bytes.Equal(old, want) {
				t.Errorf("%s: after all edits %d, %d bytes; afresh %d, %d bytes", path, status, len(old), freshStatus, len(want))
			}
		}
	}
}

// readAnything asks for tiles and answers all over the city until ctx ends.
func readAnything(t *testing.T, ctx context.Context, base string, r *rand.Rand) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		lon, lat := soakPlace(r)
		var path string
		switch r.IntN(6) {
		case 0:
			path = fmt.Sprintf("/api/near?collection=buildings&lon=%f&lat=%f&k=10", lon, lat)
		case 1:
			path = fmt.Sprintf("/api/within?collection=buildings&bbox=%f,%f,%f,%f&limit=1000", lon, lat, lon+0.005, lat+0.005)
		case 2:
			path = fmt.Sprintf("/api/at?lon=%f&lat=%f", lon, lat)
		case 3:
			path = fmt.Sprintf("/tiles/buildings/%s.mvt?generalize=none", geo.TileAt(lon, lat, 13+uint32(r.IntN(5))))
		default:
			path = fmt.Sprintf("/tiles/wards,roads,buildings/%s.mvt", geo.TileAt(lon, lat, 9+uint32(r.IntN(9))))
		}
		resp, err := http.Get(base + path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode >= 400 {
			t.Errorf("%s: status %d, %v", path, resp.StatusCode, err)
			return
		}
	}
}

// soakPlace is a place in the part of the city that is edited.
func soakPlace(r *rand.Rand) (lon, lat float64) {
	return 72.84 + r.Float64()*0.04, 19.0 + r.Float64()*0.06
}
