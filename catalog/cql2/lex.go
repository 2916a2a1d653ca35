package cql2

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"nagar/catalog"
)

// The bounds of a filter.
const (
	MaxText  = 64 << 10 // bytes of text
	maxDepth = 100      // nesting
	maxNodes = 5000     // operators, operands and positions of literals each
)

// token kinds
type tok uint8

const (
	tEnd tok = iota
	tName
	tQuoted // "name"
	tString // 'text'
	tNumber
	tSign // operators and brackets
)

// token is one word of the text.
type token struct {
	kind tok
	at   int    // byte offset
	text string // names and signs in the writer's case; strings unescaped
	num  number // of tNumber
}

// number is a literal: an integer where it is one, else a float.
type number struct {
	isInt bool
	i     int64
	f     float64
}

// lexer cuts the text into tokens.
type lexer struct {
	text string
	at   int
}

// failure reports what is wrong at a byte offset; people count characters from 1.
func (l *lexer) failure(at int, format string, args ...any) error {
	return &catalog.Invalid{Path: "filter", Reason: fmt.Sprintf("character %d: ", utf8.RuneCountInString(l.text[:at])+1) + fmt.Sprintf(format, args...)}
}

func (l *lexer) next() (token, error) {
	l.skipSpace()
	at := l.at
	if at >= len(l.text) {
		return token{kind: tEnd, at: at}, nil
	}
	r, size := utf8.DecodeRuneInString(l.text[at:])
	switch {
	case r == '\'':
		return l.quoted(tString, '\'')
	case r == '"':
		return l.quoted(tQuoted, '"')
	case r >= '0' && r <= '9' || r == '.' && at+1 < len(l.text) && isDigit(l.text[at+1]):
		return l.number()
	case nameStart(r):
		for l.at < len(l.text) {
			r, size := utf8.DecodeRuneInString(l.text[l.at:])
			if !nameStart(r) && !namePart(r) {
				break
			}
			l.at += size
		}
		return token{kind: tName, at: at, text: l.text[at:l.at]}, nil
	}
	for _, sign := range [...]string{"<>", "<=", ">="} {
		if strings.HasPrefix(l.text[at:], sign) {
			l.at += 2
			return token{kind: tSign, at: at, text: sign}, nil
		}
	}
	if strings.ContainsRune("()[],=<>+-*/%^", r) {
		l.at += size
		return token{kind: tSign, at: at, text: l.text[at:l.at]}, nil
	}
	return token{}, l.failure(at, "%q does not belong here", r)
}

func (l *lexer) skipSpace() {
	for l.at < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.at:])
		if !unicode.IsSpace(r) {
			return
		}
		l.at += size
	}
}

// quoted reads up to the closing quote; a doubled quote stands for one, and in
// strings \' too.
func (l *lexer) quoted(kind tok, quote byte) (token, error) {
	at := l.at
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		switch {
		case c == quote && l.at+1 < len(l.text) && l.text[l.at+1] == quote:
			l.at++
		case c == '\\' && kind == tString && l.at+1 < len(l.text) && l.text[l.at+1] == quote:
			l.at++
			c = quote
		case c == quote:
			l.at++
			return token{kind: kind, at: at, text: b.String()}, nil
		}
		b.WriteByte(c)
	}
	return token{}, l.failure(at, "the quote that begins here has no end")
}

func (l *lexer) number() (token, error) {
	at := l.at
	digits := func() {
		for l.at < len(l.text) && isDigit(l.text[l.at]) {
			l.at++
		}
	}
	digits()
	whole := true
	if l.at < len(l.text) && l.text[l.at] == '.' {
		whole = false
		l.at++
		digits()
	}
	if l.at < len(l.text) && (l.text[l.at] == 'e' || l.text[l.at] == 'E') {
		mark := l.at
		l.at++
		if l.at < len(l.text) && (l.text[l.at] == '+' || l.text[l.at] == '-') {
			l.at++
		}
		from := l.at
		digits()
		if whole = false; l.at == from {
			return token{}, l.failure(mark, "the exponent lacks digits")
		}
	}
	if r, _ := utf8.DecodeRuneInString(l.text[l.at:]); l.at < len(l.text) && nameStart(r) {
		return token{}, l.failure(l.at, "a name cannot follow a number without a space")
	}
	text := l.text[at:l.at]
	t := token{kind: tNumber, at: at, text: text}
	if whole {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			t.num = number{isInt: true, i: i, f: float64(i)}
			return t, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return token{}, l.failure(at, "the number %s is too large", text)
	}
	t.num = number{f: f}
	return t, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// nameStart and namePart are identifierStart and identifierPart of the
// standard's BNF; combining marks of every script may follow, as Devanagari needs.
func nameStart(r rune) bool {
	return r == '_' || r == ':' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' ||
		r >= 0xc0 && r != 0xd7 && r != 0xf7 && r != utf8.RuneError && (unicode.IsLetter(r) || unicode.Is(unicode.Nl, r))
}

func namePart(r rune) bool {
	return r == '.' || unicode.IsDigit(r) || unicode.IsMark(r) || r == 0x200c || r == 0x200d || r == 0x203f || r == 0x2040
}
