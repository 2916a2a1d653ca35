package server

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
	"nagar/internal/access"
)

// The city of the privacy test. Everything that somebody may not see is a marker:
// a word that is there once, so that wherever it comes out, it is known whose and
// of what it is.

// secret is what one marker stands for.
type secret struct {
	marker string
	c      *catalog.Collection
	row    *row // nil: of the collection's description
	state  int  // which of the row's states
	field  *catalog.Field
	gone   bool // erased: nobody may see it any more
	asID   bool // the row's id, in any of its states
}

func (s *secret) String() string {
	what := fmt.Sprintf("%s (%s)", s.c.Name, s.c.Class)
	if s.row != nil {
		what += fmt.Sprintf(" row %s state %d of %d in %v", s.row.name, s.state+1, len(s.row.states), s.row.states)
	}
	switch {
	case s.asID:
		what += " id"
	case s.field != nil:
		what += fmt.Sprintf(" field %s (%s)", s.field.Name, s.field.Class)
	default:
		what += " description"
	}
	if s.gone {
		what += " erased"
	}
	return what
}

// row is a feature and what it was in turn: the ward that it lay in.
type row struct {
	name    string
	id      string
	states  []string // wards
	deleted bool
	erased  []string // fields
	contact string
	values  []map[string]string // by state: field → marker
	lon     float64             // the same in all states
	lat     []float64           // by state: in its ward
}

func (r *row) last() int { return len(r.states) - 1 }

// markedCity is the collections, and what is in them.
type markedCity struct {
	collections []*catalog.Collection
	rows        map[string][]*row      // by collection
	known       map[string]catalog.Rev // a revision at which rows were in their first state
	asof        map[string]time.Time   // and a time
	secrets     map[string]*secret
}

const (
	wardA, wardB     = "West", "East"
	departmentRoads  = "Roads and Traffic"
	departmentWater  = "Hydraulic Engineer"
	citizenContact   = "+919800000001"
	markerBegin      = "zq"
	markerLength     = 7
	southA, southB   = 19.01, 19.05 // the wards lie one above the other
	wardHeight, west = 0.03, 72.83
)

func (m *markedCity) mark(s secret) string {
	s.marker = fmt.Sprintf("%s%04dx", markerBegin, len(m.secrets)+1)
	m.secrets[s.marker] = &s
	return s.marker
}

// newMarkedCity describes the city; fill puts it into a store.
func newMarkedCity() *markedCity {
	m := &markedCity{rows: map[string][]*row{}, secrets: map[string]*secret{}, known: map[string]catalog.Rev{}, asof: map[string]time.Time{}}
	for _, d := range []struct {
		name, owner string
		class       catalog.Class
		hasWard     bool
	}{
		{"trees_marked", departmentRoads, catalog.ClassPublic, true},
		{"benches_marked", departmentRoads, catalog.ClassInternal, false}, // wards are told by place
		{"depots_marked", departmentRoads, catalog.ClassInternal, true},
		{"tunnels_marked", departmentWater, catalog.ClassRestricted, true},
		{"files_marked", departmentRoads, catalog.ClassPersonal, true},
		{"reports", "Citizen Services", catalog.ClassInternal, true},
		{"sensors", departmentWater, catalog.ClassInternal, true},
	} {
		m.add(d.name, d.owner, d.class, d.hasWard)
	}
	return m
}

func (m *markedCity) add(name, owner string, class catalog.Class, hasWard bool) {
	c := &catalog.Collection{Name: name, Owner: owner, Class: class, Geometry: catalog.GeometryPoint}
	c.Title = catalog.Words{"en": "Title " + m.mark(secret{c: c})}
	c.Description, c.Source = catalog.Words{"mr": m.mark(secret{c: c})}, m.mark(secret{c: c})
	if hasWard {
		c.Fields = append(c.Fields, catalog.Field{Name: "ward", Type: catalog.TypeText, Class: catalog.ClassPublic})
	}
	for _, f := range []catalog.Field{
		{Name: "name", Class: catalog.ClassPublic}, {Name: "note", Class: catalog.ClassInternal},
		{Name: "address", Class: catalog.ClassInternal}, // search reads fields of this name
		{Name: "valve", Class: catalog.ClassRestricted}, {Name: "name_owner", Class: catalog.ClassPersonal},
		{Name: "contact", Class: catalog.ClassPersonal}, {Name: "papers", Type: catalog.TypeJSON, Class: catalog.ClassPersonal},
	} {
		if f.Type == "" {
			f.Type = catalog.TypeText
		}
		c.Fields = append(c.Fields, f)
	}
	if name != "reports" && name != "sensors" { // they have one of its own
		c.Fields = append(c.Fields, catalog.Field{Name: "uid", Type: catalog.TypeText, Link: "structures"})
	}
	for i := range c.Fields {
		f := &c.Fields[i]
		f.Title = catalog.Words{"en": m.mark(secret{c: c, field: f})}
		f.Meaning = catalog.Words{"hi": m.mark(secret{c: c, field: f})}
	}
	m.collections = append(m.collections, c)
	for i, r := range []row{
		{name: "stays west", states: []string{wardA}},
		{name: "stays east", states: []string{wardB}},
		{name: "changes in the west", states: []string{wardA, wardA, wardA}},
		{name: "changes in the east", states: []string{wardB, wardB}},
		{name: "moves east", states: []string{wardA, wardB}},
		{name: "moves west", states: []string{wardB, wardA}},
		{name: "deleted west", states: []string{wardA}, deleted: true},
		{name: "deleted east", states: []string{wardB, wardB}, deleted: true},
		{name: "erased", states: []string{wardA, wardA}, erased: []string{"valve", "name_owner", "papers"}},
		{name: "of the citizen", states: []string{wardB, wardB}, contact: citizenContact},
	} {
		m.fillRow(c, &r, i)
		m.rows[name] = append(m.rows[name], &r)
	}
}

// fillRow gives a row its id, its place and its values.
func (m *markedCity) fillRow(c *catalog.Collection, r *row, i int) {
	r.id = "row-" + m.mark(secret{c: c, row: r, asID: true})
	r.lon = west + 0.001*float64(i+1) + 0.0001*float64(len(m.collections))
	for state, ward := range r.states {
		south := southA
		if ward == wardB {
			south = southB
		}
		r.lat = append(r.lat, south+0.002*float64(i+1))
		values := map[string]string{}
		for j := range c.Fields {
			f := &c.Fields[j]
			switch {
			case f.Name == "ward":
				values[f.Name] = ward
			case f.Name == "uid": // every structure has rows of all kinds
				values[f.Name] = structureUID(i)
			case f.Name == "contact" && r.contact != "":
				values[f.Name] = r.contact
			default:
				gone := slices.Contains(r.erased, f.Name)
				values[f.Name] = m.mark(secret{c: c, row: r, state: state, field: f, gone: gone})
			}
		}
		r.values = append(r.values, values)
	}
}

// structureUID is the UID of the structure that the i-th row of each collection is about.
func structureUID(i int) string { return uid.FromBits(uint64(1000 + i%5)).String() }

// fill writes the city into a store, one state after the other.
func (m *markedCity) fill(t *testing.T, store catalog.Store) {
	t.Helper()
	ctx := context.Background()
	apply := func(ops ...catalog.Op) catalog.Rev {
		t.Helper()
		done, err := store.Apply(ctx, catalog.Batch{Author: "somebody", Reason: "to test", Ops: catalog.Ops(ops...)})
		if err != nil {
			t.Fatal(err)
		}
		return done.Rev
	}
	for name, south := range map[string]float64{wardA: southA, wardB: southB} {
		apply(catalog.Op{Kind: catalog.Put, Collection: "wards", Feature: catalog.Feature{
			ID: name, Geometry: wardPolygon(south), Props: catalog.Properties{{Name: "name", Value: catalog.Text(name)}}}})
	}
	for i := range 5 { // four are footprints that everybody sees, one is a row of the register
		f := catalog.Feature{ID: fmt.Sprint("building-", i), Geometry: wardPolygon(southA), Props: catalog.Properties{{Name: "uid", Value: catalog.Text(structureUID(i))}}}
		in := "buildings"
		if i == 4 {
			in, f.ID = "structures", structureUID(i)
			f.Props = append(f.Props, catalog.Property{Name: "ward", Value: catalog.Text(wardA)})
		}
		apply(catalog.Op{Kind: catalog.Put, Collection: in, Feature: f})
	}
	for _, c := range m.collections {
		m.define(t, store, c)
		for state := range 3 {
			var ops []catalog.Op
			for _, r := range m.rows[c.Name] {
				if state < len(r.states) {
					ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: c.Name, Feature: m.feature(c, r, state)})
				}
			}
			rev := apply(ops...)
			if state == 0 {
				m.known[c.Name], m.asof[c.Name] = rev, time.Now().UTC()
			}
			time.Sleep(2 * time.Millisecond) // so that the next state begins later
		}
		var ends []catalog.Op
		for _, r := range m.rows[c.Name] {
			if r.deleted {
				ends = append(ends, catalog.Op{Kind: catalog.Delete, Collection: c.Name, Feature: catalog.Feature{ID: r.id}})
			}
			if r.erased != nil {
				ends = append(ends, catalog.Op{Kind: catalog.Erase, Collection: c.Name, Feature: catalog.Feature{ID: r.id}, Fields: r.erased})
			}
		}
		apply(ends...)
		m.review(c, apply)
	}
}

// review puts every row that is matched with structures into the queue of reviews.
func (m *markedCity) review(c *catalog.Collection, apply func(...catalog.Op) catalog.Rev) {
	if c.Name == "reports" {
		return
	}
	var ops []catalog.Op
	for i, r := range m.rows[c.Name] {
		f := catalog.Feature{ID: reviewID(c, r), Geometry: geo.NewPoint(r.lon, r.lat[0]), Props: catalog.Properties{
			{Name: "collection", Value: catalog.Text(c.Name)}, {Name: "record", Value: catalog.Text(r.id)}, {Name: "state", Value: catalog.Text("open")},
			{Name: "kind", Value: catalog.Text("doubtful")}, {Name: "score", Value: catalog.Real(.5)}, {Name: "uid", Value: catalog.Text(structureUID(i))}, {Name: "created", Value: catalog.Time(time.Now())},
			{Name: "candidates", Value: catalog.JSON(fmt.Sprintf(`[{"uid":"%s","score":0.5,"reasons":[{"part":"name","verdict":"like","weight":3},{"part":"road","verdict":"like","weight":3}]},{"uid":"%s","score":0.4,"reasons":[]}]`, structureUID(i), structureUID(4)))},
		}}
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "reviews", Feature: f})
	}
	apply(ops...)
}

func reviewID(c *catalog.Collection, r *row) string { return c.Name + "." + r.id }

// define defines the collection; a standard one gets the test's fields on top.
func (m *markedCity) define(t *testing.T, store catalog.Store, c *catalog.Collection) {
	t.Helper()
	described := *c
	if old, err := store.Collection(context.Background(), c.Name); err == nil {
		for i := range old.Fields {
			f := &old.Fields[i]
			if _, ours := c.Field(f.Name); !ours {
				described.Fields = append(slices.Clip(described.Fields), *f)
			}
		}
	}
	if _, err := store.Define(context.Background(), described); err != nil {
		t.Fatal(err)
	}
}

func wardPolygon(south float64) geo.Geometry {
	const east = west + 0.05
	return geo.NewPolygon([]float64{west, south, east, south, east, south + wardHeight, west, south + wardHeight, west, south})
}

func (m *markedCity) feature(c *catalog.Collection, r *row, state int) catalog.Feature {
	f := catalog.Feature{ID: r.id, Geometry: geo.NewPoint(r.lon, r.lat[state])}
	for i := range c.Fields {
		name := c.Fields[i].Name
		v := catalog.Text(r.values[state][name])
		if c.Fields[i].Type == catalog.TypeJSON {
			v = catalog.JSON(`{"k":["` + r.values[state][name] + `"]}`)
		}
		f.Props = append(f.Props, catalog.Property{Name: name, Value: v})
	}
	return f
}

// The rules, told once more in the plainest way: what a caller with a policy's
// roles may see. The server compiles them into views; this does not.

// grants are the policy's grants that count for the caller, in a collection.
func grants(p *access.Policy, who *access.Principal, c *catalog.Collection) []access.Grant {
	var out []access.Grant
	if len(who.Collections) > 0 && !slices.Contains(who.Collections, c.Name) {
		return nil
	}
	roles := append([]string{"public"}, who.Roles...)
	if who.Kind == access.Citizen {
		roles = append(roles, "citizen")
	}
	for _, name := range roles {
		for _, g := range p.Roles[name].Grants {
			named := slices.Contains(g.Collections, "*") || slices.Contains(g.Collections, c.Name)
			own := !g.Own || who.Department != "" && who.Department == c.Owner
			purpose := g.Class < catalog.ClassPersonal || who.Purpose != "" || name == "citizen"
			citizen := g.Rows == "" || who.Contact != ""
			if named && own && purpose && citizen && c.Class <= g.Class {
				out = append(out, g)
			}
		}
	}
	return out
}

// covers reports whether the grant is for the row as it was in that state.
func covers(g *access.Grant, who *access.Principal, r *row, state int) bool {
	switch {
	case g.Area && len(who.Wards) > 0 && !slices.Contains(who.Wards, r.states[state]):
		return false
	case g.Rows == "contact = $contact":
		return r.contact == who.Contact
	case g.Rows != "":
		panic("the test does not know the rule " + g.Rows)
	}
	return true
}

// shows reports whether the grant shows the field.
func shows(g *access.Grant, f *catalog.Field) bool {
	return (f.Class <= g.Class || slices.Contains(g.Fields, f.Name)) && !slices.Contains(g.Hide, f.Name)
}

// seesSome reports whether the collection exists for the caller.
func seesSome(p *access.Policy, who *access.Principal, c *catalog.Collection) bool {
	return who.Kind == access.Root || len(grants(p, who, c)) > 0
}

// seesRow reports whether the caller may know of the row in that state.
func seesRow(p *access.Policy, who *access.Principal, c *catalog.Collection, r *row, state int) bool {
	return who.Kind == access.Root || slices.ContainsFunc(grants(p, who, c), func(g access.Grant) bool { return covers(&g, who, r, state) })
}

// seesValue reports whether the caller may know the value of a field in that state.
func seesValue(p *access.Policy, who *access.Principal, c *catalog.Collection, r *row, state int, f *catalog.Field) bool {
	return who.Kind == access.Root || slices.ContainsFunc(grants(p, who, c), func(g access.Grant) bool { return covers(&g, who, r, state) && shows(&g, f) })
}

// may reports whether the caller may see what the marker stands for.
func may(p *access.Policy, who *access.Principal, s *secret) bool {
	switch {
	case s.gone:
		return false
	case who.Kind == access.Root:
		return true
	case s.row == nil && s.field == nil:
		return len(grants(p, who, s.c)) > 0
	case s.row == nil:
		return slices.ContainsFunc(grants(p, who, s.c), func(g access.Grant) bool { return shows(&g, s.field) })
	case s.asID:
		for state := range s.row.states {
			if seesRow(p, who, s.c, s.row, state) {
				return true
			}
		}
		return false
	}
	return seesValue(p, who, s.c, s.row, s.state, s.field)
}

// must reports whether the caller gets to see it, if they look everywhere: what is
// current, and its past where that may be seen too.
func must(p *access.Policy, who *access.Principal, s *secret) bool {
	if !may(p, who, s) {
		return false
	}
	if s.row == nil {
		return true
	}
	return !s.row.deleted && seesRow(p, who, s.c, s.row, s.row.last())
}
