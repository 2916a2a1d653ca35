package registry

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

// row is a feature as the caller sees it: Props hold what their view shows.
type row struct {
	catalog.Feature
	c *catalog.Collection
}

// text is the value of a text field, "" when it is null or not seen.
func (f *row) text(field string) string { return f.Props.Get(field).Str() }

// look is what a caller sees of some structures at a moment, by collection.
type look struct {
	rev  catalog.Rev
	rows map[string][]row
	all  []*catalog.Collection // that the caller sees, by name
}

// LinkTo is the field of a collection by which its rows name a structure; nil: none.
func LinkTo(c *catalog.Collection) *catalog.Field {
	for i := range c.Fields {
		f := &c.Fields[i]
		if f.Link == Structures || c.Name == Structures && f.Name == "uid" && f.Findable() {
			return f
		}
	}
	return nil
}

// look reads every row about the structures that the view sees, or those of the
// named collections only. A row whose link the caller does not see is not about
// any structure, to them.
func (r *Registry) look(ctx context.Context, uids []string, at catalog.At, view catalog.View, only ...string) (*look, error) {
	all, err := r.collections(ctx)
	if err != nil {
		return nil, err
	}
	out := &look{rows: map[string][]row{}}
	var queries []catalog.Query
	var from []*catalog.Collection
	for _, c := range all {
		if !view.Sees(c) {
			continue
		}
		out.all = append(out.all, c)
		link := LinkTo(c)
		if link == nil || !view.SeesField(c, link) || len(only) > 0 && !slices.Contains(only, c.Name) {
			continue
		}
		from = append(from, c)
		queries = append(queries, catalog.Query{Collection: c.Name, At: at, Match: &catalog.Match{Field: link.Name, Values: uids}})
	}
	out.rev, err = r.store.ScanAll(ctx, queries, func(i int, f *catalog.Feature) error {
		if seen, ok := seenRow(from[i], view, f); ok && !seen.Props.Get(queries[i].Match.Field).IsNull() {
			out.rows[from[i].Name] = append(out.rows[from[i].Name], seen)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, rows := range out.rows {
		slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.ID, b.ID) })
	}
	return out, nil
}

// seenRow is the feature as the view shows it, false when it does not.
func seenRow(c *catalog.Collection, view catalog.View, f *catalog.Feature) (row, bool) {
	props, ok := cql2.SightOf(c, view).See(f)
	out := row{Feature: *f, c: c}
	out.Props = props
	return out, ok
}

// ever reads every version that was ever recorded of the structures in the two
// collections that make the register.
func (r *Registry) ever(ctx context.Context, uids []string, view catalog.View, fn func(row)) error {
	all, err := r.collections(ctx)
	if err != nil {
		return err
	}
	var queries []catalog.Query
	var from []*catalog.Collection
	for _, c := range all {
		link := LinkTo(c)
		if c.Name != Buildings && c.Name != Structures || link == nil || !view.Sees(c) || !view.SeesField(c, link) {
			continue
		}
		from = append(from, c)
		queries = append(queries, catalog.Query{Collection: c.Name, Ever: true, Match: &catalog.Match{Field: link.Name, Values: uids}})
	}
	_, err = r.store.ScanAll(ctx, queries, func(i int, f *catalog.Feature) error {
		if seen, ok := seenRow(from[i], view, f); ok && !seen.Props.Get(queries[i].Match.Field).IsNull() {
			fn(seen)
		}
		return nil
	})
	return err
}

// day is a date as it is written.
func day(v catalog.Value) string {
	if v.IsNull() {
		return ""
	}
	return strings.Trim(v.String(), `"`)
}
