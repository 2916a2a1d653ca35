package httpapi

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/access"
	"nagar/layers"
)

// oracle is a policy read in the plainest way: grant by grant, feature by feature.
type oracle struct {
	p   *access.Policy
	who access.Principal
}

var grantRules = map[string]func(who access.Principal, f *catalog.Feature) bool{
	"":                   func(access.Principal, *catalog.Feature) bool { return true },
	"floors > 5":         func(_ access.Principal, f *catalog.Feature) bool { return f.Props.Get("floors").Int() > 5 },
	"owner = $account":   func(w access.Principal, f *catalog.Feature) bool { return f.Props.Get("owner").Str() == w.ID },
	"owner = $contact":   nil, // the caller has none: such a grant does not count
	"name <> '$account'": func(_ access.Principal, f *catalog.Feature) bool { return f.Props.Get("name").Str() != "$account" },
}

func (o *oracle) grants(c *catalog.Collection) (out []access.Grant) {
	for _, name := range append([]string{"public"}, o.who.Roles...) {
		for _, g := range o.p.Roles[name].Grants {
			named := slices.Contains(g.Collections, "*") || slices.Contains(g.Collections, c.Name)
			if named && grantRules[g.Rows] != nil && c.Class <= g.Class && (!g.Own || c.Owner == o.who.Department) && (g.Class < catalog.ClassPersonal || o.who.Purpose != "") {
				out = append(out, g)
			}
		}
	}
	return out
}

func (o *oracle) shows(g *access.Grant, f *catalog.Field) bool {
	return !slices.Contains(g.Hide, f.Name) && (f.Class < catalog.ClassPersonal || o.who.Purpose != "") && (f.Class <= g.Class || slices.Contains(g.Fields, f.Name))
}

// cut returns the collection without the fields that nobody of the caller's roles
// shows; false when there is no grant for it.
func (o *oracle) cut(c catalog.Collection) (catalog.Collection, bool) {
	all, grants := c.Fields, o.grants(&c)
	c.Fields = nil
	for _, f := range all {
		if slices.ContainsFunc(grants, func(g access.Grant) bool { return o.shows(&g, &f) }) {
			c.Fields = append(c.Fields, f)
		}
	}
	return c, len(grants) > 0
}

func (o *oracle) see(c *catalog.Collection, f catalog.Feature) (catalog.Feature, bool) {
	seen, props := false, f.Props
	f.Props = nil
	for i := range c.Fields {
		shown := false
		for _, g := range o.grants(c) {
			whole := catalog.Feature{ID: f.ID, Props: props}
			if g.Area && !slices.Contains(o.who.Wards, props.Get("ward").Str()) || !grantRules[g.Rows](o.who, &whole) {
				continue
			}
			seen, shown = true, shown || o.shows(&g, &c.Fields[i])
		}
		if v := props.Get(c.Fields[i].Name); shown && !v.IsNull() {
			f.Props = append(f.Props, catalog.Property{Name: c.Fields[i].Name, Value: v})
		}
	}
	return f, seen
}

func randomPolicy(r *rand.Rand) *access.Policy {
	p := access.Default()
	rules := sortedKeys(grantRules)
	for _, role := range []string{"public", "officer"} {
		var grants []access.Grant
		for range 1 + r.IntN(3) {
			g := access.Grant{Collections: []string{[]string{"*", "plots", "houses"}[r.IntN(3)]}, Class: catalog.Class(r.IntN(4)), Own: r.IntN(4) == 0, Area: r.IntN(2) == 0, Rows: rules[r.IntN(len(rules))]}
			for _, list := range []*[]string{&g.Fields, &g.Hide} {
				if r.IntN(3) == 0 {
					*list = []string{[]string{"owner", "name", "note"}[r.IntN(3)]}
				}
			}
			grants = append(grants, g)
		}
		p.Roles[role] = access.Role{Grants: grants}
	}
	return p
}

func policyCollections() []catalog.Collection {
	fields := []catalog.Field{
		{Name: "name", Type: catalog.TypeText}, {Name: "ward", Type: catalog.TypeText}, {Name: "floors", Type: catalog.TypeInteger, Class: catalog.ClassInternal},
		{Name: "note", Type: catalog.TypeText, Class: catalog.ClassRestricted}, {Name: "owner", Type: catalog.TypeText, Class: catalog.ClassPersonal},
	}
	return []catalog.Collection{
		{Name: "houses", Owner: "Buildings", Geometry: catalog.GeometryPoint, Fields: fields},
		{Name: "plots", Owner: "Land", Class: catalog.ClassInternal, Geometry: catalog.GeometryAny, Fields: fields},
	}
}

// oneView is a Gate by which everybody has one view.
type oneView struct {
	Gate
	view catalog.View
}

func (g oneView) View(access.Principal) catalog.View { return g.view }

// cityOf serves a store of its own through one view.
func cityOf(t *testing.T, view catalog.View) (base string, store catalog.Store, engine *layers.Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	store, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	engine = layers.New(store, layers.Options{})
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	s, err := New(Config{Engine: engine, Store: store, Profile: profile, Gate: oneView{newTokenGate(""), view}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s)
	t.Cleanup(func() {
		ts.Close()
		cancel()
		<-ended
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-engine.Loaded():
	case <-time.After(waitLong):
		t.Fatal("the engine does not load")
	}
	return ts.URL, store, engine
}

// unlike is what two cities of the same content differ in: their address, when
// they were written, revisions that changed what is not seen, and boxes, which
// may be larger than what is left after a change.
var unlike = regexp.MustCompile(`http://127\.0\.0\.1:\d+|,"(recorded|valid_from|valid_to)":"[^"]*"|,"rev_to":\d+|"id":"[0-9a-f]{16}"|,"(bbox|bounds|center)":\[[^\]]*\]`)

var collectionRev = regexp.MustCompile(`"rev":\d+,?`)

// TestPolicyEqualsACityOfWhatItShows asks a city through random policies, and a
// city that holds just what a plain reading of the policy shows: every answer is
// the same, the collections, their sizes and boxes, tiles, queries, each feature
// with its history, now and as it was, and what is not there.
func TestPolicyEqualsACityOfWhatItShows(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	ctx := context.Background()
	for range 4 {
		who := access.Principal{Kind: access.Account, ID: "o1", Roles: []string{"officer"}, Department: "Land", Wards: []string{"A", "B"}, Purpose: []string{"", "law"}[r.IntN(2)]}
		o := &oracle{randomPolicy(r), who}
		filler := catalog.Collection{Name: "filler", Geometry: catalog.GeometryNone}
		base, store, engine := cityOf(t, access.Compile(o.p, who, nil))
		cutBase, cutStore, cutEngine := cityOf(t, catalog.NewView("all but the filler", func(c *catalog.Collection) []catalog.Tier {
			if c.Name == "filler" {
				return nil
			}
			return catalog.Everything.Tiers(c)[:1]
		}))
		define := func(s catalog.Store, c catalog.Collection) catalog.Rev {
			rev, err := s.Define(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			return rev
		}
		put := func(s catalog.Store, op catalog.Op) catalog.Rev {
			res, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(op)})
			if err != nil {
				t.Fatal(err)
			}
			return res.Rev
		}
		n := int64(0)
		fill := func() catalog.Rev { // spends a revision of the city that sees less
			n++
			return put(cutStore, catalog.Op{Kind: catalog.Put, Collection: "filler", Feature: catalog.Feature{ID: fmt.Sprint(n)}})
		}
		define(cutStore, filler)
		define(store, catalog.Collection{Name: "zzz", Geometry: catalog.GeometryNone, Fields: policyCollections()[0].Fields})
		var head catalog.Rev
		nobodys := catalog.Collection{Name: "zzz", Class: catalog.ClassPersonal, Geometry: catalog.GeometryNone, Owner: "nobody", Fields: policyCollections()[0].Fields}
		for _, c := range append(policyCollections(), nobodys) {
			head = define(store, c)
			if cut, seen := o.cut(c); seen {
				define(cutStore, cut)
			} else {
				fill()
			}
		}
		names := []string{"houses", "plots"}
		for i := range 90 {
			c := policyCollections()[r.IntN(2)]
			f := catalog.Feature{ID: fmt.Sprint("f", r.IntN(40)), Geometry: geo.Geometry{Type: geo.Point, Coords: []float64{72.8 + float64(r.IntN(500))/1e4, 19 + float64(r.IntN(500))/1e4}}, Props: catalog.Properties{
				{Name: "name", Value: catalog.Text(fmt.Sprint("n", i))}, {Name: "ward", Value: catalog.Text(string(rune('A' + r.IntN(4))))}, {Name: "floors", Value: catalog.Integer(int64(r.IntN(12)))},
				{Name: "note", Value: catalog.Text(fmt.Sprint("note", i))}, {Name: "owner", Value: catalog.Text(fmt.Sprint("o", r.IntN(4)))}}}
			head = put(store, catalog.Op{Kind: catalog.Put, Collection: c.Name, Feature: f})
			if cut, seen := o.see(&c, f); seen {
				put(cutStore, catalog.Op{Kind: catalog.Put, Collection: c.Name, Feature: cut})
			} else if _, err := cutStore.Feature(ctx, c.Name, f.ID, catalog.At{}); err == nil {
				put(cutStore, catalog.Op{Kind: catalog.Delete, Collection: c.Name, Feature: catalog.Feature{ID: f.ID}})
			} else {
				fill()
			}
		}
		if cutHead, err := cutStore.Head(ctx); err != nil || cutHead != head {
			t.Fatalf("revisions %d and %d (%v)", head, cutHead, err)
		}
		for _, e := range []*layers.Engine{engine, cutEngine} {
			if err := e.WaitRev(ctx, head); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range policyPaths(names, head) {
			got, body := fetch(t, "GET", base+path, "", "Accept-Encoding: identity")
			want, cutBody := fetch(t, "GET", cutBase+path, "", "Accept-Encoding: identity")
			body, cutBody = unlike.ReplaceAllString(body, ""), unlike.ReplaceAllString(cutBody, "")
			if regexp.MustCompile(`^/api/collections`).MatchString(path) {
				body, cutBody = collectionRev.ReplaceAllString(body, ""), collectionRev.ReplaceAllString(cutBody, "")
			}
			if got.StatusCode != want.StatusCode || body != cutBody || got.Header.Get("Nagar-Features") != want.Header.Get("Nagar-Features") || got.Header.Get("Nagar-Dropped") != want.Header.Get("Nagar-Dropped") {
				t.Errorf("%s: %d %s\nwant %d %s\ngrants %+v %+v", path, got.StatusCode, body, want.StatusCode, cutBody, o.p.Roles["public"].Grants, o.p.Roles["officer"].Grants)
				return
			}
		}
	}
}

func policyPaths(names []string, head catalog.Rev) []string {
	paths := []string{"/api/collections", "/api/at?lon=72.81&lat=19.01"}
	for _, c := range names {
		paths = append(paths, "/api/collections/"+c, "/tiles/"+c+".json")
		for _, filter := range []string{"", "owner = 'o1'", "note IS NULL", "floors > 3 AND ward <> 'A'", "NOT name LIKE 'n1%'", "nonsense = 1"} {
			q := "&filter=" + url.QueryEscape(filter)
			paths = append(paths, "/api/near?collection="+c+"&lon=72.82&lat=19.02&limit=5"+q, "/api/within?collection="+c+"&bbox=72.8,19,72.85,19.05&limit=7"+q,
				fmt.Sprintf("/api/within?collection=%s&bbox=72.8,19,72.85,19.05&known=%d%s", c, head/2, q))
			for z := uint32(10); z <= 15; z += 5 {
				paths = append(paths, "/tiles/"+c+"/"+geo.TileAt(72.82, 19.02, z).String()+".mvt?x"+q)
			}
		}
		for i := range 41 {
			path := fmt.Sprintf("/api/features/%s/f%d", c, i)
			paths = append(paths, path, fmt.Sprintf("%s?known=%d", path, head*2/3), "/api/features/"+c+"/"+keyText(c, fmt.Sprint("f", i)))
		}
	}
	return paths
}
