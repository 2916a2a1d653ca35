package sta

import (
	"strconv"
	"strings"
	"time"

	"nagar/catalog/cql2"
)

// expr is a part of a $filter or $orderby expression.
type expr struct {
	op   string // and or not eq ne gt ge lt le add sub mul div mod neg, call, path, value
	name string // of a function
	args []*expr
	path []string
	val  any // nil, bool, float64, string, time.Time, geo.Geometry
}

// maxFilter bounds an expression: bytes, and how deep it nests.
const (
	maxFilter = 4096
	maxDepth  = 64
)

// parseFilter reads an OData expression as SensorThings has them (18-088, section 9.3.3.5).
func parseFilter(option, text string) (*expr, error) {
	if len(text) > maxFilter {
		return nil, bad(option, "it has %d bytes, at most %d are read", len(text), maxFilter)
	}
	p := &parser{text: text, option: option}
	p.next()
	x := p.or(0)
	if p.err == nil && p.tok != "" {
		p.fail("unexpected %q", p.tok)
	}
	return x, p.err
}

// parser is a parser by descent over tokens: words (paths, numbers, times), quoted
// texts, brackets and commas.
type parser struct {
	text, option string
	at           int
	tok          string // "" at the end
	quoted       bool   // tok is a text that stood in quotes
	err          error
}

func (p *parser) fail(format string, a ...any) {
	if p.err == nil {
		p.err = bad(p.option, format, a...)
	}
	p.tok, p.at, p.quoted = "", len(p.text), false
}

func (p *parser) next() {
	p.quoted = false
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	if p.at == len(p.text) {
		p.tok = ""
		return
	}
	start := p.at
	switch c := p.text[p.at]; c {
	case '(', ')', ',':
		p.at++
	case '\'':
		p.quote()
		return
	default:
		for p.at < len(p.text) && !strings.ContainsRune(" \t(),'", rune(p.text[p.at])) {
			p.at++
		}
	}
	p.tok = p.text[start:p.at]
}

// quote reads a text in quotes, in which two quotes stand for one.
func (p *parser) quote() {
	var b strings.Builder
	for i := p.at + 1; i < len(p.text); i++ {
		if p.text[i] != '\'' {
			b.WriteByte(p.text[i])
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		p.at, p.tok, p.quoted = i+1, b.String(), true
		return
	}
	p.fail("a quote is not closed")
}

func (p *parser) is(word string) bool { return !p.quoted && p.tok == word }

func (p *parser) or(depth int) *expr {
	x := p.and(depth)
	for p.is("or") {
		p.next()
		x = &expr{op: "or", args: []*expr{x, p.and(depth)}}
	}
	return x
}

func (p *parser) and(depth int) *expr {
	x := p.not(depth)
	for p.is("and") {
		p.next()
		x = &expr{op: "and", args: []*expr{x, p.not(depth)}}
	}
	return x
}

func (p *parser) not(depth int) *expr {
	if depth > maxDepth {
		p.fail("it is nested too deeply")
		return &expr{op: "value"}
	}
	if p.is("not") {
		p.next()
		return &expr{op: "not", args: []*expr{p.not(depth + 1)}}
	}
	x := p.sum(depth)
	switch {
	case p.quoted:
	case p.tok == "eq", p.tok == "ne", p.tok == "gt", p.tok == "ge", p.tok == "lt", p.tok == "le":
		op := p.tok
		p.next()
		return &expr{op: op, args: []*expr{x, p.sum(depth)}}
	}
	return x
}

func (p *parser) sum(depth int) *expr {
	x := p.product(depth)
	for p.is("add") || p.is("sub") {
		op := p.tok
		p.next()
		x = &expr{op: op, args: []*expr{x, p.product(depth)}}
	}
	return x
}

func (p *parser) product(depth int) *expr {
	x := p.primary(depth)
	for p.is("mul") || p.is("div") || p.is("mod") {
		op := p.tok
		p.next()
		x = &expr{op: op, args: []*expr{x, p.primary(depth)}}
	}
	return x
}

func (p *parser) primary(depth int) *expr {
	tok := p.tok
	switch {
	case p.err != nil:
		return &expr{op: "value"}
	case p.quoted:
		p.next()
		return &expr{op: "value", val: tok}
	case tok == "(":
		p.next()
		x := p.or(depth + 1)
		if !p.is(")") {
			p.fail("a bracket is not closed")
		}
		p.next()
		return x
	case tok == "", tok == ")", tok == ",":
		p.fail("a value is missing at byte %d", p.at)
		return &expr{op: "value"}
	}
	p.next()
	if p.is("(") {
		return p.call(tok, depth)
	}
	if p.quoted { // geography'POINT (1 2)'
		text := p.tok
		p.next()
		if tok != "geography" && tok != "geometry" {
			p.fail("a text cannot follow %q", tok)
			return &expr{op: "value"}
		}
		g, err := cql2.ParseGeometry(text)
		if err != nil {
			p.fail("%v", err)
		}
		return &expr{op: "value", val: g}
	}
	return p.word(tok)
}

// functions are those there are, with how many arguments they take.
var functions = map[string][2]int{
	"substringof": {2, 2}, "endswith": {2, 2}, "startswith": {2, 2}, "contains": {2, 2}, "length": {1, 1}, "indexof": {2, 2}, "substring": {2, 3},
	"tolower": {1, 1}, "toupper": {1, 1}, "trim": {1, 1}, "concat": {2, 2},
	"year": {1, 1}, "month": {1, 1}, "day": {1, 1}, "hour": {1, 1}, "minute": {1, 1}, "second": {1, 1}, "fractionalseconds": {1, 1}, "now": {0, 0},
	"round": {1, 1}, "floor": {1, 1}, "ceiling": {1, 1},
	"geo.distance": {2, 2}, "geo.intersects": {2, 2}, "st_intersects": {2, 2}, "st_within": {2, 2}, "st_disjoint": {2, 2}, "st_contains": {2, 2}, "st_equals": {2, 2},
}

func (p *parser) call(name string, depth int) *expr {
	x := &expr{op: "call", name: name}
	bounds, ok := functions[name]
	if !ok {
		p.fail("there is no function %q", name)
		return x
	}
	p.next()
	for !p.is(")") && p.err == nil {
		if len(x.args) > 0 {
			if !p.is(",") {
				p.fail("the arguments of %s are not closed", name)
				return x
			}
			p.next()
		}
		x.args = append(x.args, p.or(depth+1))
	}
	p.next()
	if p.err == nil && (len(x.args) < bounds[0] || len(x.args) > bounds[1]) {
		p.fail("%s takes %d arguments, not %d", name, bounds[0], len(x.args))
	}
	return x
}

// word is a literal or a path.
func (p *parser) word(tok string) *expr {
	switch tok {
	case "true", "false":
		return &expr{op: "value", val: tok == "true"}
	case "null":
		return &expr{op: "value"}
	}
	if f, err := strconv.ParseFloat(tok, 64); err == nil && (tok[0] == '-' || tok[0] == '+' || tok[0] == '.' || tok[0] >= '0' && tok[0] <= '9') {
		return &expr{op: "value", val: f}
	}
	if tok[0] >= '0' && tok[0] <= '9' {
		t, ok := instant(tok)
		if !ok {
			p.fail("%q is neither a number nor a time", tok)
		}
		return &expr{op: "value", val: t}
	}
	if tok[0] == '-' && len(tok) > 1 {
		return &expr{op: "neg", args: []*expr{p.word(tok[1:])}}
	}
	path := strings.Split(tok, "/")
	for _, part := range path {
		if part == "" || strings.ContainsAny(part, "\"\\<>") {
			p.fail("%q is no name of a property", tok)
		}
	}
	return &expr{op: "path", path: path}
}

// instant reads a time; a "+" of its zone may have become a space on the way.
func instant(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
