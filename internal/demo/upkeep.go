package demo

import (
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/city"
)

// What departments keep and do outdoors: pipes under the streets, zones and plots of
// the blocks that are built, works in the streets. A few hundred of each, so that all
// of it shows and none of it takes time.

// mostPipes, mostPlots and mostWorks bound what is made.
const (
	mostPipes = 600
	mostPlots = 300
	mostWorks = 60
)

// upkeep writes networks, zones, plots and works.
func (g *generator) upkeep() error {
	for _, step := range []func() error{g.pipes, g.zones, g.plots, g.works} {
		g.serial = 0
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// laid are the streets that there are, those of the oldest blocks first.
func (g *generator) laid(most int) []*street {
	var out []*street
	for i := range g.streets {
		if s := &g.streets[i]; s.out <= g.edge && s.ward != "" && s.class != "footway" {
			if out = append(out, s); len(out) == most {
				break
			}
		}
	}
	return out
}

var pipeKinds = []struct {
	kind, material, operator string
	millimetres              []float64
	depth                    float64
}{
	{"water", "ductile iron", "Hydraulic Engineer", []float64{100, 150, 300}, 1.2},
	{"storm_drain", "concrete", "Storm Water Drains", []float64{450, 600, 900}, 1.6},
	{"sewer", "stoneware", "Sewerage Operations", []float64{200, 300, 450}, 2.4},
}

func (g *generator) pipes() error {
	for i, s := range g.laid(mostPipes) {
		r := newRNG(g.seed, s.id^0x919e)
		k := pipeKinds[i%len(pipeKinds)]
		laid := Day.AddDate(-2-r.IntN(45), 0, -r.IntN(300))
		inspected := Day.AddDate(0, -r.IntN(30), -r.IntN(28))
		err := g.put("networks", "n", g.line(s.pts), append(catalog.Properties{
			text("kind", k.kind), text("operator", k.operator), text("material", k.material), amount("diameter_mm", k.millimetres[r.IntN(3)]),
			amount("depth_m", math.Round(10*k.depth*r.between(.8, 1.4))/10), {Name: "laid", Value: catalog.Date(laid)}, text("status", "in_use"), text("ward", s.ward),
			text("condition", []string{"good", "fair", "poor"}[r.pick([]float64{5, 3, 1})]), {Name: "inspected", Value: catalog.Date(inspected)},
		}, dueAfter(g.Profile, k.kind, catalog.Date(inspected))...))
		if err != nil {
			return err
		}
	}
	return nil
}

// dueAfter is when a thing of that kind is to be inspected after a day.
func dueAfter(p *city.Profile, kind string, last catalog.Value) catalog.Properties {
	months, ok := p.Upkeep.InspectionMonths[kind]
	if !ok {
		months = p.Upkeep.InspectionMonths[""]
	}
	if months == 0 {
		return nil
	}
	return catalog.Properties{{Name: "due", Value: catalog.Date(last.AsTime().AddDate(0, months, 0))}}
}

// zoneOf is the development zone of a kind of district: code, kind, floor space index.
func zoneOf(kind string) (code, name string, fsi float64) {
	switch kind {
	case "commercial", "business":
		return "C1", "commercial", 3
	case "industrial", "port":
		return "I1", "industrial", 1
	}
	return "R1", "residential", 1.33
}

// lots are the blocks with buildings that have a plot and a zone.
func (g *generator) lots(fn func(b *block, n int) error) error {
	n := 0
	for i := range g.blocks[:g.used] {
		b := &g.blocks[i]
		if b.lawn || b.ward == "" || len(b.pts) < 3 || area(b.pts) < 500 {
			continue
		}
		if n++; n > mostPlots {
			return nil
		}
		if err := fn(b, n); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) zones() error {
	return g.lots(func(b *block, n int) error {
		code, kind, fsi := zoneOf(b.kind)
		return g.put("zones", "z", g.geometry(b.pts), catalog.Properties{
			text("name", fmt.Sprintf("%s %d", code, n)), text("code", code), text("kind", kind), amount("fsi", fsi), text("ward", b.ward)})
	})
}

func (g *generator) plots() error {
	return g.lots(func(b *block, n int) error {
		code, kind, _ := zoneOf(b.kind)
		return g.put("plots", "q", g.geometry(b.pts), catalog.Properties{
			text("cts_number", fmt.Sprintf("CTS %d/%d", 100+n/7, 1+n%7)), text("division", b.ward), text("ward", b.ward),
			amount("area_m2", math.Round(area(b.pts))), text("use", kind), text("zone", code)})
	})
}

var workKinds = []struct{ kind, name, department string }{
	{"road", "New surface", "Roads and Traffic"}, {"water", "Water main renewed", "Hydraulic Engineer"}, {"drain", "Drain cleared", "Storm Water Drains"},
	{"telecom", "Trench for fibre", "Utilities Coordination"}, {"power", "Cable laid", "Utilities Coordination"},
}

// works writes works in the streets; in every sixth street a second one comes before
// the first has ended.
func (g *generator) works() error {
	book := newAddressBook(g.named)
	for i, s := range g.laid(mostWorks) {
		r := newRNG(g.seed, s.id^0x304c)
		times := 1
		if i%6 == 0 {
			times = 2
		}
		starts := Day.AddDate(0, 0, r.IntN(120)-60)
		for k := range times {
			w := workKinds[(i+2*k)%len(workKinds)]
			ends := starts.AddDate(0, 0, 30+r.IntN(60))
			status := "planned"
			switch {
			case ends.Before(Day):
				status = "done"
			case starts.Before(Day):
				status = "under_way"
			}
			road := book.nearest(s.pts[0])
			err := g.put("works", "k", g.line(s.pts), catalog.Properties{
				text("name", w.name+", "+road), text("kind", w.kind), text("status", status), text("department", w.department),
				{Name: "starts", Value: catalog.Date(starts)}, {Name: "ends", Value: catalog.Date(ends)}, text("ward", s.ward),
				text("road", road), {Name: "closes_road", Value: catalog.Boolean(w.kind == "road")},
			})
			if err != nil {
				return err
			}
			starts = starts.AddDate(0, 0, 10)
		}
	}
	return nil
}
