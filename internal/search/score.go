package search

import (
	"math"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/city/spelling"
)

// maxQueryWords bounds the words of a question.
const maxQueryWords = 8

// weights say which collections people mean first, when names match alike.
var weights = map[string]float64{
	"wards": 0.05, "rail": 0.04, "prabhags": 0.01, "facilities": 0.035, "greens": 0.03, "water": 0.03, "roads": 0.025, "buildings": 0.02, "structures": 0.02,
}

// matcher compares one question with places, by what the view sees of them.
type matcher struct {
	words  []string
	sounds []string
	whole  string
	lang   string
	view   catalog.View
	near   *[2]float64
}

func newMatcher(words []string, q *Query) *matcher {
	m := &matcher{words: words, lang: q.Lang, view: q.View, near: q.Near, whole: strings.Join(words, " ")}
	for _, w := range words {
		m.sounds = append(m.sounds, spelling.Skeleton(w))
	}
	return m
}

// score is how well the place answers, 0 (not at all) to 1, and the member of it
// to show.
func (m *matcher) score(p *place, c *catalog.Collection) (float64, *member) {
	best := make([]float64, len(m.words))
	bonus := 0.0
	for i := range p.values() {
		v := &p.values()[i]
		fd, ok := c.Field(v.field)
		if !ok || v.role == showRole || !m.view.SeesField(c, fd) {
			continue
		}
		sum := 0.0
		for j := range m.words {
			s := m.word(j, v)
			if v.role == sideRole {
				s *= 0.6
			}
			best[j] = max(best[j], s)
			sum += s
		}
		if v.role == nameRole && sum > 0 {
			bonus = max(bonus, m.nameBonus(v, sum/float64(len(m.words))))
		}
	}
	total, met := 0.0, 0
	for _, s := range best {
		total += s
		if s > 0 {
			met++
		}
	}
	if met == 0 || met*2 < len(best) {
		return 0, nil
	}
	score := 0.78*total/float64(len(best)) + bonus + weights[p.collection]
	shown, distance := m.nearest(p)
	if m.near != nil {
		score += 0.07 * math.Exp(-distance/3)
	}
	return min(score, 1), shown
}

// nameBonus is for a name that is the question and little else, in the reader's language.
func (m *matcher) nameBonus(v *value, quality float64) float64 {
	b := 0.06 * quality * math.Min(1, float64(len(m.words))/float64(max(len(v.words), 1)))
	if strings.Join(v.words, " ") == m.whole || slices.Contains(v.words, strings.ReplaceAll(m.whole, " ", "")) && len(v.words) <= len(m.words)+1 {
		b += 0.03
	}
	if m.lang != "" && strings.HasSuffix(v.field, "_"+m.lang) {
		b += 0.005
	}
	return b
}

// word is how well word j of the question is met by a value, 0 to 1.
func (m *matcher) word(j int, v *value) float64 {
	w, sound := m.words[j], m.sounds[j]
	best := 0.0
	for i, have := range v.words {
		switch {
		case have == w:
			return 1
		case strings.HasPrefix(have, w):
			best = max(best, 0.75+0.2*float64(len(w))/float64(len(have)))
		case sound != "" && v.skeletons[i] == sound:
			best = max(best, 0.72)
		case len(sound) > 2 && strings.HasPrefix(v.skeletons[i], sound):
			best = max(best, 0.6)
		case v.role == nameRole:
			if most := spelling.Forgiven(w); most > 0 && best < 0.6 && have[0] == w[0] {
				if d := spelling.Slips(w, have, most); d <= most {
					best = max(best, 0.62-0.1*float64(d-1))
				}
			}
		}
	}
	return best
}

// nearest is the member to show, and its distance from the reader in kilometres
// (flat, good enough for a ranking).
func (m *matcher) nearest(p *place) (*member, float64) {
	if m.near == nil {
		return &p.members[0], 0
	}
	best, least := &p.members[0], math.Inf(1)
	cos := math.Cos(m.near[1] * math.Pi / 180)
	for i := range p.members {
		mb := &p.members[i]
		d := math.Hypot((mb.lon-m.near[0])*cos, mb.lat-m.near[1]) * 111.2
		if d < least {
			best, least = mb, d
		}
	}
	return best, least
}
