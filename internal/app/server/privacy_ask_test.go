package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
	"nagar/internal/access"
)

// caller is one who asks: what they are, and what their requests show.
type caller struct {
	name   string
	who    access.Principal
	header http.Header
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte // a tile's as text
}

// asker asks a server, and judges by the marked city what comes back.
type asker struct {
	t      *testing.T
	base   string
	city   *markedCity
	policy *access.Policy
	log    *lockedBuffer

	mu      sync.Mutex
	crossed map[string]map[string]bool // by caller: markers that came
	carried []carriedValue
	leaks   int
	asked   int
}

func (a *asker) ask(c *caller, method, path, body string) reply {
	a.t.Helper()
	req, err := http.NewRequest(method, a.base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for name, v := range c.header {
		req.Header[name] = v
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Errorf("%s: %s %s: %v", c.name, method, path, err)
		return reply{}
	}
	defer resp.Body.Close()
	out := reply{status: resp.StatusCode, header: resp.Header}
	if out.body, err = io.ReadAll(resp.Body); err != nil {
		a.t.Errorf("%s: %s %s: %v", c.name, method, path, err)
	}
	if resp.Header.Get("Content-Type") == "application/vnd.mapbox-vector-tile" && len(out.body) > 0 {
		tile, err := mvt.Decode(out.body)
		if err != nil {
			a.t.Errorf("%s: %s: %v", c.name, path, err)
			return out
		}
		out.body = fmt.Appendf(out.body, "%+v", tile) // the bytes too: nothing hides in a corner of them
	}
	a.judge(c, method+" "+path, body, &out)
	return out
}

// judge looks for markers. What the caller wrote themselves says nothing when it
// comes back.
func (a *asker) judge(c *caller, request, body string, r *reply) {
	a.t.Helper()
	plain, err := url.PathUnescape(request)
	if err != nil {
		plain = request
	}
	said := request + " " + plain + " " + body
	all := slices.Clone(r.body)
	for name, values := range r.header {
		all = fmt.Appendf(all, "\n%s: %s", name, strings.Join(values, ", "))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	for i := bytes.Index(all, []byte(markerBegin)); i >= 0 && i+markerLength <= len(all); {
		marker := string(all[i : i+markerLength])
		if s := a.city.secrets[marker]; s != nil {
			switch {
			case may(a.policy, &c.who, s), s.asID && readsAudit(c) && strings.HasPrefix(request, "GET /api/audit"): // the log is about rows, by their ids
				if a.crossed[c.name] != nil {
					a.crossed[c.name][marker] = true
				}
				a.notes(s, r)
			case !strings.Contains(said, marker):
				if a.leaks++; a.leaks < 40 {
					a.t.Errorf("%s: %s (%d) shows %s %s", c.name, clip(request, 200), r.status, marker, s)
				}
			}
		}
		next := bytes.Index(all[i+1:], []byte(markerBegin))
		if next < 0 {
			break
		}
		i += 1 + next
	}
}

func readsAudit(c *caller) bool {
	return c.who.Kind == access.Root || slices.Contains(c.who.Roles, "auditor")
}

func clip(s string, most int) string { return s[:min(len(s), most)] }

// complete checks that what a caller may see did come, so that nothing passes by
// being empty.
func (a *asker) complete(c *caller) {
	a.t.Helper()
	var lacks []string
	for marker, s := range a.city.secrets {
		if must(a.policy, &c.who, s) && !a.crossed[c.name][marker] {
			lacks = append(lacks, fmt.Sprintf("%s %s", marker, s))
		}
	}
	sort.Strings(lacks)
	for _, s := range lacks[:min(len(lacks), 10)] {
		a.t.Errorf("%s never sees %s", c.name, s)
	}
	if len(lacks) > 10 {
		a.t.Errorf("%s: and %d more", c.name, len(lacks)-10)
	}
}

var window = fmt.Sprintf("%v,%v,%v,%v", west, southA, west+0.05, southB+wardHeight)

// tilesOver are the addresses of tiles that hold the whole city, and of deeper ones
// over its rows.
func tilesOver(rows []*row) []string {
	seen := map[string]bool{}
	for _, z := range []uint32{0, 11, 16} {
		for _, r := range rows {
			seen[geo.TileAt(r.lon, r.lat[r.last()], z).String()] = true
		}
	}
	var out []string
	for s := range seen {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}

// questions are the requests about one collection that everybody makes.
func (m *markedCity) questions(c *catalog.Collection) []string {
	q := url.QueryEscape
	rows := m.rows[c.Name]
	known, asof := fmt.Sprintf("known=%d", m.known[c.Name]), "asof="+q(m.asof[c.Name].Format("2006-01-02T15:04:05.000000Z07:00"))
	out := []string{
		"/api/collections/" + c.Name, "/tiles/" + c.Name + ".json", "/tiles/wards," + c.Name + ".json",
		"/api/near?collection=" + c.Name + "&lon=72.84&lat=19.03&k=3", "/api/near?collection=" + c.Name + "&lon=72.84&lat=19.03&limit=100&" + known,
		"/api/within?collection=" + c.Name + "&bbox=" + window, "/api/within?collection=" + c.Name + "&bbox=" + window + "&" + asof,
		"/api/within?collection=" + c.Name + "&bbox=" + window + "&" + known, "/api/within?collection=" + c.Name + "&bbox=-180,-90,180,90&limit=2",
		"/api/within?collection=" + c.Name + "&bbox=" + window + "&filter=" + q("nothing = 1"),
		"/api/within?collection=" + c.Name + "&distance=9000&geometry=" + q("LINESTRING(72.83 19.0, 72.85 19.06)"), "/api/within?collection=" + c.Name + "&distance=1&geometry=x",
		"/api/count?collection=" + c.Name, "/api/count?collection=" + c.Name + "&bbox=" + window + "&" + known, "/api/count?collection=" + c.Name + "&" + asof, "/api/count?collection=" + c.Name + "&by=nothing",
		"/api/reviews?state=all&collection=" + c.Name, "/api/reviews?collection=" + c.Name + "&limit=1", "/api/reviews?collection=" + c.Name + "&state=nothing",
		"/api/near?collection=" + c.Name + "&lon=72.84&lat=19.03&limit=0", "/api/features/" + c.Name + "/nobody", "/api/features/" + c.Name + "/1",
		"/catalog/" + c.Name + "/download.geojson", "/ogc/collections/" + c.Name + "/items", "/api/live?last-event-id=x",
	}
	for i, tile := range tilesOver(rows) {
		address := "/tiles/" + c.Name + "/" + tile + ".mvt"
		out = append(out, address)
		switch i % 4 {
		case 0:
			out = append(out, address+"?generalize=none", strings.Replace(address, "/"+c.Name+"/", "/wards,"+c.Name+"/", 1))
		case 1:
			out = append(out, address+"?"+known, address+"?generalize=none&"+asof)
		}
	}
	for i := range 5 {
		one := "/api/structures/" + structureUID(i)
		out = append(out, one, one+"?"+known, one+"/history", one+"/records?collection="+c.Name, one+"/records?limit=2&"+asof, one+"/units", "/api/structures/resolve?alias="+structureUID(i))
	}
	if c.Name == "sensors" {
		out = append(out, "/sta/v1.1/Things?$expand=Locations,Datastreams,HistoricalLocations&$count=true", "/sta/v1.1/Things?$orderby=name%20desc&$top=3", "/sta/v1.1/Locations?$expand=Things",
			"/sta/v1.1/FeaturesOfInterest", "/sta/v1.1/Locations?$filter="+q("st_within(location, geography'POLYGON((72 18,74 18,74 20,72 20,72 18))')"), "/sta/v1.1/Things?$filter="+q("properties/ward eq '"+wardB+"'"))
		for i, r := range rows {
			name := r.values[r.last()]["name"]
			out = append(out, "/sta/v1.1/Things('"+r.id+"')", "/sta/v1.1/Things?$filter="+q("substringof('"+clip(name, 5+i%3)+"', name)"), "/sta/v1.1/Things('"+r.id+"')/name/$value", "/sta/v1.1/Locations('"+r.id+"')/Things")
		}
	}
	for i, r := range rows {
		at := fmt.Sprintf("/api/at?lon=%v&lat=%v", r.lon, r.lat[r.last()])
		id := "/api/features/" + c.Name + "/" + r.id
		key := fmt.Sprintf("/api/features/%s/%d", c.Name, catalog.KeyOf(c.Name, r.id))
		out = append(out, id, "/api/reviews/"+reviewID(c, r))
		switch i % 3 {
		case 0:
			out = append(out, at, key, id+"?"+known)
		case 1:
			out = append(out, at+"&collections="+c.Name, id+"?"+asof)
		case 2:
			out = append(out, key, fmt.Sprintf("/api/features/%s/%s?known=%d", c.Name, r.id, m.known[c.Name]+1))
		}
		for j := range c.Fields {
			f := &c.Fields[j]
			v := r.values[r.last()][f.Name]
			if j%5 == i%5 { // every field of some rows
				out = append(out, "/api/search?q="+q(v), "/api/search?q="+q(clip(v, 4)),
					"/api/within?collection="+c.Name+"&bbox="+window+"&filter="+q(f.Name+" = '"+v+"'"),
					"/api/within?collection="+c.Name+"&bbox="+window+"&filter="+q(f.Name+" > 5"),
					"/api/count?collection="+c.Name+"&by="+f.Name, "/api/count?collection="+c.Name+"&filter="+q(f.Name+" = '"+v+"'"),
					"/api/count?collection="+c.Name+"&by="+f.Name+"&bbox="+window+"&"+known,
					"/tiles/"+c.Name+"/"+geo.TileAt(r.lon, r.lat[r.last()], 8).String()+".mvt?filter="+q(f.Name+" LIKE '"+clip(v, 5)+"%'"))
			}
		}
	}
	return out
}

// everywhere are the requests about no one collection.
var everywhere = []string{
	"/", "/survey", "/healthz", "/readyz", "/metrics", "/openapi.json", "/styles/light.json", "/api/city", "/api/collections", "/api/nothing", "/nothing",
	"/api/search?q=row", "/api/search?q=" + markerBegin, "/api/search?q=title", "/api/at?lon=72.84&lat=19.02", "/api/near", "/api/within", "/tiles/x/99/0/0.mvt",
	"/api/structures/uids", "/api/me", "/api/me/readers", "/api/me/sessions", "/auth/methods", "/api/audit", "/api/audit/verify", "/api/audit/breach?from=2020-01-01&to=2100-01-01",
	"/api/works/conflicts", "/api/plots/none/fsi", "/api/structures/changes", "/api/structures/changes?format=csv&limit=1", "/api/structures/bridge?epoch=x",
	"/api/reviews", "/api/reviews?state=all&limit=3", "/api/reviews?ward=West", "/api/reviews?uid=7K3Q9-F2DXJ", "/api/reviews/summary", "/api/reviews/nothing", "/api/within?collection=reviews&bbox=" + window, "/api/search?q=reviews",
	"/api/findings", "/api/findings?state=open&uid=x", "/api/findings?format=csv&bbox=72,18,73,20", "/api/findings/summary", "/api/findings/rules", "/api/findings/nothing",
	"/api/access/policy", "/api/access/accounts", "/api/access/tokens", "/catalog/dcat.jsonld", "/ogc", "/ogc/collections", "/sta/v1.1", "/sta/v1.1/Observations", "/sta/v1.1/Datastreams?$expand=Thing,Sensor,ObservedProperty,Observations", "/3dtiles/buildings/tileset.json",
}

// lookEverywhere asks all questions as one caller.
func (a *asker) lookEverywhere(c *caller) {
	for _, path := range everywhere {
		a.ask(c, http.MethodGet, path, "")
	}
	const polygon = `{"type":"Polygon","coordinates":[[[72,18],[74,18],[74,20],[72,20],[72,18]]]}`
	for i, col := range a.city.collections {
		for j, path := range a.city.questions(col) {
			a.ask(c, http.MethodGet, path, "")
			if j%10 == i {
				a.ask(c, http.MethodHead, path, "")
			}
		}
		a.ask(c, http.MethodPost, "/api/within?collection="+col.Name, polygon)
		a.ask(c, http.MethodPost, "/api/within?distance=100&collection="+col.Name, polygon)
		a.ask(c, http.MethodPost, "/api/count?collection="+col.Name, polygon)
		a.countsRight(c, col)
		a.filtersRight(c, col)
		a.pagesRight(c, col)
	}
}

// ids are what a page of features shows.
func ids(r *reply) (out []string, next string) {
	var page struct {
		Features []struct{ ID string }
		Links    []struct{ Rel, Href string }
	}
	if json.Unmarshal(r.body, &page) != nil {
		return nil, ""
	}
	for _, f := range page.Features {
		out = append(out, f.ID)
	}
	for _, l := range page.Links {
		if l.Rel == "next" {
			next = l.Href
		}
	}
	return out, next
}

// visible are the ids of current rows that the caller sees and that pass.
func (a *asker) visible(c *caller, col *catalog.Collection, pass func(*row) bool) []string {
	out := []string{}
	for _, r := range a.city.rows[col.Name] {
		if !r.deleted && seesRow(a.policy, &c.who, col, r, r.last()) && pass(r) {
			out = append(out, r.id)
		}
	}
	sort.Strings(out)
	return out
}

func all(*row) bool { return true }

// countsRight compares numbers and boxes with those of the rows that the caller sees.
func (a *asker) countsRight(c *caller, col *catalog.Collection) {
	want := a.visible(c, col, all)
	box := geo.EmptyBox()
	for _, r := range a.city.rows[col.Name] {
		if slices.Contains(want, r.id) {
			p := geo.NewPoint(r.lon, r.lat[r.last()])
			box = box.Union(p.Box())
		}
	}
	var described struct {
		Count *int
		BBox  []float64
	}
	if r := a.ask(c, http.MethodGet, "/api/collections/"+col.Name, ""); r.status == http.StatusOK {
		if err := json.Unmarshal(r.body, &described); err != nil {
			a.t.Errorf("%s: %s: %v", c.name, col.Name, err)
		}
		if described.Count != nil && *described.Count != len(want) {
			a.t.Errorf("%s: %s counts %d, of which %d are theirs to see", c.name, col.Name, *described.Count, len(want))
		}
		a.sameBox(c, col, "description", described.BBox, box)
	}
	var tiles struct{ Bounds []float64 }
	if r := a.ask(c, http.MethodGet, "/tiles/"+col.Name+".json", ""); r.status == http.StatusOK && len(want) > 0 {
		if err := json.Unmarshal(r.body, &tiles); err != nil {
			a.t.Errorf("%s: %s: %v", c.name, col.Name, err)
		}
		a.sameBox(c, col, "TileJSON", tiles.Bounds, box)
	}
	for _, z := range []uint32{0, 8, 11} {
		tile := geo.TileAt(west+0.01, southA+0.02, z)
		for _, how := range []string{"", "?generalize=none"} {
			r := a.ask(c, http.MethodGet, "/tiles/"+col.Name+"/"+tile.String()+".mvt"+how, "")
			if r.status == http.StatusNotFound {
				continue
			}
			n, dropped := 0, 0
			fmt.Sscan(r.header.Get("Nagar-Features"), &n)
			fmt.Sscan(r.header.Get("Nagar-Dropped"), &dropped)
			if n+dropped != len(want) {
				a.t.Errorf("%s: %s at zoom %d %s draws %d and drops %d; theirs to see are %d", c.name, col.Name, z, how, n, dropped, len(want))
			}
		}
	}
}

func (a *asker) sameBox(c *caller, col *catalog.Collection, where string, got []float64, want geo.Box) {
	if want.IsEmpty() {
		if len(got) > 0 {
			a.t.Errorf("%s: the %s of %s has a box of nothing that is theirs to see: %v", c.name, where, col.Name, got)
		}
		return
	}
	for i, v := range []float64{want.W, want.S, want.E, want.N} {
		if len(got) != 4 || got[i] < v-0.0002 || got[i] > v+0.0002 {
			a.t.Errorf("%s: the %s of %s has the box %v; theirs to see is %v", c.name, where, col.Name, got, want)
			return
		}
	}
}

// filtersRight asks by the value of each field: who does not see it gets what they
// would if there were none.
func (a *asker) filtersRight(c *caller, col *catalog.Collection) {
	for i := range col.Fields {
		f := &col.Fields[i]
		if f.Type != catalog.TypeText || f.Name == "address" || f.Name == "contact" || f.Name == "uid" { // others are of their classes
			continue
		}
		has := func(r *row) bool {
			return seesValue(a.policy, &c.who, col, r, r.last(), f) && !slices.Contains(r.erased, f.Name)
		}
		for filter, pass := range map[string]func(*row) bool{
			"%s LIKE '%%'":             has,
			"%s IS NULL":               func(r *row) bool { return !has(r) },
			"NOT (%s IS NULL)":         has,
			"CASEI(%s) = CASEI('x')":   func(*row) bool { return false },
			"%s > '' AND %s <= 'zzzz'": has,
			"%s = ward OR %s <> ward":  nil, // only that no marker comes
		} {
			text := strings.ReplaceAll(filter, "%s", f.Name)
			text = strings.ReplaceAll(text, "%%", "%")
			r := a.ask(c, http.MethodGet, "/api/within?collection="+col.Name+"&bbox="+window+"&filter="+url.QueryEscape(text), "")
			if pass == nil || r.status != http.StatusOK { // a field that is seen on no row does not exist
				continue
			}
			got, _ := ids(&r)
			sort.Strings(got)
			if want := a.visible(c, col, pass); !slices.Equal(got, want) {
				a.t.Errorf("%s: %s with %s answers %v, want %v", c.name, col.Name, text, got, want)
			}
		}
	}
}

// pagesRight walks through the rows two by two.
func (a *asker) pagesRight(c *caller, col *catalog.Collection) {
	for _, first := range []string{"/api/within?collection=" + col.Name + "&limit=2&bbox=" + window, "/api/near?collection=" + col.Name + "&limit=2&lon=72.84&lat=19.03"} {
		var got []string
		for path := first; path != "" && len(got) < 100; {
			r := a.ask(c, http.MethodGet, path, "")
			if r.status == http.StatusNotFound {
				break
			}
			page, next := ids(&r)
			got = append(got, page...)
			path = strings.TrimPrefix(next, a.base)
		}
		sort.Strings(got)
		if want := a.visible(c, col, all); len(got)+len(want) > 0 && !slices.Equal(got, want) {
			a.t.Errorf("%s: the pages of %s hold %v, want %v", c.name, first, got, want)
		}
	}
}
