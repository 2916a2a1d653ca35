package index

import (
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"nagar/catalog"
	"nagar/geo"
)

// Builder collects features into a Segment. It is not safe for concurrent use.
type Builder struct {
	collection string
	fields     map[string]int
	hint       []int // the field that the i-th property of the last feature was
	names      []string
	cols       []*columnBuilder

	pack  packer
	kinds []uint8
	boxes []geo.GridBox
	start []uint32
	keys  []uint64
	idAt  []uint32
	ids   []byte
}

// NewBuilder returns a builder for features of the collection as it is described.
func NewBuilder(c *catalog.Collection) *Builder {
	b := &Builder{collection: c.Name, fields: make(map[string]int, len(c.Fields)), start: []uint32{0}, idAt: []uint32{0}}
	for i := range c.Fields {
		b.fields[c.Fields[i].Name] = i
		b.names = append(b.names, c.Fields[i].Name)
		b.cols = append(b.cols, newColumnBuilder(c.Fields[i].Type))
	}
	return b
}

// Len is the number of features added.
func (b *Builder) Len() int { return len(b.keys) }

// Add adds a feature; nothing of it is kept. No two may have the same id.
// Properties that are not in the schema are left out.
func (b *Builder) Add(f *catalog.Feature) {
	row := len(b.keys)
	b.pack.box = geo.EmptyGridBox()
	b.kinds = append(b.kinds, b.pack.pack(&f.Geometry))
	b.boxes = append(b.boxes, b.pack.box)
	b.start = append(b.start, uint32(len(b.pack.words)))
	b.keys = append(b.keys, uint64(catalog.KeyOf(b.collection, f.ID)))
	b.ids = append(b.ids, f.ID...)
	b.idAt = append(b.idAt, uint32(len(b.ids)))
	for i := range f.Props {
		if c, ok := b.field(i, f.Props[i].Name); ok {
			b.cols[c].set(row, f.Props[i].Value)
		}
	}
}

// field finds the field of the i-th property, first where it was last time.
func (b *Builder) field(i int, name string) (int, bool) {
	if i < len(b.hint) && b.names[b.hint[i]] == name {
		return b.hint[i], true
	}
	c, ok := b.fields[name]
	if ok && i == len(b.hint) {
		b.hint = append(b.hint, c)
	}
	return c, ok
}

// addFrom adds feature h of a segment of the same collection.
func (b *Builder) addFrom(s *Segment, h int32) {
	row := len(b.keys)
	box := geo.EmptyGridBox()
	if int(h) < s.boxed {
		box = s.tree.boxes[h]
	}
	b.boxes = append(b.boxes, box)
	b.kinds = append(b.kinds, s.kinds[h])
	b.pack.words = append(b.pack.words, s.coords[s.start[h]:s.start[h+1]]...)
	b.start = append(b.start, uint32(len(b.pack.words)))
	b.keys = append(b.keys, s.keys[h])
	b.ids = append(b.ids, s.ids[s.idAt[h]:s.idAt[h+1]]...)
	b.idAt = append(b.idAt, uint32(len(b.ids)))
	for i := range s.cols {
		c := &s.cols[i]
		e, ok := c.entry(h)
		switch {
		case !ok:
		case c.isText():
			b.cols[i].setText(row, c.entryText(e))
		default:
			b.cols[i].setNum(row, c.nums[e])
		}
	}
}

// built counts the segments of this process.
var built atomic.Uint64

// manyRows is from when on the arrays of a segment are built on all processors.
const manyRows = 1 << 14

// Build returns the segment of what was added. The builder is spent.
func (b *Builder) Build() *Segment {
	order := b.order()
	s := &Segment{number: built.Add(1), derived: newDerivations(), cols: make([]Column, len(b.cols))}
	var g errgroup.Group
	g.SetLimit(1)
	if len(order) >= manyRows {
		g.SetLimit(runtime.GOMAXPROCS(0))
	}
	do := func(build func()) { g.Go(func() error { build(); return nil }) }
	do(func() { b.buildShapes(s, order) })
	do(func() { b.buildIDs(s, order) })
	for i, c := range b.cols {
		do(func() {
			s.cols[i] = c.build(order)
			b.cols[i] = nil
		})
	}
	_ = g.Wait() // none fails
	return s
}

// buildShapes brings kinds, coordinates and boxes into order. What is spent is let
// go of, before the columns double.
func (b *Builder) buildShapes(s *Segment, order []int32) {
	n := len(order)
	s.kinds, s.start, s.coords = make([]uint8, n), make([]uint32, 1, n+1), make([]int32, 0, len(b.pack.words))
	leaves := make([]geo.GridBox, 0, n)
	for i, r := range order {
		if !b.boxes[r].IsEmpty() {
			leaves = append(leaves, b.boxes[r])
		}
		s.kinds[i] = b.kinds[r]
		s.coords = append(s.coords, b.pack.words[b.start[r]:b.start[r+1]]...)
		s.start = append(s.start, uint32(len(s.coords)))
	}
	b.pack.words, b.start, b.kinds, b.boxes = nil, nil, nil, nil
	s.boxed = len(leaves)
	s.tree = newTree(leaves)
}

// buildIDs brings keys and ids into order.
func (b *Builder) buildIDs(s *Segment, order []int32) {
	n := len(order)
	s.keys, s.idAt, s.ids = make([]uint64, n), make([]uint32, 1, n+1), make([]byte, 0, len(b.ids))
	byKey := make([]ranked, n)
	for i, r := range order {
		s.keys[i] = b.keys[r]
		byKey[i] = ranked{b.keys[r], int32(i)}
		s.ids = append(s.ids, b.ids[b.idAt[r]:b.idAt[r+1]]...)
		s.idAt = append(s.idAt, uint32(len(s.ids)))
	}
	b.keys, b.ids, b.idAt = nil, nil, nil
	s.byKey = make([]int32, n)
	for i, k := range radixSort(byKey) {
		s.byKey[i] = k.row
	}
}

// order is the rows in canonical order, those without geometry last, by key.
func (b *Builder) order() []int32 {
	with, without := make([]ranked, 0, len(b.keys)), []ranked(nil)
	for i := range b.keys {
		if b.boxes[i].IsEmpty() {
			without = append(without, ranked{b.keys[i], int32(i)})
		} else {
			with = append(with, ranked{centreHilbert(b.boxes[i]), int32(i)})
		}
	}
	with = radixSort(with)
	for i := 0; i < len(with); { // ties: by key
		j := i + 1
		for j < len(with) && with[j].rank == with[i].rank {
			j++
		}
		if j-i > 1 {
			slices.SortFunc(with[i:j], func(p, q ranked) int { return b.compareKeys(p.row, q.row) })
		}
		i = j
	}
	order := make([]int32, 0, len(b.keys))
	for _, r := range with {
		order = append(order, r.row)
	}
	for _, r := range radixSort(without) {
		order = append(order, r.row)
	}
	return order
}

// compareKeys orders rows by key, and rows of one key (a hash) by id.
func (b *Builder) compareKeys(p, q int32) int {
	switch {
	case b.keys[p] < b.keys[q]:
		return -1
	case b.keys[p] > b.keys[q]:
		return 1
	}
	return slices.Compare(b.ids[b.idAt[p]:b.idAt[p+1]], b.ids[b.idAt[q]:b.idAt[q+1]])
}
