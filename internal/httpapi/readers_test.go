package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// TestReaders: a citizen sees who read what is about them, without names of staff,
// and nothing of anybody else's.
func TestReaders(t *testing.T) {
	audited(t, func(c *auditedCity) {
		const me, other = "Test-Who: citizen:" + phoneMark, "Test-Who: citizen:+919800000000"
		if _, err := c.store.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: "letters", Feature: catalog.Feature{ID: "l1", Props: props("contact", phoneMark)}})}); err != nil {
			c.Fatal(err)
		}
		c.do("GET", "/api/features/reports/x1", "", officer, why)
		c.do("GET", "/api/within?collection=reports&bbox=72.8,19,73,19.1", "", officer, why) // x1 and x2
		c.do("GET", fmt.Sprintf("/tiles/reports/%s.mvt", geo.TileAt(72.8505, 19.0505, 15)), "", officer, why)
		c.do("GET", "/api/features/reports/x2", "", officer, why)
		c.do("GET", "/api/features/houses/h1", "", officer, why)
		c.do("GET", "/api/features/reports/x1", "", me)
		resp, body := c.do("GET", "/api/me/readers", "", me)
		var got struct {
			Readings []struct {
				Action, Department, Purpose, Collection string
				Roles, IDs, Fields                      []string
			}
			Records map[string]int
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 {
			c.Fatalf("%d %s, %v", resp.StatusCode, body, err)
		}
		if len(got.Readings) != 3 || got.Records["reports"] != 1 || got.Records["letters"] != 1 {
			c.Fatalf("readings: %s", body)
		}
		for i, want := range []string{"read-tile []", "read [x1]", "read [x1]"} {
			if r := got.Readings[i]; fmt.Sprintf("%s %v", r.Action, r.IDs) != want || r.Department != "Estates" || r.Purpose != "service" || r.Roles[0] != "officer" || r.Fields[0] != "contact" {
				c.Errorf("reading %d: %+v, want %s", i, r, want)
			}
		}
		for _, mark := range []string{"Bela", "a-officer", "x2", "h1", phoneMark, "127.0.0.1"} {
			if strings.Contains(body, mark) {
				c.Errorf("a citizen is told %q: %s", mark, body)
			}
		}
		if _, body = c.do("GET", "/api/me/readers", "", other); strings.Contains(body, "x1") || !strings.Contains(body, `"x2"`) {
			c.Errorf("another citizen is told %s", body)
		}
		if _, body = c.do("GET", "/api/me/readers", "", "Test-Who: citizen:+910000000001"); !strings.Contains(body, `"readings":[]`) {
			c.Errorf("a citizen without records is told %s", body)
		}
		for header, want := range map[string]int{"X-None: 1": 401, officer: 403} {
			if resp, body := c.do("GET", "/api/me/readers", "", header); resp.StatusCode != want {
				c.Errorf("%s: %d %s", header, resp.StatusCode, body)
			}
		}
		for _, bad := range []string{"limit=0", "limit=5000", "cursor=x"} {
			if resp, body := c.do("GET", "/api/me/readers?"+bad, "", me); resp.StatusCode != 400 {
				c.Errorf("%s: %d %s", bad, resp.StatusCode, body)
			}
		}
	})
}
