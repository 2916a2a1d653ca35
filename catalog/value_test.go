package catalog

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var ist = time.FixedZone("IST", 5*3600+1800)

func TestValueJSON(t *testing.T) {
	for want, v := range map[string]Value{
		"null":                          Null,
		`""`:                            Text(""),
		`"नगर"`:                         Text("नगर"),
		`"a\"b\\c"`:                     Text(`a"b\c`),
		"-9223372036854775808":          Integer(math.MinInt64),
		"9007199254740993":              Integer(1<<53 + 1),
		"0.1":                           Real(0.1),
		"5":                             Real(5),
		"0":                             Real(math.Copysign(0, -1)),
		"5e-324":                        Real(math.SmallestNonzeroFloat64),
		"1e+21":                         Real(1e21),
		"100000000000000000000":         Real(1e20),
		"0.000001":                      Real(1e-6),
		"1e-07":                         Real(1e-7),
		"true":                          Boolean(true),
		"false":                         Boolean(false),
		`"2026-11-23T02:45:30.123456Z"`: Time(time.Date(2026, 11, 23, 8, 15, 30, 123456789, ist)),
		`"1969-12-31T23:59:59.999999Z"`: Time(time.Unix(-1, 999999000)),
		`"2026-11-23"`:                  Date(time.Date(2026, 11, 23, 0, 30, 0, 0, ist)), // the day in its own zone, though it is the 22nd in UTC
		`"1969-12-31"`:                  Date(time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)),
		`{"a": [1, 2.50]}`:              JSON(`{"a": [1, 2.50]}`),
	} {
		if got := string(v.AppendJSON(nil)); got != want {
			t.Errorf("%#v: want %s, got %s", v, want, got)
		}
		if !json.Valid([]byte(want)) {
			t.Errorf("%s is not JSON", want)
		}
		if m, err := json.Marshal(v); err != nil || !json.Valid(m) {
			t.Errorf("%s: marshalled as %s, %v", want, m, err)
		}
	}
	if got := string(AppendJSONFloat(nil, math.NaN())); got != "null" {
		t.Errorf("NaN: %s", got)
	}
	if got := Text(`a"b`).String(); got != `a"b` {
		t.Errorf("a text for people: %s", got)
	}
}

// TestValueAccessors holds that each accessor answers its own types and no others.
func TestValueAccessors(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 15, 30, 0, time.UTC)
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		v       Value
		typ     FieldType
		str     string
		integer int64
		float   float64
		boolean bool
		instant time.Time
	}{
		{v: Null},
		{v: Text("x"), typ: TypeText, str: "x"},
		{v: Integer(7), typ: TypeInteger, integer: 7, float: 7},
		{v: Real(2.5), typ: TypeReal, float: 2.5},
		{v: Boolean(true), typ: TypeBoolean, integer: 1, boolean: true},
		{v: Boolean(false), typ: TypeBoolean},
		{v: Time(now), typ: TypeTime, instant: now},
		{v: Date(now), typ: TypeDate, instant: day},
		{v: JSON("[]"), typ: TypeJSON, str: "[]"},
	} {
		if c.v.Type() != c.typ || c.v.IsNull() != (c.typ == "") || c.v.Str() != c.str || c.v.Int() != c.integer ||
			c.v.Float() != c.float || c.v.Bool() != c.boolean || !c.v.AsTime().Equal(c.instant) {
			t.Errorf("%v: type %q, %q, %d, %v, %v, %v", c.v, c.v.Type(), c.v.Str(), c.v.Int(), c.v.Float(), c.v.Bool(), c.v.AsTime())
		}
		if c.typ != "" && !c.typ.Valid() {
			t.Errorf("%q is a type of values but not of fields", c.typ)
		}
	}
	if FieldType("blob").Valid() || FieldType("").Valid() {
		t.Error("a type that is none is valid")
	}
}

// TestValueEquality holds that == is equality of what is meant.
func TestValueEquality(t *testing.T) {
	if Real(math.Copysign(0, -1)) != Real(0) {
		t.Error("−0 and 0 differ")
	}
	if Time(time.Date(2026, 1, 1, 5, 30, 0, 1, ist)) != Time(time.Date(2026, 1, 1, 0, 0, 0, 999, time.UTC)) {
		t.Error("one instant, in two zones and cut to microseconds, is two values")
	}
	different := []Value{Null, Text(""), Text("0"), Integer(0), Real(0), Boolean(false), Time(time.Unix(0, 0)), Date(time.Unix(0, 0)), JSON(""), JSON("0")}
	for i, a := range different {
		for j, b := range different {
			if (a == b) != (i == j) {
				t.Errorf("%#v == %#v is %v", a, b, a == b)
			}
		}
	}
}

func TestProperties(t *testing.T) {
	p := Properties{{"a", Integer(1)}, {"b", Null}, {"c", Text("x")}}
	for _, same := range []Properties{p, {{"c", Text("x")}, {"a", Integer(1)}}, {{"a", Integer(1)}, {"c", Text("x")}, {"d", Null}}} {
		if !p.Equal(same) || !same.Equal(p) {
			t.Errorf("%v and %v differ", p, same)
		}
	}
	for _, other := range []Properties{nil, {{"a", Integer(1)}}, {{"a", Real(1)}, {"c", Text("x")}}, {{"a", Integer(1)}, {"c", Text("x")}, {"d", Integer(0)}}} {
		if p.Equal(other) || other.Equal(p) {
			t.Errorf("%v and %v are equal", p, other)
		}
	}
	if p.Get("a") != Integer(1) || !p.Get("b").IsNull() || !p.Get("zz").IsNull() {
		t.Errorf("Get: %v", p)
	}
}

// FuzzJSON holds that every text and number is written as JSON that reads back as it was.
func FuzzJSON(f *testing.F) {
	f.Add("a\"b\\\u2028<>&\x01\x7f नगर 🏙", 0.1, int64(1<<53+1), int64(0))
	f.Add("", math.MaxFloat64, int64(math.MinInt64), int64(-1))
	f.Fuzz(func(t *testing.T, s string, x float64, n, us int64) {
		var got string
		if err := json.Unmarshal(AppendJSONString([]byte{}, s), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("%q came back as %q, %v", s, got, err)
		}
		var num float64
		if b := AppendJSONFloat(nil, x); !math.IsNaN(x) && !math.IsInf(x, 0) {
			if err := json.Unmarshal(b, &num); err != nil || math.Float64bits(num) != math.Float64bits(x) {
				t.Errorf("%v written %s came back as %v, %v", x, b, num, err)
			}
		}
		var whole int64
		if err := json.Unmarshal(Integer(n).AppendJSON(nil), &whole); err != nil || whole != n {
			t.Errorf("%d came back as %d, %v", n, whole, err)
		}
		at := time.UnixMicro(us).UTC()
		if at.Year() >= 0 && at.Year() <= 9999 {
			var back time.Time
			if err := json.Unmarshal(Time(at).AppendJSON(nil), &back); err != nil || !back.Equal(at) {
				t.Errorf("%v came back as %v, %v", at, back, err)
			}
		}
		if d := Date(at).AsTime(); !d.Equal(at.Truncate(24*time.Hour)) && us >= 0 || d.After(at) {
			t.Errorf("the day of %v is %v", at, d)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	for name, v := range map[string]Value{"text": Text("a plain name"), "devanagari": Text("मुंबई महानगरपालिका"), "real": Real(38.5), "time": Time(time.Unix(1e9, 0))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 256)
			for b.Loop() {
				buf = v.AppendJSON(buf[:0])
			}
		})
	}
}

// TestJSONStringsAreThoseOfEncodingJSON tries every byte, alone and among others.
func TestJSONStringsAreThoseOfEncodingJSON(t *testing.T) {
	texts := []string{"", "plain", "दादर", "a\u2028b", "x\xffy", "\u2029", "<&>\"\\", "é & \n", "\x7f"}
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}), "ab"+string([]byte{byte(c)})+"cd&", string(rune(c)))
	}
	for _, s := range texts {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendJSONString([]byte("x"), s); string(got) != "x"+string(want) {
			t.Errorf("%q: %s, want %s", s, got[1:], want)
		}
	}
}
