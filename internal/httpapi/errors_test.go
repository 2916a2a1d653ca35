package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"nagar/catalog"
)

// TestBadRequests asks for what cannot be answered: each gets a problem that
// names the parameter.
func TestBadRequests(t *testing.T) {
	fx := newFixture(t)
	const feature = `body={"type":"Feature","geometry":null,"properties":{}}`
	cases := []struct {
		method, target string
		status         int
		parameter      string
		options        []string
	}{
		{"GET", "/tiles/wards/99/0/0.mvt", 400, "z", nil},
		{"GET", "/tiles/wards/23/0/0.mvt", 400, "z", nil},
		{"GET", "/tiles/wards/2/4/0.mvt", 400, "x", nil},
		{"GET", "/tiles/wards/2/0/4.mvt", 400, "y", nil},
		{"GET", "/tiles/wards/2/-1/0.mvt", 400, "x", nil},
		{"GET", "/tiles/wards/02/0/0.mvt", 400, "z", nil},
		{"GET", "/tiles/wards/2/0/x.mvt", 400, "y", nil},
		{"GET", "/tiles/wards/2/0/0.png", 404, "path", nil},
		{"GET", "/tiles/nowhere/2/0/0.mvt", 404, "collections", nil},
		{"GET", "/tiles/hidden_plots/2/0/0.mvt", 404, "collections", nil},
		{"GET", "/tiles/wards,nowhere/2/0/0.mvt", 404, "collections", nil},
		{"GET", "/tiles/wards,wards/2/0/0.mvt", 400, "collections", nil},
		{"GET", "/tiles/" + strings.Repeat("a,", 40) + "a/2/0/0.mvt", 400, "collections", nil},
		{"GET", "/tiles/wards/2/0/0.mvt?generalize=some", 400, "generalize", nil},
		{"GET", "/tiles/wards/2/0/0.mvt?minrev=x", 400, "minrev", nil},
		{"GET", "/tiles/wards/2/0/0.mvt?minrev=-1", 400, "minrev", nil},
		{"GET", "/tiles/wards/2/0/0.mvt?asof=yesterday", 400, "asof", nil},
		{"GET", "/tiles/wards/2/0/0.mvt?known=1000000", 400, "known", nil},
		{"GET", "/tiles/wards/2/0/0.mvt?filter=" + strings.Repeat("x", 5000), 400, "filter", nil},
		{"GET", "/tiles/wards/2/0/0.mvt", 406, "Accept-Encoding", []string{"Accept-Encoding: identity;q=0"}},
		{"GET", "/tiles/nowhere.json", 404, "collections", nil},
		{"GET", "/tiles/hidden_plots.json", 404, "collections", nil},
		{"GET", "/tiles/.json", 404, "path", nil},
		{"GET", "/api/near?collection=wards&lon=72.8&lat=19&k=1000000000", 400, "k", nil},
		{"GET", "/api/near?collection=wards&lon=72.8&lat=19&k=0", 400, "k", nil},
		{"GET", "/api/near?collection=wards&lon=72.8&lat=19&k=5&limit=4", 400, "k", nil},
		{"GET", "/api/near?collection=wards&lon=72.8&lat=19&limit=10001", 400, "limit", nil},
		{"GET", "/api/near?collection=wards&lon=NaN&lat=19", 400, "lon", nil},
		{"GET", "/api/near?collection=wards&lon=181&lat=19", 400, "lon", nil},
		{"GET", "/api/near?collection=wards&lon=1e999&lat=19", 400, "lon", nil},
		{"GET", "/api/near?collection=wards&lon=72.8&lat=Inf", 400, "lat", nil},
		{"GET", "/api/near?collection=wards&lon=72.8", 400, "lat", nil},
		{"GET", "/api/near?collection=wards&lon=0x10&lat=19", 400, "lon", nil},
		{"GET", "/api/near?collection=wards&lon=72.8&lon=72.9&lat=19", 400, "lon", nil},
		{"GET", "/api/near?lon=72.8&lat=19", 400, "collection", nil},
		{"GET", "/api/near?collection=nowhere&lon=72.8&lat=19", 404, "collection", nil},
		{"GET", "/api/near?collection=hidden_plots&lon=72.8&lat=19", 404, "collection", nil},
		{"GET", "/api/near?collection=wards&lon=%zz&lat=19", 400, "query", nil},
		{"GET", "/api/within?collection=wards", 400, "bbox", nil},
		{"GET", "/api/within?collection=wards&bbox=1,2,3", 400, "bbox", nil},
		{"GET", "/api/within?collection=wards&bbox=1,2,3,x", 400, "bbox", nil},
		{"GET", "/api/within?collection=wards&bbox=73,19.2,72,19.3", 400, "bbox", nil},
		{"GET", "/api/within?collection=wards&bbox=72,19.3,73,19.2", 400, "bbox", nil},
		{"GET", "/api/within?collection=wards&bbox=72,-91,73,19.2", 400, "bbox", nil},
		{"GET", "/api/within?collection=wards&bbox=NaN,NaN,NaN,NaN", 400, "bbox", nil},
		{"POST", "/api/within?collection=wards", 400, "body", []string{"body={"}},
		{"POST", "/api/within?collection=wards", 400, "body", []string{`body={"type":"Point","coordinates":[72,19]}`}},
		{"POST", "/api/within?collection=wards", 400, "body", []string{`body={"type":"Polygon","coordinates":[[[72,19],[73,20],[73,19],[72,20],[72,19]]]}`}},
		{"POST", "/api/within?collection=wards&bbox=1,1,2,2", 400, "bbox", []string{`body={}`}},
		{"GET", "/api/within?collection=wards&distance=5", 400, "distance", nil},
		{"GET", "/api/within?collection=wards&bbox=1,1,2,2&distance=5", 400, "distance", nil},
		{"GET", "/api/within?collection=wards&geometry=POINT(72%2019)&distance=-1", 400, "distance", nil},
		{"GET", "/api/within?collection=wards&geometry=POINT(72%2019)&distance=50001", 400, "distance", nil},
		{"GET", "/api/within?collection=wards&geometry=POINT(72%2019)&distance=x", 400, "distance", nil},
		{"GET", "/api/within?collection=wards&geometry=POINT(72%2019)", 400, "distance", nil},
		{"GET", "/api/within?collection=wards&geometry=POINT(72)&distance=5", 400, "geometry", nil},
		{"GET", "/api/within?collection=wards&geometry=POLYGON((72%2019,73%2020,73%2019,72%2020,72%2019))", 400, "geometry", nil},
		{"GET", "/api/within?collection=wards&geometry=POINT(72%2019)&bbox=1,1,2,2&distance=5", 400, "geometry", nil},
		{"POST", "/api/within?collection=wards&geometry=POINT(72%2019)&distance=5", 400, "geometry", []string{`body={"type":"Point","coordinates":[72,19]}`}},
		{"POST", "/api/within?collection=wards&distance=5", 400, "body", []string{`body={"type":"Feature","geometry":null,"properties":{}}`}},
		{"GET", "/api/count", 400, "collection", nil},
		{"GET", "/api/count?collection=nowhere", 404, "collection", nil},
		{"GET", "/api/count?collection=wards&bbox=1,2,3", 400, "bbox", nil},
		{"GET", "/api/count?collection=wards&distance=5", 400, "distance", nil},
		{"GET", "/api/count?collection=wards&by=a&by=b", 400, "by", nil},
		{"GET", "/api/count?collection=wards&limit=0", 400, "limit", nil},
		{"POST", "/api/count?collection=wards", 400, "body", []string{"body={"}},
		{"POST", "/api/count?collection=wards&bbox=1,1,2,2", 400, "bbox", []string{`body={}`}},
		{"POST", "/api/count?collection=wards", 415, "Content-Type", []string{"Content-Type: text/plain", "body=x"}},
		{"POST", "/api/within?collection=wards", 415, "Content-Type", []string{"Content-Type: text/plain", "body=x"}},
		{"GET", "/api/at?lon=72.8", 400, "lat", nil},
		{"GET", "/api/at?lon=72.8&lat=19&collections=hidden_plots", 404, "collections", nil},
		{"GET", "/api/search", 400, "q", nil},
		{"GET", "/api/search?q=+", 400, "q", nil},
		{"GET", "/api/search?q=" + strings.Repeat("x", 300), 400, "q", nil},
		{"GET", "/api/search?q=a&lang=xx", 400, "lang", nil},
		{"GET", "/api/search?q=a&after=-1", 400, "after", nil},
		{"GET", "/api/live?bbox=1,2,3", 400, "bbox", nil},
		{"GET", "/api/live", 400, "Last-Event-ID", []string{"Last-Event-ID: x"}},
		{"GET", "/api/collections/nowhere", 404, "collection", nil},
		{"GET", "/api/collections/hidden_plots", 404, "collection", nil},
		{"GET", "/api/features/wards/nobody", 404, "id", nil},
		{"GET", "/api/features/nowhere/f%2Fn", 404, "collection", nil},
		{"GET", "/api/features/hidden_plots/p1", 404, "collection", nil},
		{"GET", "/api/features/wards/%00", 400, "id", nil},
		{"GET", "/api/features/wards/f%2Fn?asof=2026-13-01", 400, "asof", nil},
		{"GET", "/nothing/here", 404, "path", nil},
		{"GET", "/api/nothing", 404, "path", nil},
		{"DELETE", "/nothing/here", 404, "path", nil},
		{"DELETE", "/api/near", 405, "method", nil},
		{"GET", "/styles/none.json", 404, "name", nil},
		{"GET", "/styles/..%2Findex.html.json", 404, "name", nil},
		{"GET", "/fonts/none.woff2", 404, "path", nil},
		{"GET", "/fonts/../index.html", 404, "path", nil},
		{"GET", "/api/city", 400, "Host", []string{"Host: evil.example/<script>"}},

		{"PUT", "/api/collections/new", 401, "Authorization", []string{"body={}"}},
		{"POST", "/api/features/wards", 401, "Authorization", []string{feature}},
		{"PUT", "/api/features/wards/x", 401, "Authorization", []string{feature}},
		{"PATCH", "/api/features/wards/x", 401, "Authorization", []string{feature}},
		{"DELETE", "/api/features/wards/x", 401, "Authorization", nil},
		{"GET", "/api/city", 401, "Authorization", []string{"Authorization: Bearer wrong"}},
		{"GET", "/api/city", 401, "Authorization", []string{"Authorization: Basic YTpi"}},
		{"GET", "/api/city", 401, "Authorization", []string{"Authorization: Bearer"}},
		{"GET", "/tiles/wards/2/0/0.mvt", 401, "Authorization", []string{"Authorization: Bearer wrong"}},

		{"PUT", "/api/collections/Wrong", 422, "body", []string{"admin", `body={"name":"Wrong","geometry":"any","fields":[]}`}},
		{"PUT", "/api/collections/other", 400, "collection", []string{"admin", `body={"name":"another","geometry":"any","fields":[]}`}},
		{"PUT", "/api/collections/other", 400, "body", []string{"admin", `body={"geometri":"any"}`}},
		{"PUT", "/api/collections/other", 400, "body", []string{"admin", `body={"geometry":"any"`}},
		{"PUT", "/api/collections/other", 400, "body", []string{"admin", `body={} {}`}},
		{"PUT", "/api/collections/wards", 422, "body", []string{"admin", `body={"geometry":"polygon","fields":[{"name":"population","type":"text","class":"public"}]}`}},
		{"PUT", "/api/collections/other", 413, "body", []string{"admin", "body=" + strings.Repeat(" ", collectionBody+1)}},
		{"POST", "/api/features/nowhere", 404, "collection", []string{"admin", feature}},
		{"POST", "/api/features/wards", 400, "body", []string{"admin", "body="}},
		{"POST", "/api/features/wards", 400, "body", []string{"admin", "body={"}},
		{"POST", "/api/features/wards", 400, "body", []string{"admin", "body=[]"}},
		{"POST", "/api/features/wards", 415, "Content-Type", []string{"admin", "Content-Type: text/csv", feature}},
		{"POST", "/api/features/wards", 400, "Idempotency-Key", []string{"admin", "Idempotency-Key: " + strings.Repeat("k", 201), feature}},
		{"POST", "/api/features/wards", 409, "id", []string{"admin", `body={"type":"Feature","id":"f/n","geometry":null,"properties":{}}`}},
		{"PUT", "/api/features/wards/f%2Fn", 428, "If-Match", []string{"admin", feature}},
		{"PATCH", "/api/features/wards/f%2Fn", 428, "If-Match", []string{"admin", feature}},
		{"DELETE", "/api/features/wards/f%2Fn", 428, "If-Match", []string{"admin"}},
		{"PUT", "/api/features/wards/f%2Fn", 412, "If-Match", []string{"admin", `If-Match: "1"`, feature}},
		{"PUT", "/api/features/wards/f%2Fn", 412, "If-Match", []string{"admin", `If-Match: W/"3"`, feature}},
		{"PUT", "/api/features/wards/f%2Fn", 412, "If-None-Match", []string{"admin", `If-None-Match: *`, feature}},
		{"PUT", "/api/features/wards/new", 412, "If-Match", []string{"admin", `If-Match: *`, feature}},
		{"PATCH", "/api/features/wards/new", 404, "id", []string{"admin", `If-Match: *`, feature}},
		{"DELETE", "/api/features/wards/new", 404, "id", []string{"admin", `If-Match: *`}},
		{"PUT", "/api/features/wards/f%2Fn", 400, "id", []string{"admin", `If-Match: *`, `body={"type":"Feature","id":"other","geometry":null,"properties":{}}`}},
		{"PATCH", "/api/features/wards/f%2Fn", 400, "id", []string{"admin", `If-Match: *`, `body={"id":"other"}`}},
		{"PATCH", "/api/features/wards/f%2Fn", 400, "body", []string{"admin", `If-Match: *`, `body=[1]`}},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %s %d", c.method, clip(c.target), c.status), func(t *testing.T) {
			resp := fx.call(c.method, c.target, c.options...)
			wantStatus(t, resp, c.status)
			wantProblem(t, resp, c.parameter)
			if c.status == 405 && resp.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if c.status == 401 && !strings.HasPrefix(resp.Header.Get("Www-Authenticate"), "Bearer") {
				t.Error("401 without WWW-Authenticate")
			}
		})
	}
	if n := len(fx.store.batches); n > 3 { // the fixture's own, and the two conflicts that only a store can tell
		t.Errorf("%d batches reached the store", n)
	}
}

func wantProblem(t *testing.T, resp *http.Response, parameter string) {
	t.Helper()
	if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("content type %q", ct)
	}
	p := decoded[problem](t, resp)
	if p.Status != resp.StatusCode || p.Title == "" || p.Detail == "" || p.Type == "" || p.Instance == "" || p.ID == "" {
		t.Errorf("incomplete problem %+v", p)
	}
	if p.Parameter != parameter {
		t.Errorf("parameter %q, want %q (%s)", p.Parameter, parameter, p.Detail)
	}
	if p.ID != resp.Header.Get("X-Request-Id") {
		t.Errorf("id %q is not the request's", p.ID)
	}
}

// TestContentIsRejected lists what a written feature may not hold, with places.
func TestContentIsRejected(t *testing.T) {
	fx := newFixture(t)
	cases := map[string][]string{
		`{"type":"Feature","geometry":null,"properties":{"population":"many","nope":1,"area":true}}`:                                                             {"properties.population", "properties.area", "properties.nope"},
		`{"type":"Feature","geometry":null,"properties":{"population":1.5,"since":"2026-02-30","seen":"noon","open":"yes"}}`:                                     {"properties.population", "properties.open", "properties.since", "properties.seen"},
		`{"type":"Feature","geometry":null,"properties":{"population":1e999999999}}`:                                                                             {"properties.population"},
		`{"type":"Feature","geometry":null,"properties":{"population":9223372036854775808}}`:                                                                     {"properties.population"},
		`{"type":"Feature","geometry":{"type":"Point","coordinates":[72,19]},"properties":{}}`:                                                                   {"geometry"},
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[72,19],[73,20],[73,19],[72,20],[72,19]]]},"properties":{}}`:                             {"geometry"},
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[72,1e999],[73,20],[73,19],[72,1e999]]]},"properties":{}}`:                               {"geometry.coordinates[0][0][1]"},
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[272000,2100000],[272010,2100000],[272010,2100010],[272000,2100000]]]},"properties":{}}`: {"geometry"},
		`{"type":"Feature","geometry":null,"properties":{},"valid_from":"soon"}`:                                                                                 {"valid_from"},
		`{"type":"Feature","geometry":null,"properties":{},"valid_from":"2026-01-02","valid_to":"2026-01-01"}`:                                                   {"valid_to"},
		`{"type":"Feature","geometry":null,"properties":{"name":"a\u0000b"}}`:                                                                                    {"properties.name"},
		`{"type":"Feature","id":true,"geometry":null,"properties":{}}`:                                                                                           {"id"},
		`{"type":"FeatureCollection","features":[]}`:                                                                                                             {"type"},
	}
	for body, want := range cases {
		resp := fx.call("POST", "/api/features/wards", "admin", "body="+body)
		if resp.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d: %s", body, resp.StatusCode, text(t, resp))
			continue
		}
		p := decoded[problem](t, resp)
		var got []string
		for _, e := range p.Errors {
			got = append(got, e.Path)
			if e.Reason == "" {
				t.Errorf("%s: no reason at %s", body, e.Path)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s:\n got %v\nwant %v (%s)", body, got, want, p.Detail)
		}
	}
}

// TestErrorsFromInside: what fails inside shows an id and nothing else, and the
// log has the rest.
func TestErrorsFromInside(t *testing.T) {
	fx := newFixture(t)
	for _, c := range []struct {
		err    error
		status int
	}{
		{errors.New("secret inside: password=hunter2"), 500},
		{fmt.Errorf("secret inside: dial 10.0.0.7: %w", catalog.ErrUnavailable), 503},
		{&catalog.Invalid{Path: "filter", Reason: "no field x"}, 400},
		{fmt.Errorf("near: %w", catalog.ErrNotFound), 404},
	} {
		fx.engine.err = c.err
		resp := fx.get("/api/near?collection=wards&lon=72.8&lat=19")
		wantStatus(t, resp, c.status)
		id := resp.Header.Get("X-Request-Id")
		body := text(t, resp)
		if strings.Contains(body, "secret") {
			t.Errorf("inside shows: %s", body)
		}
		if !strings.Contains(body, id) {
			t.Errorf("no id in %s", body)
		}
		if c.status >= 500 && (!strings.Contains(fx.log.String(), id) || !strings.Contains(fx.log.String(), "secret inside")) {
			t.Errorf("the log does not say what happened to %s", id)
		}
		if c.status == 503 && resp.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	fx.engine.err, fx.engine.boom = nil, true
	resp := fx.get("/tiles/wards/2/0/0.mvt")
	wantStatus(t, resp, 500)
	if body := text(t, resp); strings.Contains(body, "secret") || strings.Contains(body, "goroutine") {
		t.Errorf("inside shows: %s", body)
	}
	if !strings.Contains(fx.log.String(), "panic: secret inside") {
		t.Error("a panic is not in the log")
	}
}

// TestLogKeepsNoSecrets: no token and no query, which may say where somebody is.
func TestLogKeepsNoSecrets(t *testing.T) {
	fx := newFixture(t)
	fx.get("/api/near?collection=wards&lon=72.8123&lat=19.0456", "admin")
	fx.get("/api/near?collection=wards&lon=72.8123&lat=19.0456", "Authorization: Bearer guess-of-a-token")
	log := fx.log.String()
	for _, bad := range []string{adminToken, "guess-of-a-token", "72.8123", "19.0456"} {
		if strings.Contains(log, bad) {
			t.Errorf("the log holds %s", bad)
		}
	}
	if !strings.Contains(log, "path=/api/near") {
		t.Errorf("no access log: %s", log)
	}
}
