package match

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tidwall/rtree"

	"nagar/catalog/uid"
	"nagar/geo"
)

// Old is the footprint of a structure of the registry.
type Old struct {
	UID      uid.UID
	Geometry geo.Geometry // lon lat; what is no polygon has no area and is gone
}

// New is a footprint of the new survey.
type New struct {
	ID       string
	Geometry geo.Geometry
}

// Kind says what became of a structure between two surveys.
type Kind uint8

// The kinds.
const (
	Same    Kind = iota // within the tolerance of the survey
	Changed             // one structure still, but of another outline
	Built               // there was nothing before
	Gone                // there is nothing now
	Split               // one became several
	Merged              // several became one
	Mixed               // several became several others
)

var kindNames = [...]string{"same", "changed", "new", "gone", "split", "merged", "mixed"}

func (k Kind) String() string { return kindNames[k] }

// Bridge is one row of the bridge between two surveys: what is left of the old
// structure From in the new footprint To. From is 0 for what is new, To is "" for
// what is gone.
type Bridge struct {
	Kind     Kind
	From     uid.UID
	To       string
	Keeps    bool    // To goes on under From's UID
	Shared   float64 // square metres
	OfOld    float64 // share of the old footprint
	OfNew    float64 // share of the new one
	IoU      float64 // shared area by the area of both together
	Drift    float64 // metres: the area in one of the two only, by their border
	Ancestor uid.UID // of a Split or Mixed row that does not keep: whose UID is its origin
}

// Result is what became of all.
type Result struct {
	Rows []Bridge // by kind's old UID, then new id; a row for each pair that belongs together
	// UIDs are the new footprints that go on under a UID of old. The others need one of their own.
	UIDs map[string]uid.UID
	// DX, DY are the metres by which the new survey lies east and north of the old one
	// as a whole, 0 when it does not; taken out before comparing. Aligned counts the
	// footprints that say so.
	DX, DY  float64
	Aligned int
}

// Options of Footprints; zero values are the defaults.
type Options struct {
	Tolerance float64 // metres that borders may be off in the mean and be the same: 0.4
	Belongs   float64 // share of either footprint that the other has to cover: 0.5
	Sliver    float64 // share of an old footprint under which a part of it is a new structure, not a piece: 0.05
	MaxShift  float64 // metres: 10; negative: as it is, no shift is looked for
}

func (o *Options) defaults() {
	o.Tolerance, o.Belongs = cmp.Or(o.Tolerance, .4), cmp.Or(o.Belongs, .5)
	o.Sliver, o.MaxShift = cmp.Or(o.Sliver, .05), cmp.Or(o.MaxShift, 10)
}

// link is a pair that shares area.
type link struct {
	old, new int
	shared   float64
}

// Footprints compares the footprints of two surveys of one area. Both sets must be
// whole: what has no counterpart is gone or new. A survivor keeps its UID; of the
// pieces of a split, and for several that merge, the pair that shares most does. Two
// old footprints of one UID, or two new of one id, are an error.
func Footprints(old []Old, new []New, opts Options) (*Result, error) {
	opts.defaults()
	old, new = slices.Clone(old), slices.Clone(new)
	slices.SortFunc(old, func(a, b Old) int { return cmp.Compare(a.UID, b.UID) })
	slices.SortFunc(new, func(a, b New) int { return cmp.Compare(a.ID, b.ID) })
	for i := 1; i < len(old); i++ {
		if old[i].UID == old[i-1].UID {
			return nil, fmt.Errorf("two old footprints have the UID %s", old[i].UID)
		}
	}
	for i := 1; i < len(new); i++ {
		if new[i].ID == new[i-1].ID {
			return nil, fmt.Errorf("two new footprints have the id %q", new[i].ID)
		}
	}
	s := surveys{opts: opts, old: old, new: new, res: &Result{UIDs: map[string]uid.UID{}}}
	s.project()
	s.align()
	s.pair()
	s.classify()
	return s.res, nil
}

// surveys is the work on two sets of footprints.
type surveys struct {
	opts  Options
	old   []Old
	new   []New
	a, b  []geo.Outline // of old and new, on one plane
	tree  rtree.RTreeGN[float64, int]
	pairs []link
	res   *Result
}

// project brings both sets onto the plane in the middle of them.
func (s *surveys) project() {
	box := geo.EmptyBox()
	for i := range s.old {
		box = box.Union(s.old[i].Geometry.Box())
	}
	for i := range s.new {
		box = box.Union(s.new[i].Geometry.Box())
	}
	if box.IsEmpty() {
		box = geo.Box{}
	}
	lon, lat := (box.W+box.E)/2, (box.S+box.N)/2
	s.a, s.b = make([]geo.Outline, len(s.old)), make([]geo.Outline, len(s.new))
	for i := range s.old {
		s.a[i] = geo.NewOutline(&s.old[i].Geometry, lon, lat)
		if o := &s.a[i]; o.Area > 0 {
			s.tree.Insert([2]float64{o.MinX, o.MinY}, [2]float64{o.MaxX, o.MaxY}, i)
		}
	}
	for i := range s.new {
		s.b[i] = geo.NewOutline(&s.new[i].Geometry, lon, lat)
	}
}

// pair finds the pairs that belong together: one of the two covers enough of the
// other.
func (s *surveys) pair() {
	for j := range s.b {
		o := &s.b[j]
		if o.Area <= 0 {
			continue
		}
		from := len(s.pairs)
		s.tree.Search([2]float64{o.MinX, o.MinY}, [2]float64{o.MaxX, o.MaxY}, func(_, _ [2]float64, i int) bool {
			shared := geo.Overlap(&s.a[i], o)
			if shared >= s.opts.Belongs*min(s.a[i].Area, o.Area) && shared > s.opts.Sliver*s.a[i].Area {
				s.pairs = append(s.pairs, link{i, j, shared})
			}
			return true
		})
		slices.SortFunc(s.pairs[from:], func(a, b link) int { return cmp.Compare(a.old, b.old) })
	}
}
