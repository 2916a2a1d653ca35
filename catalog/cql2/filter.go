package cql2

import (
	"nagar/catalog"
	"nagar/geo"
)

// Row is one feature as a filter reads it.
type Row interface {
	// Value is the value of Collection.Fields[field].
	Value(field int) catalog.Value
	// Box is the bounding box of the geometry in degrees, and whether there is a
	// geometry at all; an empty one has geo.EmptyBox.
	Box() (geo.Box, bool)
	// Geometry is the geometry in degrees; it is asked for when the box does not
	// decide. It is not kept.
	Geometry() *geo.Geometry
}

// Match reports whether the row passes the filter.
func (f *Filter) Match(row Row) bool {
	e := eval{row: row}
	if f.folds {
		e.scratch = scratches.Get().(*scratch)
		defer scratches.Put(e.scratch)
		e.scratch.reset()
	}
	return e.truth(f.root) == yes
}

// truth is a value of three-valued logic.
type truth int8

const (
	no truth = iota
	yes
	unknown
)

func of(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// value is a scalar: a number (an exact integer where isInt), a text, a time
// (Unix µs, as an integer), or a truth value (0 or 1, as an integer).
type value struct {
	isInt bool
	i     int64
	f     float64
	s     string
}

func truthValue(b bool) value { return value{isInt: true, i: int64(of(b))} }

// eval is one row's evaluation.
type eval struct {
	row     Row
	scratch *scratch
}

// truth evaluates a term of kind kBool.
func (e *eval) truth(t *term) truth {
	switch t.op {
	case opAnd:
		return e.junction(t.args, no)
	case opOr:
		return e.junction(t.args, yes)
	case opNot:
		return e.truth(t.args[0]).not()
	case opEq, opNe, opLt, opLe, opGt, opGe:
		return e.comparison(t)
	case opBetween:
		return e.between(t)
	case opIn:
		return e.in(t)
	case opLike:
		v, ok := e.scalar(t.args[0])
		if !ok {
			return unknown
		}
		return of(t.like.matches(v.s))
	case opIsNull:
		return of(e.isNull(t.args[0]))
	case opBool:
		return of(t.value.i == 1)
	case opProp:
		v := e.row.Value(t.field)
		if v.IsNull() {
			return unknown
		}
		return of(v.Bool())
	case opSpatial:
		return e.spatial(t)
	case opTemporal:
		a, ok1 := e.span(t.args[0])
		b, ok2 := e.span(t.args[1])
		if !ok1 || !ok2 {
			return unknown
		}
		return of(t.relate(a, b))
	}
	return unknown
}

// junction is AND (decided by no) or OR (decided by yes) of many.
func (e *eval) junction(args []*term, decided truth) truth {
	out := decided.not()
	for _, a := range args {
		switch e.truth(a) {
		case decided:
			return decided
		case unknown:
			out = unknown
		}
	}
	return out
}

func (e *eval) comparison(t *term) truth {
	a, ok := e.scalar(t.args[0])
	if !ok {
		return unknown
	}
	b, ok := e.scalar(t.args[1])
	if !ok {
		return unknown
	}
	k := t.args[0].kind
	if t.op == opEq || t.op == opNe { // texts of different lengths are told apart at once
		return of((k == kText && a.s == b.s || k != kText && compareNumbers(a, b) == 0) == (t.op == opEq))
	}
	c := compareValues(k, a, b)
	switch t.op {
	case opLt:
		return of(c < 0)
	case opLe:
		return of(c <= 0)
	case opGt:
		return of(c > 0)
	}
	return of(c >= 0)
}

// between is a >= low AND a <= high.
func (e *eval) between(t *term) truth {
	v, ok := e.scalar(t.args[0])
	if !ok {
		return unknown
	}
	out, k := yes, t.args[0].kind
	for i, sign := range [...]int{-1, 1} {
		limit, ok := e.scalar(t.args[1+i])
		switch {
		case !ok:
			out = unknown
		case compareValues(k, v, limit) == sign:
			return no
		}
	}
	return out
}

func (e *eval) in(t *term) truth {
	v, ok := e.scalar(t.args[0])
	if !ok {
		return unknown
	}
	k := t.args[0].kind
	if t.set.has(k, v) {
		return yes
	}
	out := no
	for _, a := range t.args[1:] {
		w, ok := e.scalar(a)
		switch {
		case !ok:
			out = unknown
		case compareValues(k, v, w) == 0:
			return yes
		}
	}
	return out
}

func (e *eval) isNull(t *term) bool {
	switch {
	case t.op == opProp && t.kind == kGeometry:
		_, ok := e.row.Box()
		return !ok
	case t.op == opProp:
		return e.row.Value(t.field).IsNull()
	case t.kind == kGeometry:
		return false
	case t.kind == kInterval:
		_, ok := e.span(t)
		return !ok
	case t.kind == kBool:
		return e.truth(t) == unknown
	}
	_, ok := e.scalar(t)
	return !ok
}

// scalar evaluates a term that is no geometry; ok is false for null.
func (e *eval) scalar(t *term) (v value, ok bool) {
	switch t.op {
	case opNumber, opText, opTime:
		return t.value, true
	case opProp:
		return e.property(t)
	case opCasei, opAccenti:
		if v, ok = e.scalar(t.args[0]); ok {
			v.s = e.scratch.fold(v.s, t.fold)
		}
		return v, ok
	case opNeg:
		if v, ok = e.scalar(t.args[0]); ok {
			v = negative(v)
		}
		return v, ok
	case opAdd, opSub, opMul, opDiv, opMod, opIntDiv, opPow:
		a, ok1 := e.scalar(t.args[0])
		b, ok2 := e.scalar(t.args[1])
		if !ok1 || !ok2 {
			return v, false
		}
		return arithmetic(t.op, a, b)
	}
	b := e.truth(t)
	return truthValue(b == yes), b != unknown
}

func (e *eval) property(t *term) (value, bool) {
	v := e.row.Value(t.field)
	switch v.Type() {
	case catalog.TypeText:
		return value{s: v.Str()}, true
	case catalog.TypeInteger:
		return value{isInt: true, i: v.Int()}, true
	case catalog.TypeReal:
		return value{f: v.Float()}, true
	case catalog.TypeBoolean:
		return value{isInt: true, i: v.Int()}, true
	case catalog.TypeTime, catalog.TypeDate:
		return value{isInt: true, i: v.AsTime().UnixMicro()}, true
	}
	return value{}, false
}
