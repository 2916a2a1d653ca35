// Package spelling brings the ways one name is written together: Latin and
// Devanagari letters, long and short vowels, doubled letters, aspirates, slips of
// the hand. It is pure and safe for concurrent use.
package spelling

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MaxWords bounds the words that Fold takes from one text.
const MaxWords = 24

// Fold returns the words of a text in plain Latin lower case, diacritics
// dropped, Devanagari transliterated, other scripts as they are. A word with
// marks inside, such as F/N or St.George, gives its parts and, unless it is
// long, the parts joined.
func Fold(s string) []string {
	var out []string
	for field := range strings.FieldsFuncSeq(norm.NFKD.String(s), unicode.IsSpace) {
		parts := strings.FieldsFunc(field, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != zwj && r != zwnj
		})
		joined := ""
		for _, p := range parts {
			if w := Word(p); w != "" && len(out) < MaxWords {
				out = append(out, w)
				joined += w
			}
		}
		if len(parts) > 1 && joined != "" && len(joined) <= 12 && len(out) < MaxWords {
			out = append(out, joined)
		}
	}
	return out
}

const (
	zwj, zwnj = '\u200d', '\u200c'
	virama    = '\u094d'
	nukta     = '\u093c'
)

// Devanagari in plain Latin letters (Unicode block 0900–097F); long and short
// vowels are one, as most people type them.
var (
	consonants = map[rune]string{
		'क': "k", 'ख': "kh", 'ग': "g", 'घ': "gh", 'ङ': "n", 'च': "ch", 'छ': "chh", 'ज': "j", 'झ': "jh", 'ञ': "n",
		'ट': "t", 'ठ': "th", 'ड': "d", 'ढ': "dh", 'ण': "n", 'त': "t", 'थ': "th", 'द': "d", 'ध': "dh", 'न': "n", 'ऩ': "n",
		'प': "p", 'फ': "ph", 'ब': "b", 'भ': "bh", 'म': "m", 'य': "y", 'र': "r", 'ऱ': "r", 'ल': "l", 'ळ': "l", 'ऴ': "l",
		'व': "v", 'श': "sh", 'ष': "sh", 'स': "s", 'ह': "h",
	}
	withNukta = map[rune]string{'क': "k", 'ख': "kh", 'ग': "g", 'ज': "z", 'फ': "f", 'ड': "d", 'ढ': "dh", 'न': "n", 'र': "r", 'ळ': "l"}
	vowels    = map[rune]string{
		'अ': "a", 'आ': "a", 'इ': "i", 'ई': "i", 'उ': "u", 'ऊ': "u", 'ऋ': "ri", 'ऌ': "li", 'ऍ': "e", 'ऎ': "e", 'ए': "e", 'ऐ': "ai",
		'ऑ': "o", 'ऒ': "o", 'ओ': "o", 'औ': "au", 'ॲ': "a", 'ॐ': "om",
	}
	signs = map[rune]string{
		'ा': "a", 'ि': "i", 'ी': "i", 'ु': "u", 'ू': "u", 'ृ': "ri", 'ॅ': "e", 'ॆ': "e", 'े': "e", 'ै': "ai", 'ॉ': "o", 'ॊ': "o", 'ो': "o", 'ौ': "au",
	}
)

// Word folds one word: plain Latin lower case, without marks. The text is taken
// in NFKD (golang.org/x/text/unicode/norm). The vowel a that a Devanagari consonant carries by
// itself is silent at the end of a word.
func Word(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		base, isConsonant := consonants[r]
		switch {
		case isConsonant:
			if r == 'ज' && i+2 < len(runes) && runes[i+1] == virama && runes[i+2] == 'ञ' { // ज्ञ
				base = "gy"
				i += 2
			} else if i+1 < len(runes) && runes[i+1] == nukta {
				base = withNukta[r]
				i++
			}
			b.WriteString(base)
			if i = writeVowel(&b, runes, i); i < 0 {
				return b.String()
			}
		case vowels[r] != "":
			b.WriteString(vowels[r])
		case r == 'ं' || r == 'ँ':
			b.WriteString(nasal(runes, i))
		case r == 'ः':
			b.WriteByte('h')
		case r >= '०' && r <= '९':
			b.WriteByte(byte('0' + r - '०'))
		case unicode.IsMark(r), r == zwj, r == zwnj, r == 'ऽ':
			// diacritics of Latin letters, stray signs
		case r == 'ß':
			b.WriteString("ss")
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// writeVowel writes the vowel that follows the consonant at i and returns the
// index of the last rune used; -1 at the end of the word.
func writeVowel(b *strings.Builder, runes []rune, i int) int {
	for i+1 < len(runes) && (runes[i+1] == zwj || runes[i+1] == zwnj) {
		i++
	}
	if i+1 == len(runes) {
		return -1 // silent
	}
	next := runes[i+1]
	switch {
	case next == virama:
		return i + 1
	case signs[next] != "":
		b.WriteString(signs[next])
		return i + 1
	}
	b.WriteByte('a')
	return i
}

// nasal is what an anusvara sounds like before the next letter.
func nasal(runes []rune, i int) string {
	if i+1 < len(runes) && strings.ContainsRune("पफबभम", runes[i+1]) {
		return "m"
	}
	return "n"
}

// Skeleton reduces a folded Latin word to what its spellings have in common:
// aspirates, doubled letters, and the vowel a within fall away. "andheri" and
// "andhari", "vikhroli" and "wikroli", "kandivli" and "kandivali" become one.
// It is "" for words of one letter.
func Skeleton(w string) string {
	s := sounds.Replace(w)
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == 'c' { // what remains of c is k or s; C stands for ch
			c = 'k'
			if i+1 < len(s) && (s[i+1] == 'e' || s[i+1] == 'i') {
				c = 's'
			}
		}
		if c == 'a' && i > 0 || len(b) > 0 && b[len(b)-1] == c {
			continue
		}
		b = append(b, c)
	}
	if len(b) > 2 && b[len(b)-1] == 'h' {
		b = b[:len(b)-1]
	}
	if len(b) < 2 {
		return ""
	}
	return string(b)
}

var sounds = strings.NewReplacer(
	"chh", "C", "ch", "C", "sh", "s", "ph", "f", "th", "t", "dh", "d", "bh", "b", "gh", "g", "kh", "k", "jh", "j",
	"ck", "k", "w", "v", "z", "j", "q", "k", "x", "ks", "oo", "u", "ou", "u", "ee", "i", "au", "o", "aw", "o", "ai", "e", "ay", "e", "y", "i",
)

// Slips is the Damerau-Levenshtein distance (optimal string alignment) of two
// words, or most+1 when it is larger than most.
func Slips(a, b string, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	if len(a) > 60 || len(b) > 60 {
		return most + 1
	}
	var rows [3][64]int
	before, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
			least = min(least, cur[j])
		}
		if least > most {
			return most + 1
		}
		before, prev, cur = prev, cur, before
	}
	return min(prev[len(b)], most+1)
}

// Forgiven is how many slips a word of this length may have.
func Forgiven(w string) int {
	switch {
	case len(w) < 4:
		return 0
	case len(w) < 8:
		return 1
	}
	return 2
}
