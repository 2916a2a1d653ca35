package sta

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"nagar/geo"
	"nagar/geo/geojson"
)

// row is what an expression is asked about: it finds a path's value.
type row interface {
	value(path []string) any
}

// eval works out an expression. What cannot be worked out is null, and null meets
// no condition but eq null.
func (x *expr) eval(r row) any {
	switch x.op {
	case "value":
		return x.val
	case "path":
		return simple(r.value(x.path))
	case "and":
		a, b := x.args[0].eval(r), x.args[1].eval(r)
		return a == true && b == true
	case "or":
		return x.args[0].eval(r) == true || x.args[1].eval(r) == true
	case "not":
		b, ok := x.args[0].eval(r).(bool)
		return ok && !b
	case "eq", "ne", "gt", "ge", "lt", "le":
		return compare(x.op, x.args[0].eval(r), x.args[1].eval(r))
	case "neg":
		if f, ok := x.args[0].eval(r).(float64); ok {
			return -f
		}
		return nil
	case "call":
		args := make([]any, len(x.args))
		for i := range args {
			args[i] = x.args[i].eval(r)
		}
		return call(x.name, args)
	}
	a, ok := x.args[0].eval(r).(float64)
	b, both := x.args[1].eval(r).(float64)
	if !ok || !both {
		return nil
	}
	switch x.op {
	case "add":
		return a + b
	case "sub":
		return a - b
	case "mul":
		return a * b
	case "div":
		return a / b
	}
	return math.Mod(a, b)
}

// simple brings a value as JSON has it to what expressions know.
func simple(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return nil
		}
		return f
	case json.RawMessage:
		var out any
		if json.Unmarshal(v, &out) != nil {
			return nil
		}
		return simple(out)
	case int64:
		return float64(v)
	}
	return v
}

func compare(op string, a, b any) bool {
	if m, ok := a.(multi); ok {
		return slices.ContainsFunc(m, func(v any) bool { return compare(op, simple(v), b) })
	}
	if a == nil || b == nil {
		return op == "eq" && a == nil && b == nil || op == "ne" && (a == nil) != (b == nil)
	}
	order, ok := orderOf(a, b)
	if !ok {
		return op == "ne"
	}
	switch op {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	}
	return order <= 0
}

// orderOf compares two values of one kind. A text that is a time compares with a
// time; of an interval its begin does.
func orderOf(a, b any) (int, bool) {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return cmp.Compare(x, y), ok
	case bool:
		y, ok := b.(bool)
		if x == y {
			return 0, ok
		}
		return 1, ok
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
		if y, ok := b.(time.Time); ok {
			x, ok := asTime(x)
			return x.Compare(y), ok
		}
	case time.Time:
		if y, ok := asTime(b); ok {
			return x.Compare(y), true
		}
	}
	return 0, false
}

func asTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		begin, _, _ := strings.Cut(v, "/")
		return instant(begin)
	}
	return time.Time{}, false
}

func call(name string, args []any) any {
	switch {
	case name == "now":
		return time.Now().UTC()
	case strings.HasPrefix(name, "geo.") || strings.HasPrefix(name, "st_"):
		return spatial(name, args)
	}
	if t, ok := args[0].(time.Time); ok || len(args) == 1 {
		if v := clock(name, t, args[0]); v != nil {
			return v
		}
	}
	if f, ok := args[0].(float64); ok {
		switch name {
		case "round":
			return math.Round(f)
		case "floor":
			return math.Floor(f)
		case "ceiling":
			return math.Ceil(f)
		}
	}
	return texts(name, args)
}

// clock is a part of a time, in the zone it is written in; nil when there is none.
func clock(name string, t time.Time, arg any) any {
	switch name {
	case "year", "month", "day", "hour", "minute", "second", "fractionalseconds":
	default:
		return nil
	}
	if s, ok := arg.(string); ok {
		if t, ok = asTime(s); !ok {
			return nil
		}
	} else if t.IsZero() {
		return nil
	}
	switch name {
	case "year":
		return float64(t.Year())
	case "month":
		return float64(t.Month())
	case "day":
		return float64(t.Day())
	case "hour":
		return float64(t.Hour())
	case "minute":
		return float64(t.Minute())
	case "second":
		return float64(t.Second())
	}
	return float64(t.Nanosecond()) / 1e9
}

func texts(name string, args []any) any {
	s, ok := args[0].(string)
	if !ok {
		return nil
	}
	switch name {
	case "length":
		return float64(len([]rune(s)))
	case "tolower":
		return strings.ToLower(s)
	case "toupper":
		return strings.ToUpper(s)
	case "trim":
		return strings.TrimSpace(s)
	case "substring":
		return substring(s, args[1:])
	}
	if len(args) < 2 {
		return nil
	}
	t, ok := args[1].(string)
	if !ok {
		return nil
	}
	switch name {
	case "substringof": // the second holds the first
		return strings.Contains(t, s)
	case "contains":
		return strings.Contains(s, t)
	case "startswith":
		return strings.HasPrefix(s, t)
	case "endswith":
		return strings.HasSuffix(s, t)
	case "indexof":
		at := strings.Index(s, t)
		if at < 0 {
			return -1.
		}
		return float64(len([]rune(s[:at])))
	case "concat":
		return s + t
	}
	return nil
}

func substring(s string, args []any) any {
	r := []rune(s)
	from, ok := args[0].(float64)
	if !ok || from < 0 || from > float64(len(r)) {
		return nil
	}
	r = r[int(from):]
	if len(args) == 2 {
		n, ok := args[1].(float64)
		if !ok || n < 0 {
			return nil
		}
		r = r[:int(min(n, float64(len(r))))]
	}
	return string(r)
}

func spatial(name string, args []any) any {
	a, ok := geometry(args[0])
	b, both := geometry(args[1])
	if !ok || !both {
		return nil
	}
	switch name {
	case "geo.distance": // metres
		if a.Type != geo.Point {
			a, b = b, a
		}
		if a.Type != geo.Point {
			return nil
		}
		return geo.DistanceTo(a.Coords[0], a.Coords[1], &b)
	case "st_disjoint":
		return !geo.Intersects(&a, &b)
	case "st_equals":
		return a.Equal(&b)
	case "st_within": // what is measured is at points
		return a.Type == geo.Point && geo.Intersects(&a, &b)
	case "st_contains":
		return b.Type == geo.Point && geo.Intersects(&a, &b)
	}
	return geo.Intersects(&a, &b)
}

func geometry(v any) (geo.Geometry, bool) {
	switch v := v.(type) {
	case geo.Geometry:
		return v, v.Type != geo.None
	case map[string]any: // GeoJSON
		b, err := json.Marshal(v)
		if err != nil {
			return geo.Geometry{}, false
		}
		g, _, err := geojson.DecodeGeometry(b)
		return g, err == nil && g.Type != geo.None
	}
	return geo.Geometry{}, false
}
