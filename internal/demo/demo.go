// Package demo grows a synthetic city on a city profile's hand-drawn base map:
// streets that meet the main roads, blocks between them, buildings along the
// blocks' edges, greens, facilities, sensors, records that not everybody may see, and
// the registers of departments, with the faults that such registers have. It guarantees the same features,
// byte for byte and in the same order, for the same profile, seed and number of
// buildings.
package demo

import (
	"context"
	"errors"
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/city"
	"nagar/geo"
)

// Source is what a collection holding these features must name as its source.
const Source = "Synthetic demonstration data"

// Collections are the collections that Generate fills, in its order.
var Collections = []string{"land", "water", "greens", "wards", "places", "roads", "rail", "buildings", "facilities", "sensors", "reports", "assets",
	"networks", "zones", "plots", "works",
	"structures", "property_tax", "water_connections", "building_permits", "fire_noc", "lift_licences", "structural_audits", "trade_licences"}

// Limits and defaults of Options.
const (
	DefaultBuildings = 100_000
	MaxBuildings     = 3_000_000
)

// Options say what to generate.
type Options struct {
	Profile    *city.Profile
	Buildings  int // 0: DefaultBuildings; at most MaxBuildings
	Seed       uint64
	Facilities int // 0: 2,000, fewer in a city with few buildings
	Sensors    int // 0: 300, likewise
	Structures int // 0: 5,000 of the buildings are known to departments, fewer in a small city
	// Truth, if not nil, is told what the departments' records are of.
	Truth *Truth
}

// ErrTooMany says that the city has no room for so many buildings.
var ErrTooMany = errors.New("the city has no room for that many buildings")

// Generate grows the city and calls yield for each feature, collection after
// collection in the order of Collections. Geometries are in EPSG:4326 lon lat,
// outer rings counter-clockwise. The feature may be kept. It holds the ground plan
// in memory, not the buildings. It returns yield's error, or ctx's.
func Generate(ctx context.Context, o Options, yield func(collection string, f *catalog.Feature) error) error {
	g, err := newGenerator(ctx, o, yield)
	if err != nil {
		return fmt.Errorf("demo city: %w", err)
	}
	for _, step := range []func() error{
		g.measure, g.ground, g.green, g.wards, g.places, g.roads, g.rail, g.buildings, g.facilities, g.sensors, g.records, g.upkeep, g.departments,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("demo city: %w", err)
		}
	}
	return nil
}

// newGenerator checks the options and draws the city's plan.
func newGenerator(ctx context.Context, o Options, yield func(collection string, f *catalog.Feature) error) (*generator, error) {
	if o.Profile == nil {
		return nil, errors.New("no city profile")
	}
	if o.Buildings == 0 {
		o.Buildings = DefaultBuildings
	}
	if o.Buildings < 1 || o.Buildings > MaxBuildings {
		return nil, fmt.Errorf("%d buildings: want 1 to %d", o.Buildings, MaxBuildings)
	}
	b, err := readBase(o.Profile)
	if err != nil {
		return nil, err
	}
	b.core = min(1, max(.5, .6+.25*math.Log10(float64(o.Buildings)/100_000)))
	return &generator{Options: o, ctx: ctx, yield: yield, plan: newPlan(b, o.Seed)}, nil
}

// generator writes a plan out as features.
type generator struct {
	Options
	*plan
	ctx    context.Context
	yield  func(string, *catalog.Feature) error
	dense  float64
	used   int     // blocks that are built
	edge   float64 // how far out they reach
	sites  []site
	named  []namedStreet
	names  map[string]int // facilities of a name so far
	houses []house
	canon  []string // words of addresses
	serial int
}

// site is a building that a facility or sensor may be at.
type site struct {
	at   vec
	uid  uid.UID
	ward string
	kind string // of district
	use  string
}

func (g *generator) put(collection, prefix string, geom geo.Geometry, props catalog.Properties) error {
	g.serial++
	if g.serial%256 == 0 {
		if err := g.ctx.Err(); err != nil {
			return err
		}
	}
	return g.yield(collection, &catalog.Feature{ID: fmt.Sprintf("demo-%s-%06d", prefix, g.serial), Geometry: geom, Props: props})
}

func text(name, s string) catalog.Property {
	return catalog.Property{Name: name, Value: catalog.Text(s)}
}

func number(name string, n int) catalog.Property {
	return catalog.Property{Name: name, Value: catalog.Integer(int64(n))}
}

func amount(name string, x float64) catalog.Property {
	return catalog.Property{Name: name, Value: catalog.Real(x)}
}

// count is how many buildings fit on every step-th block at that density, up to a limit.
func (g *generator) count(dense float64, step, limit int) (n, blocks int, err error) {
	w := builder{plan: g.plan, dense: dense}
	for i := 0; i < len(g.blocks); i += step {
		if blocks++; blocks%512 == 0 && g.ctx.Err() != nil {
			return 0, 0, g.ctx.Err()
		}
		w.build(&g.blocks[i], func(*building) bool { n++; return n < limit })
		if n >= limit {
			return n, i + 1, nil
		}
	}
	return n, len(g.blocks), nil
}

// measure finds how dense the city has to be for its number of buildings, and how
// many blocks they take: usual density while the land lasts, then denser.
func (g *generator) measure() error {
	g.dense = min(1, max(.38, float64(g.Buildings)/300_000)) // few buildings stand on larger lots, so that they make a city
	step := max(1, min(24, g.Buildings/4000))
	for try := 0; ; try++ {
		n, _, err := g.count(g.dense, step, math.MaxInt)
		if err != nil {
			return err
		}
		room := float64(n * step)
		if room < float64(g.Buildings)*1.03 {
			if try > 12 || g.dense > 60 {
				return fmt.Errorf("%w: %d", ErrTooMany, g.Buildings)
			}
			g.dense *= 1.04 * min(3, max(1.02, float64(g.Buildings)*1.03/max(1, room)))
			continue
		}
		n, g.used, err = g.count(g.dense, 1, g.Buildings)
		if err != nil {
			return err
		}
		if n == g.Buildings {
			break
		}
		g.dense *= 1.05 // the sample promised too much
	}
	for i := range g.blocks[:g.used] {
		g.edge = max(g.edge, g.blocks[i].out)
	}
	return nil
}

func (g *generator) ground() error {
	g.serial = 0
	for _, f := range g.layers["land"] {
		if err := g.put("land", "l", f.geom, append(f.names(), text("kind", f.Kind))); err != nil {
			return err
		}
	}
	g.serial = 0
	for _, f := range g.layers["water"] {
		if err := g.put("water", "w", f.geom, append(f.names(), text("kind", f.Kind))); err != nil {
			return err
		}
	}
	return nil
}

// green writes the drawn greens, then the gardens among the built blocks.
func (g *generator) green() error {
	g.serial = 0
	for _, f := range g.layers["greens"] {
		props := append(f.names(), text("kind", f.Kind))
		if w := g.wardAt(anyPoint(f)); w != "" {
			props = append(props, text("ward", w))
		}
		if err := g.put("greens", "g", f.geom, props); err != nil {
			return err
		}
	}
	w := builder{plan: g.plan, dense: 1}
	for i := range g.blocks[:g.used] {
		bl := &g.blocks[i]
		if !bl.lawn {
			continue
		}
		j := job{builder: &w, bl: bl, c: &character{front: 1.5}, scale: 1}
		u, _ := streetSide(&bl.shape)
		ring := tidy(j.envelope(&bl.shape, u))
		if ring == nil || area(ring) < 300 {
			continue
		}
		r := newRNG(g.seed, bl.id^0x6a2d)
		kind := []string{"garden", "park", "playground"}[r.pick([]float64{5, 2, 3})]
		props := catalog.Properties{text("kind", kind), text("ward", bl.ward)}
		if area(ring) > 2500 {
			props = append(g.nameOf(r, gardenWords[kind]), props...)
		}
		if err := g.put("greens", "g", g.geometry(ring), props); err != nil {
			return err
		}
	}
	return nil
}

// anyPoint is a point of a polygon that is surely on it: half a metre inside its first ring.
func anyPoint(f *baseFeature) vec {
	fc := face{shape: shape{pts: f.polys[0][0]}}
	return fc.middle()
}

var gardenWords = map[string][3]string{
	"garden":     {"Garden", "बाग", "बाग़"},
	"park":       {"Park", "उद्यान", "उद्यान"},
	"playground": {"Ground", "मैदान", "मैदान"},
}

// nameOf makes a name in three languages of one of the city's first words and a kind.
func (g *generator) nameOf(r rng, kind [3]string) catalog.Properties {
	f := g.words.First[r.IntN(len(g.words.First))]
	p := catalog.Properties{text("name", f.En+" "+kind[0])}
	if f.Mr != "" {
		p = append(p, text("name_mr", f.Mr+" "+kind[1]))
	}
	if f.Hi != "" {
		p = append(p, text("name_hi", f.Hi+" "+kind[2]))
	}
	return p
}

func (g *generator) wards() error {
	g.serial = 0
	profile := map[string]city.Ward{}
	for _, w := range g.Profile.Wards {
		profile[w.Name] = w
	}
	for _, f := range g.layers["wards"] {
		w := profile[f.Name]
		var km2 float64
		for _, rings := range f.polys {
			for k, r := range rings {
				if a := math.Abs(area(r)); k == 0 {
					km2 += a / 1e6
				} else {
					km2 -= a / 1e6
				}
			}
		}
		props := catalog.Properties{text("name", f.Name)}
		for _, n := range [...][2]string{{"mr", "name_mr"}, {"hi", "name_hi"}} {
			if s := g.Profile.WardTitle(f.Name, n[0]); s != "" {
				props = append(props, text(n[1], s))
			}
		}
		for _, n := range [...][2]string{{"en", "neighbourhood"}, {"mr", "neighbourhood_mr"}, {"hi", "neighbourhood_hi"}} {
			if s := w.Place[n[0]]; s != "" {
				props = append(props, text(n[1], s))
			}
		}
		if w.Population > 0 {
			props = append(props, number("population", w.Population))
		}
		props = append(props, amount("area_km2", math.Round(km2*100)/100))
		if err := g.put("wards", "ward", f.geom, props); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) places() error {
	g.serial = 0
	for _, f := range g.layers["places"] {
		props := append(f.names(), number("rank", f.Rank))
		if w := g.wardAt(f.at); w != "" {
			props = append(props, text("ward", w))
		}
		if err := g.put("places", "p", f.geom, props); err != nil {
			return err
		}
	}
	return nil
}
