package layers

import (
	"math/bits"

	"nagar/catalog"
	"nagar/geo/mvt"
	"nagar/layers/index"
)

const (
	// batchSize is how many features get their attributes at a time: what is worked
	// on stays in the processor's nearest cache. The first batches of a layer are
	// smaller, firstBatch and doubling: values stand in a tile batch by batch, and in a
	// batch field by field, and so those that are frequent come early and have short
	// indices. The sizes are part of what a tile looks like.
	batchSize  = 512
	firstBatch = 4
	// smallDict is the size up to which a dictionary is always mapped by array, and
	// dictPerRow times the rows hit that up to which it is worth while.
	smallDict  = 8192
	dictPerRow = 16
)

// attributes gives features their attributes, a batch at a time, column by column.
// A layer has each value of a field once, in the order of first appearance. So what
// may have been written before is looked up; but not what an array tells by its
// code, nor what is alone in its segment. How the segments came to be decides what
// is looked up, and never what the tile has.
type attributes struct {
	rows  []attributed
	batch int          // how many rows make the next batch
	keys  []mvt.TagKey // by position in lens.fields, then of point_count and merged; zero: not written yet
	remap [][]mvt.Tag  // by part and position in fields: the tag by code
	arena []mvt.Tag    // what remap points into

	hits   int      // rows that the layer may draw
	main   int32    // the part that has most of them; -1: none, every value is looked up
	mixed  bool     // other parts have some
	others valueSet // theirs, of plain columns of the main part

	handles, places []int32 // of the rows of a batch, and their numbers in it
	hs, at          []int32 // those of them that show a field
	codes           []uint32
}

// attributed is a feature that waits for its attributes.
type attributed struct {
	ref   index.Ref
	count int32 // features that it stands for, where there are more than one
}

// mergedRef stands for the features that have become blocks.
var mergedRef = index.Ref{Part: -1}

// finish ends the feature that was drawn from a row, if it has a geometry. count is
// that of the features that it stands for.
func (d *renderer) finish(r index.Ref, count int32) bool {
	if !d.w.EndFeature() {
		return false
	}
	d.rows = append(d.rows, attributed{r, count})
	if len(d.rows) == d.batch {
		d.flush()
		d.batch = min(2*d.batch, batchSize)
	}
	return true
}

// beginAttributes opens a layer.
func (d *renderer) beginAttributes() {
	n := len(d.job.lens.fields)
	d.rows, d.arena = d.rows[:0], d.arena[:0]
	d.keys = append(d.keys[:0], make([]mvt.TagKey, n+2)...)
	d.remap = append(d.remap[:0], make([][]mvt.Tag, d.snap.Parts()*n)...)
	d.batch = firstBatch
	d.hits, d.main, d.mixed = 0, -1, false
	if d.snap.Parts() == 1 {
		d.main = 0
	}
}

// expect is told the rows that the layer is drawn from, where all are known.
func (d *renderer) expect(refs []index.Ref) {
	d.hits = len(refs)
	if d.snap.Parts() == 1 || len(refs) == 0 {
		return
	}
	count := make([]int, d.snap.Parts())
	for _, r := range refs {
		count[r.Part]++
	}
	d.main = 0
	for p, n := range count {
		if n > count[d.main] {
			d.main = int32(p)
		}
	}
	switch beside := len(refs) - count[d.main]; {
	case beside*4 > len(refs):
		d.main = -1
	case beside > 0:
		d.mixed = true
		d.noteOthers(refs, beside)
	}
}

// noteOthers enters the values of rows beside the main part's.
func (d *renderer) noteOthers(refs []index.Ref, beside int) {
	seg := d.snap.Segment(d.main)
	d.others.reset(beside * len(d.job.lens.fields))
	for _, f := range d.job.lens.fields {
		if f >= seg.NumColumns() || !seg.Column(f).Plain() {
			continue
		}
		for _, r := range refs {
			if r.Part == d.main {
				continue
			}
			if s := d.snap.Segment(r.Part); f < s.NumColumns() {
				if h, ok := s.Column(f).Hash(r.Handle); ok {
					d.others.add(h)
				}
			}
		}
	}
}

// flush gives the rows that wait their attributes, and writes them. Nulls and what
// the view does not see are left out.
func (d *renderer) flush() {
	if len(d.rows) == 0 {
		return
	}
	fields := d.job.lens.fields
	width := len(fields) + 1
	tags := d.w.Tags(width)
	d.handles, d.places = d.handles[:0], d.places[:0]
	for j, r := range d.rows {
		d.handles, d.places = append(d.handles, r.ref.Handle), append(d.places, int32(j))
	}
	for i := range fields {
		for from := 0; from < len(d.rows); {
			part := d.rows[from].ref.Part
			to := from + 1
			for to < len(d.rows) && d.rows[to].ref.Part == part {
				to++
			}
			if part >= 0 {
				d.column(i, part, from, to, tags)
			}
			from = to
		}
	}
	for j, r := range d.rows {
		switch {
		case r.ref == mergedRef:
			tags[j*width+width-1] = d.key(len(fields)+1, "merged").Tag(d.w.Int(int64(r.count)))
		case r.count > 1:
			v := d.w.Once(uint32(len(fields)), d.w.Int(int64(r.count)))
			tags[j*width+width-1] = d.key(len(fields), "point_count").Tag(v)
		}
	}
	d.w.Flush()
	d.rows = d.rows[:0]
}

// key is the key of the i-th field.
func (d *renderer) key(i int, name string) mvt.TagKey {
	if d.keys[i].IsZero() {
		d.keys[i] = mvt.MakeTagKey(d.w.Key(name))
	}
	return d.keys[i]
}

// column gives the rows from to to, all of one part, their values of the i-th field.
func (d *renderer) column(i int, part int32, from, to int, tags []mvt.Tag) {
	f := d.job.lens.fields[i]
	seg := d.snap.Segment(part)
	if f >= seg.NumColumns() {
		return
	}
	hs, at := d.handles[from:to], d.places[from:to]
	if d.job.lens.varies {
		hs, at = d.showing(f, hs, at)
	}
	switch col := seg.Column(f); {
	case col.Plain():
		d.plain(i, col, d.lookup(i, part), hs, at, tags)
	case col.Size() > 0:
		d.coded(i, part, col, hs, at, tags)
	}
}

// showing returns those of the rows on which the view sees field f.
func (d *renderer) showing(f int, hs, at []int32) (shownHs, shownAt []int32) {
	d.hs, d.at = d.hs[:0], d.at[:0]
	for k, j := range at {
		if shown := d.job.lens.showing(d.rows[j].ref); shown == nil || shown[f] {
			d.hs, d.at = append(d.hs, hs[k]), append(d.at, j)
		}
	}
	return d.hs, d.at
}

// lookup returns by handle which values of the i-th field, a plain column of the
// part, may have been written before; nil: any.
func (d *renderer) lookup(i int, part int32) []uint64 {
	if part != d.main {
		return nil
	}
	return d.snap.Segment(part).Repeats().Of(d.job.lens.fields[i])
}

// plain writes values that are kept per feature; again is of lookup.
func (d *renderer) plain(i int, col *index.Column, again []uint64, hs, at []int32, tags []mvt.Tag) {
	name, width := d.job.c.info.Fields[d.job.lens.fields[i]].Name, len(d.job.lens.fields)+1
	var key mvt.TagKey
	for k, h := range hs {
		if !col.Has(h) {
			continue
		}
		var v uint32
		switch col.Type {
		case catalog.TypeText, catalog.TypeJSON:
			v = d.w.Text(col.Chars(h))
		case catalog.TypeInteger:
			v = d.w.Int(col.Number(h))
		default:
			v = d.value(col.Value(h))
		}
		if again == nil || again[h>>6]>>(h&63)&1 != 0 || d.mixed && d.amongOthers(col, h) {
			v = d.w.Once(uint32(i), v)
		}
		if key.IsZero() {
			key = d.key(i, name)
		}
		tags[int(at[k])*width+i] = key.Tag(v)
	}
}

func (d *renderer) amongOthers(col *index.Column, h int32) bool {
	hash, _ := col.Hash(h)
	return d.others.has(hash)
}

// coded writes values of a dictionary.
func (d *renderer) coded(i int, part int32, col *index.Column, hs, at []int32, tags []mvt.Tag) {
	name, width := d.job.c.info.Fields[d.job.lens.fields[i]].Name, len(d.job.lens.fields)+1
	m := d.tagsByCode(i, part, col)
	d.codes = col.Codes(d.codes[:0], hs)
	for k, code := range d.codes {
		if code == 0 {
			continue
		}
		var t mvt.Tag
		if m != nil {
			t = m[code]
		}
		if t == 0 {
			v := d.value(col.EntryValue(code))
			if m == nil || d.main < 0 || d.mixed {
				v = d.w.Once(uint32(i), v)
			}
			t = d.key(i, name).Tag(v)
			if m != nil {
				m[code] = t
			}
		}
		tags[int(at[k])*width+i] = t
	}
}

// tagsByCode returns where the tags of a dictionary are kept for the layer; nil
// where there would be far more of them than rows.
func (d *renderer) tagsByCode(i int, part int32, col *index.Column) []mvt.Tag {
	at := int(part)*len(d.job.lens.fields) + i
	size := col.Size() + 1
	if d.remap[at] == nil && size <= max(smallDict, d.hits*dictPerRow) {
		if len(d.arena)+size > cap(d.arena) {
			d.arena = make([]mvt.Tag, 0, max(2*cap(d.arena), size, 1<<13)) // what is in the old one stays
		}
		from := len(d.arena)
		d.arena = d.arena[:from+size]
		d.remap[at] = d.arena[from : from+size : from+size]
		clear(d.remap[at])
	}
	return d.remap[at]
}

// value adds a value: integers as integers, reals as doubles, times, dates and JSON
// as text.
func (d *renderer) value(v catalog.Value) uint32 {
	switch v.Type() {
	case catalog.TypeInteger:
		return d.w.Int(v.Int())
	case catalog.TypeReal:
		return d.w.Double(v.Float())
	case catalog.TypeBoolean:
		return d.w.Bool(v.Bool())
	case catalog.TypeText, catalog.TypeJSON:
		return d.w.Text(v.Str())
	}
	quoted := v.String() // times and dates as JSON
	return d.w.Text(quoted[1 : len(quoted)-1])
}

// valueSet tells values that it has, and few others, by a hash.
type valueSet struct {
	bits  []uint64
	shift int
}

// reset empties the set for n values.
func (s *valueSet) reset(n int) {
	s.shift = 64 - bits.Len(uint(max(16*n, 1024)-1))
	words := 1 << (64 - s.shift) / 64
	s.bits = append(s.bits[:0], make([]uint64, words)...)
}

func (s *valueSet) add(hash uint64) { s.bits[hash>>s.shift/64] |= 1 << (hash >> s.shift % 64) }

func (s *valueSet) has(hash uint64) bool {
	return s.bits[hash>>s.shift/64]>>(hash>>s.shift%64)&1 != 0
}
