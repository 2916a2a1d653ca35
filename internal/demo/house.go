package demo

import (
	"fmt"
	"strings"

	"nagar/catalog"
	"nagar/catalog/uid"
)

// house is a building that departments have records of, with its address.
type house struct {
	id      uid.UID
	at      vec
	ward    string
	use     string
	floors  int
	year    int
	area    float64 // of the ground floor, square metres
	height  float64
	name    [2]string // English, Marathi; "" for none
	wing    string
	no      int // on its road; 0 until it is given
	road    [2]string
	place   [2]string
	pin     string
	plot    string
	known   bool   // in the register of structures, with its address
	nearest string // the name of a house beside it
}

// register says which buildings departments know: a share of bounded number, spread
// over the city.
func (g *generator) register() func(n int) bool {
	want := g.Structures
	if want == 0 {
		want = min(5000, max(20, g.Buildings/10))
	}
	g.houses = make([]house, 0, want+want/20)
	every := max(1, g.Buildings/want)
	return func(n int) bool { return mix(g.seed+uint64(n))%uint64(every) == 0 }
}

func (g *generator) addHouse(id uid.UID, b *building) {
	h := house{
		id: id, at: b.middle(), ward: b.block.ward, use: b.use, floors: b.floors, year: b.year, height: b.height,
		area: area(b.rings[0]),
	}
	for _, r := range b.rings[1:] {
		h.area += area(r) // clockwise, so less
	}
	if b.name != "" {
		f, w := g.words.First[b.words[0]], g.words.House[b.words[1]]
		h.name = [2]string{b.name, strings.TrimSpace(f.Mr + " " + w.Mr)}
		if f.Mr == "" || w.Mr == "" {
			h.name[1] = ""
		}
	}
	g.houses = append(g.houses, h)
}

// addresses gives every house its address: numbers along each road of a place, some
// wings of one name, some plots. One in thirty is not in the register.
func (g *generator) addresses() {
	book := newAddressBook(g.named)
	places := map[string]int{}
	for i, p := range g.layers["places"] {
		places[p.Name] = i + 1
	}
	next := map[[2]string]int{}
	last := map[string]*house{} // by road and place
	stem := g.Profile.Address.PostcodeStem
	for i := range g.houses {
		h := &g.houses[i]
		r := newRNG(g.seed, uint64(i)^0xadd5)
		s, p := book.street(h.at), g.placeOf(h.at)
		h.road, h.place = [2]string{s.name, s.mr}, [2]string{p.Name, p.NameMr}
		if stem != "" {
			h.pin = fmt.Sprintf("%s%03d", stem, places[p.Name])
		}
		key := [2]string{s.name, p.Name}
		next[key] += 1 + r.IntN(4)
		h.no = next[key]
		h.known = !r.chance(1 / 30.)
		beside := last[s.name+p.Name]
		if beside != nil && beside.name[0] != "" && beside.wing == "" && r.chance(.12) { // one society, two wings
			beside.wing, h.wing = "A", "B"
			h.name, h.no = beside.name, beside.no
		}
		if beside != nil {
			h.nearest = beside.name[0]
		}
		if r.chance(.15) {
			h.plot = fmt.Sprintf("%c-%d", 'A'+rune(r.IntN(8)), 1+r.IntN(120))
		}
		last[s.name+p.Name] = h
	}
}

// address is how the register writes the house's address.
func (g *generator) address(h *house) string {
	parts := make([]string, 0, 8)
	if h.name[0] != "" {
		parts = append(parts, h.name[0])
	}
	if h.wing != "" {
		parts = append(parts, h.wing+" Wing")
	}
	if h.plot != "" {
		parts = append(parts, "Plot No. "+h.plot)
	}
	parts = append(parts, fmt.Sprintf("%d %s", h.no, h.road[0]), h.place[0])
	return strings.Join(parts, ", ") + ", " + strings.TrimSpace(g.cityName()+" "+h.pin)
}

func (g *generator) cityName() string {
	return or(g.Profile.Address.City["en"], g.Profile.Title["en"], g.Profile.Name)
}

// structures writes the register's rows.
func (g *generator) structures() error {
	for i := range g.houses {
		h := &g.houses[i]
		if !h.known {
			continue
		}
		f := catalog.Feature{ID: h.id.String(), Props: catalog.Properties{
			text("uid", h.id.String()), text("status", "in_use"), text("ward", h.ward), text("address", g.address(h)),
			{Name: "built", Value: catalog.Date(Day.AddDate(h.year-Day.Year(), -i%11, -i%27))},
		}}
		if err := g.yield("structures", &f); err != nil {
			return err
		}
	}
	return nil
}
