package postgis_test

import (
	"context"
	"testing"

	"nagar/catalog"
)

// A merging Put is judged by hashes where they can tell, and field by field where
// they cannot: the answers are the same.
func TestMergingPutIsJudgedByContent(t *testing.T) {
	s, url := open(t)
	define(t, s, buildings())
	put := func(merge bool, props catalog.Properties) catalog.Op {
		f := footprint(1, 3)
		f.Props = props
		return catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: f, Merge: merge}
	}
	height := func(v float64) catalog.Property {
		return catalog.Property{Name: "height_m", Value: catalog.Real(v)}
	}
	use, noUse := catalog.Property{Name: "use", Value: catalog.Text("school")}, catalog.Property{Name: "use"}
	for _, step := range []struct {
		what string
		op   catalog.Op
		want catalog.Status
	}{
		{"a new feature", put(true, catalog.Properties{height(3)}), catalog.Created},
		{"the same again", put(true, catalog.Properties{height(3)}), catalog.Unchanged},
		{"another height", put(true, catalog.Properties{height(4)}), catalog.Updated},
		{"the same, and a null where there is nothing", put(true, catalog.Properties{height(4), noUse}), catalog.Unchanged},
		{"the same, not merging", put(false, catalog.Properties{height(4)}), catalog.Unchanged},
		{"a field more", put(true, catalog.Properties{use}), catalog.Updated},
		{"what is there, said in part", put(true, catalog.Properties{height(4)}), catalog.Unchanged},
		{"what is there, said in full", put(false, catalog.Properties{use, height(4)}), catalog.Unchanged},
		{"another height beside what is kept", put(true, catalog.Properties{height(5)}), catalog.Updated},
		{"a null over what is there", put(true, catalog.Properties{height(5), noUse}), catalog.Updated},
		{"less, not merging", put(false, nil), catalog.Updated},
	} {
		r, err := s.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(step.op)})
		if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if r.Statuses[0] != step.want {
			t.Errorf("%s: status %d, want %d", step.what, r.Statuses[0], step.want)
		}
	}
	// What was written from outside has no hash; a merging Put finds it the same.
	mustExec(t, connect(t, url), `update buildings set height_m = 9, use = 'clinic'`)
	if r := apply(t, s, put(true, catalog.Properties{height(9)})); r.Unchanged != 1 {
		t.Errorf("after an edit from outside: %+v", r)
	}
	checkClean(t, s)
}
