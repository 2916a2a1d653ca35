package cql2

import (
	"math"
	"strings"
	"time"

	"nagar/geo"
)

// factor reads a literal, a property, a function or what stands in brackets.
func (p *parser) factor() *node {
	t := p.tok
	switch t.kind {
	case tNumber:
		p.advance()
		n := p.node(opNumber, t.at)
		n.num = t.num
		return n
	case tString:
		p.advance()
		n := p.node(opText, t.at)
		n.text = t.text
		return n
	case tQuoted:
		p.advance()
		return p.property(t)
	case tName:
		return p.name()
	}
	if p.sign("(") {
		n := p.nest(t.at, p.or)
		p.expect(")")
		return n
	}
	p.fail(t.at, "expected a property, a literal or \"(\", found %s", t)
	return nil
}

func (p *parser) property(t token) *node {
	n := p.node(opProp, t.at)
	if n.text = t.text; t.text == "" {
		p.fail(t.at, "an empty name")
	}
	return n
}

// reserved words are no property names unless they are quoted.
var reserved = map[string]bool{"AND": true, "OR": true, "NOT": true, "LIKE": true, "BETWEEN": true, "IN": true, "IS": true, "NULL": true, "DIV": true}

func (p *parser) name() *node {
	t := p.tok
	word := strings.ToUpper(t.text)
	if reserved[word] {
		p.fail(t.at, "expected a property, a literal or \"(\", found %s (a property of that name needs double quotes)", t)
		return nil
	}
	p.advance()
	if word == "TRUE" || word == "FALSE" {
		n := p.node(opBool, t.at)
		n.on = word == "TRUE"
		return n
	}
	if wktTypes[word] != geo.None && (p.tok.kind == tName && strings.EqualFold(p.tok.text, "Z") || p.tok.kind == tSign && p.tok.text == "(") {
		return p.geometry(t.at, wktTypes[word])
	}
	if p.tok.kind != tSign || p.tok.text != "(" {
		return p.property(t)
	}
	p.advance()
	n := p.call(t, word)
	p.expect(")")
	return n
}

// call reads the arguments of what is written as a function.
func (p *parser) call(t token, word string) *node {
	switch {
	case word == "CASEI":
		return p.node(opCasei, t.at, p.nest(t.at, p.sum))
	case word == "ACCENTI":
		return p.node(opAccenti, t.at, p.nest(t.at, p.sum))
	case word == "DATE", word == "TIMESTAMP":
		if p.tok.kind != tString {
			p.fail(p.tok.at, "%s wants a text in single quotes, found %s", word, p.tok)
			return nil
		}
		return p.instant(word == "DATE", word == "TIMESTAMP")
	case word == "INTERVAL":
		from := p.bound()
		p.expect(",")
		return p.node(opInterval, t.at, from, p.bound())
	case word == "BBOX":
		return p.bbox(t.at)
	case spatial[word] != 0, temporal[word] != nil:
		n := p.node(opSpatial, t.at, p.nest(t.at, p.sum))
		if temporal[word] != nil {
			n.op = opTemporal
		}
		n.text = word
		p.expect(",")
		n.args = append(n.args, p.nest(t.at, p.sum))
		return n
	case strings.HasPrefix(word, "S_"), strings.HasPrefix(word, "T_"), strings.HasPrefix(word, "A_"):
		p.fail(t.at, "%s is not supported", word)
	default:
		p.fail(t.at, "there is no function %.40q", t.text)
	}
	return nil
}

// bound is one end of an INTERVAL.
func (p *parser) bound() *node {
	t := p.tok
	switch {
	case t.kind == tString && t.text == "..":
		p.advance()
		return p.node(opOpen, t.at)
	case t.kind == tString:
		return p.instant(true, true)
	}
	return p.sum()
}

// instant reads a date or timestamp in quotes.
func (p *parser) instant(date, timestamp bool) *node {
	t := p.tok
	n := p.node(opTime, t.at)
	for layout, ok := range map[string]bool{time.DateOnly: date, time.RFC3339Nano: timestamp} {
		if v, err := time.Parse(layout, t.text); ok && err == nil {
			n.time = v.UnixMicro()
			p.advance()
			return n
		}
	}
	want := "a timestamp such as 2026-11-23T08:15:30Z"
	if date {
		want = "a date such as 2026-11-23"
	}
	p.fail(t.at, "%s is not %s", t, want)
	return n
}

// signed reads a number with or without a sign.
func (p *parser) signed() float64 {
	minus := p.sign("-")
	if !minus {
		p.sign("+")
	}
	t := p.tok
	if t.kind != tNumber {
		p.fail(t.at, "expected a number, found %s", t)
		return math.NaN()
	}
	p.advance()
	if p.nodes++; p.nodes > p.most {
		p.fail(t.at, "the filter has more than %d parts", p.most)
	}
	if minus {
		return -t.num.f
	}
	return t.num.f
}
