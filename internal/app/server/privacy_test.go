package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/city"
	"nagar/internal/access"
	"nagar/internal/app"
	"nagar/internal/httpapi"
	"nagar/layers"
	"nagar/web/viewer"
)

// nameGate takes callers' word for who they are; the policy can be exchanged.
type nameGate struct {
	callers    map[string]access.Principal
	policy     atomic.Pointer[access.Policy]
	generation atomic.Uint64
}

func (g *nameGate) set(p *access.Policy) {
	g.policy.Store(p)
	g.generation.Add(1)
}

// Generation says that the policy may be another one.
func (g *nameGate) Generation() uint64 { return g.generation.Load() }

func (g *nameGate) Identify(r *http.Request, _ bool) (access.Principal, error) {
	who, ok := g.callers[r.Header.Get("Test-Caller")]
	if !ok {
		return access.Principal{}, &access.Refused{Header: "Test-Caller", Reason: "nobody"}
	}
	return who, nil
}

func (g *nameGate) View(who access.Principal) catalog.View {
	return access.Compile(g.policy.Load(), who, wardOutlines{})
}

func (g *nameGate) Rights(who access.Principal) []access.Right {
	return access.Rights(g.policy.Load(), who)
}

// wardOutlines knows the marked city's two wards.
type wardOutlines struct{}

func (wardOutlines) Outline(wards []string) string {
	text := ""
	for _, w := range wards {
		south := southA
		if w == wardB {
			south = southB
		}
		if text != "" {
			text += ","
		}
		text += fmt.Sprintf("((%[1]v %[2]v,%[3]v %[2]v,%[3]v %[4]v,%[1]v %[4]v,%[1]v %[2]v))", west, south, west+0.05, south+wardHeight)
	}
	return "MULTIPOLYGON(" + text + ")"
}

// everybody are the callers of the privacy test: each role of the default policy,
// with and without what narrows or widens it.
func everybody() []*caller {
	account := func(p access.Principal) access.Principal {
		p.Kind = access.Account
		return p
	}
	list := map[string]access.Principal{
		"anonymous": {Kind: access.Anonymous},
		"citizen":   {Kind: access.Citizen, Contact: citizenContact},
		"stranger":  {Kind: access.Citizen, Contact: "+919800000009"},
		"planner":   account(access.Principal{Roles: []string{"planner"}}),
		"surveyor":  account(access.Principal{Roles: []string{"surveyor"}, Wards: []string{wardA}}),
		"officer":   account(access.Principal{Roles: []string{"officer"}, Department: departmentRoads, Wards: []string{wardA}}),
		"officer with a purpose": account(access.Principal{
			Roles: []string{"officer"}, Department: departmentRoads, Wards: []string{wardA}, Purpose: "service"}),
		"officer of the whole city": account(access.Principal{Roles: []string{"officer"}, Department: departmentRoads, Purpose: "law"}),
		"officer for water":         account(access.Principal{Roles: []string{"officer"}, Department: departmentWater, Wards: []string{wardB}, Purpose: "law"}),
		"officer without a desk":    account(access.Principal{Roles: []string{"officer"}, Purpose: "law"}),
		"auditor":                   account(access.Principal{Roles: []string{"auditor"}}),
		"administrator":             account(access.Principal{Roles: []string{"administrator"}}),
		"administrator with a purpose": account(access.Principal{
			Roles: []string{"administrator"}, Purpose: "correction"}),
		"token for the depots": {Kind: access.Token, Roles: []string{"officer"}, Department: departmentRoads, Purpose: "service",
			Collections: []string{"depots_marked", "wards"}},
		"root": {Kind: access.Root},
	}
	var out []*caller
	for name, who := range list {
		if who.Known() && who.ID == "" {
			who.ID = "id of " + name
		}
		out = append(out, &caller{name: name, who: who, header: http.Header{"Test-Caller": {name}}})
	}
	return out
}

func everybodyNamed(name string) *caller {
	for _, c := range everybody() {
		if c.name == name {
			return c
		}
	}
	panic("nobody is " + name)
}

// waitLong is how long a test waits for what comes soon.
const waitLong = 60 * time.Second

// serve puts the marked city into a store and starts a server over it.
func (a *asker) serve(url string, gate httpapi.Gate) catalog.Store {
	t := a.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	location, err := app.ParseLocation(url)
	if err != nil {
		t.Fatal(err)
	}
	store, err := app.OpenStore(ctx, location)
	if err != nil {
		t.Fatal(err)
	}
	a.city.fill(t, store)
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	engine := layers.New(store, layers.Options{CacheBytes: 16 << 20})
	finder := newSearch(store, engine, profile)
	var running sync.WaitGroup
	running.Go(func() { _ = engine.Run(ctx) }) // ends with the test
	running.Go(func() { _ = finder.Run(ctx) })
	api, err := httpapi.New(httpapi.Config{
		Engine: engine, Store: store, Profile: profile, Search: searcher{finder}, Viewer: viewer.FS(), Gate: gate,
		Logger: slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	t.Cleanup(func() {
		cancel()
		srv.CloseClientConnections() // listeners
		srv.Close()
		running.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	eventually(t, waitLong, "the city is loaded", func() bool { return engine.Ready() && finder.Ready() })
	a.base = srv.URL
	return store
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// eachStore runs the test with the URL of each kind of store.
func eachStore(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("gpkg", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "city.gpkg")) })
	t.Run("postgis", func(t *testing.T) {
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		test(t, pgtest.Start(t))
	})
}

// ask makes a marked city behind a server.
func ask(t *testing.T, url string) (*asker, *nameGate, catalog.Store) {
	t.Helper()
	gate := &nameGate{callers: map[string]access.Principal{}}
	gate.set(access.Default())
	a := &asker{t: t, city: newMarkedCity(), policy: access.Default(), crossed: map[string]map[string]bool{}, log: &lockedBuffer{}}
	for _, c := range everybody() {
		gate.callers[c.name], a.crossed[c.name] = c.who, map[string]bool{}
	}
	store := a.serve(url, gate)
	return a, gate, store
}

// TestNobodySeesMore asks every question as every caller: no marker comes that the
// caller may not see, and those come that they may.
func TestNobodySeesMore(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		a, _, _ := ask(t, url)
		callers := everybody()
		var asking sync.WaitGroup
		turns := make(chan *caller)
		for range 4 {
			asking.Go(func() {
				for c := range turns {
					a.lookEverywhere(c)
					a.sameAsNothing(c)
				}
			})
		}
		for _, c := range callers {
			turns <- c
		}
		close(turns)
		asking.Wait()
		for _, c := range callers {
			a.complete(c)
		}
		logShows(t, a.city, a.log.text())
		t.Logf("%d answers to %d callers, %d markers", a.asked, len(callers), len(a.city.secrets))
	})
}
