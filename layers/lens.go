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
	rules []int      // tiers that have a rule and show what the others do not
	rows  []*rows    // by part and place in rules, of the snapshot that it is on
	bits  [][]uint64 // of rows

	few  [1 << fewRules][]bool // what rules show together, where they are few
	many map[hit][]bool        // else
}

// hit is a set of rules that have a row: bit k stands for the one at place k.
type hit uint32

const fewRules = 3

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
	l.rows, l.bits = l.rows[:0], l.bits[:0]
	for part := range int32(c.snap.Parts()) {
		for _, i := range l.rules {
			r := kept.of(c.snap.Segment(part), l.sight.RuleKey(i), l.sight.Rule(i))
			l.rows, l.bits = append(l.rows, r), append(l.bits, r.bits)
		}
	}
}

// of returns the rules that have the row.
func (l *lens) of(r index.Ref) hit {
	m, at := hit(0), int(r.Part)*len(l.rules)
	for k, b := range l.bits[at : at+len(l.rules)] {
		m |= hit(b[r.Handle>>6]>>(r.Handle&63)&1) << k
	}
	return m
}

// sees reports whether a row that these rules have is seen.
func (l *lens) sees(m hit) bool { return m != 0 || !l.hides }

// showing reports by place in Collection.Fields what is seen of a row that is
// seen; nil: all of fields.
func (l *lens) showing(r index.Ref) []bool {
	if !l.varies {
		return nil
	}
	return l.shows(l.of(r))
}

func (l *lens) shows(m hit) []bool {
	if !l.varies {
		return nil
	}
	if len(l.rules) <= fewRules {
		if l.few[m] == nil {
			l.few[m] = l.sight.Shows(l.tiers(m))
		}
		return l.few[m]
	}
	shown, known := l.many[m]
	if !known {
		if l.many == nil {
			l.many = map[hit][]bool{}
		}
		shown = l.sight.Shows(l.tiers(m))
		l.many[m] = shown
	}
	return shown
}

// tiers are those of all rows and those of the rules.
func (l *lens) tiers(m hit) cql2.Mask {
	out := l.sight.Base()
	for k, i := range l.rules {
		out |= cql2.Mask(m>>k&1) << i
	}
	return out
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
			if l.sees(l.of(index.Ref{Part: int32(part), Handle: h})) {
				n--
			}
		})
	}
	return n, box
}

// sparse reports whether the rows that are seen, in all of the city, are far fewer
// than those in a box: then it is quicker to go through them.
func (l *lens) sparse(s *index.Snapshot, q geo.GridBox) bool {
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

// unseen calls fn for the features with a geometry, those before boxed, that are
// not seen of a part.
func (l *lens) unseen(part, boxed int, fn func(h int32)) {
	if !l.hides {
		return
	}
	of := l.ofPart(part)
	for w := range (boxed + 63) / 64 {
		var any uint64
		for _, r := range of {
			any |= r.bits[w]
		}
		for none := ^any; none != 0; none &= none - 1 {
			if h := w<<6 + bits.TrailingZeros64(none); h < boxed {
				fn(int32(h))
			}
		}
	}
}

func (l *lens) ofPart(part int) []*rows { return l.rows[part*len(l.rules) : (part+1)*len(l.rules)] }
