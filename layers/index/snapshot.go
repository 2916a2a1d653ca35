package index

import (
	"slices"
	"sort"

	"nagar/catalog"
	"nagar/geo"
)

// Snapshot is the content of a collection at one moment. It never changes.
type Snapshot struct {
	parts []part // oldest first
	live  int
	box   geo.GridBox

	merges int // that Apply made on the way to this
}

type part struct {
	seg  *Segment
	dead *hidden
}

func (p part) live() int { return p.seg.Len() - p.dead.count() }

// Ref names a feature of a Snapshot: which part, and its handle there.
type Ref struct{ Part, Handle int32 }

// NewSnapshot returns the snapshot of one segment.
func NewSnapshot(s *Segment) *Snapshot { return newSnapshot([]part{{seg: s}}) }

func newSnapshot(parts []part) *Snapshot {
	n := &Snapshot{box: geo.EmptyGridBox()}
	for _, p := range parts {
		if p.live() == 0 {
			continue
		}
		n.parts = append(n.parts, p)
		n.live += p.live()
		n.box = n.box.Union(p.seg.tree.all())
	}
	return n
}

// Len is the number of features.
func (s *Snapshot) Len() int { return s.live }

// Box contains all geometries; after deletes it may be larger than needed.
func (s *Snapshot) Box() geo.GridBox { return s.box }

// Parts is the number of segments.
func (s *Snapshot) Parts() int { return len(s.parts) }

// Segment is the segment of part i.
func (s *Snapshot) Segment(i int32) *Segment { return s.parts[i].seg }

// Merges is how many merges of segments the Apply made that returned s.
func (s *Snapshot) Merges() int { return s.merges }

// Bytes is the memory that the segments take.
func (s *Snapshot) Bytes() int64 {
	var n int64
	for _, p := range s.parts {
		n += p.seg.Bytes()
	}
	return n
}

// Loose is the number of features, hidden ones too, that lie in the heap or are
// hidden in a mapped segment: what a stored snapshot would have otherwise.
func (s *Snapshot) Loose() int {
	n := 0
	for _, p := range s.parts {
		if n += p.dead.count(); !p.seg.Mapped() {
			n += p.seg.Len()
		}
	}
	return n
}

// FindID returns the feature of that id in the collection.
func (s *Snapshot) FindID(collection, id string) (Ref, bool) {
	return s.find(uint64(catalog.KeyOf(collection, id)), id)
}

// FindKey returns a feature of that key.
func (s *Snapshot) FindKey(key catalog.Key) (Ref, bool) { return s.find(uint64(key), "") }

func (s *Snapshot) find(key uint64, id string) (Ref, bool) {
	for i := len(s.parts) - 1; i >= 0; i-- { // the newest first
		p := s.parts[i]
		for j := p.seg.firstOfKey(key); j < len(p.seg.byKey); j++ {
			h := p.seg.byKey[j]
			if p.seg.keys[h] != key {
				break
			}
			if !p.dead.has(h) && (id == "" || p.seg.ID(h) == id) {
				return Ref{int32(i), h}, true
			}
		}
	}
	return Ref{}, false
}

// Count is the number of features whose box meets q, hidden ones included, at
// most limit or a little more: a quick estimate of work.
func (s *Snapshot) Count(q geo.GridBox, limit int) int {
	n := 0
	for _, p := range s.parts {
		if n < limit {
			n += p.seg.tree.count(q, limit-n)
		}
	}
	return n
}

// Finder searches snapshots with buffers that it keeps. The zero value is ready;
// it is not safe for concurrent use.
type Finder struct {
	handles []int32
	small   []placed
	refs    []Ref
	queue   nearQueue
	shape   Shape
}

// Held is about how many bytes the Finder keeps for the next search.
func (f *Finder) Held() int { return 4*cap(f.handles) + 24*cap(f.small) + 8*cap(f.refs) }

type placed struct {
	rank uint64
	key  uint64
	ref  Ref
}

// Search returns the features whose box meets q, in canonical order; the slice is
// the Finder's until the next call.
func (f *Finder) Search(s *Snapshot, q geo.GridBox) []Ref {
	return f.gather(s, func(i int) []int32 {
		f.handles = s.parts[i].seg.tree.search(q, f.handles[:0])
		return f.handles
	})
}

// Among is Search among some features of each part: their handles, ascending.
func (f *Finder) Among(s *Snapshot, q geo.GridBox, some func(part int) []int32) []Ref {
	return f.gather(s, func(i int) []int32 {
		f.handles = f.handles[:0]
		seg := s.parts[i].seg
		for _, h := range some(i) {
			if seg.tree.boxes[h].Intersects(q) {
				f.handles = append(f.handles, h)
			}
		}
		return f.handles
	})
}

// gather merges the hits of the parts and leaves out what is hidden.
func (f *Finder) gather(s *Snapshot, hits func(part int) []int32) []Ref {
	f.refs, f.small = f.refs[:0], f.small[:0]
	big := largest(s.parts)
	for i, p := range s.parts {
		for _, h := range hits(i) {
			switch {
			case p.dead != nil && p.dead.has(h):
			case i == big:
				f.refs = append(f.refs, Ref{int32(i), h})
			default:
				f.small = append(f.small, placed{p.seg.rank(h), p.seg.keys[h], Ref{int32(i), h}})
			}
		}
	}
	if len(f.small) > 0 {
		f.merge(s)
	}
	return f.refs
}

func largest(parts []part) int {
	big := 0
	for i, p := range parts {
		if p.seg.Len() > parts[big].seg.Len() {
			big = i
		}
	}
	return big
}

// merge brings the hits of the smaller parts into those of the largest, each at
// the place that a binary search finds, from the back.
func (f *Finder) merge(s *Snapshot) {
	slices.SortFunc(f.small, func(a, b placed) int { return comparePlaced(s, a, b) })
	n, m := len(f.refs), len(f.small)
	f.refs = append(f.refs, make([]Ref, m)...)
	for m > 0 {
		e := f.small[m-1]
		at := sort.Search(n, func(i int) bool {
			r := f.refs[i]
			g := s.parts[r.Part].seg
			return comparePlaced(s, placed{g.rank(r.Handle), g.keys[r.Handle], r}, e) > 0
		})
		copy(f.refs[at+m:], f.refs[at:n])
		n = at
		m--
		f.refs[n+m] = e.ref
	}
}

func comparePlaced(s *Snapshot, a, b placed) int {
	switch {
	case a.rank != b.rank:
		if a.rank < b.rank {
			return -1
		}
		return 1
	case a.key != b.key:
		if a.key < b.key {
			return -1
		}
		return 1
	}
	p, q := s.parts[a.ref.Part].seg.ID(a.ref.Handle), s.parts[b.ref.Part].seg.ID(b.ref.Handle)
	switch {
	case p < q:
		return -1
	case p > q:
		return 1
	}
	return 0
}

// Place is where a feature stands in canonical order.
type Place struct {
	Rank uint64
	Key  catalog.Key
}

// After reports whether p stands after q.
func (p Place) After(q Place) bool { return p.Rank > q.Rank || p.Rank == q.Rank && p.Key > q.Key }

// Place returns where a feature with geometry stands.
func (s *Snapshot) Place(r Ref) Place {
	g := s.parts[r.Part].seg
	return Place{g.rank(r.Handle), g.Key(r.Handle)}
}

// Compare orders two features with geometry as Search yields them.
func (s *Snapshot) Compare(a, b Ref) int {
	p, q := s.parts[a.Part].seg, s.parts[b.Part].seg
	return comparePlaced(s, placed{p.rank(a.Handle), p.keys[a.Handle], a}, placed{q.rank(b.Handle), q.keys[b.Handle], b})
}

// Hidden calls fn for every feature of a part that is hidden.
func (s *Snapshot) Hidden(part int32, fn func(h int32)) { s.parts[part].dead.added(nil, fn) }

// Has reports whether a feature of a segment is still there.
func (s *Snapshot) Has(r Ref) bool { return !s.parts[r.Part].dead.has(r.Handle) }

// All calls fn for every feature until it returns false: part by part, those with geometry first.
func (s *Snapshot) All(fn func(Ref) bool) {
	for i, p := range s.parts {
		for h := range int32(p.seg.Len()) {
			if !p.dead.has(h) && !fn(Ref{int32(i), h}) {
				return
			}
		}
	}
}
