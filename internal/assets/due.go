package assets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

// firstDue says when a new asset is to be inspected for the first time, where nobody
// said: one interval of its kind after it was inspected, installed or laid.
func (k *Keeper) firstDue(f *catalog.Feature) {
	if !f.Props.Get("due").IsNull() {
		return
	}
	for _, name := range [...]string{"inspected", "installed", "laid"} {
		if v := f.Props.Get(name); !v.IsNull() {
			f.Props = with(f.Props, "due", k.next(f.Props.Get("kind").Str(), v))
			return
		}
	}
}

// next is the day of the inspection after one; null for what is not inspected.
func (k *Keeper) next(kind string, last catalog.Value) catalog.Value {
	months, ok := k.Rules.InspectionMonths[kind]
	if !ok {
		months = k.Rules.InspectionMonths[""]
	}
	if months == 0 || last.IsNull() {
		return catalog.Null
	}
	return catalog.Date(last.AsTime().AddDate(0, months, 0))
}

// subject is which asset an inspection is of.
func subject(f *catalog.Feature) (collection, id string) {
	collection, id = f.Props.Get("of").Str(), f.Props.Get("asset").Str()
	if collection == "" {
		collection = Assets
	}
	return collection, id
}

// inspected is the change of the assets that a change of an inspection is about: an
// asset's condition is that of its latest inspection, and the next one follows from it.
func (k *Keeper) inspected(ctx context.Context, op *catalog.Op, have *catalog.Feature, view catalog.View) ([]catalog.Op, error) {
	var out []catalog.Op
	seen := map[string]bool{}
	if op.Kind == catalog.Put {
		collection, id := subject(&op.Feature)
		if collection != Assets && collection != Networks {
			return nil, &catalog.Invalid{Path: "properties.of", Reason: "want assets or networks"}
		}
		asset, err := k.asset(ctx, collection, id, view)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil, &catalog.Invalid{Path: "properties.asset", Reason: fmt.Sprintf("there is no %q in %s", id, collection)}
		}
		if err != nil {
			return nil, err
		}
		if op.Feature.Props.Get("ward").IsNull() {
			op.Feature.Props = with(op.Feature.Props, "ward", asset.Props.Get("ward"))
		}
		seen[collection+"/"+id] = true
		moved, err := k.move(ctx, collection, asset, op)
		if err != nil {
			return nil, err
		}
		out = append(out, moved...)
	}
	if have == nil {
		return out, nil
	}
	collection, id := subject(have)
	if id == "" || seen[collection+"/"+id] {
		return out, nil
	}
	asset, err := k.asset(ctx, collection, id, catalog.Everything)
	if errors.Is(err, catalog.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	moved, err := k.move(ctx, collection, asset, op)
	return append(out, moved...), err
}

// asset is the asset as it is; ErrNotFound where the view does not see it.
func (k *Keeper) asset(ctx context.Context, collection, id string, view catalog.View) (*catalog.Feature, error) {
	c, err := k.Store.Collection(ctx, collection)
	if err != nil {
		return nil, err
	}
	f, err := k.Store.Feature(ctx, collection, id, catalog.At{})
	if err != nil {
		return nil, err
	}
	if cql2.SightOf(&c, view).Of(cql2.FeatureRow{Collection: &c, Feature: &f}) == 0 {
		return nil, catalog.ErrNotFound
	}
	return &f, nil
}

// move brings an asset up to its latest inspection as it will be after op; nothing
// where that is what it says already, or where no inspection is left.
func (k *Keeper) move(ctx context.Context, collection string, asset *catalog.Feature, op *catalog.Op) ([]catalog.Op, error) {
	var all []*catalog.Feature
	q := catalog.Query{Collection: Inspections, Match: &catalog.Match{Field: "asset", Values: []string{asset.ID}}}
	if _, err := k.Store.Scan(ctx, q, func(f *catalog.Feature) error {
		if f.ID != op.Feature.ID {
			kept := *f
			all = append(all, &kept)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("inspections of %s/%s: %w", collection, asset.ID, err)
	}
	if op.Kind == catalog.Put {
		all = append(all, &op.Feature)
	}
	all = slices.DeleteFunc(all, func(f *catalog.Feature) bool {
		c, id := subject(f)
		return c != collection || id != asset.ID || f.Props.Get("date").IsNull()
	})
	if len(all) == 0 {
		return nil, nil
	}
	last := slices.MaxFunc(all, func(a, b *catalog.Feature) int {
		if c := a.Props.Get("date").AsTime().Compare(b.Props.Get("date").AsTime()); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	due := last.Props.Get("next_due")
	if due.IsNull() {
		due = k.next(asset.Props.Get("kind").Str(), last.Props.Get("date"))
	}
	next := *asset
	next.ValidFrom = catalog.Feature{}.ValidFrom
	for name, v := range map[string]catalog.Value{"inspected": last.Props.Get("date"), "condition": last.Props.Get("condition"), "due": due} {
		next.Props = with(next.Props, name, v)
	}
	if next.Props.Equal(asset.Props) {
		return nil, nil
	}
	rev := asset.Rev
	return []catalog.Op{{Kind: catalog.Put, Collection: collection, Feature: next, If: &rev}}, nil
}
