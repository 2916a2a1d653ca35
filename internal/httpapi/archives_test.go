package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
	"nagar/layers/archive"
)

// shelf holds archives by name.
type shelf map[string]*archive.Archive

func (s shelf) Archive(name string) (*archive.Archive, bool) {
	a, ok := s[name]
	return a, ok
}

// oneWard is a source of one collection with one feature.
type oneWard struct{ layers.Source }

func (oneWard) Collections(context.Context) ([]catalog.Collection, error) {
	return []catalog.Collection{{Name: "old_wards", Title: catalog.Words{"en": "Old wards"}, Licence: "CC0", Fields: []catalog.Field{{Name: "name", Type: catalog.TypeText}}}}, nil
}

func (oneWard) Scan(_ context.Context, _ catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	return 1, fn(&catalog.Feature{ID: "1", Geometry: geo.NewPolygon([]float64{72.8, 19, 72.9, 19, 72.9, 19.1, 72.8, 19.1, 72.8, 19}),
		Props: catalog.Properties{{Name: "name", Value: catalog.Text("A")}}})
}

// newShelf has the archive "old" of vector tiles, and "photo", whose header says
// that the same bytes are PNG pictures.
func newShelf(t *testing.T) shelf {
	t.Helper()
	still, err := layers.ReadStill(context.Background(), oneWard{}, []string{"old_wards"}, layers.StillOptions{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.pmtiles")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := archive.Write(context.Background(), f, still, archive.Options{MinZoom: 8, MaxZoom: 12, View: catalog.Public}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[98], b[99] = byte(archive.Plain), byte(archive.PNG)
	pictures := filepath.Join(t.TempDir(), "photo.pmtiles")
	if err := os.WriteFile(pictures, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s := shelf{}
	for name, path := range map[string]string{"old": path, "photo": pictures} {
		a, err := archive.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.Close() })
		s[name] = a
	}
	return s
}

func TestArchives(t *testing.T) {
	shelf := newShelf(t)
	fx := newFixture(t, func(c *Config) { c.Archives = shelf })
	at := geo.TileAt(72.85, 19.05, 11)
	path := "/tiles/old/" + at.String() + ".mvt"
	kept, _, err := shelf["old"].Tile(at)
	if err != nil {
		t.Fatal(err)
	}

	zipped := fx.get(path, "Accept-Encoding: br, gzip")
	wantStatus(t, zipped, 200)
	if h := zipped.Header; h.Get("Content-Type") != typeTile || h.Get("Content-Encoding") != "gzip" || h.Get("Etag") == "" || text(t, zipped) != string(kept) {
		t.Errorf("not as it is kept: %v", h)
	}
	plain := fx.get(path)
	wantStatus(t, plain, 200)
	z, err := gzip.NewReader(bytes.NewReader(kept))
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(z)
	if err != nil || text(t, plain) != string(want) || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("to one who takes no coding: %v, %v", plain.Header, err)
	}
	if plain.Header.Get("Etag") == zipped.Header.Get("Etag") {
		t.Error("one strong tag for two forms")
	}
	wantStatus(t, fx.get(path, "Accept-Encoding: gzip", "If-None-Match: "+zipped.Header.Get("Etag")), 304)
	wantStatus(t, fx.get(path, "Accept-Encoding: identity;q=0"), 406)
	wantStatus(t, fx.get("/tiles/old/11/0/0.mvt"), 204)
	wantStatus(t, fx.get("/tiles/old/11/9999/0.mvt"), 400)
	wantStatus(t, fx.get("/tiles/old/"+at.String()+".png"), 404)
	wantStatus(t, fx.get(path+"?filter=name='A'"), 400)
	wantStatus(t, fx.get("/tiles/old,wards/"+at.String()+".mvt"), 404)

	picture := fx.get("/tiles/photo/"+at.String()+".png", "Accept-Encoding: gzip")
	wantStatus(t, picture, 200)
	if h := picture.Header; h.Get("Content-Type") != "image/png" || h.Get("Content-Encoding") != "" || text(t, picture) != string(kept) {
		t.Errorf("picture: %v", h)
	}
	wantStatus(t, fx.get("/tiles/photo/"+at.String()+".mvt"), 404)
	wantStatus(t, fx.get("/tiles/wards/"+at.String()+".png"), 404)
	wantStatus(t, fx.get("/tiles/photo/"+at.String()+".gif"), 404)
	wantStatus(t, fx.get("/tiles/wards/"+at.String()+".mvt"), 200)

	if err := shelf["old"].Close(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, fx.get(path), 404)
}

func TestArchiveTileJSON(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.Archives = newShelf(t) })
	for name, end := range map[string]string{"old": ".mvt", "photo": ".png"} {
		resp := fx.get("/tiles/" + name + ".json")
		wantStatus(t, resp, 200)
		var got tileJSON
		if err := json.Unmarshal([]byte(text(t, resp)), &got); err != nil {
			t.Fatal(err)
		}
		if got.TileJSON != "3.0.0" || len(got.Tiles) != 1 || !strings.HasSuffix(got.Tiles[0], "/tiles/"+name+"/{z}/{x}/{y}"+end) ||
			got.MinZoom != 8 || got.MaxZoom != 12 || got.Attribution != "CC0" || got.Description != "Old wards" || math.Abs(got.Bounds[0]-72.8) > 1e-6 {
			t.Errorf("%s: %+v", name, got)
		}
		if name == "old" && (len(got.VectorLayers) != 1 || got.VectorLayers[0].Fields["name"] != "String") {
			t.Errorf("layers %+v", got.VectorLayers)
		}
	}
}
