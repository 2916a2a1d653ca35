package layers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// TestCountsEqualBruteForce counts in places of every kind, with filters and by
// fields of every type, in several segments with edits between.
func TestCountsEqualBruteForce(t *testing.T) {
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	src.define(c)
	feats := city(r, 1500)
	src.write("buildings", feats)
	for i := range 300 {
		feats[i] = building(r, i)
	}
	rev := src.write("buildings", feats[:300])
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	box := geo.Box{W: 72.845, S: 19.045, E: 72.855, N: 19.055}
	poly := geo.NewPolygon([]float64{box.W, box.S, box.E, box.S, box.E, box.N, box.W, box.N, box.W, box.S})
	for name, place := range map[string]CountRequest{"all": {}, "box": {Box: &box}, "polygon": {Polygon: &poly}, "around": {Around: &poly}} {
		for _, filter := range []string{"", "floors > 4", "use = 'office' OR use = 'school'", "floors > 1000"} {
			for _, by := range []string{"", "uid", "height_m", "floors", "use", "built", "ok"} {
				want, all := map[string]int{}, 0
				for i := range feats {
					f := &feats[i]
					use, floors := f.Props.Get("use").Str(), f.Props.Get("floors").Int()
					met := name == "all" || meetsBox(&f.Geometry, box)
					if passes := map[string]bool{"": true, "floors > 4": floors > 4, "floors > 1000": false}[filter] || len(filter) > 20 && (use == "office" || use == "school"); met && passes {
						all++
						want[f.Props.Get(by).String()]++
					}
				}
				req := place
				req.Collection, req.View, req.Filter, req.By, req.Limit = "buildings", catalog.Public, filter, by, 7
				got, last := map[string]int{}, 1<<30
				for {
					n, err := e.Count(context.Background(), req)
					if err != nil {
						t.Fatal(err)
					}
					if n.Count != all || n.Withheld || n.Carried != nil {
						t.Fatalf("%s, %q by %q: %+v, want %d", name, filter, by, n, all)
					}
					for _, g := range n.Groups {
						if g.Count > last {
							t.Fatalf("%s by %s: %d after %d", name, by, g.Count, last)
						}
						last = g.Count
						got[g.Value.String()] += g.Count
					}
					if req.After = n.Next; n.Next == "" {
						break
					}
				}
				if by != "" && !maps.Equal(got, want) {
					t.Fatalf("%s, %q by %q: %v, want %v", name, filter, by, got, want)
				}
			}
		}
	}
	for path, req := range map[string]CountRequest{"by": {By: "owner"}, "by ": {By: "nothing"}, "after": {After: "x"}, "limit": {Limit: -1}, "filter": {Filter: "("}, "bbox": {Box: &geo.Box{W: 2}}} {
		req.Collection, req.View = "buildings", catalog.Public
		var bad *catalog.Invalid
		if _, err := e.Count(context.Background(), req); !errors.As(err, &bad) || bad.Path != path[:len(bad.Path)] {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := e.Count(context.Background(), CountRequest{Collection: "none", View: catalog.Public}); !errors.Is(err, catalog.ErrNotFound) {
		t.Error(err)
	}
}

// TestSmallNumbersAreWithheld makes a guarded collection with wards of chosen sizes.
// Whoever has the table alone must not be able to reckon a group below the least,
// nor that there is just one that is withheld.
func TestSmallNumbersAreWithheld(t *testing.T) {
	src := newMemSource()
	src.define(catalog.Collection{Name: "reports", Class: catalog.ClassRestricted, Geometry: catalog.GeometryPoint,
		Fields: []catalog.Field{{Name: "ward", Type: catalog.TypeText}, {Name: "set", Type: catalog.TypeInteger}}})
	sets := [][]int{{9, 8, 7}, {9, 8, 4}, {9, 3}, {9, 3, 1, 1}, {4}, {5}, {2, 2}, {3, 3}, {20, 20, 1, 1, 1, 1, 1}, {6, 1, 1}, {1}}
	var feats []catalog.Feature
	for s, sizes := range sets {
		for ward, n := range sizes {
			for i := range n {
				feats = append(feats, catalog.Feature{ID: fmt.Sprintf("%d-%d-%d", s, ward, i), Geometry: geo.NewPoint(72.8, 19), Props: catalog.Properties{
					{Name: "ward", Value: catalog.Text(fmt.Sprintf("W%d", ward))}, {Name: "set", Value: catalog.Integer(int64(s))}}})
			}
		}
	}
	rev := src.write("reports", feats)
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	const least = 5
	for s, sizes := range sets {
		all := 0
		for _, n := range sizes {
			all += n
		}
		n, err := e.Count(context.Background(), CountRequest{Collection: "reports", View: catalog.Everything.Telling(least), By: "ward", Filter: fmt.Sprintf("set = %d", s)})
		if err != nil {
			t.Fatal(err)
		}
		if n.MinGroup != least || len(n.Carried) != 1 || n.Carried[0].Count != all {
			t.Errorf("%v: %+v", sizes, n)
		}
		if n.Withheld != (all < least) || n.Withheld && (n.Count != 0 || len(n.Groups) != 0 || n.GroupsWithheld != 0) {
			t.Errorf("%v: %+v", sizes, n)
		}
		if n.Withheld {
			continue
		}
		told := 0
		for _, g := range n.Groups {
			if told += g.Count; g.Count < least {
				t.Errorf("%v: tells of %d", sizes, g.Count)
			}
		}
		small := slices.ContainsFunc(sizes, func(n int) bool { return n < least })
		rest := n.Count - told // what everybody can reckon
		if rest != n.CountWithheld || small != (n.GroupsWithheld > 0) {
			t.Errorf("%v: %+v", sizes, n)
		}
		if small && (rest < least || n.GroupsWithheld < 2 && len(sizes) > 1) {
			t.Errorf("%v: %d groups of %d together are withheld, which gives one away: %+v", sizes, n.GroupsWithheld, rest, n)
		}
	}
	// Nothing is withheld where the policy says so, and of what is not guarded.
	n, err := e.Count(context.Background(), CountRequest{Collection: "reports", View: catalog.Everything, By: "ward", Filter: "set = 10"})
	if err != nil || n.Count != 1 || len(n.Groups) != 1 || n.Withheld {
		t.Errorf("%+v, %v", n, err)
	}
}

// TestCountsReadGuardedFields: a public collection, where only the field that a
// request groups or filters by is restricted.
func TestCountsReadGuardedFields(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(random(t), 50)
	for i := range feats {
		feats[i].Props = append(slices.DeleteFunc(feats[i].Props, func(p catalog.Property) bool { return p.Name == "owner" }), catalog.Property{Name: "owner", Value: catalog.Text([]string{"A", "B"}[min(1, i/47)])})
	}
	rev := src.write("buildings", feats)
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	view := catalog.Everything.Telling(5)
	for _, c := range []struct {
		by, filter string
		count      int
		guarded    []string
	}{{"use", "", 50, nil}, {"owner", "", 50, []string{"owner"}}, {"", "owner = 'B'", 0, []string{"owner"}}, {"use", "owner = 'A'", 47, []string{"owner"}}} {
		n, err := e.Count(context.Background(), CountRequest{Collection: "buildings", View: view, By: c.by, Filter: c.filter})
		if err != nil {
			t.Fatal(err)
		}
		var carried []string
		if n.Carried != nil {
			carried = n.Carried[0].Fields
		}
		if n.Count != c.count || !slices.Equal(carried, c.guarded) || n.Withheld != (c.count == 0) {
			t.Errorf("by %q with %q: %+v", c.by, c.filter, n)
		}
		if c.by == "owner" && (len(n.Groups) != 0 || n.GroupsWithheld != 2) {
			t.Errorf("47 and 3: %+v", n)
		}
	}
}

// BenchmarkCountByUse counts the whole city by a field, with a filter.
func BenchmarkCountByUse(b *testing.B) {
	e := benchEngine()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Count(b.Context(), CountRequest{Collection: "buildings", View: catalog.Public, By: "use", Filter: "floors > 4"}); err != nil {
			b.Fatal(err)
		}
	}
}
