package layers

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/mvt"
	"nagar/layers/index"
)

// numbered is a city with fields of every kind of column: of values that are alone,
// in part or mostly, and of dictionaries small and large.
func numbered(r *rand.Rand, n int) (catalog.Collection, func(i int) catalog.Feature) {
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	c.Fields = append(c.Fields, catalog.Field{Name: "gid", Type: catalog.TypeInteger}, catalog.Field{Name: "street", Type: catalog.TypeText},
		catalog.Field{Name: "area", Type: catalog.TypeReal}, catalog.Field{Name: "seen", Type: catalog.TypeTime})
	return c, func(i int) catalog.Feature {
		f := mixed(r, i)
		add := func(name string, v catalog.Value) {
			f.Props = append(f.Props, catalog.Property{Name: name, Value: v})
		}
		add("gid", catalog.Integer(int64(i)))
		add("street", catalog.Text(fmt.Sprint("street ", r.IntN(n)/4)))
		if i%3 > 0 {
			add("area", catalog.Real(r.Float64()*float64(r.IntN(2))))
		}
		if i%5 == 0 {
			f.Props[0].Value = catalog.Text(fmt.Sprintf("U%08X", r.IntN(n))) // a uid that others may have
		}
		return f
	}
}

// TestAttributesDoNotTellSegments: a tile's bytes and attributes are the same
// whether its features lie in one segment or in several, of any shares, with
// columns plain in one and dictionaries in another, for views that see fields on
// some rows only too; and each value of a field is there once.
func TestAttributesDoNotTellSegments(t *testing.T) {
	r := random(t)
	const n = 70_000
	c, feature := numbered(r, n)
	feats := make([]catalog.Feature, n)
	for i := range feats {
		feats[i] = feature(i)
	}
	one := index.NewBuilder(&c)
	for i := range feats {
		one.Add(&feats[i])
	}
	whole := &collection{info: c, snap: index.NewSnapshot(one.Build()), rev: 1}
	some := catalog.NewView("some", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Rows: "floors > 0", Fields: []int{0, 1, 7, 8}}, {Rows: "", Fields: []int{2, 9, 10}}}
	})
	for _, late := range []int{300, n / 4, n * 2 / 3} {
		// The last ones come as edits, some of them in place of others.
		split := index.NewBuilder(&c)
		for i := range feats[:n-late] {
			split.Add(&feats[i])
		}
		in := &collection{info: c, snap: index.NewSnapshot(split.Build()), rev: 1}
		for rest := feats[n-late:]; len(rest) > 0; {
			k := min(len(rest), 1+r.IntN(1+late/3))
			var edits []edit
			for i := range rest[:k] {
				edits = append(edits, edit{ID: rest[i].ID, New: &rest[i]})
			}
			in, _ = in.edited(edits, 2)
			rest = rest[k:]
		}
		if in.snap.Parts() < 2 {
			t.Fatal("one segment")
		}
		for _, view := range []catalog.View{catalog.Everything, some} {
			a, b := penOf(t, whole, view), penOf(t, in, view)
			for z := uint32(12); z <= 16; z++ {
				sameTile(t, a, b, geo.TileAt(72.85+r.NormFloat64()*0.007, 19.05+r.NormFloat64()*0.007, z))
			}
		}
	}
}

func penOf(t *testing.T, c *collection, v catalog.View) *Pen {
	t.Helper()
	pen, err := (&Still{cols: []*collection{c}, rows: newKeptRows(keptRowsLimit)}).NewPen(v, "")
	if err != nil {
		t.Fatal(err)
	}
	return pen
}

// sameTile compares two pens' tiles, generalised and not.
func sameTile(t *testing.T, a, b *Pen, at geo.Tile) {
	t.Helper()
	for _, all := range []bool{false, at.Z >= 13} {
		req := &TileRequest{Tile: at, All: all}
		for _, p := range []*Pen{a, b} {
			if _, err := p.d.fit(context.Background(), req, p.jobs, tileBudget); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a.d.w.Bytes(), b.d.w.Bytes()) {
			t.Fatalf("%s, all %v: %d bytes from one segment, %d from several", at, all, len(a.d.w.Bytes()), len(b.d.w.Bytes()))
		}
		valuesOnce(t, a.d.w.Bytes())
	}
}

type keyAndValue struct {
	key   uint32
	value mvt.Value
}

// valuesOnce checks that values of a layer that go with the same key differ, and
// that each goes with one.
func valuesOnce(t *testing.T, raw []byte) {
	t.Helper()
	tile, err := mvt.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tile.Layers {
		l := &tile.Layers[i]
		keys := make([]int64, len(l.Values)) // by value: the key that it goes with + 1
		seen := map[keyAndValue]bool{}
		for j := range l.Features {
			tags := l.Features[j].Tags
			for k := 0; k < len(tags); k += 2 {
				key, v := tags[k], tags[k+1]
				switch at := (keyAndValue{key, l.Values[v]}); {
				case keys[v] == int64(key)+1:
				case keys[v] != 0:
					t.Fatalf("value %v goes with several keys", l.Values[v])
				case seen[at]:
					t.Fatalf("%s is there twice: %v", l.Keys[key], l.Values[v])
				default:
					seen[at], keys[v] = true, int64(key)+1
				}
			}
		}
		if i := slices.Index(keys, 0); i >= 0 {
			t.Fatalf("value %v is of no feature", l.Values[i])
		}
	}
}
