package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/labstack/echo/v4"

	"github.com/andybalholm/brotli"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/layers"
)

func unpack(t *testing.T, resp *http.Response) string {
	t.Helper()
	var r io.Reader = resp.Body
	switch coding := resp.Header.Get("Content-Encoding"); coding {
	case "":
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	case "br":
		r = brotli.NewReader(r)
	default:
		t.Fatalf("content coding %q", coding)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTile(t *testing.T) {
	fx := newFixture(t)
	for _, c := range []struct{ accept, coding string }{
		{"", ""}, {"identity", ""}, {"gzip", "gzip"}, {"gzip, deflate, br, zstd", "gzip"}, {"gzip;q=0.5, br", "br"},
		{"zstd;q=1.0, gzip;q=0.9", "zstd"}, {"*", "gzip"}, {"gzip;q=0, *", "zstd"}, {"gzip;q=0", ""}, {"identity, gzip;q=0.5", ""}, {"deflate", ""}, {"GZIP;Q=1", "gzip"},
	} {
		var options []string
		if c.accept != "" {
			options = append(options, "Accept-Encoding: "+c.accept)
		}
		resp := fx.get("/tiles/wards/3/5/3.mvt", options...)
		wantStatus(t, resp, 200)
		h := resp.Header
		if got := h.Get("Content-Encoding"); got != c.coding {
			t.Errorf("Accept-Encoding %q: coding %q, want %q", c.accept, got, c.coding)
		}
		if body := unpack(t, resp); body != "tile 3/5/3 of [wards] for public  false" {
			t.Errorf("body %q", body)
		}
		if h.Get("Content-Type") != "application/vnd.mapbox-vector-tile" || h.Get("Nagar-Revision") != "3" || h.Get("Nagar-Dropped") != "7" || h.Get("Cache-Control") != "no-cache" ||
			!strings.Contains(h.Get("Vary"), "Accept-Encoding") || !strings.Contains(h.Get("Vary"), "Authorization") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers %v", h)
		}
		again := fx.get("/tiles/wards/3/5/3.mvt", append(options, `If-None-Match: "x", W/`+h.Get("Etag"))...)
		wantStatus(t, again, 304)
		if text(t, again) != "" || again.Header.Get("Etag") != h.Get("Etag") {
			t.Errorf("304 with headers %v", again.Header)
		}
	}
	empty := fx.get("/tiles/wards/20/5/3.mvt")
	wantStatus(t, empty, 204)
	all := fx.get("/tiles/hidden_plots,wards/3/5/3.mvt?filter=floors%3E4&generalize=none", "admin")
	wantStatus(t, all, 200)
	if body := text(t, all); body != "tile 3/5/3 of [hidden_plots wards] for all floors>4 true" {
		t.Errorf("body %q", body)
	}
	if cc := all.Header.Get("Cache-Control"); !strings.Contains(cc, "private") {
		t.Errorf("what is not public may be kept by anybody: %q", cc)
	}
	if all.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("what is not public is open to every page")
	}
	wantStatus(t, fx.call("HEAD", "/tiles/wards/3/5/3.mvt"), 200)
}

// TestMinimumRevision holds that a request waits a second for a revision, and no
// longer. The clock is the test's own.
func TestMinimumRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fx := newFixture(t)
		wantStatus(t, fx.get("/tiles/wards/3/5/3.mvt?minrev=3"), 200)
		start := time.Now()
		resp := fx.get("/tiles/wards/3/5/3.mvt?minrev=4")
		wantStatus(t, resp, 503)
		if took := time.Since(start); took < 999*time.Millisecond || took > 1001*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		if resp.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		go func() {
			time.Sleep(900 * time.Millisecond)
			if _, err := fx.store.Define(t.Context(), catalog.Collection{Name: "later", Geometry: "any"}); err != nil {
				t.Error(err)
			}
		}()
		wantStatus(t, fx.get("/api/within?collection=wards&bbox=72,18,73,20&minrev=4"), 200)
	})
}

func TestTwoClocks(t *testing.T) {
	fx := newFixture(t)
	for _, c := range []struct {
		query string
		want  catalog.At
	}{
		{"", catalog.At{}},
		{"asof=2026-03-01T10:00:00Z", catalog.At{AsOf: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}},
		{"asof=2026-03-01", catalog.At{AsOf: time.Date(2026, 3, 1, 18, 29, 59, 999999000, time.UTC)}}, // the end of that day in the city
		{"known=2", catalog.At{Known: 2}},
		{"known=2026-01-01T02:30:00Z", catalog.At{Known: 2}}, // revision 2 was at 02:00
		{"known=2026-01-01T02:00:00Z&asof=2026-03-01T10:00:00Z", catalog.At{Known: 2, AsOf: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}},
	} {
		wantStatus(t, fx.get("/tiles/wards/3/5/3.mvt?"+c.query), 200)
		got := fx.engine.asked[len(fx.engine.asked)-1].(layers.TileRequest).At
		if got.Known != c.want.Known || !got.AsOf.Equal(c.want.AsOf) {
			t.Errorf("%s: at %+v, want %+v", c.query, got, c.want)
		}
	}
	// Before the first record there is nothing, and not everything.
	n := len(fx.engine.asked)
	wantStatus(t, fx.get("/tiles/wards/3/5/3.mvt?known=0"), 204)
	wantStatus(t, fx.get("/tiles/wards/3/5/3.mvt?known=2020-01-01"), 204)
	wantStatus(t, fx.get("/api/features/wards/f%2Fn?known=2020-01-01"), 404)
	if got := decoded[struct{ NumberReturned int }](t, fx.get("/api/at?lon=72.85&lat=19.05&known=0")); got.NumberReturned != 0 {
		t.Errorf("%d features before the first record", got.NumberReturned)
	}
	if len(fx.engine.asked) != n {
		t.Error("the engine was asked about the time before all records")
	}
}

func TestTileJSON(t *testing.T) {
	fx := newFixture(t)
	resp := fx.get("/tiles/wards.json?filter=a%20%3D%201&generalize=none", "Host: city.test:8080")
	wantStatus(t, resp, 200)
	tj := decoded[tileJSON](t, resp)
	if tj.TileJSON != "3.0.0" || tj.MinZoom != 0 || tj.MaxZoom != 16 || tj.Bounds != [4]float64{72.8, 19, 72.9, 19.1} {
		t.Errorf("%+v", tj)
	}
	if want := "http://city.test:8080/tiles/wards/{z}/{x}/{y}.mvt?filter=a+%3D+1&generalize=none"; tj.Tiles[0] != want {
		t.Errorf("tiles %q, want %q", tj.Tiles[0], want)
	}
	l := tj.VectorLayers[0]
	if l.ID != "wards" || l.Fields["population"] != "integer: People" || l.Fields["area"] != "real (km2)" {
		t.Errorf("%+v", l)
	}
	if _, ok := l.Fields["secret_note"]; ok {
		t.Error("the public sees a restricted field")
	}
	both := decoded[tileJSON](t, fx.get("/tiles/wards,hidden_plots.json", "admin"))
	if len(both.VectorLayers) != 2 || both.VectorLayers[0].Fields["secret_note"] == "" {
		t.Errorf("%+v", both)
	}
	public := newFixture(t, func(c *Config) { c.PublicURL = "https://city.example/map/" })
	if got := decoded[tileJSON](t, public.get("/tiles/wards.json")).Tiles[0]; got != "https://city.example/map/tiles/wards/{z}/{x}/{y}.mvt" {
		t.Errorf("tiles %q", got)
	}
}

type page2 struct {
	Type           string
	NumberReturned int
	Links          []struct{ Rel, Href string }
	Features       []struct {
		ID         string
		Properties map[string]any
	}
}

func TestQueries(t *testing.T) {
	fx := newFixture(t)
	for _, target := range []string{
		"/api/near?collection=wards&lon=72.85&lat=19.05&k=1",
		"/api/within?collection=wards&bbox=72.8,19,72.9,19.1&limit=1",
		"/api/at?lon=72.85&lat=19.05&limit=2",
	} {
		resp := fx.get(target)
		wantStatus(t, resp, 200)
		if ct := resp.Header.Get("Content-Type"); ct != "application/geo+json" {
			t.Errorf("content type %q", ct)
		}
		if resp.Header.Get("Nagar-Revision") != "3" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("headers %v", resp.Header)
		}
		p := decoded[page2](t, resp)
		if p.Type != "FeatureCollection" || p.NumberReturned != len(p.Features) || len(p.Features) == 0 {
			t.Errorf("%s: %+v", target, p)
		}
		wantStatus(t, fx.get(target, "If-None-Match: "+resp.Header.Get("Etag")), 304)
		if strings.Contains(target, "/at") {
			continue
		}
		if len(p.Links) != 1 || p.Links[0].Rel != "next" {
			t.Fatalf("%s: links %+v", target, p.Links)
		}
		next := decoded[page2](t, fx.get(strings.TrimPrefix(p.Links[0].Href, "http://example.com")))
		if len(next.Features) != 1 || next.Features[0].ID == p.Features[0].ID || len(next.Links) != 0 {
			t.Errorf("next page %+v", next)
		}
	}
	near := decoded[page2](t, fx.get("/api/near?collection=wards&lon=72.85&lat=19.05"))
	if near.Features[0].Properties["distance_m"] != 12.5 {
		t.Errorf("%+v", near.Features[0])
	}
	if got := fx.engine.asked[len(fx.engine.asked)-1].(layers.NearRequest); got.Limit != 100 || got.Lon != 72.85 || got.Lat != 19.05 {
		t.Errorf("asked %+v", got)
	}
	for _, body := range []string{
		`{"type":"Polygon","coordinates":[[[72,18],[73,18],[73,20],[72,20],[72,18]]]}`,
		`{"type":"Feature","properties":{},"geometry":{"type":"MultiPolygon","coordinates":[[[[72,18],[72,20],[73,20],[73,18],[72,18]]]]}}`,
	} {
		wantStatus(t, fx.call("POST", "/api/within?collection=wards&limit=5&filter=x", "body="+body), 200)
		got := fx.engine.asked[len(fx.engine.asked)-1].(layers.WithinRequest)
		if got.Polygon == nil || got.Box != nil || got.Polygon.Box() != (geo.Box{W: 72, S: 18, E: 73, N: 20}) || got.Filter != "x" || got.Limit != 5 {
			t.Errorf("asked %+v", got)
		}
	}
	wantStatus(t, fx.call("POST", "/api/within?collection=wards", "body="+strings.Repeat(" ", queryBody+1)), 413)
}

func TestNotReady(t *testing.T) {
	fx := newFixture(t)
	fx.engine.notReady = true
	wantStatus(t, fx.get("/healthz"), 200)
	for _, target := range []string{"/readyz", "/tiles/wards/3/5/3.mvt", "/tiles/wards.json", "/api/near?collection=wards&lon=72&lat=19", "/api/collections", "/api/live"} {
		resp := fx.get(target)
		wantStatus(t, resp, 503)
		if resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", target)
		}
	}
	fx.engine.notReady = false
	wantStatus(t, fx.get("/readyz"), 200)
}

func TestCatalogPaths(t *testing.T) {
	fx := newFixture(t)
	profile := decoded[map[string]any](t, fx.get("/api/city"))
	if profile["name"] != "mumbai" || profile["time_zone"] != "Asia/Kolkata" {
		t.Errorf("profile %v", profile["name"])
	}
	list := decoded[struct{ Collections []collectionJSON }](t, fx.get("/api/collections"))
	if len(list.Collections) != 1 || list.Collections[0].Name != "wards" || list.Collections[0].Count != 2 || len(list.Collections[0].Fields) != 7 {
		t.Errorf("%+v", list)
	}
	all := decoded[struct{ Collections []collectionJSON }](t, fx.get("/api/collections", "admin"))
	if len(all.Collections) != 2 {
		t.Errorf("%+v", all)
	}
	one := decoded[collectionJSON](t, fx.get("/api/collections/wards", "admin"))
	if len(one.Fields) != 8 || *one.BBox != [4]float64{72.8, 19, 72.9, 19.1} {
		t.Errorf("%+v", one)
	}
}

func TestFeature(t *testing.T) {
	fx := newFixture(t)
	resp := fx.get("/api/features/wards/f%2Fn")
	wantStatus(t, resp, 200)
	tag := resp.Header.Get("Etag")
	body := text(t, resp)
	if !strings.HasPrefix(tag, `"3-`) {
		t.Errorf("tag %s", tag)
	}
	var f struct {
		ID         string
		Key        uint64
		Geometry   json.RawMessage
		Properties map[string]json.RawMessage
		Version    struct{ Rev int }
		History    []struct {
			Rev    int
			Author string
		}
	}
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		t.Fatal(err)
	}
	if f.ID != "f/n" || f.Key != uint64(catalog.KeyOf("wards", "f/n")) || string(f.Properties["population"]) != "9007199254740993" || f.Version.Rev != 3 || len(f.History) != 1 {
		t.Errorf("%s", body)
	}
	if f.History[0].Author != "" {
		t.Error("the public sees who wrote it")
	}
	if want := `{"type":"Polygon","coordinates":[[[72.8,19],[72.9,19],[72.9,19.1],[72.8,19.1],[72.8,19]]]}`; string(f.Geometry) != want {
		t.Errorf("geometry %s", f.Geometry)
	}
	wantStatus(t, fx.get("/api/features/wards/f%2Fn", "If-None-Match: "+tag), 304)
	byKey := fx.get("/api/features/wards/" + strconv.FormatUint(f.Key, 10))
	wantStatus(t, byKey, 200)
	if text(t, byKey) != body {
		t.Error("the key gives another answer than the id")
	}
	admin := fx.get("/api/features/wards/f%2Fn", "admin")
	if b := text(t, admin); !strings.Contains(b, marker) || !strings.Contains(b, "somebody") {
		t.Errorf("the administrator does not see all: %s", b)
	}
	if admin.Header.Get("Etag") == tag {
		t.Error("one tag for two contents")
	}
}

// TestNothingRestrictedCrosses asks for everything as the public, by every read
// path, and looks for what is not public.
func TestNothingRestrictedCrosses(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.Search = leaky{} })
	targets := []string{
		"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/city", "/api/collections", "/api/collections/wards", "/api/collections/hidden_plots",
		"/tiles/wards.json", "/tiles/hidden_plots.json", "/tiles/wards,hidden_plots.json", "/tiles/wards/3/5/3.mvt", "/tiles/hidden_plots/3/5/3.mvt",
		"/api/features/wards/f%2Fn", "/api/features/wards/f%2Fn?known=3", "/api/features/wards/f%2Fn?asof=2026-06-01", "/api/features/hidden_plots/p1",
		"/api/near?collection=wards&lon=72.85&lat=19.05", "/api/near?collection=hidden_plots&lon=72.85&lat=19.05",
		"/api/within?collection=wards&bbox=72,18,73,20", "/api/within?collection=hidden_plots&bbox=72,18,73,20", "/api/at?lon=72.85&lat=19.05",
		"/api/count?collection=wards", "/api/count?collection=hidden_plots", "/api/count?collection=hidden_plots&by=secret_note",
		"/api/at?lon=72.85&lat=19.05&collections=hidden_plots", "/api/search?q=anything", "/styles/light.json",
	}
	for _, target := range targets {
		resp := fx.get(target)
		body := unpack(t, resp)
		for k, v := range resp.Header {
			body += k + strings.Join(v, " ")
		}
		for _, bad := range []string{marker, "secret_note"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s shows %s: %s", target, bad, body)
			}
		}
		if strings.Contains(body, "hidden_plots") && resp.StatusCode != 404 {
			t.Errorf("%s names a collection that is not public", target)
		}
	}
	if b := text(t, fx.get("/api/features/wards/f%2Fn", "admin")); !strings.Contains(b, marker) {
		t.Error("the test looks for what is not there")
	}
}

// leaky is a search that answers what the view it was given sees.
type leaky struct{}

func (leaky) Find(_ context.Context, q SearchQuery) ([]SearchHit, error) {
	c := cityCollections()[0]
	props := catalog.Properties{{Name: "name", Value: catalog.Text("F/N")}, {Name: "secret_note", Value: catalog.Text(marker)}}
	cut, _ := cql2.SightOf(&c, q.View).See(&catalog.Feature{ID: "f/n", Props: props})
	return []SearchHit{{Collection: "wards", ID: "f/n", Title: "F/N", Props: cut, Box: geo.EmptyBox()}}, nil
}

type listed []SearchHit

func (l listed) Find(_ context.Context, q SearchQuery) ([]SearchHit, error) {
	if q.Text == "early" {
		return nil, ErrSearchNotReady
	}
	return l[min(q.Offset, len(l)):min(q.Offset+q.Limit, len(l))], nil
}

func TestSearchPath(t *testing.T) {
	hits := listed{
		{Collection: "wards", ID: "f/n", Key: 7, Title: "एफ/उत्तर", Lon: 72.85, Lat: 19.03, Box: geo.Box{W: 72.8, S: 19, E: 72.9, N: 19.1}, Score: 0.9, Props: catalog.Properties{{Name: "name", Value: catalog.Text("F/N")}}},
		{Title: "19.076, 72.8777", Lon: 72.8777, Lat: 19.076, Box: geo.EmptyBox(), Score: 0.5},
		{Collection: "wards", ID: "h/e", Title: "H/E", Box: geo.EmptyBox(), Score: 0.1},
	}
	fx := newFixture(t, func(c *Config) { c.Search = hits })
	resp := fx.get("/api/search?q=x&limit=2&lang=mr")
	wantStatus(t, resp, 200)
	p := decoded[page2](t, resp)
	if p.NumberReturned != 2 || len(p.Links) != 1 || p.Features[0].Properties["score"] != 0.9 || p.Features[0].Properties["name"] != "F/N" || p.Features[0].Properties["title"] != "एफ/उत्तर" {
		t.Errorf("%+v", p)
	}
	next := decoded[page2](t, fx.get(strings.TrimPrefix(p.Links[0].Href, "http://example.com")))
	if next.NumberReturned != 1 || next.Features[0].ID != "h/e" || len(next.Links) != 0 {
		t.Errorf("%+v", next)
	}
	wantStatus(t, fx.get("/api/search?q=early"), 503)
	wantStatus(t, newFixture(t).get("/api/search?q=x"), 503)
}

func TestMetrics(t *testing.T) {
	fx := newFixture(t)
	fx.get("/api/at?lon=72.85&lat=19.05")
	fx.get("/no/such/path")
	fx.call("BREW", "/api/at")
	resp := fx.get("/metrics")
	wantStatus(t, resp, 200)
	body := text(t, resp)
	for _, want := range []string{
		`nagar_http_request_duration_seconds_count{method="GET",route="/api/at",status="200"} 1`, `route="/{path}",status="404"`, `method="other"`,
		"nagar_revision 3", "nagar_features 3", "nagar_cache_hits_total 5", "nagar_live_clients 0", "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	fx := newFixture(t)
	resp := fx.call("OPTIONS", "/tiles/wards/3/5/3.mvt", "Origin: https://other.example", "Access-Control-Request-Method: GET")
	wantStatus(t, resp, 204)
	h := resp.Header
	if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Allow") != "OPTIONS, GET, HEAD" || strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("%v", h)
	}
	if h := fx.get("/api/city", "Origin: https://other.example").Header; h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "ETag") {
		t.Errorf("%v", h)
	}
	wantStatus(t, fx.call("OPTIONS", "/no/such/path"), 404)
}

func TestJSONIsCompressed(t *testing.T) {
	fx := newFixture(t)
	plain := fx.get("/openapi.json")
	for _, coding := range []string{"gzip", "zstd", "br"} {
		resp := fx.get("/openapi.json", "Accept-Encoding: "+coding)
		if resp.Header.Get("Content-Encoding") != coding {
			t.Errorf("%s: %v", coding, resp.Header)
		}
		if resp.Header.Get("Etag") == plain.Header.Get("Etag") {
			t.Errorf("%s: one strong tag for two forms", coding)
		}
		if !json.Valid([]byte(unpack(t, resp))) {
			t.Errorf("%s: not JSON", coding)
		}
		wantStatus(t, fx.get("/openapi.json", "Accept-Encoding: "+coding, "If-None-Match: "+resp.Header.Get("Etag")), 304)
	}
}

func TestRequestID(t *testing.T) {
	fx := newFixture(t)
	if id := fx.get("/healthz", "X-Request-Id: abc-1").Header.Get("X-Request-Id"); id != "abc-1" {
		t.Errorf("id %q", id)
	}
	if id := fx.get("/healthz", "X-Request-Id: a b").Header.Get("X-Request-Id"); id == "a b" || len(id) != 16 {
		t.Errorf("id %q", id)
	}
}

// TestTheNextPageKeepsTheQuestion follows a next link whose question has what may
// not stand in a URI: it comes back quoted, and asks for the same.
func TestTheNextPageKeepsTheQuestion(t *testing.T) {
	r := &request{Context: echo.New().NewContext(&http.Request{URL: &url.URL{
		Path: "/api/near", RawQuery: `collection=wards&after=old&filter=name<>'a b'&%61fter=older&&x="|{}é&k=3`,
	}}, nil), s: &Server{base: "https://city.example"}}
	want := "https://city.example/api/near?collection=wards&filter=name%3C%3E'a%20b'&x=%22%7C%7B%7D%C3%A9&k=3&after=new"
	if got := r.nextURL("new"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
