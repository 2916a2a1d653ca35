package httpapi

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/geo/geojson"
	"nagar/internal/access/audit"
	"nagar/internal/registry/finding"
	"nagar/layers"
)

// findingFilters are the parameters that choose findings, with the field of each.
var findingFilters = []string{"rule", "state", "severity", "ward", "owner", "uid"}

func findingRoutes() []route {
	var chosen []parameter
	for _, name := range findingFilters {
		chosen = append(chosen, queryParameter(name, "only of this "+name+"; several with commas between", lengthSchema(maxSearch)))
	}
	chosen = append(chosen, bboxParameter())
	answers := func(a ...answer) []answer {
		return append(a, notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503))
	}
	return []route{
		{method: http.MethodGet, path: "/api/findings", id: "listFindings", tag: "findings", summary: "What does not agree between the departments' records and the structures, the latest first",
			params: append(slices.Clone(chosen), limitParameter("limit"), cursorParameter(), minrevParameter(),
				queryParameter("sort", "by which of these, with - before it the greatest or latest first; left out: -found_at", schema{"type": "string", "enum": findingSorts}),
				queryParameter("format", "csv for a table", schema{"type": "string", "enum": []string{"json", "csv"}})),
			answers: answers(ok("A page of them", typeJSON, ref("Findings"))), handle: (*request).listFindings},
		{method: http.MethodGet, path: "/api/findings/{id}", id: "getFinding", tag: "findings", summary: "One finding",
			params:  []parameter{pathParameter("id", "id of the finding", textSchema()), minrevParameter()},
			answers: answers(ok("The finding", typeJSON, ref("Finding"))), handle: (*request).getFinding},
		{method: http.MethodGet, path: "/api/findings/summary", id: "sumFindings", tag: "findings", summary: "How many there are by rule and state, by ward, and by month",
			params: append(slices.Clone(chosen), minrevParameter()), answers: answers(ok("The numbers", typeJSON, object())), handle: (*request).sumFindings},
		{method: http.MethodGet, path: "/api/findings/rules", id: "listFindingRules", tag: "findings", summary: "The rules that find them, and whether each runs",
			answers: answers(ok("The rules", typeJSON, object())), handle: (*request).listFindingRules},
	}
}

// findingSorts are what findings can be listed by.
var findingSorts = []string{"found_at", "-found_at", "severity", "-severity", "ward", "-ward", "rule", "-rule", "state", "-state"}

// findingOrder reads the order of a list.
func (r *request) findingOrder(q *layers.ListRequest) error {
	s, err := r.param("sort")
	if err != nil {
		return err
	}
	if s == "" {
		s = "-found_at"
	}
	if !slices.Contains(findingSorts, s) {
		return badParam("sort", "want one of %s", strings.Join(findingSorts, ", "))
	}
	q.By = strings.TrimPrefix(s, "-")
	if q.Rising = q.By == s; q.By == "severity" {
		q.Ranks = finding.Severities
	}
	return nil
}

// getFinding answers GET /api/findings/{id}.
func (r *request) getFinding() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	id, err := r.pathParam("id")
	if err != nil {
		return err
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	c, have, err := r.finding(id)
	if err != nil {
		return err
	}
	return r.showOneFinding(&c, have)
}

// finding reads one that the caller sees.
func (r *request) finding(id string) (c catalog.Collection, have *catalog.Feature, err error) {
	if c, err = r.storedCollection(finding.Findings); err != nil {
		return c, nil, err
	}
	unknown := missing("id", "There is no finding %q.", clip(id))
	if !r.view.Sees(&c) {
		return c, nil, unknown
	}
	if have, err = r.current(r.Request().Context(), c.Name, id); err == nil && (have == nil || !r.seen(&c, have)) {
		err = unknown
	}
	return c, have, err
}

// showOneFinding answers with what the caller sees of it.
func (r *request) showOneFinding(c *catalog.Collection, f *catalog.Feature) error {
	seen := r.cut(c, f)
	shown := finding.Read(f.ID, f.Geometry, seen.Props)
	r.carriesFeature(c, f.ID, seen.Props)
	r.caching()
	return r.json(http.StatusOK, showFinding(&shown, r.descriptions()))
}

// findingJSON is a finding as it is answered.
type findingJSON struct {
	ID        string         `json:"id"`
	Rule      string         `json:"rule"`
	Title     catalog.Words  `json:"title"`
	Severity  string         `json:"severity"`
	Owner     string         `json:"owner"`
	UID       string         `json:"uid,omitempty"`
	Ward      string         `json:"ward,omitempty"`
	State     string         `json:"state"`
	Summary   catalog.Words  `json:"summary"`
	Found     *time.Time     `json:"found_at"`
	Closed    *time.Time     `json:"closed_at"`
	Why       string         `json:"closed_why,omitempty"`
	Evidence  []evidenceJSON `json:"evidence"`
	Longitude *float64       `json:"lon,omitempty"`
	Latitude  *float64       `json:"lat,omitempty"`
	Assigned  string         `json:"assigned,omitempty"`
	Notes     []finding.Note `json:"notes"`
}

type evidenceJSON struct {
	Label      catalog.Words   `json:"label"`
	Value      json.RawMessage `json:"value,omitempty"`
	Unit       string          `json:"unit,omitempty"`
	Source     string          `json:"source,omitempty"` // the department that owns the collection
	Date       string          `json:"date,omitempty"`
	Collection string          `json:"collection,omitempty"`
	ID         string          `json:"id,omitempty"`
}

// described are the collections that the caller sees, by name.
func (r *request) descriptions() map[string]*catalog.Collection {
	infos := r.s.cfg.Engine.Collections()
	all := make(map[string]*catalog.Collection, len(infos))
	for i := range infos {
		if r.view.Sees(&infos[i].Collection) {
			all[infos[i].Name] = &infos[i].Collection
		}
	}
	return all
}

func showFinding(f *finding.Finding, all map[string]*catalog.Collection) findingJSON {
	out := findingJSON{
		ID: f.ID, Rule: f.Rule, Title: f.Title, Severity: f.Severity, Owner: f.Owner, UID: f.UID, Ward: f.Ward, State: f.State, Summary: f.Summary,
		Found: moments(f.Found), Closed: moments(f.Closed), Why: f.Why, Assigned: f.Assigned, Notes: f.Notes, Evidence: []evidenceJSON{},
	}
	if f.Place.Type == geo.Point {
		out.Longitude, out.Latitude = &f.Place.Coords[0], &f.Place.Coords[1]
	}
	if out.Notes == nil {
		out.Notes = []finding.Note{}
	}
	for i := range f.Evidence {
		e := &f.Evidence[i]
		x := evidenceJSON{Value: e.Value, Date: e.Since, Collection: e.Collection, ID: e.ID}
		x.Label, x.Unit = e.Words(all)
		if c := all[e.Collection]; c != nil {
			x.Source = c.Owner
		}
		out.Evidence = append(out.Evidence, x)
	}
	return out
}

// findingQuestion reads which findings are asked for: as a filter, and where.
func (r *request) findingQuestion() (filter string, box *geo.Box, err error) {
	if err := r.s.ready(); err != nil {
		return "", nil, err
	}
	if info, ok := r.collection(finding.Findings); !ok || !r.view.Sees(&info.Collection) {
		return "", nil, missing("path", "There are no findings here.")
	}
	var parts []string
	for _, name := range findingFilters {
		s, err := r.clean(name)
		if err != nil {
			return "", nil, err
		}
		if s == "" {
			continue
		}
		var values []string
		for v := range strings.SplitSeq(s, ",") {
			q, ok := cql2.Quote(strings.TrimSpace(v))
			if !ok {
				return "", nil, badParam(name, "want plain text, got %q", clip(v))
			}
			values = append(values, q)
		}
		parts = append(parts, name+" IN ("+strings.Join(values, ",")+")")
	}
	if box, err = r.bbox("bbox"); err != nil {
		return "", nil, err
	}
	return strings.Join(parts, " AND "), box, r.awaitRevision()
}

// listFindings answers GET /api/findings.
func (r *request) listFindings() error {
	filter, box, err := r.findingQuestion()
	if err != nil {
		return err
	}
	limit, err := r.limit()
	if err != nil {
		return err
	}
	after, err := r.text("after", maxCursor)
	if err != nil {
		return err
	}
	table, err := r.wantsTable()
	if err != nil {
		return err
	}
	ctx, engine := r.Request().Context(), r.s.cfg.Engine
	q := layers.ListRequest{Collection: finding.Findings, Filter: filter, Box: box, View: r.view, Limit: limit, After: after}
	if err := r.findingOrder(&q); err != nil {
		return err
	}
	answer, err := engine.List(ctx, q)
	if err != nil {
		return queryError(err)
	}
	defer answer.Release()
	list, err := readFindings(answer.Features)
	if err != nil {
		return err
	}
	n, err := engine.Count(ctx, layers.CountRequest{Collection: finding.Findings, Filter: filter, Box: box, View: r.view})
	if err != nil {
		return queryError(err)
	}
	r.revision(answer.Rev)
	r.carries(audit.Read, answer.Carried)
	next := ""
	if answer.Next != "" {
		next = r.nextURL(answer.Next)
		r.Response().Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	all := r.descriptions()
	out := make([]findingJSON, len(list))
	for i := range list {
		out[i] = showFinding(&list[i], all)
	}
	if table {
		return r.findingTable(out)
	}
	body := struct {
		Findings []findingJSON `json:"findings"`
		Total    *int          `json:"total"` // null: too few to tell
		Next     string        `json:"next,omitempty"`
	}{out, &n.Count, next}
	if n.Withheld {
		body.Total = nil
	}
	return r.json(http.StatusOK, body)
}

// wantsTable reports whether the answer is to be CSV.
func (r *request) wantsTable() (bool, error) {
	format, err := r.param("format")
	if err != nil {
		return false, err
	}
	switch format {
	case "csv":
		return true, nil
	case "json":
		return false, nil
	case "":
		accept, _ := r.accept()
		return strings.HasPrefix(strings.TrimSpace(accept), "text/csv"), nil
	}
	return false, badParam("format", "want json or csv, got %q", clip(format))
}

// findingTable answers the findings as CSV (RFC 4180), for spreadsheets.
func (r *request) findingTable(list []findingJSON) error {
	lang := r.Request().Header.Get("Accept-Language")
	lang = lang[:min(2, len(lang))]
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write([]string{"id", "rule", "title", "severity", "department", "uid", "ward", "state", "summary", "found_at", "closed_at", "assigned", "lon", "lat"}) // a Builder takes all
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	degrees := func(v *float64) string {
		if v == nil {
			return ""
		}
		return string(catalog.AppendJSONFloat(nil, *v))
	}
	for i := range list {
		f := &list[i]
		row := []string{f.ID, f.Rule, f.Title.In(lang), f.Severity, f.Owner, f.UID, f.Ward, f.State, f.Summary.In(lang), at(f.Found), at(f.Closed), f.Assigned, degrees(f.Longitude), degrees(f.Latitude)}
		for k, s := range row {
			if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) && k < 12 { // a spreadsheet would reckon it
				row[k] = "'" + s
			}
		}
		_ = w.Write(row)
	}
	w.Flush()
	r.Response().Header().Set("Content-Disposition", `attachment; filename="findings.csv"`)
	return r.send(http.StatusOK, "text/csv; charset=utf-8", []byte(b.String()))
}

// readFindings reads what the engine answered.
func readFindings(features []byte) ([]finding.Finding, error) {
	var docs []struct {
		ID         string                     `json:"id"`
		Geometry   json.RawMessage            `json:"geometry"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(features, &docs); err != nil {
		return nil, err
	}
	out := make([]finding.Finding, len(docs))
	for i := range docs {
		d := &docs[i]
		var place geo.Geometry
		if len(d.Geometry) > 0 && d.Geometry[0] == '{' {
			var err error
			if place, _, err = geojson.DecodeGeometry(d.Geometry); err != nil {
				return nil, err
			}
		}
		out[i] = finding.Read(d.ID, place, textProperties(d.Properties))
	}
	return out, nil
}

// textProperties are the properties of a finding from their JSON.
func textProperties(in map[string]json.RawMessage) catalog.Properties {
	p := make(catalog.Properties, 0, len(in))
	for name, raw := range in {
		v := catalog.JSON(string(raw))
		var s string
		if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
			v = catalog.Text(s)
			if t, err := time.Parse(time.RFC3339Nano, s); err == nil && strings.HasSuffix(name, "_at") {
				v = catalog.Time(t)
			}
		}
		p = append(p, catalog.Property{Name: name, Value: v})
	}
	return p
}
