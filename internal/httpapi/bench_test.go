package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"nagar/city"
	"nagar/layers"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkOverhead is what this package adds to an answer: an empty one, and a
// query's of 150 kB plain and compressed.
func BenchmarkOverhead(b *testing.B) {
	profile, err := city.Load("")
	if err != nil {
		b.Fatal(err)
	}
	store := newMemory()
	for _, c := range cityCollections() {
		if _, err := store.Define(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	body := make([]byte, 0, 150<<10)
	for len(body) < 150<<10 {
		body = append(body, `{"type":"Feature","geometry":{"type":"Point","coordinates":[72.8,19.1]}},`...)
	}
	s, err := New(Config{Engine: fixedEngine{&scripted{m: store}, body}, Store: store, Profile: profile, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, target, accept string }{
		{"health", "/healthz", ""}, {"tile", "/tiles/wards/14/5/3.mvt", "gzip"}, {"within", "/api/within?collection=wards&bbox=72,18,73,20", ""}, {"within gzip", "/api/within?collection=wards&bbox=72,18,73,20", "gzip"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			req := httptest.NewRequest(http.MethodGet, c.target, nil)
			if c.accept != "" {
				req.Header.Set("Accept-Encoding", c.accept)
			}
			w := &discard{h: http.Header{}}
			for b.Loop() {
				clear(w.h)
				s.ServeHTTP(w, req)
			}
		})
	}
}

// fixedEngine answers at once.
type fixedEngine struct {
	*scripted
	body []byte
}

func (e fixedEngine) Collection(name string) (layers.Info, bool) {
	return layers.Info{Collection: cityCollections()[0]}, true
}

func (e fixedEngine) Within(context.Context, layers.WithinRequest) (*layers.Answer, error) {
	return &layers.Answer{Features: e.body, Count: 1}, nil
}

func (e fixedEngine) Tile(context.Context, layers.TileRequest) (*layers.Tile, error) {
	return &layers.Tile{Data: e.body, ETag: `"1"`}, nil
}
