package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"nagar/catalog"
)

// TestWritesTellNoMore tries, as everybody, writes that change nothing or are
// refused: no answer shows what is not theirs to see, refusals least of all, and
// everything is as it was after.
func TestWritesTellNoMore(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		before := c.everything()
		for _, name := range []string{"anonymous", "citizen", "planner", "surveyor", "officer without a purpose", "officer", "officer for water", "token for the depots", "root"} {
			who := c.name(name)
			for _, col := range c.city.collections {
				for i, r := range c.city.rows[col.Name] {
					if i%3 != 2 {
						c.tryWrites(who, col, r)
					}
				}
				c.fieldsThatAreNone(who, col)
			}
		}
		if after := c.everything(); after != before {
			t.Errorf("something was written: %s", firstDifference(before, after))
		}
		c.secretsAreNotLogged()
		logShows(t, c.city, c.log.text())
	})
}

// everything is what root sees of all rows.
func (c *realCity) everything() string {
	c.t.Helper()
	var b strings.Builder
	for _, col := range c.city.collections {
		for _, r := range c.city.rows[col.Name] {
			if r := c.ask(c.name("root"), http.MethodGet, "/api/features/"+col.Name+"/"+r.id, ""); r.status == http.StatusOK {
				fmt.Fprintf(&b, "%s\n", r.body)
			}
		}
	}
	return b.String()
}

// tryWrites makes the writes of one row.
func (c *realCity) tryWrites(who *caller, col *catalog.Collection, r *row) {
	c.t.Helper()
	path := "/api/features/" + col.Name + "/" + r.id
	as := func(name, value string) *caller {
		by := &caller{name: who.name, who: who.who, header: who.header.Clone()}
		if by.header == nil {
			by.header = http.Header{}
		}
		if name != "" {
			by.header.Set(name, value)
		}
		return by
	}
	whole := fmt.Sprintf(`{"type":"Feature","id":%q,"geometry":null,"properties":{}}`, r.id)
	c.ask(as("If-Match", "*"), http.MethodPatch, path, `{"properties":{}}`)
	c.ask(as("If-Match", "*"), http.MethodPatch, path, `{"properties":{"nothing_of_this_name":1}}`)
	c.ask(as("If-Match", `"1"`), http.MethodPatch, path, `{"properties":{"valve":"mine"}}`)
	c.ask(as("If-Match", `"1"`), http.MethodPut, path, whole)
	c.ask(as("", ""), http.MethodPut, path, whole)
	c.ask(as("If-Match", `"1"`), http.MethodDelete, path, "")
	if !r.deleted { // or else it would be there again
		c.ask(as("If-None-Match", "*"), http.MethodPut, path, whole)
		c.ask(as("", ""), http.MethodPost, "/api/features/"+col.Name, whole)
	}
	if who.who.Kind == "root" || seesRow(c.policy, &who.who, col, r, r.last()) && !r.deleted {
		return
	}
	// To whom it is not there, a write says what it says of what never was.
	never := strings.Replace(path, r.id, "row-never", 1)
	for _, method := range []string{http.MethodPatch, http.MethodDelete} {
		body := ""
		if method == http.MethodPatch {
			body = `{"properties":{}}`
		}
		hidden, nothing := c.ask(as("If-Match", "*"), method, path, body), c.ask(as("If-Match", "*"), method, never, body)
		if h, n := plain(&hidden, r.id, "row-never"), plain(&nothing, r.id, "row-never"); h != n {
			c.t.Errorf("%s: %s %s can be told from what never was:\n%s\n%s", who.name, method, path, h, n)
		}
	}
}

// fieldsThatAreNone writes a field that the caller sees on no row, and one that
// there is not: the answers are the same.
func (c *realCity) fieldsThatAreNone(who *caller, col *catalog.Collection) {
	c.t.Helper()
	for i := range col.Fields {
		f := &col.Fields[i]
		s := secret{c: col, field: f}
		if may(c.policy, &who.who, &s) {
			continue
		}
		with := func(name string) reply {
			return c.ask(who, http.MethodPost, "/api/features/"+col.Name, fmt.Sprintf(`{"type":"Feature","geometry":null,"properties":{"ward":%q,%q:"x"}}`, wardA, name))
		}
		hidden, nothing := with(f.Name), with("never_there")
		if h, n := plain(&hidden, f.Name, "never_there"), plain(&nothing, f.Name, "never_there"); h != n {
			c.t.Errorf("%s: the field %s of %s can be told from one that never was:\n%s\n%s", who.name, f.Name, col.Name, h, n)
		}
	}
}

// TestWhatIsNotSeenStays writes a feature back as it was read, by one who sees less
// of it than there is: the rest is there still.
func TestWhatIsNotSeenStays(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		officer := c.name("officer without a purpose") // sees no personal field
		depots := c.city.collection("depots_marked")
		r := c.city.rows[depots.Name][0]
		path := "/api/features/" + depots.Name + "/" + r.id
		read := c.must(officer, http.MethodGet, path, "")
		var f map[string]any
		if err := json.Unmarshal(read.body, &f); err != nil {
			t.Fatal(err)
		}
		f["properties"].(map[string]any)["note"] = "written"
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		writer := &caller{name: officer.name, who: officer.who, header: officer.header.Clone()}
		writer.header.Set("If-Match", read.header.Get("Etag"))
		c.must(writer, http.MethodPut, path, string(body))
		now := string(c.must(c.name("root"), http.MethodGet, path, "").body)
		var all struct{ Properties map[string]any }
		if err := json.Unmarshal([]byte(now), &all); err != nil {
			t.Fatal(err)
		}
		if all.Properties["note"] != "written" || all.Properties["name_owner"] != r.values[0]["name_owner"] || all.Properties["contact"] != r.values[0]["contact"] {
			t.Errorf("after the write there is %v", all.Properties)
		}
	})
}
