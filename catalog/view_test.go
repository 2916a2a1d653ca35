package catalog

import (
	"fmt"
	"slices"
	"testing"
)

func plots() *Collection {
	return &Collection{Name: "plots", Class: ClassInternal, Geometry: GeometryPolygon, Rev: 3, Fields: []Field{
		{Name: "ward", Type: TypeText}, {Name: "tenure", Type: TypeText, Class: ClassInternal}, {Name: "holder", Type: TypeText, Class: ClassPersonal},
	}}
}

func TestViewsWithoutPolicy(t *testing.T) {
	c := plots()
	if Public.Sees(c) || Public.Tiers(c) != nil || (View{}).Sees(c) || (View{}).Tiers(c) != nil {
		t.Error("an internal collection is seen by everybody")
	}
	if got := Everything.Tiers(c); len(got) != 1 || got[0].Rows != "" || !got[0].Write || !slices.Equal(got[0].Fields, []int{0, 1, 2}) {
		t.Errorf("Everything: %+v", got)
	}
	c.Class = ClassPublic
	if got := Public.Tiers(c); len(got) != 1 || got[0].Rows != "" || got[0].Write || !slices.Equal(got[0].Fields, []int{0}) {
		t.Errorf("Public: %+v", got)
	}
	if Public.Writes(c) || !Everything.Writes(c) {
		t.Error("Public writes, or Everything does not")
	}
}

func TestViewOfTiers(t *testing.T) {
	c := plots()
	v := NewView("v", func(c *Collection) []Tier {
		if c.Name != "plots" {
			return nil
		}
		return []Tier{{Rows: "ward = 'A'", Fields: []int{0, 1, 2}, Write: true}, {Fields: []int{0}}, {Fields: []int{0}}, {Rows: "ward = 'A'", Fields: []int{1}}}
	})
	if got := v.Tiers(c); len(got) != 2 || got[0].Rows != "ward = 'A'" || got[1].Rows != "" {
		t.Errorf("tiers that add nothing stay: %+v", got)
	}
	if !v.SeesField(c, &c.Fields[2]) || !v.Writes(c) || v.Sees(&Collection{Name: "other"}) {
		t.Error("the tiers' rules do not hold")
	}
}

func TestViewKeepsUpWithDescriptions(t *testing.T) {
	calls := 0
	v := NewView("v", func(c *Collection) []Tier {
		calls++
		var fields []int
		for i := range c.Fields {
			if c.Fields[i].Class == ClassPublic {
				fields = append(fields, i)
			}
		}
		return []Tier{{Fields: fields}}
	})
	c := plots()
	for range 10 {
		v.SeesField(c, &c.Fields[1])
	}
	if calls != 1 {
		t.Errorf("the tiers were worked out %d times", calls)
	}
	published := plots()
	published.Fields[1].Class, published.Rev = ClassPublic, 4
	if !v.SeesField(published, &published.Fields[1]) || v.SeesField(c, &c.Fields[1]) {
		t.Error("a field's new class is not followed")
	}
	same := plots() // of the same revision, as in a test or another store
	same.Fields[2].Class = ClassPublic
	if !v.SeesField(same, &same.Fields[2]) {
		t.Error("a description is known by its revision alone")
	}
}

func TestViewTiersAreBounded(t *testing.T) {
	v := NewView("v", func(*Collection) []Tier {
		out := make([]Tier, 100)
		for i := range out {
			out[i].Rows = fmt.Sprintf("floors = %d", i)
		}
		return out
	})
	if n := len(v.Tiers(plots())); n != MaxTiers {
		t.Errorf("%d tiers", n)
	}
}
