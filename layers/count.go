package layers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// CountRequest asks how many features there are in a place, as in WithinRequest,
// or, where none is given, in all; and, with By, how many of each value of a field.
type CountRequest struct {
	Collection string
	Box        *geo.Box
	Polygon    *geo.Geometry
	Around     *geo.Geometry
	Distance   float64
	Filter     string // CQL2 text
	By         string // a field that the view sees, of any type but JSON; "": none
	View       catalog.View
	At         catalog.At
	Limit      int    // groups, 1 to MaxLimit; 0: 100
	After      string // Counts.Next of the page before
}

// Counts are how many of the features that the view sees were asked for. Where the
// collection, or a field that the request reads, is classified restricted or
// personal, numbers below View.MinGroup are withheld, see withhold.
type Counts struct {
	Count    int     // all together
	Withheld bool    // Count is not told
	Groups   []Group // with By: by falling count, then by value
	// Of the groups that are withheld: how many, and how many features they have
	// together, which is no less than MinGroup; MinGroup is 0 where none applies.
	GroupsWithheld, CountWithheld, MinGroup int

	Next    string // cursor of the next groups; "" when these are the last
	Rev     catalog.Rev
	Carried []Carried // at most one: what the numbers tell of
}

// Group is how many features have a value; Null: it has none, or one that the view
// does not show.
type Group struct {
	Value catalog.Value
	Count int
}

// Count counts features, on columns. Groups of one request are those of one
// revision; those of the next page may be of a later one.
func (e *Engine) Count(ctx context.Context, r CountRequest) (*Counts, error) {
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	from, err := readGroupCursor(r.After)
	if err != nil {
		return nil, err
	}
	place, err := placeOf(r.Box, r.Polygon, r.Around, r.Distance)
	if err != nil {
		return nil, err
	}
	q, err := e.open(ctx, r.Collection, r.View, r.Filter, r.At, place.past)
	if err != nil {
		return nil, err
	}
	defer q.close()
	by, err := fieldOf(&q.c.info, r.View, r.By)
	if err != nil {
		return nil, err
	}
	load := q.c.snap.Len()
	if !place.all() {
		load = q.c.snap.Count(place.area, bigLoad)
	}
	if err := q.enter(load); err != nil {
		return nil, err
	}
	q.look()
	t := tally{by: by, snap: q.c.snap, lens: q.lens}
	if err := q.count(ctx, &place, &t); err != nil {
		return nil, err
	}
	out := &Counts{Count: t.all, Groups: t.groups(), Rev: q.rev}
	if fields := guardedBy(&q.c.info, by, q.filter); fields != nil {
		out.Carried = []Carried{{Collection: q.c.info.Name, Fields: fields, Count: t.all, Box: place.carriedBox(q.c.snap)}}
		out.withhold(r.View.MinGroup())
	}
	out.page(from, limit)
	return out, nil
}

// count gives every feature that was asked for to the tally.
func (q *openQuery) count(ctx context.Context, p *place, t *tally) error {
	asked := 0
	one := func(ref index.Ref) bool {
		if asked++; asked%cancelEvery == 0 && ctx.Err() != nil {
			return false
		}
		if q.filter == nil || q.filter.accepts(q.c.snap, ref) {
			t.add(ref)
		}
		return true
	}
	if p.all() {
		if q.filter == nil && t.by < 0 {
			t.all = q.c.snap.Len()
			return nil
		}
		q.c.snap.All(one)
		return ctx.Err()
	}
	for _, ref := range p.search(&q.find, q.c.snap) {
		if _, met := p.meets(q.c.snap.Segment(ref.Part), ref.Handle, &q.shape); met && !one(ref) {
			break
		}
	}
	return ctx.Err()
}

// carriedBox is where the features that were counted lie, degrees.
func (p *place) carriedBox(s *index.Snapshot) geo.Box {
	b := s.Box()
	if !p.all() {
		b = geo.GridBox{MinX: max(b.MinX, p.area.MinX), MinY: max(b.MinY, p.area.MinY), MaxX: min(b.MaxX, p.area.MaxX), MaxY: min(b.MaxY, p.area.MaxY)}
	}
	if b.IsEmpty() {
		return geo.EmptyBox()
	}
	return b.Box()
}

// fieldOf is the place of a field to group by; -1 for none.
func fieldOf(c *catalog.Collection, v catalog.View, name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	i := slices.IndexFunc(c.Fields, func(f catalog.Field) bool { return f.Name == name })
	if i < 0 || !v.SeesField(c, &c.Fields[i]) {
		return 0, &catalog.Invalid{Path: "by", Reason: fmt.Sprintf("%s has no field %.40q", c.Name, name)}
	}
	if c.Fields[i].Type == catalog.TypeJSON {
		return 0, &catalog.Invalid{Path: "by", Reason: name + " is of type json, which has no groups"}
	}
	return i, nil
}

// guardedBy are the names of what a count tells of that is restricted or personal;
// nil: nothing.
func guardedBy(c *catalog.Collection, by int, f *filter) []string {
	var out []string
	for i := range c.Fields {
		field := &c.Fields[i]
		read := i == by || f != nil && f.asked != nil && slices.Contains(f.asked.Fields(), field.Name)
		if read && c.ClassOf(field) >= catalog.ClassRestricted {
			out = append(out, field.Name)
		}
	}
	if c.Class >= catalog.ClassRestricted {
		out = append(out, catalog.GeometryField)
	}
	return out
}

// tally counts features by the codes of dictionaries, and by values where these are
// kept per feature.
type tally struct {
	by    int // field, or -1
	snap  *index.Snapshot
	lens  *lens
	all   int
	codes [][]int // by part and code
	other map[catalog.Value]int
}

func (t *tally) add(r index.Ref) {
	t.all++
	if t.by < 0 {
		return
	}
	if t.other == nil {
		t.codes, t.other = make([][]int, t.snap.Parts()), map[catalog.Value]int{}
	}
	seg := t.snap.Segment(r.Part)
	shown := t.lens.showing(r)
	switch {
	case t.by >= seg.NumColumns(), shown != nil && !shown[t.by]:
		t.other[catalog.Null]++
	case seg.Column(t.by).Plain():
		t.other[seg.Value(r.Handle, t.by)]++
	default:
		col := seg.Column(t.by)
		if t.codes[r.Part] == nil {
			t.codes[r.Part] = make([]int, col.Size()+1)
		}
		t.codes[r.Part][col.Code(r.Handle)]++
	}
}

// groups are the groups, in order.
func (t *tally) groups() []Group {
	for part, counts := range t.codes {
		for code, n := range counts {
			switch {
			case n == 0:
			case code == 0:
				t.other[catalog.Null] += n
			default:
				t.other[t.snap.Segment(int32(part)).Column(t.by).EntryValue(uint32(code))] += n
			}
		}
	}
	out := make([]Group, 0, len(t.other))
	for v, n := range t.other {
		if v.Type() == catalog.TypeText { // it is the segment's
			v = catalog.Text(strings.Clone(v.Str()))
		}
		out = append(out, Group{v, n})
	}
	slices.SortFunc(out, func(a, b Group) int {
		if c := cmp.Compare(b.Count, a.Count); c != 0 {
			return c
		}
		return compareValues(a.Value, b.Value)
	})
	return out
}

// compareValues orders values of one type; null is the last.
func compareValues(a, b catalog.Value) int {
	if a.IsNull() || b.IsNull() {
		return cmp.Compare(a.Type(), b.Type()) * -1
	}
	if c := cmp.Compare(a.Float(), b.Float()); c != 0 {
		return c
	}
	if c := a.AsTime().Compare(b.AsTime()); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Int(), b.Int()), cmp.Compare(a.Str(), b.Str()))
}
