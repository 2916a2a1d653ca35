package finding

import (
	"context"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
)

// Board answers people about findings and rules. It keeps nothing of its own.
type Board struct {
	Store Store
	Zone  *time.Location // the city's, by which days begin; nil: UTC
}

// ListedRule is a rule, and whether it runs.
type ListedRule struct {
	KeptRule
	Waiting error // why it does not run; nil: it does
}

// Rules are the rules, by name; those that a city begins with, where none was written yet.
func (b *Board) Rules(ctx context.Context) ([]ListedRule, error) {
	all, err := collectionsOf(ctx, b.Store)
	if err != nil {
		return nil, err
	}
	rules, err := rulesOf(ctx, b.Store)
	if err != nil {
		return nil, err
	}
	out := make([]ListedRule, len(rules))
	for i, k := range rules {
		out[i] = ListedRule{k, k.Err}
		switch {
		case k.Err != nil:
		case k.Rule.Disabled:
			out[i].Waiting = invalid("disabled", "it is switched off")
		default:
			_, out[i].Waiting = compile(k.Rule, all, catalog.Everything)
		}
	}
	return out, nil
}

// Check reports what is wrong with a rule whose author may name only what the view
// shows, as *catalog.Invalid.
func (b *Board) Check(ctx context.Context, r *Rule, view catalog.View) error {
	all, err := collectionsOf(ctx, b.Store)
	if err != nil {
		return err
	}
	_, err = compile(r, all, view)
	return err
}

// Preview is Try for this board.
func (b *Board) Preview(ctx context.Context, r *Rule, view catalog.View) (*Preview, error) {
	return try(ctx, b.Store, r, view, b.Zone, time.Now())
}

// Decision is what an officer does with a finding.
type Decision struct {
	State    string // "": as it is
	Note     string
	Assigned *string // nil: as it is
}

// maxNote is the longest note, bytes.
const maxNote = 2000

// Decide is a finding after the decision; *catalog.Invalid says what is wrong with it.
func Decide(f Finding, d Decision, by string, now time.Time) (Finding, error) {
	switch {
	case d.State != "" && !slices.Contains([]string{Open, Acknowledged, Resolved, Dismissed}, d.State):
		return f, invalid("state", "want open, acknowledged, resolved or dismissed, got %.40q", d.State)
	case len(d.Note) > maxNote:
		return f, invalid("note", "longer than %d bytes", maxNote)
	case d.Assigned != nil && len(*d.Assigned) > 200:
		return f, invalid("assigned", "longer than 200 bytes")
	case d.State == "" && d.Note == "" && d.Assigned == nil:
		return f, invalid("state", "say a state, a note or whom it is assigned to")
	}
	said := ""
	if d.State != "" && d.State != f.State {
		said, f.State = d.State, d.State
		f.Closed, f.Why = time.Time{}, ""
		if f.closed() {
			f.Closed, f.Why = now, d.Note
		}
	}
	if d.Assigned != nil {
		f.Assigned = *d.Assigned
	}
	f.note(now, by, said, d.Note)
	return f, nil
}

// Row is the finding as a row of findings.
func (f *Finding) Row() catalog.Feature { return f.feature() }

// Words are the titles of what a value of evidence is, in the languages of the
// collection's description, or of the rule's own values.
func (e *Evidence) Words(all map[string]*catalog.Collection) (label catalog.Words, unit string) {
	if c := all[e.Collection]; c != nil {
		if f, ok := c.Field(e.Column); ok && len(f.Title) > 0 {
			return f.Title, f.Unit
		}
		if e.Column == "" {
			return c.Title, ""
		}
	}
	if d, ok := derived[e.Column]; ok {
		return d.title, d.unit
	}
	return callWords(e.Column, all)
}

// callWords are the title of a call, such as sum(property_tax.assessed_m2); a set of
// the rule's own is called by its name.
func callWords(text string, all map[string]*catalog.Collection) (catalog.Words, string) {
	fn, inner, set, field := parts(text)
	c := all[set]
	if fn == "" || c == nil {
		return catalog.Words{"en": text}, ""
	}
	f, ok := c.Field(field)
	if !ok {
		f = nil
	}
	unit := ""
	if f != nil && fn != "count" && fn != "distinct" && fn != "elsewhere" {
		unit = f.Unit
	}
	if inner != "" {
		return titled(fn, c, f), "d"
	}
	return titled(fn, c, f), unit
}

// parts takes fn(set.field), or fn(inner(set.field)), apart.
func parts(text string) (fn, inner, set, field string) {
	arg := text
	for depth := range 2 {
		open := strings.IndexByte(arg, '(')
		if open < 0 || !strings.HasSuffix(arg, ")") {
			break
		}
		if depth == 0 {
			fn = arg[:open]
		} else {
			inner = arg[:open]
		}
		arg = arg[open+1 : len(arg)-1]
	}
	if fn == "" {
		return "", "", "", ""
	}
	set, field, _ = strings.Cut(arg, ".")
	return fn, inner, set, field
}
