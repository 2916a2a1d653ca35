package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/city"
	"nagar/geo"
	"nagar/geo/mvt"
	"nagar/layers"
)

// whole is a server over the embedded store and the engine, as twin runs it.
func whole(t *testing.T) (*httptest.Server, catalog.Store, *layers.Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	store, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cityCollections() {
		if _, err := store.Define(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	square := geo.NewPolygon([]float64{72.8, 19, 72.9, 19, 72.9, 19.1, 72.8, 19.1, 72.8, 19})
	if _, err := store.Apply(ctx, catalog.Batch{Author: "Somebody " + marker, Ops: catalog.Ops(
		catalog.Op{Kind: catalog.Put, Collection: "wards", Feature: catalog.Feature{ID: "f/n", Geometry: square, Props: catalog.Properties{
			{Name: "name", Value: catalog.Text("F/N")}, {Name: "population", Value: catalog.Integer(9007199254740993)}, {Name: "secret_note", Value: catalog.Text(marker)}}}},
		catalog.Op{Kind: catalog.Put, Collection: "hidden_plots", Feature: catalog.Feature{ID: "p1", Geometry: square, Props: catalog.Properties{{Name: "name", Value: catalog.Text(marker)}}}},
	)}); err != nil {
		t.Fatal(err)
	}
	engine := layers.New(store, layers.Options{})
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Engine: engine, Store: store, Profile: profile, AdminToken: adminToken, Viewer: viewerFiles, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s)
	t.Cleanup(func() {
		s.drain()
		ts.Close()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("engine: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-engine.Loaded():
	case <-time.After(waitLong):
		t.Fatal("the engine does not load")
	}
	return ts, store, engine
}

func fetch(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if cErr := resp.Body.Close(); err != nil || cErr != nil {
		t.Fatal(err, cErr)
	}
	return resp, string(b)
}

const admin = "Authorization: Bearer " + adminToken

// TestAnEditTravels follows one edit through everything: the answer to the
// writer, the event, the tile, the queries, and the past.
func TestAnEditTravels(t *testing.T) {
	ts, store, _ := whole(t)
	before, err := store.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	live, err := http.Get(ts.URL + "/api/live")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Body.Close() //nolint:errcheck // a stream that is left
	lines := make(chan string, 100)
	go func() {
		for sc := bufio.NewScanner(live.Body); sc.Scan(); {
			lines <- sc.Text()
		}
		close(lines)
	}()
	position := geo.TileAt(72.85, 19.05, 14)
	tileURL := ts.URL + "/tiles/wards/" + position.String() + ".mvt"
	first, old := fetch(t, "GET", tileURL, "")
	_, far := fetch(t, "GET", ts.URL+"/tiles/wards/14/0/0.mvt", "")
	if first.StatusCode != 200 || far != "" {
		t.Fatalf("status %d", first.StatusCode)
	}

	resp, body := fetch(t, "PATCH", ts.URL+"/api/features/wards/f%2Fn", `{"properties":{"name":"Renamed"}}`, admin, "If-Match: *")
	if resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	rev := resp.Header.Get("Nagar-Revision")
	event := ""
	for deadline := time.After(waitLong); !strings.Contains(event, `"rev":`+rev); {
		select {
		case event = <-lines:
		case <-deadline:
			t.Fatal("no event")
		}
	}
	if !strings.Contains(event, `"collection":"wards"`) {
		t.Errorf("event %s", event)
	}
	// After the event no tile is older than it.
	second, now := fetch(t, "GET", tileURL, "", "If-None-Match: "+first.Header.Get("Etag"))
	if second.StatusCode != 200 || now == old || second.Header.Get("Nagar-Revision") != rev {
		t.Errorf("status %d, revision %s", second.StatusCode, second.Header.Get("Nagar-Revision"))
	}
	tile, err := mvt.Decode([]byte(now))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fmt.Sprintf("%+v", tile), "Renamed") {
		t.Errorf("the tile does not show the edit: %+v", tile)
	}
	for _, path := range []string{"/api/at?lon=72.85&lat=19.05", "/api/near?collection=wards&lon=72.85&lat=19.05", "/api/within?collection=wards&bbox=72,18,73,20&filter=name%3D'Renamed'"} {
		if resp, body := fetch(t, "GET", ts.URL+path, ""); resp.StatusCode != 200 || !strings.Contains(body, "Renamed") || !strings.Contains(body, `"numberReturned":1`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	known := fmt.Sprintf("known=%d", before)
	for _, path := range []string{"/api/at?lon=72.85&lat=19.05&" + known, "/api/near?collection=wards&lon=72.85&lat=19.05&" + known, "/api/features/wards/f%2Fn?" + known} {
		if resp, body := fetch(t, "GET", ts.URL+path, ""); resp.StatusCode != 200 || strings.Contains(body, "Renamed") || !strings.Contains(body, `F/N`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if past, body := fetch(t, "GET", tileURL+"?"+known, ""); past.StatusCode != 200 || strings.Contains(body, "Renamed") {
		t.Errorf("the past tile: %d", past.StatusCode)
	}
	if resp, _ := fetch(t, "DELETE", ts.URL+"/api/features/wards/f%2Fn", "", admin, "If-Match: *"); resp.StatusCode != 204 {
		t.Errorf("status %d", resp.StatusCode)
	} else if gone, _ := fetch(t, "GET", tileURL+"?minrev="+resp.Header.Get("Nagar-Revision"), ""); gone.StatusCode != 204 {
		t.Errorf("the tile of what is gone: %d", gone.StatusCode)
	}
}

func TestACollectionMadeAtRunTime(t *testing.T) {
	ts, _, _ := whole(t)
	resp, body := fetch(t, "PUT", ts.URL+"/api/collections/trees", `{"geometry":"point","fields":[{"name":"kind","type":"text","class":"public"}]}`, admin)
	if resp.StatusCode != 201 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := fetch(t, "GET", ts.URL+"/api/collections/trees", ""); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	resp, body = fetch(t, "POST", ts.URL+"/api/features/trees", `{"type":"Feature","geometry":{"type":"Point","coordinates":[72.85,19.05]},"properties":{"kind":"banyan"}}`, admin)
	if resp.StatusCode != 201 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	tile := geo.TileAt(72.85, 19.05, 16)
	if resp, body := fetch(t, "GET", ts.URL+"/tiles/trees/"+tile.String()+".mvt?minrev="+resp.Header.Get("Nagar-Revision"), ""); resp.StatusCode != 200 || !strings.Contains(body, "banyan") {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// TestAFutureFeature: what will be true can be written and seen by its time; to
// retract it is for the store to allow or to refuse with a reason.
func TestAFutureFeature(t *testing.T) {
	ts, _, _ := whole(t)
	at := ts.URL + "/api/features/wards/planned"
	resp, body := fetch(t, "PUT", at, `{"type":"Feature","geometry":null,"properties":{"name":"Planned"},"valid_from":"2090-01-01"}`, admin, "If-None-Match: *")
	if resp.StatusCode != 201 || !strings.Contains(body, "Planned") {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if now, _ := fetch(t, "GET", at, ""); now.StatusCode != 404 {
		t.Errorf("now: %d", now.StatusCode)
	}
	if then, body := fetch(t, "GET", at+"?asof=2091-01-01", ""); then.StatusCode != 200 || !strings.Contains(body, "Planned") {
		t.Errorf("then: %d %s", then.StatusCode, body)
	}
	if gone, body := fetch(t, "DELETE", at, "", admin, "If-Match: "+resp.Header.Get("Etag")); gone.StatusCode != 204 && gone.StatusCode != 422 {
		t.Errorf("retract: %d %s", gone.StatusCode, body)
	}
}

// TestNothingRestrictedCrossesTheRealEngine asks the engine and the store too,
// with questions that could tell a hidden value by their answers.
func TestNothingRestrictedCrossesTheRealEngine(t *testing.T) {
	ts, _, _ := whole(t)
	tile := geo.TileAt(72.85, 19.05, 14).String()
	targets := []string{
		"/tiles/wards/" + tile + ".mvt", "/tiles/wards/" + tile + ".mvt?generalize=none", "/tiles/wards/" + tile + ".mvt?known=3", "/tiles/wards.json", "/api/collections", "/metrics", "/api/collections/wards",
		"/api/near?collection=wards&lon=72.85&lat=19.05", "/api/near?collection=wards&lon=72.85&lat=19.05&known=3", "/api/within?collection=wards&bbox=72,18,73,20", "/api/within?collection=wards&bbox=72,18,73,20&known=3",
		"/api/at?lon=72.85&lat=19.05", "/api/at?lon=72.85&lat=19.05&known=3", "/api/features/wards/f%2Fn", "/api/features/wards/f%2Fn?known=3", "/openapi.json",
	}
	for _, target := range targets {
		resp, body := fetch(t, "GET", ts.URL+target, "")
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", target, resp.StatusCode, body)
		}
		for _, bad := range []string{marker, "secret_note", "hidden_plots"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s shows %s", target, bad)
			}
		}
		if _, body := fetch(t, "GET", ts.URL+target, "", admin); strings.Contains(target, "/features/") && !strings.Contains(body, marker) {
			t.Errorf("%s: the administrator does not see all", target)
		}
	}
	// A filter on a hidden field is a filter on a field that is not there.
	for _, field := range []string{"secret_note", "no_such_field"} {
		filter := url.QueryEscape(field + " LIKE 'MARKER%'")
		for _, target := range []string{"/api/within?collection=wards&bbox=72,18,73,20", "/api/near?collection=wards&lon=72.85&lat=19.05", "/tiles/wards/" + tile + ".mvt?x", "/tiles/wards/" + tile + ".mvt?known=3"} {
			resp, body := fetch(t, "GET", ts.URL+target+"&filter="+filter, "")
			if resp.StatusCode != 400 || strings.Contains(body, marker) || !strings.Contains(body, `"parameter":"filter`) {
				t.Errorf("%s with a filter on %s: %d %s", target, field, resp.StatusCode, body)
			}
		}
	}
	if resp, body := fetch(t, "GET", ts.URL+"/api/within?collection=wards&bbox=72,18,73,20&filter="+url.QueryEscape("secret_note LIKE 'MARKER%'"), "", admin); resp.StatusCode != 200 || !strings.Contains(body, marker) {
		t.Errorf("the administrator may filter by it: %d %s", resp.StatusCode, body)
	}
}
