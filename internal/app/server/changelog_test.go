package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestChangelog: what was registered is in the changelog, page by page, as JSON and as
// a table; the bridge of a survey is a table.
func TestChangelog(t *testing.T) {
	eachStore(t, func(t *testing.T, store string) {
		c := openCity(t, store)
		root := c.name("root")
		for range 3 {
			c.must(root, http.MethodPost, "/api/structures", `{"kind":"register","properties":{"ward":"West"}}`)
		}
		var page struct {
			Changes []struct{ UID, Event, At string }
			Next    string
		}
		r := c.must(root, http.MethodGet, "/api/structures/changes?limit=2", "")
		if err := json.Unmarshal(r.body, &page); err != nil || len(page.Changes) != 2 || page.Changes[0].Event != "registered" || page.Next == "" {
			t.Fatalf("the changelog: %s %v", r.body, err)
		}
		if next := c.must(root, http.MethodGet, strings.TrimPrefix(page.Next, c.base), ""); strings.Count(string(next.body), `"event"`) != 1 || strings.Contains(string(next.body), page.Changes[0].UID) {
			t.Errorf("its next page: %s", next.body)
		}
		if csv := c.must(root, http.MethodGet, "/api/structures/changes?format=csv", ""); strings.Count(string(csv.body), "registered") != 3 || !strings.HasPrefix(string(csv.body), "rev,at,uid,event") {
			t.Errorf("as a table: %s", csv.body)
		}
		c.must(root, http.MethodPost, "/api/features/structure_bridges", `{"type":"Feature","geometry":null,"properties":{"epoch":"second","old_source_id":"=7","new_source_id":"8","uid":"`+structureUID(1)+`","relation":"changed","overlap":0.5}}`)
		if csv := c.must(root, http.MethodGet, "/api/structures/bridge?epoch=second", ""); !strings.Contains(string(csv.body), "'=7,8,"+structureUID(1)+",changed,0.5,") {
			t.Errorf("the bridge: %s", csv.body)
		}
		for path, status := range map[string]int{
			"/changes?since=-1": 400, "/changes?limit=0": 400, "/changes?after=x": 400, "/changes?format=xml": 400, "/bridge": 400, "/bridge?epoch=none": 404, "/changes?since=999999999": 200,
		} {
			if r := c.ask(root, http.MethodGet, "/api/structures"+path, ""); r.status != status {
				t.Errorf("%s: %d, want %d", path, r.status, status)
			}
		}
	})
}
