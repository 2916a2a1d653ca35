package index

import (
	"math"
	"time"
	"unsafe"

	"nagar/catalog"
)

// Column holds one field of all features of a segment. Values that repeat are
// kept once in a dictionary, with a code of one, two or four bytes per feature;
// values that rarely repeat are kept per feature.
type Column struct {
	Type catalog.FieldType

	// Coded: code 0 is null, code c is dictionary entry c-1. At most one is set.
	w8  []uint8
	w16 []uint16
	w32 []uint32

	plain bool     // values per feature instead of a dictionary
	some  []uint64 // plain: which features have a value

	nums []int64  // numbers (bits of a real), by entry or feature
	off  []uint32 // text: where entry or feature i begins in text, and the end
	text []byte
}

// Plain reports whether values are kept per feature; then there are no codes.
func (c *Column) Plain() bool { return c.plain }

// Size is the number of dictionary entries; codes run from 1 to Size.
func (c *Column) Size() int {
	switch {
	case c.plain:
		return 0
	case c.isText():
		return max(0, len(c.off)-1)
	}
	return len(c.nums)
}

func (c *Column) isText() bool { return c.Type == catalog.TypeText || c.Type == catalog.TypeJSON }

// Code is the code of feature h, 0 for null; of no meaning when Plain.
func (c *Column) Code(h int32) uint32 {
	switch {
	case c.w8 != nil:
		return uint32(c.w8[h])
	case c.w16 != nil:
		return uint32(c.w16[h])
	case c.w32 != nil:
		return c.w32[h]
	}
	return 0
}

// Codes appends the codes of some features to dst; of no meaning when Plain.
func (c *Column) Codes(dst []uint32, hs []int32) []uint32 {
	switch {
	case c.w8 != nil:
		for _, h := range hs {
			dst = append(dst, uint32(c.w8[h]))
		}
	case c.w16 != nil:
		for _, h := range hs {
			dst = append(dst, uint32(c.w16[h]))
		}
	default:
		for _, h := range hs {
			dst = append(dst, c.Code(h))
		}
	}
	return dst
}

// Has reports whether feature h of a plain column has a value.
func (c *Column) Has(h int32) bool { return c.some[h>>6]>>(h&63)&1 != 0 }

// Number is the value of feature h of a plain column that is not text and has one:
// an integer, or the bits of a real.
func (c *Column) Number(h int32) int64 { return c.nums[h] }

// Chars is the text of feature h of a plain text or JSON column that has one; it
// shares the column's memory.
func (c *Column) Chars(h int32) string { return c.entryText(h) }

// entry is the index of the value of feature h in nums or off.
func (c *Column) entry(h int32) (int32, bool) {
	if c.plain {
		return h, c.Has(h)
	}
	code := c.Code(h)
	return int32(code) - 1, code != 0
}

// Text is the text of feature h, of a text or JSON column; it shares the
// column's memory. False for null.
func (c *Column) Text(h int32) (string, bool) {
	i, ok := c.entry(h)
	if !ok {
		return "", false
	}
	return c.entryText(i), true
}

// EntryText is the text of dictionary code ≥ 1.
func (c *Column) EntryText(code uint32) string { return c.entryText(int32(code) - 1) }

func (c *Column) entryText(i int32) string {
	b := c.text[c.off[i]:c.off[i+1]]
	return unsafe.String(unsafe.SliceData(b), len(b)) // segments never change
}

// Value is the value of feature h.
func (c *Column) Value(h int32) catalog.Value {
	i, ok := c.entry(h)
	if !ok {
		return catalog.Null
	}
	return c.value(i)
}

// EntryValue is the value of dictionary code ≥ 1.
func (c *Column) EntryValue(code uint32) catalog.Value { return c.value(int32(code) - 1) }

func (c *Column) value(i int32) catalog.Value {
	switch c.Type {
	case catalog.TypeText:
		return catalog.Text(c.entryText(i))
	case catalog.TypeJSON:
		return catalog.JSON(c.entryText(i))
	}
	return ValueOf(c.Type, c.nums[i])
}

// ValueOf is the value of that type that Number turns into n; Null for a text.
func ValueOf(t catalog.FieldType, n int64) catalog.Value {
	switch t {
	case catalog.TypeInteger:
		return catalog.Integer(n)
	case catalog.TypeReal:
		return catalog.Real(math.Float64frombits(uint64(n)))
	case catalog.TypeBoolean:
		return catalog.Boolean(n != 0)
	case catalog.TypeTime:
		return catalog.Time(time.UnixMicro(n))
	case catalog.TypeDate:
		return catalog.Date(time.Unix(n*86400, 0).UTC())
	}
	return catalog.Null
}

// Number is how a value that is not a text is kept; 0 for null.
func Number(v catalog.Value) int64 { return number(v, v.Type()) }

// number is how a non-text value is kept.
func number(v catalog.Value, t catalog.FieldType) int64 {
	switch t {
	case catalog.TypeReal:
		return int64(math.Float64bits(v.Float()))
	case catalog.TypeTime:
		return v.AsTime().UnixMicro()
	case catalog.TypeDate:
		return v.AsTime().Unix() / 86400
	}
	return v.Int()
}

func (c *Column) bytes() int64 {
	return int64(len(c.w8)) + int64(len(c.w16))*2 + int64(len(c.w32))*4 + int64(len(c.some))*8 +
		int64(len(c.nums))*8 + int64(len(c.off))*4 + int64(len(c.text))
}

// columnBuilder collects a column in the order of rows added.
type columnBuilder struct {
	typ   catalog.FieldType
	isTxt bool
	plain bool
	codes []uint32 // coded: per row; plain: 1 for a value
	nums  []int64
	off   []uint32
	text  []byte
	numAt map[int64]uint32
	txtAt map[string]uint32
}

func newColumnBuilder(t catalog.FieldType) *columnBuilder {
	return &columnBuilder{typ: t, isTxt: t == catalog.TypeText || t == catalog.TypeJSON}
}

const (
	plainNumbers = 1 << 16 // more different numbers than this are kept per feature
	plainTexts   = 1 << 12 // more different texts than this, and more than half of the rows
)

func (b *columnBuilder) pad(row int) {
	for len(b.codes) < row {
		b.codes = append(b.codes, 0)
		if b.plain {
			b.padPlain()
		}
	}
}

func (b *columnBuilder) padPlain() {
	if b.isTxt {
		b.off = append(b.off, uint32(len(b.text)))
	} else {
		b.nums = append(b.nums, 0)
	}
}

// set gives a row, not before the last one set, its value.
func (b *columnBuilder) set(row int, v catalog.Value) {
	if v.IsNull() {
		return
	}
	if b.isTxt {
		b.setText(row, v.Str())
	} else {
		b.setNum(row, number(v, b.typ))
	}
}

func (b *columnBuilder) setNum(row int, n int64) {
	b.pad(row)
	if b.plain {
		b.codes, b.nums = append(b.codes, 1), append(b.nums, n)
		return
	}
	c, ok := b.numAt[n]
	if !ok {
		if len(b.nums) >= plainNumbers {
			b.makePlain()
			b.setNum(row, n)
			return
		}
		if b.numAt == nil {
			b.numAt = map[int64]uint32{}
		}
		b.nums = append(b.nums, n)
		c = uint32(len(b.nums))
		b.numAt[n] = c
	}
	b.codes = append(b.codes, c)
}

func (b *columnBuilder) setText(row int, s string) {
	b.pad(row)
	if b.off == nil {
		b.off = append(b.off, 0)
	}
	if b.plain {
		b.codes, b.text = append(b.codes, 1), append(b.text, s...)
		b.off = append(b.off, uint32(len(b.text)))
		return
	}
	c, ok := b.txtAt[s]
	if !ok {
		if n := len(b.off) - 1; n >= plainTexts && n > row/2 {
			b.makePlain()
			b.setText(row, s)
			return
		}
		if b.txtAt == nil {
			b.txtAt = map[string]uint32{}
		}
		b.text = append(b.text, s...)
		b.off = append(b.off, uint32(len(b.text)))
		c = uint32(len(b.off) - 1)
		b.txtAt[string([]byte(s))] = c // s may belong to a larger string
	}
	b.codes = append(b.codes, c)
}

// makePlain turns the dictionary into values per row.
func (b *columnBuilder) makePlain() {
	nums, off, text := b.nums, b.off, b.text
	b.plain, b.numAt, b.txtAt = true, nil, nil
	b.nums, b.off, b.text = nil, nil, nil
	if b.isTxt {
		b.off = append(b.off, 0)
	}
	for i, c := range b.codes {
		switch {
		case c == 0:
			b.padPlain()
			continue
		case b.isTxt:
			b.text = append(b.text, text[off[c-1]:off[c]]...)
			b.off = append(b.off, uint32(len(b.text)))
		default:
			b.nums = append(b.nums, nums[c-1])
		}
		b.codes[i] = 1
	}
}

// build returns the column with row order[i] as feature i.
func (b *columnBuilder) build(order []int32) Column {
	c := Column{Type: b.typ}
	if len(b.codes) == 0 {
		return c // all null
	}
	b.pad(len(order))
	if b.plain {
		b.buildPlain(&c, order)
		return c
	}
	c.nums, c.off, c.text = shrink(b.nums), shrink(b.off), shrink(b.text)
	switch n := c.Size(); {
	case n < 1<<8:
		c.w8 = make([]uint8, len(order))
		for i, r := range order {
			c.w8[i] = uint8(b.codes[r])
		}
	case n < 1<<16:
		c.w16 = make([]uint16, len(order))
		for i, r := range order {
			c.w16[i] = uint16(b.codes[r])
		}
	default:
		c.w32 = make([]uint32, len(order))
		for i, r := range order {
			c.w32[i] = b.codes[r]
		}
	}
	return c
}

func (b *columnBuilder) buildPlain(c *Column, order []int32) {
	c.plain = true
	c.some = make([]uint64, (len(order)+63)/64)
	if b.isTxt {
		c.off = make([]uint32, 1, len(order)+1)
		c.text = make([]byte, 0, len(b.text))
	} else {
		c.nums = make([]int64, len(order))
	}
	for i, r := range order {
		if b.codes[r] != 0 {
			c.some[i>>6] |= 1 << (i & 63)
		}
		if b.isTxt {
			c.text = append(c.text, b.text[b.off[r]:b.off[r+1]]...)
			c.off = append(c.off, uint32(len(c.text)))
		} else {
			c.nums[i] = b.nums[r]
		}
	}
}

// shrink returns a slice without spare room.
func shrink[T any](s []T) []T {
	if cap(s)-len(s) <= len(s)/8 {
		return s
	}
	return append(make([]T, 0, len(s)), s...)
}
