package cql2

import (
	"slices"

	"nagar/catalog"
	"nagar/geo"
)

// kind is the type of an expression.
type kind uint8

const (
	kBool kind = iota + 1
	kNumber
	kText
	kTime // up to here they can be compared
	kInterval
	kGeometry
	kJSON
	kPattern // the right side of LIKE
)

var kindNames = [...]string{"", "a truth value", "a number", "a text", "a time", "an interval", "a geometry", "JSON", "a pattern"}

func (k kind) String() string { return kindNames[k] }

// term is a node bound to a collection: names are places in the schema, types
// agree, what is constant is prepared.
type term struct {
	op     op
	kind   kind
	args   []*term
	field  int   // of opProp
	value  value // of literals
	set    set   // of opIn, its constants
	like   pattern
	fold   folding // of opCasei, opAccenti
	shape  *geo.Geometry
	box    geo.Box
	isBox  bool
	near   spatialOp
	relate func(a, b span) bool
}

// Filter is an expression bound to a collection and a view.
type Filter struct {
	root   *term
	fields []string
	last   int // place of the last of fields
	folds  bool
	shapes bool
}

// Bind binds the expression to the collection as the view sees it. A field that
// is not there or not seen, a comparison of what cannot be compared, and a
// relation that is not supported for its arguments are *catalog.Invalid with
// Path "filter"; nothing tells a hidden field from a missing one.
func (x *Expr) Bind(c *catalog.Collection, view catalog.View) (*Filter, error) {
	b := &binder{x: x, c: c, view: view, f: &Filter{}}
	root, err := b.want(x.root, kBool)
	if err != nil {
		return nil, err
	}
	b.f.root = root
	return b.f, nil
}

// Fields are the names of the fields that the filter reads, each once.
func (f *Filter) Fields() []string { return f.fields }

// Only is the place in Collection.Fields of the one field that the filter reads,
// when it reads one, and the geometry not: then it holds by that value alone.
func (f *Filter) Only() (field int, ok bool) {
	return f.last, len(f.fields) == 1 && !f.shapes
}

// Condition is one of the conditions that a row must meet all of.
type Condition struct {
	*Filter
	Field int // the place in Collection.Fields of the one field that it reads; -1: it reads none, or several
}

// Conditions are the conditions that AND joins, or the filter by itself: a row
// passes when it passes each. One that reads a single field holds by that value
// alone. A filter that reads geometries is one condition.
func (f *Filter) Conditions() []Condition {
	if f.shapes {
		return []Condition{{f, -1}}
	}
	var out []Condition
	var split func(t *term)
	split = func(t *term) {
		if t.op == opAnd {
			for _, a := range t.args {
				split(a)
			}
			return
		}
		field := -2
		t.eachField(func(i int) {
			if field == -2 || field == i {
				field = i
			} else {
				field = -1
			}
		})
		out = append(out, Condition{&Filter{root: t, fields: f.fields, last: f.last, folds: f.folds}, max(field, -1)})
	}
	split(f.root)
	return out
}

func (t *term) eachField(fn func(int)) {
	if t.op == opProp {
		fn(t.field)
	}
	for _, a := range t.args {
		a.eachField(fn)
	}
}

// Spatial reports whether the filter asks for the row's box or geometry.
func (f *Filter) Spatial() bool { return f.shapes }

type binder struct {
	x    *Expr
	c    *catalog.Collection
	view catalog.View
	f    *Filter
}

func (b *binder) failure(n *node, format string, args ...any) error {
	return (&lexer{text: b.x.text}).failure(n.at, format, args...)
}

// want binds a node that must be of the kind.
func (b *binder) want(n *node, k kind) (*term, error) {
	t, err := b.bind(n)
	if err == nil && t.kind != k {
		return nil, b.failure(n, "expected %s, this is %s", k, t.kind)
	}
	return t, err
}

func (b *binder) wants(nodes []*node, k kind) ([]*term, error) {
	out := make([]*term, len(nodes))
	for i, n := range nodes {
		var err error
		if out[i], err = b.want(n, k); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *binder) bind(n *node) (*term, error) {
	t := &term{op: n.op, kind: kBool}
	var err error
	switch n.op {
	case opAnd, opOr, opNot:
		t.args, err = b.wants(n.args, kBool)
	case opEq, opNe, opLt, opLe, opGt, opGe:
		err = b.compare(t, n)
	case opBetween:
		err = b.compare(t, n)
	case opIn:
		if err = b.compare(t, n); err == nil {
			t.prepareSet()
		}
	case opLike:
		err = b.like(t, n)
	case opIsNull:
		err = b.isNull(t, n)
	case opAdd, opSub, opMul, opDiv, opMod, opIntDiv, opPow, opNeg:
		t.kind = kNumber
		t.args, err = b.wants(n.args, kNumber)
	case opCasei, opAccenti:
		t.kind = kText
		t.args, err = b.wants(n.args, kText)
		b.fold(t, n)
	case opProp:
		err = b.property(t, n)
	case opNumber:
		t.kind, t.value = kNumber, value{isInt: n.num.isInt, i: n.num.i, f: n.num.f}
	case opText:
		t.kind, t.value = kText, value{s: n.text}
	case opBool:
		t.value = truthValue(n.on)
	case opTime:
		t.kind, t.value = kTime, value{isInt: true, i: n.time}
	case opInterval:
		t.kind = kInterval
		err = b.interval(t, n)
	case opGeom:
		t.kind, t.shape, t.box, t.isBox = kGeometry, &n.geom, n.geom.Box(), n.box
	case opSpatial:
		err = b.spatial(t, n)
	case opTemporal:
		err = b.temporal(t, n)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// property binds a name to a field that the caller sees, else to the geometry.
func (b *binder) property(t *term, n *node) error {
	for i := range b.c.Fields {
		f := &b.c.Fields[i]
		if f.Name != n.text || !b.view.SeesField(b.c, f) {
			continue
		}
		t.field = i
		switch f.Type {
		case catalog.TypeText:
			t.kind = kText
		case catalog.TypeInteger, catalog.TypeReal:
			t.kind = kNumber
		case catalog.TypeBoolean:
			t.kind = kBool
		case catalog.TypeTime, catalog.TypeDate:
			t.kind = kTime
		case catalog.TypeJSON:
			t.kind = kJSON
		}
		if !slices.Contains(b.f.fields, f.Name) {
			b.f.fields, b.f.last = append(b.f.fields, f.Name), i
		}
		return nil
	}
	if isGeometryName(n.text) {
		b.f.shapes = true
		t.kind = kGeometry
		return nil
	}
	return b.failure(n, "%s has no field %q", b.c.Name, n.text)
}

func isGeometryName(s string) bool { return s == "geom" || s == "geometry" }

// compare binds the arguments of =, <, BETWEEN, IN: all of the first one's kind.
func (b *binder) compare(t *term, n *node) error {
	first, err := b.bind(n.args[0])
	if err != nil {
		return err
	}
	switch {
	case first.kind == kBool && n.op != opEq && n.op != opNe && n.op != opIn:
		return b.failure(n, "truth values have no order")
	case first.kind > kTime:
		return b.failure(n.args[0], "%s cannot be compared", first.kind)
	}
	t.args = []*term{first}
	for _, a := range n.args[1:] {
		arg, err := b.bind(a)
		if err != nil {
			return err
		}
		if arg.kind != first.kind {
			return b.failure(a, "%s cannot be compared with %s", first.kind, arg.kind)
		}
		t.args = append(t.args, arg)
	}
	return nil
}

func (b *binder) isNull(t *term, n *node) error {
	arg, err := b.bind(n.args[0])
	if err != nil {
		return err
	}
	t.args = []*term{arg}
	return nil
}

// like binds the text and prepares the pattern, which must be a literal.
func (b *binder) like(t *term, n *node) error {
	text, err := b.want(n.args[0], kText)
	if err != nil {
		return err
	}
	t.args = []*term{text}
	lit, how := n.args[1], folding(0)
	for lit.op == opCasei || lit.op == opAccenti {
		how |= foldingOf(lit.op)
		lit = lit.args[0]
	}
	if lit.op != opText {
		return b.failure(lit, "the pattern of LIKE is a text in single quotes")
	}
	t.like = newPattern(lit.text, how)
	return nil
}

func foldingOf(o op) folding {
	if o == opCasei {
		return foldCase
	}
	return foldAccents
}

// fold merges nested foldings into one, and folds a literal once.
func (b *binder) fold(t *term, n *node) {
	if t.args == nil {
		return
	}
	t.fold = foldingOf(n.op)
	arg := t.args[0]
	for arg.op == opCasei || arg.op == opAccenti {
		t.fold |= arg.fold
		arg = arg.args[0]
	}
	if arg.op == opText {
		t.op, t.args, t.value = opText, nil, value{s: t.fold.text(arg.value.s)}
		return
	}
	t.args = []*term{arg}
	b.f.folds = true
}

func (b *binder) interval(t *term, n *node) error {
	for _, a := range n.args {
		if a.op == opOpen {
			t.args = append(t.args, &term{op: opOpen, kind: kTime})
			continue
		}
		arg, err := b.want(a, kTime)
		if err != nil {
			return err
		}
		t.args = append(t.args, arg)
	}
	return nil
}

func (b *binder) temporal(t *term, n *node) error {
	t.relate = temporal[n.text]
	for _, a := range n.args {
		arg, err := b.bind(a)
		if err != nil {
			return err
		}
		if arg.kind != kTime && arg.kind != kInterval {
			return b.failure(a, "%s wants times or intervals, this is %s", n.text, arg.kind)
		}
		t.args = append(t.args, arg)
	}
	return nil
}

// spatial binds a relation of the feature's geometry and a literal, whichever
// comes first.
func (b *binder) spatial(t *term, n *node) error {
	t.near = spatial[n.text]
	own, lit := n.args[0], n.args[1]
	if own.op == opGeom {
		own, lit = lit, own
		t.near = t.near.turned()
	}
	if own.op != opProp || !isGeometryName(own.text) {
		return b.failure(own, "%s wants the geometry (geom) and a literal", n.text)
	}
	if lit.op != opGeom {
		return b.failure(lit, "%s wants a geometry literal such as POINT(72.8 19.0) or BBOX(72.7, 18.9, 73.0, 19.3)", n.text)
	}
	switch {
	case t.near == within && !lit.box:
		return b.failure(lit, "here %s is supported with a BBOX only", n.text)
	case t.near == contains && (lit.geom.Type != geo.Point || lit.box):
		return b.failure(lit, "here %s is supported with a POINT only", n.text)
	}
	t.shape, t.box, t.isBox = &lit.geom, lit.geom.Box(), lit.box
	b.f.shapes = true
	return nil
}
