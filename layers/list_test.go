package layers

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// TestListsAreInOrder pages through lists by fields of every type, both ways, in
// several segments with edits between, with features that have no geometry.
func TestListsAreInOrder(t *testing.T) {
	r := random(t)
	src := newMemSource()
	src.define(buildingsCollection())
	feats := city(r, 700)
	for i := range 20 {
		feats[i].Geometry = geo.Geometry{}
	}
	src.write("buildings", feats)
	for i := 100; i < 200; i++ {
		feats[i] = building(r, i)
	}
	rev := src.write("buildings", feats[100:200])
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	uses := []string{"school", "office"}
	for _, by := range []string{"floors", "height_m", "use", "built", "ok"} {
		for _, rising := range []bool{false, true} {
			for _, ranks := range [][]string{nil, uses} {
				if ranks != nil && by != "use" {
					continue
				}
				want := slices.Clone(feats)
				slices.SortFunc(want, func(a, b catalog.Feature) int {
					x, y := a.Props.Get(by), b.Props.Get(by)
					if x.IsNull() != y.IsNull() {
						return cmp.Compare(len(y.Type()), len(x.Type())) // nulls last
					}
					c := compareValues(x, y)
					if ranks != nil && !x.IsNull() {
						c = cmp.Compare(slices.Index(ranks, x.Str()), slices.Index(ranks, y.Str()))
					}
					if !rising {
						c = -c
					}
					return cmp.Or(c, cmp.Compare(catalog.KeyOf("buildings", a.ID), catalog.KeyOf("buildings", b.ID)))
				})
				var ids, got []string
				for i := range want {
					ids = append(ids, want[i].ID)
				}
				req := ListRequest{Collection: "buildings", By: by, Rising: rising, Ranks: ranks, View: catalog.Public, Limit: 97}
				for {
					a, err := e.List(context.Background(), req)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, idsOf(t, a.Features)...)
					a.Release()
					if req.After = a.Next; a.Next == "" {
						break
					}
				}
				if !slices.Equal(got, ids) {
					t.Errorf("by %s, rising %v, ranks %v: %d features, want %d in another order", by, rising, ranks, len(got), len(ids))
				}
			}
		}
	}
	for _, wrong := range []ListRequest{{By: ""}, {By: "nothing"}, {By: "floors", Limit: -1}, {By: "floors", After: "x"}, {By: "floors", Filter: "("}} {
		wrong.Collection, wrong.View = "buildings", catalog.Public
		if _, err := e.List(context.Background(), wrong); err == nil {
			t.Errorf("%+v is answered", wrong)
		}
	}
}

func idsOf(t *testing.T, features []byte) (out []string) {
	t.Helper()
	var docs []struct{ ID string }
	if err := json.NewDecoder(strings.NewReader(string(features))).Decode(&docs); err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		out = append(out, d.ID)
	}
	return out
}
