package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// Source says where a value comes from.
type Source struct {
	Collection string      `json:"collection"`
	ID         string      `json:"id"`
	Rev        catalog.Rev `json:"rev"`                  // that recorded it
	Since      *time.Time  `json:"valid_from,omitempty"` // true from then on; nil: no known beginning
}

func sourceOf(f *row) Source {
	s := Source{Collection: f.c.Name, ID: f.ID, Rev: f.Rev}
	if !f.ValidFrom.IsZero() {
		t := f.ValidFrom.UTC()
		s.Since = &t
	}
	return s
}

// Fact is one value that is known of a structure.
type Fact struct {
	Name  string        `json:"name"`
	Value catalog.Value `json:"value"`
	Unit  string        `json:"unit,omitempty"` // UCUM
	Source
}

// Footprint is the outline of a structure, or of a part of it.
type Footprint struct {
	Geometry Geometry `json:"geometry"`
	Source
}

// Alias is another number of a structure.
type Alias struct {
	Scheme string     `json:"scheme"`
	Value  string     `json:"value"`
	Given  string     `json:"source,omitempty"` // by whom, or by what document
	Until  *time.Time `json:"valid_to,omitempty"`
	Source
}

// UnitsSummary is how many units there are, and of what use.
type UnitsSummary struct {
	Count  int            `json:"count"`
	ByUse  map[string]int `json:"by_use,omitempty"`
	ByWing map[string]int `json:"by_wing,omitempty"` // of those that are in one
	Floors int            `json:"floors,omitempty"`  // on which there are units
	AreaM2 float64        `json:"area_m2,omitempty"`
}

// Discovery is a finding about a structure, as far as it is seen.
type Discovery struct {
	Rule     string        `json:"rule"`
	Title    catalog.Words `json:"title"`
	Severity string        `json:"severity"`
	Owner    string        `json:"owner"` // the department that is told
	State    string        `json:"state"`
	Summary  catalog.Words `json:"summary"`
	Found    *time.Time    `json:"found_at,omitempty"`
	Closed   *time.Time    `json:"closed_at,omitempty"`
	Source
}

// Status is where a structure is in its life.
type Status struct {
	Value string `json:"value"`
	// Basis is register where somebody recorded it, survey where it only follows from
	// a footprint that is there, or is there no more.
	Basis string `json:"basis"`
	Source
}

// Structure is one structure as a caller sees it at a moment.
type Structure struct {
	UID          string        `json:"uid"`
	Name         string        `json:"name,omitempty"`
	Status       Status        `json:"status"`
	Rev          catalog.Rev   `json:"rev"`                  // of the latest change of its row or its footprints: what If-Match takes
	Successors   []string      `json:"successors,omitempty"` // of one that is no more: the structures that there are instead
	Predecessors []string      `json:"predecessors,omitempty"`
	Geometry     *Geometry     `json:"geometry"`
	Footprints   []Footprint   `json:"footprints"`
	Facts        []Fact        `json:"facts"`
	Aliases      []Alias       `json:"aliases"`
	Codes        []Code        `json:"codes,omitempty"` // of where it stands: derived, and no identity
	Units        UnitsSummary  `json:"units"`
	Events       []Event       `json:"events"`
	Certificates []Certificate `json:"certificates"`
	Records      []Department  `json:"records"`
	Findings     []Discovery   `json:"findings"`
	Head         catalog.Rev   `json:"-"` // of the snapshot that all of it is of

	shown []row // what the answer is made of
}

// Shown calls fn for every row that the answer has values of.
func (s *Structure) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for i := range s.shown {
		fn(s.shown[i].c, s.shown[i].ID, s.shown[i].Props)
	}
}

// The most rows of one collection that a structure's page lists; Count tells all.
const pageRows = 50

// Structure returns the structure as it was at that moment; now is the city's
// time, by which certificates expire. ErrUnknown: the view never saw one of that UID, or
// not yet at that time.
func (r *Registry) Structure(ctx context.Context, id string, at catalog.At, view catalog.View, now time.Time) (*Structure, error) {
	if !at.AsOf.IsZero() {
		now = at.AsOf
	}
	l, err := r.look(ctx, []string{id}, at, view)
	if err != nil {
		return nil, fmt.Errorf("structure %s: %w", id, err)
	}
	s := &Structure{UID: id, Head: l.rev, Footprints: []Footprint{}, Facts: []Fact{}, Aliases: []Alias{}, Certificates: []Certificate{}, Records: []Department{}, Findings: []Discovery{}}
	s.identity(l)
	if s.Rev == 0 {
		if err := r.gone(ctx, s, at, view); err != nil {
			return nil, err
		}
	}
	s.Events = eventsOf(l.rows[Events])
	s.aliases(l.rows[Aliases])
	s.units(l.rows[Units])
	s.records(l, now)
	s.findings(l.rows[Findings])
	for _, name := range []string{Events, Aliases, Units, Findings} {
		s.shown = append(s.shown, l.rows[name]...)
	}
	_, s.Predecessors = neighbours(id, s.Events)
	if after := heirs(id, s.Events); Ended(s.Status.Value) && len(after) > 0 {
		if s.Successors, err = r.alive(ctx, after, at, view); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// identity fills in what the register's own row and the footprints say.
func (s *Structure) identity(l *look) {
	own, prints := l.rows[Structures], l.rows[Buildings]
	var shapes []geo.Geometry
	known := map[string]bool{"uid": true}
	for _, rows := range [2][]row{own, prints} {
		for i := range rows {
			f := &rows[i]
			s.shown = append(s.shown, *f)
			s.Rev = max(s.Rev, f.Rev)
			if f.Geometry.Type != geo.None && (f.c.Name == Buildings || len(prints) == 0) {
				s.Footprints = append(s.Footprints, Footprint{Geometry{&f.Geometry}, sourceOf(f)})
				shapes = append(shapes, f.Geometry)
			}
			for _, p := range f.Props {
				if known[p.Name] {
					continue
				}
				known[p.Name] = true
				fd, _ := f.c.Field(p.Name)
				s.Facts = append(s.Facts, Fact{p.Name, p.Value, fd.Unit, sourceOf(f)})
			}
		}
	}
	switch len(shapes) {
	case 0:
	case 1:
		s.Geometry = &Geometry{&shapes[0]}
	default:
		s.Geometry = &Geometry{&geo.Geometry{Type: geo.GeometryCollection, Geoms: shapes}}
	}
	if s.Geometry != nil {
		s.Codes = codesOf(s.Geometry.Geometry)
	}
	for _, f := range s.Facts {
		if f.Name == "name" {
			s.Name = f.Value.Str()
		}
	}
	if len(own) > 0 && own[0].text("status") != "" {
		s.Status = Status{own[0].text("status"), "register", sourceOf(&own[0])}
	} else if len(prints) > 0 {
		s.Status = Status{InUse, "survey", sourceOf(&prints[0])}
	} else if len(own) > 0 { // it is known, and its status is not seen
		s.Status = Status{"", "register", sourceOf(&own[0])}
	}
}

// gone fills in what is known of a structure that was there once: its footprint
// has ended, and nobody recorded why.
func (r *Registry) gone(ctx context.Context, s *Structure, at catalog.At, view catalog.View) error {
	var last *row
	err := r.ever(ctx, []string{s.UID}, view, func(f row) {
		later := !at.AsOf.IsZero() && f.ValidFrom.After(at.AsOf) || at.Known != 0 && f.Rev > at.Known
		if !later && (last == nil || f.Rev > last.Rev) {
			last = &f
		}
	})
	if err != nil {
		return fmt.Errorf("structure %s: %w", s.UID, err)
	}
	if last == nil {
		return fmt.Errorf("structure %s: %w", s.UID, ErrUnknown)
	}
	s.Status, s.Rev = Status{Retired, "survey", sourceOf(last)}, last.Rev
	s.shown = append(s.shown, *last)
	return nil
}

func (s *Structure) aliases(rows []row) {
	for i := range rows {
		f := &rows[i]
		a := Alias{Scheme: f.text("scheme"), Value: f.text("value"), Given: f.text("source"), Source: sourceOf(f)}
		if !f.ValidTo.IsZero() {
			t := f.ValidTo.UTC()
			a.Until = &t
		}
		s.Aliases = append(s.Aliases, a)
	}
}

func (s *Structure) units(rows []row) {
	var floors []string
	for i := range rows {
		f := &rows[i]
		s.Units.Count++
		if use := f.text("use"); use != "" {
			if s.Units.ByUse == nil {
				s.Units.ByUse = map[string]int{}
			}
			s.Units.ByUse[use]++
		}
		if wing := f.text("wing"); wing != "" {
			if s.Units.ByWing == nil {
				s.Units.ByWing = map[string]int{}
			}
			s.Units.ByWing[wing]++
		}
		s.Units.AreaM2 += f.Props.Get("area_m2").Float()
		if floor := f.text("floor"); floor != "" && !slices.Contains(floors, floor) {
			floors = append(floors, floor)
		}
	}
	s.Units.Floors = len(floors)
}

// findings fills in what does not agree about the structure.
func (s *Structure) findings(rows []row) {
	instant := func(v catalog.Value) *time.Time {
		if v.IsNull() {
			return nil
		}
		t := v.AsTime()
		return &t
	}
	for i := range rows {
		f := &rows[i]
		d := Discovery{
			Rule: f.text("rule"), Severity: f.text("severity"), Owner: f.text("owner"), State: f.text("state"), Title: catalog.Words{}, Summary: catalog.Words{},
			Found: instant(f.Props.Get("found_at")), Closed: instant(f.Props.Get("closed_at")), Source: sourceOf(f),
		}
		for lang, suffix := range map[string]string{"en": "", "mr": "_mr", "hi": "_hi"} {
			if t := f.text("title" + suffix); t != "" {
				d.Title[lang] = t
			}
			if t := f.text("summary" + suffix); t != "" {
				d.Summary[lang] = t
			}
		}
		s.Findings = append(s.Findings, d)
	}
}
