//go:build peers

package benchpeers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	listeners      = 1000
	fetchers       = 10 // of the listeners: they fetch a tile that an event names
	editsPerSecond = 100
)

// fresh measures how long after an edit its tile is there, with many listeners, on
// either store: from the answer to the edit to the end of the tile that a listener
// fetches when it hears of it.
func (b *bench) fresh() {
	for _, s := range []struct{ name, store string }{{"GeoPackage", filepath.Join(b.dir, "city.gpkg")}, {"PostGIS", b.url}} {
		base, pids := b.ours("Nagar, twin on "+s.name, "twin", s.store, "--mqtt", "off")
		f := &freshness{base: base, lasting: b.lasting, city: b.city}
		before := cpuTime(pids)
		if err := f.run(); err != nil {
			b.t.Errorf("freshness on %s: %v", s.name, err)
			continue
		}
		r := freshRow{name: s.name, edits: len(f.edits), delays: f.delays, older: int(f.older.Load()), events: int(f.events.Load()), cpu: cpuTime(pids) - before, memory: memoryOf(pids)}
		slices.Sort(r.delays)
		b.report.fresh = append(b.report.fresh, r)
		b.t.Logf("%+v", r.line())
	}
}

// freshness is one run.
type freshness struct {
	base    string
	lasting time.Duration
	city    *town

	mu     sync.Mutex
	edits  []edit // in the order of their revisions
	delays []time.Duration

	older, events atomic.Int64
}

type edit struct {
	rev int64
	at  time.Time
}

func (f *freshness) run() error {
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	var here sync.WaitGroup
	for i := range listeners {
		c, err := net.Dial("tcp", strings.TrimPrefix(f.base, "http://"))
		if err != nil {
			return err
		}
		open = append(open, c)
		if _, err := fmt.Fprintf(c, "GET /api/live HTTP/1.1\r\nHost: %s\r\n\r\n", c.RemoteAddr()); err != nil {
			return err
		}
		here.Add(1)
		go f.listen(c, sync.OnceFunc(here.Done), i < fetchers)
	}
	here.Wait()
	begin := time.Now()
	for n := 0; time.Since(begin) < f.lasting; n++ {
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / editsPerSecond)))
		if err := f.edit(n); err != nil {
			return err
		}
	}
	time.Sleep(2 * time.Second) // the last events, and their tiles
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.delays) == 0 {
		return fmt.Errorf("of %d edits no listener heard", len(f.edits))
	}
	return nil
}

// edit puts a building beside a street of the city, over HTTP.
func (f *freshness) edit(n int) error {
	p := strings.Fields(f.city.near[n%len(f.city.near)])
	lon, _ := strconv.ParseFloat(p[0], 64)
	lat, _ := strconv.ParseFloat(p[1], 64)
	const side = 0.0001
	body := fmt.Sprintf(`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[%[1]f,%[2]f],[%[3]f,%[2]f],[%[3]f,%[4]f],[%[1]f,%[4]f],[%[1]f,%[2]f]]]},"properties":{"floors":%[5]d}}`,
		lon, lat, lon+side, lat+side, n%40)
	q, err := http.NewRequest(http.MethodPost, f.base+"/api/features/buildings", strings.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+adminToken)
	q.Header.Set("Content-Type", "application/geo+json")
	f.mu.Lock() // so that nobody looks for an edit that is not noted yet
	defer f.mu.Unlock()
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusCreated {
		return fmt.Errorf("edit %d: status %d, %v: %.300s", n, r.StatusCode, err, text)
	}
	rev, err := strconv.ParseInt(r.Header.Get("Nagar-Revision"), 10, 64)
	f.edits = append(f.edits, edit{rev, time.Now()})
	return err
}

// listen reads events until the connection is closed.
func (f *freshness) listen(c net.Conn, greeted func(), fetches bool) {
	event, got := "", make(chan shown, 1000)
	defer close(got)
	go f.count(got)
	lines := bufio.NewScanner(c)
	lines.Buffer(make([]byte, 0, 2048), 1<<20)
	for lines.Scan() {
		line := lines.Bytes()
		if bytes.HasPrefix(line, []byte("id: ")) {
			greeted()
		}
		if v, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			event = string(v)
			f.events.Add(1)
		}
		if v, ok := bytes.CutPrefix(line, []byte("data: ")); ok && fetches && event == "tiles" {
			if s, ok := f.fetch(v); ok {
				got <- s
			}
		}
	}
}

// shown is a tile that has come after an event of a revision.
type shown struct {
	rev int64
	at  time.Time
}

// fetch asks for a tile that an event names.
func (f *freshness) fetch(data []byte) (shown, bool) {
	var e struct {
		Rev   int64
		Tiles []string
	}
	if err := json.Unmarshal(data, &e); err != nil || len(e.Tiles) == 0 {
		return shown{}, false
	}
	r, err := http.Get(f.base + "/tiles/buildings/" + e.Tiles[int(e.Rev)%len(e.Tiles)] + ".mvt")
	if err != nil {
		return shown{}, false
	}
	_, _ = io.Copy(io.Discard, r.Body)
	r.Body.Close()
	now := time.Now()
	if rev, _ := strconv.ParseInt(r.Header.Get("Nagar-Revision"), 10, 64); rev < e.Rev {
		f.older.Add(1)
	}
	return shown{e.Rev, now}, true
}

// count notes how long ago the edits were that a tile has shown.
func (f *freshness) count(tiles <-chan shown) {
	seen := 0
	for s := range tiles {
		f.mu.Lock()
		for ; seen < len(f.edits) && f.edits[seen].rev <= s.rev; seen++ {
			f.delays = append(f.delays, max(0, s.at.Sub(f.edits[seen].at)))
		}
		f.mu.Unlock()
	}
}
