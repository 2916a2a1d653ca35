package linkage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/internal/registry"
	"nagar/internal/registry/match"
)

// Detail is one review as a caller sees it.
type Detail struct {
	ID         string           `json:"id"`
	Collection string           `json:"collection"`
	State      string           `json:"state"`
	Kind       string           `json:"kind"`
	Why        string           `json:"why,omitempty"`
	Record     RecordDetail     `json:"record"`
	Candidates []StructureBrief `json:"candidates"`
	Decided    *Verdict         `json:"decided"`
	History    []Step           `json:"history"`
	MayDecide  bool             `json:"may_decide"`

	c      *catalog.Collection
	props  catalog.Properties
	briefs []registry.Brief
}

// RecordDetail is the record as the caller sees it.
type RecordDetail struct {
	ID         string            `json:"id"`
	Title      string            `json:"title"`
	Properties registry.Values   `json:"properties"`
	Geometry   registry.Geometry `json:"geometry"`
}

// StructureBrief is a candidate as the caller sees it.
type StructureBrief struct {
	UID      string            `json:"uid"`
	Score    float64           `json:"score"`
	Status   string            `json:"status,omitempty"`
	Name     string            `json:"name,omitempty"`
	Address  string            `json:"address,omitempty"`
	Ward     string            `json:"ward,omitempty"`
	Height   *catalog.Value    `json:"height_m,omitempty"`
	Geometry registry.Geometry `json:"geometry"`
	Reasons  []Reason          `json:"reasons"`
}

// Shown calls fn for every row that the answer has values of.
func (d *Detail) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	fn(d.c, d.Record.ID, d.props)
	for i := range d.briefs {
		d.briefs[i].Shown(fn)
	}
}

// found is a review with its record, as they are stored.
type found struct {
	Review
	c      *catalog.Collection
	roles  *Roles
	record catalog.Feature
	row    *catalog.Feature // of the queue; nil: the record joined by itself
}

// find reads a review whose record the view sees; else it is ErrNotFound.
func (q *Queue) find(ctx context.Context, id string, view catalog.View) (*found, error) {
	none := fmt.Errorf("review %s: %w", id, catalog.ErrNotFound)
	name, record, ok := strings.Cut(id, ".")
	c := q.seen(view)[name]
	if !ok || c == nil {
		return nil, none
	}
	x := &found{c: c, roles: ofRecords(c)}
	row, err := q.store.Feature(ctx, Reviews, id, catalog.At{})
	switch {
	case err == nil:
		x.row, x.Review = &row, reviewOf(&row)
		record = x.Review.Record
	case !errors.Is(err, catalog.ErrNotFound):
		return nil, err
	}
	if x.record, err = q.store.Feature(ctx, name, record, catalog.At{}); errors.Is(err, catalog.ErrNotFound) {
		return nil, none
	} else if err != nil {
		return nil, err
	}
	if !seesLink(c, x.roles, &x.record, view) {
		return nil, none
	}
	if x.row != nil {
		return x, nil
	}
	p, ok := proofOf(x.record.Props.Get(x.roles.Proof))
	u := x.record.Props.Get(x.roles.Link).Str()
	if !ok || p.By != Matching || u == "" {
		return nil, none
	}
	at, _ := time.Parse(time.DateOnly, p.At)
	x.Review = Review{Collection: name, Record: record, State: Joined, Kind: Sure, UID: u, Score: p.Score, Created: at,
		Candidates: []Candidate{{UID: u, Score: p.Score, Reasons: p.Reasons}}, History: []Step{{At: at, By: Matching, Decision: "join", UID: u}}}
	return x, nil
}

// seesLink reports whether the view sees the record, and of which structure it is.
func seesLink(c *catalog.Collection, r *Roles, f *catalog.Feature, view catalog.View) bool {
	sight := cql2.SightOf(c, view)
	shows := sight.Shows(sight.Of(cql2.FeatureRow{Collection: c, Feature: f}))
	return shows[slices.IndexFunc(c.Fields, func(field catalog.Field) bool { return field.Name == r.Link })]
}

// Get returns one review: a row of the queue, or a record that joined by itself.
func (q *Queue) Get(ctx context.Context, id string, view catalog.View) (*Detail, error) {
	x, err := q.find(ctx, id, view)
	if err != nil {
		return nil, err
	}
	return q.show(ctx, id, x, view)
}

func (q *Queue) show(ctx context.Context, id string, x *found, view catalog.View) (*Detail, error) {
	props, _ := cql2.SightOf(x.c, view).See(&x.record)
	d := &Detail{ID: id, Collection: x.Collection, State: x.State, Kind: x.Kind, Why: x.Why, Candidates: []StructureBrief{}, History: x.History, c: x.c, props: props}
	d.Decided = x.verdict()
	if d.History == nil {
		d.History = []Step{}
	}
	title, _ := titleOf(x.c, x.record.ID, props)
	d.Record = RecordDetail{ID: x.record.ID, Title: title, Properties: registry.Values(props)}
	if !x.record.Geometry.IsEmpty() {
		d.Record.Geometry.Geometry = &x.record.Geometry
	}
	d.MayDecide = x.writable(view) == nil
	candidates := x.Candidates
	if v := d.Decided; v != nil && v.UID != "" && !hasCandidate(candidates, v.UID) { // somebody knew better
		candidates = append(candidates, Candidate{UID: v.UID, Reasons: []Reason{}})
	}
	ids := make([]string, len(candidates))
	for i := range candidates {
		ids[i] = candidates[i].UID
	}
	briefs, _, err := q.register.Briefs(ctx, ids, catalog.At{}, view)
	if err != nil {
		return nil, err
	}
	seen := catalog.Feature{ID: x.record.ID, Props: props}
	rec := x.roles.record(x.c.Name, &seen)
	for i := range briefs {
		if b := &briefs[i]; b.Seen() {
			d.Candidates = append(d.Candidates, q.candidate(&candidates[i], b, &rec))
			d.briefs = append(d.briefs, *b)
		}
	}
	return d, nil
}

func hasCandidate(cs []Candidate, u string) bool {
	for i := range cs {
		if cs[i].UID == u {
			return true
		}
	}
	return false
}

// candidate puts the words that the caller may see to the reasons.
func (q *Queue) candidate(c *Candidate, b *registry.Brief, rec *match.Record) StructureBrief {
	out := StructureBrief{UID: b.UID, Score: c.Score, Status: b.Status, Name: b.Name, Address: b.Address, Ward: b.Ward, Reasons: []Reason{}}
	if !b.Height.IsNull() {
		out.Height = &b.Height
	}
	if !b.Geometry.IsEmpty() {
		out.Geometry.Geometry = &b.Geometry
	}
	for _, r := range c.Reasons {
		r.Record = match.Says(q.parser, r.Part, filled(rec.Name), rec.Addresses)
		r.Structure = match.Says(q.parser, r.Part, filled(b.Name), filled(b.Address))
		out.Reasons = append(out.Reasons, r)
	}
	return out
}

func filled(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// writable refuses a caller who may not write the record's link.
func (x *found) writable(view catalog.View) error {
	fields, ok := cql2.SightOf(x.c, view).Writable(&x.record)
	if !ok {
		return &registry.Forbidden{Collection: x.c.Name, ID: x.record.ID}
	}
	for i := range x.c.Fields {
		if x.c.Fields[i].Name == x.roles.Link && !fields[i] {
			return &registry.Forbidden{Collection: x.c.Name, ID: x.record.ID, Field: x.roles.Link}
		}
	}
	return nil
}

// sure counts the records of a collection that joined by themselves, as far as the
// view sees them.
func (q *Queue) sure(ctx context.Context, c *catalog.Collection, view catalog.View) (int, error) {
	r, n := ofRecords(c), 0
	if _, ok := c.Field(r.Proof); !ok {
		return 0, nil
	}
	sight := cql2.SightOf(c, view)
	_, err := q.store.Scan(ctx, catalog.Query{Collection: c.Name}, func(f *catalog.Feature) error {
		if v := f.Props.Get(r.Proof); strings.Contains(v.Str(), `"by":"`+Matching+`"`) && sight.Of(cql2.FeatureRow{Collection: c, Feature: f}) != 0 {
			n++
		}
		return nil
	})
	return n, err
}
