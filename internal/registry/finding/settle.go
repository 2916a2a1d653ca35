package finding

import (
	"encoding/json"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// Finding is a row of findings.
type Finding struct {
	ID       string
	Rule     string
	Severity string
	Owner    string
	UID      string // "" of a record without a structure
	Ward     string
	State    string
	Title    catalog.Words
	Summary  catalog.Words
	Found    time.Time
	Closed   time.Time // zero: it is not
	Why      string    // it was closed
	Assigned string
	Subject  string // UID, or collection/id of a record
	Cause    string // "": it has ended
	Evidence []Evidence
	Notes    []Note
	Place    geo.Geometry
	Rev      catalog.Rev
}

// Note is what somebody, or the keeper, did with a finding.
type Note struct {
	At    time.Time `json:"at"`
	By    string    `json:"by"`
	State string    `json:"state,omitempty"`
	Text  string    `json:"note,omitempty"`
}

// maxNotes is how many notes a finding keeps, the latest.
const maxNotes = 100

func (f *Finding) note(at time.Time, by, state, text string) {
	f.Notes = append(slices.Clone(f.Notes), Note{at.UTC().Truncate(time.Second), by, state, text})
	if n := len(f.Notes); n > maxNotes {
		f.Notes = f.Notes[n-maxNotes:]
	}
}

// closed reports whether nobody needs to look at it.
func (f *Finding) closed() bool { return f.State == Resolved || f.State == Dismissed }

var languages = [...]struct{ code, suffix string }{{"en", ""}, {"mr", "_mr"}, {"hi", "_hi"}}

func month(t time.Time) catalog.Value { return catalog.Text(t.UTC().Format("2006-01")) }

// feature is the finding as the store keeps it.
func (f *Finding) feature() catalog.Feature {
	p := catalog.Properties{}
	text := func(name, s string) {
		if s != "" {
			p = append(p, catalog.Property{Name: name, Value: catalog.Text(s)})
		}
	}
	for _, v := range [...][2]string{{"rule", f.Rule}, {"severity", f.Severity}, {"owner", f.Owner}, {"uid", f.UID}, {"ward", f.Ward}, {"state", f.State},
		{"closed_why", f.Why}, {"assigned", f.Assigned}, {"subject", f.Subject}, {"cause", f.Cause}} {
		text(v[0], v[1])
	}
	for _, l := range languages {
		text("title"+l.suffix, f.Title[l.code])
		text("summary"+l.suffix, f.Summary[l.code])
	}
	p = append(p, catalog.Property{Name: "found_at", Value: catalog.Time(f.Found)}, catalog.Property{Name: "found_month", Value: month(f.Found)})
	if !f.Closed.IsZero() {
		p = append(p, catalog.Property{Name: "closed_at", Value: catalog.Time(f.Closed)}, catalog.Property{Name: "closed_month", Value: month(f.Closed)})
	}
	list := func(name string, v any, n int) {
		if b, err := json.Marshal(v); err == nil && n > 0 { // texts and numbers always marshal
			p = append(p, catalog.Property{Name: name, Value: catalog.JSON(string(b))})
		}
	}
	list("evidence", f.Evidence, len(f.Evidence))
	list("notes", f.Notes, len(f.Notes))
	return catalog.Feature{ID: f.ID, Geometry: f.Place, Props: p}
}

// Read is the finding that a row of findings says; what its properties lack, because
// they are cut to what somebody sees, is empty.
func Read(id string, place geo.Geometry, p catalog.Properties) Finding {
	text := func(name string) string { return p.Get(name).Str() }
	f := Finding{
		ID: id, Rule: text("rule"), Severity: text("severity"), Owner: text("owner"), UID: text("uid"), Ward: text("ward"), State: text("state"),
		Why: text("closed_why"), Assigned: text("assigned"), Subject: text("subject"), Cause: text("cause"), Place: place,
		Found: p.Get("found_at").AsTime(), Closed: p.Get("closed_at").AsTime(), Title: catalog.Words{}, Summary: catalog.Words{},
	}
	for _, l := range languages {
		if s := text("title" + l.suffix); s != "" {
			f.Title[l.code] = s
		}
		if s := text("summary" + l.suffix); s != "" {
			f.Summary[l.code] = s
		}
	}
	_ = json.Unmarshal([]byte(text("evidence")), &f.Evidence) // what somebody else wrote there is not ours
	_ = json.Unmarshal([]byte(text("notes")), &f.Notes)
	return f
}

// Why a finding closes by itself.
const (
	whyEnded     = "It is no longer so."
	whyWithdrawn = "The rule was withdrawn."
	whyChanged   = "What it rests on has changed."
	whyAgain     = "It is so again."
)

// settle is what becomes of a finding, nil where there is none yet, when its rule
// holds, or with a nil hit holds no more; false: it stays as it is.
func settle(have *Finding, h *hit, now time.Time, why string) (next Finding, changed bool) {
	switch {
	case have == nil:
		next = Finding{ID: h.id, State: Open, Found: now}
		next.tell(h)
		return next, true
	case h == nil:
		if have.Cause == "" {
			return *have, false
		}
		next = *have
		next.Cause = ""
		if !have.closed() {
			next.State, next.Closed, next.Why = Resolved, now, why
			next.note(now, Author, Resolved, why)
		}
		return next, true
	}
	next = *have
	next.tell(h)
	if have.Cause == h.cause {
		next.Evidence, next.Place = have.Evidence, have.Place
		if h.rule.timed {
			next.Summary = have.Summary // days pass, the cause stays
		}
		return next, next.Severity != have.Severity || next.Owner != have.Owner || next.Ward != have.Ward || next.UID != have.UID ||
			!sameWords(next.Title, have.Title) || !sameWords(next.Summary, have.Summary)
	}
	if have.State != Open {
		said := whyChanged
		if have.Cause == "" {
			said = whyAgain
		}
		next.State, next.Closed, next.Why = Open, time.Time{}, ""
		next.note(now, Author, Open, said)
	}
	return next, true
}

func sameWords(a, b catalog.Words) bool {
	for _, l := range languages {
		if a[l.code] != b[l.code] {
			return false
		}
	}
	return true
}

// tell takes over what the rule says now.
func (f *Finding) tell(h *hit) {
	f.Rule, f.Severity, f.Owner, f.Title = h.rule.Name, h.rule.Severity, h.rule.Owner, h.rule.Title
	f.UID, f.Ward, f.Subject, f.Place = h.uid, h.ward, h.subject, h.place
	f.Summary, f.Evidence, f.Cause = h.summary, h.evidence, h.cause
}
