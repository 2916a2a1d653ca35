package cql2

import (
	"crypto/sha256"
	"fmt"
	"io"

	"nagar/catalog"
)

// Sight is what a view sees of one collection, to be asked feature by feature.
// It is safe for concurrent use.
type Sight struct {
	c     *catalog.Collection
	tiers []catalog.Tier
	rules []*Filter // by tier; nil: all rows
	keys  []string  // by tier, of its rule
	base  Mask      // the tiers of all rows
}

// Mask is a set of tiers: bit i stands for tier i.
type Mask uint32

// never is the rule of a tier that cannot be read or does not fit the collection:
// it shows nothing.
var never = &Filter{root: &term{op: opBool, kind: kBool, value: truthValue(false)}}

// SightOf returns the sight of a collection by a view.
func SightOf(c *catalog.Collection, v catalog.View) *Sight {
	return v.Compiled(c, func(tiers []catalog.Tier) any {
		own := *c // it is kept, the caller's may change
		s := &Sight{c: &own, tiers: tiers, rules: make([]*Filter, len(tiers)), keys: make([]string, len(tiers))}
		for i := range tiers {
			if tiers[i].Rows == "" {
				s.base |= 1 << i
				continue
			}
			s.rules[i], s.keys[i] = never, ruleKey(c, tiers[i].Rows)
			if x, err := ParseRule(tiers[i].Rows); err == nil {
				if f, err := x.Bind(c, catalog.Everything); err == nil {
					s.rules[i] = f
				}
			}
		}
		return s
	}).(*Sight)
}

// Tiers are the view's tiers of the collection.
func (s *Sight) Tiers() []catalog.Tier { return s.tiers }

// Rule is the filter of tier i, nil when it has all rows. It reads every field.
func (s *Sight) Rule(i int) *Filter { return s.rules[i] }

// RuleKey names the rule of tier i: equal keys, equal rows of any feature.
func (s *Sight) RuleKey(i int) string { return s.keys[i] }

// ruleKey is of the text and the description that it is bound to.
func ruleKey(c *catalog.Collection, text string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d %d ", c.Name, c.Rev, len(c.Fields), len(text))
	io.WriteString(h, text)
	return string(h.Sum(nil))
}

// Base are the tiers that have all rows.
func (s *Sight) Base() Mask { return s.base }

// Of returns the tiers that have the row; none: it is not seen.
func (s *Sight) Of(row Row) Mask {
	m := s.base
	for i, f := range s.rules {
		if f != nil && f.Match(row) {
			m |= 1 << i
		}
	}
	return m
}

// Shows reports by place in Collection.Fields which fields tiers show together.
func (s *Sight) Shows(m Mask) []bool { return s.fields(m, false) }

func (s *Sight) fields(m Mask, toWrite bool) []bool {
	out := make([]bool, len(s.c.Fields))
	for i := range s.tiers {
		if m&(1<<i) == 0 || toWrite && !s.tiers[i].Write {
			continue
		}
		for _, f := range s.tiers[i].Fields {
			out[f] = true
		}
	}
	return out
}

// See returns what is seen of a feature's properties, in the order of the schema,
// as a new slice; false when the feature is not seen at all.
func (s *Sight) See(f *catalog.Feature) (catalog.Properties, bool) {
	m := s.Of(FeatureRow{s.c, f})
	if m == 0 {
		return nil, false
	}
	return s.Cut(m, f.Props), true
}

// Cut returns the properties that tiers show, in the order of the schema, as a new slice.
func (s *Sight) Cut(m Mask, p catalog.Properties) catalog.Properties {
	out := make(catalog.Properties, 0, len(p))
	for i, shown := range s.Shows(m) {
		if !shown {
			continue
		}
		if v := p.Get(s.c.Fields[i].Name); !v.IsNull() {
			out = append(out, catalog.Property{Name: s.c.Fields[i].Name, Value: v})
		}
	}
	return out
}

// Writable reports by place in Collection.Fields which fields of the feature may
// be written; ok is false when none may, and the feature itself not.
func (s *Sight) Writable(f *catalog.Feature) (fields []bool, ok bool) {
	m := s.Of(FeatureRow{s.c, f})
	for i := range s.tiers {
		ok = ok || m&(1<<i) != 0 && s.tiers[i].Write
	}
	if !ok {
		return nil, false
	}
	return s.fields(m, true), true
}
