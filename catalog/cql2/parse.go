package cql2

import (
	"fmt"
	"math"
	"strings"
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

// Parse reads a filter. An error is *catalog.Invalid with Path "filter" and says
// at which character (from 1) what was expected. Texts over MaxText bytes and
// nesting without end are refused.
func Parse(text string) (*Expr, error) {
	if len(text) > MaxText {
		return nil, &catalog.Invalid{Path: "filter", Reason: fmt.Sprintf("longer than %d bytes", MaxText)}
	}
	return parse(text, maxNodes)
}

// ParseRule is Parse for the rules of a view, which this program puts together:
// the outline of a ward may have any number of positions.
func ParseRule(text string) (*Expr, error) { return parse(text, math.MaxInt) }

func parse(text string, most int) (*Expr, error) {
	p := &parser{lexer: lexer{text: text}, most: most}
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
	most  int // nodes
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
	if p.nodes++; p.nodes > p.most {
		p.fail(at, "the filter has more than %d parts", p.most)
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
