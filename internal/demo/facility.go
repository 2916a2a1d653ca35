package demo

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"nagar/catalog"
	"nagar/geo"
)

//go:embed facilities.json
var facilitiesJSON []byte

// template describes one category of facility.
type template struct {
	Category   string     `json:"category"`
	Weight     float64    `json:"weight"`    // how many there are, relative to the others
	Spacing    float64    `json:"spacing_m"` // how far apart they like to be; 0: one per ward
	Hours      []string   `json:"hours"`     // OSM opening_hours
	Wheelchair [3]float64 `json:"wheelchair"`
	Booking    bool       `json:"booking"`
	Names      []struct{ En, Mr, Hi string }
}

func templates() ([]template, error) {
	var ts []template
	err := json.Unmarshal(facilitiesJSON, &ts)
	return ts, err
}

// facilities places every category on its own: each facility takes, of a handful
// of built sites, the one farthest from others of its category, so that they
// spread as such things do.
func (g *generator) facilities() error {
	ts, err := templates()
	if err != nil {
		return fmt.Errorf("facilities: %w", err)
	}
	want := g.Facilities
	if want == 0 {
		want = min(2000, max(len(ts), g.Buildings/10))
	}
	counts := shares(ts, want)
	g.serial, g.names = 0, map[string]int{}
	book := newAddressBook(g.named)
	for i := range ts {
		r := newRNG(g.seed, uint64(i)^0xfac1)
		for n, s := range g.spread(&ts[i], counts[i], r) {
			if err := g.facility(&ts[i], s, n, book, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// shares divides n by weight, at least one each, so that the sum is n.
func shares(ts []template, n int) []int {
	var sum, acc float64
	for i := range ts {
		sum += ts[i].Weight
	}
	out := make([]int, len(ts))
	given := 0
	for i := range ts {
		acc += ts[i].Weight
		out[i] = int(math.Round(acc/sum*float64(n))) - given
		given += out[i]
	}
	return out
}

// perWard picks one site in each ward, while there are any left to pick.
func (g *generator) perWard(n int, r rng) (out []site) {
	by := map[string][]site{}
	for _, s := range g.sites {
		by[s.ward] = append(by[s.ward], s)
	}
	for _, w := range g.layers["wards"] {
		if ss := by[w.Name]; len(ss) > 0 && len(out) < n {
			out = append(out, ss[r.IntN(len(ss))])
		}
	}
	return out
}

// spread picks n sites for a category.
func (g *generator) spread(t *template, n int, r rng) []site {
	if t.Spacing == 0 {
		one := g.perWard(n, r)
		return append(one, g.spread(&template{Category: t.Category, Spacing: 900}, n-len(one), r)...)
	}
	taken := newSegmentGrid(max(t.Spacing, 200))
	var out []site
	for len(out) < n {
		best, room := site{}, -1.0
		for range 12 {
			s := g.sites[r.IntN(len(g.sites))]
			free := math.Inf(1)
			taken.near(s.at, s.at, max(t.Spacing, 200)*2, func(id int) { free = min(free, out[id].at.sub(s.at).len()) })
			if free = min(free, max(t.Spacing, 200)*2) * suits(t, &s); free > room {
				best, room = s, free
			}
		}
		taken.add(best.at, best.at, 0, len(out))
		out = append(out, best)
	}
	return out
}

// suits is how well a site suits a category: small houses rarely hold a hospital.
func suits(t *template, s *site) float64 {
	tiny := characters[s.kind] != nil && characters[s.kind].tiny
	works := s.kind == "industrial" || s.kind == "port"
	small := map[string]bool{"public_toilet": true, "anganwadi": true, "health_post": true, "ration_shop": true, "temple": true}[t.Category]
	switch {
	case tiny && !small:
		return .45
	case works && t.Category != "fire_station" && t.Category != "waste_centre" && t.Category != "bus_depot":
		return .35
	}
	return 1
}

// placeOf is the nearest named place, weighed so that well-known ones reach farther.
func (g *generator) placeOf(q vec) *baseFeature {
	var best *baseFeature
	least := math.Inf(1)
	for _, p := range g.layers["places"] {
		if d := q.sub(p.at).len() * (.85 + .08*float64(max(1, p.Rank))); d < least {
			least, best = d, p
		}
	}
	return best
}

func or(s ...string) string {
	for _, t := range s {
		if t != "" {
			return t
		}
	}
	return ""
}

var devanagariDigits = strings.NewReplacer("0", "०", "1", "१", "2", "२", "3", "३", "4", "४", "5", "५", "6", "६", "7", "७", "8", "८", "9", "९")

func (g *generator) facility(t *template, s site, n int, book *addressBook, r rng) error {
	place := g.placeOf(s.at)
	nm := t.Names[r.IntN(len(t.Names))]
	w := g.words.First[r.IntN(len(g.words.First))]
	no := strconv.Itoa(n + 1)
	fill := func(s, place, word, ward, no string) string {
		return strings.NewReplacer("{place}", place, "{word}", word, "{ward}", ward, "{n}", no).Replace(s)
	}
	city := g.Profile.Address.City["en"]
	addr := fmt.Sprintf("%d, %s, %s, %s", 1+r.IntN(180), book.nearest(s.at), place.Name, or(city, g.Profile.Title["en"], g.Profile.Name))
	en := fill(nm.En, place.Name, w.En, s.ward, no)
	again := "" // the second of a name is numbered
	if g.names[en]++; g.names[en] > 1 {
		again = fmt.Sprint(" ", g.names[en])
	}
	props := catalog.Properties{
		text("name", en+again),
		text("name_mr", fill(nm.Mr, or(place.NameMr, place.Name), or(w.Mr, w.En), or(g.Profile.WardTitle(s.ward, "mr"), s.ward), devanagariDigits.Replace(no))+devanagariDigits.Replace(again)),
		text("name_hi", fill(nm.Hi, or(place.NameHi, place.Name), or(w.Hi, w.En), or(g.Profile.WardTitle(s.ward, "hi"), s.ward), no)+again),
		text("category", t.Category), text("address", addr), text("ward", s.ward),
		text("wheelchair", []string{"yes", "limited", "no"}[r.pick(t.Wheelchair[:])]),
	}
	if pattern := g.Profile.Address.FictitiousPhone; pattern != "" {
		props = append(props, text("phone", fictitious(pattern, r)))
	}
	if r.chance(.93) { // some keep their hours to themselves: the map must say "unknown"
		props = append(props, text("hours", t.Hours[r.IntN(len(t.Hours))]))
	}
	if t.Booking && r.chance(.6) {
		props = append(props, text("booking_url", fmt.Sprintf("https://booking.example/%s/%d", t.Category, g.serial+1)))
	}
	lon, lat := g.out(s.at)
	return g.put("facilities", "f", geo.NewPoint(lon, lat), props)
}

// fictitious fills the digits of a pattern for telephone numbers that no one has.
func fictitious(pattern string, r rng) string {
	b := []byte(pattern)
	for i := range b {
		if b[i] == '#' {
			b[i] = byte('0' + r.IntN(10))
		}
	}
	return string(b)
}
