package address

import (
	"strings"

	"nagar/city/spelling"
)

// Feature is one thing that two addresses are compared by.
type Feature uint8

// The features of two addresses.
const (
	ByName     Feature = iota // of the building or society
	ByNumber                  // of the building within its complex
	ByWing                    // of the building
	ByHouse                   // number on the road
	ByRoad                    // name of the road
	ByArea                    // localities
	ByPIN                     // postcode
	ByPlot                    // plot number
	ByParcel                  // CTS numbers
	ByLandmark                // the building is what the address calls a landmark
	NumFeatures
)

var featureNames = [NumFeatures]string{"name", "building number", "wing", "house number", "road", "locality", "PIN", "plot", "CTS", "landmark"}

func (f Feature) String() string { return featureNames[f] }

// Level is how two addresses compare by a feature.
type Level uint8

// The levels. Missing says nothing either way: one of the two has no such part.
const (
	Missing Level = iota
	Agree
	Close // spelt otherwise, or a little more or less
	Some  // a part of it
	Differ
	NumLevels
)

var levelNames = [NumLevels]string{"missing", "agrees", "nearly agrees", "agrees in part", "differs"}

func (l Level) String() string { return levelNames[l] }

// Levels are the levels of all features of two addresses.
type Levels [NumFeatures]Level

// Compare compares a record's address with a structure's. The two are not alike:
// the record's may be long and loose, and name a neighbour as its landmark; the
// structure's name is looked for in it.
func Compare(record, structure *Address) (l Levels) {
	l[ByName] = nameLevel(record, structure)
	l[ByNumber] = numbersLevel(record.Numbers, structure.Numbers)
	l[ByWing] = setLevel(record.Wings, structure.Wings)
	l[ByHouse] = codeLevel(record.House, structure.House)
	l[ByRoad] = phraseLevel(record, structure, Road)
	l[ByArea] = phraseLevel(record, structure, Area)
	if record.Side != "" && structure.Side != "" && record.Side != structure.Side && l[ByArea] != Missing {
		l[ByArea] = Differ // Andheri East is not Andheri West
	}
	l[ByPIN] = pinLevel(record.PIN, structure.PIN)
	l[ByPlot] = numbersLevel(record.Plots, structure.Plots)
	l[ByParcel] = parcelLevel(record.Parcels, structure.Parcels)
	if l[ByName] == Missing || l[ByName] >= Some {
		l[ByLandmark] = landmarkLevel(record, structure)
	}
	return l
}

// weight is how much a word says.
func weight(w *Word) float64 {
	if w.Weak {
		return .3
	}
	return 1
}

// like is how far two words are the same one, 0 to 1.
func like(a, b *Word) float64 {
	switch {
	case a.Text == b.Text:
		return 1
	case a.Skeleton == b.Skeleton && len(a.Skeleton) > 2:
		return .95
	case a.Open && len(a.Text) >= 3 && strings.HasPrefix(b.Text, a.Text), b.Open && len(b.Text) >= 3 && strings.HasPrefix(a.Text, b.Text):
		return .9
	case hasDigit(a.Text) || hasDigit(b.Text):
		return 0
	}
	if most := spelling.Forgiven(a.Text); most > 0 && a.Text[0] == b.Text[0] && len(b.Text) > 3 && spelling.Slips(a.Text, b.Text, most) <= most {
		return .8
	}
	if n := len(a.Skeleton); n >= 4 && len(b.Skeleton) >= 4 && a.Skeleton[0] == b.Skeleton[0] && spelling.Slips(a.Skeleton, b.Skeleton, 1) <= 1 {
		return .7
	}
	return 0
}

// cover is the weighted share of want's words that have; in order or not.
func cover(want, have []Word) float64 {
	sum, met := 0.0, 0.0
	for i := range want {
		k := weight(&want[i])
		sum += k
		best := 0.0
		for j := range have {
			if best = max(best, like(&want[i], &have[j])); best == 1 {
				break
			}
		}
		if best == 0 && i+1 < len(want) { // written as one word: "Sai Lila", "Saileela"
			best = joined(&want[i], &want[i+1], have)
		}
		if best == 0 && i > 0 {
			best = joined(&want[i-1], &want[i], have)
		}
		if best == 0 {
			for j := 0; j+1 < len(have); j++ {
				best = max(best, joined(&have[j], &have[j+1], want[i:i+1]))
			}
		}
		met += k * best
	}
	if sum == 0 {
		return 0
	}
	return met / sum
}

func joined(a, b *Word, have []Word) float64 {
	n := len(a.Text) + len(b.Text)
	if n < 6 {
		return 0
	}
	for j := range have {
		if t := have[j].Text; len(t)-n < 3 && n-len(t) < 3 && len(t) > len(a.Text) && t[0] == a.Text[0] {
			s := a.Text + b.Text
			if t == s || spelling.Skeleton(s) == have[j].Skeleton {
				return .9
			}
		}
	}
	return 0
}

// core are the words that say something; all, where none does.
func core(ws []Word) bool {
	for i := range ws {
		if !ws[i].Weak && !hasDigit(ws[i].Text) {
			return true
		}
	}
	return false
}

// nameLevel looks for the structure's names in the record.
func nameLevel(r, s *Address) Level {
	best, named, written := -1.0, false, false
	for i := range r.Phrases {
		if p := &r.Phrases[i]; p.Part == Name || p.Part == Loose {
			written = written || p.Part == Name && core(p.Words)
		}
	}
	for i := range s.Phrases {
		p := &s.Phrases[i]
		if p.Part != Name || !core(p.Words) {
			continue
		}
		named = true
		for j := range r.Phrases {
			q := &r.Phrases[j]
			if q.Part == Landmark {
				continue
			}
			c := cover(p.Words, q.Words)
			if c == 0 {
				continue
			}
			switch q.Part {
			case Name: // what the record's name has besides counts against it
				back := cover(q.Words, p.Words)
				c = min(c, .4*c+.6*max(back, .5*c))
			case Loose:
				c *= .95
			case Area: // "Ganesh Nagar" is not "Ganesh Apartments"
				c *= .75
			default:
				c *= .6
			}
			best = max(best, c)
		}
	}
	switch {
	case !named:
		return Missing
	case best >= .85: // "Oshiwara Sargam", "Sargam"
		return Agree
	case best >= .7:
		return Close
	case best >= .4:
		return Some
	case written:
		return Differ
	}
	return Missing
}

// landmarkLevel is Agree where the structure is what the record stands near.
func landmarkLevel(r, s *Address) Level {
	for i := range r.Phrases {
		if r.Phrases[i].Part != Landmark {
			continue
		}
		for j := range s.Phrases {
			if p := &s.Phrases[j]; p.Part == Name && core(p.Words) && cover(p.Words, r.Phrases[i].Words) >= .7 {
				return Agree
			}
		}
	}
	return Missing
}

// phraseLevel compares roads or areas: the best pair of phrases decides, the shorter
// of the two being looked for in the longer. Loose words of the record count less.
func phraseLevel(r, s *Address, part Part) Level {
	best, both := -1.0, false
	for i := range s.Phrases {
		p := &s.Phrases[i]
		if p.Part != part {
			continue
		}
		for j := range r.Phrases {
			q := &r.Phrases[j]
			if q.Part != part && q.Part != Loose {
				continue
			}
			c := max(cover(p.Words, q.Words), .9*cover(q.Words, p.Words))
			if q.Part == Loose {
				c = .9 * cover(p.Words, q.Words)
			} else {
				both = true
			}
			best = max(best, c)
		}
	}
	switch {
	case best >= .93:
		return Agree
	case best >= .67:
		return Close
	case !both:
		return Missing
	case best >= .4:
		return Some
	}
	return Differ
}

func codeLevel(a, b string) Level {
	switch {
	case a == "" || b == "":
		return Missing
	case a == b:
		return Agree
	case digits(a) == digits(b) && digits(a) != "":
		return Close // 12 and 12A
	}
	return Differ
}

func digits(s string) string {
	from := 0
	for from < len(s) && !isDigit(s[from]) {
		from++
	}
	to := from
	for to < len(s) && isDigit(s[to]) {
		to++
	}
	return s[from:to]
}

func numbersLevel(a, b []string) Level {
	best := Missing
	for _, x := range a {
		for _, y := range b {
			if l := codeLevel(x, y); best == Missing || l < best {
				best = l
			}
		}
	}
	return best
}

func setLevel(a, b []string) Level {
	if len(a) == 0 || len(b) == 0 {
		return Missing
	}
	met := 0
	for _, x := range a {
		for _, y := range b {
			if x == y {
				met++
			}
		}
	}
	switch {
	case met == 0:
		return Differ
	case met == len(a) && met == len(b):
		return Agree
	}
	return Close
}

// parcelLevel compares lists of CTS numbers; a whole parcel nearly agrees with its
// subdivisions.
func parcelLevel(a, b []string) Level {
	if len(a) == 0 || len(b) == 0 {
		return Missing
	}
	met, base := 0, 0
	for _, x := range a {
		for _, y := range b {
			if x == y {
				met++
			} else if bx, _, _ := strings.Cut(x, "/"); bx == digits(y) {
				base++
			}
		}
	}
	switch n := min(len(a), len(b)); {
	case met == n:
		return Agree
	case met > 0:
		return Close
	case base > 0:
		return Some
	}
	return Differ
}

// pinLevel: one digit wrong, or two swapped, nearly agrees.
func pinLevel(a, b string) Level {
	switch {
	case a == "" || b == "":
		return Missing
	case a == b:
		return Agree
	case spelling.Slips(a, b, 1) <= 1:
		return Close
	}
	return Differ
}
