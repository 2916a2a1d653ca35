package address

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"nagar/city"
	"nagar/city/spelling"
)

// role is what a word does in an address: one of city.AddressRoles, by number.
type role uint8

const (
	noRole role = iota
	unitRole
	wingRole
	floorRole
	buildingRole
	societyRole
	houseRole
	dwellingRole
	plotRole
	parcelRole
	surveyRole
	roadRole
	nearRole
	areaRole
	sideRole
	titleRole
	cityRole
	numberRole
	noiseRole
	localityRole // a neighbourhood's name
)

var roles = map[string]role{
	"unit": unitRole, "wing": wingRole, "floor": floorRole, "building": buildingRole, "society": societyRole, "house": houseRole, "dwelling": dwellingRole,
	"plot": plotRole, "parcel": parcelRole, "survey": surveyRole, "road": roadRole, "near": nearRole, "area": areaRole, "side": sideRole, "title": titleRole,
	"city": cityRole, "number": numberRole, "noise": noiseRole,
}

// spelled is one way of writing a word of the vocabulary, as tokens.
type spelled struct {
	tokens []string
	canon  []string // what to read instead
	role   role
}

// Parser reads the addresses of one city.
type Parser struct {
	first    map[string][]spelled // by first token, the longest first
	known    map[string]bool      // every token of the vocabulary of two letters or more
	sounds   map[string]string    // skeleton, whole or with a letter less → known word of six letters or more
	slips    map[string]string    // known word of six letters or more, whole or with a letter less → that word
	postcode *regexp.Regexp
	stem     string
	digits   int // of a whole postcode that the stem begins; 0 without a stem
}

// New makes the parser for a city's addresses. Without roles in the profile it
// knows numbers and postcodes only, and every word is loose.
func New(p *city.Profile) (*Parser, error) {
	re, err := regexp.Compile(p.Address.Postcode)
	if err != nil {
		return nil, err
	}
	a := &p.Address
	v := &Parser{first: map[string][]spelled{}, known: map[string]bool{}, sounds: map[string]string{}, slips: map[string]string{}, postcode: re, stem: a.PostcodeStem}
	if v.stem != "" {
		for n := len(v.stem); n <= 10; n++ {
			if v.isPostcode(v.stem + strings.Repeat("1", n-len(v.stem))) {
				v.digits = n
			}
		}
	}
	plays := map[string]role{}
	for name, words := range a.Roles {
		for _, w := range words {
			plays[w] = roles[name]
		}
	}
	for w, ways := range a.Words {
		canon := tokensOf(w)
		for _, s := range append([]string{w}, ways...) {
			v.add(s, canon, plays[w])
		}
	}
	for name, others := range a.Localities {
		canon := tokensOf(name)
		for _, s := range append([]string{name}, others...) {
			v.add(s, canon, localityRole)
		}
	}
	for _, s := range v.first {
		slices.SortFunc(s, func(a, b spelled) int {
			return cmp.Or(cmp.Compare(len(b.tokens), len(a.tokens)), slices.Compare(a.tokens, b.tokens), cmp.Compare(a.role, b.role), slices.Compare(a.canon, b.canon))
		})
	}
	return v, nil
}

func (v *Parser) isPostcode(s string) bool {
	return v.postcode.String() != "" && v.postcode.MatchString(s)
}

func (v *Parser) add(s string, canon []string, r role) {
	t := tokensOf(s)
	if len(t) == 0 {
		return
	}
	v.first[t[0]] = append(v.first[t[0]], spelled{t, canon, r})
	for _, w := range t {
		if len(w) >= 2 {
			v.known[w] = true
		}
		if sk := spelling.Skeleton(w); len(t) == 1 && len(w) >= 6 && len(sk) >= 4 {
			v.hear(sk, w)
			if isASCII(w) && r != localityRole { // "Shivaji" is no slip for a place
				for k := range w {
					note(v.slips, w[:k]+w[k+1:], w)
				}
				note(v.slips, w, w)
			}
			for k := 1; k < len(sk) && len(sk) >= 6; k++ {
				v.hear("-"+sk[:k]+sk[k+1:], w)
			}
		}
	}
}

func (v *Parser) hear(sound, w string) { note(v.sounds, sound, w) }

// note keeps the first word, by alphabet, under a key.
func note(m map[string]string, key, w string) {
	if have, taken := m[key]; !taken || w < have {
		m[key] = w
	}
}

// misspelt finds the known word that a word is one letter off: left out, added,
// mistaken. The first letter is mostly right.
func (v *Parser) misspelt(w string) string {
	if have := v.slips[w]; have != "" {
		return have
	}
	for k := 1; k < len(w); k++ {
		if have := v.slips[w[:k]+w[k+1:]]; have != "" && have[0] == w[0] && spelling.Slips(w, have, 1) <= 1 {
			return have
		}
	}
	return ""
}

// soundsLike finds the known word that a word sounds like, or all but one letter of
// a long one.
func (v *Parser) soundsLike(w string) string {
	sk := spelling.Skeleton(w)
	if have := v.sounds[sk]; have != "" || len(sk) < 5 {
		return have
	}
	if have := v.sounds["-"+sk]; have != "" { // a letter left out
		return have
	}
	for k := 1; k < len(sk) && len(sk) >= 7; k++ {
		if have := v.sounds[sk[:k]+sk[k+1:]]; have != "" && len(spelling.Skeleton(have)) >= 6 { // one too many
			return have
		}
		if have := v.sounds["-"+sk[:k]+sk[k+1:]]; have != "" && len(have) >= 8 { // another one
			return have
		}
	}
	return ""
}

func tokensOf(s string) (out []string) {
	for _, t := range scan(s) {
		out = append(out, t.text)
	}
	return out
}

// lookup finds the longest way of writing that begins at token i; a single word may
// also sound like one ("oshivara").
func (v *Parser) lookup(ts []token, i int) (s spelled, n int) {
	for _, c := range v.first[ts[i].text] {
		if i+len(c.tokens) <= len(ts) && matches(ts[i:], c.tokens) {
			return c, len(c.tokens)
		}
	}
	w := ts[i].text
	if len(w) < 5 || ts[i].code {
		return spelled{}, 0
	}
	have := v.misspelt(w)
	if have == "" && len(w) >= 6 {
		have = v.soundsLike(w)
	}
	if have != "" && have != w {
		for _, c := range v.first[have] {
			if len(c.tokens) == 1 {
				return c, 1
			}
		}
	}
	return spelled{}, 0
}

func matches(ts []token, want []string) bool {
	for k, w := range want {
		if ts[k].text != w || k > 0 && ts[k].apart {
			return false
		}
	}
	return true
}
