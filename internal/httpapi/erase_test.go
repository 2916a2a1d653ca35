package httpapi

import (
	"context"
	"strings"
	"testing"

	"nagar/catalog"
)

// dump is the whole log as bytes.
func (c *auditedCity) dump() string {
	c.Helper()
	rows, err := c.db.Query(context.Background(), `select body from audit`)
	if err != nil {
		c.Fatal(err)
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			c.Fatal(err)
		}
		all.Write(body)
	}
	return all.String()
}

// TestErase blanks a field in every version, keeps the revisions, and leaves the
// value nowhere: not in the answer, not in the history, not in the log.
func TestErase(t *testing.T) {
	audited(t, func(c *auditedCity) {
		const eraser = "Test-Who: eraser"
		ctx := context.Background()
		for _, name := range []string{"second", "third"} {
			if _, err := c.store.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: "houses", Merge: true,
				Feature: catalog.Feature{ID: "h1", Props: props("name", name, "owner", ownerMark+name)}})}); err != nil {
				c.Fatal(err)
			}
		}
		if _, err := c.store.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Delete, Collection: "reports", Feature: catalog.Feature{ID: "x1"}})}); err != nil {
			c.Fatal(err)
		}
		before, _ := c.store.History(ctx, "houses", "h1")
		_, seen := c.do("GET", "/api/features/houses/h1", "", officer, why)
		if strings.Count(seen, ownerMark) < 3 {
			c.Fatalf("before: %s", seen)
		}
		const good = `{"fields":["owner"],"reason":"the owner asked for it"}`
		for _, q := range []struct {
			name, path, body string
			header           []string
			want             int
		}{
			{"nobody", "/api/features/houses/h1/erase", good, []string{"If-Match: *"}, 401},
			{"without the right", "/api/features/houses/h1/erase", good, []string{officer, "If-Match: *"}, 403},
			{"without If-Match", "/api/features/houses/h1/erase", good, []string{eraser}, 428},
			{"stale", "/api/features/houses/h1/erase", good, []string{eraser, `If-Match: "1"`}, 412},
			{"no such feature", "/api/features/houses/h9/erase", good, []string{eraser, "If-Match: *"}, 404},
			{"a feature that is not seen", "/api/features/raids/r1/erase", `{"all":true,"reason":"x"}`, []string{eraser, "If-Match: *"}, 404},
			{"no reason", "/api/features/houses/h1/erase", `{"fields":["owner"]}`, []string{eraser, "If-Match: *"}, 422},
			{"no fields", "/api/features/houses/h1/erase", `{"fields":[],"reason":"x"}`, []string{eraser, "If-Match: *"}, 422},
			{"all and some", "/api/features/houses/h1/erase", `{"fields":["owner"],"all":true,"reason":"x"}`, []string{eraser, "If-Match: *"}, 422},
			{"no such field", "/api/features/houses/h1/erase", `{"fields":["ownr"],"reason":"x"}`, []string{eraser, "If-Match: *"}, 422},
			{"no JSON", "/api/features/houses/h1/erase", `{`, []string{eraser, "If-Match: *"}, 400},
		} {
			if resp, body := c.do("POST", q.path, q.body, q.header...); resp.StatusCode != q.want {
				c.Errorf("%s: %d %s, want %d", q.name, resp.StatusCode, body, q.want)
			}
		}
		if after, _ := c.store.History(ctx, "houses", "h1"); len(after) != len(before) {
			c.Fatalf("a refused erasure changed the history from %d to %d versions", len(before), len(after))
		}
		resp, body := c.do("POST", "/api/features/houses/h1/erase", good, eraser, "If-Match: *")
		if resp.StatusCode != 200 {
			c.Fatalf("erase: %d %s", resp.StatusCode, body)
		}
		if resp, body = c.do("POST", "/api/features/reports/x1/erase", `{"all":true,"reason":"past its time"}`, eraser, "If-Match: *"); resp.StatusCode != 204 {
			c.Errorf("erase what has ended: %d %s", resp.StatusCode, body)
		}
		_, seen = c.do("GET", "/api/features/houses/h1", "", officer, why)
		if strings.Contains(seen, ownerMark) || !strings.Contains(seen, taxMark) || !strings.Contains(seen, "second") {
			c.Errorf("after: %s", seen)
		}
		if after, _ := c.store.History(ctx, "houses", "h1"); len(after) < len(before) {
			c.Errorf("%d versions are left of %d", len(after), len(before))
		}
		versions, _ := c.store.History(ctx, "reports", "x1")
		for _, v := range versions {
			if !v.Props.Get("contact").IsNull() {
				c.Errorf("what had ended still says %v", v.Props)
			}
		}
		log := c.dump()
		for _, mark := range []string{ownerMark, taxMark, raidMark, phoneMark, "the owner asked"} {
			if strings.Contains(log, mark) {
				c.Errorf("the log holds %q", mark)
			}
		}
	})
}
