package demo

import (
	"fmt"
	"slices"
	"strings"
)

// style is how a department writes addresses down.
type style struct {
	upper   bool    // in capitals
	mr      float64 // share in Marathi
	slip    float64 // share with a misspelling
	spell   float64 // share with other transliterations
	short   float64 // share of words abbreviated
	unit    bool    // of flats and shops: with their numbers
	width   int     // of the field, in runes; 0: wide enough
	junk    float64 // share of no use at all
	bare    float64 // share without the house's name
	numbers float64 // share with the number on the road
}

var junk = []string{"", "null", "-", ",, , ,", "demo", "NA"}

// write puts a house's address down as a clerk would. told is false when nothing in it
// tells the house.
func (g *generator) write(h *house, st *style, r rng) (s string, told bool) {
	if r.chance(st.junk) {
		return junk[r.IntN(len(junk))], false
	}
	lang := 0
	if r.chance(st.mr) && h.road[1] != "" && h.place[1] != "" && (h.name[0] == "" || h.name[1] != "") {
		lang = 1
	}
	named := h.name[lang] != "" && !r.chance(st.bare)
	numbered := !named || r.chance(st.numbers)
	var parts []string
	if st.unit && r.chance(.7) {
		parts = append(parts, fmt.Sprintf("Flat No %d%02d", 1+r.IntN(max(1, h.floors)), 1+r.IntN(6)))
	}
	wing := h.wing != "" && r.chance(.85)
	if wing {
		parts = append(parts, h.wing+" Wing")
	}
	if named {
		parts = append(parts, h.name[lang])
	}
	if h.plot != "" && r.chance(.5) {
		parts = append(parts, "Plot No "+h.plot)
	}
	road := h.road[lang]
	if numbered {
		road = fmt.Sprintf("%d %s", h.no, road)
	}
	if numbered || r.chance(.85) {
		parts = append(parts, road)
	}
	if h.nearest != "" && r.chance(.06) && lang == 0 {
		parts = append(parts, "Near "+h.nearest)
	}
	parts = append(parts, h.place[lang])
	if r.chance(.8) {
		parts = append(parts, or(g.Profile.Address.City[[2]string{"en", "mr"}[lang]], g.cityName()))
		if h.pin != "" && r.chance(.6) {
			parts[len(parts)-1] += " " + h.pin
		}
	}
	if lang == 1 {
		return devanagariDigits.Replace(strings.Join(parts, ", ")), true
	}
	s = g.blemish(parts, st, r)
	if st.width > 0 && len(s) > st.width {
		s = s[:st.width]
	}
	if st.upper {
		s = strings.ToUpper(s)
	}
	return s, h.wing == "" || wing
}

// blemish abbreviates, misspells and runs together.
func (g *generator) blemish(parts []string, st *style, r rng) string {
	var out []string
	slip := r.chance(st.slip)
	for _, p := range parts {
		words := strings.Fields(p)
		place := slices.ContainsFunc(g.layers["places"], func(f *baseFeature) bool { return f.Name == p })
		for i, w := range words {
			if len(w) < 3 || strings.ContainsAny(w, "0123456789") {
				continue
			}
			known := g.canonOf(w) != ""
			if known && !place && r.chance(st.short) {
				words[i] = g.abbreviate(w, r)
			}
			if !known && !place && r.chance(st.spell) {
				words[i] = respell(w, r)
			}
			if slip && len(words[i]) > 4 && r.chance(.4) {
				words[i], slip = misspell(words[i], r), false
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	sep := ", "
	if r.chance(.3) {
		sep = ","
	}
	if r.chance(.06) { // the commas were lost
		sep = " "
	}
	s := strings.Join(out, sep)
	if r.chance(.05) { // and here a space
		if k := strings.LastIndexByte(s, ' '); k > 0 {
			s = s[:k] + s[k+1:]
		}
	}
	return s
}

// abbreviate writes a word of the city's address vocabulary in another of its ways.
func (g *generator) abbreviate(w string, r rng) string {
	ways := g.Profile.Address.Words[g.canonOf(w)]
	if to := ways[r.IntN(len(ways))]; to[0] < 0x80 && len(to) > 1 && !strings.Contains(to, " ") {
		return strings.ToUpper(to[:1]) + to[1:]
	}
	return w
}

// canonOf is the canonical word of the city's address vocabulary that w is a way of
// writing; "" for others.
func (g *generator) canonOf(w string) string {
	low := strings.ToLower(w)
	for _, canon := range g.addressWords() {
		if slices.Contains(g.Profile.Address.Words[canon], low) {
			return canon
		}
	}
	return ""
}

// addressWords are the canonical words of addresses, in order.
func (g *generator) addressWords() []string {
	if g.canon == nil {
		for w := range g.Profile.Address.Words {
			g.canon = append(g.canon, w)
		}
		slices.Sort(g.canon)
	}
	return g.canon
}

// respellings are ways in which one sound is written.
var respellings = []struct{ from, to string }{
	{"ee", "i"}, {"sh", "s"}, {"v", "w"}, {"w", "v"}, {"oo", "u"}, {"th", "t"}, {"aa", "a"}, {"i", "ee"}, {"u", "oo"}, {"ksh", "x"}, {"x", "ks"}, {"a", "aa"}, {"y", "i"}, {"l", "ll"},
}

// respell writes a name by another transliteration.
func respell(w string, r rng) string {
	at := r.IntN(len(respellings))
	for k := range respellings {
		p := respellings[(at+k)%len(respellings)]
		if i := strings.Index(w[1:], p.from); i >= 0 {
			return w[:1+i] + p.to + w[1+i+len(p.from):]
		}
	}
	return w
}

// misspell drops, doubles, swaps or mistakes one letter within a word.
func misspell(w string, r rng) string {
	i := 1 + r.IntN(len(w)-2)
	switch r.IntN(4) {
	case 0:
		return w[:i] + w[i+1:]
	case 1:
		return w[:i] + w[i:i+1] + w[i:]
	case 2:
		return w[:i] + w[i+1:i+2] + w[i:i+1] + w[i+2:]
	}
	return w[:i] + string(rune('a'+r.IntN(26))) + w[i+1:]
}
