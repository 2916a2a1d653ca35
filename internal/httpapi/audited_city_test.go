package httpapi

import (
	"context"
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
	case <-time.After(waitLong):
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
