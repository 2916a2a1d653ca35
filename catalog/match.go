package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Match selects features by the exact value of a field that is Findable, through
// the store's index of it: one of Values, integers written in decimal. Null
// matches nothing.
type Match struct {
	Field  string
	Values []string
}

// Matcher is a Match made ready for one collection.
type Matcher struct {
	Place  int // of the field in Collection.Fields
	Field  *Field
	Values []Value // distinct, in order
}

// Matcher checks a match against the collection. A field that is not there or not
// Findable, and a value that its type cannot have, are *Invalid.
func (c *Collection) Matcher(m *Match) (*Matcher, error) {
	at := slices.IndexFunc(c.Fields, func(f Field) bool { return f.Name == m.Field })
	if at < 0 {
		return nil, &Invalid{Path: "match", Reason: fmt.Sprintf("%s has no field %q", c.Name, clip(m.Field))}
	}
	f := &c.Fields[at]
	if !f.Findable() {
		return nil, &Invalid{Path: "match", Reason: fmt.Sprintf("%s.%s is not indexed", c.Name, f.Name)}
	}
	out := &Matcher{Place: at, Field: f, Values: make([]Value, 0, len(m.Values))}
	for _, s := range m.Values {
		v := Text(s)
		if err := f.check(v); f.Type == TypeText && err != nil {
			return nil, &Invalid{Path: "match", Reason: fmt.Sprintf("%s.%s holds no text like %q", c.Name, f.Name, clip(s))}
		}
		if f.Type == TypeInteger {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return nil, &Invalid{Path: "match", Reason: fmt.Sprintf("%s.%s holds integers, not %q", c.Name, f.Name, clip(s))}
			}
			v = Integer(n)
		}
		out.Values = append(out.Values, v)
	}
	slices.SortFunc(out.Values, func(a, b Value) int { return cmp.Or(cmp.Compare(a.Int(), b.Int()), cmp.Compare(a.Str(), b.Str())) })
	out.Values = slices.Compact(out.Values)
	return out, nil
}

// Has reports whether the value is one of those.
func (m *Matcher) Has(v Value) bool { return slices.Contains(m.Values, v) }
