package search

import (
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/city/spelling"
)

// classes are the classifications that the words of what the view sees may be
// indexed under.
func (x *Index) classes(v catalog.View) []catalog.Class {
	var met [catalog.ClassPersonal + 1]bool
	for name := range x.collections {
		c := x.collections[name]
		for _, t := range v.Tiers(&c) {
			for _, f := range t.Fields {
				met[max(c.Class, c.Fields[f].Class)] = true
			}
		}
	}
	var out []catalog.Class
	for class, any := range met {
		if any {
			out = append(out, catalog.Class(class))
		}
	}
	return out
}

// eye sees places as a view does, during one question.
type eye struct {
	index *Index
	view  catalog.View
	looks map[string]look // by collection
	hid   bool            // something was not seen
}

// look is how a collection is seen.
type look struct {
	c     catalog.Collection
	none  bool                                       // not at all
	judge func(id string) (catalog.Properties, bool) // row by row; nil: every row alike
}

func (e *eye) look(collection string) look {
	l, known := e.looks[collection]
	if known {
		return l
	}
	l.c = e.index.collections[collection]
	tiers := e.view.Tiers(&l.c)
	switch {
	case len(tiers) == 0:
		l.none = true
	case len(tiers) == 1 && tiers[0].Rows == "":
	case e.index.opts.Look == nil:
		l.none = true
	default:
		l.judge = e.index.opts.Look(collection, e.view)
	}
	e.looks[collection] = l
	return l
}

// hits are the places of the documents that meet so many words of the question, as
// far as they are seen.
func (e *eye) hits(ids []string, m *matcher, least int, q *Query) []Hit {
	byClass := e.view.Key() == catalog.Public.Key() || e.view.Key() == catalog.Everything.Key()
	hits := make([]Hit, 0, len(ids))
	for _, id := range ids {
		p := e.index.places[id]
		if p == nil {
			continue
		}
		l := e.look(p.collection)
		if p = e.see(p, &l); p == nil {
			e.hid = true
			continue
		}
		// The full-text index knows classes, not rows: a document may have met a word
		// by what this caller does not see.
		if !byClass && m.met(p, &l.c) < least {
			e.hid = true
			continue
		}
		if score, shown := m.score(p, &l.c); score > 0 {
			hits = append(hits, hitOf(p, shown, &l.c, q, score))
		}
	}
	return hits
}

// see is the place with the members and values that are seen; nil when no member
// has a name that is.
// A value that is not the feature's any more is not shown: whether it may be seen
// was judged by what the feature is now.
func (e *eye) see(p *place, l *look) *place {
	if l.none {
		return nil
	}
	if l.judge == nil {
		return p
	}
	out := &place{collection: p.collection}
	for _, m := range p.members {
		props, seen := l.judge(m.id)
		if !seen {
			continue
		}
		m.values = slices.DeleteFunc(slices.Clone(m.values), func(v value) bool { return props.Get(v.field) != v.text })
		if slices.ContainsFunc(m.values, func(v value) bool { return v.role == nameRole }) {
			out.members = append(out.members, m)
		}
	}
	if len(out.members) == 0 {
		return nil
	}
	return out
}

// met counts the words of the question that the place meets by what is seen of it,
// as the full-text index does (wordQuery).
func (m *matcher) met(p *place, c *catalog.Collection) int {
	n := 0
	for j := range m.words {
		if slices.ContainsFunc(p.values(), func(v value) bool {
			fd, ok := c.Field(v.field)
			return ok && v.role != showRole && m.view.SeesField(c, fd) && m.meets(j, &v)
		}) {
			n++
		}
	}
	return n
}

func (m *matcher) meets(j int, v *value) bool {
	w, sound := m.words[j], m.sounds[j]
	short := beginning(w, 2) == w
	for i, have := range v.words {
		if strings.HasPrefix(have, w) {
			return true
		}
		if short || v.role != nameRole {
			continue
		}
		if sound != "" && (v.skeletons[i] == sound || len(sound) > 2 && strings.HasPrefix(v.skeletons[i], sound)) {
			return true
		}
		if most := spelling.Forgiven(w); most > 0 && have[0] == w[0] && spelling.Slips(w, have, most) <= most {
			return true
		}
	}
	return false
}
