package cql2

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

func compareValues(k kind, a, b value) int {
	if k == kText {
		return strings.Compare(a.s, b.s)
	}
	return compareNumbers(a, b)
}

// compareNumbers compares exactly, integers with floats too.
func compareNumbers(a, b value) int {
	switch {
	case a.isInt && b.isInt:
		return cmp.Compare(a.i, b.i)
	case a.isInt:
		return compareIntFloat(a.i, b.f)
	case b.isInt:
		return -compareIntFloat(b.i, a.f)
	}
	return cmp.Compare(a.f, b.f)
}

func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Floor(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 || whole == f {
		return c
	}
	return -1 // i is the floor of f, which is more
}

func (v value) float() float64 {
	if v.isInt {
		return float64(v.i)
	}
	return v.f
}

func negative(v value) value {
	if v.isInt && v.i != math.MinInt64 {
		v.i = -v.i
		return v
	}
	return value{f: -v.float()}
}

// arithmetic is exact on integers where the result is one, else in floats; what
// is no finite number is null.
func arithmetic(o op, a, b value) (value, bool) {
	if a.isInt && b.isInt {
		if v, ok := integers(o, a.i, b.i); ok {
			return value{isInt: true, i: v}, true
		}
	}
	x, y := a.float(), b.float()
	var f float64
	switch o {
	case opAdd:
		f = x + y
	case opSub:
		f = x - y
	case opMul:
		f = x * y
	case opDiv:
		f = x / y
	case opMod:
		f = math.Mod(x, y)
	case opIntDiv:
		f = math.Trunc(x / y)
	case opPow:
		f = math.Pow(x, y)
	}
	return value{f: f}, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// integers is the exact result, unless it overflows, is no integer, or there is none.
func integers(o op, a, b int64) (int64, bool) {
	switch o {
	case opAdd:
		c := a + b
		return c, (c > a) == (b > 0)
	case opSub:
		c := a - b
		return c, (c < a) == (b > 0)
	case opMul:
		if a == 0 || b == 0 {
			return 0, true
		}
		c := a * b
		return c, c/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	case opMod:
		if b != 0 && b != -1 {
			return a % b, true
		}
		return 0, b == -1
	case opIntDiv:
		if b != 0 && b != -1 {
			return a / b, true
		}
	}
	return 0, false
}

// set is the constants of an IN, sorted.
type set struct {
	values []value
}

// prepareSet moves the constants of an IN into its set.
func (t *term) prepareSet() {
	k := t.args[0].kind
	t.args = slices.DeleteFunc(t.args, func(a *term) bool {
		if a == t.args[0] || a.op != opNumber && a.op != opText && a.op != opTime {
			return false
		}
		t.set.values = append(t.set.values, a.value)
		return true
	})
	slices.SortFunc(t.set.values, func(a, b value) int { return compareValues(k, a, b) })
}

func (s *set) has(k kind, v value) bool {
	low, high := 0, len(s.values)
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := compareValues(k, v, s.values[mid]); {
		case c == 0:
			return true
		case c < 0:
			high = mid
		default:
			low = mid + 1
		}
	}
	return false
}
