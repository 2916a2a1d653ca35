package catalogtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
)

// same reports whether both features say the same: id, geometry to the bit,
// properties, valid time and, unless anyRev, revision.
func same(a, b *catalog.Feature, anyRev bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && a.Geometry.Equal(&b.Geometry) && a.Props.Equal(b.Props) &&
		a.ValidFrom.Equal(b.ValidFrom) && a.ValidTo.Equal(b.ValidTo) && (anyRev || a.Rev == b.Rev)
}

// show writes a feature for a failure's message.
func show(f *catalog.Feature) string {
	if f == nil {
		return "nothing"
	}
	var props []string
	for _, p := range f.Props {
		if !p.Value.IsNull() {
			props = append(props, fmt.Sprintf("%q:%s %s", p.Name, p.Value.Type(), p.Value))
		}
	}
	slices.Sort(props)
	g := fmt.Sprintf("%s%v", f.Geometry.Type, f.Geometry.Coords)
	if f.Geometry.HasZ {
		g = "Z" + g
	}
	for i := range f.Geometry.Geoms {
		g += fmt.Sprintf(" %s%v", f.Geometry.Geoms[i].Type, f.Geometry.Geoms[i].Coords)
	}
	return fmt.Sprintf("%s rev %d valid [%s,%s) %s {%s}", f.ID, f.Rev, stamp(f.ValidFrom), stamp(f.ValidTo), g, strings.Join(props, ", "))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "…"
	}
	return t.UTC().Format("2006-01-02T15:04:05.999999Z")
}

// compare asserts that got is want; anyRev leaves the revision out.
func (e *env) compare(what string, want, got *catalog.Feature, anyRev bool) bool {
	e.Helper()
	if same(want, got, anyRev) {
		return true
	}
	e.Errorf("%s:\nwant %s\ngot  %s", what, show(want), show(got))
	return false
}

// compareAll asserts that two sets of features by id are the same.
func (e *env) compareAll(what string, want, got map[string]*catalog.Feature, anyRev bool) {
	e.Helper()
	bad := 0
	for id, w := range want {
		if !same(w, got[id], anyRev) {
			if bad++; bad <= 5 {
				e.Errorf("%s: %s:\nwant %s\ngot  %s", what, id, show(w), show(got[id]))
			}
		}
	}
	for id, g := range got {
		if want[id] == nil {
			if bad++; bad <= 5 {
				e.Errorf("%s: %s:\nwant nothing\ngot  %s", what, id, show(g))
			}
		}
	}
	if bad > 5 {
		e.Errorf("%s: %d features differ in all (want %d features, got %d)", what, bad, len(want), len(got))
	}
}
