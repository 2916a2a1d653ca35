package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/andybalholm/brotli"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/city"
	"nagar/geo"
	"nagar/geo/geojson"
	"nagar/layers"
)

// memory is a store of one list of versions: slow, obvious, and enough to see
// what the HTTP surface does with a store's answers and errors.
type memory struct {
	mu          sync.Mutex
	rev         catalog.Rev
	collections map[string]catalog.Collection
	versions    map[string][]catalog.Version // collection/id → by revision
	commits     []catalog.Commit
	keys        map[string]catalog.Result
	fail        error // every call returns it
	batches     []catalog.Batch
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newMemory() *memory {
	return &memory{collections: map[string]catalog.Collection{}, versions: map[string][]catalog.Version{}, keys: map[string]catalog.Result{}}
}

func (m *memory) time(rev catalog.Rev) time.Time { return epoch.Add(time.Duration(rev) * time.Hour) }

func (m *memory) Define(_ context.Context, c catalog.Collection) (catalog.Rev, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return 0, m.fail
	}
	if err := c.Validate(); err != nil {
		return 0, fmt.Errorf("define: %w", err)
	}
	if old, ok := m.collections[c.Name]; ok {
		next, err := old.Alter(c)
		if err != nil {
			return 0, fmt.Errorf("define: %w", err)
		}
		c = next
	}
	m.rev++
	c.Rev = m.rev
	m.collections[c.Name] = c
	m.commits = append(m.commits, catalog.Commit{Rev: m.rev, Time: m.time(m.rev), Changes: []catalog.Change{{Kind: catalog.Defined, Collection: c.Name}}})
	return m.rev, nil
}

func (m *memory) Collection(_ context.Context, name string) (catalog.Collection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return catalog.Collection{}, m.fail
	}
	c, ok := m.collections[name]
	if !ok {
		return c, fmt.Errorf("collection %s: %w", name, catalog.ErrNotFound)
	}
	return c, nil
}

func (m *memory) Apply(_ context.Context, b catalog.Batch) (catalog.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return catalog.Result{}, m.fail
	}
	m.batches = append(m.batches, b)
	if res, ok := m.keys[b.Key]; ok && b.Key != "" {
		res.Replayed = true
		return res, nil
	}
	rev := m.rev + 1
	commit := catalog.Commit{Rev: rev, Time: m.time(rev), Author: b.Author, Reason: b.Reason}
	for op, err := range b.Ops {
		if err != nil {
			return catalog.Result{}, err
		}
		key := op.Collection + "/" + op.Feature.ID
		list := m.versions[key]
		have := catalog.Rev(0)
		if n := len(list); n > 0 && list[n-1].RevTo == 0 {
			have = list[n-1].Rev
		}
		if op.If != nil && *op.If != have {
			return catalog.Result{}, fmt.Errorf("apply: %w", &catalog.Conflict{Collection: op.Collection, ID: op.Feature.ID, Want: *op.If, Have: have})
		}
		ch := catalog.Change{Kind: catalog.Written, Collection: op.Collection, ID: op.Feature.ID}
		if have != 0 {
			old := list[len(list)-1].Feature
			ch.Old = &old
			list[len(list)-1].RevTo = rev
		}
		if op.Kind == catalog.Put {
			f := op.Feature
			f.Rev = rev
			list = append(list, catalog.Version{Feature: f, Recorded: m.time(rev), Author: b.Author, Reason: b.Reason})
			ch.New = &f
		}
		m.versions[key] = list
		commit.Changes = append(commit.Changes, ch)
	}
	m.rev = rev
	m.commits = append(m.commits, commit)
	res := catalog.Result{Rev: rev}
	m.keys[b.Key] = res
	return res, nil
}

func (m *memory) Feature(_ context.Context, collection, id string, at catalog.At) (catalog.Feature, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return catalog.Feature{}, m.fail
	}
	for _, v := range slices.Backward(m.versions[collection+"/"+id]) {
		known := at.Known == 0 && v.RevTo == 0 || at.Known != 0 && v.Rev <= at.Known && (v.RevTo == 0 || v.RevTo > at.Known)
		if known && (at.AsOf.IsZero() || v.ValidAt(at.AsOf)) {
			return v.Feature, nil
		}
	}
	return catalog.Feature{}, fmt.Errorf("feature %s/%s: %w", collection, id, catalog.ErrNotFound)
}

func (m *memory) History(_ context.Context, collection, id string) ([]catalog.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := m.versions[collection+"/"+id]; v != nil {
		return slices.Clone(v), m.fail
	}
	return nil, catalog.ErrNotFound
}

func (m *memory) Scan(_ context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, list := range m.versions {
		if v := list[len(list)-1]; strings.HasPrefix(key, q.Collection+"/") && v.RevTo == 0 {
			if err := fn(&v.Feature); err != nil {
				return m.rev, err
			}
		}
	}
	return m.rev, m.fail
}

func (m *memory) Head(context.Context) (catalog.Rev, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rev, m.fail
}

func (m *memory) RevAt(_ context.Context, t time.Time) (catalog.Rev, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := catalog.Rev(0)
	for rev < m.rev && !m.time(rev+1).After(t) {
		rev++
	}
	return rev, m.fail
}

func (m *memory) Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error) {
	m.mu.Lock()
	commits := slices.Clone(m.commits)
	m.mu.Unlock()
	if m.fail != nil {
		return since, m.fail
	}
	for _, c := range commits {
		if c.Rev <= since {
			continue
		}
		if err := fn(c); err != nil {
			return since, err
		}
		since = c.Rev
	}
	return since, ctx.Err()
}

// scripted is an engine over memory whose answers tests can foresee.
type scripted struct {
	m        *memory
	mu       sync.Mutex
	notReady bool
	lag      catalog.Rev // how far Rev is behind the store
	err      error       // of the next spatial answer
	slow     time.Duration
	hold     chan struct{} // requests wait until it is closed
	asked    []any         // the requests that came
	boom     bool          // panic at the next tile
}

func (e *scripted) Ready() bool { return !e.notReady }
func (e *scripted) Rev() catalog.Rev {
	rev, _ := e.m.Head(context.Background())
	return rev - e.lag
}

func (e *scripted) WaitRev(ctx context.Context, rev catalog.Rev) error {
	for e.Rev() < rev {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

func (e *scripted) MaxZoom() int { return 16 }

func (e *scripted) Stats() layers.Stats { return layers.Stats{Rev: e.Rev(), Features: 3, CacheHits: 5} }

func (e *scripted) Subscribe() *layers.Subscription { return nil } // tests set Server.subscribe

func (e *scripted) current(collection string) []catalog.Feature {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	var out []catalog.Feature
	for _, key := range sortedKeys(e.m.versions) {
		list := e.m.versions[key]
		if v := list[len(list)-1]; strings.HasPrefix(key, collection+"/") && v.RevTo == 0 {
			out = append(out, v.Feature)
		}
	}
	return out
}

func (e *scripted) Collections() []layers.Info {
	e.m.mu.Lock()
	var list []catalog.Collection
	for _, name := range sortedKeys(e.m.collections) {
		list = append(list, e.m.collections[name])
	}
	e.m.mu.Unlock()
	var out []layers.Info
	for _, c := range list {
		info := layers.Info{Collection: c, Box: geo.EmptyBox(), Rev: c.Rev}
		for _, f := range e.current(c.Name) {
			info.Count++
			info.Box = info.Box.Union(f.Geometry.Box())
			info.Rev = max(info.Rev, f.Rev)
		}
		out = append(out, info)
	}
	return out
}

func (e *scripted) Collection(name string) (layers.Info, bool) {
	for _, info := range e.Collections() {
		if info.Name == name {
			return info, true
		}
	}
	return layers.Info{}, false
}

func (e *scripted) Extent(name string, _ catalog.View) (int, geo.Box) {
	info, _ := e.Collection(name)
	return info.Count, info.Box
}

func (e *scripted) Feature(collection, idOrKey string) (string, catalog.Key, bool) {
	for _, f := range e.current(collection) {
		key := catalog.KeyOf(collection, f.ID)
		if f.ID == idOrKey || strconv.FormatUint(uint64(key), 10) == idOrKey {
			return f.ID, key, true
		}
	}
	return "", 0, false
}

// questions is how many requests came.
func (e *scripted) questions() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

func (e *scripted) ask(ctx context.Context, r any) error {
	e.mu.Lock()
	e.asked = append(e.asked, r)
	err, slow, hold := e.err, e.slow, e.hold
	e.mu.Unlock()
	if hold != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-hold:
		}
	}
	if slow > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(slow):
		}
	}
	return err
}

func (e *scripted) Tile(ctx context.Context, r layers.TileRequest) (*layers.Tile, error) {
	if e.boom {
		panic("secret inside")
	}
	if err := e.ask(ctx, r); err != nil {
		return nil, err
	}
	var data []byte
	if r.Tile.Z < 20 {
		var err error
		if data, err = compress(r.Encoding, []byte(fmt.Sprintf("tile %s of %v for %s %s %v", r.Tile, r.Collections, r.View.Key(), r.Filter, r.All))); err != nil {
			return nil, err
		}
	}
	return &layers.Tile{Data: data, ETag: contentTag("", data), Rev: e.Rev(), Features: 2, Dropped: 7}, nil
}

func (e *scripted) answer(collection string, view catalog.View, limit int, after, extra string) (*layers.Answer, error) {
	info, _ := e.Collection(collection)
	a := &layers.Answer{Features: []byte{'['}, Rev: e.Rev()}
	for _, f := range e.current(collection) {
		if after != "" && f.ID <= after {
			continue
		}
		if a.Count == limit {
			a.Next = lastID(a.Features)
			break
		}
		if a.Count > 0 {
			a.Features = append(a.Features, ',')
		}
		a.Features = catalog.AppendJSONString(append(a.Features, `{"type":"Feature","id":`...), f.ID)
		a.Features = geojson.AppendGeometry(append(a.Features, `,"geometry":`...), &f.Geometry)
		cut, seen := cql2.SightOf(&info.Collection, view).See(&f)
		if !seen {
			continue
		}
		props := appendProperties(nil, cut)
		if extra != "" {
			props = append([]byte("{"+extra+","), props[1:]...)
		}
		a.Features = append(append(a.Features, `,"properties":`...), props...)
		a.Features = append(a.Features, '}')
		a.Count++
	}
	a.Features = append(a.Features, ']')
	return a, nil
}

func lastID(b []byte) string {
	var list []struct{ ID string }
	if err := json.Unmarshal(append(slices.Clone(b), ']'), &list); err != nil || len(list) == 0 {
		return ""
	}
	return list[len(list)-1].ID
}

func (e *scripted) Near(ctx context.Context, r layers.NearRequest) (*layers.Answer, error) {
	if err := e.ask(ctx, r); err != nil {
		return nil, err
	}
	return e.answer(r.Collection, r.View, r.Limit, r.After, `"distance_m":12.5`)
}

func (e *scripted) Within(ctx context.Context, r layers.WithinRequest) (*layers.Answer, error) {
	if err := e.ask(ctx, r); err != nil {
		return nil, err
	}
	return e.answer(r.Collection, r.View, r.Limit, r.After, "")
}

func (e *scripted) List(ctx context.Context, r layers.ListRequest) (*layers.Answer, error) {
	return &layers.Answer{Features: []byte("[]"), Rev: e.Rev()}, nil
}

func (e *scripted) Count(ctx context.Context, r layers.CountRequest) (*layers.Counts, error) {
	if err := e.ask(ctx, r); err != nil {
		return nil, err
	}
	n := &layers.Counts{Count: len(e.current(r.Collection)), Rev: e.Rev()}
	if r.By != "" {
		n.Groups, n.Next = []layers.Group{{Value: catalog.Text("F/N"), Count: 9}, {Count: 7}}, "more"
		n.GroupsWithheld, n.CountWithheld, n.MinGroup = 2, 8, 5
	}
	return n, nil
}

func (e *scripted) AtPoint(ctx context.Context, r layers.AtRequest) (*layers.Answer, error) {
	if err := e.ask(ctx, r); err != nil {
		return nil, err
	}
	return e.answer("wards", r.View, r.Limit, "", `"collection":"wards"`)
}

const (
	adminToken = "a-token-for-tests"
	marker     = "MARKER-4711" // a restricted value: it must not reach the public by any path
)

// waitLong is how long a test waits for what comes soon: much longer than that on
// the busiest machine.
const waitLong = time.Minute

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(waitLong); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", waitLong, what)
		}
	}
}

// fixture is a small city behind a server.
type fixture struct {
	t      *testing.T
	store  *memory
	engine *scripted
	server *Server
	log    *safeBuffer
}

type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var (
	script      = []byte("export const x = 1;\n" + strings.Repeat("// padding that compresses\n", 200))
	viewerFiles = fstest.MapFS{
		"index.html":                  {Data: []byte(`<!doctype html><script>let a=1</script><script type="module" src="/assets/main-AbCd1234.js"></script>`)},
		"assets/main-AbCd1234.js":     {Data: script},
		"assets/main-AbCd1234.js.br":  {Data: quickly(script)}, // poorly packed, so that it can be told
		"assets/stale-AbCd1234.js":    {Data: script},
		"assets/stale-AbCd1234.js.br": {Data: quickly([]byte("of another build"))},
		"styles/light.json":           {Data: []byte(`{"version":8,"sources":{"city":{"url":"{base}/tiles/wards.json"}}}`)},
		"fonts/mukta.woff2":           {Data: []byte("font")},
		"sprites/city.json":           {Data: []byte("{}")},
	}
)

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// cityCollections are the fixture's: one public with a restricted field, one that
// is not public at all.
func cityCollections() []catalog.Collection {
	name := catalog.Field{Name: "name", Type: catalog.TypeText}
	return []catalog.Collection{
		{Name: "wards", Title: catalog.Words{"en": "Wards"}, Geometry: catalog.GeometryPolygon, Source: "Drawn by hand", Fields: []catalog.Field{
			name, {Name: "population", Type: catalog.TypeInteger, Meaning: catalog.Words{"en": "People"}}, {Name: "area", Type: catalog.TypeReal, Unit: "km2"},
			{Name: "open", Type: catalog.TypeBoolean}, {Name: "since", Type: catalog.TypeDate}, {Name: "seen", Type: catalog.TypeTime}, {Name: "extra", Type: catalog.TypeJSON},
			{Name: "secret_note", Type: catalog.TypeText, Class: catalog.ClassRestricted},
		}},
		{Name: "hidden_plots", Title: catalog.Words{"en": marker}, Class: catalog.ClassInternal, Geometry: catalog.GeometryAny, Fields: []catalog.Field{name}},
	}
}

func newFixture(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	fx := &fixture{t: t, store: newMemory(), log: &safeBuffer{}}
	fx.engine = &scripted{m: fx.store}
	ctx := context.Background()
	for _, c := range cityCollections() {
		if _, err := fx.store.Define(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	square := geo.NewPolygon([]float64{72.8, 19, 72.9, 19, 72.9, 19.1, 72.8, 19.1, 72.8, 19})
	if _, err := fx.store.Apply(ctx, catalog.Batch{Author: "somebody", Ops: catalog.Ops(
		catalog.Op{Kind: catalog.Put, Collection: "wards", Feature: catalog.Feature{ID: "f/n", Geometry: square, Props: catalog.Properties{
			{Name: "name", Value: catalog.Text("F/N")}, {Name: "population", Value: catalog.Integer(9007199254740993)}, {Name: "secret_note", Value: catalog.Text(marker)}}}},
		catalog.Op{Kind: catalog.Put, Collection: "wards", Feature: catalog.Feature{ID: "h/e", Geometry: square, Props: catalog.Properties{
			{Name: "name", Value: catalog.Text("H/E")}, {Name: "extra", Value: catalog.JSON(`{"z":1,"a":[1.50]}`)}}}},
		catalog.Op{Kind: catalog.Put, Collection: "hidden_plots", Feature: catalog.Feature{ID: "p1", Geometry: square, Props: catalog.Properties{{Name: "name", Value: catalog.Text(marker)}}}},
	)}); err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Engine: fx.engine, Store: fx.store, Profile: profile, Viewer: fs.FS(viewerFiles), AdminToken: adminToken, Version: "test",
		Logger: slog.New(slog.NewTextHandler(fx.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&cfg)
	}
	if fx.server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return fx
}

// call makes a request; options are "Header: value" lines, "admin" for the
// token, or "body=..." for a body.
func (fx *fixture) call(method, target string, options ...string) *http.Response {
	fx.t.Helper()
	var body io.Reader
	header := http.Header{}
	for _, o := range options {
		if b, ok := strings.CutPrefix(o, "body="); ok {
			body = strings.NewReader(b)
		} else if o == "admin" {
			header.Set("Authorization", "Bearer "+adminToken)
		} else if k, v, ok := strings.Cut(o, ": "); ok {
			header.Add(k, v)
		} else {
			fx.t.Fatalf("option %q", o)
		}
	}
	req := httptest.NewRequest(method, target, body)
	for k, v := range header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	if h := header.Get("Host"); h != "" {
		req.Host = h
	}
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
			}
		}()
		fx.server.ServeHTTP(rec, req)
	}()
	return rec.Result()
}

func (fx *fixture) get(target string, options ...string) *http.Response {
	fx.t.Helper()
	return fx.call(http.MethodGet, target, options...)
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// decoded reads a JSON answer.
func decoded[T any](t *testing.T, r *http.Response) T {
	t.Helper()
	var v T
	b := text(t, r)
	if err := json.Unmarshal([]byte(b), &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

func wantStatus(t *testing.T, r *http.Response, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", r.StatusCode, status, text(t, r))
	}
}

// quickly packs with brotli as no server does: known by its bytes.
func quickly(body []byte) []byte {
	var out bytes.Buffer
	if err := squeeze(&out, brotli.NewWriterLevel(io.Discard, 0), body); err != nil {
		panic(err)
	}
	return out.Bytes()
}
