package httpapi

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"nagar/geo"
)

const auditor = "Test-Who: auditor"

// TestAuditIsReadable lists, verifies and reports, for those with the right only.
func TestAuditIsReadable(t *testing.T) {
	audited(t, func(c *auditedCity) {
		for range 3 {
			c.do("GET", "/api/features/houses/h1", "", officer, why)
		}
		c.do("GET", "/api/within?collection=reports&bbox=72.8,19,73,19.1", "", officer, why)
		c.do("GET", fmt.Sprintf("/tiles/houses/%s.mvt", geo.TileAt(72.8505, 19.0505, 15)), "", officer, why)
		for _, path := range []string{"/api/audit", "/api/audit/verify", "/api/audit/breach?from=2026-01-01"} {
			for header, want := range map[string]int{"X-None: 1": 401, officer: 403, auditor: 200} {
				if resp, body := c.do("GET", path, "", header); resp.StatusCode != want || want == 200 && resp.Header.Get("Cache-Control") != "no-store" {
					c.Errorf("%s as %s: %d %s", path, header, resp.StatusCode, body)
				}
			}
		}
		for _, bad := range []string{
			"/api/audit?limit=0", "/api/audit?limit=1001", "/api/audit?limit=x", "/api/audit?cursor=x", "/api/audit?cursor=-1", "/api/audit?from=yesterday", "/api/audit?to=x",
			"/api/audit?id=h1", "/api/audit?who=a&who=b", "/api/audit?who=" + strings.Repeat("x", 201), "/api/audit/verify?head=1", "/api/audit/verify?since=x", "/api/audit/verify?head=0:" + strings.Repeat("0", 64) + "&since=0:" + strings.Repeat("0", 64), "/api/audit/breach", "/api/audit/breach?from=2026-01-01&format=xml", "/api/audit/breach?from=2026-01-01&resolve=1",
		} {
			if resp, body := c.do("GET", bad, "", auditor); resp.StatusCode != 400 {
				c.Errorf("%s: %d %s", bad, resp.StatusCode, body)
			}
		}
		if resp, _ := c.do("GET", "/api/audit?collection=nosuch&id=h1", "", auditor); resp.StatusCode != 200 {
			c.Errorf("a collection that never was: %d", resp.StatusCode)
		}
		c.pages("/api/audit?collection=houses&limit=1", 4)
		c.pages("/api/audit?collection=houses&id=h1&limit=2", 4)
		c.pages("/api/audit?collection=houses&id=h2&limit=2", 1) // the tile
		c.pages("/api/audit?who=a-officer&action=read&limit=100", 5)
		c.pages("/api/audit?action=audit", -1)
		_, body := c.do("GET", "/api/audit?action=audit&limit=1", "", auditor)
		if !strings.Contains(body, `"detail":"list action=audit"`) {
			c.Errorf("reading the log is not told: %s", body)
		}

		var rep struct {
			Whole bool
			Print string
		}
		_, body = c.do("GET", "/api/audit/verify", "", auditor)
		if err := json.Unmarshal([]byte(body), &rep); err != nil || !rep.Whole {
			c.Fatalf("verify: %s, %v", body, err)
		}
		if _, body = c.do("GET", "/api/audit/verify?head="+rep.Print, "", auditor); !strings.Contains(body, `"whole":true`) {
			c.Errorf("verify against its own head: %s", body)
		}
		other := rep.Print[:len(rep.Print)-1] + map[bool]string{true: "0", false: "1"}[rep.Print[len(rep.Print)-1] == '1']
		if _, body = c.do("GET", "/api/audit/verify?since="+rep.Print, "", auditor); !strings.Contains(body, `"whole":true,"entries":2,`) {
			c.Errorf("verify since its own head: %s", body) // two verifications are new
		}
		if _, body = c.do("GET", "/api/audit/verify?since="+other, "", auditor); !strings.Contains(body, `"whole":false`) {
			c.Errorf("verify since another head: %s", body)
		}
		if _, body = c.do("GET", "/api/audit/verify?head="+other, "", auditor); !strings.Contains(body, `"whole":false`) {
			c.Errorf("verify against another head: %s", body)
		}
		c.breach()
	})
}

// pages walks a list and wants so many entries (-1: some), each once.
func (c *auditedCity) pages(path string, want int) {
	c.Helper()
	seen := map[float64]bool{}
	for cursor := ""; ; {
		_, body := c.do("GET", path+cursor, "", auditor)
		var page struct {
			Entries []map[string]any
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			c.Fatalf("%s: %v: %s", path, err, body)
		}
		for _, e := range page.Entries {
			if seen[e["seq"].(float64)] {
				c.Errorf("%s: entry %v twice", path, e["seq"])
			}
			seen[e["seq"].(float64)] = true
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if want >= 0 && len(seen) != want || len(seen) == 0 {
		c.Errorf("%s: %d entries, want %d", path, len(seen), want)
	}
}

func (c *auditedCity) breach() {
	c.Helper()
	today := time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	_, body := c.do("GET", "/api/audit/breach?from="+today, "", auditor)
	var rep struct {
		Readings []struct {
			Collection, Action string
			IDs                []string
			BBoxes             [][4]float64
			Requests           int
		}
		Features map[string][]string
	}
	if err := json.Unmarshal([]byte(body), &rep); err != nil || len(rep.Readings) != 3 || strings.Join(rep.Features["reports"], " ") != "x1 x2" {
		c.Errorf("breach: %v, %s", err, body)
	}
	resp, table := c.do("GET", "/api/audit/breach?format=csv&from="+today, "", auditor)
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || len(rows) != 5 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/csv") || !strings.Contains(resp.Header.Get("Content-Disposition"), "attachment") {
		c.Errorf("breach table: %v, %d rows, %v\n%s", err, len(rows), resp.Header, table)
	}
	_, whole := c.do("GET", "/api/audit/breach?resolve=true&from="+today, "", auditor)
	if !strings.Contains(whole, `"within":["h1","h2"]`) && !strings.Contains(whole, `"within":["h1"]`) {
		c.Errorf("breach, boxes resolved: %s", whole)
	}
	_, wholeTable := c.do("GET", "/api/audit/breach?resolve=true&format=csv&from="+today, "", auditor)
	if strings.Count(wholeTable, "\nhouses,h1,") != 2 { // read by id, and in a tile
		c.Errorf("breach table, boxes resolved: %s", wholeTable)
	}
	for _, mark := range []string{ownerMark, taxMark, phoneMark} {
		if strings.Contains(body+table+whole+wholeTable, mark) {
			c.Errorf("the report holds %s", mark)
		}
	}
}

func TestPlainCell(t *testing.T) {
	for in, want := range map[string]string{"": "", "Asha": "Asha", "=1+1": "'=1+1", "@x": "'@x", "-72.5": "-72.5", "-a": "'-a", "\tx": "'\tx"} {
		if got := plainCell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
