package geojson

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON values.
const maxDepth = 200

// scanner walks over JSON text once, checking it as it goes.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) fail(format string, args ...any) *Error {
	return &Error{Offset: s.i, Reason: fmt.Sprintf(format, args...)}
}

// unexpected describes what stands at the cursor, for "want X, got Y".
func (s *scanner) unexpected(want string) *Error {
	if s.i >= len(s.b) {
		return s.fail("breaks off where %s is expected", want)
	}
	rest := s.b[s.i:]
	for _, word := range [...]string{"NaN", "-NaN", "Infinity", "-Infinity", "null", "true", "false"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return s.fail("want %s, got %s", want, word)
		}
	}
	switch c := rest[0]; {
	case c == '"':
		return s.fail("want %s, got a string", want)
	case c == '{':
		return s.fail("want %s, got an object", want)
	case c == '[':
		return s.fail("want %s, got an array", want)
	case c < 0x20 || c >= 0x7f:
		return s.fail("want %s, got byte 0x%02x", want, c)
	default:
		return s.fail("want %s, got %q", want, c)
	}
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\r', '\t':
			s.i++
		default:
			return
		}
	}
}

// peek is the byte at the cursor, 0 at the end (NUL is no JSON token).
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// open steps over the bracket c and following space.
func (s *scanner) open(c byte, want string) *Error {
	if s.peek() != c {
		return s.unexpected(want)
	}
	s.i++
	s.space()
	return nil
}

// more steps over a comma (true) or the closing bracket (false) after an element.
func (s *scanner) more(closing byte) (bool, *Error) {
	s.space()
	switch s.peek() {
	case ',':
		s.i++
		s.space()
		return true, nil
	case closing:
		s.i++
		return false, nil
	}
	return false, s.unexpected(fmt.Sprintf("',' or '%c'", closing))
}

// key reads a member name and its colon. The name shares memory with the input
// unless it has escapes.
func (s *scanner) key() ([]byte, *Error) {
	if s.peek() != '"' {
		return nil, s.unexpected("a member name")
	}
	raw, err := s.str()
	if err != nil {
		return nil, err
	}
	name := raw[1 : len(raw)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		text, ok := Unquote(raw)
		if !ok {
			return nil, s.fail("a member name has half a surrogate pair")
		}
		name = []byte(text)
	}
	s.space()
	if s.peek() != ':' {
		return nil, s.unexpected("':'")
	}
	s.i++
	s.space()
	return name, nil
}

// str reads a string token, quotes included, and checks it.
func (s *scanner) str() ([]byte, *Error) {
	from := s.i
	ascii := true
	for i := from + 1; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			raw := s.b[from:s.i]
			if !ascii && !utf8.Valid(raw) {
				s.i = from
				return nil, s.fail("text is not UTF-8")
			}
			return raw, nil
		case c == '\\':
			n := escapeLen(s.b[i:])
			if n == 0 {
				s.i = i
				return nil, s.fail("bad escape in a string")
			}
			i += n - 1
		case c < 0x20:
			s.i = i
			return nil, s.fail("control character 0x%02x in a string", c)
		case c >= 0x80:
			ascii = false
		}
	}
	s.i = len(s.b)
	return nil, s.fail("breaks off in a string")
}

// escapeLen is the length of the escape that b begins with, 0 when it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if hex(c) < 0 {
				return 0
			}
		}
		return 6
	}
	return 0
}

func hex(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return rune(c - 'A' + 10)
	}
	return -1
}

// numberEnd checks a number token (RFC 8259 section 6) and returns its end.
func numberEnd(b []byte, i int) (end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(b) && b[i]-'0' < 10 {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return i, false
		}
	}
	return i, true
}

// exact powers of ten: 10^22 is the last that a float64 holds exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number reads a finite number. Plain decimals whose digits fit in 53 bits are
// one exact division (Clinger 1990); everything else goes to strconv.
func (s *scanner) number() (float64, *Error) {
	b, i := s.b, s.i
	neg := i < len(b) && b[i] == '-'
	if neg {
		i++
	}
	first := i
	var m uint64
	for i < len(b) && b[i]-'0' < 10 {
		m = m*10 + uint64(b[i]-'0')
		i++
	}
	whole := i - first
	frac := 0
	if i < len(b) && b[i] == '.' {
		i++
		from := i
		for i < len(b) && b[i]-'0' < 10 {
			m = m*10 + uint64(b[i]-'0')
			i++
		}
		frac = i - from
		if frac == 0 {
			return s.slowNumber()
		}
	}
	if whole == 0 || whole > 1 && b[first] == '0' || whole+frac > 18 || m > 1<<53 ||
		i < len(b) && b[i]|0x20 == 'e' {
		return s.slowNumber()
	}
	f := float64(m)
	if frac > 0 {
		f /= pow10[frac]
	}
	if neg {
		f = -f
	}
	s.i = i
	return f, nil
}

func (s *scanner) slowNumber() (float64, *Error) {
	end, ok := numberEnd(s.b, s.i)
	if !ok {
		if end >= len(s.b) || end > s.i {
			s.i = end
		}
		return 0, s.unexpected("a number")
	}
	text := s.b[s.i:end]
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, s.fail("%s is beyond the range of numbers", Clip(text))
	}
	s.i = end
	return f, nil
}

// value steps over any JSON value, checking it, and returns its text.
func (s *scanner) value(depth int) ([]byte, *Error) {
	from := s.i
	if err := s.skip(depth); err != nil {
		return nil, err
	}
	return s.b[from:s.i], nil
}

func (s *scanner) skip(depth int) *Error {
	if depth > maxDepth {
		return s.fail("values nested over %d deep", maxDepth)
	}
	switch c := s.peek(); {
	case c == '"':
		_, err := s.str()
		return err
	case c == '{':
		return s.skipObject(depth)
	case c == '[':
		return s.skipArray(depth)
	case c == '-' || c-'0' < 10:
		end, ok := numberEnd(s.b, s.i)
		if !ok {
			if end > s.i+1 || end >= len(s.b) {
				s.i = end
			}
			return s.unexpected("a number")
		}
		s.i = end
		return nil
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if n := len(word); len(s.b)-s.i >= n && string(s.b[s.i:s.i+n]) == word {
			s.i += n
			return nil
		}
	}
	return s.unexpected("a value")
}

func (s *scanner) skipObject(depth int) *Error {
	if err := s.open('{', "an object"); err != nil {
		return err
	}
	if s.peek() == '}' {
		s.i++
		return nil
	}
	for {
		if _, err := s.key(); err != nil {
			return err
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		if more, err := s.more('}'); !more {
			return err
		}
	}
}

func (s *scanner) skipArray(depth int) *Error {
	if err := s.open('[', "an array"); err != nil {
		return err
	}
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		if more, err := s.more(']'); !more {
			return err
		}
	}
}

// end checks that nothing but space follows.
func (s *scanner) end() *Error {
	s.space()
	if s.i < len(s.b) {
		return s.unexpected("the end")
	}
	return nil
}
