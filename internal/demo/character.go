package demo

import "math"

// form is the outline of a building within its lot.
type form int

const (
	formBlock form = iota // fills what the lot allows, party walls included
	formRect              // a plain rectangle
	formL                 // two wings
	formU                 // three wings around a yard open to one side
	formCourt             // four wings around a courtyard
	formH                 // an H: flats around two light wells
	formTower             // a compact tower with notched corners
	formBars              // parallel slabs
	numForms
)

// character is how a kind of district is built. Lengths are in metres, areas in
// square metres, at the default density.
type character struct {
	block  float64 // area of a block between streets
	lot    float64 // area of a lot
	bend   float64 // how far streets stray from the right angle, radians
	street float64 // from the middle of a small street to the lots
	front  float64 // room between street and building
	side   float64 // room between building and the next lot
	reach  float64 // longest side of a building
	forms  [numForms]float64
	// floors: median, spread of its logarithm, least, most; one floor's height
	floors, spread float64
	least, most    int
	storey         float64
	uses           []weighted
	roofs          []weighted
	from, to       int     // years of building
	vacant         float64 // share of lots left open
	garden         float64 // share of blocks that are gardens or playgrounds
	rush           float64 // how late it fills as the number of buildings grows; 1 is usual
	named          float64 // share of buildings with a name
	tiny           bool    // streets are footways, and shrink less as the city thickens
}

type weighted struct {
	name   string
	weight float64
}

var (
	homes  = []weighted{{"residential", 80}, {"mixed", 15}, {"commercial", 5}}
	flat1  = []weighted{{"flat", 1}}
	office = []weighted{{"commercial", 85}, {"mixed", 10}, {"institutional", 5}}
)

// characters are the kinds of district that a base map may use. The empty kind is
// what lies outside every district.
var characters = map[string]*character{
	"": {block: 15000, lot: 900, bend: .18, street: 5, front: 3, side: 2.2, reach: 34,
		forms:  [numForms]float64{formRect: 6, formL: 2, formH: 2, formU: 1},
		floors: 5, spread: .35, least: 1, most: 16, storey: 3.1, uses: homes, roofs: flat1, from: 1965, to: 2024, vacant: .08, garden: .05, rush: 1, named: .2},
	"midrise": {block: 14000, lot: 820, bend: .15, street: 5, front: 3, side: 2, reach: 36,
		forms:  [numForms]float64{formRect: 6, formL: 3, formH: 3, formU: 1, formTower: .6},
		floors: 6, spread: .38, least: 2, most: 22, storey: 3.1, uses: homes, roofs: flat1, from: 1960, to: 2024, vacant: .05, garden: .035, rush: 1, named: .25},
	"planned": {block: 16000, lot: 900, bend: .015, street: 6, front: 4, side: 3, reach: 38,
		forms:  [numForms]float64{formRect: 5, formL: 1, formH: 2, formBars: 2},
		floors: 4.5, spread: .3, least: 2, most: 14, storey: 3.1, uses: homes, roofs: flat1, from: 1935, to: 1995, vacant: .05, garden: .07, rush: 1, named: .25},
	"tower": {block: 26000, lot: 2600, bend: .06, street: 7, front: 8, side: 6, reach: 42,
		forms:  [numForms]float64{formTower: 6, formRect: 2, formH: 3, formL: 1},
		floors: 24, spread: .5, least: 5, most: 75, storey: 3.3, uses: []weighted{{"residential", 65}, {"commercial", 20}, {"mixed", 15}}, roofs: flat1, from: 1998, to: 2025, vacant: .08, garden: .06, rush: .9, named: .6},
	"glass": {block: 26000, lot: 4200, bend: .02, street: 9, front: 9, side: 7, reach: 75,
		forms:  [numForms]float64{formRect: 4, formTower: 3, formU: 1, formL: 2},
		floors: 11, spread: .3, least: 4, most: 24, storey: 3.9, uses: office, roofs: flat1, from: 1996, to: 2025, vacant: .12, garden: .06, rush: .8, named: .7},
	"cbd": {block: 8500, lot: 1100, bend: .05, street: 6, front: .6, side: .3, reach: 60,
		forms:  [numForms]float64{formBlock: 4, formCourt: 3, formU: 2, formRect: 2},
		floors: 5.5, spread: .3, least: 3, most: 25, storey: 3.9, uses: office, roofs: []weighted{{"flat", 6}, {"hipped", 2}, {"dome", .1}}, from: 1870, to: 1985, vacant: .04, garden: .03, rush: .7, named: .5},
	"oldtown": {block: 5200, lot: 300, bend: .16, street: 3.2, front: .3, side: .05, reach: 40,
		forms:  [numForms]float64{formBlock: 8, formCourt: .6, formU: .6},
		floors: 4.2, spread: .25, least: 2, most: 9, storey: 3.2, uses: []weighted{{"mixed", 60}, {"residential", 25}, {"commercial", 13}, {"religious", 2}}, roofs: []weighted{{"flat", 4}, {"gabled", 4}, {"hipped", 2}}, from: 1860, to: 1960, vacant: .04, garden: .015, rush: 1, named: .12},
	"chawl": {block: 11000, lot: 640, bend: .09, street: 4.2, front: 2, side: 1.6, reach: 58,
		forms:  [numForms]float64{formRect: 5, formBars: 4, formU: 1, formCourt: 1},
		floors: 3.6, spread: .25, least: 2, most: 7, storey: 3.2, uses: []weighted{{"residential", 82}, {"mixed", 15}, {"industrial", 3}}, roofs: []weighted{{"gabled", 7}, {"flat", 3}}, from: 1895, to: 1960, vacant: .05, garden: .04, rush: 1, named: .2},
	"villa": {block: 17000, lot: 850, bend: .14, street: 4.5, front: 5, side: 4, reach: 24,
		forms:  [numForms]float64{formRect: 5, formL: 3, formTower: 1.2},
		floors: 3, spread: .55, least: 1, most: 28, storey: 3.3, uses: []weighted{{"residential", 92}, {"commercial", 4}, {"institutional", 4}}, roofs: []weighted{{"flat", 5}, {"hipped", 4}}, from: 1930, to: 2020, vacant: .06, garden: .05, rush: 1, named: .45},
	"slum": {block: 3800, lot: 130, bend: .3, street: 1.9, front: .15, side: .12, reach: 16,
		forms:  [numForms]float64{formBlock: 1},
		floors: 1.5, spread: .3, least: 1, most: 3, storey: 2.7, uses: []weighted{{"slum", 96}, {"commercial", 2}, {"industrial", 1.5}, {"religious", .5}}, roofs: []weighted{{"sheet", 8}, {"flat", 2}}, from: 1965, to: 2022, vacant: .035, garden: .008, rush: 1.1, tiny: true},
	"village": {block: 5500, lot: 190, bend: .35, street: 2.4, front: .8, side: .8, reach: 18,
		forms:  [numForms]float64{formRect: 5, formL: 2, formBlock: 2},
		floors: 1.7, spread: .3, least: 1, most: 4, storey: 2.9, uses: []weighted{{"residential", 93}, {"mixed", 5}, {"religious", 2}}, roofs: []weighted{{"gabled", 6}, {"flat", 3}, {"sheet", 2}}, from: 1900, to: 2015, vacant: .12, garden: .02, rush: 1.1, named: .03, tiny: true},
	"industrial": {block: 36000, lot: 3400, bend: .05, street: 6, front: 6, side: 4, reach: 95,
		forms:  [numForms]float64{formRect: 7, formL: 1.5, formBars: 2},
		floors: 1.8, spread: .5, least: 1, most: 9, storey: 4.6, uses: []weighted{{"industrial", 78}, {"commercial", 14}, {"utility", 8}}, roofs: []weighted{{"gabled", 5}, {"sheet", 4}, {"flat", 4}}, from: 1950, to: 2015, vacant: .12, garden: .02, rush: .9, named: .15},
	"institutional": {block: 42000, lot: 4600, bend: .12, street: 5, front: 9, side: 7, reach: 70,
		forms:  [numForms]float64{formRect: 3, formL: 3, formU: 3, formCourt: 2, formH: 2},
		floors: 3.2, spread: .35, least: 1, most: 9, storey: 3.6, uses: []weighted{{"institutional", 80}, {"residential", 17}, {"utility", 3}}, roofs: []weighted{{"flat", 7}, {"hipped", 3}}, from: 1930, to: 2015, vacant: .25, garden: .1, rush: .9, named: .3},
	"port": {block: 40000, lot: 4200, bend: .02, street: 7, front: 5, side: 4, reach: 120,
		forms:  [numForms]float64{formRect: 8, formBars: 2},
		floors: 1.3, spread: .3, least: 1, most: 5, storey: 5.5, uses: []weighted{{"industrial", 60}, {"transport", 32}, {"commercial", 8}}, roofs: []weighted{{"gabled", 6}, {"sheet", 4}}, from: 1890, to: 1990, vacant: .18, garden: .005, rush: .8, named: .05},
	"none": nil, // nothing is built: an airfield, a salt pan
}

// of draws a name by weight.
func (r rng) of(ws []weighted) string {
	var sum float64
	for _, w := range ws {
		sum += w.weight
	}
	x := r.Float64() * sum
	for _, w := range ws {
		if x -= w.weight; x < 0 {
			return w.name
		}
	}
	return ws[len(ws)-1].name
}

// district returns the character at a place and how far out it lies: 0 in a
// district's middle, 1 on its rim, more outside. Where districts overlap, the one
// whose middle is relatively nearest decides.
func (b *base) district(q vec) (kind string, out float64) {
	best, rim := -1.0, 0.0
	for _, d := range b.layers["districts"] {
		l, radius := q.sub(d.at).len(), d.Radius
		if c := characters[d.Kind]; c != nil && c.tiny {
			radius *= b.core
		}
		if t := l / radius; t < 1 && (best < 0 || t < best) {
			best, kind = t, d.Kind
		}
		if gap := l - radius; rim == 0 || gap < rim {
			rim = max(gap, 1)
		}
	}
	if best >= 0 {
		return kind, best
	}
	return "", 1 + rim/900
}

// late is how late a place is built on, given how far out in its district it lies:
// the city grows along its railways and from the middles of its districts outwards,
// a little unevenly.
func (b *base) late(q vec, out float64) float64 {
	far := 2000.0
	for _, f := range b.layers["rail"] {
		if f.Kind == "line" {
			for _, l := range f.lines {
				for i := 1; i < len(l); i++ {
					far = min(far, pointSeg(q, l[i-1], l[i]))
				}
			}
		}
	}
	uneven := math.Sin(q.x/310+1.3)*math.Sin(q.y/270) + .6*math.Sin((q.x+q.y)/140+.5)*math.Sin((q.x-q.y)/170)
	return .68*min(out, 2.2) + .32*far/1250 + .08*uneven + .12*max(0, out-2.2)
}
