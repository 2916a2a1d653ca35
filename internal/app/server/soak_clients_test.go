package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
)

// watchers are the listeners that fetch what an event names.
const watchers = 10

// crowd is who listens to /api/live.
type crowd struct {
	base string
	city *soakCity
	told []atomic.Int64 // by listener: the revision up to which it was told everything
	gone sync.WaitGroup
	seen *delays

	events, fetched atomic.Int64
}

// gather lets n listeners come, and returns when each has been greeted.
func (c *crowd) gather(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	c.told = make([]atomic.Int64, n)
	here := make(chan struct{}, n)
	for i := range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		c.gone.Go(func() {
			defer stop()
			defer conn.Close()
			if err := c.listen(t, conn, i, here); err != nil && ctx.Err() == nil {
				t.Errorf("listener %d: %v", i, err)
			}
		})
	}
	for range n {
		select {
		case <-here:
		case <-time.After(waitLong):
			t.Fatal("not everybody is listened to")
		}
	}
}

// listen reads events until the connection ends. The pieces that HTTP sends them in
// are lines of their own, and mean nothing here.
func (c *crowd) listen(t *testing.T, conn net.Conn, i int, here chan<- struct{}) error {
	if _, err := fmt.Fprintf(conn, "GET /api/live HTTP/1.1\r\nHost: %s\r\n\r\n", conn.RemoteAddr()); err != nil {
		return err
	}
	w := &watcher{crowd: c, from: c.city.count(), judging: make(chan func(), 100)}
	defer close(w.judging)
	c.gone.Go(func() { // what is fetched is judged beside the fetching: the editor may be waited for
		for judge := range w.judging {
			judge()
		}
	})
	event, greeted := "", false
	lines := bufio.NewScanner(conn)
	lines.Buffer(make([]byte, 0, 2048), 1<<20)
	for lines.Scan() {
		line := lines.Bytes()
		if v, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			event = string(v)
			c.events.Add(1)
		}
		if v, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			n, err := strconv.ParseInt(string(v), 10, 64)
			if err != nil {
				return err
			}
			c.told[i].Store(n)
			if !greeted {
				greeted = true
				here <- struct{}{}
			}
		}
		if v, ok := bytes.CutPrefix(line, []byte("data: ")); ok && i < watchers && event == "tiles" {
			w.look(t, v)
		}
	}
	return fmt.Errorf("the events ended: %w", lines.Err())
}

// behind is how many have not been told of the revision.
func (c *crowd) behind(rev catalog.Rev) (n int) {
	for i := range c.told {
		if c.told[i].Load() < int64(rev) {
			n++
		}
	}
	return n
}

// watcher fetches a tile after each event.
type watcher struct {
	*crowd
	from    int // the first edit that it has not seen
	judging chan func()
}

func (w *watcher) look(t *testing.T, data []byte) {
	var e struct {
		Collection string
		Rev        catalog.Rev
		Tiles      []string
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Errorf("event %s: %v", data, err)
		return
	}
	if e.Collection != "buildings" {
		return
	}
	var at geo.Tile
	if len(e.Tiles) == 0 {
		at = w.city.tileOf(e.Rev)
	} else if _, err := fmt.Sscanf(e.Tiles[int(e.Rev)%len(e.Tiles)], "%d/%d/%d", &at.Z, &at.X, &at.Y); err != nil {
		t.Errorf("tile %q", e.Tiles[0])
		return
	}
	resp, err := http.Get(w.base + "/tiles/buildings/" + at.String() + ".mvt")
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Errorf("tile %s: status %d, %v", at, resp.StatusCode, err)
		return
	}
	now := time.Now()
	tile, err := mvt.Decode(body)
	if err != nil {
		t.Errorf("tile %s: %v", at, err)
		return
	}
	if rev, err := strconv.ParseInt(resp.Header.Get("Nagar-Revision"), 10, 64); err != nil || rev < int64(e.Rev) {
		t.Errorf("tile %s is of revision %d after an event of %d (%v)", at, rev, e.Rev, err)
	}
	w.fetched.Add(1)
	w.judging <- func() {
		if wrong := w.city.wrong(at, tile, e.Rev); wrong != "" {
			t.Errorf("tile %s after an event of revision %d shows %s", at, e.Rev, wrong)
		}
		w.from = w.city.delaysSince(w.from, e.Rev, now, w.seen)
	}
}

// tileOf is the tile at zoom 16 of the newest edit up to the revision.
func (c *soakCity) tileOf(rev catalog.Rev) geo.Tile {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i := len(c.edits) - 1; i >= 0; i-- {
		if e := &c.edits[i]; e.rev <= rev {
			return geo.TileAt(e.lon, e.lat, 16)
		}
	}
	return geo.TileAt(72.85, 19.02, 16)
}

// delaysSince notes how long ago each edit from the first up to the revision was,
// and returns the first after them.
func (c *soakCity) delaysSince(first int, rev catalog.Rev, now time.Time, to *delays) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for ; first < len(c.edits) && c.edits[first].rev <= rev; first++ {
		to.add(now.Sub(c.edits[first].acted))
	}
	return first
}

// delays counts durations by the millisecond, so that a long run takes no more
// memory than a short one.
type delays struct {
	mu     sync.Mutex
	counts []int64
	n      int64
}

func newDelays() *delays { return &delays{counts: make([]int64, 60_000)} }

func (d *delays) add(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[min(max(t.Milliseconds(), 0), int64(len(d.counts)-1))]++
	d.n++
}

func (d *delays) quantile(q float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := int64(q * float64(d.n))
	for ms, n := range d.counts {
		if left -= n; left < 0 {
			return time.Duration(ms) * time.Millisecond
		}
	}
	return 0
}

func (d *delays) String() string {
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s, worst %s", d.quantile(0.5), d.quantile(0.95), d.quantile(0.99), d.quantile(0.999999))
}
