// Package assets keeps what departments have outdoors in order: when an asset is to
// be inspected again, which works are in each other's way, what was surveyed lately,
// and how much is built on a plot.
//
// A write of one thing may bring another about: an inspection moves the day of the
// next one. Both are one batch of the store. What goes against no rule but should be
// known is a Warning, made of what the writer's view sees and of nothing else.
package assets

import (
	"context"
	"time"

	"nagar/catalog"
	"nagar/city"
	"nagar/layers"
)

// The collections that this package knows of.
const (
	Assets      = "assets"
	Networks    = "networks"
	Inspections = "inspections" // of one of the two
	Works       = "works"
	SurveyAreas = "survey_areas"
	Plots       = "plots"
	Zones       = "zones"
	Buildings   = "buildings"
)

// Store is what the package reads of a catalog.Store.
type Store interface {
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Feature(ctx context.Context, collection, id string, at catalog.At) (catalog.Feature, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
}

// Index finds features by where they are; *layers.Engine does.
type Index interface {
	Within(ctx context.Context, r layers.WithinRequest) (*layers.Answer, error)
	Collection(name string) (layers.Info, bool)
}

// Keeper is safe for concurrent use.
type Keeper struct {
	Store Store
	Index Index
	Rules city.Upkeep
	Zone  *time.Location // the city's, by which days begin
}

// Warning is something that a writer should know of what they wrote.
type Warning struct {
	Kind       string  `json:"kind"` // WarnWorks or WarnSurveyed
	Collection string  `json:"collection"`
	ID         string  `json:"id"` // of the other
	Title      string  `json:"title,omitempty"`
	From       string  `json:"from,omitempty"` // days on which both are, or since when it was done
	To         string  `json:"to,omitempty"`
	Share      float64 `json:"share,omitempty"` // of the area that was surveyed before, 0 to 1
}

// The kinds of warning.
const (
	WarnWorks    = "works_overlap"    // works at one place at one time
	WarnSurveyed = "already_surveyed" // an area that was surveyed for the same, not long ago
)

// Beside completes an operation that somebody is about to make over have (nil: there
// is none), and returns what it brings about in the same batch and what the writer
// should know. *catalog.Invalid says what of the operation cannot be.
func (k *Keeper) Beside(ctx context.Context, op *catalog.Op, have *catalog.Feature, view catalog.View) ([]catalog.Op, []Warning, error) {
	switch op.Collection {
	case Assets, Networks:
		if op.Kind == catalog.Put && have == nil {
			k.firstDue(&op.Feature)
		}
	case Inspections:
		ops, err := k.inspected(ctx, op, have, view)
		return ops, nil, err
	case Works:
		if op.Kind == catalog.Put {
			w, err := k.worksNear(ctx, &op.Feature, view)
			return nil, w, err
		}
	case SurveyAreas:
		if op.Kind == catalog.Put {
			k.validUntil(&op.Feature)
			w, err := k.surveyed(ctx, &op.Feature, view)
			return nil, w, err
		}
	}
	return nil, nil, nil
}

// with is the properties with one value set.
func with(props catalog.Properties, name string, v catalog.Value) catalog.Properties {
	out := make(catalog.Properties, 0, len(props)+1)
	for _, p := range props {
		if p.Name != name {
			out = append(out, p)
		}
	}
	if !v.IsNull() {
		out = append(out, catalog.Property{Name: name, Value: v})
	}
	return out
}

// day is a date as it is written; "" for null.
func day(v catalog.Value) string {
	if v.IsNull() {
		return ""
	}
	return v.AsTime().Format(time.DateOnly)
}
