package uid

import (
	"fmt"
	"strings"
)

// Malformed says what is wrong with a text that should be a UID.
type Malformed struct {
	Text string
	// Position is the character that is likely wrong, counted from 1 without
	// dashes and spaces around; 0 when it cannot be told.
	Position int
	// Likely is the UID that was probably meant, "" when it cannot be told.
	Likely string
	Reason string
}

func (e *Malformed) Error() string {
	s := fmt.Sprintf("%q is not a structure UID: %s", clip(e.Text), e.Reason)
	if e.Likely != "" {
		s += "; did you mean " + e.Likely + "?"
	}
	return s
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// value is the value of a character as read: any case, I and L as 1, O as 0.
func value(r rune) (byte, bool) {
	switch {
	case r >= 'a' && r <= 'z':
		r -= 'a' - 'A'
	case r > 'z':
		return 0, false
	}
	switch r {
	case 'I', 'L':
		return 1, true
	case 'O':
		return 0, true
	}
	i := strings.IndexRune(Alphabet, r)
	return byte(i), i >= 0
}

// Parse reads a UID, with or without its dash, in any case, with I and L as 1 and
// O as 0; spaces around it do not matter. An error is *Malformed. The reserved
// 00000-00000 is well formed; see Reserved.
func Parse(s string) (UID, error) {
	text := strings.TrimSpace(s)
	var v [10]byte
	n := 0
	for i, r := range text {
		if r == '-' && n == 5 && i == 5 {
			continue
		}
		x, ok := value(r)
		if !ok {
			return 0, &Malformed{Text: s, Position: n + 1, Reason: fmt.Sprintf("character %d, %q, is none of %s", n+1, r, Alphabet)}
		}
		if n == 10 {
			return 0, &Malformed{Text: s, Position: 11, Reason: "it has more than ten characters"}
		}
		v[n] = x
		n++
	}
	if n < 10 {
		return 0, &Malformed{Text: s, Reason: fmt.Sprintf("it has %d characters, not ten", n)}
	}
	if syndrome(v[:]) != 0 {
		return 0, blame(s, v)
	}
	return join(v), nil
}

// Valid reports whether Parse takes s.
func Valid(s string) bool {
	_, err := Parse(s)
	return err == nil
}

func join(v [10]byte) UID {
	var u UID
	for _, x := range v {
		u = u<<5 | UID(x)
	}
	return u
}

// alike are characters that people and scanners take for one another.
var alike = []string{"8B", "5S", "2Z", "0D", "0Q", "DQ", "6G", "17", "VY", "VW", "MN", "CG", "EF", "4A", "PR", "KX", "3E", "38", "69", "1J", "UV"}

// blame finds the slip that explains a failed check. One check character cannot
// place an error by itself: any of the ten could be changed so that it fits. So
// the commonest slips are tried in turn, and a single explanation is given.
func blame(s string, v [10]byte) *Malformed {
	e := &Malformed{Text: s, Reason: "its check character does not fit: one character is wrong, or two are swapped"}
	found := 0
	note := func(pos int, w [10]byte, why string) {
		if found++; found == 1 {
			e.Position, e.Likely, e.Reason = pos, join(w).String(), "its check character does not fit: "+why
		}
	}
	sum := syndrome(v[:])
	for i := range 9 {
		if w := v; v[i] != v[i+1] {
			w[i], w[i+1] = v[i+1], v[i]
			if syndrome(w[:]) == 0 {
				note(i+1, w, fmt.Sprintf("characters %d and %d are likely swapped", i+1, i+2))
			}
		}
	}
	for i := range 10 {
		w := v
		w[i] ^= scale((31-i)%31, sum) // the one value that makes the sum zero
		if looksLike(Alphabet[v[i]], Alphabet[w[i]]) {
			note(i+1, w, fmt.Sprintf("character %d is likely %c, not %c", i+1, Alphabet[w[i]], Alphabet[v[i]]))
		}
	}
	if found > 1 { // several would explain it: name the likeliest place, promise nothing
		e.Likely = ""
		e.Reason = fmt.Sprintf("its check character does not fit: character %d is likely wrong", e.Position)
	}
	return e
}

func looksLike(a, b byte) bool {
	for _, p := range alike {
		if p[0] == a && p[1] == b || p[0] == b && p[1] == a {
			return true
		}
	}
	return false
}
