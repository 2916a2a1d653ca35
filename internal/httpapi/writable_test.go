package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access"
)

// clerkGate gives everybody who shows a header Clerk one view.
type clerkGate struct{ view catalog.View }

func (g clerkGate) Identify(req *http.Request, _ bool) (access.Principal, error) {
	if id := req.Header.Get("Clerk"); id != "" {
		return access.Principal{Kind: access.Account, ID: id, Name: "Clerk of wards"}, nil
	}
	return access.Principal{}, nil
}

func (g clerkGate) View(who access.Principal) catalog.View {
	if !who.Known() {
		return catalog.Public
	}
	return g.view
}

func (clerkGate) Rights(access.Principal) []access.Right { return nil }

// clerkView sees name, population and area of the wards of more than a hundred
// people; of those whose name begins with F also whether they are open, and may
// write that and the name.
var clerkView = catalog.NewView("clerk", func(c *catalog.Collection) []catalog.Tier {
	switch c.Name {
	case "wards":
	case "roads":
		return []catalog.Tier{{}}
	default:
		return nil
	}
	return []catalog.Tier{{Rows: "population > 100", Fields: []int{0, 1, 2}}, {Rows: "name LIKE 'F%'", Fields: []int{0, 3}, Write: true}}
})

func clerks(t *testing.T) *fixture {
	fx := newFixture(t, func(c *Config) { c.Gate = clerkGate{clerkView} })
	fx.put("k/e", catalog.Properties{{Name: "name", Value: catalog.Text("K/E")}, {Name: "population", Value: catalog.Integer(500)}, {Name: "secret_note", Value: catalog.Text(marker)}})
	fx.put("f/n", catalog.Properties{{Name: "name", Value: catalog.Text("F/N")}, {Name: "population", Value: catalog.Integer(700)}, {Name: "extra", Value: catalog.JSON(`{"a":1}`)}, {Name: "secret_note", Value: catalog.Text(marker)}})
	return fx
}

func (fx *fixture) put(id string, props catalog.Properties) {
	fx.t.Helper()
	g := geo.Geometry{Type: geo.Polygon, Coords: []float64{72.8, 19, 72.9, 19, 72.9, 19.1, 72.8, 19}, Ends: []int32{4}, Polys: []int32{1}}
	if _, err := fx.store.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: "wards", Feature: catalog.Feature{ID: id, Geometry: g, Props: props}})}); err != nil {
		fx.t.Fatal(err)
	}
}

func (fx *fixture) stored(id string) catalog.Properties {
	fx.t.Helper()
	f, err := fx.store.Feature(context.Background(), "wards", id, catalog.At{})
	if err != nil {
		fx.t.Fatal(err)
	}
	return f.Props
}

func TestWritingWhatIsSeenOfARow(t *testing.T) {
	const anyTag, clerk = "If-Match: *", "Clerk: c1"
	square := `"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[72.8,19],[72.9,19],[72.9,19.1],[72.8,19]]]}`
	for _, tc := range []struct {
		name, method, path string
		options            []string
		status             int
		keeps              string // fields of f/n that are as they were
	}{
		{"a field of an own row", "PATCH", "f%2Fn", []string{clerk, anyTag, `body={"properties":{"open":true}}`}, 200, "name population extra secret_note"},
		{"the whole row, as it is seen", "PUT", "f%2Fn", []string{clerk, anyTag, `body={` + square + `,"properties":{"name":"F/North","population":700,"open":true}}`}, 200, "population extra secret_note"},
		{"the whole row, less than is seen", "PUT", "f%2Fn", []string{clerk, anyTag, `body={` + square + `,"properties":{"name":"F/North"}}`}, 200, "population extra secret_note"},
		{"all properties away", "PATCH", "f%2Fn", []string{clerk, anyTag, `body={"properties":null}`}, 403, "name population extra secret_note"},
		{"a field that is only seen", "PATCH", "f%2Fn", []string{clerk, anyTag, `body={"properties":{"population":1}}`}, 403, "population"},
		{"a field that is only seen, away", "PATCH", "f%2Fn", []string{clerk, anyTag, `body={"properties":{"population":null}}`}, 403, "population"},
		{"a field that is not seen", "PATCH", "f%2Fn", []string{clerk, anyTag, `body={"properties":{"secret_note":"x"}}`}, 422, "secret_note"},
		{"a field that is not there", "PATCH", "f%2Fn", []string{clerk, anyTag, `body={"properties":{"nonsense":"x"}}`}, 422, ""},
		{"out of one's own rows", "PATCH", "f%2Fn", []string{clerk, anyTag, `body={"properties":{"name":"G"}}`}, 403, "name"},
		{"a row that is only seen", "PATCH", "k%2Fe", []string{clerk, anyTag, `body={"properties":{"name":"F"}}`}, 403, ""},
		{"the end of a row that is only seen", "DELETE", "k%2Fe", []string{clerk, anyTag}, 403, ""},
		{"a row that is not seen", "PATCH", "h%2Fe", []string{clerk, anyTag, `body={"properties":{"name":"F"}}`}, 404, ""},
		{"over a row that is not seen", "PUT", "h%2Fe", []string{clerk, anyTag, `body={` + square + `,"properties":{"name":"F"}}`}, 404, ""},
		{"in place of a row that is not seen", "PUT", "h%2Fe", []string{clerk, "If-None-Match: *", `body={` + square + `,"properties":{"name":"F"}}`}, 404, ""},
		{"the end of a row that is not seen", "DELETE", "h%2Fe", []string{clerk, anyTag}, 404, ""},
		{"a new row", "PUT", "f2", []string{clerk, "If-None-Match: *", `body={` + square + `,"properties":{"name":"F2","open":false}}`}, 201, ""},
		{"a new row of others", "PUT", "g2", []string{clerk, "If-None-Match: *", `body={` + square + `,"properties":{"name":"G2"}}`}, 403, ""},
		{"a new row with more than one's own fields", "PUT", "f3", []string{clerk, "If-None-Match: *", `body={` + square + `,"properties":{"name":"F3","population":900}}`}, 403, ""},
		{"the end of an own row", "DELETE", "f%2Fn", []string{clerk, anyTag}, 204, ""},
		{"nobody", "PATCH", "f%2Fn", []string{anyTag, `body={"properties":{"open":true}}`}, 401, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fx := clerks(t)
			was := fx.stored("f/n")
			resp := fx.call(tc.method, "/api/features/wards/"+tc.path, tc.options...)
			body := text(t, resp)
			if resp.StatusCode != tc.status {
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, tc.status, body)
			}
			for _, bad := range []string{marker, "secret_note", "extra"} {
				if strings.Contains(body, bad) && !strings.Contains(strings.Join(tc.options, ""), bad) {
					t.Errorf("the answer shows %s: %s", bad, body)
				}
			}
			for _, name := range strings.Fields(tc.keeps) {
				if got := fx.stored("f/n").Get(name); got != was.Get(name) {
					t.Errorf("%s is now %v, was %v", name, got, was.Get(name))
				}
			}
		})
	}
}

// TestHiddenIsAnsweredLikeMissing holds that what a caller does not see and what
// is not there get the same answer but for the name that was asked for.
func TestHiddenIsAnsweredLikeMissing(t *testing.T) {
	fx := clerks(t)
	key := "/api/features/wards/" + keyText("wards", "h/e")
	for _, pair := range [][2]string{
		{"/api/features/wards/h%2Fe", "/api/features/wards/zzz"},
		{key, "/api/features/wards/123456789"},
		{"/api/features/hidden_plots/p1", "/api/features/nothing/p1"},
		{"/api/collections/hidden_plots", "/api/collections/nothing"},
		{"/tiles/hidden_plots.json", "/tiles/nothing.json"},
	} {
		hidden, missing := fx.get(pair[0], "Clerk: c1"), fx.get(pair[1], "Clerk: c1")
		if hidden.StatusCode != 404 || missing.StatusCode != 404 {
			t.Errorf("%v: %d and %d", pair, hidden.StatusCode, missing.StatusCode)
		}
		if a, b := decoded[problem](t, hidden), decoded[problem](t, missing); a.Type != b.Type || a.Title != b.Title || a.Parameter != b.Parameter || strings.Contains(a.Detail, "h/e") != strings.Contains(pair[0], "h%2Fe") {
			t.Errorf("%v: %+v and %+v", pair, a, b)
		}
	}
	resp := fx.call("POST", "/api/features/wards", "Clerk: c1", `body={"type":"Feature","id":"h/e","geometry":null,"properties":{"name":"F"}}`)
	if body := text(t, resp); resp.StatusCode != 409 || strings.Contains(body, "revision") {
		t.Errorf("a taken id: %d %s", resp.StatusCode, body)
	}
}

func TestWriterIsTheAuthor(t *testing.T) {
	fx := clerks(t)
	wantStatus(t, fx.call("PATCH", "/api/features/wards/f%2Fn", "Clerk: c1", "If-Match: *", `body={"properties":{"open":true}}`), 200)
	versions, err := fx.store.History(context.Background(), "wards", "f/n")
	if err != nil {
		t.Fatal(err)
	}
	if got := versions[len(versions)-1].Author; got != "Clerk of wards (c1)" {
		t.Errorf("the author is %q", got)
	}
	if body := text(t, fx.get("/api/features/wards/f%2Fn")); strings.Contains(body, "Clerk") {
		t.Errorf("the public reads who wrote: %s", body)
	}
}

// TestIdempotencyKeysAreOnesOwn holds that a key which another caller used is free.
func TestIdempotencyKeysAreOnesOwn(t *testing.T) {
	fx := clerks(t)
	body := `body={"type":"Feature","geometry":null,"properties":{"name":"F9"}}`
	first := fx.call("POST", "/api/features/wards", "Clerk: c1", "Idempotency-Key: k", body)
	again := fx.call("POST", "/api/features/wards", "Clerk: c1", "Idempotency-Key: k", body)
	other := fx.call("POST", "/api/features/wards", "Clerk: c2", "Idempotency-Key: k", body)
	if again.Header.Get("Idempotency-Replayed") != "true" || other.Header.Get("Idempotency-Replayed") != "" || first.Header.Get("Location") == other.Header.Get("Location") {
		t.Errorf("first %v, again %v, another caller's %v", first.Header, again.Header, other.Header)
	}
}

// TestSharedCachesHoldOnlyWhatIsPublic holds that an answer for somebody is nobody else's.
func TestSharedCachesHoldOnlyWhatIsPublic(t *testing.T) {
	fx := clerks(t)
	for _, path := range []string{"/api/features/wards/f%2Fn", "/api/collections", "/tiles/wards.json", "/tiles/wards/3/5/3.mvt", "/api/near?collection=wards&lon=72.8&lat=19"} {
		mine, public := fx.get(path, "Clerk: c1").Header, fx.get(path).Header
		if got := mine.Get("Cache-Control"); got != "private, no-cache" {
			t.Errorf("%s: %q for somebody", path, got)
		}
		if got := public.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: %q for everybody", path, got)
		}
		for _, name := range []string{"Authorization", "Cookie"} {
			if !strings.Contains(mine.Get("Vary"), name) {
				t.Errorf("%s does not vary by %s", path, name)
			}
		}
	}
}

func keyText(collection, id string) string {
	return strconv.FormatUint(uint64(catalog.KeyOf(collection, id)), 10)
}
