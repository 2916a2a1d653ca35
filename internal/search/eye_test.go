package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
)

// shopView shows names in wards A and B, addresses in A only.
var shopView = catalog.NewView("clerk", func(c *catalog.Collection) []catalog.Tier {
	switch c.Name {
	case "shops":
		return []catalog.Tier{{Rows: "ward = 'A'", Fields: []int{0, 1, 2, 3}}, {Rows: "ward = 'B'", Fields: []int{0, 3}}}
	case "lanes":
		return []catalog.Tier{{Rows: "ward <> 'C'", Fields: []int{0, 3}}}
	}
	return nil
})

func shopCity() (cols []catalog.Collection) {
	for _, name := range []string{"lanes", "shops", "secrets"} {
		c := catalog.Collection{Name: name, Geometry: catalog.GeometryAny, Fields: texts("name", "name_mr", "address", "ward", "owner"), Rev: 1}
		c.Fields[2].Class, c.Fields[4].Class = catalog.ClassRestricted, catalog.ClassPersonal
		cols = append(cols, c)
	}
	return cols
}

// look is the slow way to what a view sees now.
func (s *source) look(collection string, v catalog.View) func(id string) (catalog.Properties, bool) {
	return func(id string) (catalog.Properties, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range s.collections {
			f, ok := s.features[collection][id]
			if c := s.collections[i]; ok && c.Name == collection {
				return cql2.SightOf(&c, v).See(&f)
			}
		}
		return nil, false
	}
}

// TestViewFindsWhatACityOfItFinds holds a view's every answer equal to that of a
// city that holds nothing but what the view sees.
func TestViewFindsWhatACityOfItFinds(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	words := strings.Fields("dadar market shivaji garden asha stores central road temple lake hill tower school naka mill ganesh bhavan station fort chowk")
	some := func(n int) string {
		var out []string
		for range n {
			out = append(out, words[r.IntN(len(words))])
		}
		return strings.Join(out, " ")
	}
	whole, cut := newSource(shopCity()...), newSource()
	for _, c := range shopCity()[:2] {
		seen := c
		seen.Fields = nil
		for i := range c.Fields {
			if shopView.SeesField(&c, &c.Fields[i]) {
				seen.Fields = append(seen.Fields, c.Fields[i])
			}
		}
		cut.collections = append(cut.collections, seen)
	}
	for i := range 900 {
		collection := []string{"shops", "lanes", "secrets"}[r.IntN(3)]
		x, y := 72.8+r.Float64()/10, 19+r.Float64()/10
		g := square(x, y)
		if collection == "lanes" {
			g = geo.Geometry{Type: geo.LineString, Coords: []float64{x, y, x + 0.001, y}, Ends: []int32{2}}
		}
		id, ward := fmt.Sprint(i), string(rune('A'+r.IntN(3)))
		props := []string{"name", some(1 + r.IntN(2)), "address", some(2), "ward", ward, "owner", some(1)}
		if collection != "lanes" && r.IntN(3) == 0 {
			props[0] = "name_mr"
		}
		whole.put(collection, id, g, props...)
		f := whole.features[collection][id]
		c := shopCity()[map[string]int{"lanes": 0, "shops": 1, "secrets": 2}[collection]]
		if p, ok := cql2.SightOf(&c, shopView).See(&f); ok {
			var texts []string
			for _, v := range p {
				texts = append(texts, v.Name, v.Value.Str())
			}
			cut.put(collection, id, g, texts...)
		}
	}
	x, oracle := running(t, whole, Options{Look: whole.look}), running(t, cut, Options{})
	for range 150 {
		q := Query{Text: some(1 + r.IntN(3)), View: shopView, Limit: 1 + r.IntN(30), Offset: r.IntN(3) * 10, Lang: "mr"}
		got, err := x.Find(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		q.View = catalog.Everything
		want, err := oracle.Find(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q from %d: %+v\nwant %+v", q.Text, q.Offset, got, want)
		}
	}
}

// TestChangedRowIsJudgedAsItIs holds that a text which the search has not caught up
// with is not shown by what the row allows now.
func TestChangedRowIsJudgedAsItIs(t *testing.T) {
	s := newSource(shopCity()...)
	s.put("shops", "1", square(72.85, 19.05), "name", "Asha Stores", "address", "Fort", "ward", "C")
	published := catalog.Properties{{Name: "name", Value: catalog.Text("Stores")}, {Name: "ward", Value: catalog.Text("A")}}
	x := running(t, s, Options{Look: func(string, catalog.View) func(string) (catalog.Properties, bool) {
		return func(string) (catalog.Properties, bool) { return published, true }
	}})
	for _, text := range []string{"asha", "stores", "fort"} {
		if got := x.ids(t, Query{Text: text, View: shopView, Limit: 5}); len(got) > 0 {
			t.Errorf("%s finds %v", text, got)
		}
	}
	if got := running(t, s, Options{}).ids(t, Query{Text: "asha", View: shopView, Limit: 5}); len(got) > 0 {
		t.Errorf("without a look at the rows it finds %v", got)
	}
}
