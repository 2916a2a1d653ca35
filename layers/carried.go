package layers

import (
	"slices"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// Carried is what a tile or an answer has of one collection that is classified
// restricted or personal: not the values, but which they are. It is for whoever
// keeps account of reads; an answer without such values has none, and costs nothing.
type Carried struct {
	Collection string
	// Fields are the names of the fields that some feature of the answer has a value
	// of, in the order of the schema; catalog.GeometryField among them where the
	// collection as a whole is so classified.
	Fields []string
	Count  int      // the features that have any; in a tile, all that the layer draws
	IDs    []string // theirs, in the answer's order; a tile has none
	Box    geo.Box  // theirs, degrees; of a tile what it draws from, its buffer too; empty where they have no geometry
}

// guardedFields tells by position in fields which are classified restricted or personal,
// by themselves or with their collection; nil when none is.
func guardedFields(c *catalog.Collection, fields []int) []bool {
	var out []bool
	for i, f := range fields {
		if c.ClassOf(&c.Fields[f]) >= catalog.ClassRestricted {
			if out == nil {
				out = make([]bool, len(fields))
			}
			out[i] = true
		}
	}
	return out
}

// carried adds the layer that was drawn last.
func (d *renderer) carried(t geo.Tile, count int) {
	info := &d.job.c.info
	whole := info.Class >= catalog.ClassRestricted
	if d.job.guarded == nil && !whole || count == 0 {
		return
	}
	c := Carried{Collection: info.Name, Count: count, Box: t.GridBox(reach(t.Z)).Box()}
	for i, key := range d.keys[:len(d.job.lens.fields)] {
		if !key.IsZero() && d.job.guarded != nil && d.job.guarded[i] {
			c.Fields = append(c.Fields, info.Fields[d.job.lens.fields[i]].Name)
		}
	}
	if whole {
		c.Fields = append(c.Fields, catalog.GeometryField)
	}
	if len(c.Fields) > 0 {
		d.holds = append(d.holds, c)
	}
}

// account notes what the features of an answer carry, while they are written.
type account struct {
	info    *catalog.Collection // whose features are written
	fields  []int
	guarded []bool // by position in fields; nil: none
	whole   bool   // the collection itself is so classified
	seen    []bool // by position in fields: some feature has a value
	any     bool   // the feature being written has one
	now     Carried
	all     []Carried
}

// begin starts the account of a collection.
func (a *account) begin(c *catalog.Collection, fields []int) {
	a.end()
	a.info, a.fields, a.guarded, a.whole = c, fields, guardedFields(c, fields), c.Class >= catalog.ClassRestricted
	if a.guarded != nil {
		a.seen = append(a.seen[:0], make([]bool, len(fields))...)
	}
}

// value notes that the feature has a value at a position in fields.
func (a *account) value(i int) {
	if a.guarded[i] {
		a.seen[i], a.any = true, true
	}
}

// feature ends a feature.
func (a *account) feature(s *index.Segment, h int32) {
	if !a.any && !a.whole {
		return
	}
	a.any = false
	if a.now.Count++; a.now.Count == 1 {
		a.now.Box = geo.EmptyBox()
	}
	a.now.IDs = append(a.now.IDs, s.ID(h))
	if int(h) < s.Boxed() {
		a.now.Box = a.now.Box.Union(s.Box(h).Box())
	}
}

// end closes the account of a collection.
func (a *account) end() {
	if a.now.Count > 0 {
		a.now.Collection = a.info.Name
		for i, f := range a.fields {
			if a.guarded != nil && a.seen[i] {
				a.now.Fields = append(a.now.Fields, a.info.Fields[f].Name)
			}
		}
		if a.whole {
			a.now.Fields = append(a.now.Fields, catalog.GeometryField)
		}
		a.all = append(a.all, a.now)
	}
	a.now, a.info, a.guarded, a.whole, a.any = Carried{}, nil, nil, false, false
}

// finish returns the account of the answer, and forgets it.
func (a *account) finish() []Carried {
	a.end()
	out := slices.Clip(a.all)
	a.all = nil
	return out
}
