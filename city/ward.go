package city

import (
	"fmt"
	"strings"
	"unicode"
)

// Ward returns the name that the city gives to the ward which s spells, such as
// F/N for "FN", "F NORTH", "f - North", "Ward F/N" or "एफ/उत्तर"; false when s is
// none of them.
//
// The rule knows no city. A ward's name splits into parts at what is neither
// letter nor digit. Its first part is spelt as in the name or in
// ward_words.first, the others as in the name or in ward_words.rest; separators,
// case and the words of ward_words.fillers do not matter. Aliases are added as
// they are.
func (p *Profile) Ward(s string) (name string, ok bool) {
	if len(s) > 200 { // no spelling is that long; bounds the work on hostile input
		return "", false
	}
	name, ok = p.wardKeys[p.wardKey(s)]
	return name, ok
}

// wardKey joins the words of s that are not fillers.
func (p *Profile) wardKey(s string) string {
	var b strings.Builder
	for _, w := range words(s) {
		if !p.fillers[w] {
			b.WriteString(w)
		}
	}
	return b.String()
}

// words splits s into runs of letters, digits and their marks, in lower case.
// Joiners, which Devanagari text carries invisibly, are dropped.
func words(s string) []string {
	s = strings.Map(func(r rune) rune {
		if r == '\u200c' || r == '\u200d' || r == '\ufeff' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	return strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

func (p *Profile) buildWardKeys() error {
	p.fillers = map[string]bool{}
	for _, f := range p.WardWords.Fillers {
		for _, w := range words(f) {
			p.fillers[w] = true
		}
	}
	p.wardKeys = map[string]string{}
	for i := range p.Wards {
		w := &p.Wards[i]
		for _, key := range p.spellings(w.Name) {
			if err := p.addWardKey(key, w.Name); err != nil {
				return fmt.Errorf("wards[%d]: %w", i, err)
			}
		}
		for _, a := range w.Aliases {
			if err := p.addWardKey(p.wardKey(a), w.Name); err != nil {
				return fmt.Errorf("wards[%d] alias %q: %w", i, a, err)
			}
		}
	}
	return nil
}

func (p *Profile) addWardKey(key, name string) error {
	if key == "" {
		return fmt.Errorf("%q has nothing in it but fillers", name)
	}
	if other, taken := p.wardKeys[key]; taken && other != name {
		return fmt.Errorf("%q could be %s and %s", key, other, name)
	}
	p.wardKeys[key] = name
	return nil
}

// spellings are the keys of all combinations of spellings of a name's parts.
func (p *Profile) spellings(name string) []string {
	keys := []string{""}
	for i, part := range words(name) {
		table := p.WardWords.Rest
		if i == 0 {
			table = p.WardWords.First
		}
		forms := []string{part}
		for canonical, alt := range table {
			if strings.ToLower(canonical) == part {
				for _, a := range alt {
					forms = append(forms, strings.Join(words(a), ""))
				}
			}
		}
		next := make([]string, 0, len(keys)*len(forms))
		for _, k := range keys {
			for _, f := range forms {
				next = append(next, k+f)
			}
		}
		keys = next
	}
	return keys
}

// WardTitle is a ward's name as written in a language, "" when the profile has none.
func (p *Profile) WardTitle(name, lang string) string {
	for i := range p.Wards {
		if p.Wards[i].Name == name {
			return p.Wards[i].Title[lang]
		}
	}
	return ""
}
