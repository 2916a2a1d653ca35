package layers

import (
	"nagar/catalog"
	"nagar/layers/index"
)

// fragments are a segment's dictionary values as they stand in GeoJSON, each with
// its name before it: ,"use":"residential". They are made when a query first meets
// the segment, so that writing such a property is one copy.
type fragments struct{ cols []fragmentColumn }

// fragmentColumn are the fragments of one column, by code; none where its values
// are kept per feature or differ too much.
type fragmentColumn struct {
	name string
	off  []uint32 // where the fragment of code c begins in text, and, of c+1, ends; nil: none
	text []byte
}

const (
	fragmentSlot    = -2      // among what is derived of a segment; sums have the slots from 0 on, the index itself -1
	fragmentEntries = 1 << 12 // the largest dictionary that is made ready
	fragmentFrom    = 256     // features of a segment from which it pays
)

// fragmentsOf returns the fragments of a segment; nil for a small one.
func fragmentsOf(c *catalog.Collection, s *index.Segment) *fragments {
	if s.Len() < fragmentFrom {
		return nil
	}
	return s.Derived(fragmentSlot, func() index.Derived { return newFragments(c, s) }).(*fragments)
}

func newFragments(c *catalog.Collection, s *index.Segment) *fragments {
	out := &fragments{cols: make([]fragmentColumn, min(s.NumColumns(), len(c.Fields)))}
	for i := range out.cols {
		col, f := s.Column(i), &out.cols[i]
		f.name = c.Fields[i].Name
		if col.Plain() || col.Size() == 0 || col.Size() > fragmentEntries {
			continue
		}
		name := propertyName(nil, f.name)
		f.off = append(make([]uint32, 0, col.Size()+2), 0, 0) // code 0 is null
		for code := 1; code <= col.Size(); code++ {
			f.text = col.EntryValue(uint32(code)).AppendJSON(append(f.text, name...))
			f.off = append(f.off, uint32(len(f.text)))
		}
	}
	return out
}

// Bytes implements index.Derived.
func (f *fragments) Bytes() int64 {
	var n int64
	for i := range f.cols {
		n += int64(len(f.cols[i].off))*4 + int64(cap(f.cols[i].text)) + 64
	}
	return n
}

// propertyName appends ,"name":
func propertyName(b []byte, name string) []byte {
	return append(catalog.AppendJSONString(append(b, ','), name), ':')
}

// shownColumn is how one of the fields that are shown is written of a segment.
type shownColumn struct {
	col   *index.Column
	at    int // place in featureWriter.fields
	field int
	name  []byte // ,"name":
	ready *fragmentColumn
}

// enter makes ready to write features of a segment.
func (w *featureWriter) enter(s *index.Segment) {
	w.seg, w.cols = s, w.cols[:0]
	made := fragmentsOf(w.info, s)
	for i, f := range w.fields {
		if f >= s.NumColumns() {
			break
		}
		c := shownColumn{col: s.Column(f), at: i, field: f, name: w.names[i]}
		if made != nil && f < len(made.cols) && made.cols[f].off != nil && made.cols[f].name == w.info.Fields[f].Name {
			c.ready = &made.cols[f]
		}
		w.cols = append(w.cols, c)
	}
}

// properties appends the properties of feature h that are shown, without brackets.
func (w *featureWriter) properties(b []byte, h int32) []byte {
	from := len(b)
	for i := range w.cols {
		c := &w.cols[i]
		if w.shown != nil && !w.shown[c.field] {
			continue
		}
		if c.ready != nil {
			code := c.col.Code(h)
			if code == 0 {
				continue
			}
			b = append(b, c.ready.text[c.ready.off[code]:c.ready.off[code+1]]...)
		} else if c.col.Type == catalog.TypeText {
			v, ok := c.col.Text(h)
			if !ok {
				continue
			}
			b = catalog.AppendJSONString(append(b, c.name...), v)
		} else {
			v := c.col.Value(h)
			if v.IsNull() {
				continue
			}
			b = v.AppendJSON(append(b, c.name...))
		}
		if w.account.guarded != nil {
			w.account.value(c.at)
		}
	}
	if w.comma = len(b) > from; w.comma { // each begins with a comma; the first has none before it
		copy(b[from:], b[from+1:])
		b = b[:len(b)-1]
	}
	return b
}
