package demo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

//go:embed departments.json
var departmentsJSON []byte

// Definitions returns the collections of Collections that are not standard ones: the
// records of departments. A store has to have them before their features.
func Definitions() []catalog.Collection {
	d := json.NewDecoder(bytes.NewReader(departmentsJSON))
	d.DisallowUnknownFields()
	var cs []catalog.Collection
	if err := d.Decode(&cs); err != nil {
		panic(fmt.Sprintf("demo: embedded departments.json: %v", err)) // a build's own file: its test reads it
	}
	return cs
}

// Truth is what the departments' records are of. It is in no collection.
type Truth struct {
	// Of is collection/id → the UID of the structure; "" where it is in no register,
	// and where nothing in the record tells which it is.
	Of map[string]string
	// Twice holds the collection/id of second records of one thing.
	Twice map[string]bool
	// Untaxed, Overbuilt and Underassessed are the UIDs with no property tax, with more
	// floors than permitted, and assessed at much less than their area.
	Untaxed, Overbuilt, Underassessed map[string]bool
}

func newTruth() *Truth {
	return &Truth{Of: map[string]string{}, Twice: map[string]bool{}, Untaxed: map[string]bool{}, Overbuilt: map[string]bool{}, Underassessed: map[string]bool{}}
}

// department is one register: whose houses are in it, how addresses are written
// there, and what else a record says.
type department struct {
	collection string
	prefix     string // of its numbers
	style      style
	share      func(h *house) float64 // of houses that are in it
	again      float64                // share that is there twice
	linked     float64                // share that carries the UID already
	place      float64                // share that has a point
	more       func(g *generator, h *house, r rng, st *state) catalog.Properties
}

// state is what a record's rest says of the house, for the truth.
type state struct{ overbuilt, underassessed bool }

var departmentsOf = []department{
	{
		collection: "property_tax", prefix: "PT", again: .03,
		style: style{upper: true, slip: .3, spell: .06, short: .5, width: 100, junk: .03, bare: .12, numbers: .55},
		share: func(*house) float64 { return .96 }, more: (*generator).tax,
	},
	{
		collection: "water_connections", prefix: "WC", again: .02, place: .6,
		style: style{mr: .25, slip: .2, spell: .08, short: .4, junk: .02, bare: .15, numbers: .6},
		share: func(*house) float64 { return .85 }, more: (*generator).water,
	},
	{
		collection: "building_permits", prefix: "BP", linked: .6, place: .5,
		style: style{slip: .08, short: .2, bare: .1, numbers: .8},
		share: func(h *house) float64 { return min(1, math.Max(.05, float64(h.year-1980)/60)) }, more: (*generator).permit,
	},
	{
		collection: "fire_noc", prefix: "FN", linked: .5,
		style: style{slip: .1, spell: .05, short: .3, bare: .05, numbers: .6},
		share: func(h *house) float64 { return tall(h, 6) }, more: certificate(1, .25),
	},
	{
		collection: "lift_licences", prefix: "LL", linked: .3, again: .02,
		style: style{upper: true, slip: .2, short: .5, width: 70, bare: .05, numbers: .6},
		share: func(h *house) float64 { return tall(h, 4) }, more: certificate(1, .2),
	},
	{
		collection: "structural_audits", prefix: "SA", linked: .5,
		style: style{slip: .1, short: .3, mr: .1, bare: .08, numbers: .7},
		share: func(h *house) float64 {
			if h.year < 1996 { // thirty years and older
				return .4
			}
			return 0
		}, more: (*generator).audit,
	},
	{
		collection: "trade_licences", prefix: "TL", place: .3,
		style: style{slip: .25, spell: .08, short: .45, unit: true, mr: .08, junk: .02, bare: .25, numbers: .7},
		share: func(h *house) float64 {
			return map[string]float64{"commercial": .8, "mixed": .7, "industrial": .6}[h.use]
		}, more: (*generator).trade,
	},
}

func tall(h *house, floors int) float64 {
	if h.floors >= floors {
		return .85
	}
	return 0
}

// departments writes the register of structures and the departments' records.
func (g *generator) departments() error {
	if g.Truth != nil {
		*g.Truth = *newTruth()
	}
	g.addresses()
	if err := g.structures(); err != nil {
		return err
	}
	for k := range departmentsOf {
		d := &departmentsOf[k]
		g.serial = 0
		for i := range g.houses {
			if err := g.recordsOf(d, &g.houses[i], newRNG(g.seed, mix(uint64(i))^uint64(k+1)*0xd0c)); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordsOf writes what a department has of a house: nothing, a record, or two.
func (g *generator) recordsOf(d *department, h *house, r rng) error {
	if !r.chance(d.share(h)) {
		if g.Truth != nil && d.collection == "property_tax" && h.known {
			g.Truth.Untaxed[h.id.String()] = true
		}
		return nil
	}
	n := 1
	if r.chance(d.again) {
		n = 2
	}
	for k := range n {
		addr, told := g.write(h, &d.style, r)
		var st state
		props := catalog.Properties{text("number", fmt.Sprintf("%s%08d", d.prefix, (g.serial+1)*37+int(mix(g.seed)%9_000_000)))}
		if addr != "" {
			props = append(props, text("address", addr))
		}
		props = append(props, text("ward", h.ward))
		linked := h.known && r.chance(d.linked)
		if linked {
			props = append(props, text("uid", h.id.String()))
		}
		var at geo.Geometry
		if r.chance(d.place) { // measured by hand: some metres off
			lon, lat := g.out(h.at.add(vec{r.NormFloat64() * 4, r.NormFloat64() * 4}))
			at, told = geo.NewPoint(lon, lat), true
		}
		props = append(props, d.more(g, h, r, &st)...)
		g.tell(d, h, k, told || linked, &st)
		if err := g.put(d.collection, strings.ToLower(d.prefix), at, props); err != nil {
			return err
		}
	}
	return nil
}

// tell notes the truth of the record that is written next.
func (g *generator) tell(d *department, h *house, k int, told bool, st *state) {
	t := g.Truth
	if t == nil {
		return
	}
	key := fmt.Sprintf("%s/demo-%s-%06d", d.collection, strings.ToLower(d.prefix), g.serial+1)
	u := h.id.String()
	t.Of[key] = ""
	if h.known && told {
		t.Of[key] = u
	}
	if k > 0 {
		t.Twice[key] = true
	}
	if st.overbuilt {
		t.Overbuilt[u] = true
	}
	if st.underassessed {
		t.Underassessed[u] = true
	}
}

func person(r rng) string {
	return firstNames[r.IntN(len(firstNames))] + " " + lastNames[r.IntN(len(lastNames))]
}

func date(name string, t time.Time) catalog.Property {
	return catalog.Property{Name: name, Value: catalog.Date(t)}
}

func (g *generator) tax(h *house, r rng, st *state) catalog.Properties {
	full := h.area * float64(h.floors)
	assessed := full * r.between(.85, 1.02)
	if st.underassessed = r.chance(.06); st.underassessed {
		assessed = full * r.between(.3, .6)
	}
	rate := map[string]float64{"commercial": 310, "industrial": 180, "mixed": 190, "slum": 25}[h.use]
	if rate == 0 {
		rate = 85
	}
	return catalog.Properties{
		text("owner", person(r)), text("use", h.use), amount("assessed_m2", math.Round(assessed)),
		amount("tax_inr", math.Round(assessed*rate/10)*10), date("assessed", Day.AddDate(0, -r.IntN(48), 0)),
	}
}

func (g *generator) water(h *house, r rng, _ *state) catalog.Properties {
	size := 15
	if h.floors > 4 {
		size = []int{20, 25, 40, 50}[r.IntN(4)]
	}
	return catalog.Properties{text("consumer", person(r)), number("size_mm", size), date("connected", Day.AddDate(-r.IntN(30), -r.IntN(12), 0))}
}

func (g *generator) permit(h *house, r rng, st *state) catalog.Properties {
	floors := h.floors
	if st.overbuilt = floors > 1 && r.chance(.06); st.overbuilt {
		floors -= 1 + r.IntN(min(2, floors-1))
	}
	issued := Day.AddDate(h.year-Day.Year()-2, -r.IntN(12), -r.IntN(27))
	return catalog.Properties{
		text("kind", "occupation certificate"), number("floors", floors), amount("area_m2", math.Round(h.area*float64(floors))),
		date("issued", issued), text("architect", person(r)),
	}
}

// certificate is of what has to be renewed every so many years; a share has run out.
func certificate(years int, late float64) func(*generator, *house, rng, *state) catalog.Properties {
	return func(_ *generator, _ *house, r rng, _ *state) catalog.Properties {
		expires := Day.AddDate(0, 0, 1+r.IntN(365*years-1))
		if r.chance(late) {
			expires = Day.AddDate(0, 0, -1-r.IntN(900))
		}
		return catalog.Properties{date("issued", expires.AddDate(-years, 0, 0)), date("expires", expires), text("applicant", person(r))}
	}
}

func (g *generator) audit(h *house, r rng, _ *state) catalog.Properties {
	grade := []string{"C1", "C2-A", "C2-B", "C3"}[r.pick([]float64{1, 2, 4, 6})]
	issued := Day.AddDate(0, 0, -r.IntN(365*12))
	return catalog.Properties{text("grade", grade), date("issued", issued), date("expires", issued.AddDate(10, 0, 0)), text("engineer", person(r))}
}

var trades = []string{"grocery", "restaurant", "clinic", "workshop", "tailor", "bakery", "stationery", "warehouse"}

func (g *generator) trade(_ *house, r rng, _ *state) catalog.Properties {
	issued := Day.AddDate(0, 0, -r.IntN(500))
	return catalog.Properties{text("trade", trades[r.IntN(len(trades))]), date("issued", issued), date("expires", issued.AddDate(1, 0, 0)), text("licensee", person(r))}
}
