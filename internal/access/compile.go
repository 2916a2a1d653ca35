package access

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

// Areas knows where the wards are. It is asked only for callers with an area of
// work whose grants are bound to it.
type Areas interface {
	// Outline is the wards' polygons as one geometry in WKT, degrees, lon lat; ""
	// when it is not known of every one of them.
	Outline(wards []string) string
}

// Compile returns what the policy lets the principal see and write. Its key is of
// its content: callers with equal rights share what is cached, and a policy that
// changes what they see changes the key. areas may be nil.
//
// A grant whose words ($contact, say) the caller has none for, and one whose rule
// does not fit a collection, shows nothing there.
func Compile(p *Policy, who Principal, areas Areas) catalog.View {
	if who.Kind == Root {
		return catalog.Everything.Telling(p.MinGroup)
	}
	c := compiled{Only: who.Collections}
	for _, g := range effective(p, &who) {
		if g.Area = g.Area && len(who.Wards) > 0; g.Area {
			c.Wards = who.Wards
		}
		if !slices.ContainsFunc(c.Grants, g.equal) {
			c.Grants = append(c.Grants, g)
		}
	}
	if c.Wards != nil && areas != nil {
		c.Outline = areas.Outline(c.Wards)
	}
	slices.SortFunc(c.Grants, func(a, b granted) int { return cmp.Compare(a.text(), b.text()) })
	if c.isPublic() {
		return catalog.Public.Telling(p.MinGroup)
	}
	text, err := json.Marshal(&c)
	if err != nil { // texts and numbers always marshal
		return catalog.View{}
	}
	sum := sha256.Sum256(text)
	return catalog.NewView("p"+hex.EncodeToString(sum[:16]), c.tiers).Telling(p.MinGroup)
}

// compiled is all that a view depends on beside the collection.
type compiled struct {
	Grants  []granted
	Wards   []string
	Outline string // WKT
	Only    []string
}

// granted is a grant to this caller, with nothing left to be looked up.
type granted struct {
	Collections  []string
	Own          bool
	Owner        string // the department that owns the collection, where Own
	Class        catalog.Class
	Fields, Hide []string
	Area         bool
	Rows         string
	Write        bool
	Personal     bool // personal fields are shown
}

func (g granted) text() string {
	b, _ := json.Marshal(g)
	return string(b)
}

func (g granted) equal(h granted) bool { return g.text() == h.text() }

// isPublic reports whether this is what everybody sees without any policy.
func (c *compiled) isPublic() bool {
	if len(c.Grants) != 1 || len(c.Only) > 0 {
		return false
	}
	plain := granted{Collections: []string{"*"}, Class: catalog.ClassPublic}
	return c.Grants[0].equal(plain)
}

// roles are the names of the roles that the principal has.
func (p *Policy) roles(who *Principal) []string {
	names := append([]string{PublicRole}, who.Roles...)
	if who.Kind == Citizen {
		names = append(names, CitizenRole)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// effective are the grants that count for the principal.
func effective(p *Policy, who *Principal) []granted {
	purpose := slices.ContainsFunc(p.Purposes, func(u Purpose) bool { return u.ID == who.Purpose })
	var out []granted
	for _, name := range p.roles(who) {
		for i := range p.Roles[name].Grants {
			g := &p.Roles[name].Grants[i]
			personal := purpose || g.isAboutSelf(who)
			if g.Class == catalog.ClassPersonal && !personal || g.Own && who.Department == "" {
				continue
			}
			e := granted{
				Collections: g.Collections, Own: g.Own, Class: g.Class, Fields: g.Fields, Hide: g.Hide,
				Area: g.Area, Write: g.Write, Personal: personal && (g.Class == catalog.ClassPersonal || len(g.Fields) > 0),
			}
			if g.Own {
				e.Owner = who.Department
			}
			ok := true
			if e.Rows, ok = cql2.Fill(g.Rows, who.literal); ok {
				out = append(out, e)
			}
		}
	}
	return out
}

// isAboutSelf reports whether the grant shows a citizen what is about themselves:
// nobody needs a purpose for that.
func (g *Grant) isAboutSelf(who *Principal) bool {
	if who.Kind != Citizen || who.Contact == "" {
		return false
	}
	named := false
	cql2.Fill(g.Rows, func(name string) (string, bool) {
		named = named || name == "contact"
		return "''", true
	})
	return named
}

// literal is what stands in rules for a word of the caller's; false when they have none.
func (who *Principal) literal(name string) (string, bool) {
	text := ""
	switch name {
	case "department":
		text = who.Department
	case "account":
		text = who.ID
	case "contact":
		text = who.Contact
	}
	if text == "" {
		return "", false
	}
	return cql2.Quote(text)
}

// tiers are what the grants make of a collection.
func (c *compiled) tiers(col *catalog.Collection) []catalog.Tier {
	if len(c.Only) > 0 && !slices.Contains(c.Only, col.Name) {
		return nil
	}
	var out []catalog.Tier
	for i := range c.Grants {
		g := &c.Grants[i]
		if col.Class > g.Class || g.Own && col.Owner != g.Owner ||
			!slices.Contains(g.Collections, col.Name) && !slices.Contains(g.Collections, "*") {
			continue
		}
		rows, ok := c.rows(g, col)
		if !ok {
			continue
		}
		t := catalog.Tier{Rows: rows, Write: g.Write}
		for j := range col.Fields {
			if g.shows(&col.Fields[j]) {
				t.Fields = append(t.Fields, j)
			}
		}
		out = append(out, t)
	}
	return out
}

func (g *granted) shows(f *catalog.Field) bool {
	if slices.Contains(g.Hide, f.Name) || f.Class == catalog.ClassPersonal && !g.Personal {
		return false
	}
	return f.Class <= g.Class || slices.Contains(g.Fields, f.Name)
}

// rows is the rule for rows of a collection; false when there is none that fits it.
func (c *compiled) rows(g *granted, col *catalog.Collection) (string, bool) {
	rule := strings.TrimSpace(g.Rows)
	if rule != "" && !fits(rule, col) { // by itself, before it stands in brackets
		return "", false
	}
	if g.Area {
		area, ok := c.area(col)
		switch {
		case !ok:
			return "", false
		case rule == "":
			rule = area
		default:
			rule = "(" + rule + ") AND " + area
		}
	}
	return rule, rule == "" || fits(rule, col)
}

func fits(rule string, col *catalog.Collection) bool {
	x, err := cql2.ParseRule(rule)
	if err != nil {
		return false
	}
	_, err = x.Bind(col, catalog.Everything)
	return err == nil
}

// wardField is the field that says which ward a feature lies in.
const wardField = "ward"

// area is the rule for rows in the caller's wards: by the field of that name, else
// by place.
func (c *compiled) area(col *catalog.Collection) (string, bool) {
	if f, ok := col.Field(wardField); ok && f.Type == catalog.TypeText {
		names := make([]string, len(c.Wards))
		for i, w := range c.Wards {
			if names[i], ok = cql2.Quote(w); !ok {
				return "", false
			}
		}
		return wardField + " IN (" + strings.Join(names, ", ") + ")", true
	}
	if col.Geometry == catalog.GeometryNone || c.Outline == "" {
		return "", false
	}
	return "S_INTERSECTS(geom, " + c.Outline + ")", true
}

// Rights are what the principal's roles let them do beside reading and writing
// features, each once, in the order of the list of rights.
func Rights(p *Policy, who Principal) []Right {
	if who.Kind == Root {
		return slices.Clone(rights)
	}
	var out []Right
	for _, r := range rights {
		if slices.ContainsFunc(p.roles(&who), func(name string) bool { return slices.Contains(p.Roles[name].Rights, r) }) {
			out = append(out, r)
		}
	}
	return out
}

// AsksPurpose reports whether the principal's roles would show personal data of
// others once they say why.
func AsksPurpose(p *Policy, who Principal) bool {
	if who.Kind == Root || len(p.Purposes) == 0 {
		return false
	}
	with, without := who, who
	with.Purpose, without.Purpose = p.Purposes[0].ID, ""
	return Compile(p, with, nil).Key() != Compile(p, without, nil).Key()
}
