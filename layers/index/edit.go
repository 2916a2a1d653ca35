package index

import (
	"nagar/catalog"
	"nagar/geo"
)

// Edit is a change of one feature: New replaces the feature of that id, or it is
// deleted when New is nil.
type Edit struct {
	ID  string
	New *catalog.Feature
}

// mergeCount segments of one size class are merged into one.
const mergeCount = 8

// smallMerge is the number of features up to which Apply merges at once; larger
// merges are for Merge, in the background.
const smallMerge = 4096

// Apply returns the snapshot after the edits, of which no two have the same id,
// and calls dirty with the boxes of the old and new geometries. It costs about
// as much as what the edits touch.
func (s *Snapshot) Apply(c *catalog.Collection, edits []Edit, dirty func(geo.GridBox)) *Snapshot {
	hide := make([][]int32, len(s.parts))
	b := NewBuilder(c)
	for _, e := range edits {
		if r, ok := s.FindID(c.Name, e.ID); ok {
			hide[r.Part] = append(hide[r.Part], r.Handle)
			if g := s.parts[r.Part].seg; int(r.Handle) < g.boxed {
				dirty(g.Box(r.Handle))
			}
		}
		if e.New != nil {
			b.Add(e.New)
			if box := b.boxes[len(b.boxes)-1]; !box.IsEmpty() {
				dirty(box)
			}
		}
	}
	parts := make([]part, 0, len(s.parts)+1)
	for i, p := range s.parts {
		p.dead = p.dead.with(hide[i], p.seg.Len())
		if p.live() > 0 {
			parts = append(parts, p)
		}
	}
	if b.Len() > 0 {
		parts = append(parts, part{seg: b.Build()})
	}
	parts, merges := mergeSmall(c, parts)
	n := newSnapshot(parts)
	n.merges = merges
	return n
}

// class is the size class of a part: 0 below 8 features, 1 below 64 ...
func class(p part) int {
	n, k := p.live(), 0
	for n >= mergeCount {
		n /= mergeCount
		k++
	}
	return k
}

// mergeSmall merges, smallest class first, every class that has mergeCount parts,
// and counts the merges.
func mergeSmall(c *catalog.Collection, parts []part) (left []part, merges int) {
	for k := 0; ; k++ {
		var in []part
		size, top := 0, 0
		for _, p := range parts {
			q := class(p)
			top = max(top, q)
			if q == k {
				in = append(in, p)
				size += p.live()
			}
		}
		if k > top || size > smallMerge*mergeCount {
			return parts, merges
		}
		if len(in) < mergeCount || size > smallMerge {
			continue
		}
		merged := part{seg: mergeParts(c, in)}
		rest := make([]part, 0, len(parts))
		for _, p := range parts {
			if class(p) != k {
				rest = append(rest, p)
			}
		}
		parts = append(rest, merged)
		merges++
	}
}

// mergeParts builds one segment of what is live in the parts.
func mergeParts(c *catalog.Collection, parts []part) *Segment {
	b := NewBuilder(c)
	for _, p := range parts {
		for h := range int32(p.seg.Len()) {
			if !p.dead.has(h) {
				b.addFrom(p.seg, h)
			}
		}
	}
	return b.Build()
}

// A Merge is a merge of larger parts, planned on one snapshot, made while edits
// go on, and installed in a later one.
type Merge struct {
	from   []part
	merged *Segment
}

// PlanMerge returns the merge that is due, nil when none is: all parts when what
// lies over the largest, or is hidden in it, has grown to an eighth of it; else
// the parts beyond smallMerge below the largest, when there are mergeCount.
func (s *Snapshot) PlanMerge() *Merge {
	if len(s.parts) == 0 {
		return nil
	}
	big := largest(s.parts)
	over, many := 0, []part(nil)
	for i, p := range s.parts {
		if i != big {
			over += p.seg.Len()
			if p.live() >= smallMerge/mergeCount {
				many = append(many, p)
			}
		}
	}
	base := s.parts[big].seg.Len()
	switch {
	case over+s.parts[big].dead.count() > max(base/8, smallMerge*2):
		return &Merge{from: s.parts}
	case len(many) >= mergeCount:
		return &Merge{from: many}
	}
	return nil
}

// PlanPurge returns the merge after which nothing is kept of what is hidden, nil when nothing is.
func (s *Snapshot) PlanPurge() *Merge {
	m := &Merge{}
	for _, p := range s.parts {
		if p.dead.count() > 0 {
			m.from = append(m.from, p)
		}
	}
	if len(m.from) == 0 {
		return nil
	}
	return m
}

// Run does the work; it may take seconds for a million features.
func (m *Merge) Run(c *catalog.Collection) { m.merged = mergeParts(c, m.from) }

// Install returns the snapshot with the merged parts replaced; what was hidden in
// them since the plan is hidden in the result, and so is what came from a part
// that is gone (an edit's small merge took it, and what is live of it is there).
func (m *Merge) Install(s *Snapshot) *Snapshot {
	at := make(map[*Segment]int, len(s.parts))
	for i, p := range s.parts {
		at[p.seg] = i
	}
	replaced := make(map[*Segment]bool, len(m.from))
	var hide []int32
	for _, old := range m.from {
		i, ok := at[old.seg]
		lost := func(h int32) {
			if j, ok := m.merged.find(old.seg.keys[h], old.seg.ID(h)); ok {
				hide = append(hide, j)
			}
		}
		if !ok {
			for h := range int32(old.seg.Len()) {
				if !old.dead.has(h) {
					lost(h)
				}
			}
			continue
		}
		replaced[old.seg] = true
		s.parts[i].dead.added(old.dead, lost)
	}
	parts := []part{{seg: m.merged, dead: (*hidden)(nil).with(hide, m.merged.Len())}}
	for _, p := range s.parts {
		if !replaced[p.seg] {
			parts = append(parts, p)
		}
	}
	return newSnapshot(parts)
}
