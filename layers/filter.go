package layers

import (
	"nagar/catalog"
	"nagar/layers/index"
)

// filter decides which features of a segment are shown.
type filter struct {
	accept func(seg *index.Segment, h int32) bool
}

func (f *filter) accepts(seg *index.Segment, h int32) bool { return f.accept(seg, h) }

// compileFilter joins the request's CQL2 text with the view's row rule; nil when
// there is neither.
func compileFilter(c *catalog.Collection, v catalog.View, text string) (*filter, error) {
	if text == "" && v.Rows(c) == "" {
		return nil, nil
	}
	return nil, &catalog.Invalid{Path: "filter", Reason: "filters are not available"}
}
