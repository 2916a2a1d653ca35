package demo

import (
	"math"

	"nagar/catalog"
	"nagar/geo"
)

// namedStreet is a piece of a street with a name, for addresses.
type namedStreet struct {
	a, b     vec
	name, mr string
}

var roadWidth = map[string]struct {
	lanes int
	width float64
}{
	"motorway": {6, 26}, "trunk": {8, 32}, "primary": {6, 24}, "secondary": {4, 18},
	"tertiary": {2, 12}, "residential": {2, 8}, "service": {1, 5}, "footway": {0, 2.4},
}

// roads writes the main roads, then the local streets that the built blocks need.
func (g *generator) roads() error {
	g.serial = 0
	for i, f := range g.layers["roads"] {
		props := append(f.names(), text("class", f.Class))
		if f.Ref != "" {
			props = append(props, text("ref", f.Ref))
		}
		props = append(props, widths(f.Class)...)
		props = append(props, catalog.Property{Name: "bridge", Value: catalog.Boolean(f.Bridge)}, text("surface", "asphalt"))
		pts := g.mains[i]
		if w := g.wardAt(pts[len(pts)/2]); w != "" {
			props = append(props, text("ward", w))
		}
		g.nameStreet(pts, f.Name, f.NameMr)
		if err := g.put("roads", "r", g.line(pts), props); err != nil {
			return err
		}
	}
	for i := range g.streets {
		if err := g.street(&g.streets[i]); err != nil {
			return err
		}
	}
	return nil
}

func widths(class string) catalog.Properties {
	w := roadWidth[class]
	p := catalog.Properties{amount("width_m", w.width)}
	if w.lanes > 0 {
		p = append(p, number("lanes", w.lanes))
	}
	return p
}

func (g *generator) street(s *street) error {
	if s.out > g.edge && (s.class != "tertiary" || s.out > g.edge+.15) { // the next ones are being laid
		return nil
	}
	r := newRNG(g.seed, s.id^0x57e7)
	var props catalog.Properties
	chance := map[string]float64{"tertiary": 1, "residential": .45, "service": .2}[s.class]
	if r.chance(chance) {
		k := g.words.Street[r.IntN(len(g.words.Street))]
		props = g.nameOf(r, [3]string{k.En, k.Mr, k.Hi})
		g.nameStreet(s.pts, props.Get("name").Str(), props.Get("name_mr").Str())
	}
	props = append(props, text("class", s.class))
	props = append(props, widths(s.class)...)
	surface := "asphalt"
	switch {
	case s.class == "footway":
		surface = "paver"
	case r.chance(.4):
		surface = "concrete"
	}
	props = append(props, catalog.Property{Name: "bridge", Value: catalog.Boolean(false)}, text("surface", surface), text("ward", s.ward))
	return g.put("roads", "r", g.line(s.pts), props)
}

func (g *generator) nameStreet(pts []vec, name, mr string) {
	for k := 1; k < len(pts); k++ {
		g.named = append(g.named, namedStreet{pts[k-1], pts[k], name, mr})
	}
}

func (g *generator) rail() error {
	g.serial = 0
	for _, f := range g.layers["rail"] {
		props := append(f.names(), text("kind", f.Kind))
		if f.Line != "" {
			props = append(props, text("line", f.Line))
		}
		if f.Operator != "" {
			props = append(props, text("operator", f.Operator))
		}
		if f.geom.Type == geo.Point {
			if w := g.wardAt(f.at); w != "" {
				props = append(props, text("ward", w))
			}
		}
		if err := g.put("rail", "t", f.geom, props); err != nil {
			return err
		}
	}
	return nil
}

// addressBook finds the named street nearest to a place.
type addressBook struct {
	*segmentGrid
	streets []namedStreet
}

func newAddressBook(streets []namedStreet) *addressBook {
	b := &addressBook{newSegmentGrid(300), streets}
	for i, s := range streets {
		b.add(s.a, s.b, 0, i)
	}
	return b
}

func (b *addressBook) nearest(q vec) string { return b.street(q).name }

func (b *addressBook) street(q vec) (found namedStreet) {
	for reach := 150.0; reach < 5000; reach *= 3 {
		best := math.Inf(1)
		b.near(q, q, reach, func(i int) {
			s := b.streets[i]
			if d := pointSeg(q, s.a, s.b); d < best {
				best, found = d, s
			}
		})
		if found.name != "" {
			return found
		}
	}
	return found
}
