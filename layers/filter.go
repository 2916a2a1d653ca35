package layers

import (
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/layers/index"
)

// maxFilter is the most bytes of a filter's text.
const maxFilter = 10_000

// filter decides which features are shown, reading columns and grid where they
// lie. It is used by one goroutine at a time.
type filter struct {
	asked *cql2.Filter // what the caller asked for; nil: nothing
	lens  *lens
	row   row

	// A condition that reads one field, whose values are a dictionary's, is asked
	// about each value once: memo has what it said, by part, condition and code.
	conditions []cql2.Condition
	memo       [][]int8
	memoOf     *index.Snapshot
}

// newFilter joins the request's CQL2 text, to which is null what the view does not
// show of a row, with the rows that the view shows; nil when all are wanted and shown.
func newFilter(c *catalog.Collection, v catalog.View, l *lens, text string) (*filter, error) {
	if text == "" && !l.hides {
		return nil, nil
	}
	if len(text) > maxFilter {
		return nil, &catalog.Invalid{Path: "filter", Reason: fmt.Sprintf("longer than %d bytes", maxFilter)}
	}
	f := &filter{lens: l}
	if text == "" {
		return f, nil
	}
	x, err := cql2.Parse(text)
	if err != nil {
		return nil, err
	}
	if f.asked, err = x.Bind(c, v); err != nil {
		return nil, err
	}
	f.conditions = f.asked.Conditions()
	return f, nil
}

// nearlyAll reports whether the filter is the view's alone, and leaves out so few
// features that it is quicker to take them away from a sum of all.
func (f *filter) nearlyAll(s *index.Snapshot) bool {
	if f.asked != nil {
		return false
	}
	all, seen := 0, 0
	for part := range s.Parts() {
		all, seen = all+s.Segment(int32(part)).Len(), seen+countAny(f.lens.ofPart(part))
	}
	return 8*(all-seen) <= all
}

func (f *filter) accepts(s *index.Snapshot, r index.Ref) bool {
	m := f.lens.of(r)
	if !f.lens.sees(m) {
		return false
	}
	if f.asked == nil {
		return true
	}
	f.row.seg, f.row.h, f.row.shown = s.Segment(r.Part), r.Handle, f.lens.shows(m)
	for k := range f.conditions {
		if !f.meets(s, r, k) {
			return false
		}
	}
	return true
}

// meets reports whether the row in hand, of which r is the place, meets condition k.
func (f *filter) meets(s *index.Snapshot, r index.Ref, k int) bool {
	c, seg := &f.conditions[k], f.row.seg
	if c.Field < 0 || c.Field >= seg.NumColumns() {
		return c.Match(&f.row)
	}
	col := seg.Column(c.Field)
	if col.Plain() || col.Size() > smallDict {
		return c.Match(&f.row)
	}
	if f.memoOf != s {
		f.memoOf, f.memo = s, make([][]int8, s.Parts()*len(f.conditions))
	}
	memo := &f.memo[int(r.Part)*len(f.conditions)+k]
	if *memo == nil {
		*memo = make([]int8, col.Size()+1)
	}
	code := uint32(0) // null
	if f.row.shown == nil || f.row.shown[c.Field] {
		code = col.Code(r.Handle)
	}
	said := &(*memo)[code]
	if *said == 0 {
		*said = -1
		if c.Match(&f.row) {
			*said = 1
		}
	}
	return *said > 0
}

// row is one feature of a segment as a filter reads it.
type row struct {
	seg   *index.Segment
	h     int32
	shown []bool // by field; nil: all
	un    geo.Unprojector
	shape index.Shape
	geom  geo.Geometry
}

var _ cql2.Row = (*row)(nil)

func (r *row) Value(field int) catalog.Value {
	if r.shown != nil && !r.shown[field] {
		return catalog.Null
	}
	return r.seg.Value(r.h, field)
}

func (r *row) Box() (geo.Box, bool) {
	if int(r.h) >= r.seg.Boxed() {
		return geo.EmptyBox(), r.seg.Type(r.h) != geo.None
	}
	b := r.seg.Box(r.h)
	w, n := r.degrees(b.MinX, b.MinY)
	e, s := r.degrees(b.MaxX, b.MaxY)
	return geo.Box{W: w, S: s, E: e, N: n}, true
}

func (r *row) degrees(x, y int32) (lon, lat float64) {
	lon, lat = r.un.LonLat(x, y)
	return math.Round(lon*1e7) / 1e7, math.Round(lat*1e7) / 1e7
}

func (r *row) Geometry() *geo.Geometry {
	r.geom = geo.Geometry{Type: r.seg.Type(r.h), Coords: r.geom.Coords[:0], Ends: r.geom.Ends[:0], Polys: r.geom.Polys[:0]}
	if r.geom.Type == geo.GeometryCollection {
		for ok := r.seg.Shape(r.h, &r.shape); ok; ok = r.shape.Next() {
			m := geo.Geometry{}
			r.fill(&m)
			r.geom.Geoms = append(r.geom.Geoms, m)
		}
	} else if r.seg.Shape(r.h, &r.shape) {
		r.fill(&r.geom)
	}
	return &r.geom
}

// fill turns the shape back into degrees, rings closed and the right way round.
func (r *row) fill(g *geo.Geometry) {
	sh := &r.shape
	g.Type = sh.Type
	add := func(c []int32) {
		lon, lat := r.degrees(c[0], c[1])
		g.Coords = append(g.Coords, lon, lat)
	}
	switch sh.Type {
	case geo.Polygon, geo.MultiPolygon:
		for i := range sh.Ends {
			ring := sh.Ring(i)
			if len(ring) >= 2 {
				add(ring)
			}
			for j := len(ring) - 2; j >= 0; j -= 2 {
				add(ring[j:])
			}
			g.Ends = append(g.Ends, int32(len(g.Coords)/2))
		}
		g.Polys = append(g.Polys, sh.Polys...)
	default:
		for j := 0; j+1 < len(sh.Coords); j += 2 {
			add(sh.Coords[j:])
		}
		g.Ends = append(g.Ends, sh.Ends...)
	}
}
