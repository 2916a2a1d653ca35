package cql2

import (
	"nagar/catalog"
	"nagar/geo"
)

// FeatureRow is a feature as a Row, for reads that go to the store and not to
// columns in memory.
type FeatureRow struct {
	Collection *catalog.Collection // the one that the filter is bound to
	Feature    *catalog.Feature
}

var _ Row = FeatureRow{}

// Value implements Row.
func (r FeatureRow) Value(field int) catalog.Value {
	return r.Feature.Props.Get(r.Collection.Fields[field].Name)
}

// Box implements Row.
func (r FeatureRow) Box() (geo.Box, bool) {
	return r.Feature.Geometry.Box(), r.Feature.Geometry.Type != geo.None
}

// Geometry implements Row.
func (r FeatureRow) Geometry() *geo.Geometry { return &r.Feature.Geometry }
