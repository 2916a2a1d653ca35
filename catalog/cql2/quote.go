package cql2

import (
	"strings"
	"unicode/utf8"
)

// Quote writes a text as a literal that Parse reads as that text; false for what
// no literal can say: a backslash (before a quote it would change its meaning),
// control characters, bytes that are not UTF-8.
func Quote(s string) (string, bool) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || r < 0x20 || r == 0x7f }) {
		return "", false
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", true
}

// Fill puts literals in the place of a text's $names: values tells each name's
// literal, as Quote writes it. What stands in quotes is left as it is. It is false
// when values knows a name not.
func Fill(text string, values func(name string) (literal string, ok bool)) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\'' || c == '"':
			end := quoteEnd(text, i)
			b.WriteString(text[i:end])
			i = end
		case c == '$':
			end := i + 1
			for end < len(text) && (text[end] >= 'a' && text[end] <= 'z' || text[end] == '_') {
				end++
			}
			literal, ok := values(text[i+1 : end])
			if !ok {
				return "", false
			}
			b.WriteString(" " + literal + " ")
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), true
}

// quoteEnd is where what is quoted from there on ends, as the lexer reads it.
func quoteEnd(text string, at int) int {
	l := lexer{text: text, at: at}
	kind := tString
	if text[at] == '"' {
		kind = tQuoted
	}
	if _, err := l.quoted(kind, text[at]); err != nil {
		return len(text) // it has no end: Parse says so
	}
	return l.at
}
