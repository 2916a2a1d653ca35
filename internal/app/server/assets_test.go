package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// writtenFeature is what the test reads of the answer to a write.
type writtenFeature struct {
	ID         string
	Properties map[string]any
	Warnings   []struct {
		Kind, ID, From, To string
		Share              float64
	}
}

// TestAssetsOverHTTP draws assets, works and surveys, as the viewer does: an
// inspection moves the next one, what is in the way is told, a plot is measured.
func TestAssetsOverHTTP(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		root := c.name("root")
		write := func(method, path, body string, status int) (w writtenFeature, r reply) {
			t.Helper()
			by := &caller{name: root.name, who: root.who, header: root.header.Clone()}
			if method != http.MethodPost {
				by.header.Set("If-Match", "*")
			}
			r = c.ask(by, method, "/api/features/"+path, body)
			if r.status != status {
				t.Fatalf("%s %s %s: %d %s", method, path, body, r.status, r.body)
			}
			_ = json.Unmarshal(r.body, &w)
			return w, r
		}
		feature := func(geometry, props string) string {
			return `{"type":"Feature","geometry":` + geometry + `,"properties":{` + props + `}}`
		}
		line := func(lat float64) string {
			return fmt.Sprintf(`{"type":"LineString","coordinates":[[72.84,%v],[72.841,%v]]}`, lat, lat)
		}
		drain, _ := write("POST", "networks", feature(line(19.02), `"kind":"storm_drain","depth_m":1.8,"laid":"2020-01-15","ward":"`+wardA+`"`), 201)
		if drain.Properties["due"] != "2021-01-15" {
			t.Errorf("a new drain: %v", drain.Properties)
		}
		// What is entered by hand is held to the collection's description.
		for props, field := range map[string]string{`"depth_m":1`: "kind", `"kind":"canal"`: "kind"} {
			if _, r := write("POST", "networks", feature(line(19.03), props), 422); !strings.Contains(string(r.body), "properties."+field) {
				t.Errorf("%s: %s", props, r.body)
			}
		}
		state := func() string {
			r := c.must(root, http.MethodGet, "/api/features/networks/"+drain.ID, "")
			var w writtenFeature
			if err := json.Unmarshal(r.body, &w); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(w.Properties["inspected"], " ", w.Properties["condition"], " ", w.Properties["due"])
		}
		inspect := func(props string, status int) (writtenFeature, reply) {
			t.Helper()
			return write("POST", "inspections", feature("null", `"of":"networks",`+props), status)
		}
		first, _ := inspect(`"asset":"`+drain.ID+`","date":"2026-03-10","condition":"fair","inspector":"A. Patil"`, 201)
		if got := state(); got != "2026-03-10 fair 2027-03-10" || first.Properties["ward"] != wardA {
			t.Errorf("after an inspection: %s, %v", got, first.Properties)
		}
		second, _ := inspect(`"asset":"`+drain.ID+`","date":"2026-09-01","condition":"poor","next_due":"2026-10-01"`, 201)
		inspect(`"asset":"`+drain.ID+`","date":"2026-01-01","condition":"good"`, 201) // entered late: it changes nothing
		if got := state(); got != "2026-09-01 poor 2026-10-01" {
			t.Errorf("after a second inspection: %s", got)
		}
		write("PATCH", "inspections/"+second.ID, `{"properties":{"next_due":null}}`, 200)
		if got := state(); got != "2026-09-01 poor 2027-09-01" {
			t.Errorf("after a correction: %s", got)
		}
		write("DELETE", "inspections/"+second.ID, "", 204)
		if got := state(); got != "2026-03-10 fair 2027-03-10" {
			t.Errorf("after the second was taken back: %s", got)
		}
		r := c.must(root, http.MethodGet, "/api/assets/networks/"+drain.ID+"/inspections", "")
		if !strings.Contains(string(r.body), `"due":"2027-03-10"`) || strings.Count(string(r.body), `"condition"`) != 2 || strings.Index(string(r.body), "2026-03-10") > strings.Index(string(r.body), "2026-01-01") {
			t.Errorf("inspections: %s", r.body)
		}
		for _, props := range []string{`"asset":"none","date":"2026-01-01","condition":"good"`, `"date":"2026-01-01","condition":"good"`, `"asset":"` + drain.ID + `","condition":"good"`, `"asset":"` + drain.ID + `","date":"2026-01-01","condition":"odd"`} {
			inspect(props, 422)
		}
		eventually(t, "what is overdue is on a list", func() bool {
			r := c.must(root, http.MethodGet, "/api/within?collection=networks&bbox=72,18,74,20&filter="+strings.ReplaceAll("due < DATE('2027-04-01')", " ", "+"), "")
			return strings.Contains(string(r.body), drain.ID)
		})
		c.worksAndSurveys(root, write, feature, line)
	})
}

// worksAndSurveys goes on with what is in each other's way.
func (c *realCity) worksAndSurveys(root *caller, write func(method, path, body string, status int) (writtenFeature, reply), feature func(g, p string) string, line func(float64) string) {
	t := c.t
	t.Helper()
	trench, _ := write("POST", "works", feature(line(19.02), `"name":"Trench for cables","kind":"trench","starts":"2099-01-01","ends":"2099-03-01","status":"planned"`), 201)
	if len(trench.Warnings) != 0 {
		t.Errorf("the only works: %+v", trench.Warnings)
	}
	write("POST", "works", feature(line(19.02), `"kind":"road","starts":"2099-02-01","ends":"2099-01-01"`), 422)
	eventually(t, "the index has the works", func() bool {
		return strings.Contains(string(c.must(root, http.MethodGet, "/api/within?collection=works&bbox=72,18,74,20", "").body), trench.ID)
	})
	road, _ := write("POST", "works", feature(line(19.02003), `"name":"New surface","kind":"road","starts":"2099-02-15"`), 201)
	if w := road.Warnings; len(w) != 1 || w[0].ID != trench.ID || w[0].Kind != "works_overlap" || w[0].From != "2099-02-15" || w[0].To != "2099-03-01" {
		t.Errorf("in the way: %+v", w)
	}
	for _, props := range []string{`"kind":"road","starts":"2099-03-02"`, `"kind":"road","starts":"2099-02-15","status":"cancelled"`} {
		if w, _ := write("POST", "works", feature(line(19.01997), props), 201); len(w.Warnings) > 1 { // the road may be there by now
			t.Errorf("%s: %+v", props, w.Warnings)
		}
	}
	eventually(t, "the pair is listed", func() bool {
		body := string(c.must(root, http.MethodGet, "/api/works/conflicts?bbox=72.8,19,72.9,19.1", "").body)
		return strings.Contains(body, trench.ID) && strings.Contains(body, road.ID) && strings.Contains(body, `"from":"2099-02-15","to":"2099-03-01"`)
	})
	square := func(w float64) string {
		return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%v,19.02],[%v,19.02],[%v,19.03],[%v,19.03],[%v,19.02]]]}`, w, w+.01, w+.01, w, w)
	}
	trees, _ := write("POST", "survey_areas", feature(square(72.84), `"subject":"trees","method":"drone","team":"Green firm","date":"2026-01-10"`), 201)
	if trees.Properties["valid_until"] != "2031-01-10" {
		t.Errorf("good until: %v", trees.Properties)
	}
	eventually(t, "the index has the survey", func() bool {
		return strings.Contains(string(c.must(root, http.MethodGet, "/api/within?collection=survey_areas&bbox=72,18,74,20", "").body), trees.ID)
	})
	if w, _ := write("POST", "survey_areas", feature(square(72.845), `"subject":"trees","date":"2027-01-10"`), 201); len(w.Warnings) != 1 || w.Warnings[0].ID != trees.ID || w.Warnings[0].Share != .5 {
		t.Errorf("surveyed before: %+v", w.Warnings)
	}
	for _, props := range []string{`"subject":"drains","date":"2027-01-10"`, `"subject":"trees","date":"2040-01-10"`} {
		if w, _ := write("POST", "survey_areas", feature(square(72.845), props), 201); len(w.Warnings) != 0 {
			t.Errorf("%s: %+v", props, w.Warnings)
		}
	}
	plot, _ := write("POST", "plots", feature(square(72.84), `"cts_number":"CTS 9"`), 201)
	if body := string(c.must(root, http.MethodGet, "/api/plots/"+plot.ID+"/fsi?asof=2026-01-01", "").body); !strings.Contains(body, `"area_m2":`) {
		t.Errorf("FSI: %s", body)
	}
	bare, _ := write("POST", "plots", feature("null", `"cts_number":"CTS 10"`), 201)
	for path, status := range map[string]int{"/api/plots/none/fsi": 404, "/api/plots/" + plot.ID + "/fsi?asof=x": 400, "/api/plots/" + bare.ID + "/fsi": 422, "/api/plots/" + plot.ID + "/fsi?known=0": 404, "/api/works/conflicts?bbox=1": 400} {
		if r := c.ask(root, http.MethodGet, path, ""); r.status != status {
			t.Errorf("%s: %d %s, want %d", path, r.status, r.body, status)
		}
	}
}
