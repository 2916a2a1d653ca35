package assets

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

// Inspection is one inspection as its reader sees it.
type Inspection struct {
	ID         string                   `json:"id"`
	Rev        catalog.Rev              `json:"rev"`
	Properties map[string]catalog.Value `json:"properties"`
}

// InspectionList is what is known of an asset's inspections.
type InspectionList struct {
	Collection  string       `json:"collection"`
	ID          string       `json:"id"`
	Due         string       `json:"due,omitempty"` // the day of the next one
	Overdue     bool         `json:"overdue"`
	Inspections []Inspection `json:"inspections"` // the latest first

	shown []row
}

// Shown is as that of FSI.
func (l *InspectionList) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for _, r := range l.shown {
		fn(r.c, r.id, r.props)
	}
}

// Inspections returns the inspections of an asset that a view sees; today is a day of
// the city, YYYY-MM-DD. ErrNotFound: it sees no such asset.
func (k *Keeper) Inspections(ctx context.Context, collection, id, today string, view catalog.View) (*InspectionList, error) {
	asset, err := k.asset(ctx, collection, id, view)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", collection, id, err)
	}
	c, err := k.Store.Collection(ctx, collection)
	if err != nil {
		return nil, err
	}
	props, _ := cql2.SightOf(&c, view).See(asset)
	due := day(props.Get("due"))
	out := &InspectionList{Collection: collection, ID: asset.ID, Due: due, Overdue: due != "" && due < today, Inspections: []Inspection{}, shown: []row{{&c, asset.ID, props}}}
	list, err := k.Store.Collection(ctx, Inspections)
	if err != nil {
		return nil, err
	}
	sight := cql2.SightOf(&list, view)
	q := catalog.Query{Collection: Inspections, Match: &catalog.Match{Field: "asset", Values: []string{asset.ID}}}
	if _, err := k.Store.Scan(ctx, q, func(f *catalog.Feature) error {
		props, ok := sight.See(f)
		if of, _ := subject(f); !ok || of != collection || props.Get("asset").IsNull() {
			return nil
		}
		one := Inspection{ID: f.ID, Rev: f.Rev, Properties: map[string]catalog.Value{}}
		for _, p := range props {
			one.Properties[p.Name] = p.Value
		}
		out.Inspections = append(out.Inspections, one)
		out.shown = append(out.shown, row{&list, f.ID, props})
		return nil
	}); err != nil {
		return nil, fmt.Errorf("inspections of %s/%s: %w", collection, id, err)
	}
	slices.SortFunc(out.Inspections, func(a, b Inspection) int {
		return cmp.Or(cmp.Compare(day(b.Properties["date"]), day(a.Properties["date"])), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}
