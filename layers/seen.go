package layers

import (
	"slices"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// Extent is how many features of a collection the view sees, and a box around
// them in degrees, geo.EmptyBox when there is none; without a collection, or one
// that the view does not see, none.
func (e *Engine) Extent(collection string, v catalog.View) (count int, box geo.Box) {
	c, err := e.state.Load().seen(collection, v)
	if err != nil {
		return 0, geo.EmptyBox()
	}
	l := newLens(&c.info, v)
	if l.hides {
		l.on(c, e.rows)
	}
	n, b := l.extent(c)
	return n, b.Outer()
}

// Some reports whether any feature of a collection, as it is at the revision that
// it returns, has a value in one of the fields. A collection that is not there has none.
func (e *Engine) Some(collection string, fields []string) (some bool, rev catalog.Rev) {
	rev = e.Rev() // first: what is shown is this or later
	c := e.state.Load().cols[collection]
	if c == nil {
		return false, rev
	}
	var of []int
	for i := range c.info.Fields {
		if slices.Contains(fields, c.info.Fields[i].Name) {
			of = append(of, i)
		}
	}
	c.snap.All(func(r index.Ref) bool {
		seg := c.snap.Segment(r.Part)
		some = slices.ContainsFunc(of, func(i int) bool { return !seg.Value(r.Handle, i).IsNull() })
		return !some
	})
	return some, rev
}

// Look returns what the view sees of a collection's features as they are now, by
// id: the properties that it shows, in the order of the schema; false for one that
// is not there or not seen. It is for one goroutine.
func (e *Engine) Look(collection string, v catalog.View) func(id string) (catalog.Properties, bool) {
	c, err := e.state.Load().seen(collection, v)
	if err != nil {
		return func(string) (catalog.Properties, bool) { return nil, false }
	}
	l := newLens(&c.info, v)
	l.on(c, e.rows)
	return func(id string) (catalog.Properties, bool) {
		r, ok := c.snap.FindID(collection, id)
		if !ok {
			return nil, false
		}
		m := l.of(r)
		if !l.sees(m) {
			return nil, false
		}
		shown, seg := l.shows(m), c.snap.Segment(r.Part)
		out := make(catalog.Properties, 0, len(l.fields))
		for _, f := range l.fields {
			if shown != nil && !shown[f] {
				continue
			}
			if val := seg.Value(r.Handle, f); !val.IsNull() {
				out = append(out, catalog.Property{Name: c.info.Fields[f].Name, Value: val})
			}
		}
		return out, true
	}
}
