package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"nagar/geo/digipin"
	"nagar/geo/pluscode"
)

// structurePage is what the test reads of a structure's page.
type structurePage struct {
	UID        string
	Status     struct{ Value, Basis string }
	Successors []string
	Footprints []json.RawMessage
	Events     []struct{ ID, Kind, Actor, UndoneBy string }
	Aliases    []struct{ Scheme, Value string }
	Units      struct{ Count int }
}

// TestStructureStory records the life of a structure over HTTP: registered, built,
// split, undone, merged; found by its number, its address and its place.
func TestStructureStory(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		root := c.name("root")
		page := func(id, query string) (p structurePage, r reply) {
			t.Helper()
			r = c.must(root, http.MethodGet, "/api/structures/"+id+query, "")
			if err := json.Unmarshal(r.body, &p); err != nil {
				t.Fatal(err)
			}
			return p, r
		}
		square := func(n int) string {
			w := 72.84 + 0.001*float64(n)
			return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%v,19.02],[%v,19.02],[%v,19.021],[%v,19.021],[%v,19.02]]]}`, w, w+0.0005, w+0.0005, w, w)
		}
		made := c.must(root, http.MethodPost, "/api/structures", `{"kind":"register","properties":{"name":"Lotus","ward":"West"},"geometry":`+square(0)+`}`)
		id := member(t, made.body, "uid")
		if made.status != http.StatusCreated || !strings.HasSuffix(made.header.Get("Location"), "/api/structures/"+id) {
			t.Errorf("registered: %d %v", made.status, made.header)
		}
		events := "/api/structures/" + id + "/events"
		for _, status := range []string{"permitted", "under_construction", "in_use"} {
			c.must(root, http.MethodPost, events, `{"kind":"status","status":"`+status+`"}`)
		}
		p, r := page(strings.ToLower(strings.ReplaceAll(id, "-", "")), "") // however it is written
		if p.UID != id || p.Status.Value != "in_use" || p.Status.Basis != "register" || len(p.Events) != 4 {
			t.Errorf("built: %s", r.body)
		}
		c.conditions(root, id, r.header.Get("ETag"))
		c.must(root, http.MethodPost, events, `{"kind":"alias","alias":{"scheme":"cts","value":"CTS 77/B"}}`)
		c.must(root, http.MethodPost, events, `{"kind":"units","plan":[{"from":"00","to":"02","units":4,"use":"flat"}]}`)
		split := c.must(root, http.MethodPost, events, `{"kind":"split","parts":[{"geometry":`+square(1)+`},{"geometry":`+square(2)+`,"properties":{"name":"Lily"}}]}`)
		var done struct {
			Event struct {
				ID      string
				Lineage struct{ To []string }
			}
		}
		if err := json.Unmarshal(split.body, &done); err != nil || len(done.Event.Lineage.To) != 2 {
			t.Fatalf("split: %s", split.body)
		}
		other := done.Event.Lineage.To[1]
		undone := c.must(root, http.MethodPost, events, `{"kind":"undo","event":"`+done.Event.ID+`"}`)
		if p, r := page(other, ""); p.Status.Value != "retired" {
			t.Errorf("the part that never was: %s", r.body)
		}
		c.must(root, http.MethodPost, events, `{"kind":"undo","event":"`+member(t, []byte(eventOf(t, undone.body)), "id")+`"}`)
		c.must(root, http.MethodPost, events, `{"kind":"merge","with":["`+other+`"]}`)
		if p, r := page(other, ""); p.Status.Value != "retired" || len(p.Successors) != 1 || p.Successors[0] != id ||
			!strings.Contains(r.header.Get("Link"), "/api/structures/"+id+`>; rel="successor-version"`) {
			t.Errorf("retired: %v %s", r.header, r.body)
		}
		if p, r := page(id, ""); p.Units.Count != 12 || len(p.Aliases) != 1 {
			t.Errorf("in the end: %s", r.body)
		}
		c.waysTo(root, id)
		for _, path := range []string{"/units?limit=5", "/history", "/records"} {
			c.must(root, http.MethodGet, "/api/structures/"+id+path, "")
		}
		units := c.must(root, http.MethodGet, "/api/structures/"+id+"/units?limit=5", "")
		if next := member(t, units.body, "next"); strings.Count(string(units.body), `"floor"`) != 5 || strings.Count(string(c.must(root, http.MethodGet, strings.TrimPrefix(next, c.base), "").body), `"floor"`) != 5 {
			t.Errorf("a page of units: %s", units.body)
		}
		if log := c.must(root, http.MethodGet, "/api/audit?limit=100", ""); !strings.Contains(string(log.body), `"structure_events"`) {
			t.Error("what was written is not in the audit log")
		}
	})
}

// TestLeaseOverHTTP leases UIDs to a tablet, which registers what it found with them.
func TestLeaseOverHTTP(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		root, admin := c.name("root"), c.name("administrator")
		keyed := &caller{name: admin.name, who: admin.who, header: admin.header.Clone()}
		keyed.header.Set("Idempotency-Key", "tablet-4-monday")
		var l, again struct {
			Lease, Device, State string
			UIDs                 []string
		}
		for i, into := range []any{&l, &again} {
			r := c.ask(keyed, http.MethodPost, "/api/structures/uids", `{"count":3,"device":"tablet 4"}`)
			if err := json.Unmarshal(r.body, into); err != nil || r.status != 201-i {
				t.Fatalf("lease: %d %s", r.status, r.body)
			}
		}
		if len(l.UIDs) != 3 || !slices.Equal(l.UIDs, again.UIDs) || l.State != "open" {
			t.Errorf("leases: %+v %+v", l, again)
		}
		for _, x := range []struct {
			by     *caller
			body   string
			status int
		}{
			{admin, `{"count":0,"device":"t"}`, 422}, {admin, `{"count":1}`, 422}, {admin, `{"count":1,"device":"t","expires":"2001-01-01T00:00:00Z"}`, 422},
			{admin, `{"count":"1"}`, 400}, {admin, `{"count":1,"device":"t","colour":1}`, 400}, {keyed, `{"count":9,"device":"tablet 4"}`, 422},
		} {
			if r := c.ask(x.by, http.MethodPost, "/api/structures/uids", x.body); r.status != x.status {
				t.Errorf("%s: %d %s, want %d", x.body, r.status, r.body, x.status)
			}
		}
		body := `{"uid":"` + l.UIDs[0] + `","properties":{"name":"Found on the way"}}`
		if r := c.ask(root, http.MethodPost, "/api/structures", body); r.status != 422 || !strings.Contains(string(r.body), "uid_not_leased") {
			t.Errorf("somebody else's UID: %d %s", r.status, r.body)
		}
		if r := c.must(admin, http.MethodPost, "/api/structures", body); member(t, r.body, "uid") != l.UIDs[0] {
			t.Errorf("registered: %s", r.body)
		}
		c.must(root, http.MethodGet, "/api/structures/"+l.UIDs[0], "")
		if r := c.ask(root, http.MethodDelete, "/api/structures/uids/"+l.Lease, ""); r.status != 404 {
			t.Errorf("somebody else returns it: %d", r.status)
		}
		c.must(admin, http.MethodDelete, "/api/structures/uids/"+l.Lease, "")
		r := c.must(admin, http.MethodGet, "/api/structures/uids", "")
		if !strings.Contains(string(r.body), `"uids":[],"used":1,"state":"returned"`) || strings.Contains(string(c.must(root, http.MethodGet, "/api/structures/uids", "").body), l.Lease) {
			t.Errorf("held: %s", r.body)
		}
	})
}

func eventOf(t *testing.T, body []byte) json.RawMessage {
	t.Helper()
	var in struct{ Event json.RawMessage }
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatal(err)
	}
	return in.Event
}

// conditions tries what is refused, and what is done once.
func (c *realCity) conditions(root *caller, id, tag string) {
	c.t.Helper()
	events := "/api/structures/" + id + "/events"
	with := func(name, value string) *caller {
		h := root.header.Clone()
		h.Set(name, value)
		return &caller{name: root.name, who: root.who, header: h}
	}
	for _, x := range []struct {
		by           *caller
		method, path string
		body         string
		status       int
		parameter    string
	}{
		{root, "GET", "/api/structures/ABCDE-FGHJX", "", 400, "uid"},
		{root, "GET", "/api/structures/00000-00000", "", 400, "uid"},
		{root, "GET", "/api/structures/" + strings.Repeat("A", 99), "", 400, "uid"},
		{root, "GET", "/api/structures/12345-67890", "", 404, "uid"},
		{root, "GET", "/api/structures/12345-67890/history", "", 404, "uid"},
		{root, "GET", "/api/structures/12345-67890/units", "", 404, "uid"},
		{root, "GET", "/api/structures/" + id + "?known=0", "", 404, "uid"},
		{root, "GET", "/api/structures/" + id + "?asof=1900-01-01", "", 404, "uid"},
		{root, "GET", "/api/structures/" + id + "/records?collection=nowhere", "", 404, "collection"},
		{root, "GET", "/api/structures/" + id + "/records?limit=0", "", 400, "limit"},
		{root, "GET", "/api/structures/resolve", "", 400, "alias"},
		{root, "GET", "/api/structures/resolve?alias=1&lon=72&lat=19", "", 400, "alias"},
		{root, "GET", "/api/structures/resolve?lon=72", "", 400, "lat"},
		{root, "GET", "/api/structures/resolve?alias=" + strings.Repeat("9", 300), "", 400, "alias"},
		{root, "POST", events, `{"kind":"paint"}`, 422, "body"},
		{root, "POST", events, `{"kind":"demolish","colour":"red"}`, 422, "body"},
		{root, "POST", events, `{"kind":"register"}`, 422, "body"},
		{root, "POST", "/api/structures", `{"kind":"demolish"}`, 422, "body"},
		{root, "POST", events, `{"kind":"status","status":"proposed"}`, 422, "body"},
		{root, "POST", events, `{"kind":"merge","with":["` + id + `"]}`, 422, "body"},
		{root, "POST", "/api/structures/12345-67890/events", `{"kind":"demolish"}`, 404, "uid"},
		{with("If-Match", `"1-abc"`), "POST", events, `{"kind":"demolish"}`, 412, "If-Match"},
		{with("Content-Type", "text/plain"), "POST", "/api/structures", "", 400, "body"},
	} {
		r := c.ask(x.by, x.method, x.path, x.body)
		var p struct{ Parameter, Detail string }
		if err := json.Unmarshal(r.body, &p); err != nil || r.status != x.status || p.Parameter != x.parameter {
			if x.status == 400 && x.body == "" && x.method == "POST" && r.status >= 400 && r.status < 500 {
				continue // an empty body of a wrong type: either is right
			}
			c.t.Errorf("%s %s %s: %d %s, want %d about %s", x.method, x.path, x.body, r.status, r.body, x.status, x.parameter)
		}
	}
	var why struct {
		Code   string
		Values []string
	}
	r := c.ask(root, "POST", events, `{"kind":"status","status":"proposed"}`)
	if err := json.Unmarshal(r.body, &why); err != nil || why.Code != "not_next" || !slices.Equal(why.Values, []string{"proposed", "in_use"}) {
		c.t.Errorf("the rule that a command goes against: %s", r.body)
	}
	if r := c.ask(root, "GET", "/api/structures/ABCDE-FGHJX", ""); !strings.Contains(string(r.body), "character") {
		c.t.Errorf("a malformed UID: %s", r.body)
	}
	keyed := with("Idempotency-Key", "once")
	keyed.header.Set("If-Match", tag)
	first := c.must(keyed, http.MethodPost, events, `{"kind":"status","status":"vacant"}`)
	again := c.must(keyed, http.MethodPost, events, `{"kind":"status","status":"vacant"}`)
	if first.status != 201 || again.status != 200 || again.header.Get("Idempotency-Replayed") != "true" || string(eventOf(c.t, first.body)) != string(eventOf(c.t, again.body)) {
		c.t.Errorf("once by its key: %d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if r := c.ask(keyed, http.MethodPost, events, `{"kind":"demolish"}`); r.status != 422 {
		c.t.Errorf("the key for another command: %d %s", r.status, r.body)
	}
	if r := c.ask(with("If-Match", tag), http.MethodPost, events, `{"kind":"status","status":"in_use"}`); r.status != 412 {
		c.t.Errorf("over what was changed: %d %s", r.status, r.body)
	}
	c.must(root, http.MethodPost, events, `{"kind":"status","status":"in_use"}`)
}

// waysTo finds the structure by its number, its UID and its place.
func (c *realCity) waysTo(root *caller, id string) {
	c.t.Helper()
	pin, _ := digipin.Encode(72.8412, 19.0205)
	plus := url.QueryEscape(pluscode.Encode(72.8412, 19.0205, 10))
	codes := []string{"alias=" + pin, "alias=" + strings.ToLower(strings.ReplaceAll(pin, "-", "+")), "scheme=digipin&alias=" + pin, "alias=" + plus, "scheme=pluscode&alias=" + plus}
	for _, q := range append([]string{"alias=CTS+77/B", "alias=" + id, "lon=72.8412&lat=19.0205"}, codes...) {
		var found struct {
			Features []struct {
				ID         string
				Properties struct {
					Score         float64
					Match, Status string
				}
			}
		}
		at := -1
		eventually(c.t, q+" finds "+id, func() bool { // by place: once the index has followed
			r := c.must(root, http.MethodGet, "/api/structures/resolve?"+q, "")
			if err := json.Unmarshal(r.body, &found); err != nil {
				c.t.Fatal(err)
			}
			at = -1 // there are footprints of the marked city at the place too
			for i := range found.Features {
				if found.Features[i].ID == id {
					at = i
				}
			}
			return at >= 0
		})
		if p := found.Features[at].Properties; p.Score != 1 || p.Match == "" || p.Status != "in_use" {
			c.t.Errorf("%s: %+v", q, found.Features[at])
		}
	}
	for q, most := range map[string]int{"scheme=cts&alias=" + pin: 0, "scheme=digipin&alias=" + pin[:11] + "0": 0, "scheme=digipin&limit=3&alias=" + pin[:7]: 3} {
		r := c.must(root, http.MethodGet, "/api/structures/resolve?"+q, "")
		if n := strings.Count(string(r.body), `"score"`); n > most || n == 0 && most > 0 {
			c.t.Errorf("%s finds %d: %s", q, n, r.body)
		}
	}
	for _, q := range []string{pin, plus} { // the search shows the place, and what stands there
		r := c.must(root, http.MethodGet, "/api/search?limit=3&q="+q, "")
		first, rest, _ := strings.Cut(string(r.body), `"collection":""`)
		if !strings.Contains(first, `"bbox":[72.84`) || strings.Count(rest, `"collection":"buildings"`) == 0 || strings.Count(rest, `"score":1`) > 2 {
			c.t.Errorf("search for %s: %s", q, r.body)
		}
	}
	r := c.ask(c.name("anonymous"), http.MethodGet, "/api/structures/resolve?alias=cts77b", "")
	if r.status != 200 || strings.Contains(string(r.body), id) {
		c.t.Errorf("to who sees no aliases: %d %s", r.status, r.body)
	}
}
