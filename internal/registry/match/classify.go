package match

import (
	"cmp"
	"slices"

	"nagar/catalog/uid"
)

// classify turns the pairs into rows: what hangs together by pairs is one event.
func (s *surveys) classify() {
	n := len(s.old)
	groups := newSets(n + len(s.new))
	for _, l := range s.pairs {
		groups.join(l.old, n+l.new)
	}
	by := map[int][]link{}
	for _, l := range s.pairs {
		g := groups.find(l.old)
		by[g] = append(by[g], l)
	}
	for _, ls := range by {
		s.event(ls)
	}
	seenOld, seenNew := make([]bool, n), make([]bool, len(s.new))
	for _, l := range s.pairs {
		seenOld[l.old], seenNew[l.new] = true, true
	}
	for i := range s.old {
		if !seenOld[i] {
			s.res.Rows = append(s.res.Rows, Bridge{Kind: Gone, From: s.old[i].UID})
		}
	}
	for j := range s.new {
		if !seenNew[j] {
			s.res.Rows = append(s.res.Rows, Bridge{Kind: Built, To: s.new[j].ID})
		}
	}
	slices.SortFunc(s.res.Rows, func(a, b Bridge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}

// event writes the rows of one group of pairs, and says who keeps which UID.
func (s *surveys) event(ls []link) {
	olds, news := map[int]bool{}, map[int]bool{}
	for _, l := range ls {
		olds[l.old], news[l.new] = true, true
	}
	kind := Mixed
	switch {
	case len(olds) == 1 && len(news) == 1:
		kind = Changed
	case len(olds) == 1:
		kind = Split
	case len(news) == 1:
		kind = Merged
	}
	slices.SortFunc(ls, func(a, b link) int { // old and new are in the order of UID and id
		return cmp.Or(cmp.Compare(b.shared, a.shared), cmp.Compare(a.old, b.old), cmp.Compare(a.new, b.new))
	})
	origin := map[int]uid.UID{} // new → the old it has most of
	kept := map[int]bool{}
	for _, l := range ls {
		u, to := s.old[l.old].UID, &s.new[l.new]
		if _, known := origin[l.new]; !known {
			origin[l.new] = u
		}
		row := s.row(kind, &l)
		if _, has := s.res.UIDs[to.ID]; !has && !kept[l.old] {
			s.res.UIDs[to.ID], kept[l.old], row.Keeps = u, true, true
		}
		s.res.Rows = append(s.res.Rows, row)
	}
	for i := range s.res.Rows[len(s.res.Rows)-len(ls):] {
		row := &s.res.Rows[len(s.res.Rows)-len(ls)+i]
		if l := ls[i]; !row.Keeps && (kind == Split || kind == Mixed) {
			row.Ancestor = origin[l.new]
		}
	}
}

// row measures a pair.
func (s *surveys) row(kind Kind, l *link) Bridge {
	a, b := &s.a[l.old], &s.b[l.new]
	apart := max(0, a.Area+b.Area-2*l.shared)
	row := Bridge{
		Kind: kind, From: s.old[l.old].UID, To: s.new[l.new].ID, Shared: l.shared,
		OfOld: min(1, l.shared/a.Area), OfNew: min(1, l.shared/b.Area),
		IoU: min(1, l.shared/(a.Area+b.Area-l.shared)), Drift: apart / min(a.Perimeter, b.Perimeter),
	}
	if kind == Changed && row.Drift <= s.opts.Tolerance && row.IoU >= .6 {
		row.Kind = Same
	}
	return row
}

// sets are disjoint sets of numbers (union-find with path halving).
type sets []int32

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

func (s sets) find(i int) int {
	for int(s[i]) != i {
		s[i] = s[s[i]]
		i = int(s[i])
	}
	return i
}

func (s sets) join(i, j int) {
	if a, b := s.find(i), s.find(j); a < b {
		s[b] = int32(a)
	} else {
		s[a] = int32(b)
	}
}
