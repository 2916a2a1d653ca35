package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access"
	"nagar/layers"
)

// queue is a subscription that a test fills.
type queue struct {
	mu     sync.Mutex
	items  []layers.Dirty
	ready  chan struct{}
	closed bool
}

func (q *queue) put(d ...layers.Dirty) {
	q.mu.Lock()
	q.items = append(q.items, d...)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) Wait() <-chan struct{} { return q.ready }

func (q *queue) Take() []layers.Dirty {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.items
	q.items = nil
	return out
}

func (q *queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

type sse struct {
	name, data, id string
	at             time.Time
}

// listen opens /api/live on a real connection and yields its events.
func (fx *fixture) listen(query string, header ...string) (events <-chan sse, queue2 *queue, stop func()) {
	fx.t.Helper()
	q := &queue{ready: make(chan struct{}, 1)}
	opened := make(chan struct{})
	fx.server.subscribe = func() subscription { close(opened); return q }
	ts := httptest.NewServer(fx.server)
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ts.URL+"/api/live"+query, nil)
	if err != nil {
		fx.t.Fatal(err)
	}
	for _, h := range header {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fx.t.Fatal(err)
	}
	wantStatus(fx.t, resp, 200)
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		fx.t.Fatalf("content type %q", ct)
	}
	<-opened
	out := make(chan sse, 1000)
	go func() {
		defer close(out)
		var e sse
		sc := bufio.NewScanner(resp.Body)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			line := sc.Text()
			switch k, v, _ := strings.Cut(line, ": "); {
			case line == "":
				if e != (sse{}) {
					e.at = time.Now()
					out <- e
				}
				e = sse{}
			case k == "event":
				e.name = v
			case k == "data":
				e.data = v
			case k == "id":
				e.id = v
			}
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); _ = resp.Body.Close(); ts.Close() }) }
	fx.t.Cleanup(stop)
	return out, q, stop
}

func next(t *testing.T, events <-chan sse) sse {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(waitLong):
		t.Fatal("no event")
	}
	return sse{}
}

type tilesData struct {
	Collection string
	Rev        int64
	Tiles      []string
	BBox       []float64
}

func tilesOf(t *testing.T, e sse) tilesData {
	t.Helper()
	var d tilesData
	if e.name != "tiles" {
		t.Fatalf("event %+v", e)
	}
	if err := json.Unmarshal([]byte(e.data), &d); err != nil {
		t.Fatalf("%v in %q", err, e.data)
	}
	return d
}

var bandra, kurla = geo.TileAt(72.84, 19.05, 16), geo.TileAt(72.88, 19.07, 16)

func TestLive(t *testing.T) {
	fx := newFixture(t)
	events, q, stop := fx.listen("")
	if e := next(t, events); e.name != "" || e.id != "3" {
		t.Fatalf("the first thing sent is %+v", e)
	}
	q.put(layers.Dirty{Collection: "wards", Rev: 4, Tiles: []geo.Tile{bandra}})
	e := next(t, events)
	if d := tilesOf(t, e); d.Collection != "wards" || d.Rev != 4 || len(d.Tiles) != 1 || d.Tiles[0] != bandra.String() || e.id != "4" {
		t.Errorf("%+v", e)
	}
	// What everybody may not see is not announced; a box is; nothing named means all.
	box := geo.Box{W: 72.8, S: 19, E: 72.9, N: 19.1}
	q.put(layers.Dirty{Collection: "hidden_plots", Rev: 5, Tiles: []geo.Tile{bandra}}, layers.Dirty{Collection: "wards", Rev: 5, Box: &box})
	e = next(t, events)
	if d := tilesOf(t, e); d.Collection != "wards" || !slices.Equal(d.BBox, []float64{72.8, 19, 72.9, 19.1}) || e.id != "5" {
		t.Errorf("%+v", e)
	}
	q.put(layers.Dirty{Collection: "wards", Rev: 6})
	if d := tilesOf(t, next(t, events)); !slices.Equal(d.BBox, []float64{-180, -90, 180, 90}) {
		t.Errorf("%+v", d)
	}
	stop()
	eventually(t, "a gone listener is not subscribed any more", q.isClosed)
}

// turning is a gate whose view a test can change.
type turning struct {
	Gate
	generation atomic.Uint64
	hidden     atomic.Bool // everything, from everybody
}

func (g *turning) Generation() uint64 { return g.generation.Load() }

func (g *turning) View(who access.Principal) catalog.View {
	if g.hidden.Load() {
		return catalog.NewView("nothing", func(*catalog.Collection) []catalog.Tier { return nil })
	}
	return g.Gate.View(who)
}

// TestLiveEndsWithItsView: no event goes out by a view that the caller no longer
// has; the page is told to look at everything again.
func TestLiveEndsWithItsView(t *testing.T) {
	gate := &turning{Gate: newTokenGate("")}
	fx := newFixture(t, func(c *Config) { c.Gate = gate })
	events, q, _ := fx.listen("")
	next(t, events)
	gate.generation.Add(1) // of somebody else's: nothing here changed
	q.put(layers.Dirty{Collection: "wards", Rev: 4, Tiles: []geo.Tile{bandra}})
	tilesOf(t, next(t, events))
	gate.hidden.Store(true)
	gate.generation.Add(1)
	q.put(layers.Dirty{Collection: "wards", Rev: 5, Tiles: []geo.Tile{kurla}})
	if e := next(t, events); e.name != "reset" {
		t.Fatalf("after the view changed: %+v", e)
	}
	select {
	case e, ok := <-events:
		if ok {
			t.Fatalf("after the reset: %+v", e)
		}
	case <-time.After(waitLong):
		t.Fatal("the stream goes on")
	}
}

func TestLiveManyTilesBecomeABox(t *testing.T) {
	a := layers.Dirty{Collection: "wards", Rev: 1}
	b := layers.Dirty{Collection: "wards", Rev: 2}
	for i := range uint32(150) {
		a.Tiles = append(a.Tiles, geo.Tile{Z: 16, X: 1000 + i, Y: 5})
		b.Tiles = append(b.Tiles, geo.Tile{Z: 16, X: 1100 + i, Y: 5})
	}
	got := join(a, b)
	if got.Tiles != nil || got.Box == nil || got.Rev != 2 || !got.Box.ContainsBox(b.Tiles[149].Box()) || !got.Box.ContainsBox(a.Tiles[0].Box()) {
		t.Errorf("%+v", got)
	}
	b.Tiles = b.Tiles[:60]
	if got := join(a, b); len(got.Tiles) != 160 || got.Box != nil {
		t.Errorf("%d tiles", len(got.Tiles))
	}
	if got := join(got, layers.Dirty{Rev: 9}); got.Tiles != nil || got.Box != nil || got.Rev != 9 {
		t.Errorf("all and some is %+v", got)
	}
}

func TestLiveBox(t *testing.T) {
	fx := newFixture(t)
	b := bandra.Box()
	events, q, _ := fx.listen(fmt.Sprintf("?bbox=%f,%f,%f,%f", (b.W+b.E)/2, (b.S+b.N)/2, (b.W+b.E)/2+1e-5, (b.S+b.N)/2+1e-5))
	next(t, events)
	q.put(layers.Dirty{Collection: "wards", Rev: 4, Tiles: []geo.Tile{kurla}}, layers.Dirty{Collection: "wards", Rev: 5, Tiles: []geo.Tile{kurla, bandra}})
	if d := tilesOf(t, next(t, events)); len(d.Tiles) != 1 || d.Tiles[0] != bandra.String() || d.Rev != 5 {
		t.Errorf("%+v", d)
	}
}

// TestLiveCatchesUp: who comes back is told what it missed.
func TestLiveCatchesUp(t *testing.T) {
	fx := newFixture(t)
	events, _, stop := fx.listen("", "Last-Event-ID: 2") // revision 3 wrote the features
	e := next(t, events)
	if d := tilesOf(t, e); d.Collection != "wards" || d.Rev != 3 || !slices.Equal(d.BBox, []float64{72.8, 19, 72.9, 19.1}) || e.id != "3" {
		t.Errorf("%+v", e)
	}
	stop()
	for query, header := range map[string]string{"?last-event-id=99": "X: y", "": "Last-Event-ID: 99"} { // of another store
		events, _, stop = fx.listen(query, header)
		if e := next(t, events); e.name != "reset" || e.id != "3" {
			t.Errorf("%+v", e)
		}
		stop()
	}
}

// TestLiveIDs: an id never claims more than what was sent.
func TestLiveIDs(t *testing.T) {
	fx := newFixture(t)
	if _, err := fx.store.Define(context.Background(), catalog.Collection{Name: "roads", Geometry: catalog.GeometryLine}); err != nil {
		t.Fatal(err)
	}
	events, q, _ := fx.listen("")
	next(t, events)
	q.put(layers.Dirty{Collection: "roads", Rev: 5, Tiles: []geo.Tile{bandra}}, layers.Dirty{Collection: "wards", Rev: 9, Tiles: []geo.Tile{bandra}})
	first := next(t, events)
	if d := tilesOf(t, first); d.Collection != "roads" || first.id >= "5" {
		t.Errorf("with wards waiting, id %s was given for %+v", first.id, d)
	}
	if e := next(t, events); e.id != "9" {
		t.Errorf("%+v", e)
	}
}

func TestLiveLimit(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.MaxLive = 1 })
	events, _, _ := fx.listen("")
	next(t, events)
	wantStatus(t, fx.get("/api/live"), 503)
	if !strings.Contains(text(t, fx.get("/metrics")), "nagar_live_clients 1") {
		t.Error("the listener is not counted")
	}
}

func TestMissedTooMuch(t *testing.T) {
	fx := newFixture(t)
	var ops []catalog.Op
	for i := range missedChanges + 1 {
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "wards", Feature: catalog.Feature{ID: fmt.Sprint(i)}})
	}
	if _, err := fx.store.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(ops...)}); err != nil {
		t.Fatal(err)
	}
	if _, all := fx.server.missed.since(context.Background(), fx.server.cfg, 3); !all {
		t.Error("too much is told in detail")
	}
	if boxes, all := fx.server.missed.since(context.Background(), fx.server.cfg, 4); all || len(boxes) != 0 {
		t.Errorf("nothing was missed: %v %v", boxes, all)
	}
}

// TestLiveTellsNothingOfHiddenRows holds that a listener who sees some rows of a
// collection cannot tell where, or how often, others change: not by the tiles, not
// by asking for a box, not by when the notice comes.
func TestLiveTellsNothingOfHiddenRows(t *testing.T) {
	heard := func(query string, dirty ...layers.Dirty) sse {
		fx := newFixture(t, func(c *Config) { c.Gate = clerkGate{clerkView} })
		fx.server.veil = 10 * time.Millisecond
		events, q, stop := fx.listen(query, "Clerk: c1")
		defer stop()
		first := next(t, events)
		if first.name != "" {
			t.Fatalf("first event %+v", first)
		}
		q.put(dirty...)
		e := next(t, events)
		e.at = time.Time{}
		return e
	}
	here, there := geo.TileAt(72.85, 19.05, 16), geo.TileAt(72.95, 19.25, 16)
	tile := func(at geo.Tile) layers.Dirty {
		return layers.Dirty{Collection: "wards", Rev: 4, Tiles: []geo.Tile{at}}
	}
	want := heard("", tile(here))
	if want.name != "tiles" || strings.Contains(want.data, "/") {
		t.Fatalf("told of %+v", want)
	}
	for name, e := range map[string]sse{
		"elsewhere": heard("", tile(there)), "outside the box": heard("?bbox=72.8,19,72.86,19.1", tile(there)), "often": heard("", tile(there), tile(here), tile(there)),
	} {
		if e != want {
			t.Errorf("%s: %+v, want %+v", name, e, want)
		}
	}
	fx := newFixture(t, func(c *Config) { c.Gate = clerkGate{clerkView} })
	if _, err := fx.store.Define(context.Background(), catalog.Collection{Name: "roads", Geometry: catalog.GeometryLine}); err != nil {
		t.Fatal(err)
	}
	fx.server.veil = time.Hour
	events, q, _ := fx.listen("", "Clerk: c1")
	next(t, events)
	q.put(tile(here), layers.Dirty{Collection: "roads", Rev: 5, Tiles: []geo.Tile{here}})
	if e := next(t, events); !strings.Contains(e.data, `"roads"`) || !strings.Contains(e.data, here.String()) || e.id > "4" {
		t.Errorf("of roads, of which every row is seen, and of wards before the beat: %+v", e)
	}
}
