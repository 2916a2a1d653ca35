package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
)

// flushes is a connection that notes when what was sent.
type flushes struct {
	*httptest.ResponseRecorder
	sent []sse
}

func (f *flushes) Flush() {
	for block := range bytes.SplitSeq(f.Body.Bytes(), []byte("\n\n")) {
		e := sse{at: time.Now()}
		for line := range strings.SplitSeq(string(block), "\n") {
			switch k, v, _ := strings.Cut(line, ": "); k {
			case "event":
				e.name = v
			case "data":
				e.data = v
			}
		}
		if e.name != "" {
			f.sent = append(f.sent, e)
		}
	}
	f.Body.Reset()
}

// TestLiveIsCoalesced floods a listener for two seconds: it gets at most five
// events in any second, and in the end every tile. The clock is the test's own, so
// that a busy machine changes nothing.
func TestLiveIsCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fx := newFixture(t)
		q := &queue{ready: make(chan struct{}, 1)}
		fx.server.subscribe = func() subscription { return q }
		ctx, hangUp := context.WithCancel(t.Context())
		out := &flushes{ResponseRecorder: httptest.NewRecorder()}
		ended := make(chan struct{})
		go func() {
			fx.server.ServeHTTP(out, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/live", nil))
			close(ended)
		}()
		want := map[string]bool{}
		rev := catalog.Rev(3)
		for range 400 {
			rev++
			tile := geo.Tile{Z: 16, X: bandra.X + uint32(rev%13), Y: bandra.Y + uint32(rev%11)}
			want[tile.String()] = true
			q.put(layers.Dirty{Collection: "wards", Rev: rev, Tiles: []geo.Tile{tile}})
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Second)
		hangUp()
		<-ended
		last := int64(0)
		for i, e := range out.sent {
			d := tilesOf(t, e)
			if d.Rev < last {
				t.Errorf("revision %d after %d", d.Rev, last)
			}
			last = d.Rev
			for _, tile := range d.Tiles {
				delete(want, tile)
			}
			if i >= 5 {
				if gap := e.at.Sub(out.sent[i-5].at); gap < time.Second {
					t.Errorf("six events within %s", gap)
				}
			}
		}
		if len(want) > 0 || last != int64(rev) {
			t.Errorf("never announced: %v; the last revision told is %d of %d", want, last, rev)
		}
		if len(out.sent) != 11 { // one at once, then five a second for two seconds
			t.Errorf("%d events in two seconds", len(out.sent))
		}
	})
}
