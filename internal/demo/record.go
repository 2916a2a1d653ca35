package demo

import (
	"fmt"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// The records that not everybody may see: with them a visitor of the demo can try
// what each role shows. Names and numbers are invented; the numbers begin with
// +91 00000, which no exchange gives out.

// DemoContact is the phone number that the first report was made from: who signs in
// with it as a citizen sees that report whole.
const DemoContact = "+910000000001"

// Day is the day that the demo's records look back from: the same seed gives the
// same bytes, whenever it is asked.
var Day = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

var complaints = []struct{ category, text string }{
	{"pothole", "A pothole in front of the gate, deep since the last rain"},
	{"street_light", "The lamp has been dark for a week"},
	{"garbage", "Rubbish was not fetched for three days"},
	{"water", "The water is muddy in the morning"},
	{"drain", "The drain runs over at high tide"},
	{"tree", "A branch hangs over the school's wall"},
}

var (
	firstNames = []string{"Asha", "Ravi", "Sunita", "Imran", "Meera", "Joseph", "Kavita", "Farhan", "Lata", "Sanjay"}
	lastNames  = []string{"Patil", "Shaikh", "D'Souza", "Kulkarni", "Jadhav", "Mehta", "Pawar", "Khan"}
	states     = []string{"open", "in_progress", "closed"}
)

// records writes reports of citizens and the city's assets, at built sites.
func (g *generator) records() error {
	n := min(300, max(10, g.Buildings/30))
	g.serial = 0
	r := newRNG(g.seed, 0x4e9)
	for i := range n {
		s := g.sites[r.IntN(len(g.sites))]
		c := complaints[r.IntN(len(complaints))]
		asked := Day.Add(-time.Duration(r.IntN(90*24)) * time.Hour)
		lon, lat := g.out(s.at)
		err := g.put("reports", "r", geo.NewPoint(lon, lat), catalog.Properties{
			text("category", c.category), text("status", states[r.IntN(len(states))]),
			text("description", c.text), text("address", fmt.Sprintf("Near %s", g.placeOf(s.at).Name)),
			text("ward", s.ward), text("uid", s.uid.String()),
			{Name: "requested", Value: catalog.Time(asked)}, {Name: "updated", Value: catalog.Time(asked.Add(30 * time.Hour))},
			text("reporter", firstNames[r.IntN(len(firstNames))]+" "+lastNames[r.IntN(len(lastNames))]),
			text("contact", fmt.Sprintf("+91%010d", i+1)),
		})
		if err != nil {
			return err
		}
	}
	g.serial = 0
	kinds, conditions := []string{"lamp post", "hydrant", "manhole", "bench", "tree"}, []string{"good", "fair", "poor"}
	for i := range n {
		s, kind := g.sites[r.IntN(len(g.sites))], kinds[i%len(kinds)]
		lon, lat := g.out(s.at)
		inspected := catalog.Date(Day.AddDate(0, 0, -r.IntN(300)))
		props := catalog.Properties{
			text("name", fmt.Sprintf("%s %d", kind, i+1)), text("kind", kind), text("ward", s.ward),
			text("condition", conditions[r.IntN(len(conditions))]),
			{Name: "installed", Value: catalog.Date(Day.AddDate(-1-r.IntN(20), 0, -r.IntN(300)))},
			{Name: "inspected", Value: inspected},
		}
		if err := g.put("assets", "a", geo.NewPoint(lon, lat), append(props, dueAfter(g.Profile, kind, inspected)...)); err != nil {
			return err
		}
	}
	return nil
}
