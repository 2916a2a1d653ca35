package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// reviewPage is what the test reads of a review.
type reviewPage struct {
	State      string
	Candidates []struct{ UID string }
	Decided    *struct{ By, UID string }
	History    []struct{ Decision, Note string }
	MayDecide  bool `json:"may_decide"`
}

// TestReviewStory decides a review over HTTP: found in the queue, joined, in the way
// of another's decision, undone; and what is refused.
func TestReviewStory(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		root, officer := c.name("root"), c.name("officer")
		var list struct {
			Reviews []struct{ ID, State string }
			Total   int
			Next    string
		}
		r := c.must(officer, http.MethodGet, "/api/reviews?collection=trees_marked&limit=2", "")
		if err := json.Unmarshal(r.body, &list); err != nil || len(list.Reviews) != 2 || list.Total <= 2 || list.Next == "" {
			t.Fatalf("the queue: %s %v", r.body, err)
		}
		if next := c.must(officer, http.MethodGet, strings.TrimPrefix(list.Next, c.base), ""); strings.Contains(string(next.body), `"`+list.Reviews[0].ID+`"`) {
			t.Errorf("the next page begins again: %s", next.body)
		}
		made := c.must(root, http.MethodPost, "/api/features/trees_marked", inWest)
		record := member(t, made.body, "id")
		path := "/api/reviews/trees_marked." + record
		c.must(root, http.MethodPost, "/api/features/reviews", `{"type":"Feature","id":"trees_marked.`+record+`","geometry":null,"properties":{"collection":"trees_marked","record":"`+record+`","state":"open","kind":"doubtful","candidates":[{"uid":"`+structureUID(1)+`","score":0.6,"reasons":[]}]}}`)
		show := func(who *caller, method, body string, status int) (p reviewPage) {
			t.Helper()
			r := c.ask(who, method, path, body)
			if err := json.Unmarshal(r.body, &p); err != nil || r.status != status {
				t.Errorf("%s %s %s: %d, want %d: %s", who.name, method, body, r.status, status, r.body)
			}
			return p
		}
		if p := show(officer, http.MethodGet, "", 200); p.State != "open" || !p.MayDecide || len(p.Candidates) != 1 {
			t.Errorf("as it waits: %+v", p)
		}
		if p := show(c.name("planner"), http.MethodGet, "", 200); p.MayDecide {
			t.Error("a planner may decide")
		}
		join := func(n int) string { return `{"decision":"join","uid":"` + structureUID(n) + `","note":"asked"}` }
		if p := show(officer, http.MethodPost, join(1), 200); p.State != "joined" || p.Decided == nil || p.Decided.UID != structureUID(1) || p.History[0].Note != "asked" {
			t.Errorf("joined: %+v", p)
		}
		if f := c.must(officer, http.MethodGet, "/api/features/trees_marked/"+record, ""); !strings.Contains(string(f.body), structureUID(1)) {
			t.Errorf("the record: %s", f.body)
		}
		if r := c.ask(root, http.MethodPost, path, join(2)); r.status != http.StatusConflict || !strings.Contains(string(r.body), "officer") {
			t.Errorf("over another's decision: %d %s", r.status, r.body)
		}
		if p := show(root, http.MethodPost, `{"decision":"undo"}`, 200); p.State != "open" || p.Decided != nil || len(p.History) != 2 {
			t.Errorf("undone: %+v", p)
		}
		for body, status := range map[string]int{
			`{`: 400, `{"decision":"perhaps"}`: 422, `{"decision":"undo"}`: 422, `{"decision":"join"}`: 422,
			`{"decision":"join","uid":"12345-67890"}`: 422, `{"decision":"join","uid":"ABCDE-FGHJX"}`: 422, `{"decision":7}`: 400,
		} {
			if r := c.ask(officer, http.MethodPost, path, body); r.status != status {
				t.Errorf("%s: %d, want %d: %s", body, r.status, status, r.body)
			}
		}
		for query, status := range map[string]int{
			"?state=nothing": 400, "?kind=nothing": 400, "?limit=0": 400, "?after=nonsense": 400, "?collection=nowhere": 404, "/nothing": 404, "/summary": 200,
		} {
			if r := c.ask(officer, http.MethodGet, "/api/reviews"+query, ""); r.status != status {
				t.Errorf("%s: %d, want %d", query, r.status, status)
			}
		}
		if log := c.must(root, http.MethodGet, "/api/audit?limit=100&collection=trees_marked", ""); !strings.Contains(string(log.body), record) {
			t.Error("the decision is not in the audit log")
		}
	})
}
