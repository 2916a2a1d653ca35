package layers

import (
	"container/list"
	"math/bits"
	"sync"

	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/layers/index"
)

// rows are the features of a segment that a rule holds for. They never change.
type rows struct {
	bits []uint64    // by handle
	box  geo.GridBox // of those with a geometry
}

// countAny counts the handles that are in any of the sets of one segment.
func countAny(of []*rows) int {
	n := 0
	if len(of) == 0 {
		return 0
	}
	for w := range of[0].bits {
		var any uint64
		for _, r := range of {
			any |= r.bits[w]
		}
		n += bits.OnesCount64(any)
	}
	return n
}

// newRows asks the rule about every feature of a segment.
func newRows(seg *index.Segment, rule *cql2.Filter) *rows {
	out := &rows{bits: make([]uint64, (seg.Len()+63)/64), box: geo.EmptyGridBox()}
	holds := holdsBy(seg, rule)
	for h := range int32(seg.Len()) {
		if !holds(h) {
			continue
		}
		out.bits[h>>6] |= 1 << (h & 63)
		if int(h) < seg.Boxed() {
			out.box = out.box.Union(seg.Box(h))
		}
	}
	return out
}

// holdsBy returns how to ask a rule about a segment's features: one that reads a
// single field, such as ward IN (...), about each distinct value once.
func holdsBy(seg *index.Segment, rule *cql2.Filter) func(h int32) bool {
	at := &row{seg: seg}
	if f, ok := rule.Only(); ok && f < seg.NumColumns() && seg.Column(f).Size() <= smallDict && !seg.Column(f).Plain() {
		col := seg.Column(f)
		known := make([]int8, col.Size()+1)
		return func(h int32) bool {
			code := col.Code(h)
			if known[code] == 0 {
				at.h, known[code] = h, -1
				if rule.Match(at) {
					known[code] = 1
				}
			}
			return known[code] > 0
		}
	}
	near, all := geo.EmptyGridBox(), true
	if b := rule.Bounds(); b.IsEmpty() {
		all = false
	} else if geo.World().ContainsBox(b) {
		near, all = geo.ProjectBox(b).Grow(4), false // rows are compared as rounded degrees
	}
	return func(h int32) bool {
		if int(h) < seg.Boxed() && !all && !seg.Box(h).Intersects(near) {
			return false
		}
		at.h = h
		return rule.Match(at)
	}
}

// keptRows keeps what rules have of segments, up to a limit in bytes; what was not
// asked for the longest leaves first.
type keptRows struct {
	limit int64

	mu     sync.Mutex
	all    map[rowsKey]*list.Element // of *rowsEntry
	recent list.List                 // the newest first
	size   int64
}

type rowsKey struct {
	seg  uint64 // its number: what is kept does not keep a segment
	rule string
}

type rowsEntry struct {
	key  rowsKey
	size int64
	once sync.Once
	rows *rows
}

// keptRowsLimit holds the rows of some 250 rules over a million features.
const keptRowsLimit = 32 << 20

const rowsOverhead = 300 // bytes of an entry beside its bits, about

func newKeptRows(limit int64) *keptRows {
	return &keptRows{limit: limit, all: map[rowsKey]*list.Element{}}
}

// of returns what a rule, known by its key, has of a segment. A nil keptRows works
// it out and keeps nothing.
func (k *keptRows) of(seg *index.Segment, key string, rule *cql2.Filter) *rows {
	if k == nil {
		return newRows(seg, rule)
	}
	e := k.entry(rowsKey{seg.Number(), key}, int64(seg.Len()/8))
	e.once.Do(func() { e.rows = newRows(seg, rule) })
	return e.rows
}

// entry finds the entry or makes room for it.
func (k *keptRows) entry(key rowsKey, bytes int64) *rowsEntry {
	k.mu.Lock()
	defer k.mu.Unlock()
	if el, ok := k.all[key]; ok {
		k.recent.MoveToFront(el)
		return el.Value.(*rowsEntry)
	}
	e := &rowsEntry{key: key, size: bytes + rowsOverhead}
	k.all[key] = k.recent.PushFront(e)
	for k.size += e.size; k.size > k.limit && k.recent.Len() > 1; {
		old := k.recent.Remove(k.recent.Back()).(*rowsEntry)
		delete(k.all, old.key)
		k.size -= old.size
	}
	return e
}
