package cql2

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// folding is what CASEI and ACCENTI take off a text.
type folding uint8

const (
	foldCase    folding = 1 << iota // full case folding (Unicode 3.13): Straße is STRASSE
	foldAccents                     // marks that are of no one script; not the vowel signs of Devanagari
)

// text folds a literal.
func (f folding) text(s string) string {
	if f == 0 {
		return s
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	sc.reset()
	return strings.Clone(sc.fold(s, f))
}

// scratch holds the folded texts of one match, so that matching allocates nothing.
type scratch struct {
	out    []byte
	work   []byte
	tmp    []byte
	folder cases.Caser
}

var scratches = sync.Pool{New: func() any { return &scratch{folder: cases.Fold()} }}

func (s *scratch) reset() { s.out = s.out[:0] }

// fold returns the folded text; it is good until the next reset.
func (s *scratch) fold(text string, how folding) string {
	from := len(s.out)
	if plain(text) {
		if how&foldCase == 0 {
			return text
		}
		for i := 0; i < len(text); i++ {
			c := text[i]
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			s.out = append(s.out, c)
		}
		return s.since(from)
	}
	s.work = append(s.work[:0], text...)
	if how&foldCase != 0 {
		s.caseFold()
	}
	if how&foldAccents != 0 {
		s.dropAccents()
	}
	if norm.NFC.QuickSpan(s.work) == len(s.work) {
		s.out = append(s.out, s.work...)
	} else { // rare, and it allocates
		s.out = norm.NFC.Append(s.out, s.work...)
	}
	return s.since(from)
}

// since is the output from there on as a string, without a copy: the bytes are
// not written again before the next reset.
func (s *scratch) since(from int) string {
	b := s.out[from:]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// caseFold folds work in place.
func (s *scratch) caseFold() {
	s.folder.Reset()
	for grow := 3*len(s.work) + 16; ; grow *= 2 { // folding at most triples a text
		if cap(s.tmp) < grow {
			s.tmp = make([]byte, grow)
		}
		n, _, err := s.folder.Transform(s.tmp[:cap(s.tmp)], s.work, true)
		if err == nil {
			s.work, s.tmp = s.tmp[:n], s.work[:0]
			return
		}
	}
}

// dropAccents decomposes work and takes out the marks of no one script.
func (s *scratch) dropAccents() {
	out := s.tmp[:0]
	for i := 0; i < len(s.work); {
		r := s.work[i:]
		p := norm.NFD.Properties(r)
		if i += max(p.Size(), 1); p.Decomposition() == nil {
			out = appendUnaccented(out, r[:max(p.Size(), 1)])
			continue
		}
		for d := p.Decomposition(); len(d) > 0; {
			_, size := utf8.DecodeRune(d)
			out = appendUnaccented(out, d[:size])
			d = d[size:]
		}
	}
	s.work, s.tmp = out, s.work
}

// appendUnaccented appends one character unless it is an accent.
func appendUnaccented(out, char []byte) []byte {
	if r, _ := utf8.DecodeRune(char); r >= 0x300 && unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r) {
		return out
	}
	return append(out, char...)
}

// plain reports whether the text is ASCII.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// pattern is a LIKE pattern: parts between the %, each of runs of literal bytes
// and single characters.
type pattern struct {
	parts     [][]piece
	startsAny bool // it begins with %
	endsAny   bool // it ends with %
}

// piece is a run of literal bytes or, when empty, one character.
type piece string

// newPattern prepares the pattern; a backslash takes the next character as it is
// (21-065r2, 7.2).
func newPattern(text string, how folding) pattern {
	var p pattern
	var part []piece
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			part = append(part, piece(how.text(lit.String())))
			lit.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			lit.WriteByte(text[i])
		case c == '%':
			flush()
			if part == nil && len(p.parts) == 0 {
				p.startsAny = true
			}
			if part != nil {
				p.parts = append(p.parts, part)
			}
			part, p.endsAny = nil, true
			continue
		case c == '_':
			flush()
			part = append(part, "")
		default:
			lit.WriteByte(c)
		}
		p.endsAny = false
	}
	flush()
	if part != nil {
		p.parts = append(p.parts, part)
	}
	return p
}

// matches reports whether the whole text is of the pattern. Each part between
// two % is taken at its first place, which suffices, so the time is at most the
// product of the lengths.
func (p *pattern) matches(s string) bool {
	for i, part := range p.parts {
		last := i == len(p.parts)-1
		switch {
		case i == 0 && !p.startsAny:
			n := prefix(part, s)
			if n < 0 || last && !p.endsAny && n != len(s) {
				return false
			}
			s = s[n:]
		case last && !p.endsAny:
			return endsWith(part, s)
		default:
			for n := prefix(part, s); ; n = prefix(part, s) {
				if n >= 0 {
					s = s[n:]
					break
				}
				if s == "" {
					return false
				}
				s = s[width(s):]
			}
		}
	}
	return p.startsAny || p.endsAny || len(p.parts) > 0 || s == ""
}

// prefix is the length of s that the part takes, −1 when it does not fit.
func prefix(part []piece, s string) int {
	n := 0
	for _, x := range part {
		switch {
		case x != "" && strings.HasPrefix(s[n:], string(x)):
			n += len(x)
		case x == "" && n < len(s):
			n += width(s[n:])
		default:
			return -1
		}
	}
	return n
}

// endsWith reports whether s ends in what the part takes.
func endsWith(part []piece, s string) bool {
	for i := len(part) - 1; i >= 0; i-- {
		x := string(part[i])
		switch {
		case x != "" && strings.HasSuffix(s, x):
			s = s[:len(s)-len(x)]
		case x == "" && s != "":
			_, size := utf8.DecodeLastRuneInString(s)
			s = s[:len(s)-size]
		default:
			return false
		}
	}
	return true
}

func width(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}
