package httpapi

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/audit"
	"nagar/layers"
)

// What is secret in the audited city; the log must never hold any of it.
const (
	ownerMark = "OWNER-MARK-Asha Patil"
	taxMark   = "TAX-MARK-4711"
	raidMark  = "RAID-MARK-tomorrow"
	phoneMark = "+919812345678"
)

// auditedCity is a server with an audit log, on one of the stores.
type auditedCity struct {
	*testing.T
	url   string
	store catalog.Store
	db    *accessdb.DB
	log   *audit.Log
}

// staffGate knows who asks by the header Test-Who.
type staffGate struct{ policy *access.Policy }

func (g staffGate) Identify(req *http.Request, _ bool) (access.Principal, error) {
	kind, name, _ := strings.Cut(req.Header.Get("Test-Who"), ":")
	switch {
	case kind == "":
		return access.Principal{Kind: access.Anonymous}, nil
	case kind == "root":
		return access.Principal{Kind: access.Root, ID: "administrator", Name: "administrator"}, nil
	case kind == "citizen":
		return access.Principal{Kind: access.Citizen, ID: "c" + name[len(name)-3:], Name: name, Contact: name}, nil
	}
	return access.Principal{
		Kind: access.Account, ID: "a-" + kind, Name: "Bela " + kind, Roles: []string{kind}, Department: "Estates", Purpose: req.Header.Get("Nagar-Purpose"), Session: "s1",
	}, nil
}

func (g staffGate) View(who access.Principal) catalog.View     { return access.Compile(g.policy, who, nil) }
func (g staffGate) Rights(who access.Principal) []access.Right { return access.Rights(g.policy, who) }

func auditPolicy() *access.Policy {
	p := access.Default()
	p.Roles["officer"] = access.Role{Grants: []access.Grant{
		{Collections: []string{"*"}, Class: catalog.ClassRestricted, Write: true}, {Collections: []string{"*"}, Class: catalog.ClassPersonal, Write: true}}}
	p.Roles["planner"] = access.Role{Grants: []access.Grant{{Collections: []string{"*"}, Class: catalog.ClassInternal}}}
	p.Roles["eraser"] = access.Role{Grants: []access.Grant{{Collections: []string{"*"}, Class: catalog.ClassInternal}}, Rights: []access.Right{access.Erase, access.DefineCollections}}
	p.Roles["auditor"] = access.Role{Rights: []access.Right{access.ReadAudit}}
	p.Roles["citizen"] = access.Role{Grants: []access.Grant{{Collections: []string{"reports", "letters"}, Class: catalog.ClassPersonal, Rows: "contact = $contact"}}}
	return p
}

func auditedCollections() []catalog.Collection {
	text := func(name string, class catalog.Class) catalog.Field {
		return catalog.Field{Name: name, Type: catalog.TypeText, Class: class}
	}
	return []catalog.Collection{
		{Name: "houses", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{text("name", 0), text("owner", catalog.ClassPersonal), text("tax", catalog.ClassRestricted)}},
		{Name: "parks", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{text("name", 0)}},
		{Name: "raids", Geometry: catalog.GeometryPoint, Class: catalog.ClassRestricted, Fields: []catalog.Field{text("what", 0)}},
		{Name: "reports", Geometry: catalog.GeometryPoint, Fields: []catalog.Field{text("title", 0), text("contact", catalog.ClassPersonal)}},
		{Name: "letters", Geometry: catalog.GeometryNone, Fields: []catalog.Field{text("contact", catalog.ClassPersonal)}},
	}
}

func props(pairs ...string) (out catalog.Properties) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, catalog.Property{Name: pairs[i], Value: catalog.Text(pairs[i+1])})
	}
	return out
}

func auditedFeatures() []catalog.Op {
	square := func(lon, lat float64) geo.Geometry {
		return geo.NewPolygon([]float64{lon, lat, lon + 0.001, lat, lon + 0.001, lat + 0.001, lon, lat + 0.001, lon, lat})
	}
	point := func(lon, lat float64) geo.Geometry { return geo.Geometry{Type: geo.Point, Coords: []float64{lon, lat}} }
	put := func(collection, id string, g geo.Geometry, p catalog.Properties) catalog.Op {
		return catalog.Op{Kind: catalog.Put, Collection: collection, Feature: catalog.Feature{ID: id, Geometry: g, Props: p}}
	}
	return []catalog.Op{
		put("houses", "h1", square(72.85, 19.05), props("name", "One", "owner", ownerMark, "tax", taxMark)),
		put("houses", "h2", square(72.86, 19.05), props("name", "Two")),
		put("parks", "p1", square(72.85, 19.05), props("name", "Park")),
		put("raids", "r1", point(72.8505, 19.0505), props("what", raidMark)),
		put("reports", "x1", point(72.8505, 19.0505), props("title", "Leak", "contact", phoneMark)),
		put("reports", "x2", point(72.9505, 19.0505), props("title", "Noise", "contact", "+919800000000")),
	}
}

// audited runs the test against a city on each store.
func audited(t *testing.T, test func(c *auditedCity)) {
	t.Run("gpkg", func(t *testing.T) {
		dir := t.TempDir()
		store, err := gpkg.Open(t.Context(), filepath.Join(dir, "city.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		db, err := accessdb.OpenFile(t.Context(), filepath.Join(dir, "city.gpkg.d", "access.db"), audit.Schema)
		if err != nil {
			t.Fatal(err)
		}
		test(newAuditedCity(t, store, db))
	})
	t.Run("postgis", func(t *testing.T) {
		url := pgtest.Start(t)
		store, err := postgis.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		db, err := accessdb.OpenPostgres(t.Context(), url, audit.Schema)
		if err != nil {
			t.Fatal(err)
		}
		test(newAuditedCity(t, store, db))
	})
}

func newAuditedCity(t *testing.T, store catalog.Store, db *accessdb.DB) *auditedCity {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	for _, c := range auditedCollections() {
		if _, err := store.Define(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Apply(ctx, catalog.Batch{Ops: catalog.Ops(auditedFeatures()...)}); err != nil {
		t.Fatal(err)
	}
	engine := layers.New(store, layers.Options{})
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	log := audit.New(db, t.TempDir())
	s, err := New(Config{
		Engine: engine, Store: store, Profile: profile, Gate: staffGate{auditPolicy()}, Audit: log, Search: foundOwner{},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s)
	t.Cleanup(func() {
		ts.Close()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("engine: %v", err)
		}
		store.Close()
		db.Close()
	})
	select {
	case <-engine.Loaded():
	case <-time.After(20 * time.Second):
		t.Fatal("the engine does not load")
	}
	return &auditedCity{T: t, url: ts.URL, store: store, db: db, log: log}
}

// foundOwner finds house h1 whatever is asked.
type foundOwner struct{}

func (foundOwner) Find(_ context.Context, q SearchQuery) ([]SearchHit, error) {
	hit := SearchHit{Collection: "houses", ID: "h1", Title: "One", Props: props("name", "One"), Lon: 72.85, Lat: 19.05, Box: geo.EmptyBox()}
	if q.View.Key() == catalog.Everything.Key() || strings.HasPrefix(q.Text, "owner") {
		hit.Props = props("name", "One", "owner", ownerMark)
	}
	return []SearchHit{hit}, nil
}

const (
	officer = "Test-Who: officer"
	why     = "Nagar-Purpose: service"
)

func (c *auditedCity) do(method, path, body string, header ...string) (*http.Response, string) {
	c.Helper()
	return fetch(c.T, method, c.url+path, body, header...)
}

// news are the entries since the one of that number.
func (c *auditedCity) news(since int64) (out []audit.Entry) {
	c.Helper()
	all, _, err := c.log.Entries(context.Background(), audit.Filter{}, 1000)
	if err != nil {
		c.Fatal(err)
	}
	for _, e := range slices.Backward(all) {
		if e.Seq > since && e.Action != audit.Anchored {
			out = append(out, e)
		}
	}
	return out
}

func (c *auditedCity) head() int64 {
	c.Helper()
	all, _, err := c.log.Entries(context.Background(), audit.Filter{}, 1)
	if err != nil {
		c.Fatal(err)
	}
	if len(all) == 0 {
		return 0
	}
	return all[0].Seq
}

func told(entries []audit.Entry) string {
	var out []string
	for _, e := range entries {
		s := fmt.Sprintf("%s %s [%s] %s", e.Action, e.Collection, strings.Join(e.Fields, "+"), strings.Join(e.IDs, " "))
		if e.Box != nil {
			s += "box"
		}
		out = append(out, strings.TrimSpace(s))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// TestReadsAreLogged asks every way in which a value leaves, as different people:
// what carried a restricted or personal value is in the log with who, why and
// which, and nothing else is.
func TestReadsAreLogged(t *testing.T) {
	audited(t, func(c *auditedCity) {
		tile := geo.TileAt(72.8505, 19.0505, 15)
		tileAt := func(names string) string { return fmt.Sprintf("/tiles/%s/%s.mvt", names, tile) }
		polygon := `{"type":"Polygon","coordinates":[[[72.84,19.04],[72.87,19.04],[72.87,19.06],[72.84,19.06],[72.84,19.04]]]}`
		for _, q := range []struct{ name, method, path, body, want string }{
			{"tile", "GET", tileAt("houses,parks"), "", "read-tile houses [owner+tax] box"},
			{"tile of all", "GET", tileAt("houses,raids"), "", "read-tile houses [owner+tax] box; read-tile raids [geometry+what] box"},
			{"tile without", "GET", tileAt("parks"), "", ""},
			{"within", "GET", "/api/within?collection=houses&bbox=72.8,19,72.9,19.1", "", "read houses [owner+tax] h1"},
			{"within of none", "GET", "/api/within?collection=houses&bbox=72.8595,19,72.9,19.1", "", ""},
			{"within polygon", "POST", "/api/within?collection=houses", polygon, "read houses [owner+tax] h1"},
			{"near", "GET", "/api/near?collection=houses&lon=72.85&lat=19.05&k=2", "", "read houses [owner+tax] h1"},
			{"at", "GET", "/api/at?lon=72.8505&lat=19.0505", "", "read houses [owner+tax] h1; read raids [geometry+what] r1; read reports [contact] x1"},
			{"feature", "GET", "/api/features/houses/h1", "", "read houses [owner+tax] h1"},
			{"feature without", "GET", "/api/features/houses/h2", "", ""},
			{"feature then", "GET", "/api/features/houses/h1?asof=" + time.Now().UTC().Format("2006-01-02T15:04:05Z"), "", "read houses [owner+tax] h1"},
			{"search", "GET", "/api/search?q=owner", "", "read-search houses [owner] h1"},
			{"search without", "GET", "/api/search?q=name", "", ""},
			{"collections", "GET", "/api/collections", "", ""},
			{"tilejson", "GET", "/tiles/houses.json", "", ""},
			{"nothing there", "GET", "/api/features/houses/h9", "", ""},
		} {
			since := c.head()
			resp, body := c.do(q.method, q.path, q.body, officer, why, "Content-Type: application/json")
			if resp.StatusCode >= 400 && q.name != "nothing there" {
				c.Errorf("%s: %d %s", q.name, resp.StatusCode, body)
			}
			got := c.news(since)
			if told(got) != q.want {
				c.Errorf("%s: logged %q, want %q", q.name, told(got), q.want)
			}
			for _, e := range got {
				if e.Who.Account != "a-officer" || e.Who.Purpose != "service" || e.Who.Department != "Estates" || e.Who.Address != "127.0.0.1" ||
					len(e.Requests) != 1 || e.Requests[0] != resp.Header.Get("X-Request-Id") || e.Count < 1 {
					c.Errorf("%s: %+v", q.name, e)
				}
			}
			// The same by those who see none of it, and without taking it.
			since = c.head()
			etag := resp.Header.Get("Etag")
			for _, header := range [][]string{{}, {"Test-Who: planner"}, {officer, why, "If-None-Match: " + etag}} {
				if len(header) == 3 && (q.method != "GET" || resp.StatusCode != 200 || etag == "") {
					continue
				}
				if q.name == "search" && len(header) < 3 {
					continue // this Searcher does not look at the view
				}
				c.do(q.method, q.path, q.body, append(header, "Content-Type: application/json")...)
			}
			if q.method == "GET" {
				c.do("HEAD", q.path, "", officer, why)
			}
			if got := c.news(since); len(got) > 0 {
				c.Errorf("%s: logged %q of answers that carry nothing", q.name, told(got))
			}
		}
		// Without a purpose an officer sees restricted fields only.
		since := c.head()
		c.do("GET", "/api/features/houses/h1", "", officer)
		if got := told(c.news(since)); got != "read houses [tax] h1" {
			c.Errorf("without a purpose: %q", got)
		}
	})
}

// TestNothingIsShownUnlogged takes the log away: what carries values is 503, and
// what does not is served as ever. Nothing is written either.
func TestNothingIsShownUnlogged(t *testing.T) {
	audited(t, func(c *auditedCity) {
		before, err := c.store.Head(context.Background())
		if err != nil {
			c.Fatal(err)
		}
		_, seen := c.do("GET", "/api/features/houses/h1", "", officer, why)
		if !strings.Contains(seen, ownerMark) {
			c.Fatalf("the officer sees %s", seen)
		}
		c.db.Close()
		tile := geo.TileAt(72.8505, 19.0505, 15)
		for _, q := range []struct {
			method, path, body string
			want               int
		}{
			{"GET", fmt.Sprintf("/tiles/houses/%s.mvt", tile), "", 503},
			{"GET", fmt.Sprintf("/tiles/parks/%s.mvt", tile), "", 200},
			{"GET", "/api/within?collection=houses&bbox=72.8,19,72.9,19.1", "", 503},
			{"GET", "/api/within?collection=parks&bbox=72.8,19,72.9,19.1", "", 200},
			{"GET", "/api/near?collection=houses&lon=72.85&lat=19.05", "", 503},
			{"GET", "/api/at?lon=72.8505&lat=19.0505", "", 503},
			{"GET", "/api/features/houses/h1", "", 503},
			{"GET", "/api/features/houses/h2", "", 200},
			{"GET", "/api/search?q=owner", "", 503},
			{"DELETE", "/api/features/parks/p1", "", 503},
			{"PATCH", "/api/features/parks/p1", `{"properties":{"name":"Other"}}`, 503},
			{"POST", "/api/features/parks", `{"type":"Feature","geometry":null,"properties":{}}`, 503},
			{"PUT", "/api/collections/parks", `{"geometry":"polygon","fields":[]}`, 503},
			{"POST", "/api/features/houses/h1/erase", `{"fields":["owner"],"reason":"asked"}`, 503},
		} {
			who := officer
			if strings.HasPrefix(q.path, "/api/collections") || strings.HasSuffix(q.path, "/erase") {
				who = "Test-Who: eraser"
			}
			if q.method != "GET" && who == officer {
				who = "Test-Who: root"
			}
			resp, body := c.do(q.method, q.path, q.body, who, why, "If-Match: *", "Content-Type: application/json")
			if resp.StatusCode != q.want {
				c.Errorf("%s %s: %d %s", q.method, q.path, resp.StatusCode, body)
			}
			for _, mark := range []string{ownerMark, taxMark, raidMark, phoneMark} {
				if q.want == 503 && strings.Contains(body, mark) {
					c.Errorf("%s %s shows %s", q.method, q.path, mark)
				}
			}
		}
		if after, err := c.store.Head(context.Background()); err != nil || after != before {
			c.Errorf("the store went from %d to %d, %v", before, after, err)
		}
	})
}

// TestChangesAreLogged: a change is in the log before it is made, and so is that
// it failed.
func TestChangesAreLogged(t *testing.T) {
	audited(t, func(c *auditedCity) {
		const eraser, root = "Test-Who: eraser", "Test-Who: root"
		for _, q := range []struct{ method, path, body, match, want string }{
			{"POST", "/api/features/parks", `{"type":"Feature","id":"p2","geometry":null,"properties":{"name":"x"}}`, "", "write parks [] p2"},
			{"PATCH", "/api/features/houses/h2", `{"properties":{"owner":"` + ownerMark + `"}}`, "*", "read houses [owner] h2; write houses [owner] h2"},
			{"PATCH", "/api/features/houses/h2", `{"properties":{"owner":null},"valid_from":"1990-01-01T00:00:00Z"}`, "*", "failed houses [] h2; write houses [] h2"},
			{"DELETE", "/api/features/parks/p1", "", "*", "delete parks [] p1"},
			{"PUT", "/api/collections/parks", `{"geometry":"polygon","fields":[{"name":"name","type":"text","class":"public"}]}`, "", "define parks []"},
			{"PUT", "/api/collections/parks", `{"geometry":"point","fields":[]}`, "", "define parks []; failed parks []"},
			{"POST", "/api/features/houses/h1/erase", `{"fields":["owner"],"reason":"asked for"}`, "*", "erase houses [owner] h1"},
			{"POST", "/api/features/houses/h2/erase", `{"all":true,"reason":"asked for"}`, "*", "erase houses [] h2"},
		} {
			since := c.head()
			who := root
			if q.method == "PUT" || strings.HasSuffix(q.path, "/erase") {
				who = eraser
			}
			c.do(q.method, q.path, q.body, who, "If-Match: "+q.match)
			if got := told(c.news(since)); got != q.want {
				c.Errorf("%s %s: logged %q, want %q", q.method, q.path, got, q.want)
			}
		}
	})
}

// dump is the whole log as bytes.
func (c *auditedCity) dump() string {
	c.Helper()
	rows, err := c.db.Query(context.Background(), `select body from audit`)
	if err != nil {
		c.Fatal(err)
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			c.Fatal(err)
		}
		all.Write(body)
	}
	return all.String()
}

// TestErase blanks a field in every version, keeps the revisions, and leaves the
// value nowhere: not in the answer, not in the history, not in the log.
func TestErase(t *testing.T) {
	audited(t, func(c *auditedCity) {
		const eraser = "Test-Who: eraser"
		ctx := context.Background()
		for _, name := range []string{"second", "third"} {
			if _, err := c.store.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: "houses", Merge: true,
				Feature: catalog.Feature{ID: "h1", Props: props("name", name, "owner", ownerMark+name)}})}); err != nil {
				c.Fatal(err)
			}
		}
		if _, err := c.store.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Delete, Collection: "reports", Feature: catalog.Feature{ID: "x1"}})}); err != nil {
			c.Fatal(err)
		}
		before, _ := c.store.History(ctx, "houses", "h1")
		_, seen := c.do("GET", "/api/features/houses/h1", "", officer, why)
		if strings.Count(seen, ownerMark) < 3 {
			c.Fatalf("before: %s", seen)
		}
		const good = `{"fields":["owner"],"reason":"the owner asked for it"}`
		for _, q := range []struct {
			name, path, body string
			header           []string
			want             int
		}{
			{"nobody", "/api/features/houses/h1/erase", good, []string{"If-Match: *"}, 401},
			{"without the right", "/api/features/houses/h1/erase", good, []string{officer, "If-Match: *"}, 403},
			{"without If-Match", "/api/features/houses/h1/erase", good, []string{eraser}, 428},
			{"stale", "/api/features/houses/h1/erase", good, []string{eraser, `If-Match: "1"`}, 412},
			{"no such feature", "/api/features/houses/h9/erase", good, []string{eraser, "If-Match: *"}, 404},
			{"a feature that is not seen", "/api/features/raids/r1/erase", `{"all":true,"reason":"x"}`, []string{eraser, "If-Match: *"}, 404},
			{"no reason", "/api/features/houses/h1/erase", `{"fields":["owner"]}`, []string{eraser, "If-Match: *"}, 422},
			{"no fields", "/api/features/houses/h1/erase", `{"fields":[],"reason":"x"}`, []string{eraser, "If-Match: *"}, 422},
			{"all and some", "/api/features/houses/h1/erase", `{"fields":["owner"],"all":true,"reason":"x"}`, []string{eraser, "If-Match: *"}, 422},
			{"no such field", "/api/features/houses/h1/erase", `{"fields":["ownr"],"reason":"x"}`, []string{eraser, "If-Match: *"}, 422},
			{"no JSON", "/api/features/houses/h1/erase", `{`, []string{eraser, "If-Match: *"}, 400},
		} {
			if resp, body := c.do("POST", q.path, q.body, q.header...); resp.StatusCode != q.want {
				c.Errorf("%s: %d %s, want %d", q.name, resp.StatusCode, body, q.want)
			}
		}
		if after, _ := c.store.History(ctx, "houses", "h1"); len(after) != len(before) {
			c.Fatalf("a refused erasure changed the history from %d to %d versions", len(before), len(after))
		}
		resp, body := c.do("POST", "/api/features/houses/h1/erase", good, eraser, "If-Match: *")
		if resp.StatusCode != 200 {
			c.Fatalf("erase: %d %s", resp.StatusCode, body)
		}
		if resp, body = c.do("POST", "/api/features/reports/x1/erase", `{"all":true,"reason":"past its time"}`, eraser, "If-Match: *"); resp.StatusCode != 204 {
			c.Errorf("erase what has ended: %d %s", resp.StatusCode, body)
		}
		_, seen = c.do("GET", "/api/features/houses/h1", "", officer, why)
		if strings.Contains(seen, ownerMark) || !strings.Contains(seen, taxMark) || !strings.Contains(seen, "second") {
			c.Errorf("after: %s", seen)
		}
		if after, _ := c.store.History(ctx, "houses", "h1"); len(after) < len(before) {
			c.Errorf("%d versions are left of %d", len(after), len(before))
		}
		versions, _ := c.store.History(ctx, "reports", "x1")
		for _, v := range versions {
			if !v.Props.Get("contact").IsNull() {
				c.Errorf("what had ended still says %v", v.Props)
			}
		}
		log := c.dump()
		for _, mark := range []string{ownerMark, taxMark, raidMark, phoneMark, "the owner asked"} {
			if strings.Contains(log, mark) {
				c.Errorf("the log holds %q", mark)
			}
		}
	})
}

const auditor = "Test-Who: auditor"

// TestAuditIsReadable lists, verifies and reports, for those with the right only.
func TestAuditIsReadable(t *testing.T) {
	audited(t, func(c *auditedCity) {
		for range 3 {
			c.do("GET", "/api/features/houses/h1", "", officer, why)
		}
		c.do("GET", "/api/within?collection=reports&bbox=72.8,19,73,19.1", "", officer, why)
		c.do("GET", fmt.Sprintf("/tiles/houses/%s.mvt", geo.TileAt(72.8505, 19.0505, 15)), "", officer, why)
		for _, path := range []string{"/api/audit", "/api/audit/verify", "/api/audit/breach?from=2026-01-01"} {
			for header, want := range map[string]int{"X-None: 1": 401, officer: 403, auditor: 200} {
				if resp, body := c.do("GET", path, "", header); resp.StatusCode != want || want == 200 && resp.Header.Get("Cache-Control") != "no-store" {
					c.Errorf("%s as %s: %d %s", path, header, resp.StatusCode, body)
				}
			}
		}
		for _, bad := range []string{
			"/api/audit?limit=0", "/api/audit?limit=1001", "/api/audit?limit=x", "/api/audit?cursor=x", "/api/audit?cursor=-1", "/api/audit?from=yesterday", "/api/audit?to=x",
			"/api/audit?id=h1", "/api/audit?who=a&who=b", "/api/audit?who=" + strings.Repeat("x", 201), "/api/audit/verify?head=1", "/api/audit/verify?since=x", "/api/audit/verify?head=0:" + strings.Repeat("0", 64) + "&since=0:" + strings.Repeat("0", 64), "/api/audit/breach", "/api/audit/breach?from=2026-01-01&format=xml", "/api/audit/breach?from=2026-01-01&resolve=1",
		} {
			if resp, body := c.do("GET", bad, "", auditor); resp.StatusCode != 400 {
				c.Errorf("%s: %d %s", bad, resp.StatusCode, body)
			}
		}
		if resp, _ := c.do("GET", "/api/audit?collection=nosuch&id=h1", "", auditor); resp.StatusCode != 200 {
			c.Errorf("a collection that never was: %d", resp.StatusCode)
		}
		c.pages("/api/audit?collection=houses&limit=1", 4)
		c.pages("/api/audit?collection=houses&id=h1&limit=2", 4)
		c.pages("/api/audit?collection=houses&id=h2&limit=2", 1) // the tile
		c.pages("/api/audit?who=a-officer&action=read&limit=100", 5)
		c.pages("/api/audit?action=audit", -1)
		_, body := c.do("GET", "/api/audit?action=audit&limit=1", "", auditor)
		if !strings.Contains(body, `"detail":"list action=audit"`) {
			c.Errorf("reading the log is not told: %s", body)
		}

		var rep struct {
			Whole bool
			Print string
		}
		_, body = c.do("GET", "/api/audit/verify", "", auditor)
		if err := json.Unmarshal([]byte(body), &rep); err != nil || !rep.Whole {
			c.Fatalf("verify: %s, %v", body, err)
		}
		if _, body = c.do("GET", "/api/audit/verify?head="+rep.Print, "", auditor); !strings.Contains(body, `"whole":true`) {
			c.Errorf("verify against its own head: %s", body)
		}
		other := rep.Print[:len(rep.Print)-1] + map[bool]string{true: "0", false: "1"}[rep.Print[len(rep.Print)-1] == '1']
		if _, body = c.do("GET", "/api/audit/verify?since="+rep.Print, "", auditor); !strings.Contains(body, `"whole":true,"entries":2,`) {
			c.Errorf("verify since its own head: %s", body) // two verifications are new
		}
		if _, body = c.do("GET", "/api/audit/verify?since="+other, "", auditor); !strings.Contains(body, `"whole":false`) {
			c.Errorf("verify since another head: %s", body)
		}
		if _, body = c.do("GET", "/api/audit/verify?head="+other, "", auditor); !strings.Contains(body, `"whole":false`) {
			c.Errorf("verify against another head: %s", body)
		}
		c.breach()
	})
}

// pages walks a list and wants so many entries (-1: some), each once.
func (c *auditedCity) pages(path string, want int) {
	c.Helper()
	seen := map[float64]bool{}
	for cursor := ""; ; {
		_, body := c.do("GET", path+cursor, "", auditor)
		var page struct {
			Entries []map[string]any
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			c.Fatalf("%s: %v: %s", path, err, body)
		}
		for _, e := range page.Entries {
			if seen[e["seq"].(float64)] {
				c.Errorf("%s: entry %v twice", path, e["seq"])
			}
			seen[e["seq"].(float64)] = true
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if want >= 0 && len(seen) != want || len(seen) == 0 {
		c.Errorf("%s: %d entries, want %d", path, len(seen), want)
	}
}

func (c *auditedCity) breach() {
	c.Helper()
	today := time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	_, body := c.do("GET", "/api/audit/breach?from="+today, "", auditor)
	var rep struct {
		Readings []struct {
			Collection, Action string
			IDs                []string
			BBoxes             [][4]float64
			Requests           int
		}
		Features map[string][]string
	}
	if err := json.Unmarshal([]byte(body), &rep); err != nil || len(rep.Readings) != 3 || strings.Join(rep.Features["reports"], " ") != "x1 x2" {
		c.Errorf("breach: %v, %s", err, body)
	}
	resp, table := c.do("GET", "/api/audit/breach?format=csv&from="+today, "", auditor)
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || len(rows) != 5 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/csv") || !strings.Contains(resp.Header.Get("Content-Disposition"), "attachment") {
		c.Errorf("breach table: %v, %d rows, %v\n%s", err, len(rows), resp.Header, table)
	}
	_, whole := c.do("GET", "/api/audit/breach?resolve=true&from="+today, "", auditor)
	if !strings.Contains(whole, `"within":["h1","h2"]`) && !strings.Contains(whole, `"within":["h1"]`) {
		c.Errorf("breach, boxes resolved: %s", whole)
	}
	_, wholeTable := c.do("GET", "/api/audit/breach?resolve=true&format=csv&from="+today, "", auditor)
	if strings.Count(wholeTable, "\nhouses,h1,") != 2 { // read by id, and in a tile
		c.Errorf("breach table, boxes resolved: %s", wholeTable)
	}
	for _, mark := range []string{ownerMark, taxMark, phoneMark} {
		if strings.Contains(body+table+whole+wholeTable, mark) {
			c.Errorf("the report holds %s", mark)
		}
	}
}

func TestPlainCell(t *testing.T) {
	for in, want := range map[string]string{"": "", "Asha": "Asha", "=1+1": "'=1+1", "@x": "'@x", "-72.5": "-72.5", "-a": "'-a", "\tx": "'\tx"} {
		if got := plainCell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestReaders: a citizen sees who read what is about them, without names of staff,
// and nothing of anybody else's.
func TestReaders(t *testing.T) {
	audited(t, func(c *auditedCity) {
		const me, other = "Test-Who: citizen:" + phoneMark, "Test-Who: citizen:+919800000000"
		if _, err := c.store.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: "letters", Feature: catalog.Feature{ID: "l1", Props: props("contact", phoneMark)}})}); err != nil {
			c.Fatal(err)
		}
		c.do("GET", "/api/features/reports/x1", "", officer, why)
		c.do("GET", "/api/within?collection=reports&bbox=72.8,19,73,19.1", "", officer, why) // x1 and x2
		c.do("GET", fmt.Sprintf("/tiles/reports/%s.mvt", geo.TileAt(72.8505, 19.0505, 15)), "", officer, why)
		c.do("GET", "/api/features/reports/x2", "", officer, why)
		c.do("GET", "/api/features/houses/h1", "", officer, why)
		c.do("GET", "/api/features/reports/x1", "", me)
		resp, body := c.do("GET", "/api/me/readers", "", me)
		var got struct {
			Readings []struct {
				Action, Department, Purpose, Collection string
				Roles, IDs, Fields                      []string
			}
			Records map[string]int
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 {
			c.Fatalf("%d %s, %v", resp.StatusCode, body, err)
		}
		if len(got.Readings) != 3 || got.Records["reports"] != 1 || got.Records["letters"] != 1 {
			c.Fatalf("readings: %s", body)
		}
		for i, want := range []string{"read-tile []", "read [x1]", "read [x1]"} {
			if r := got.Readings[i]; fmt.Sprintf("%s %v", r.Action, r.IDs) != want || r.Department != "Estates" || r.Purpose != "service" || r.Roles[0] != "officer" || r.Fields[0] != "contact" {
				c.Errorf("reading %d: %+v, want %s", i, r, want)
			}
		}
		for _, mark := range []string{"Bela", "a-officer", "x2", "h1", phoneMark, "127.0.0.1"} {
			if strings.Contains(body, mark) {
				c.Errorf("a citizen is told %q: %s", mark, body)
			}
		}
		if _, body = c.do("GET", "/api/me/readers", "", other); strings.Contains(body, "x1") || !strings.Contains(body, `"x2"`) {
			c.Errorf("another citizen is told %s", body)
		}
		if _, body = c.do("GET", "/api/me/readers", "", "Test-Who: citizen:+910000000001"); !strings.Contains(body, `"readings":[]`) {
			c.Errorf("a citizen without records is told %s", body)
		}
		for header, want := range map[string]int{"X-None: 1": 401, officer: 403} {
			if resp, body := c.do("GET", "/api/me/readers", "", header); resp.StatusCode != want {
				c.Errorf("%s: %d %s", header, resp.StatusCode, body)
			}
		}
		for _, bad := range []string{"limit=0", "limit=5000", "cursor=x"} {
			if resp, body := c.do("GET", "/api/me/readers?"+bad, "", me); resp.StatusCode != 400 {
				c.Errorf("%s: %d %s", bad, resp.StatusCode, body)
			}
		}
	})
}
