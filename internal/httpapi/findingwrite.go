package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/internal/access/audit"
	"nagar/internal/registry/finding"
)

const ruleBody = 64 << 10 // bytes

func findingWriteRoutes() []route {
	name := pathParameter("name", "name of the rule", collectionSchema())
	refusals := func(out ...answer) []answer {
		for _, status := range []int{400, 401, 403, 404, 413, 415, 422, 503} {
			out = append(out, problemAnswer(status))
		}
		return out
	}
	rule := &content{text: "The rule (docs/findings.md)", types: []string{typeJSON}, schema: object()}
	made := ok("It was made", typeJSON, object())
	made.status = http.StatusCreated
	return []route{
		{method: http.MethodPost, path: "/api/findings/{id}", id: "decideFinding", tag: "findings", summary: "Say what becomes of a finding: its state, a note, who is at it", write: true, bodyLimit: ruleBody,
			params:  []parameter{pathParameter("id", "id of the finding", textSchema())},
			body:    &content{text: "What is decided", types: []string{typeJSON}, schema: ref("FindingDecision")},
			answers: refusals(ok("The finding as it is now", typeJSON, ref("Finding")), problemAnswer(409)), handle: (*request).decideFinding},
		{method: http.MethodPut, path: "/api/findings/rules/{name}", id: "putFindingRule", tag: "findings", summary: "Make or replace a rule; what it finds appears as soon as the city was judged by it", write: true, bodyLimit: ruleBody,
			params: []parameter{name, headerParameter("If-Match", "ETag of the rule as the caller saw it", textSchema()), headerParameter("If-None-Match", "*: only if there is none", textSchema())},
			body:   rule, answers: refusals(ok("It was replaced", typeJSON, object()), made, problemAnswer(412), problemAnswer(428)), handle: (*request).putFindingRule},
		{method: http.MethodPost, path: "/api/findings/rules/preview", id: "previewFindingRule", tag: "findings", summary: "What a rule would find, in a few seconds: how many, and ten of them", write: true, bodyLimit: ruleBody,
			body: rule, answers: refusals(ok("What it would find", typeJSON, object())), handle: (*request).previewFindingRule},
	}
}

// seesRule reports whether the caller sees the row of the rule.
func (r *request) seesRule(k finding.KeptRule) bool {
	info, ok := r.collection(finding.Rules)
	if !ok || k.Rule == nil {
		return false
	}
	f := k.Rule.Feature()
	return r.seen(&info.Collection, &f)
}

// ruleJSON is a rule as it is answered.
type ruleJSON struct {
	*finding.Rule
	Rev     catalog.Rev `json:"rev"`
	ETag    string      `json:"etag"` // what If-Match of a change takes
	Waiting string      `json:"waiting,omitempty"`
}

func showRule(k *finding.KeptRule, waiting error) ruleJSON {
	out := ruleJSON{Rule: k.Rule, Rev: k.Rev, ETag: ruleTag(k.Rev)}
	var inv *catalog.Invalid
	if errors.As(waiting, &inv) {
		out.Waiting = inv.Path + ": " + inv.Reason
	}
	return out
}

func ruleTag(rev catalog.Rev) string { return featureTag(&catalog.Feature{Rev: rev}, nil) }

// listFindingRules answers GET /api/findings/rules.
func (r *request) listFindingRules() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	info, ok := r.collection(finding.Rules)
	if !ok || !r.view.Sees(&info.Collection) {
		return missing("path", "There are no rules of findings here.")
	}
	kept, err := r.s.cfg.Findings.Rules(r.Request().Context())
	if err != nil {
		return err
	}
	out := []ruleJSON{}
	for i := range kept {
		k := &kept[i]
		if k.Rule != nil && r.seesRule(k.KeptRule) {
			out = append(out, showRule(&k.KeptRule, k.Waiting))
		}
	}
	return r.json(http.StatusOK, map[string]any{"rules": out, "may_write": r.view.Writes(&info.Collection)})
}

// rule reads a rule from the body; what it names must be what the caller sees.
func (r *request) rule(name string) (*finding.Rule, error) {
	body, err := r.body(typeJSON)
	if err != nil {
		return nil, err
	}
	if !json.Valid(body) {
		return nil, newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is not JSON.")
	}
	body, err = withName(body, name)
	if err != nil {
		return nil, rejected(placeError{"rule", "want a JSON object"})
	}
	rule, err := finding.ParseRule(body)
	if err == nil {
		err = r.s.cfg.Findings.Check(r.Request().Context(), rule, r.view)
	}
	return rule, inBody(err)
}

// withName takes out what the answers add to a rule, and adds its name where it
// lacks one, so that what was read can be sent back.
func withName(body []byte, name string) ([]byte, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(body, &doc); err != nil || doc == nil {
		return nil, errors.New("no object")
	}
	for _, added := range []string{"rev", "etag", "waiting"} {
		delete(doc, added)
	}
	if _, there := doc["name"]; !there && name != "" {
		doc["name"], _ = json.Marshal(name) // a text always marshals
	}
	return json.Marshal(doc)
}

// putFindingRule answers PUT /api/findings/rules/{name}.
func (r *request) putFindingRule() error {
	name, err := r.pathParam("name")
	if err != nil {
		return err
	}
	c, err := r.storedCollection(finding.Rules)
	if err != nil {
		return err
	}
	if !r.view.Sees(&c) {
		return missing("path", "There are no rules of findings here.")
	}
	if !r.view.Writes(&c) {
		return forbidden("You may not write rules of findings.")
	}
	id := name
	have, want, err := r.precondition(&c, &id, true)
	if err != nil {
		return err
	}
	rule, err := r.rule(name)
	if err != nil {
		return err
	}
	if rule.Name != name {
		return badParam("name", "the path says %q, the body %q", clip(name), clip(rule.Name))
	}
	f := rule.Feature()
	if err := r.mayWrite(&c, have, &f, true); err != nil {
		return err
	}
	res, err := r.apply(&c, catalog.Op{Kind: catalog.Put, Feature: f, If: &want}, have, "")
	if err != nil {
		return stale(inBody(err))
	}
	status, rev := http.StatusOK, res.Rev
	switch {
	case have == nil:
		status = http.StatusCreated
		r.Response().Header().Set("Location", r.baseURL()+"/api/findings/rules")
	case res.Unchanged > 0:
		rev = have.Rev
	}
	r.revision(res.Rev)
	r.caching()
	r.Response().Header().Set("ETag", ruleTag(rev))
	return r.json(status, showRule(&finding.KeptRule{Name: name, Rule: rule, Rev: rev}, nil))
}

// previewFindingRule answers POST /api/findings/rules/preview.
func (r *request) previewFindingRule() error {
	info, ok := r.collection(finding.Rules)
	if !ok || !r.view.Sees(&info.Collection) {
		return missing("path", "There are no rules of findings here.")
	}
	if !r.view.Writes(&info.Collection) {
		return forbidden("You may not write rules of findings.")
	}
	rule, err := r.rule("preview")
	if err != nil {
		return err
	}
	p, err := r.s.cfg.Findings.Preview(r.Request().Context(), rule, r.view)
	if err != nil {
		return inBody(err)
	}
	p.Read(func(c *catalog.Collection) {
		var fields []string
		for i := range c.Fields {
			if f := &c.Fields[i]; c.ClassOf(f) >= catalog.ClassRestricted && r.view.SeesField(c, f) && strings.Contains(rule.When, f.Name) {
				fields = append(fields, f.Name)
			}
		}
		if len(fields) > 0 {
			r.reads = append(r.reads, audit.Entry{Action: audit.Read, Collection: c.Name, Fields: fields, Count: int64(p.Checked), Detail: "preview of a rule of findings"})
		}
	})
	all := r.descriptions()
	out := struct {
		Count    int           `json:"count"`
		Checked  int           `json:"checked"`
		Of       int           `json:"of"`
		Examples []findingJSON `json:"examples"`
	}{p.Count, p.Checked, p.Of, []findingJSON{}}
	for i := range p.Examples {
		out.Examples = append(out.Examples, showFinding(&p.Examples[i], all))
	}
	r.caching()
	return r.json(http.StatusOK, out)
}

// decideFinding answers POST /api/findings/{id}.
func (r *request) decideFinding() error {
	id, err := r.pathParam("id")
	if err != nil {
		return err
	}
	c, have, err := r.finding(id)
	if err != nil {
		return err
	}
	if _, ok := cql2.SightOf(&c, r.view).Writable(have); !ok {
		return forbidden("You may not decide on this finding.")
	}
	decision, err := r.decision()
	if err != nil {
		return err
	}
	by := r.who.Name
	if by == "" {
		by = r.who.ID
	}
	next, err := finding.Decide(finding.Read(have.ID, have.Geometry, have.Props), decision, by, time.Now())
	if err != nil {
		return inBody(err)
	}
	f := next.Row()
	f.Props = decided(have.Props, f.Props)
	if err := r.mayWrite(&c, have, &f, false); err != nil {
		return err
	}
	res, err := r.apply(&c, catalog.Op{Kind: catalog.Put, Feature: f, If: &have.Rev}, have, "")
	if err != nil {
		return inBody(err)
	}
	r.revision(res.Rev)
	return r.showOneFinding(&c, &f)
}

// decided is the row as it was, but for what a decision changes.
func decided(have, next catalog.Properties) catalog.Properties {
	fields := []string{"state", "closed_at", "closed_month", "closed_why", "assigned", "notes"}
	out := make(catalog.Properties, 0, len(have)+len(fields))
	for _, p := range have {
		if !slices.Contains(fields, p.Name) {
			out = append(out, p)
		}
	}
	for _, name := range fields {
		if v := next.Get(name); !v.IsNull() {
			out = append(out, catalog.Property{Name: name, Value: v})
		}
	}
	return out
}

// decision reads the body of a decision.
func (r *request) decision() (d finding.Decision, err error) {
	body, err := r.body(typeJSON)
	if err != nil {
		return d, err
	}
	var doc struct {
		State    string  `json:"state"`
		Note     string  `json:"note"`
		Assigned *string `json:"assigned"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return d, newProblem(http.StatusBadRequest, "invalid-body", "body", "Want state, note and assigned: "+jsonReason(err))
	}
	return finding.Decision{State: doc.State, Note: doc.Note, Assigned: doc.Assigned}, nil
}
