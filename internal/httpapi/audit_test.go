package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"nagar/geo"
)

// TestReadsAreLogged asks every way in which a value leaves, as different people:
// what carried a restricted or personal value is in the log with who, why and
// which, and nothing else is.
func TestReadsAreLogged(t *testing.T) {
	audited(t, func(c *auditedCity) {
		tile := geo.TileAt(72.8505, 19.0505, 15)
		tileAt := func(names string) string { return fmt.Sprintf("/tiles/%s/%s.mvt", names, tile) }
		polygon := `{"type":"Polygon","coordinates":[[[72.84,19.04],[72.87,19.04],[72.87,19.06],[72.84,19.06],[72.84,19.04]]]}`
		for _, q := range []struct{ name, method, path, body, want string }{
			{"tile", "GET", tileAt("houses,parks"), "", "read-tile houses [owner+tax] box"},
			{"tile of all", "GET", tileAt("houses,raids"), "", "read-tile houses [owner+tax] box; read-tile raids [geometry+what] box"},
			{"tile without", "GET", tileAt("parks"), "", ""},
			{"within", "GET", "/api/within?collection=houses&bbox=72.8,19,72.9,19.1", "", "read houses [owner+tax] h1"},
			{"within of none", "GET", "/api/within?collection=houses&bbox=72.8595,19,72.9,19.1", "", ""},
			{"within polygon", "POST", "/api/within?collection=houses", polygon, "read houses [owner+tax] h1"},
			{"near", "GET", "/api/near?collection=houses&lon=72.85&lat=19.05&k=2", "", "read houses [owner+tax] h1"},
			{"at", "GET", "/api/at?lon=72.8505&lat=19.0505", "", "read houses [owner+tax] h1; read raids [geometry+what] r1; read reports [contact] x1"},
			{"feature", "GET", "/api/features/houses/h1", "", "read houses [owner+tax] h1"},
			{"feature without", "GET", "/api/features/houses/h2", "", ""},
			{"feature then", "GET", "/api/features/houses/h1?asof=" + time.Now().UTC().Format("2006-01-02T15:04:05Z"), "", "read houses [owner+tax] h1"},
			{"search", "GET", "/api/search?q=owner", "", "read-search houses [owner] h1"},
			{"search without", "GET", "/api/search?q=name", "", ""},
			{"collections", "GET", "/api/collections", "", ""},
			{"tilejson", "GET", "/tiles/houses.json", "", ""},
			{"nothing there", "GET", "/api/features/houses/h9", "", ""},
		} {
			since := c.head()
			resp, body := c.do(q.method, q.path, q.body, officer, why, "Content-Type: application/json")
			if resp.StatusCode >= 400 && q.name != "nothing there" {
				c.Errorf("%s: %d %s", q.name, resp.StatusCode, body)
			}
			got := c.news(since)
			if told(got) != q.want {
				c.Errorf("%s: logged %q, want %q", q.name, told(got), q.want)
			}
			for _, e := range got {
				if e.Who.Account != "a-officer" || e.Who.Purpose != "service" || e.Who.Department != "Estates" || e.Who.Address != "127.0.0.1" ||
					len(e.Requests) != 1 || e.Requests[0] != resp.Header.Get("X-Request-Id") || e.Count < 1 {
					c.Errorf("%s: %+v", q.name, e)
				}
			}
			// The same by those who see none of it, and without taking it.
			since = c.head()
			etag := resp.Header.Get("Etag")
			for _, header := range [][]string{{}, {"Test-Who: planner"}, {officer, why, "If-None-Match: " + etag}} {
				if len(header) == 3 && (q.method != "GET" || resp.StatusCode != 200 || etag == "") {
					continue
				}
				if q.name == "search" && len(header) < 3 {
					continue // this Searcher does not look at the view
				}
				c.do(q.method, q.path, q.body, append(header, "Content-Type: application/json")...)
			}
			if q.method == "GET" {
				c.do("HEAD", q.path, "", officer, why)
			}
			if got := c.news(since); len(got) > 0 {
				c.Errorf("%s: logged %q of answers that carry nothing", q.name, told(got))
			}
		}
		// Without a purpose an officer sees restricted fields only.
		since := c.head()
		c.do("GET", "/api/features/houses/h1", "", officer)
		if got := told(c.news(since)); got != "read houses [tax] h1" {
			c.Errorf("without a purpose: %q", got)
		}
	})
}

// TestNothingIsShownUnlogged takes the log away: what carries values is 503, and
// what does not is served as ever. Nothing is written either.
func TestNothingIsShownUnlogged(t *testing.T) {
	audited(t, func(c *auditedCity) {
		before, err := c.store.Head(context.Background())
		if err != nil {
			c.Fatal(err)
		}
		_, seen := c.do("GET", "/api/features/houses/h1", "", officer, why)
		if !strings.Contains(seen, ownerMark) {
			c.Fatalf("the officer sees %s", seen)
		}
		c.db.Close()
		tile := geo.TileAt(72.8505, 19.0505, 15)
		for _, q := range []struct {
			method, path, body string
			want               int
		}{
			{"GET", fmt.Sprintf("/tiles/houses/%s.mvt", tile), "", 503},
			{"GET", fmt.Sprintf("/tiles/parks/%s.mvt", tile), "", 200},
			{"GET", "/api/within?collection=houses&bbox=72.8,19,72.9,19.1", "", 503},
			{"GET", "/api/within?collection=parks&bbox=72.8,19,72.9,19.1", "", 200},
			{"GET", "/api/near?collection=houses&lon=72.85&lat=19.05", "", 503},
			{"GET", "/api/at?lon=72.8505&lat=19.0505", "", 503},
			{"GET", "/api/features/houses/h1", "", 503},
			{"GET", "/api/features/houses/h2", "", 200},
			{"GET", "/api/search?q=owner", "", 503},
			{"DELETE", "/api/features/parks/p1", "", 503},
			{"PATCH", "/api/features/parks/p1", `{"properties":{"name":"Other"}}`, 503},
			{"POST", "/api/features/parks", `{"type":"Feature","geometry":null,"properties":{}}`, 503},
			{"PUT", "/api/collections/parks", `{"geometry":"polygon","fields":[]}`, 503},
			{"POST", "/api/features/houses/h1/erase", `{"fields":["owner"],"reason":"asked"}`, 503},
		} {
			who := officer
			if strings.HasPrefix(q.path, "/api/collections") || strings.HasSuffix(q.path, "/erase") {
				who = "Test-Who: eraser"
			}
			if q.method != "GET" && who == officer {
				who = "Test-Who: root"
			}
			resp, body := c.do(q.method, q.path, q.body, who, why, "If-Match: *", "Content-Type: application/json")
			if resp.StatusCode != q.want {
				c.Errorf("%s %s: %d %s", q.method, q.path, resp.StatusCode, body)
			}
			for _, mark := range []string{ownerMark, taxMark, raidMark, phoneMark} {
				if q.want == 503 && strings.Contains(body, mark) {
					c.Errorf("%s %s shows %s", q.method, q.path, mark)
				}
			}
		}
		if after, err := c.store.Head(context.Background()); err != nil || after != before {
			c.Errorf("the store went from %d to %d, %v", before, after, err)
		}
	})
}

// TestChangesAreLogged: a change is in the log before it is made, and so is that
// it failed.
func TestChangesAreLogged(t *testing.T) {
	audited(t, func(c *auditedCity) {
		const eraser, root = "Test-Who: eraser", "Test-Who: root"
		for _, q := range []struct{ method, path, body, match, want string }{
			{"POST", "/api/features/parks", `{"type":"Feature","id":"p2","geometry":null,"properties":{"name":"x"}}`, "", "write parks [] p2"},
			{"PATCH", "/api/features/houses/h2", `{"properties":{"owner":"` + ownerMark + `"}}`, "*", "read houses [owner] h2; write houses [owner] h2"},
			{"PATCH", "/api/features/houses/h2", `{"properties":{"owner":null},"valid_from":"1990-01-01T00:00:00Z"}`, "*", "failed houses [] h2; write houses [] h2"},
			{"DELETE", "/api/features/parks/p1", "", "*", "delete parks [] p1"},
			{"PUT", "/api/collections/parks", `{"geometry":"polygon","fields":[{"name":"name","type":"text","class":"public"}]}`, "", "define parks []"},
			{"PUT", "/api/collections/parks", `{"geometry":"point","fields":[]}`, "", "define parks []; failed parks []"},
			{"POST", "/api/features/houses/h1/erase", `{"fields":["owner"],"reason":"asked for"}`, "*", "erase houses [owner] h1"},
			{"POST", "/api/features/houses/h2/erase", `{"all":true,"reason":"asked for"}`, "*", "erase houses [] h2"},
		} {
			since := c.head()
			who := root
			if q.method == "PUT" || strings.HasSuffix(q.path, "/erase") {
				who = eraser
			}
			c.do(q.method, q.path, q.body, who, "If-Match: "+q.match)
			if got := told(c.news(since)); got != q.want {
				c.Errorf("%s %s: logged %q, want %q", q.method, q.path, got, q.want)
			}
		}
	})
}
