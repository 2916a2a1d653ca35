package layers

import (
	"math/bits"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/layers/index"
)

// lens is a view of one collection: which rows it shows, and which fields on each.
// A view that shows every row alike costs nothing here. Another one has a bitset
// of each of its rules' rows, so that a row costs a bit test for each. A lens is
// used by one goroutine at a time.
type lens struct {
	fields []int // of the collection's fields, those seen on some row
	class  int   // of them the text field "class", or -1
	hides  bool  // there may be rows that are not seen
	varies bool  // which fields are seen differs from row to row

	sight *cql2.Sight
	rules []int   // tiers that have a rule and show what the others do not
	rows  []*rows // by part and place in rules, of the snapshot that it is on

	sets []shownBy // of the masks met so far, few, the last one first
}

// shownBy is what tiers show together, by place in Collection.Fields.
type shownBy struct {
	mask  cql2.Mask
	shown []bool
}

func newLens(c *catalog.Collection, v catalog.View) *lens {
	l := &lens{class: -1, sight: cql2.SightOf(c, v)}
	tiers, base := l.sight.Tiers(), l.sight.Base()
	all, some := l.sight.Shows(base), make([]bool, len(c.Fields))
	l.hides = base == 0
	for i := range tiers {
		adds := false
		for _, f := range tiers[i].Fields {
			some[f], adds = true, adds || !all[f]
		}
		if base&(1<<i) == 0 && (l.hides || adds) {
			l.rules = append(l.rules, i)
		}
	}
	l.fields = make([]int, 0, len(c.Fields))
	for i, seen := range some {
		if !seen {
			continue
		}
		l.fields = append(l.fields, i)
		if c.Fields[i].Name == "class" && c.Fields[i].Type == catalog.TypeText {
			l.class = i
		}
	}
	for _, i := range l.rules {
		l.varies = l.varies || !l.hides || len(tiers[i].Fields) < len(l.fields)
	}
	return l
}

// on turns the lens to a collection's content: what a rule has of a segment is
// taken from kept, or worked out; kept is nil for content that is looked at once.
func (l *lens) on(c *collection, kept *keptRows) {
	l.rows = l.rows[:0]
	for part := range int32(c.snap.Parts()) {
		for _, i := range l.rules {
			l.rows = append(l.rows, kept.of(c.snap.Segment(part), l.sight.RuleKey(i), l.sight.Rule(i)))
		}
	}
}

// of returns the tiers that have the row; 0 when it is not seen.
func (l *lens) of(r index.Ref) cql2.Mask {
	m := l.sight.Base()
	at := int(r.Part) * len(l.rules)
	for k, i := range l.rules {
		if l.rows[at+k].has(r.Handle) {
			m |= 1 << i
		}
	}
	return m
}

// showing reports by place in Collection.Fields what is seen of a row that is
// seen; nil: all of fields.
func (l *lens) showing(r index.Ref) []bool {
	if !l.varies {
		return nil
	}
	return l.shows(l.of(r))
}

func (l *lens) shows(m cql2.Mask) []bool {
	if !l.varies {
		return nil
	}
	for i := range l.sets {
		if l.sets[i].mask == m {
			l.sets[0], l.sets[i] = l.sets[i], l.sets[0] // neighbours are mostly of one mask
			return l.sets[0].shown
		}
	}
	l.sets = append(l.sets, shownBy{m, l.sight.Shows(m)})
	return l.sets[len(l.sets)-1].shown
}

// extent is how many rows are seen, and a box around them.
func (l *lens) extent(c *collection) (n int, box geo.GridBox) {
	if !l.hides {
		return c.snap.Len(), c.snap.Box()
	}
	box = geo.EmptyGridBox()
	for part := range c.snap.Parts() {
		of := l.ofPart(part)
		n += countAny(of)
		for _, r := range of {
			box = box.Union(r.box)
		}
		c.snap.Hidden(int32(part), func(h int32) {
			if l.of(index.Ref{Part: int32(part), Handle: h}) != 0 {
				n--
			}
		})
	}
	return n, box
}

// few reports whether the rows that are seen, in all of the city, are far fewer
// than those in a box: then it is quicker to go through them.
func (l *lens) few(s *index.Snapshot, q geo.GridBox) bool {
	if !l.hides {
		return false
	}
	n := 0
	for part := range s.Parts() {
		n += countAny(l.ofPart(part))
	}
	return s.Count(q, 4*n+1) > 4*n
}

// handles appends the features with a geometry that are seen of a part, ascending.
func (l *lens) handles(out []int32, s *index.Snapshot, part int) []int32 {
	of, boxed := l.ofPart(part), int32(s.Segment(int32(part)).Boxed())
	if len(of) == 0 {
		return out
	}
	for w := range of[0].bits {
		var any uint64
		for _, r := range of {
			any |= r.bits[w]
		}
		for ; any != 0; any &= any - 1 {
			if h := int32(w<<6 | bits.TrailingZeros64(any)); h < boxed {
				out = append(out, h)
			}
		}
	}
	return out
}

func (l *lens) ofPart(part int) []*rows { return l.rows[part*len(l.rules) : (part+1)*len(l.rules)] }
