package finding

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
)

// city are the collections that the rules of the tests are about.
func city(t *testing.T) map[string]*catalog.Collection {
	t.Helper()
	all := map[string]*catalog.Collection{}
	for _, c := range catalog.Standard() {
		all[c.Name] = &c
	}
	all["fire_noc"] = &catalog.Collection{Name: "fire_noc", Geometry: catalog.GeometryNone, Class: catalog.ClassInternal, Fields: []catalog.Field{
		{Name: "number", Type: catalog.TypeText, Indexed: true}, {Name: "uid", Type: catalog.TypeText, Link: "structures"}, {Name: "expires", Type: catalog.TypeDate},
		{Name: "applicant", Type: catalog.TypeText, Class: catalog.ClassPersonal},
	}}
	return all
}

// TestFirstRules: each rule that a city begins with is whole, in three languages.
func TestFirstRules(t *testing.T) {
	for _, r := range First() {
		if err := r.validate(); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		for _, l := range languages {
			if r.Title[l.code] == "" || r.Summary[l.code] == "" {
				t.Errorf("%s has no title or summary in %s", r.Name, l.code)
			}
		}
	}
}

// TestRefusedRules: what is wrong with a rule is said with its place.
func TestRefusedRules(t *testing.T) {
	for text, path := range map[string]string{
		``:        "rule",
		`{} {}`:   "rule",
		`{"x":1}`: "rule",
		`{"name":"A b","title":{"en":"x"},"severity":"low","owner":"o","when":"floors > 1"}`:                                                        "name",
		`{"name":"a","title":{"mr":"x"},"severity":"low","owner":"o","when":"floors > 1"}`:                                                          "title",
		`{"name":"a","title":{"en":"x"},"severity":"bad","owner":"o","when":"floors > 1"}`:                                                          "severity",
		`{"name":"a","title":{"en":"x"},"severity":"low","when":"floors > 1"}`:                                                                      "owner",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o"}`:                                                                              "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"floors >"}`:                                                            "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"nothing > 1"}`:                                                         "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"count(nothing) > 1"}`:                                                  "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"count(wards) > 1"}`:                                                    "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"count(findings) > 1"}`:                                                 "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"sum(fire_noc.number) > 1"}`:                                            "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"max(fire_noc.nothing) > 1"}`:                                           "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"elsewhere(fire_noc.applicant) > 1"}`:                                   "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"days_to(floors) > 1"}`:                                                 "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"max(count(fire_noc)) > 1"}`:                                            "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"count(fire_noc > 1"}`:                                                  "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"max(fire_noc.expires) > 'x'"}`:                                         "when",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"floors > 1","summary":{"en":"{what}"}}`:                                "summary.en",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"floors > 1","about":"wards"}`:                                          "about",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"count(s) > 1","sets":{"s":{"collection":"fire_noc","where":"x = 1"}}}`: "sets.s.where",
		`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"count(fire_noc) > 1","group":{"set":"fire_noc","by":["x"]}}`:           "group.by[0]",
	} {
		r, err := ParseRule([]byte(text))
		if err == nil {
			_, err = compile(r, city(t), catalog.Everything)
		}
		var inv *catalog.Invalid
		if !errors.As(err, &inv) || inv.Path != path {
			t.Errorf("%s: %v, want something about %s", text, err, path)
		}
	}
}

// TestRulesNameWhatTheirAuthorSees: a field that the author does not see is not there.
func TestRulesNameWhatTheirAuthorSees(t *testing.T) {
	r, err := ParseRule([]byte(`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"distinct(fire_noc.applicant) > 1"}`))
	if err != nil {
		t.Fatal(err)
	}
	all := city(t)
	if _, err := compile(r, all, catalog.Everything); err != nil {
		t.Error(err)
	}
	internal := catalog.NewView("internal", func(c *catalog.Collection) []catalog.Tier {
		var tier catalog.Tier
		for i := range c.Fields {
			if c.ClassOf(&c.Fields[i]) <= catalog.ClassInternal {
				tier.Fields = append(tier.Fields, i)
			}
		}
		return []catalog.Tier{tier}
	})
	if _, err := compile(r, all, internal); err == nil {
		t.Error("a rule reads a field that its author does not see")
	}
	if _, err := compile(r, all, catalog.Public); err == nil {
		t.Error("a rule reads a collection that its author does not see")
	}
}

// TestPersonalValuesStayInTheirRecords: a rule may compare them, the finding does not say them.
func TestPersonalValuesStayInTheirRecords(t *testing.T) {
	r, err := ParseRule([]byte(`{"name":"a","title":{"en":"x"},"severity":"low","owner":"o","when":"first(fire_noc.applicant) = 'Asha Patil'","summary":{"en":"by {first(fire_noc.applicant)}"},
		"group":{"set":"fire_noc","by":["applicant"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := compile(r, city(t), catalog.Everything)
	if err != nil {
		t.Fatal(err)
	}
	rec := catalog.Feature{ID: "f1", Props: catalog.Properties{{Name: "applicant", Value: catalog.Text("Asha Patil")}, {Name: "uid", Value: catalog.Text("7K3Q9-F2DXJ")}}}
	u := &unit{uid: "7K3Q9-F2DXJ", own: &catalog.Feature{ID: "7K3Q9-F2DXJ"}, rows: map[string][]catalog.Feature{"fire_noc": {rec}}}
	v := newVerdicts()
	(&bench{rules: []*compiled{c}}).judge(u, nil, v)
	if len(v.hits) != 1 {
		t.Fatalf("%d findings, want 1", len(v.hits))
	}
	f, _ := settle(nil, &v.hits[0], testTime, "")
	row := f.Row()
	for _, p := range row.Props {
		if containsName(p.Value.String()) {
			t.Errorf("%s says %s", p.Name, p.Value)
		}
	}
	if len(f.Evidence) == 0 || f.Summary["en"] != "by …" {
		t.Errorf("evidence %v, summary %q", f.Evidence, f.Summary["en"])
	}
}

// FuzzRule: whatever is written as a rule is taken or refused.
func FuzzRule(f *testing.F) {
	for _, when := range []string{"floors > 1", "count(fire_noc) = 0", "days_to(max(fire_noc.expires)) < 30", "max(", "\"a(\" = 'b)'", "count(count(x))"} {
		f.Add(when, "{floors} {count(fire_noc)}")
	}
	var all map[string]*catalog.Collection
	f.Fuzz(func(t *testing.T, when, summary string) {
		if all == nil {
			all = city(t)
		}
		r := &Rule{Name: "a", Title: catalog.Words{"en": "x"}, Severity: "low", Owner: "o", About: aboutStructures, When: when, Summary: catalog.Words{"en": summary}}
		c, err := compile(r, all, catalog.Everything)
		if err != nil {
			return
		}
		u := &unit{uid: "7K3Q9-F2DXJ", own: &catalog.Feature{ID: "7K3Q9-F2DXJ"}}
		(&bench{rules: []*compiled{c}}).judge(u, nil, newVerdicts())
	})
}

var testTime = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func containsName(s string) bool { return strings.Contains(s, "Asha") || strings.Contains(s, "Patil") }
