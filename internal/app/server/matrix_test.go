package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"nagar/internal/access"
)

// columns are the callers of the matrix, in the order of the signs in its rows:
// + it may be done, 1 who are you (401), 3 not you (403), 4 there is no such thing (404).
var columns = []string{"anonymous", "citizen", "planner", "surveyor", "officer", "auditor", "administrator", "root"}

// Signs of rows that come again and again.
const (
	everyone   = "++++++++"
	nothing    = "44444444"
	wrongWord  = "11111111" // sign-ins with what is not right
	ofTheStaff = "44++++++" // an internal collection
	restricted = "444444++" // a restricted one, of a department that the officer is not of
	personal   = "4444+4++" // a personal one, of the officer's own
	administer = "133333++"
	auditing   = "13333+3+"
	inSession  = "1++++++3"
	ownAccount = "13+++++3"
)

// rule is a row of the matrix: a request of a route, and what comes of it for each
// caller. In the path, {new:COLLECTION} is the id of a feature made for this
// request, {review:COLLECTION} that of the review of one, {account} and {token} those of an account and a token.
type rule struct{ route, path, body, want string }

const (
	point   = `{"type":"Feature","geometry":{"type":"Point","coordinates":[72.84,19.02]},"properties":{%s}}`
	polygon = `{"type":"Polygon","coordinates":[[[72,18],[74,18],[74,20],[72,20],[72,18]]]}`
)

// inWest is a feature in the ward where the surveyor and the officer work.
var (
	inWest     = fmt.Sprintf(point, `"ward":"`+wardA+`"`)
	asset      = fmt.Sprintf(point, `"kind":"bench","ward":"`+wardA+`"`)
	plotInWest = `{"type":"Feature","geometry":` + polygon + `,"properties":{"ward":"` + wardA + `"}}`
	noPlace    = `{"type":"Feature","geometry":null,"properties":{}}`
)

// matrix is who may do what by the policy that a city begins with. A route that is
// missing here fails the test.
func matrix() []rule {
	policy, err := json.Marshal(access.Default())
	if err != nil {
		panic(err)
	}
	rows := []rule{
		{"GET /", "/", "", everyone},
		{"GET /{path}", "/favicon.svg", "", everyone},
		{"GET /{path}", "/survey", "", nothing}, // a page, for who asks for one
		{"GET /fonts/{path}", "/fonts/none.woff2", "", nothing},
		{"GET /sprites/{path}", "/sprites/none.json", "", nothing},
		{"GET /styles/{name}.json", "/styles/light.json", "", everyone},
		{"GET /healthz", "/healthz", "", everyone},
		{"GET /readyz", "/readyz", "", everyone},
		{"GET /metrics", "/metrics", "", everyone},
		{"GET /openapi.json", "/openapi.json", "", everyone},
		{"GET /api/city", "/api/city", "", everyone},
		{"GET /api/collections", "/api/collections", "", everyone},
		{"GET /api/at", "/api/at?lon=72.84&lat=19.02", "", everyone},
		{"GET /api/search", "/api/search?q=x", "", everyone},
		{"GET /api/live", "/api/live", "", everyone},

		{"GET /api/plots/{id}/fsi", "/api/plots/{new:plots}/fsi", "", "44++++++"}, // plots are internal
		{"GET /api/plots/{id}/fsi", "/api/plots/none/fsi", "", nothing},
		{"GET /api/assets/{collection}/{id}/inspections", "/api/assets/assets/{new:assets}/inspections", "", "44++++++"},
		{"GET /api/assets/{collection}/{id}/inspections", "/api/assets/buildings/none/inspections", "", nothing},
		{"GET /api/works/conflicts", "/api/works/conflicts", "", everyone},
		{"GET /api/structures/resolve", "/api/structures/resolve?lon=72.84&lat=19.02", "", everyone},
		{"GET /api/structures/resolve", "/api/structures/resolve?alias=CTS+12", "", everyone},
		{"GET /api/structures/{uid}", "/api/structures/" + structureUID(0), "", everyone},
		{"GET /api/structures/{uid}", "/api/structures/" + structureUID(4), "", ofTheStaff}, // of the register alone
		{"GET /api/structures/{uid}", "/api/structures/12345-67890", "", nothing},
		{"GET /api/structures/{uid}/history", "/api/structures/" + structureUID(0) + "/history", "", everyone},
		{"GET /api/structures/{uid}/history", "/api/structures/" + structureUID(4) + "/history", "", ofTheStaff},
		{"GET /api/structures/{uid}/units", "/api/structures/" + structureUID(0) + "/units", "", everyone},
		{"GET /api/structures/{uid}/units", "/api/structures/" + structureUID(4) + "/units", "", ofTheStaff},
		{"GET /api/structures/{uid}/records", "/api/structures/" + structureUID(0) + "/records", "", everyone},
		{"GET /api/structures/{uid}/records", "/api/structures/" + structureUID(0) + "/records?collection=files_marked", "", personal},
		{"GET /api/structures/{uid}/records", "/api/structures/" + structureUID(4) + "/records", "", ofTheStaff},

		{"GET /sta/v1.1", "/sta/v1.1", "", everyone},
		{"GET /sta/v1.1/{path}", "/sta/v1.1/Datastreams", "", everyone},
		{"GET /sta/v1.1/{path}", "/sta/v1.1/Datastreams('nothing')", "", nothing},
		{"POST /sta/v1.1/{path}", "/sta/v1.1/ObservedProperties", `{"name":"rain","definition":"https://example.org/rain"}`, "133333++"},
		{"POST /sta/v1.1/{path}", "/sta/v1.1/Datastreams('nothing')/Observations", `{"result":1}`, "14444444"},
		{"POST /api/structures", "/api/structures", `{"kind":"register"}`, "143333++"},
		{"POST /api/structures/{uid}/events", "/api/structures/" + structureUID(4) + "/events", `{"kind":"status","status":"none"}`, "143333++"},
		{"POST /api/structures/uids", "/api/structures/uids", `{"count":2,"device":"tablet"}`, "143333++"},
		{"GET /api/structures/uids", "/api/structures/uids", "", "143333++"},
		{"DELETE /api/structures/uids/{lease}", "/api/structures/uids/none", "", "14333344"},
		{"POST /api/structures/{uid}/events", "/api/structures/12345-67890/events", `{"kind":"demolish"}`, "14444444"},

		{"GET /api/structures/changes", "/api/structures/changes?since=1&limit=2", "", everyone},
		{"GET /api/structures/changes", "/api/structures/changes?format=csv", "", everyone},
		{"GET /api/structures/bridge", "/api/structures/bridge?epoch=none", "", nothing},
		{"GET /api/reviews", "/api/reviews?limit=1", "", everyone},
		{"GET /api/reviews", "/api/reviews?collection=depots_marked", "", ofTheStaff},
		{"GET /api/reviews", "/api/reviews?collection=files_marked", "", personal},
		{"GET /api/reviews/summary", "/api/reviews/summary", "", everyone},
		{"GET /api/reviews/{id}", "/api/reviews/trees_marked.none", "", nothing},
		{"GET /api/reviews/{id}", "/api/reviews/{review:trees_marked}", "", everyone},
		{"GET /api/reviews/{id}", "/api/reviews/{review:depots_marked}", "", ofTheStaff},
		{"GET /api/reviews/{id}", "/api/reviews/{review:tunnels_marked}", "", restricted},
		{"GET /api/reviews/{id}", "/api/reviews/{review:files_marked}", "", personal},
		{"POST /api/reviews/{id}", "/api/reviews/{review:trees_marked}", `{"decision":"none"}`, "1333+3++"},
		{"POST /api/reviews/{id}", "/api/reviews/{review:depots_marked}", `{"decision":"join","uid":"` + structureUID(1) + `"}`, "1433+3++"},
		{"POST /api/reviews/{id}", "/api/reviews/{review:files_marked}", `{"decision":"none"}`, "1444+4++"},
		{"GET /api/findings", "/api/findings?state=open", "", ofTheStaff},
		{"GET /api/findings/summary", "/api/findings/summary", "", ofTheStaff},
		{"GET /api/findings/rules", "/api/findings/rules", "", "44+4++++"}, // a rule lies in no ward
		{"GET /api/findings/{id}", "/api/findings/{new:findings}", "", ofTheStaff},
		{"GET /api/findings/{id}", "/api/findings/none", "", nothing},
		{"POST /api/findings/{id}", "/api/findings/{new:findings}", `{"state":"acknowledged"}`, "143333++"},
		{"POST /api/findings/{id}", "/api/findings/none", `{"state":"acknowledged"}`, "14444444"},
		{"PUT /api/findings/rules/{name}", "/api/findings/rules/none", `{}`, "1434+3++"},
		{"POST /api/findings/rules/preview", "/api/findings/rules/preview", `{}`, "1434+3++"},

		{"GET /auth/methods", "/auth/methods", "", everyone},
		{"POST /auth/login", "/auth/login", `{"name":"{unique}","password":"wrong"}`, wrongWord},
		{"GET /auth/link/{token}", "/auth/link/none", "", everyone},
		{"POST /auth/link", "/auth/link", `{"token":"none"}`, wrongWord},
		{"POST /auth/code", "/auth/code", `{"contact":"+919800000077"}`, everyone},
		{"POST /auth/code/verify", "/auth/code/verify", `{"contact":"+919800000077","code":"000000"}`, wrongWord},
		{"GET /auth/oidc/{provider}", "/auth/oidc/none", "", nothing},
		{"GET /auth/oidc/{provider}/callback", "/auth/oidc/none/callback", "", nothing},
		{"GET /api/me", "/api/me", "", everyone},
		{"GET /api/me/readers", "/api/me/readers", "", "1+333333"},
		{"PUT /api/me/purpose", "/api/me/purpose", `{"purpose":"service"}`, inSession},
		{"PUT /api/me/password", "/api/me/password", `{"old":"","new":""}`, ownAccount},
		{"POST /api/me/totp", "/api/me/totp", "", ownAccount},
		{"PUT /api/me/totp", "/api/me/totp", `{"code":""}`, ownAccount},
		{"DELETE /api/me/totp", "/api/me/totp", `{"code":""}`, ownAccount},
		{"GET /api/me/sessions", "/api/me/sessions", "", inSession},
		{"DELETE /api/me/sessions/{id}", "/api/me/sessions/none", "", "14444443"},

		{"GET /api/access/accounts", "/api/access/accounts", "", administer},
		{"POST /api/access/accounts", "/api/access/accounts", `{"name":"{unique}","roles":["planner"]}`, administer},
		{"POST /api/access/accounts", "/api/access/accounts", `{"name":"{unique}","roles":["auditor"]}`, "1333333+"}, // nobody gives a right that they lack
		{"GET /api/access/accounts/{id}", "/api/access/accounts/{account}", "", administer},
		{"PATCH /api/access/accounts/{id}", "/api/access/accounts/{account}", `{"title":"x"}`, administer},
		{"PATCH /api/access/accounts/{id}", "/api/access/accounts/{account}", `{"roles":["auditor"]}`, "1333333+"},
		{"POST /api/access/accounts/{id}/link", "/api/access/accounts/{account}/link", "", administer},
		{"DELETE /api/access/accounts/{id}", "/api/access/accounts/{account}", "", administer},
		{"GET /api/access/tokens", "/api/access/tokens", "", administer},
		{"POST /api/access/tokens", "/api/access/tokens", `{"title":"x","roles":["planner"],"expires":"{soon}"}`, administer},
		{"POST /api/access/tokens", "/api/access/tokens", `{"title":"x","roles":["auditor"],"expires":"{soon}"}`, "1333333+"},
		{"DELETE /api/access/tokens/{id}", "/api/access/tokens/{token}", "", administer},
		{"GET /api/access/policy", "/api/access/policy", "", administer},
		{"PUT /api/access/policy", "/api/access/policy", string(policy), administer},
		{"GET /api/access/policy/versions", "/api/access/policy/versions", "", administer},
		{"GET /api/audit", "/api/audit?limit=1", "", auditing},
		{"GET /api/audit/verify", "/api/audit/verify", "", auditing},
		{"GET /api/audit/breach", "/api/audit/breach?from=2026-01-01&to=2026-01-02", "", auditing},

		{"PUT /api/collections/{collection}", "/api/collections/{unique}", `{"geometry":"point","fields":[]}`, administer},
		{"PUT /api/collections/{collection}", "/api/collections/depots_marked", `{}`, administer},
		{"POST /api/features/{collection}/{id}/erase", "/api/features/depots_marked/{new:depots_marked}/erase", `{"fields":["name_owner"],"reason":"asked for"}`, administer},
	}
	return append(append(rows, readingRules()...), writingRules()...)
}

// readingRules are the routes that read a collection, for one of each kind.
func readingRules() []rule {
	var rows []rule
	for _, form := range []string{"avif", "jpg", "png", "webp"} { // pictures of archives, which are public
		rows = append(rows, rule{"GET /tiles/{collections}/{z}/{x}/{y}." + form, "/tiles/none/3/5/3." + form, "", nothing})
	}
	kinds := []struct{ name, want string }{
		{"trees_marked", everyone}, {"depots_marked", ofTheStaff}, {"tunnels_marked", restricted}, {"files_marked", personal}, {"reports", "4+++++++"}, {"never_there", nothing},
	}
	for _, k := range kinds {
		feature := k.want
		if k.name == "reports" {
			feature = "44++++++" // the citizen's own is another one
		}
		rows = append(rows,
			rule{"GET /tiles/{collections}.json", "/tiles/" + k.name + ".json", "", k.want},
			rule{"GET /tiles/{collections}.json", "/tiles/wards," + k.name + ".json", "", k.want},
			rule{"GET /tiles/{collections}/{z}/{x}/{y}.mvt", "/tiles/" + k.name + "/3/5/3.mvt", "", k.want},
			rule{"GET /api/collections/{collection}", "/api/collections/" + k.name, "", k.want},
			rule{"GET /api/near", "/api/near?collection=" + k.name + "&lon=72.84&lat=19.02", "", k.want},
			rule{"GET /api/within", "/api/within?bbox=72,18,73,20&collection=" + k.name, "", k.want},
			rule{"POST /api/within", "/api/within?collection=" + k.name, polygon, k.want},
			rule{"GET /api/count", "/api/count?collection=" + k.name, "", k.want},
			rule{"POST /api/count", "/api/count?collection=" + k.name, polygon, k.want},
			rule{"GET /api/at", "/api/at?lon=72.84&lat=19.02&collections=" + k.name, "", k.want},
		)
		if k.name != "never_there" {
			rows = append(rows, rule{"GET /api/features/{collection}/{id}", "/api/features/" + k.name + "/{new:" + k.name + "}", "", feature})
		}
	}
	return rows
}

// writingRules are the routes that write features, for a collection of each kind of writer.
func writingRules() []rule {
	var rows []rule
	for _, k := range []struct{ name, body, want string }{
		{"zones", noPlace, "13+333++"},
		{"assets", asset, "143+33++"},
		{"trees_marked", inWest, "1333+3++"},
		{"depots_marked", inWest, "1433+3++"},
		{"tunnels_marked", inWest, "144444++"},
		{"files_marked", inWest, "1444+4++"},
	} {
		one := "/api/features/" + k.name + "/{new:" + k.name + "}"
		rows = append(rows,
			rule{"POST /api/features/{collection}", "/api/features/" + k.name, k.body, k.want},
			rule{"PUT /api/features/{collection}/{id}", one, k.body, k.want},
			rule{"PATCH /api/features/{collection}/{id}", one, `{"properties":{}}`, k.want},
			rule{"DELETE /api/features/{collection}/{id}", one, "", k.want},
		)
	}
	return append(rows, rule{"POST /auth/logout", "/auth/logout", "", everyone}) // the last: then nobody is signed in
}

// TestMatrix asks a server as it runs what each caller may do on each of its routes.
func TestMatrix(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		root := c.name("root")
		var described struct {
			Paths map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal(c.must(root, http.MethodGet, "/openapi.json", "").body, &described); err != nil {
			t.Fatal(err)
		}
		routes := map[string]bool{}
		for path, methods := range described.Paths {
			for method := range methods {
				routes[strings.ToUpper(method)+" "+path] = false
			}
		}
		for _, row := range matrix() {
			if _, there := routes[row.route]; !there {
				t.Errorf("%s is in the matrix, and is no route", row.route)
			}
			routes[row.route] = true
			got := ""
			for _, name := range columns {
				got += c.outcome(c.name(name), &row)
			}
			if got != row.want {
				t.Errorf("%-40s %-70s %s, want %s", row.route, row.path, got, row.want)
			}
		}
		for _, route := range slices.Sorted(maps.Keys(routes)) {
			if !routes[route] {
				t.Errorf("%s has no row in the matrix: say who may do it", route)
			}
		}
		c.secretsAreNotLogged()
	})
}

// outcome makes the request of a row as a caller.
func (c *realCity) outcome(who *caller, row *rule) string {
	c.t.Helper()
	c.serial++
	unique := fmt.Sprintf("unique_%d", c.serial)
	fill := strings.NewReplacer("{unique}", unique, "{soon}", soon())
	path, body := fill.Replace(row.path), fill.Replace(row.body)
	root := c.name("root")
	switch {
	case strings.Contains(path, "{account}"):
		made := c.must(root, http.MethodPost, "/api/access/accounts", `{"name":"`+unique+`","roles":["planner"]}`)
		path = strings.ReplaceAll(path, "{account}", member(c.t, made.body, "id"))
	case strings.Contains(path, "{token}"):
		made := c.must(root, http.MethodPost, "/api/access/tokens", `{"title":"`+unique+`","roles":["planner"],"expires":"`+soon()+`"}`)
		path = strings.ReplaceAll(path, "{token}", member(c.t, made.body, "id"))
	case strings.Contains(path, "{new:"):
		before, rest, _ := strings.Cut(path, "{new:")
		collection, after, _ := strings.Cut(rest, "}")
		feature := inWest
		switch collection {
		case "zones":
			feature = noPlace
		case "plots":
			feature = plotInWest
		case "assets":
			feature = asset
		}
		made := c.must(root, http.MethodPost, "/api/features/"+collection, feature)
		path = before + member(c.t, made.body, "id") + after
	case strings.Contains(path, "{review:"):
		before, rest, _ := strings.Cut(path, "{review:")
		collection, after, _ := strings.Cut(rest, "}")
		made := c.must(root, http.MethodPost, "/api/features/"+collection, inWest)
		record := member(c.t, made.body, "id")
		c.must(root, http.MethodPost, "/api/features/reviews", fmt.Sprintf(
			`{"type":"Feature","id":"%s.%s","geometry":null,"properties":{"collection":"%s","record":"%s","state":"open","kind":"doubtful"}}`, collection, record, collection, record))
		path = before + collection + "." + record + after
	}
	method, _, _ := strings.Cut(row.route, " ")
	by := &caller{name: who.name, who: who.who, header: who.header.Clone()}
	if by.header == nil {
		by.header = http.Header{}
	}
	if method != http.MethodGet && method != http.MethodPost {
		by.header.Set("If-Match", "*")
	}
	status := 0
	if row.route == "GET /api/live" {
		status = c.status(by, path)
	} else {
		status = c.ask(by, method, path, body).status
	}
	switch status {
	case http.StatusUnauthorized:
		return "1"
	case http.StatusForbidden:
		return "3"
	case http.StatusNotFound:
		return "4"
	}
	if status >= 500 || status == http.StatusMethodNotAllowed || status == http.StatusTooManyRequests {
		c.t.Errorf("%s: %s %s is %d", who.name, method, path, status)
	}
	return "+"
}

// status asks for what has no end.
func (c *realCity) status(who *caller, path string) int {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = who.header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
