package layers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// twoTowns are an engine over a city, and one over what a view sees of it.
type twoTowns struct {
	*townView
	cols       []catalog.Collection
	whole, cut *memSource
	e, oracle  *Engine
}

func newTwoTowns(t *testing.T, v *townView, cols []catalog.Collection, o Options) *twoTowns {
	tt := &twoTowns{townView: v, cols: cols, whole: newMemSource(), cut: newMemSource()}
	for _, c := range cols {
		tt.whole.define(c)
		tt.cut.define(v.cut(c))
	}
	tt.e, tt.oracle = start(t, tt.whole, o), start(t, tt.cut, o)
	return tt
}

func (tt *twoTowns) write(t *testing.T, collection string, puts []catalog.Feature, deletes ...string) {
	c := &tt.cols[slices.IndexFunc(tt.cols, func(c catalog.Collection) bool { return c.Name == collection })]
	var cut []catalog.Feature
	gone := slices.Clone(deletes)
	for _, f := range puts {
		if s, seen := tt.see(c, f); seen {
			cut = append(cut, s)
		} else {
			gone = append(gone, f.ID)
		}
	}
	waitRev(t, tt.e, tt.whole.write(collection, puts, deletes...))
	waitRev(t, tt.oracle, tt.cut.write(collection, cut, gone...))
}

// TestViewEqualsAStoreOfWhatItSees is the test that a view's every answer is that
// of a store which holds nothing else: tiles to the byte, counts, cursors, boxes,
// and the errors of filters that name a hidden field.
func TestViewEqualsAStoreOfWhatItSees(t *testing.T) {
	r := random(t)
	for range 8 {
		tt := newTwoTowns(t, randomView(r, townCollections()), townCollections(), Options{TileBytes: 6000})
		n := map[string]int{"houses": 600, "roads": 150, "trees": 300}
		for _, c := range tt.cols {
			var fs []catalog.Feature
			for i := range n[c.Name] {
				fs = append(fs, tt.feature(r, c.Name, i))
			}
			tt.write(t, c.Name, fs)
			if got, want := fmt.Sprint(tt.e.Extent(c.Name, tt.view)), fmt.Sprint(tt.oracle.Extent(c.Name, catalog.Everything)); got != want {
				t.Errorf("%s: extent %v, want %v", c.Name, got, want)
			}
		}
		tt.compare(t, r, catalog.At{})
		then := catalog.At{Known: tt.whole.head()}
		for range 30 {
			c := tt.cols[r.IntN(len(tt.cols))].Name
			var fs []catalog.Feature
			var gone []string
			for _, i := range r.Perm(n[c] + 20)[:1+r.IntN(5)] {
				fs = append(fs, tt.feature(r, c, i))
			}
			if r.IntN(3) == 0 {
				gone = append(gone, fmt.Sprint(c, n[c]+50), fs[0].ID)
				fs = fs[1:]
			}
			tt.write(t, c, fs, gone...)
		}
		tt.compare(t, r, catalog.At{})
		tt.compare(t, r, then)
		if t.Failed() {
			t.Logf("tiers %+v", tt.tiers)
			return
		}
	}
}

// compare asks both engines the same.
func (tt *twoTowns) compare(t *testing.T, r *rand.Rand, at catalog.At) {
	t.Helper()
	ctx := context.Background()
	filters := []string{"", "", "ward = 'A'", "owner IS NULL", "NOT owner = 'o1'", "n < 50 OR x > 60", "class = 'primary' AND S_INTERSECTS(geom, BBOX(72.84, 19.04, 72.86, 19.06))"}
	same := func(what string, got, want any, err, wantErr error) {
		t.Helper()
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: error %v, want %v", what, err, wantErr)
		} else if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			t.Errorf("%s: %.100s\nwant %.100s", what, g, w)
		}
	}
	for range 40 {
		lon, lat := 72.85+r.NormFloat64()*0.01, 19.05+r.NormFloat64()*0.01
		names := []string{"houses", "roads", "trees"}[r.IntN(3):]
		req := TileRequest{Collections: names, Tile: geo.TileAt(lon, lat, 8+uint32(r.IntN(9))), All: r.IntN(3) == 0, At: at}
		if len(names) == 1 {
			req.Filter = filters[r.IntN(len(filters))]
		}
		what := fmt.Sprintf("tile %s of %v, all %v, filter %q", req.Tile, names, req.All, req.Filter)
		got, want, err, wantErr := both(req, func(r *TileRequest, v catalog.View) { r.View = v }, tt.view,
			func(r TileRequest) (*Tile, error) { return tt.e.Tile(ctx, r) }, func(r TileRequest) (*Tile, error) { return tt.oracle.Tile(ctx, r) })
		if err != nil {
			same(what, 0, 0, err, wantErr)
			continue
		}
		same(what, []any{got.Features, got.Dropped, got.ETag, got.Data}, []any{want.Features, want.Dropped, want.ETag, want.Data}, err, wantErr)
	}
	if still, err := ReadStill(ctx, tt.whole, []string{"houses", "roads", "trees"}, StillOptions{}); err != nil {
		t.Fatal(err)
	} else if pen, err := still.NewPen(tt.view, ""); err != nil {
		t.Fatal(err)
	} else if at.IsNow() {
		for z := uint32(10); z < 16; z++ {
			req := TileRequest{Collections: []string{"houses", "roads", "trees"}, Tile: geo.TileAt(72.85, 19.05, z), View: catalog.Everything}
			pen.budget = 6000
			got, err := pen.Draw(ctx, req.Tile)
			if err != nil {
				t.Fatal(err)
			}
			want, err := tt.oracle.Tile(ctx, req)
			if err != nil {
				t.Fatal(err)
			}
			same("tile "+req.Tile.String()+" by a pen", got.Data, want.Data, nil, nil)
		}
	}
	for range 20 {
		lon, lat := round7(72.85+r.NormFloat64()*0.01), round7(19.05+r.NormFloat64()*0.01)
		name, filter := tt.cols[r.IntN(len(tt.cols))].Name, filters[r.IntN(len(filters))]
		near := NearRequest{Collection: name, Lon: lon, Lat: lat, Limit: 5, Filter: filter, At: at}
		within := WithinRequest{Collection: name, Box: &geo.Box{W: lon, S: lat, E: lon + 0.01, N: lat + 0.01}, Limit: 5, Filter: filter, At: at}
		for range 3 {
			got, want, err, wantErr := both(near, func(r *NearRequest, v catalog.View) { r.View = v }, tt.view,
				func(r NearRequest) (*Answer, error) { return tt.e.Near(ctx, r) }, func(r NearRequest) (*Answer, error) { return tt.oracle.Near(ctx, r) })
			same(fmt.Sprintf("near %s filter %q", name, filter), page(got), page(want), err, wantErr)
			if got != nil {
				near.After = got.Next
			}
			got, want, err, wantErr = both(within, func(r *WithinRequest, v catalog.View) { r.View = v }, tt.view,
				func(r WithinRequest) (*Answer, error) { return tt.e.Within(ctx, r) }, func(r WithinRequest) (*Answer, error) { return tt.oracle.Within(ctx, r) })
			same(fmt.Sprintf("within %s filter %q", name, filter), page(got), page(want), err, wantErr)
			if got != nil {
				within.After = got.Next
			}
		}
		here := AtRequest{Lon: lon, Lat: lat, At: at}
		got, want, err, wantErr := both(here, func(r *AtRequest, v catalog.View) { r.View = v }, tt.view,
			func(r AtRequest) (*Answer, error) { return tt.e.AtPoint(ctx, r) }, func(r AtRequest) (*Answer, error) { return tt.oracle.AtPoint(ctx, r) })
		same("at", page(got), page(want), err, wantErr)
	}
	for _, c := range tt.cols {
		n, _ := tt.e.Extent(c.Name, tt.view)
		want, _ := tt.oracle.Extent(c.Name, catalog.Everything)
		same("size of "+c.Name, n, want, nil, nil)
	}
}

func both[R, A any](r R, set func(*R, catalog.View), v catalog.View, e, oracle func(R) (A, error)) (got, want A, err, wantErr error) {
	set(&r, v)
	got, err = e(r)
	set(&r, catalog.Everything)
	want, wantErr = oracle(r)
	return got, want, err, wantErr
}

// page is an answer without its revision.
func page(a *Answer) string {
	if a == nil {
		return ""
	}
	return fmt.Sprint(string(a.Features), a.Count, a.Next)
}

// TestViewOfACityKeepsItsSums holds that low zooms of a view which shows every row
// are drawn from sums, those of one which hides few from sums without them, and that
// both, and one which hides most, count and draw what is seen.
func TestViewOfACityKeepsItsSums(t *testing.T) {
	r := random(t)
	cols := townCollections()[:1]
	all := townTier{townRule: townRules(r)[0], fields: []int{0}}
	inA := townTier{townRule: townRules(r)[1], fields: []int{0, 3}}
	most := townTier{townRule: townRule{text: "n IS NULL OR n > 4", holds: func(f *catalog.Feature) bool {
		v := f.Props.Get("n")
		return v.IsNull() || v.Int() > 4
	}}, fields: []int{0}}
	var fs []catalog.Feature
	for i := range sumFrom + 3000 {
		fs = append(fs, townFeature(r, "houses", i))
	}
	for name, tiers := range map[string][]townTier{"all rows": {all, inA}, "some rows": {inA}, "most rows": {most}} {
		v := &townView{tiers: map[string][]townTier{"houses": tiers}}
		v.view = catalog.NewView(name, func(*catalog.Collection) []catalog.Tier {
			var out []catalog.Tier
			for _, t := range tiers {
				out = append(out, catalog.Tier{Rows: t.text, Fields: t.fields})
			}
			return out
		})
		tt := newTwoTowns(t, v, cols, Options{})
		tt.write(t, "houses", fs)
		tt.write(t, "houses", []catalog.Feature{townFeature(r, "houses", 1), townFeature(r, "houses", 2)}, "houses3")
		for z := uint32(8); z <= 12; z++ {
			req := TileRequest{Collections: []string{"houses"}, Tile: geo.TileAt(72.85, 19.05, z), View: v.view}
			got, err := tt.e.Tile(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			req.View = catalog.Everything
			want, err := tt.oracle.Tile(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			if got.ETag != want.ETag || got.Dropped != want.Dropped || got.Features != want.Features {
				t.Errorf("%s: tile at z%d draws %d and stands for %d, want %d and %d", name, z, got.Features, got.Dropped, want.Features, want.Dropped)
			}
			jobs, err := tt.e.state.Load().jobs(&TileRequest{Collections: req.Collections, Tile: req.Tile, View: v.view})
			if err != nil {
				t.Fatal(err)
			}
			if summed := jobs[0].summed(&req); name == "all rows" && z <= sumZoom && !summed && tt.e.state.Load().cols["houses"].snap.Count(req.Tile.GridBox(buffer), sumFrom) >= sumFrom {
				t.Errorf("%s: z%d is walked", name, z)
			}
		}
	}
}

// TestKeptRowsAreBounded holds that rules without number take no memory without bound.
func TestKeptRowsAreBounded(t *testing.T) {
	r := random(t)
	src := newMemSource()
	c := townCollections()[0]
	src.define(c)
	var fs []catalog.Feature
	for i := range 1000 {
		fs = append(fs, townFeature(r, "houses", i))
	}
	src.write("houses", fs)
	e := start(t, src, Options{})
	e.rows = newKeptRows(10_000)
	for i := range 200 {
		owner := fmt.Sprint("o", i%7)
		v := catalog.NewView(fmt.Sprint(i), func(*catalog.Collection) []catalog.Tier {
			return []catalog.Tier{{Rows: fmt.Sprintf("owner = '%s' AND n <> %d", owner, 1000+i), Fields: []int{3}}}
		})
		n, _ := e.Extent("houses", v)
		want := 0
		for _, f := range fs {
			if f.Props.Get("owner") == catalog.Text(owner) && !f.Props.Get("n").IsNull() {
				want++
			}
		}
		if n != want {
			t.Fatalf("rule %d: %d rows, want %d", i, n, want)
		}
	}
	if e.rows.size > e.rows.limit || len(e.rows.all) != e.rows.recent.Len() || len(e.rows.all) < 5 {
		t.Errorf("%d bytes of %d kept in %d entries", e.rows.size, e.rows.limit, len(e.rows.all))
	}
}

// TestHiddenFieldIsNoOracle asks for rows by a field that is seen on others only.
func TestHiddenFieldIsNoOracle(t *testing.T) {
	src := newMemSource()
	c := townCollections()[2]
	src.define(c)
	point := geo.Geometry{Type: geo.Point, Coords: []float64{72.85, 19.05}}
	tree := func(id, ward, owner string) catalog.Feature {
		return catalog.Feature{ID: id, Geometry: point, Props: catalog.Properties{{Name: "ward", Value: catalog.Text(ward)}, {Name: "owner", Value: catalog.Text(owner)}}}
	}
	src.write("trees", []catalog.Feature{tree("mine", "A", "Asha"), tree("theirs", "B", "Bala")})
	e := start(t, src, Options{})
	v := catalog.NewView("officer", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Fields: []int{2}}, {Rows: "ward = 'A'", Fields: []int{2, 3}}}
	})
	for filter, want := range map[string]string{
		"owner = 'Asha'": "mine", "owner = 'Bala'": "", "NOT owner = 'Asha'": "", "owner LIKE 'B%'": "", "owner IS NULL": "theirs", "owner IS NOT NULL": "mine", "ward = 'B'": "theirs",
	} {
		a, err := e.Within(context.Background(), WithinRequest{Collection: "trees", Box: &geo.Box{W: 72, S: 19, E: 73, N: 20}, View: v, Filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, f := range features(t, a) {
			ids = append(ids, f.ID)
			if o, shown := f.Properties["owner"]; shown && o != "Asha" {
				t.Errorf("%s shows %v", filter, o)
			}
		}
		if got := strings.Join(ids, ","); got != want {
			t.Errorf("%s finds %q, want %q", filter, got, want)
		}
	}
}
