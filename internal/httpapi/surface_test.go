package httpapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestViewer(t *testing.T) {
	fx := newFixture(t)
	for _, target := range []string{"/", "/survey"} {
		resp := fx.get(target, "Accept: text/html,*/*")
		wantStatus(t, resp, 200)
		h := resp.Header
		if h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("Cache-Control") != "no-cache" || h.Get("Etag") == "" {
			t.Errorf("%s: %v", target, h)
		}
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self';", "worker-src 'self';", "connect-src 'self';", "frame-ancestors 'self'", "img-src 'self' data: blob:", "object-src 'none'", "'sha256-"} {
			if !strings.Contains(policy, want) {
				t.Errorf("policy %q lacks %s", policy, want)
			}
		}
		if strings.Contains(strings.ReplaceAll(policy, "style-src-attr 'unsafe-inline'", ""), "unsafe") {
			t.Errorf("policy %q", policy)
		}
		wantStatus(t, fx.get(target, "Accept: text/html", "If-None-Match: "+h.Get("Etag")), 304)
	}
	wantStatus(t, fx.get("/survey", "Accept: application/json"), 404)
	wantStatus(t, fx.get("/api/pages", "Accept: text/html"), 404)
	wantStatus(t, fx.get("/missing.js", "Accept: text/html"), 404)

	asset := fx.get("/assets/main-AbCd1234.js", "Accept-Encoding: gzip, br")
	wantStatus(t, asset, 200)
	if h := asset.Header; h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("Content-Encoding") != "br" {
		t.Errorf("%v", h)
	}
	if text(t, asset) != string(viewerFiles["assets/main-AbCd1234.js.br"].Data) {
		t.Error("the form that lies ready is not used")
	}
	if stale := unpack(t, fx.get("/assets/stale-AbCd1234.js", "Accept-Encoding: br")); stale != string(script) {
		t.Errorf("a form of another build is served: %q", stale)
	}
	if asset.Header.Get("Content-Security-Policy") != fx.get("/").Header.Get("Content-Security-Policy") {
		t.Error("a worker's script has another policy than its page")
	}
	zipped := fx.get("/assets/main-AbCd1234.js", "Accept-Encoding: gzip")
	if !strings.Contains(unpack(t, zipped), "export const x") || zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v", zipped.Header)
	}
	if zipped.Header.Get("Etag") == asset.Header.Get("Etag") {
		t.Error("one strong tag for two forms")
	}
	if font := fx.get("/fonts/mukta.woff2", "Accept-Encoding: gzip"); font.Header.Get("Content-Encoding") != "" || font.Header.Get("Content-Type") != "font/woff2" {
		t.Errorf("%v", font.Header)
	}
	wantStatus(t, fx.get("/sprites/city.json"), 200)
	if got := text(t, fx.get("/styles/light.json")); got != `{"version":8,"sources":{"city":{"url":"http://example.com/tiles/wards.json"}}}` {
		t.Errorf("style %s", got)
	}
	public := newFixture(t, func(c *Config) { c.PublicURL = "https://city.example/map" })
	if got := text(t, public.get("/styles/light.json")); !strings.Contains(got, `"https://city.example/map/tiles/wards.json"`) {
		t.Errorf("style %s", got)
	}
	if p := public.get("/").Header.Get("Content-Security-Policy"); !strings.Contains(p, "connect-src 'self' https://city.example;") {
		t.Errorf("policy %q", p)
	}
}

func TestViewerIsNotBuilt(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"none":  func(c *Config) { c.Viewer = nil },
		"empty": func(c *Config) { c.Viewer = fstest.MapFS{} },
	} {
		fx := newFixture(t, change)
		resp := fx.get("/")
		wantStatus(t, resp, 200)
		if body := text(t, resp); !strings.Contains(body, "make build") {
			t.Errorf("%s: %s", name, body)
		}
		wantStatus(t, fx.get("/styles/light.json"), 404)
		wantStatus(t, fx.get("/fonts/x.woff2"), 404)
	}
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration is taken")
	}
	for _, bad := range []string{"city.example", "ftp://city.example", "https://", "https://u:p@city.example", "https://city.example?x"} {
		if _, err := publicBase(bad); err == nil {
			t.Errorf("public URL %q is taken", bad)
		}
	}
}

// TestOpenAPI holds the document against the router, and its own references.
func TestOpenAPI(t *testing.T) {
	fx := newFixture(t)
	resp := fx.get("/openapi.json")
	wantStatus(t, resp, 200)
	var doc struct {
		OpenAPI string
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Tags        []string
			Parameters  []struct {
				Name, In, Description string
				Required              bool
				Schema                map[string]any
			}
			RequestBody map[string]any
			Responses   map[string]struct{ Description string }
			Security    []map[string][]string
		}
		Components struct{ Schemas map[string]any }
		Tags       []struct{ Name string }
	}
	raw := text(t, resp)
	if err := json.Unmarshal([]byte(raw), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("%+v", doc.Info)
	}
	ids := map[string]bool{}
	documented := map[string]bool{}
	braces := regexp.MustCompile(`\{([^}]+)\}`)
	for path, item := range doc.Paths {
		for method, op := range item {
			where := strings.ToUpper(method) + " " + path
			documented[where] = true
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Responses) < 2 {
				t.Errorf("%s is described incompletely", where)
			}
			ids[op.OperationID] = true
			if len(op.Tags) != 1 || !slices.ContainsFunc(doc.Tags, func(tag struct{ Name string }) bool { return tag.Name == op.Tags[0] }) {
				t.Errorf("%s: tags %v", where, op.Tags)
			}
			inPath := map[string]bool{}
			names := map[string]bool{}
			for _, p := range op.Parameters {
				if p.Description == "" || len(p.Schema) == 0 || names[p.In+p.Name] || p.In == "path" && !p.Required {
					t.Errorf("%s: parameter %+v", where, p)
				}
				names[p.In+p.Name] = true
				if p.In == "path" {
					inPath[p.Name] = true
				}
			}
			for _, m := range braces.FindAllStringSubmatch(path, -1) {
				if !inPath[m[1]] {
					t.Errorf("%s: {%s} is not described", where, m[1])
				}
				delete(inPath, m[1])
			}
			if len(inPath) > 0 {
				t.Errorf("%s: %v are not in the path", where, inPath)
			}
			for status, r := range op.Responses {
				if r.Description == "" {
					t.Errorf("%s: %s has no description", where, status)
				}
			}
			needs := method != "get" && path != "/api/within" && path != "/api/count" || strings.HasPrefix(path, "/api/audit")
			if needs != (len(op.Security) == 2 && op.Security[0]["token"] != nil && op.Security[1]["session"] != nil) {
				t.Errorf("%s: security %v", where, op.Security)
			}
		}
	}
	for _, m := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllStringSubmatch(raw, -1) {
		if doc.Components.Schemas[m[1]] == nil {
			t.Errorf("schema %s is not there", m[1])
		}
	}
	// Both ways: what is routed is documented, what is documented is routed.
	routed := map[string]bool{}
	for _, r := range fx.server.echo.Routes() {
		if r.Method == http.MethodHead {
			continue
		}
		rt := fx.server.byAddress[r.Method+" "+r.Path]
		if rt == nil {
			t.Errorf("%s %s is routed and not in the table", r.Method, r.Path)
			continue
		}
		for _, one := range append(rt.others, rt) {
			routed[one.method+" "+one.path] = true
		}
	}
	routed["GET /{path}"] = true // what the router does not match
	for where := range routed {
		if !documented[where] {
			t.Errorf("%s is not documented", where)
		}
	}
	for where := range documented {
		if !routed[where] {
			t.Errorf("%s is documented and not routed", where)
		}
	}
}

// TestDocumentedParametersAreBounded: what is documented as a bound is one.
func TestDocumentedParametersAreBounded(t *testing.T) {
	fx := newFixture(t)
	for i := range fx.server.routes {
		rt := &fx.server.routes[i]
		for _, p := range rt.params {
			top, ok := p.Schema["maximum"].(int)
			if p.In != "query" || !ok || rt.stream || rt.right != "" || rt.tag == "me" { // those have tests of their own
				continue
			}
			target := rt.path + "?collection=wards&bbox=72,18,73,20&q=x"
			for _, other := range []string{"lon=72", "lat=19"} {
				if !strings.HasPrefix(other, p.Name) {
					target += "&" + other
				}
			}
			target += "&" + p.Name + "=" + json.Number(strings.Repeat("9", 3)+"999999").String()
			if got := fx.call(rt.method, target); got.StatusCode != 400 {
				t.Errorf("%s beyond %d is %d", target, top, got.StatusCode)
			} else if pr := decoded[problem](t, got); pr.Parameter != p.Name {
				t.Errorf("%s: parameter %s", target, pr.Parameter)
			}
		}
	}
}

func TestTags(t *testing.T) {
	var got []string
	for tag := range tags(`"a,b" , W/"c",,"d"`) {
		got = append(got, tag)
	}
	if !slices.Equal(got, []string{`"a,b"`, `W/"c"`, `"d"`}) {
		t.Errorf("%q", got)
	}
	for header, want := range map[string]bool{`*`: true, `"x"`: true, `W/"x"`: true, `"y", "x"`: true, `"y"`: false, `x`: false, `"x`: false, ``: false} {
		if noneMatch(header, `"x"`) != want {
			t.Errorf("If-None-Match %q", header)
		}
	}
}
