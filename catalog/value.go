package catalog

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FieldType is the type of a field's values.
type FieldType string

// The field types. Integers are exact over all 64 bits; times are instants with
// microseconds; dates are calendar days without a zone; JSON is any JSON value,
// kept as its text.
const (
	TypeText    FieldType = "text"
	TypeInteger FieldType = "integer"
	TypeReal    FieldType = "real"
	TypeBoolean FieldType = "boolean"
	TypeTime    FieldType = "time"
	TypeDate    FieldType = "date"
	TypeJSON    FieldType = "json"
)

// Valid reports whether t is one of the field types.
func (t FieldType) Valid() bool {
	switch t {
	case TypeText, TypeInteger, TypeReal, TypeBoolean, TypeTime, TypeDate, TypeJSON:
		return true
	}
	return false
}

// Value is one typed property value. The zero Value is null. Values compare with ==
// (a NaN real is not a valid value; stores refuse it).
type Value struct {
	typ FieldType // "" is null
	num int64     // integer, boolean 0/1, bits of a real, Unix µs of a time, days since 1970-01-01 of a date
	str string    // text, JSON
}

// Null is the value of a field that has none.
var Null = Value{}

// Text returns a text value.
func Text(s string) Value { return Value{typ: TypeText, str: s} }

// Integer returns an integer value.
func Integer(i int64) Value { return Value{typ: TypeInteger, num: i} }

// Real returns a real value, exact to the bit but for −0, which becomes 0: SQLite
// cannot keep it in a plain column, and == must agree with the numbers.
func Real(f float64) Value { return Value{typ: TypeReal, num: int64(math.Float64bits(f + 0))} }

// Boolean returns a boolean value.
func Boolean(b bool) Value {
	if b {
		return Value{typ: TypeBoolean, num: 1}
	}
	return Value{typ: TypeBoolean}
}

// Time returns an instant, cut to microseconds.
func Time(t time.Time) Value { return Value{typ: TypeTime, num: t.UnixMicro()} }

// Date returns the calendar day that t has in its own zone.
func Date(t time.Time) Value {
	y, m, d := t.Date()
	return Value{typ: TypeDate, num: time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400}
}

// JSON returns a JSON value; text must be one valid JSON value.
func JSON(text string) Value { return Value{typ: TypeJSON, str: text} }

// Type is the value's type, "" for null.
func (v Value) Type() FieldType { return v.typ }

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.typ == "" }

// Str is the text of a text or JSON value, else "".
func (v Value) Str() string { return v.str }

// Int is the integer of an integer or boolean value, else 0.
func (v Value) Int() int64 {
	if v.typ == TypeInteger || v.typ == TypeBoolean {
		return v.num
	}
	return 0
}

// Bool is the truth of a boolean value, else false.
func (v Value) Bool() bool { return v.typ == TypeBoolean && v.num != 0 }

// Float is the number of a real or integer value, else 0.
func (v Value) Float() float64 {
	switch v.typ {
	case TypeReal:
		return math.Float64frombits(uint64(v.num))
	case TypeInteger:
		return float64(v.num)
	}
	return 0
}

// AsTime is the instant of a time value, or midnight UTC of a date, else the zero time; always in UTC.
func (v Value) AsTime() time.Time {
	switch v.typ {
	case TypeTime:
		return time.UnixMicro(v.num).UTC()
	case TypeDate:
		return time.Unix(v.num*86400, 0).UTC()
	}
	return time.Time{}
}

// AppendJSON appends the value as JSON: times as RFC 3339 in UTC, dates as
// YYYY-MM-DD, integers in full, JSON values as they are.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.typ {
	case TypeText:
		return AppendJSONString(b, v.str)
	case TypeInteger:
		return strconv.AppendInt(b, v.num, 10)
	case TypeReal:
		return AppendJSONFloat(b, v.Float())
	case TypeBoolean:
		return strconv.AppendBool(b, v.num != 0)
	case TypeTime:
		return append(v.AsTime().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
	case TypeDate:
		return append(v.AsTime().AppendFormat(append(b, '"'), time.DateOnly), '"')
	case TypeJSON:
		return append(b, v.str...)
	}
	return append(b, "null"...)
}

// MarshalJSON is AppendJSON for encoding/json.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// String is the value for people and logs: text bare, everything else as its JSON.
func (v Value) String() string {
	if v.typ == TypeText {
		return v.str
	}
	return string(v.AppendJSON(nil))
}

// AppendJSONFloat appends the shortest JSON number that reads back as f; NaN and
// infinities, which JSON lacks, become null.
func AppendJSONFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// AppendJSONString appends s as a JSON string. Plain text, of any script, is
// copied in one go; what needs escaping goes through encoding/json.
func AppendJSONString(b []byte, s string) []byte {
	var kinds byte
	for i := 0; i < len(s); i++ {
		kinds |= jsonKind[s[i]]
	}
	if kinds&jsonEscaped != 0 {
		return appendEscaped(b, s)
	}
	if kinds&jsonHigh != 0 && (!utf8.ValidString(s) || strings.Contains(s, "\u2028") || strings.Contains(s, "\u2029")) {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// jsonKind says of each byte whether it must be escaped in a JSON string, as
// encoding/json does for HTML too, or belongs to a character beyond ASCII.
var jsonKind = func() (out [256]byte) {
	for c := range out {
		switch {
		case c < 0x20, c == '"', c == '\\', c == '<', c == '>', c == '&':
			out[c] = jsonEscaped
		case c >= utf8.RuneSelf:
			out[c] = jsonHigh
		}
	}
	return out
}()

const (
	jsonEscaped = 1
	jsonHigh    = 2
)

// appendEscaped writes what encoding/json does, without its detour by reflection
// where the text is ASCII.
func appendEscaped(b []byte, s string) []byte {
	from := len(b)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch jsonKind[c] {
		case 0:
			b = append(b, c)
			continue
		case jsonHigh:
			return appendMarshalled(b[:from], s)
		}
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(b, '"')
}

func appendMarshalled(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return append(b, `""`...)
	}
	return append(b, q...)
}

// Property is one named value of a feature.
type Property struct {
	Name  string
	Value Value
}

// Properties are the named values of a feature, at most one per name, in any
// order. A name that is absent is null.
type Properties []Property

// Get returns the value of the name, Null when it is absent.
func (p Properties) Get(name string) Value {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value
		}
	}
	return Null
}

// Equal reports whether both hold the same values, order aside, absent and null alike.
func (p Properties) Equal(q Properties) bool {
	for _, a := range p {
		if q.Get(a.Name) != a.Value {
			return false
		}
	}
	for _, b := range q {
		if p.Get(b.Name) != b.Value {
			return false
		}
	}
	return true
}
