package demo

import (
	"fmt"
	"math"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// sensorKind says how many of a kind there are, of 300, and where they stand.
type sensorKind struct {
	kind           string
	share          float64
	en, mr, hi     string
	water, traffic bool // beside water, on a main road; else at a building
	inside         bool // in the building, whose UID it carries
}

var sensorKinds = []sensorKind{
	{kind: "air", share: 34, en: "Air quality station", mr: "हवा गुणवत्ता केंद्र", hi: "वायु गुणवत्ता केंद्र"},
	{kind: "rain", share: 60, en: "Rain gauge", mr: "पर्जन्यमापक", hi: "वर्षामापी"},
	{kind: "water_level", share: 28, en: "Water level gauge", mr: "जलपातळी मापक", hi: "जल स्तर मापी", water: true},
	{kind: "weather", share: 20, en: "Weather station", mr: "हवामान केंद्र", hi: "मौसम केंद्र"},
	{kind: "traffic", share: 70, en: "Traffic counter", mr: "वाहतूक गणक", hi: "यातायात गणक", traffic: true},
	{kind: "noise", share: 32, en: "Noise meter", mr: "ध्वनी मापक", hi: "ध्वनि मापी"},
	{kind: "energy", share: 24, en: "Energy meter", mr: "ऊर्जा मापक", hi: "ऊर्जा मापी", inside: true},
	{kind: "structure", share: 32, en: "Structure monitor", mr: "बांधकाम संवेदक", hi: "संरचना संवेदक", inside: true},
}

func (g *generator) sensors() error {
	want := g.Sensors
	if want == 0 {
		want = min(300, max(len(sensorKinds), g.Buildings/30))
	}
	g.serial = 0
	acc, given := 0.0, 0
	for i := range sensorKinds {
		k := &sensorKinds[i]
		acc += k.share
		n := int(math.Round(acc/300*float64(want))) - given
		given += n
		r := newRNG(g.seed, uint64(i)^0x5e45)
		for j, s := range g.stations(k, n, r) {
			if err := g.sensor(k, s, j, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// stations picks n places for a kind, apart from each other.
func (g *generator) stations(k *sensorKind, n int, r rng) []site {
	var from []site
	switch {
	case k.traffic:
		from = g.along(func(add func([]vec)) {
			for i := range g.layers["roads"] {
				add(g.mains[i])
			}
		})
	case k.water:
		from = g.along(func(add func([]vec)) {
			for _, f := range g.layers["water"] {
				for _, rings := range f.polys {
					add(rings[0])
				}
			}
		})
	}
	if len(from) == 0 {
		from = g.sites
	}
	var out []site
	for len(out) < n {
		best, room := site{}, -1.0
		for range 10 {
			s := from[r.IntN(len(from))]
			free := 1e6
			for i := range out {
				free = min(free, out[i].at.sub(s.at).len())
			}
			if free > room {
				best, room = s, free
			}
		}
		out = append(out, best)
	}
	return out
}

// along are places on lines every 300 m or so, as far as they lie in a ward.
func (g *generator) along(lines func(add func([]vec))) (out []site) {
	lines(func(pts []vec) {
		left := 150.0
		for k := 1; k < len(pts); k++ {
			l := pts[k].sub(pts[k-1]).len()
			for ; left < l; left += 300 {
				q := pts[k-1].lerp(pts[k], left/l)
				inward := pts[k].sub(pts[k-1]).unit().left().mul(15)
				for _, at := range [...]vec{q, q.add(inward), q.sub(inward)} {
					if w := g.wardAt(at); w != "" {
						out = append(out, site{at: at, ward: w})
						break
					}
				}
			}
			left -= l
		}
	})
	return out
}

func (g *generator) sensor(k *sensorKind, s site, n int, r rng) error {
	place := g.placeOf(s.at)
	no := n + 1
	props := catalog.Properties{
		text("name", fmt.Sprintf("%s %s %d", place.Name, k.en, no)),
		text("name_mr", fmt.Sprintf("%s %s %s", or(place.NameMr, place.Name), k.mr, devanagariDigits.Replace(fmt.Sprint(no)))),
		text("name_hi", fmt.Sprintf("%s %s %d", or(place.NameHi, place.Name), k.hi, no)),
		text("kind", k.kind), text("ward", s.ward),
		{Name: "installed", Value: catalog.Date(time.Date(2018+r.IntN(7), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC))},
	}
	if k.inside {
		props = append(props, text("uid", s.uid.String()))
	}
	lon, lat := g.out(s.at)
	return g.put("sensors", "s", geo.NewPoint(lon, lat), props)
}
