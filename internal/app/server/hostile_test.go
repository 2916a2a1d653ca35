package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"nagar/catalog/cql2"
)

// attacks are texts that have meant something else to databases and formatters.
var attacks = []string{
	`'; DROP TABLE reports; --`, `"; DROP TABLE reports; --`, `x' OR '1'='1`, `' UNION SELECT sql FROM sqlite_master --`, `'); DELETE FROM depots_marked; --`,
	`$1`, `?1`, `:id`, `%s%n%d`, `\'; SELECT pg_sleep(9) --`, `{{7*7}}`, `${x}`, `E'\\'`, `$$; DROP SCHEMA public CASCADE; $$`, "a`b", `../../etc/passwd`, `𝛼'"`, `?; ATTACH 'x' AS y; --`,
}

// TestTextStaysText writes and asks for texts that are code elsewhere, in every
// place that takes a text: they come back as they were written, and nothing else
// happens.
func TestTextStaysText(t *testing.T) {
	eachStore(t, func(t *testing.T, store string) {
		a := openCity(t, store)
		root := a.name("root")
		count := func() (n map[string]int) {
			var list struct {
				Collections []struct {
					Name  string
					Count int
				}
			}
			r := a.ask(root, http.MethodGet, "/api/collections", "")
			if err := json.Unmarshal(r.body, &list); err != nil {
				t.Fatal(err)
			}
			n = map[string]int{}
			for _, c := range list.Collections {
				n[c.Name] = c.Count
			}
			return n
		}
		before := count()
		q, p := url.QueryEscape, url.PathEscape
		for i, text := range attacks {
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			// As an id and as a value: what was written is read, and only it is deleted.
			writer := &caller{name: "root", who: root.who, header: root.header.Clone()}
			writer.header.Set("If-None-Match", "*")
			writer.header.Set("Nagar-Reason", p(text))
			path := "/api/features/depots_marked/" + p(text)
			body := fmt.Sprintf(`{"type":"Feature","geometry":{"type":"Point","coordinates":[72.84,19.02]},"properties":{"ward":"West","name":%s,"papers":{"k":%s}}}`, quoted, quoted)
			if r := a.ask(writer, http.MethodPut, path, body); r.status != http.StatusCreated {
				t.Errorf("PUT %q: %d %s", text, r.status, r.body)
				continue
			}
			var f struct {
				ID         string
				Properties map[string]any
			}
			r := a.ask(root, http.MethodGet, path, "")
			if err := json.Unmarshal(r.body, &f); err != nil || f.ID != text || f.Properties["name"] != text || f.Properties["papers"].(map[string]any)["k"] != text {
				t.Errorf("%q comes back as %s", text, r.body)
			}
			// In a filter: one row, this one.
			literal, ok := cql2.Quote(text)
			if !ok {
				literal = "'nothing'"
			}
			within := "/api/within?collection=depots_marked&bbox=" + window
			eventually(t, "the row is indexed", func() bool {
				r = a.ask(root, http.MethodGet, within+"&filter="+q("name = "+literal), "")
				got, _ := ids(&r)
				return slices.Equal(got, []string{text}) || !ok
			})
			for _, wrong := range []string{
				within + "&filter=" + q(text), within + "&filter=" + q("name = '"+text+"'"), within + "&filter=" + q(`"`+text+`" = 1`), within + "&filter=" + q("name LIKE "+literal),
				within + "&after=" + q(text), within + "&known=" + q(text), within + "&asof=" + q(text), within + "&limit=" + q(text), within + "&minrev=" + q(text),
				"/api/within?collection=" + q(text) + "&bbox=" + window, "/api/near?collection=depots_marked&lon=" + q(text) + "&lat=19", "/api/at?lon=72.84&lat=19.02&collections=" + q(text),
				"/api/collections/" + p(text), "/api/features/" + p(text) + "/x", "/api/features/depots_marked/" + p(text) + "x", "/tiles/" + p(text) + "/1/1/1.mvt", "/tiles/depots_marked/" + p(text) + "/1/1.mvt",
				"/tiles/depots_marked/8/179/114.mvt?filter=" + q(text), "/api/search?q=" + q(text), "/api/search?q=x&lang=" + q(text), "/styles/" + p(text) + ".json", "/fonts/" + p(text), "/" + p(text),
				"/api/live?last-event-id=" + q("x"+text), "/api/audit?who=" + q(text), "/api/audit?collection=" + q(text) + "&id=" + q(text), "/api/audit?cursor=" + q(text),
			} {
				if r := a.ask(root, http.MethodGet, wrong, ""); r.status >= 500 && r.status != http.StatusServiceUnavailable {
					t.Errorf("GET %s: %d %s", wrong, r.status, r.body)
				}
			}
			a.hostileField(root, i, quoted)
			poster := &caller{name: "root", who: root.who, header: root.header.Clone()}
			poster.header.Set("Idempotency-Key", strings.Map(func(c rune) rune {
				if c < 0x20 || c > 0x7e {
					return -1
				}
				return c
			}, text))
			for pass, want := range []int{http.StatusCreated, http.StatusCreated} {
				if r := a.ask(poster, http.MethodPost, "/api/features/depots_marked", body); r.status != want {
					t.Errorf("POST with the key %q, pass %d: %d %s", text, pass, r.status, r.body)
				} else if pass == 1 {
					var f struct{ ID string }
					if err := json.Unmarshal(r.body, &f); err != nil {
						t.Fatal(err)
					}
					a.remove(root, "/api/features/depots_marked/"+p(f.ID))
				}
			}
			a.remove(root, path)
		}
		eventually(t, "everything is as before", func() bool {
			after := count()
			for name, n := range before {
				if after[name] != n {
					return false
				}
			}
			return len(after) == len(before)+len(attacks)
		})
		for _, col := range a.city.collections {
			for _, r := range a.city.rows[col.Name] {
				if got := a.ask(root, http.MethodGet, "/api/features/"+col.Name+"/"+r.id, ""); (got.status == http.StatusOK) == r.deleted {
					t.Errorf("%s row %q: %d", col.Name, r.name, got.status)
				}
			}
		}
	})
}

// hostileField defines a collection with a field of that name (JSON text), which
// any source may have, and writes a value into it.
func (a *asker) hostileField(root *caller, i int, name []byte) {
	a.t.Helper()
	collection := fmt.Sprintf("hostile_%d", i)
	body := fmt.Sprintf(`{"geometry":"point","title":{"en":%[1]s},"owner":%[1]s,"fields":[{"name":%[1]s,"type":"text","class":"public"}]}`, name)
	if r := a.ask(root, http.MethodPut, "/api/collections/"+collection, body); r.status != http.StatusCreated {
		a.t.Errorf("a collection with the field %s: %d %s", name, r.status, r.body)
		return
	}
	creator := &caller{name: root.name, who: root.who, header: root.header.Clone()}
	creator.header.Set("If-None-Match", "*")
	body = fmt.Sprintf(`{"type":"Feature","geometry":{"type":"Point","coordinates":[72.84,19.02]},"properties":{%s:"value"}}`, name)
	r := a.ask(creator, http.MethodPut, "/api/features/"+collection+"/1", body)
	if r.status != http.StatusCreated || !strings.Contains(string(r.body), `"value"`) {
		a.t.Errorf("a feature with the field %s: %d %s", name, r.status, r.body)
	}
	wrong := fmt.Sprintf(`{"geometry":%[1]s,"class":%[1]s,"fields":[{"name":"a","type":%[1]s}]}`, name)
	if r := a.ask(root, http.MethodPut, "/api/collections/"+collection+"_x", wrong); r.status < 400 || r.status >= 500 {
		a.t.Errorf("a collection of the type %s: %d %s", name, r.status, r.body)
	}
	a.remove(root, "/api/features/"+collection+"/1")
}

// remove deletes a feature, whatever its version.
func (a *asker) remove(c *caller, path string) {
	a.t.Helper()
	by := &caller{name: c.name, who: c.who, header: c.header.Clone()}
	by.header.Set("If-Match", "*")
	if r := a.ask(by, http.MethodDelete, path, ""); r.status != http.StatusNoContent {
		a.t.Errorf("DELETE %s: %d %s", path, r.status, r.body)
	}
}

// TestFiltersAreBounded asks for filters that take long to read or to judge.
func TestFiltersAreBounded(t *testing.T) {
	a := openCity(t, t.TempDir()+"/city.gpkg")
	root := a.name("root")
	for _, filter := range []string{
		strings.Repeat("(", 1300) + "name = 'x'" + strings.Repeat(")", 1300), strings.Repeat("NOT ", 1000) + "name = 'x'", strings.Repeat("-", 4000) + "1 = 1",
		"name LIKE '" + strings.Repeat("%a", 1900) + "'", "name = 'x'" + strings.Repeat(" OR name='x'", 330), strings.Repeat("CASEI(", 600) + "name" + strings.Repeat(")", 600) + " = 'x'",
		"S_INTERSECTS(geom, " + strings.Repeat("GEOMETRYCOLLECTION(", 200) + "POINT(1 1)" + strings.Repeat(")", 200) + ")", "name IN (" + strings.Repeat("'x',", 1000) + "'x')",
		"1" + strings.Repeat("*9999999999", 350) + " > 1", "1" + strings.Repeat("^99", 1000) + " > 1",
	} {
		r := a.ask(root, http.MethodGet, "/api/within?collection=depots_marked&bbox="+window+"&filter="+url.QueryEscape(filter), "")
		if r.status != http.StatusOK && r.status != http.StatusBadRequest {
			t.Errorf("%s…: %d %s", clip(filter, 40), r.status, r.body)
		}
	}
}
