package address

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nagar/city/spelling"
)

// maxTokens bounds what is read of one text: no address has more.
const maxTokens = 128

// Longer texts, and longer words, are cut off.
const (
	maxText = 4096
	maxWord = 48
)

// token is one word or number of the text.
type token struct {
	text  string
	code  bool // has a digit
	apart bool // a comma, line break or bracket stands before it
	paren bool // it opens a bracket
	last  bool // the text ends with it: perhaps it was cut off
}

// scan divides a text into folded words and numbers. Hyphen, slash and backslash
// join the parts of a number ("B-21", "574/1"); digits part from words of three
// letters or more ("21VEERA").
func scan(s string) []token {
	s = cut(s, maxText)
	if !isASCII(s) {
		s = norm.NFKD.String(s)
	}
	var out []token
	apart, paren := false, false
	emit := func(text string) {
		if text == "" || len(out) >= maxTokens {
			return
		}
		out = append(out, token{text: text, code: hasDigit(text), apart: apart, paren: paren})
		apart, paren = false, false
	}
	end := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case isWordRune(r):
			j := i + n
			for j < len(s) {
				r, n := utf8.DecodeRuneInString(s[j:])
				if !isWordRune(r) && !joins(s, i, j) {
					break
				}
				j += n
			}
			splitWord(cut(s[i:j], maxWord), emit)
			i, end = j, j
			continue
		case r == ',' || r == '\n' || r == ';' || r == '(' || r == ')' || r == '[' || r == ']' || r == '{' || r == '}' || r == '"' || r == '|':
			apart = true
			paren = r == '(' || r == '[' || r == '{'
		case (r == '-' || r == ':') && (i == 0 || s[i-1] == ' '):
			apart = true
		}
		i += n
	}
	if len(out) > 0 && strings.TrimSpace(s[end:]) == "" {
		out[len(out)-1].last = true
	}
	return out
}

// cut shortens s to at most n bytes, between runes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '\u200d' || r == '\u200c'
}

// joins reports whether the mark at j holds a word together: an apostrophe between
// letters ("D'Souza"), a hyphen or slash beside a digit ("H-51", "3/4", "B/21").
func joins(s string, from, j int) bool {
	if j == 0 || j+1 >= len(s) || !isAlnum(s[j-1]) || !isAlnum(s[j+1]) {
		return false
	}
	switch s[j] {
	case '\'':
		return !isDigit(s[j-1]) && !isDigit(s[j+1])
	case '-', '/', '\\':
		if isDigit(s[j-1]) && isDigit(s[j+1]) {
			return true
		}
		// a short mark of letters before a number, or one letter after it
		return isDigit(s[j+1]) && j-from <= 2 || isDigit(s[j-1]) && (j+2 == len(s) || !isAlnum(s[j+2]))
	}
	return false
}

func isAlnum(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func hasDigit(s string) bool {
	for i := range len(s) {
		if isDigit(s[i]) {
			return true
		}
	}
	return false
}

// splitWord folds a run of letters, digits and marks and parts numbers from words.
func splitWord(s string, emit func(string)) {
	if !isASCII(s) {
		s = spelling.Word(s)
	} else {
		s = strings.ToLower(s)
	}
	s = strings.ReplaceAll(s, "'", "")
	if !hasDigit(s) {
		emit(strings.Trim(s, "-/\\"))
		return
	}
	if z := strings.ReplaceAll(s, "o", "0"); len(s) >= 3 && allDigits(z) { // 4OOOO1
		emit(z)
		return
	}
	start := 0
	for i := 1; i <= len(s); i++ {
		if i < len(s) && !(isDigit(s[i]) != isDigit(s[i-1]) && parts(s, i)) {
			continue
		}
		emit(canonical(s[start:i]))
		start = i
	}
}

// parts reports whether letters and digits that meet at i are two words: where the
// letters are three or more, "pt" or "to"; not the th of 16th.
func parts(s string, i int) bool {
	if s[i-1] == '-' || s[i-1] == '/' || s[i] == '-' || s[i] == '/' || s[i] == '\\' || s[i-1] == '\\' {
		return false
	}
	from, to := i, i
	if isDigit(s[i]) {
		for from--; from > 0 && !isDigit(s[from-1]); from-- {
		}
	} else {
		for to++; to < len(s) && !isDigit(s[to]); to++ {
		}
	}
	letters := s[from:to]
	return len(letters) >= 3 || letters == "pt" || letters == "to"
}

// canonical drops the marks within a number, but for those between digits.
func canonical(s string) string {
	if !strings.ContainsAny(s, "-/\\") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if c == '-' || c == '/' || c == '\\' {
			if len(b) == 0 || i+1 == len(s) || !isDigit(s[i-1]) || !isDigit(s[i+1]) {
				continue
			}
			if c == '\\' {
				c = '/'
			}
		}
		b = append(b, c)
	}
	return string(b)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// mend puts words together that a line break cut in two ("STREE,T", "VILLAG E"), and
// parts known words that have run together ("COMPLEXANDHERI", "WESTMUMBAI").
func (v *Parser) mend(ts []token) []token {
	out := make([]token, 0, len(ts)+4)
	for i := 0; i < len(ts); i++ {
		t := ts[i]
		if i+1 < len(ts) && !t.code && !ts[i+1].code && len(t.text)+len(ts[i+1].text) >= 4 {
			if w := t.text + ts[i+1].text; v.known[w] && len(w) > 2 && !(v.known[t.text] && len(t.text) > 2 && len(ts[i+1].text) > 2) && !v.begins(ts, i) {
				t.text, t.last = w, ts[i+1].last
				out = append(out, t)
				i++
				continue
			}
		}
		if t.code {
			if k := v.marked(t.text); k > 0 { // "PL-14"
				head, tail := t, t
				head.text, head.code, head.last = t.text[:k], false, false
				tail.text, tail.apart, tail.paren = t.text[k:], false, false
				out = append(out, head, tail)
				continue
			}
		}
		if !t.code && len(t.text) >= 7 && !v.known[t.text] {
			if k := v.seam(t.text); k > 0 {
				head, tail := t, t
				head.text, head.last = t.text[:k], false
				tail.text, tail.apart, tail.paren = t.text[k:], false, false
				out = append(out, head)
				ts[i] = tail
				i-- // the tail may be two words again
				continue
			}
		}
		out = append(out, t)
	}
	return out
}

// marked is how long the known word is that a number has grown together with.
func (v *Parser) marked(s string) int {
	k := 0
	for k < len(s) && !isDigit(s[k]) {
		k++
	}
	if k >= 2 {
		for _, c := range v.first[s[:k]] {
			if len(c.tokens) == 1 && c.role != noRole && c.role != sideRole && c.role != localityRole {
				return k
			}
		}
	}
	return 0
}

// begins reports whether a way of writing of two tokens or more begins at i.
func (v *Parser) begins(ts []token, i int) bool {
	_, n := v.lookup(ts, i)
	return n > 1
}

// seam is where two known words meet in w, 0 when they do not: the first of four
// letters or more, the rest a known word or two; or an abbreviation and a long word.
func (v *Parser) seam(w string) int {
	for k := 2; k <= 3; k++ {
		if v.known[w[:k]] && len(w)-k >= 6 && v.known[w[k:]] {
			return k
		}
	}
	for k := len(w) - 3; k >= 4; k-- {
		if v.known[w[:k]] && (v.known[w[k:]] || len(w)-k >= 7 && v.seam(w[k:]) > 0) {
			return k
		}
	}
	return 0
}
