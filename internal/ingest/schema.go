package ingest

import (
	"strings"

	"nagar/catalog"
)

// sourceUIDField keeps a source's uid that is no valid structure UID.
const sourceUIDField = "source_uid"

// sourceIDField keeps the id that the source gave the feature.
const sourceIDField = "source_id"

// mapping leads source columns to the fields of a collection. It does not change
// once made: workers share it.
type mapping struct {
	c       *catalog.Collection
	targets map[string][]int // source column → indices in c.Fields
	dropped map[string]bool  // columns whose field another column was mapped to

	sourceID  int // index of the field, -1 when there is none
	uid       int // likewise; -1 where structures are not registered
	sourceUID int
	wards     []bool // per field: its values are ward names
	// nulls are the fields that the file has: a record that lacks one of them sets it to null.
	nulls []int
}

// standardFields are the fields of the standard collections by name.
var standardFields = func() map[string]catalog.Field {
	out := map[string]catalog.Field{}
	for _, c := range catalog.Standard() {
		for _, f := range c.Fields {
			if _, ok := out[f.Name]; !ok {
				out[f.Name] = f
			}
		}
	}
	return out
}()

// registers says whether the features get a structure UID.
func (o *Options) registers() bool { return o.Collection == "buildings" && !o.NoRegister }

// newMapping resolves the columns against the collection: first what --map says,
// then the field of exactly that name, then, where the file has no such column, the
// field of that name in other case. With register, a column that leads to uid must hold
// structure UIDs. unknown are the columns that lead nowhere.
func newMapping(c *catalog.Collection, columns []string, fieldSource map[string]string, register bool) (m *mapping, unknown []string) {
	m = &mapping{c: c, targets: map[string][]int{}, dropped: map[string]bool{}, sourceID: -1, uid: -1, sourceUID: -1}
	index := make(map[string]int, len(c.Fields))
	folded := make(map[string]int, len(c.Fields))
	m.wards = make([]bool, len(c.Fields))
	for i, f := range c.Fields {
		index[f.Name] = i
		if _, ok := folded[strings.ToLower(f.Name)]; !ok {
			folded[strings.ToLower(f.Name)] = i
		}
		m.wards[i] = f.Type == catalog.TypeText && (f.Name == "ward" || f.Name == "name" && c.Name == "wards")
	}
	if i, ok := index[sourceIDField]; ok {
		m.sourceID = i
	}
	if i, ok := index["uid"]; ok && register {
		m.uid = i
	}
	if i, ok := index[sourceUIDField]; ok {
		m.sourceUID = i
	}
	has := make(map[string]bool, len(columns))
	for _, col := range columns {
		has[col] = true
	}
	mapped := map[string]bool{} // sources named by --map
	taken := map[int]bool{}
	for field, source := range fieldSource {
		mapped[source] = true
		if i, ok := index[field]; ok {
			taken[i] = true
			if has[source] {
				m.targets[source] = append(m.targets[source], i)
			}
		}
	}
	for _, col := range columns {
		if mapped[col] {
			continue
		}
		i, ok := index[col]
		if !ok {
			if i, ok = folded[strings.ToLower(col)]; ok && has[c.Fields[i].Name] {
				ok = false // the file has the very name too
			}
		} else if taken[i] {
			m.dropped[col] = true
			continue
		}
		if !ok || taken[i] {
			unknown = append(unknown, col)
			continue
		}
		taken[i] = true
		m.targets[col] = []int{i}
	}
	for i := range c.Fields {
		if taken[i] && i != m.uid {
			m.nulls = append(m.nulls, i)
		}
	}
	return m, unknown
}

// mapTargets are the field names that --map brings into being.
func mapTargets(fieldSource map[string]string) map[string][]string {
	out := map[string][]string{}
	for field, source := range fieldSource {
		out[source] = append(out[source], field)
	}
	return out
}
