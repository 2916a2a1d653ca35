package catalog

import (
	"slices"
	"sync"
)

// View says what a caller may see and write. Every read path takes one, and
// caches are keyed by it; so a new rule is compiled into a View and no path
// changes. A View is a small value; it is safe for concurrent use. The zero View
// sees nothing.
type View struct {
	key   string
	max   Class  // where rules is nil: all rows, collections and fields up to it
	rules *rules // nil for Public and Everything
	least int    // see MinGroup
}

// Tier is one thing that a view allows of a collection: some rows, and fields on
// them. A row is seen when any tier of its collection has it; the fields seen on
// it are those of all tiers that have it together.
type Tier struct {
	Rows   string // CQL2 text that may read every field; "": all rows
	Fields []int  // places in Collection.Fields, ascending
	Write  bool   // the rows may be written too, as far as these fields
}

// MaxTiers is the most tiers that a collection has in a view.
const MaxTiers = 32

// The two views that need no policy: what everybody sees, and everything.
var (
	Public     = View{key: "public", max: ClassPublic}
	Everything = View{key: "all", max: ClassPersonal}
)

// NewView returns the view whose tiers the function tells for each collection;
// none: the collection does not exist for the caller. The function is a pure one:
// it is called once for each description and its answer kept. Views of equal keys
// must see the same.
func NewView(key string, tiers func(*Collection) []Tier) View {
	return View{key: key, rules: &rules{tiers: tiers, known: map[string]*known{}}}
}

// rules are a view's tiers, worked out as they are asked for.
type rules struct {
	tiers func(*Collection) []Tier
	mu    sync.RWMutex
	known map[string]*known // by collection, of its latest description
}

// known is what a view sees of a collection of one description.
type known struct {
	rev    Rev
	class  Class
	owner  string
	fields []Field
	from   []Field // what fields was copied from
	tiers  []Tier
	seen   []bool // by place in fields: on some row

	once     sync.Once
	compiled any
}

// of tells whether what is known is of that description.
func (k *known) of(c *Collection) bool {
	if k.rev != c.Rev || k.class != c.Class || k.owner != c.Owner || len(k.fields) != len(c.Fields) {
		return false
	}
	if len(k.from) > 0 && &k.from[0] == &c.Fields[0] { // descriptions do not change under their revision
		return true
	}
	for i := range k.fields {
		if a, b := &k.fields[i], &c.Fields[i]; a.Name != b.Name || a.Type != b.Type || a.Class != b.Class {
			return false
		}
	}
	return true
}

func (r *rules) of(c *Collection) *known {
	r.mu.RLock()
	k := r.known[c.Name]
	r.mu.RUnlock()
	if k != nil && k.of(c) {
		return k
	}
	k = &known{rev: c.Rev, class: c.Class, owner: c.Owner, fields: slices.Clone(c.Fields), from: c.Fields, tiers: simplify(r.tiers(c))}
	k.seen = make([]bool, len(c.Fields))
	for i := range k.tiers {
		for _, f := range k.tiers[i].Fields {
			k.seen[f] = true
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[c.Name] = k
	return k
}

// simplify leaves out the tiers that add nothing to another, and those beyond
// MaxTiers: too little is shown then, never too much.
func simplify(tiers []Tier) []Tier {
	out := make([]Tier, 0, len(tiers))
	for i := range tiers {
		t := &tiers[i]
		covered := false
		for j := range tiers {
			u := &tiers[j]
			if i == j || !u.covers(t) || t.covers(u) && i < j {
				continue
			}
			covered = true
		}
		if !covered {
			out = append(out, *t)
		}
	}
	return out[:min(len(out), MaxTiers)]
}

// covers reports whether whatever t allows, u allows.
func (u *Tier) covers(t *Tier) bool {
	if u.Rows != "" && u.Rows != t.Rows || t.Write && !u.Write {
		return false
	}
	return !slices.ContainsFunc(t.Fields, func(f int) bool {
		_, has := slices.BinarySearch(u.Fields, f)
		return !has
	})
}

// Telling returns the view with another MinGroup. It sees the same, so its key stays.
func (v View) Telling(least int) View {
	v.least = least
	return v
}

// MinGroup is the least number of features that a count over restricted or personal
// ones may tell; 0: any.
func (v View) MinGroup() int { return v.least }

// Key names the view's content in cache keys: equal keys see the same.
func (v View) Key() string { return v.key }

// Sees reports whether the collection exists for this caller at all.
func (v View) Sees(c *Collection) bool {
	switch {
	case v.key == "":
		return false
	case v.rules != nil:
		return len(v.rules.of(c).tiers) > 0
	}
	return c.Class <= v.max
}

// SeesField reports whether the caller sees the field, one of the collection's,
// on some row at least.
func (v View) SeesField(c *Collection, f *Field) bool {
	if v.key == "" {
		return false
	}
	if v.rules == nil {
		return c.Class <= v.max && f.Class <= v.max
	}
	k := v.rules.of(c)
	i := slices.IndexFunc(k.fields, func(g Field) bool { return g.Name == f.Name })
	return i >= 0 && k.seen[i]
}

// Tiers are what the caller may see and write of the collection; none when it
// does not exist for them. The slice is not to be changed.
func (v View) Tiers(c *Collection) []Tier {
	switch {
	case !v.Sees(c):
		return nil
	case v.rules != nil:
		return v.rules.of(c).tiers
	}
	t := Tier{Fields: make([]int, 0, len(c.Fields)), Write: v.max == ClassPersonal}
	for i := range c.Fields {
		if c.Fields[i].Class <= v.max {
			t.Fields = append(t.Fields, i)
		}
	}
	return []Tier{t}
}

// SeesAllRows reports whether every row of the collection is seen, with some of
// its fields at least.
func (v View) SeesAllRows(c *Collection) bool {
	return slices.ContainsFunc(v.Tiers(c), func(t Tier) bool { return t.Rows == "" })
}

// Writes reports whether the caller may write some rows of the collection.
func (v View) Writes(c *Collection) bool {
	return slices.ContainsFunc(v.Tiers(c), func(t Tier) bool { return t.Write })
}

// Compiled returns what make made of the tiers of the collection. A view of a
// policy keeps it as long as the description stays, so that rules are read once.
func (v View) Compiled(c *Collection, make func([]Tier) any) any {
	if v.rules == nil {
		return make(v.Tiers(c))
	}
	k := v.rules.of(c)
	k.once.Do(func() { k.compiled = make(k.tiers) })
	return k.compiled
}
