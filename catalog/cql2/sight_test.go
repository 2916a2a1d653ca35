package cql2

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
)

func tenancies() *catalog.Collection {
	return &catalog.Collection{Name: "tenancies", Rev: 1, Fields: []catalog.Field{
		{Name: "ward", Type: catalog.TypeText}, {Name: "rent", Type: catalog.TypeInteger}, {Name: "tenant", Type: catalog.TypeText, Class: catalog.ClassPersonal},
	}}
}

// TestSightEqualsAskingEachTier holds what is seen, written and cut of random rows
// by random tiers to a plain reading of what a tier means.
func TestSightEqualsAskingEachTier(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	c := tenancies()
	rules := []struct {
		text  string
		holds func(ward string, rent int64) bool
	}{
		{"", func(string, int64) bool { return true }},
		{"ward = 'A'", func(w string, _ int64) bool { return w == "A" }},
		{"rent > 50 OR ward = 'B'", func(w string, n int64) bool { return n > 50 || w == "B" }},
		{"tenant = 'nobody'", func(string, int64) bool { return false }},
		{"ward = 5", func(string, int64) bool { return false }}, // does not fit
		{"ward = ", func(string, int64) bool { return false }},  // cannot be read
	}
	for round := range 400 {
		var tiers []catalog.Tier
		var holds []func(string, int64) bool
		for range r.IntN(5) {
			rule := rules[r.IntN(len(rules))]
			tier := catalog.Tier{Rows: rule.text, Write: r.IntN(3) == 0}
			for f := range c.Fields {
				if r.IntN(2) == 0 {
					tier.Fields = append(tier.Fields, f)
				}
			}
			tiers, holds = append(tiers, tier), append(holds, rule.holds)
		}
		v := catalog.NewView(fmt.Sprint(round), func(*catalog.Collection) []catalog.Tier { return slices.Clone(tiers) })
		sight := SightOf(c, v)
		for range 10 {
			ward, rent := string(rune('A'+r.IntN(3))), int64(r.IntN(100))
			f := &catalog.Feature{ID: "x", Props: catalog.Properties{
				{Name: "ward", Value: catalog.Text(ward)}, {Name: "rent", Value: catalog.Integer(rent)}, {Name: "tenant", Value: catalog.Text("Asha")}}}
			seen, writes := false, false
			shown, written := make([]bool, 3), make([]bool, 3)
			for i, tier := range tiers {
				if !holds[i](ward, rent) {
					continue
				}
				seen, writes = true, writes || tier.Write
				for _, fd := range tier.Fields {
					shown[fd], written[fd] = true, written[fd] || tier.Write
				}
			}
			props, ok := sight.See(f)
			var got, want []string
			for _, p := range props {
				got = append(got, p.Name)
			}
			for i, s := range shown {
				if s {
					want = append(want, c.Fields[i].Name)
				}
			}
			if ok != seen || seen && strings.Join(got, " ") != strings.Join(want, " ") {
				t.Fatalf("%+v of ward %s, rent %d: sees %v %v, want %v %v", tiers, ward, rent, ok, got, seen, want)
			}
			fields, may := sight.Writable(f)
			if may != writes || writes && !slices.Equal(fields, written) {
				t.Fatalf("%+v of ward %s, rent %d: writes %v %v, want %v %v", tiers, ward, rent, may, fields, writes, written)
			}
		}
	}
}

// TestRuleOfManyPositions holds that the outline of a ward may be as long as it is,
// and a caller's filter may not.
func TestRuleOfManyPositions(t *testing.T) {
	var b strings.Builder
	b.WriteString("S_INTERSECTS(geom, POLYGON((0 0")
	for i := range 20_000 {
		fmt.Fprintf(&b, ", %v 0", float64(i)/1e4)
	}
	b.WriteString(", 1 1, 0 0)))")
	if _, err := ParseRule(b.String()); err != nil {
		t.Error(err)
	}
	if _, err := Parse(b.String()); err == nil {
		t.Error("a caller's filter has no bound")
	}
}

func TestQuoteIsReadBack(t *testing.T) {
	for _, s := range []string{"", "a", "it's", "''", "वॉर्ड", `"`, "$x", "a b"} {
		q, ok := Quote(s)
		if !ok {
			t.Errorf("%q cannot be said", s)
			continue
		}
		x, err := Parse("ward = " + q)
		if err != nil {
			t.Fatal(err)
		}
		f, err := x.Bind(tenancies(), catalog.Everything)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Match(FeatureRow{tenancies(), &catalog.Feature{Props: catalog.Properties{{Name: "ward", Value: catalog.Text(s)}}}}) {
			t.Errorf("%s is not read as %q", q, s)
		}
	}
	for _, s := range []string{`\`, `a\'b`, "\x00", "\n", "\xff"} {
		if q, ok := Quote(s); ok {
			t.Errorf("%q is written as %s", s, q)
		}
	}
}
