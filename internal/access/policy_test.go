package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

func collection(t *testing.T, name string) *catalog.Collection {
	t.Helper()
	c, ok := catalog.StandardCollection(name)
	if !ok {
		t.Fatalf("no collection %s", name)
	}
	return &c
}

// sees lists the fields of a feature that a principal sees, "-" when not even the row.
func sees(p *Policy, who Principal, c *catalog.Collection, props catalog.Properties) string {
	seen, ok := cql2.SightOf(c, Compile(p, who, nil)).See(&catalog.Feature{ID: "x", Props: props})
	if !ok {
		return "-"
	}
	var names []string
	for _, p := range seen {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

var (
	plotInA = catalog.Properties{{Name: "ward", Value: catalog.Text("A")}, {Name: "tenure", Value: catalog.Text("lease")}, {Name: "holder", Value: catalog.Text("Asha")}}
	plotInB = catalog.Properties{{Name: "ward", Value: catalog.Text("B")}, {Name: "tenure", Value: catalog.Text("lease")}, {Name: "holder", Value: catalog.Text("Asha")}}
)

func TestDefaultPolicy(t *testing.T) {
	p := Default()
	plots, reports := collection(t, "plots"), collection(t, "reports")
	officer := Principal{Kind: Account, ID: "o", Roles: []string{"officer"}, Department: plots.Owner, Wards: []string{"A"}}
	on := officer
	on.Purpose = "law"
	for _, tc := range []struct {
		name string
		who  Principal
		c    *catalog.Collection
		row  catalog.Properties
		want string
	}{
		{"nobody", Principal{}, plots, plotInA, "-"},
		{"planner", Principal{Kind: Account, Roles: []string{"planner"}}, plots, plotInA, "ward tenure"},
		{"officer, no purpose", officer, plots, plotInA, "ward tenure"},
		{"officer with a purpose", on, plots, plotInA, "ward tenure holder"},
		{"officer elsewhere", on, plots, plotInB, "-"},
		{"root", Principal{Kind: Root}, plots, plotInB, "ward tenure holder"},
		{"administrator", Principal{Kind: Account, Roles: []string{"administrator"}}, plots, plotInA, "ward tenure"},
		{"token that is narrowed", Principal{Kind: Token, Roles: []string{"planner"}, Collections: []string{"wards"}}, plots, plotInA, "-"},
		{"unknown role", Principal{Kind: Account, Roles: []string{"king"}}, plots, plotInA, "-"},
		{"citizen, own report", Principal{Kind: Citizen, Contact: "+9122"}, reports, catalog.Properties{{Name: "status", Value: catalog.Text("open")}, {Name: "contact", Value: catalog.Text("+9122")}}, "status contact"},
		{"citizen, another's", Principal{Kind: Citizen, Contact: "+9122"}, reports, catalog.Properties{{Name: "contact", Value: catalog.Text("+9123")}}, "-"},
		{"citizen without contact", Principal{Kind: Citizen}, reports, catalog.Properties{{Name: "contact", Value: catalog.Text("")}}, "-"},
	} {
		if got := sees(p, tc.who, tc.c, tc.row); got != tc.want {
			t.Errorf("%s: sees %q, want %q", tc.name, got, tc.want)
		}
	}
	if !AsksPurpose(p, officer) || AsksPurpose(p, Principal{Kind: Account, Roles: []string{"planner"}}) || AsksPurpose(p, Principal{Kind: Citizen, Contact: "+9122"}) {
		t.Error("who is asked for a purpose is wrong")
	}
	if got := Rights(p, Principal{Kind: Account, Roles: []string{"auditor", "administrator"}}); len(got) != len(rights) {
		t.Errorf("rights of two roles: %v", got)
	}
	if got := Rights(p, Principal{}); len(got) != 0 {
		t.Errorf("nobody's rights: %v", got)
	}
}

func TestPersonalFieldsNeedAPurposeHoweverGranted(t *testing.T) {
	p := Default()
	p.Roles["clerk"] = Role{Grants: []Grant{{Collections: []string{"plots"}, Class: catalog.ClassInternal, Fields: []string{"holder"}, Hide: []string{"tenure"}}}}
	who := Principal{Kind: Account, Roles: []string{"clerk"}}
	if got := sees(p, who, collection(t, "plots"), plotInA); got != "ward" {
		t.Errorf("without a purpose: %q", got)
	}
	who.Purpose = "law"
	if got := sees(p, who, collection(t, "plots"), plotInA); got != "ward holder" {
		t.Errorf("with a purpose: %q", got)
	}
	who.Purpose = "curiosity" // none of the policy's
	if got := sees(p, who, collection(t, "plots"), plotInA); got != "ward" {
		t.Errorf("with an unknown purpose: %q", got)
	}
}

// TestPublicIsShared holds that callers who see what everybody sees share its view.
func TestPublicIsShared(t *testing.T) {
	p := Default()
	if k := Compile(p, Principal{}, nil).Key(); k != catalog.Public.Key() {
		t.Errorf("anonymous has the view %q", k)
	}
	a := Compile(p, Principal{Kind: Account, ID: "1", Roles: []string{"planner"}, Wards: []string{"A"}}, nil)
	b := Compile(p, Principal{Kind: Token, ID: "2", Roles: []string{"planner"}, Wards: []string{"B"}}, nil)
	if a.Key() != b.Key() || a.Key() == catalog.Public.Key() {
		t.Errorf("planners have the views %q and %q", a.Key(), b.Key())
	}
	role := p.Roles["planner"]
	role.Grants = append(slices.Clone(role.Grants), Grant{Collections: []string{"wards"}, Class: catalog.ClassRestricted})
	p.Roles["planner"] = role
	if Compile(p, Principal{Kind: Token, Roles: []string{"planner"}}, nil).Key() == a.Key() {
		t.Error("another policy, the same key")
	}
}

type outlines map[string]string

func (o outlines) Outline(wards []string) string { return o[strings.Join(wards, ",")] }

func TestAreaByPlace(t *testing.T) {
	p := Default()
	p.Roles["officer"] = Role{Grants: []Grant{{Collections: []string{"wards", "units"}, Class: catalog.ClassPersonal, Area: true, Rows: "source_id = 'x' OR source_id = 'y'"}}}
	wards := collection(t, "wards")
	wards.Class = catalog.ClassInternal
	who := Principal{Kind: Account, Roles: []string{"officer"}, Wards: []string{"A"}, Purpose: "law"}
	tiers := Compile(p, who, outlines{"A": "POLYGON((0 0, 1 0, 1 1, 0 0))"}).Tiers(wards)
	if len(tiers) != 1 || tiers[0].Rows != "(source_id = 'x' OR source_id = 'y') AND S_INTERSECTS(geom, POLYGON((0 0, 1 0, 1 1, 0 0)))" {
		t.Errorf("tiers %+v", tiers)
	}
	if got := Compile(p, who, outlines{}).Tiers(wards); got != nil {
		t.Errorf("an area that nobody knows shows %+v", got)
	}
	far := Compile(p, who, outlines{"A": "POLYGON((5 5, 6 5, 6 6, 5 5))"})
	if far.Key() == Compile(p, who, outlines{"A": "POLYGON((0 0, 1 0, 1 1, 0 0))"}).Key() {
		t.Error("a ward moved, and the key is the same")
	}
}

// TestWordsOfTheCallerStayWords tries to break out of the literal that a caller's
// department, account or contact is put in as.
func TestWordsOfTheCallerStayWords(t *testing.T) {
	p := Default()
	p.Roles["clerk"] = Role{Grants: []Grant{{Collections: []string{"plots"}, Class: catalog.ClassInternal, Rows: "tenure = $account AND ward <> '$account'"}}}
	plots := collection(t, "plots")
	for _, id := range []string{
		"' OR TRUE OR '", "x' OR '1'='1", `\' OR TRUE OR tenure = \'`, `\`, `x\`, `\'`, `''`, "$contact", "x') OR (TRUE", "--", "\x00' OR TRUE", "\xff' OR TRUE", "x\n", `"`, `" OR TRUE OR "`,
	} {
		who := Principal{Kind: Account, ID: id, Roles: []string{"clerk"}, Contact: "c"}
		if got := sees(p, who, plots, plotInA); got != "-" {
			t.Errorf("account %q sees a row of another: %q", id, got)
		}
		own := catalog.Properties{{Name: "tenure", Value: catalog.Text(id)}, {Name: "ward", Value: catalog.Text("A")}}
		if _, plain := cql2.Quote(id); plain && sees(p, who, plots, own) == "-" {
			t.Errorf("account %q does not see its own row", id)
		}
		wards := Principal{Kind: Account, ID: "o", Roles: []string{"officer"}, Wards: []string{id}, Department: plots.Owner}
		if got := sees(p, wards, plots, plotInA); got != "-" {
			t.Errorf("ward %q sees into ward A: %q", id, got)
		}
	}
}

func TestRulesThatDoNotFitShowNothing(t *testing.T) {
	p := Default()
	for _, rows := range []string{"nothing = 'x'", "ward = 5", "ward = 'A') OR (TRUE", "ward ="} {
		p.Roles["clerk"] = Role{Grants: []Grant{{Collections: []string{"plots"}, Class: catalog.ClassInternal, Rows: rows, Area: true}}}
		who := Principal{Kind: Account, Roles: []string{"clerk"}, Wards: []string{"A"}}
		if Compile(p, who, nil).Sees(collection(t, "plots")) {
			t.Errorf("rows %q show something", rows)
		}
	}
}

func TestValidateNamesThePlace(t *testing.T) {
	for _, tc := range []struct{ path, from, to string }{
		{"roles.officer.grants[1].rows", `"class": "restricted"`, `"rows": "ward = ", "class": "restricted"`},
		{"roles.officer.grants[1].rows", `"class": "restricted"`, `"rows": "ward = $nothing", "class": "restricted"`},
		{"roles.citizen.grants[0].collections", `["reports"]`, `[]`},
		{"roles.citizen.grants[0].collections[0]", `["reports"]`, `["Reports"]`},
		{"roles.auditor.rights[0]", `["audit"]`, `["all"]`},
		{"roles", `"public": {`, `"everybody": {`},
		{"roles.public.grants[0].write", `"class": "public"}`, `"class": "public", "write": true}`},
		{"roles.King", `"planner": {`, `"King": {`},
		{"purposes[1].id", `"id": "complaint"`, `"id": "service"`},
		{"min_group", `"min_group": 5`, `"min_group": -1`},
		{"retention[0].days", `"min_group": 5`, `"min_group": 5, "retention": [{"collections": ["reports"], "since": "updated"}]`},
		{"retention[0].rows", `"min_group": 5`, `"min_group": 5, "retention": [{"collections": ["reports"], "since": "updated", "days": 3, "rows": "contact = $contact"}]`},
		{"roles.officer.grants[1].class", `"class": "restricted"`, `"class": "secretive"`},
		{"policy", `"min_group": 5`, `"min_groop": 5`},
	} {
		text := strings.Replace(string(defaultPolicy), tc.from, tc.to, 1)
		if text == string(defaultPolicy) {
			t.Fatalf("%s: nothing to replace", tc.from)
		}
		_, err := ReadPolicy([]byte(text))
		var inv *catalog.Invalid
		if !errors.As(err, &inv) || inv.Path != tc.path {
			t.Errorf("%s → %s: got %v, want path %s", tc.from, tc.to, err, tc.path)
		}
	}
}

// TestPolicyRoundTrip holds that what is written is read as the same.
func TestPolicyRoundTrip(t *testing.T) {
	text, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(p); string(again) != string(text) {
		t.Error("it reads otherwise")
	}
	for name, role := range p.Roles {
		for _, lang := range []string{"en", "mr", "hi"} {
			if role.Title[lang] == "" {
				t.Errorf("role %s has no title in %s", name, lang)
			}
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	p := Default()
	who := Principal{Kind: Account, ID: "o", Roles: []string{"officer"}, Department: "Assessment", Wards: []string{"A", "B"}}
	for range b.N {
		if Compile(p, who, nil).Key() == "" {
			b.Fatal(fmt.Errorf("no key"))
		}
	}
}
