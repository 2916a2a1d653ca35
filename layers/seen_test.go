package layers

import (
	"testing"

	"nagar/catalog"
)

// TestSomeHaveAName: whether any feature has a value follows the edits.
func TestSomeHaveAName(t *testing.T) {
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	c.Fields = append(c.Fields, catalog.Field{Name: "nick", Type: catalog.TypeText})
	src.define(c)
	feats := city(r, 300)
	rev := src.write("buildings", feats)
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	want := func(collection string, some bool) {
		t.Helper()
		if got, at := e.Some(collection, []string{"nick", "nothing"}); got != some || at != rev {
			t.Errorf("%s at %d: %v, want %v at %d", collection, at, got, some, rev)
		}
	}
	want("buildings", false)
	want("absent", false)
	x := feats[200]
	x.Props = catalog.Properties{{Name: "nick", Value: catalog.Text("The Gherkin")}}
	rev = src.write("buildings", []catalog.Feature{x})
	waitRev(t, e, rev)
	want("buildings", true)
	rev = src.write("buildings", nil, x.ID)
	waitRev(t, e, rev)
	want("buildings", false)
}
