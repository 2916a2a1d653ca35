package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"nagar/catalog"
)

type written struct {
	ID         string
	Geometry   json.RawMessage
	Properties map[string]json.RawMessage
	Version    struct {
		Rev     int64
		ValidTo string `json:"valid_to"`
	}
	History []struct{ Rev int64 }
}

func TestDefine(t *testing.T) {
	fx := newFixture(t)
	const first = `{"name":"trees","geometry":"point","title":{"en":"Trees"},"fields":[{"name":"kind","type":"text","class":"public"}]}`
	resp := fx.call("PUT", "/api/collections/trees", "admin", "body="+first)
	wantStatus(t, resp, 201)
	if resp.Header.Get("Location") != "http://example.com/api/collections/trees" || resp.Header.Get("Nagar-Revision") != "4" {
		t.Errorf("%v", resp.Header)
	}
	// What GET shows may be put back, with a field more.
	doc := decoded[map[string]any](t, fx.get("/api/collections/trees", "admin"))
	doc["fields"] = append(doc["fields"].([]any), map[string]any{"name": "girth", "type": "real", "unit": "cm"})
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	resp = fx.call("PUT", "/api/collections/trees", "admin", "body="+string(body))
	wantStatus(t, resp, 200)
	if c := decoded[collectionJSON](t, resp); len(c.Fields) != 2 || c.Fields[1].Unit != "cm" {
		t.Errorf("%+v", c)
	}
}

func TestCreate(t *testing.T) {
	fx := newFixture(t)
	const body = `body={"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[72.8,19],[72.81,19,5],[72.81,19.01],[72.8,19]]]},
		"properties":{"name":"ए","population":9007199254740993,"area":1,"open":true,"since":"2026-01-02","seen":"2026-01-02T03:04:05.000006+05:30","extra":{"b":[1.50],"a":"<"}},"valid_from":"2026-01-01"}`
	resp := fx.call("POST", "/api/features/wards", "admin", "Content-Type: application/geo+json; charset=utf-8", body)
	if resp.StatusCode == http.StatusUnprocessableEntity { // a polygon of mixed dimensions may be refused; without Z it may not
		resp = fx.call("POST", "/api/features/wards", "admin", strings.Replace(body, "19,5]", "19]", 1))
	}
	wantStatus(t, resp, 201)
	f := decoded[written](t, resp)
	if f.ID == "" || resp.Header.Get("Location") != "http://example.com/api/features/wards/"+f.ID || !strings.HasPrefix(resp.Header.Get("Etag"), `"4-`) {
		t.Errorf("%+v %v", f, resp.Header)
	}
	for name, want := range map[string]string{
		"population": "9007199254740993", "area": "1", "open": "true", "since": `"2026-01-02"`, "seen": `"2026-01-01T21:34:05.000006Z"`, "extra": `{"b":[1.50],"a":"<"}`, "name": `"ए"`,
	} {
		if got := string(f.Properties[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	b := fx.store.batches[len(fx.store.batches)-1]
	if b.Author == "" || b.Reason == "" {
		t.Errorf("nobody is said to have written %+v", b)
	}
}

func TestIdempotency(t *testing.T) {
	fx := newFixture(t)
	const body = `body={"type":"Feature","geometry":null,"properties":{"name":"once"}}`
	first := fx.call("POST", "/api/features/wards", "admin", "Idempotency-Key: k1", body)
	wantStatus(t, first, 201)
	second := fx.call("POST", "/api/features/wards", "admin", "Idempotency-Key: k1", body)
	wantStatus(t, second, 201)
	if second.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Location") != second.Header.Get("Location") || text(t, first) != text(t, second) {
		t.Errorf("%v\n%v", first.Header, second.Header)
	}
	wantStatus(t, fx.call("PATCH", strings.TrimPrefix(first.Header.Get("Location"), "http://example.com"), "admin", "If-Match: *", `body={"properties":{"name":"changed"}}`), 200)
	third := fx.call("POST", "/api/features/wards", "admin", "Idempotency-Key: k1", body)
	wantStatus(t, third, 201)
	if third.Header.Get("Etag")[:3] != first.Header.Get("Etag")[:3] || strings.Contains(text(t, third), "changed") {
		t.Errorf("the first answer has changed: %v", third.Header)
	}
	wantStatus(t, fx.call("POST", "/api/features/wards", "admin", "Idempotency-Key: k1", strings.Replace(body, "once", "other", 1)), 422)
	other := fx.call("POST", "/api/features/wards", "admin", "Idempotency-Key: k2", body)
	wantStatus(t, other, 201)
	if other.Header.Get("Location") == first.Header.Get("Location") {
		t.Error("two keys, one feature")
	}
	if n := len(fx.engine.current("wards")); n != 4 {
		t.Errorf("%d features", n)
	}
}

func TestReplace(t *testing.T) {
	fx := newFixture(t)
	resp := fx.get("/api/features/wards/f%2Fn", "admin")
	tag, doc := resp.Header.Get("Etag"), text(t, resp)
	// A feature may be read and put back as it is.
	again := fx.call("PUT", "/api/features/wards/f%2Fn", "admin", "If-Match: "+tag, "body="+doc)
	wantStatus(t, again, 200)
	f := decoded[written](t, again)
	if f.Version.Rev != 4 || string(f.Properties["population"]) != "9007199254740993" || len(f.History) != 2 {
		t.Errorf("%+v", f)
	}
	wantStatus(t, fx.call("PUT", "/api/features/wards/f%2Fn", "admin", "If-Match: "+tag, "body="+doc), 412)
	// Whatever was not sent is gone.
	bare := fx.call("PUT", "/api/features/wards/f%2Fn", "admin", `If-Match: "1", `+again.Header.Get("Etag"), `body={"type":"Feature","geometry":null,"properties":{"name":"new"}}`)
	wantStatus(t, bare, 200)
	if f := decoded[written](t, bare); len(f.Properties) != 1 || string(f.Geometry) != "null" {
		t.Errorf("%+v", f)
	}
	made := fx.call("PUT", "/api/features/wards/fresh", "admin", "If-None-Match: *", `body={"type":"Feature","geometry":null,"properties":{}}`)
	wantStatus(t, made, 201)
	if made.Header.Get("Location") == "" {
		t.Error("201 without Location")
	}
	// The tag of a compressed answer will do, and so will a bare revision.
	packed := fx.get("/api/features/wards/f%2Fn", "admin", "Accept-Encoding: gzip").Header.Get("Etag")
	wantStatus(t, fx.call("PUT", "/api/features/wards/f%2Fn", "admin", "If-Match: "+packed, "body="+doc), 200)
	wantStatus(t, fx.call("PUT", "/api/features/wards/f%2Fn", "admin", `If-Match: "7"`, "body="+doc), 200)
}

func TestPatch(t *testing.T) {
	fx := newFixture(t)
	patch := func(target, body string) written {
		t.Helper()
		resp := fx.call("PATCH", target, "admin", "If-Match: *", "Content-Type: application/merge-patch+json", "body="+body)
		wantStatus(t, resp, 200)
		return decoded[written](t, resp)
	}
	f := patch("/api/features/wards/f%2Fn", `{"properties":{"name":"FN","area":2.5}}`)
	if string(f.Properties["name"]) != `"FN"` || string(f.Properties["area"]) != "2.5" || string(f.Properties["population"]) != "9007199254740993" ||
		string(f.Geometry) != `{"type":"Polygon","coordinates":[[[72.8,19],[72.9,19],[72.9,19.1],[72.8,19.1],[72.8,19]]]}` {
		t.Errorf("%+v", f)
	}
	f = patch("/api/features/wards/f%2Fn", `{"properties":{"area":null},"valid_to":"2027-01-01T00:00:00Z"}`)
	if _, ok := f.Properties["area"]; ok || f.Version.ValidTo != "2027-01-01T00:00:00Z" {
		t.Errorf("%+v", f)
	}
	f = patch("/api/features/wards/f%2Fn", `{"geometry":null}`)
	if string(f.Geometry) != "null" || string(f.Properties["name"]) != `"FN"` || f.Version.ValidTo == "" {
		t.Errorf("%+v", f)
	}
	// An untouched JSON value keeps its very text; a touched one is merged into.
	f = patch("/api/features/wards/h%2Fe", `{"properties":{"name":"HE"}}`)
	if string(f.Properties["extra"]) != `{"z":1,"a":[1.50]}` {
		t.Errorf("extra %s", f.Properties["extra"])
	}
	f = patch("/api/features/wards/h%2Fe", `{"properties":{"extra":{"z":null,"b":2}}}`)
	if string(f.Properties["extra"]) != `{"a":[1.50],"b":2}` {
		t.Errorf("extra %s", f.Properties["extra"])
	}
	wantStatus(t, fx.call("PATCH", "/api/features/wards/h%2Fe", "admin", "If-Match: *", `body={"properties":{"population":"x"}}`), 422)
}

// TestMergePatch is the table of RFC 7396, appendix A.
func TestMergePatch(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`}, {`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`}, {`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`}, {`{"a":"b"}`, `["c"]`, `["c"]`}, {`{"a":"foo"}`, `null`, `null`}, {`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`}, {`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		target, err := decodeAny([]byte(c[0]))
		if err != nil {
			t.Fatal(err)
		}
		patch, err := decodeAny([]byte(c[1]))
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(mergePatch(target, patch))
		if err != nil || string(got) != c[2] {
			t.Errorf("%s + %s = %s, want %s (%v)", c[0], c[1], got, c[2], err)
		}
	}
}

func TestDelete(t *testing.T) {
	fx := newFixture(t)
	resp := fx.call("DELETE", "/api/features/wards/f%2Fn", "admin", `If-Match: "3"`)
	wantStatus(t, resp, 204)
	if resp.Header.Get("Nagar-Revision") != "4" {
		t.Errorf("%v", resp.Header)
	}
	wantStatus(t, fx.get("/api/features/wards/f%2Fn"), 404)
	wantStatus(t, fx.get("/api/features/wards/f%2Fn?known=3"), 200)
	wantStatus(t, fx.call("DELETE", "/api/features/wards/f%2Fn", "admin", `If-Match: "3"`), 404)
}

func TestReadOnly(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.ReadOnly = true })
	resp := fx.call("DELETE", "/api/features/wards/f%2Fn", "admin", `If-Match: *`)
	wantStatus(t, resp, 405)
	if resp.Header.Get("Allow") != "OPTIONS, GET, HEAD" {
		t.Errorf("%v", resp.Header)
	}
}

func TestNoTokenConfigured(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.AdminToken = "" })
	wantStatus(t, fx.get("/api/city", "Authorization: Bearer x"), 401)
	wantStatus(t, fx.call("DELETE", "/api/features/wards/f%2Fn", `If-Match: *`), 401)
}

// FuzzDecodeFeature: whatever is sent, the answer is a value that the catalogue
// takes, or a problem of the caller's.
func FuzzDecodeFeature(f *testing.F) {
	f.Add([]byte(`{"type":"Feature","id":1,"geometry":{"type":"Point","coordinates":[1,2]},"properties":{"population":1e2,"extra":{"a":1}}}`))
	f.Add([]byte(`{"properties":{"seen":"2026-01-02T03:04:05Z","since":"2026-01-02"},"valid_to":"2026-01-01"}`))
	c := cityCollections()[0]
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decodeFeature(body, &c)
		if err != nil {
			if p := problemOf(err); p.Status >= 500 {
				t.Fatalf("status %d for %q: %v", p.Status, body, err)
			}
			return
		}
		for _, p := range got.Props {
			if fd, _ := c.Field(p.Name); !p.Value.IsNull() && p.Value.Type() != fd.Type {
				t.Fatalf("%s is %s", p.Name, p.Value.Type())
			}
			if p.Value.Type() == catalog.TypeJSON && !json.Valid([]byte(p.Value.Str())) {
				t.Fatalf("%s is not JSON: %q", p.Name, p.Value.Str())
			}
		}
	})
}
