package address

import (
	"slices"
	"strings"

	"nagar/city/spelling"
)

// maxPhrases bounds the names of one address.
const maxPhrases = 24

// Parse takes an address apart.
func (v *Parser) Parse(s string) Address {
	w := walk{v: v, ts: v.mend(scan(s))}
	for w.i < len(w.ts) {
		w.step()
	}
	w.flush(Loose)
	w.settle()
	return w.a
}

// ParseName takes the name of a building for what it is, whatever its words may
// also mean: "Behram Baug", "Oshiwara Basera". What a locality gives to a name is
// weak beside other words.
func (v *Parser) ParseName(s string) Address {
	a := v.Parse(s)
	if slices.ContainsFunc(a.Phrases, func(p Phrase) bool { return p.Part == Name }) {
		return a
	}
	name, rest := Phrase{Part: Name}, a.Phrases[:0:0]
	others := slices.ContainsFunc(a.Phrases, func(p Phrase) bool { return p.Part == Loose })
	for _, p := range a.Phrases {
		if p.Part != Loose && p.Part != Area {
			rest = append(rest, p)
			continue
		}
		for _, w := range p.Words {
			w.Weak = w.Weak || others && p.Part == Area
			name.Words = append(name.Words, w)
		}
	}
	if len(name.Words) > 0 {
		rest = append(rest, name)
	}
	a.Phrases = rest
	return a
}

// walk is the reading of one address, token after token.
type walk struct {
	v  *Parser
	ts []token
	i  int
	a  Address

	words    []Word // of the phrase that is being read
	places   int    // how many of them name a locality
	isName   bool   // the phrase is surely a name ("... Apartments")
	near     bool   // it is a landmark
	nameNext bool   // the phrase after "House ..."
	areaNext bool   // the phrase after "Village ..."
	lonely   string // a number that stood alone: of a house if a road follows, else of a unit
	closed   bool   // the phrase before ended just here, at a comma
	wasPlace bool   // the word before is a locality
}

func (w *walk) step() {
	t := w.ts[w.i]
	if t.apart {
		w.comma()
	}
	if w.postcode() {
		return
	}
	s, n := w.v.lookup(w.ts, w.i)
	if n > 0 && (s.role == sideRole && len(t.text) == 1 && !t.paren && !w.wasPlace) {
		n = 0 // "S" and "E" are sides after a locality only
	}
	if n == 0 {
		w.plain(t)
		return
	}
	last := w.ts[w.i+n-1].last
	w.i += n
	place := w.wasPlace
	w.wasPlace = false
	switch s.role {
	case unitRole:
		w.unit()
	case wingRole:
		w.wing()
	case floorRole:
		w.floor()
	case buildingRole:
		w.building()
	case plotRole:
		w.plot()
	case parcelRole:
		w.a.Parcels = w.numbers(w.a.Parcels)
	case surveyRole:
		w.a.Surveys = w.numbers(w.a.Surveys)
	case societyRole:
		w.named(Name)
	case dwellingRole:
		w.dwelling()
	case roadRole:
		w.road(s)
	case nearRole:
		w.flush(Loose)
		w.near = true
	case areaRole:
		w.area(s)
	case sideRole:
		w.side(s, place)
	case cityRole:
		w.city()
	case numberRole, noiseRole:
		w.wasPlace = place
	case localityRole:
		w.locality(s)
	default: // houseRole, titleRole, and words without a role
		w.isName = w.isName || s.role == houseRole
		for _, c := range s.canon {
			w.push(c, s.role == houseRole || s.role == titleRole, last && s.role == noRole)
			w.words[len(w.words)-1].house = s.role == houseRole
		}
	}
}

// plain reads a token that the vocabulary does not have.
func (w *walk) plain(t token) {
	w.i++
	w.wasPlace = false
	alone := len(w.words) == 0 && (w.i == len(w.ts) || w.ts[w.i].apart)
	if t.code && len(t.text) <= 5 && !t.paren && len(w.words) == 0 && w.lonely == "" && (alone || t.apart || w.i == 1) {
		w.lonely = t.text
		return
	}
	w.push(t.text, false, t.last && !t.code && len(t.text) > 2)
}

func (w *walk) push(text string, weak, open bool) {
	sk := spelling.Skeleton(text)
	if sk == "" || hasDigit(text) {
		sk = text
	}
	w.words = append(w.words, Word{Text: text, Skeleton: sk, Weak: weak || len(text) == 1, Open: open})
}

// comma ends a phrase, but for a landmark that has named no more than a locality yet.
func (w *walk) comma() {
	if w.near && (len(w.words) == 0 || len(w.words) == w.places) {
		return
	}
	had := len(w.words) > 0
	w.flush(Loose)
	w.closed = had
}

// flush ends the phrase as the part, or as what is known of it by now.
func (w *walk) flush(p Part) {
	switch {
	case w.near:
		p = Landmark
	case p == Loose && (w.isName || w.nameNext):
		p = Name
	case p == Loose && w.areaNext:
		p = Area
	case p == Loose && w.places == len(w.words):
		p = Area
	}
	words := w.words
	w.words, w.near, w.isName, w.closed = nil, false, false, false
	if len(words) > 0 {
		w.nameNext, w.areaNext = false, false
		if p == Loose && w.places > 0 { // a locality among loose words is one by itself
			var at []Word
			words, at = splitPlaces(words)
			w.keep(Area, at)
		}
		w.keep(p, words)
	}
	w.places = 0
}

// splitPlaces parts the words of localities, which are marked weak within others.
func splitPlaces(words []Word) (others, places []Word) {
	for _, x := range words {
		if x.Weak && len(x.Text) > 1 {
			x.Weak = false
			places = append(places, x)
		} else {
			others = append(others, x)
		}
	}
	return others, places
}

func (w *walk) keep(p Part, words []Word) {
	if len(words) > 0 && len(w.a.Phrases) < maxPhrases {
		if p == Area {
			for i := range words {
				words[i].Weak = false
			}
		}
		w.a.Phrases = append(w.a.Phrases, Phrase{p, words})
	}
}

// named ends the phrase as a name, road or area; where a line break has cut it off
// from its words, it takes those of the phrase before.
func (w *walk) named(p Part) {
	if len(w.words) == 0 && w.closed && len(w.a.Phrases) > 0 {
		if last := &w.a.Phrases[len(w.a.Phrases)-1]; last.Part == Loose {
			last.Part = p
		}
		w.closed = false
		return
	}
	w.flush(p)
}

func (w *walk) dwelling() {
	if w.isShortName() {
		w.isName = true // "Vasta House"
		w.push("house", true, false)
		return
	}
	w.flush(Loose)
	w.nameNext = true // "House Kaveri"
}

// isShortName reports whether the words before "House" are its name: one or two,
// at the end of a phrase.
func (w *walk) isShortName() bool {
	return len(w.words) > 0 && len(w.words) <= 2 && w.places == 0 && !w.near && (w.i == len(w.ts) || w.ts[w.i].apart)
}

func (w *walk) road(s spelled) {
	if w.lonely != "" {
		w.a.House, w.lonely = w.lonely, ""
	}
	if n := len(w.words); n > 0 && w.words[0].isNumber() && n > 1 {
		w.a.House = or(w.a.House, w.words[0].Text)
		w.words = w.words[1:]
	}
	for _, c := range s.canon { // a lane is not the road of that name
		if len(w.words) > 0 {
			w.push(c, true, false)
		}
	}
	if w.i < len(w.ts) && !w.ts[w.i].apart { // "Cross Road": one road
		if next, n := w.v.lookup(w.ts, w.i); n > 0 && next.role == roadRole {
			return
		}
	}
	for k := len(w.words) - 2; k >= 0; k-- { // "Adarsh Complex New Link Road": a name, then a road
		if !w.words[k].house {
			continue
		}
		rest, open := w.words[k+1:], w.nameNext
		w.words, w.places, w.nameNext = w.words[:k+1:k+1], 0, false
		w.flush(Name)
		w.words, w.nameNext = rest, open
		break
	}
	w.isName, w.nameNext, w.near = false, false, false
	w.named(Road)
}

func (x *Word) isNumber() bool { return allDigits(x.Text) }

func (w *walk) area(s spelled) {
	if len(w.words) == 0 {
		w.areaNext = true // "Village Oshiwara"
		return
	}
	for k := range w.words {
		w.words[k].Weak = w.words[k].Weak && len(w.words[k].Text) == 1
	}
	if !w.isName {
		for _, c := range s.canon {
			w.push(c, true, false)
		}
		w.named(Area)
		return
	}
	w.named(Name)
}

func (w *walk) locality(s spelled) {
	for _, c := range s.canon {
		w.push(c, true, false)
		w.places++
	}
	w.wasPlace = true
	if w.areaNext {
		w.flush(Area)
	}
}

// side reads East and West where they are of a locality; within other words
// ("East Side Apartments") they are words.
func (w *walk) side(s spelled, place bool) {
	t := w.ts[w.i-1]
	end := w.i == len(w.ts) || w.ts[w.i].apart
	if next, n := (spelled{}), 0; !end {
		if next, n = w.v.lookup(w.ts, w.i); n > 0 && (next.role == cityRole || next.role == areaRole) {
			end = true
		}
	}
	if place || end || t.paren || w.nextIsCode() {
		w.a.Side = or(w.a.Side, s.canon[0])
		w.wasPlace = place
		return
	}
	w.push(s.canon[0], false, false)
}

func (w *walk) nextIsCode() bool { return w.i < len(w.ts) && w.ts[w.i].code }

// settle gives what was left open its place.
func (w *walk) settle() {
	if w.lonely != "" && w.a.Unit == "" && w.a.House == "" {
		if slices.ContainsFunc(w.a.Phrases, func(p Phrase) bool { return p.Part == Road }) {
			w.a.House = w.lonely
		} else {
			w.a.Unit = w.lonely
		}
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// String writes the parts in one line, for people and golden files.
func (a *Address) String() string {
	var b strings.Builder
	one := func(name, s string) {
		if s != "" {
			if b.Len() > 0 {
				b.WriteString("; ")
			}
			b.WriteString(name + "=" + s)
		}
	}
	one("unit", a.Unit)
	one("floor", a.Floor)
	one("wing", strings.Join(a.Wings, "+"))
	one("house", a.House)
	one("bldg", strings.Join(a.Numbers, "+"))
	one("plot", strings.Join(a.Plots, "+"))
	one("cts", strings.Join(a.Parcels, "+"))
	one("survey", strings.Join(a.Surveys, "+"))
	for _, p := range a.Phrases {
		var ws []string
		for _, w := range p.Words {
			t := w.Text
			if w.Open {
				t += "~"
			}
			ws = append(ws, t)
		}
		one(p.Part.String(), strings.Join(ws, " "))
	}
	one("pin", a.PIN)
	one("side", a.Side)
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()
}
