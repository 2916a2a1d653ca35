package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
)

// maxExact is the largest integer up to which every integer is a real.
const maxExact = 1 << 53

// coerce turns a source value into one of the field's type where nothing is lost
// by it: text that is wholly a number, an integral real for an integer, a number
// for text. loose says that the source has no types, so that its text may be JSON.
// Anything else is *catalog.Invalid.
func coerce(v catalog.Value, loose bool, field *catalog.Field) (catalog.Value, error) {
	t := field.Type
	if v.IsNull() || v.Type() == t {
		return v, nil
	}
	var out catalog.Value
	ok := false
	switch t {
	case catalog.TypeText:
		out, ok = catalog.Text(v.String()), true
	case catalog.TypeJSON:
		if loose && json.Valid([]byte(v.Str())) {
			return catalog.JSON(v.Str()), nil
		}
		out, ok = catalog.JSON(string(v.AppendJSON(nil))), true
	case catalog.TypeInteger:
		out, ok = toInteger(v)
	case catalog.TypeReal:
		out, ok = toReal(v)
	case catalog.TypeBoolean:
		out, ok = toBoolean(v)
	case catalog.TypeTime:
		out, ok = toTime(v)
	case catalog.TypeDate:
		out, ok = toDate(v)
	}
	if !ok {
		return catalog.Null, &catalog.Invalid{Path: "properties." + field.Name, Reason: fmt.Sprintf("want %s, got %s %s", t, v.Type(), clip(v.String()))}
	}
	return out, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func toInteger(v catalog.Value) (catalog.Value, bool) {
	switch v.Type() {
	case catalog.TypeReal:
		f := v.Float()
		return catalog.Integer(int64(f)), f == math.Trunc(f) && math.Abs(f) <= maxExact
	case catalog.TypeText:
		s := strings.TrimSpace(v.Str())
		if s == "" {
			return catalog.Null, true
		}
		if !plainNumber(s) {
			return v, false
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return catalog.Integer(n), true
		}
		f, err := strconv.ParseFloat(s, 64)
		return catalog.Integer(int64(f)), err == nil && f == math.Trunc(f) && math.Abs(f) <= maxExact
	}
	return v, false
}

func toReal(v catalog.Value) (catalog.Value, bool) {
	switch v.Type() {
	case catalog.TypeInteger:
		n := v.Int()
		return catalog.Real(float64(n)), n >= -maxExact && n <= maxExact
	case catalog.TypeText:
		s := strings.TrimSpace(v.Str())
		if s == "" {
			return catalog.Null, true
		}
		if !plainNumber(s) {
			return v, false
		}
		f, err := strconv.ParseFloat(s, 64)
		return catalog.Real(f), err == nil
	}
	return v, false
}

// plainNumber reports whether s is written as a JSON number (RFC 8259 section 6);
// so 061 and +5 are text, and stay exact.
func plainNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	return json.Valid([]byte(s))
}

func toBoolean(v catalog.Value) (catalog.Value, bool) {
	if v.Type() != catalog.TypeText {
		return v, false
	}
	switch s := strings.TrimSpace(v.Str()); {
	case s == "":
		return catalog.Null, true
	case strings.EqualFold(s, "true"):
		return catalog.Boolean(true), true
	case strings.EqualFold(s, "false"):
		return catalog.Boolean(false), true
	}
	return v, false
}

func toTime(v catalog.Value) (catalog.Value, bool) {
	if v.Type() != catalog.TypeText {
		return v, false
	}
	s := strings.TrimSpace(v.Str())
	if s == "" {
		return catalog.Null, true
	}
	t, ok := parseTime(s)
	return catalog.Time(t), ok
}

// parseTime reads RFC 3339, also with a space for the T and a shorter zone. A time
// without a zone is no instant, and one finer than microseconds would be cut.
func parseTime(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04Z") || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != ' ' && s[10] != 't' {
		return time.Time{}, false
	}
	b := []byte(s)
	b[10] = 'T'
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, string(b)); err == nil {
			return t, t.Nanosecond()%1000 == 0 && t.Year() > 0
		}
	}
	return time.Time{}, false
}

func toDate(v catalog.Value) (catalog.Value, bool) {
	if v.Type() != catalog.TypeText {
		return v, false
	}
	s := strings.TrimSpace(v.Str())
	if s == "" {
		return catalog.Null, true
	}
	t, ok := parseDate(s)
	return catalog.Date(t), ok
}

func parseDate(s string) (time.Time, bool) {
	if len(s) != len(time.DateOnly) || s[4] != '-' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil && t.Year() > 0
}
