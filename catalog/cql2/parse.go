package cql2

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"nagar/catalog"
	"nagar/geo"
)

// op is what a node of the parsed text does.
type op uint8

const (
	opAnd op = iota + 1
	opOr
	opNot
	opEq
	opNe
	opLt
	opLe
	opGt
	opGe
	opLike
	opBetween
	opIn
	opIsNull
	opAdd
	opSub
	opMul
	opDiv
	opMod
	opIntDiv
	opPow
	opNeg
	opCasei
	opAccenti
	opProp
	opNumber
	opText
	opBool
	opTime
	opInterval
	opOpen // '..', the open end of an interval
	opGeom
	opSpatial
	opTemporal
)

// node is a node of the parsed text.
type node struct {
	op   op
	at   int // byte offset in the text
	args []*node
	text string       // name of a property or relation, text of a literal
	num  number       // of opNumber
	on   bool         // of opBool
	time int64        // of opTime, Unix µs
	geom geo.Geometry // of opGeom
	box  bool         // of opGeom: a BBOX
}

// Expr is a parsed filter, not yet bound to a collection. It is immutable.
type Expr struct {
	text string
	root *node
}

// String is the text that was parsed.
func (x *Expr) String() string { return x.text }

// Parse reads a filter. An error is *catalog.Invalid with Path "filter" and says
// at which character (from 1) what was expected. Texts over MaxText bytes and
// nesting without end are refused.
func Parse(text string) (*Expr, error) {
	p := &parser{lexer: lexer{text: text}}
	if len(text) > MaxText {
		return nil, &catalog.Invalid{Path: "filter", Reason: fmt.Sprintf("longer than %d bytes", MaxText)}
	}
	if !utf8.ValidString(text) {
		return nil, &catalog.Invalid{Path: "filter", Reason: "not UTF-8"}
	}
	p.advance()
	root := p.or()
	if p.err == nil && p.tok.kind != tEnd {
		p.fail(p.tok.at, "expected AND, OR or the end, found %s", p.tok)
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Expr{text: text, root: root}, nil
}

// String names the token in messages.
func (t token) String() string {
	switch t.kind {
	case tEnd:
		return "the end"
	case tString:
		return fmt.Sprintf("the text '%.40s'", t.text)
	}
	return fmt.Sprintf("%.40q", t.text)
}

// parser is a recursive descent with one token of look-ahead. After the first
// failure err stays, and tok is the end, so that everything returns soon.
type parser struct {
	lexer
	tok   token
	err   error
	depth int
	nodes int
}

func (p *parser) advance() {
	if p.err == nil {
		p.tok, p.err = p.next()
	}
	if p.err != nil {
		p.tok = token{kind: tEnd, at: len(p.text)}
	}
}

func (p *parser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = p.failure(at, format, args...)
		p.tok = token{kind: tEnd, at: len(p.text)}
	}
}

// node counts and makes a node.
func (p *parser) node(o op, at int, args ...*node) *node {
	if p.nodes++; p.nodes > maxNodes {
		p.fail(at, "the filter has more than %d parts", maxNodes)
	}
	return &node{op: o, at: at, args: args}
}

// nest guards what calls itself.
func (p *parser) nest(at int, f func() *node) *node {
	if p.depth++; p.depth > maxDepth {
		p.fail(at, "nested deeper than %d", maxDepth)
		return nil
	}
	n := f()
	p.depth--
	return n
}

// word reports whether the token is the keyword, in any case, and takes it.
func (p *parser) word(keyword string) bool {
	if p.tok.kind == tName && strings.EqualFold(p.tok.text, keyword) {
		p.advance()
		return true
	}
	return false
}

// sign takes the sign when it is the next token.
func (p *parser) sign(s string) bool {
	if p.tok.kind == tSign && p.tok.text == s {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.sign(s) {
		p.fail(p.tok.at, "expected %q, found %s", s, p.tok)
	}
}

func (p *parser) or() *node  { return p.chain(opOr, "OR", p.and) }
func (p *parser) and() *node { return p.chain(opAnd, "AND", p.not) }

// chain reads operands joined by a word into one node.
func (p *parser) chain(o op, word string, operand func() *node) *node {
	at := p.tok.at
	first := operand()
	if p.tok.kind != tName || !strings.EqualFold(p.tok.text, word) {
		return first
	}
	n := p.node(o, at, first)
	for p.word(word) {
		n.args = append(n.args, operand())
	}
	return n
}

func (p *parser) not() *node {
	at := p.tok.at
	if p.word("NOT") {
		return p.node(opNot, at, p.nest(at, p.not))
	}
	return p.predicate()
}

var comparisons = map[string]op{"=": opEq, "<>": opNe, "<": opLt, "<=": opLe, ">": opGt, ">=": opGe}

func (p *parser) predicate() *node {
	left := p.sum()
	at := p.tok.at
	if o, ok := comparisons[p.tok.text]; ok && p.tok.kind == tSign {
		p.advance()
		return p.node(o, at, left, p.sum())
	}
	if p.word("IS") {
		negated := p.word("NOT")
		if !p.word("NULL") {
			p.fail(p.tok.at, "expected NULL, found %s", p.tok)
		}
		return p.negate(negated, p.node(opIsNull, at, left))
	}
	negated := p.word("NOT")
	switch {
	case p.word("LIKE"):
		return p.negate(negated, p.node(opLike, at, left, p.factor()))
	case p.word("BETWEEN"):
		low := p.sum()
		if !p.word("AND") {
			p.fail(p.tok.at, "expected AND, found %s", p.tok)
		}
		return p.negate(negated, p.node(opBetween, at, left, low, p.sum()))
	case p.word("IN"):
		n := p.node(opIn, at, left)
		p.expect("(")
		for {
			n.args = append(n.args, p.sum())
			if !p.sign(",") {
				break
			}
		}
		p.expect(")")
		return p.negate(negated, n)
	case negated:
		p.fail(p.tok.at, "expected LIKE, BETWEEN or IN, found %s", p.tok)
	}
	return left
}

func (p *parser) negate(yes bool, n *node) *node {
	if yes {
		return p.node(opNot, n.at, n)
	}
	return n
}

func (p *parser) sum() *node {
	left := p.product()
	for {
		at := p.tok.at
		switch {
		case p.sign("+"):
			left = p.node(opAdd, at, left, p.product())
		case p.sign("-"):
			left = p.node(opSub, at, left, p.product())
		default:
			return left
		}
	}
}

func (p *parser) product() *node {
	left := p.power()
	for {
		at := p.tok.at
		switch {
		case p.sign("*"):
			left = p.node(opMul, at, left, p.power())
		case p.sign("/"):
			left = p.node(opDiv, at, left, p.power())
		case p.sign("%"):
			left = p.node(opMod, at, left, p.power())
		case p.word("DIV"):
			left = p.node(opIntDiv, at, left, p.power())
		default:
			return left
		}
	}
}

// power binds closer than a minus before it, so -x^2 is -(x^2), as in arithmetic.
func (p *parser) power() *node {
	at := p.tok.at
	if p.sign("-") {
		n := p.nest(at, p.power)
		if p.err == nil && n.op == opNumber { // a negative literal
			n.num.i, n.num.f = -n.num.i, -n.num.f
			return n
		}
		return p.node(opNeg, at, n)
	}
	if p.sign("+") {
		return p.nest(at, p.power)
	}
	base := p.factor()
	at = p.tok.at
	if p.sign("^") {
		return p.node(opPow, at, base, p.nest(at, p.power))
	}
	return base
}

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
	if p.nodes++; p.nodes > maxNodes {
		p.fail(t.at, "the filter has more than %d parts", maxNodes)
	}
	if minus {
		return -t.num.f
	}
	return t.num.f
}
