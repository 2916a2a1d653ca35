package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
)

// slowReader is a connection whose client stops reading for a while.
type slowReader struct {
	flushes
	until time.Time
}

func (s *slowReader) Flush() {
	time.Sleep(time.Until(s.until))
	s.flushes.Flush()
}

// TestAudience: whoever listens with the same view is served from one subscription.
// One that stops reading holds up nobody, and then gets what it missed as few
// events; one that goes leaves the others theirs; one that comes later begins there.
func TestAudience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fx := newFixture(t)
		var subscriptions []*queue
		fx.server.subscribe = func() subscription {
			subscriptions = append(subscriptions, &queue{ready: make(chan struct{}, 1)})
			return subscriptions[len(subscriptions)-1]
		}
		come := func(out http.ResponseWriter, query string) (leave func()) {
			ctx, hangUp := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				fx.server.ServeHTTP(out, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/live"+query, nil))
				close(ended)
			}()
			synctest.Wait()
			return func() { hangUp(); <-ended }
		}
		recorder := func() flushes { return flushes{ResponseRecorder: httptest.NewRecorder()} }
		first, second, late := recorder(), recorder(), recorder()
		slow := &slowReader{flushes: recorder()}
		leave := []func(){come(&first, ""), come(&second, ""), come(slow, "")}
		slow.until = time.Now().Add(5 * time.Second)
		want := map[string]bool{}
		edit := func(rev catalog.Rev) {
			tile := geo.Tile{Z: 16, X: bandra.X + uint32(rev%7), Y: bandra.Y}
			want[tile.String()] = true
			subscriptions[0].put(layers.Dirty{Collection: "wards", Rev: rev, Tiles: []geo.Tile{tile}})
			time.Sleep(10 * time.Millisecond)
		}
		for rev := range catalog.Rev(300) {
			edit(4 + rev)
			if rev == 150 {
				leave[1]()
				leave[1] = come(&late, "")
			}
		}
		time.Sleep(3 * time.Second)
		for _, l := range leave {
			l()
		}
		synctest.Wait()
		if len(subscriptions) != 1 || !subscriptions[0].isClosed() {
			t.Fatalf("%d subscriptions, or one that is still open", len(subscriptions))
		}
		for name, l := range map[string]struct {
			sent        []sse
			least, most int
		}{
			"the first": {first.sent, 15, 17}, "one that left": {second.sent, 8, 9},
			"one that came late": {late.sent, 8, 9}, "a slow one": {slow.sent, 2, 3},
		} {
			if len(l.sent) < l.least || len(l.sent) > l.most {
				t.Errorf("%s heard %d events", name, len(l.sent))
			}
			last, told := int64(0), map[string]bool{}
			for _, e := range l.sent {
				d := tilesOf(t, e)
				if d.Rev <= last {
					t.Errorf("%s: revision %d after %d", name, d.Rev, last)
				}
				last = d.Rev
				for _, tile := range d.Tiles {
					told[tile] = true
				}
			}
			if len(told) != len(want) || name != "one that left" && last != 303 {
				t.Errorf("%s was told of revision %d and %d tiles of %d", name, last, len(told), len(want))
			}
		}
	})
}

// TestAudienceIDs: the id that a client has never goes back, whatever waited before
// it came.
func TestAudienceIDs(t *testing.T) {
	fx := newFixture(t)
	if _, err := fx.store.Define(context.Background(), catalog.Collection{Name: "roads", Geometry: catalog.GeometryLine}); err != nil {
		t.Fatal(err)
	}
	events, q, _ := fx.listen("")
	if e := next(t, events); e.id != "4" {
		t.Fatalf("%+v", e)
	}
	q.put(layers.Dirty{Collection: "roads", Rev: 4, Tiles: []geo.Tile{bandra}}, layers.Dirty{Collection: "wards", Rev: 9, Tiles: []geo.Tile{bandra}})
	if e := next(t, events); e.id != "4" {
		t.Errorf("with wards waiting: %+v", e)
	}
	if e := next(t, events); e.id != "9" {
		t.Errorf("%+v", e)
	}
}
