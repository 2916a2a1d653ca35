package cql2

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// question is a random filter and what it must answer, made side by side: the
// answer is a plain function over a map, with nil for null and for unknown.
type question struct {
	text   string
	answer func(map[string]any) any
}

type asker struct{ *rand.Rand }

// TestRandom compares random filters on random rows with their plain answers.
func TestRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("SEED=%d", seed)
	a := asker{rand.New(rand.NewPCG(seed, 1))}
	c := buildings()
	matched := 0
	for range 4000 {
		q := a.boolean(4)
		x, err := Parse(q.text)
		if err != nil {
			t.Fatalf("%s: %v", q.text, err)
		}
		f, err := x.Bind(c, catalog.Everything)
		if err != nil {
			t.Fatalf("%s: %v", q.text, err)
		}
		for range 10 {
			values, r := a.row(c)
			want := q.answer(values) == true
			if got := f.Match(r); got != want {
				t.Fatalf("%s\non %v: got %v", q.text, values, got)
			} else if got {
				matched++
			}
			if got := meetsAll(f.Conditions(), r, len(c.Fields)); got != want {
				t.Fatalf("%s\non %v: its conditions together: %v", q.text, values, got)
			}
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matches: the test tests little", matched)
	}
}

// row draws the values of a feature, each null now and then.
// meetsAll asks each condition; one that reads a single field is shown no other.
func meetsAll(conditions []Condition, r row, fields int) bool {
	for _, c := range conditions {
		var shown Row = r
		if c.Field >= 0 {
			alone := &columns{values: make([]catalog.Value, fields)}
			alone.values[c.Field] = r.Value(c.Field)
			shown = alone
		}
		if !c.Match(shown) {
			return false
		}
	}
	return true
}

func (a asker) row(c *catalog.Collection) (map[string]any, row) {
	values := map[string]any{}
	f := &catalog.Feature{ID: "r", Geometry: geo.NewPoint(float64(a.IntN(4)), float64(a.IntN(4)))}
	set := func(name string, v any, w catalog.Value) {
		if a.IntN(4) > 0 {
			values[name] = v
			f.Props = append(f.Props, catalog.Property{Name: name, Value: w})
		}
	}
	n := int64(a.IntN(7) - 3)
	set("floors", big.NewRat(n, 1), catalog.Integer(n))
	h := float64(a.IntN(9)-4) / 2
	set("height_m", new(big.Rat).SetFloat64(h), catalog.Real(h))
	s := a.word()
	set("name", s, catalog.Text(s))
	b := a.IntN(2) == 0
	set("pool", b, catalog.Boolean(b))
	values["x"], values["y"] = f.Geometry.Coords[0], f.Geometry.Coords[1]
	return values, row{c, f}
}

func (a asker) word() string { return []string{"", "a", "b", "ab", "ba", "aab", "न"}[a.IntN(7)] }

// boolean draws a truth-valued expression.
func (a asker) boolean(depth int) question {
	if depth > 0 {
		switch a.IntN(5) {
		case 0:
			return a.junction("AND", false, depth)
		case 1:
			return a.junction("OR", true, depth)
		case 2:
			q := a.boolean(depth - 1)
			return question{"NOT (" + q.text + ")", func(r map[string]any) any {
				if v := q.answer(r); v != nil {
					return !v.(bool)
				}
				return nil
			}}
		}
	}
	switch a.IntN(8) {
	case 0:
		return question{"pool", func(r map[string]any) any { return r["pool"] }}
	case 1:
		return a.isNull()
	case 2:
		return a.between()
	case 3:
		return a.in()
	case 4:
		return a.like()
	case 5:
		return a.box()
	}
	return a.comparison()
}

// junction is AND, decided by false, or OR, decided by true.
func (a asker) junction(word string, decides bool, depth int) question {
	p, q := a.boolean(depth-1), a.boolean(depth-1)
	return question{"(" + p.text + ") " + word + " (" + q.text + ")", func(r map[string]any) any {
		v, w := p.answer(r), q.answer(r)
		switch {
		case v == decides || w == decides:
			return decides
		case v == nil || w == nil:
			return nil
		}
		return !decides
	}}
}

var signs = map[string]func(int) bool{
	"=": func(c int) bool { return c == 0 }, "<>": func(c int) bool { return c != 0 }, "<": func(c int) bool { return c < 0 },
	"<=": func(c int) bool { return c <= 0 }, ">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
}

func (a asker) comparison() question {
	p, q := a.number(2), a.number(2)
	if a.IntN(3) == 0 {
		p, q = a.text(), a.text()
	}
	sign := []string{"=", "<>", "<", "<=", ">", ">="}[a.IntN(6)]
	return question{p.text + " " + sign + " " + q.text, func(r map[string]any) any {
		return compared(p.answer(r), q.answer(r), signs[sign])
	}}
}

func compared(v, w any, ok func(int) bool) any {
	if v == nil || w == nil {
		return nil
	}
	if s, is := v.(string); is {
		return ok(strings.Compare(s, w.(string)))
	}
	return ok(v.(*big.Rat).Cmp(w.(*big.Rat)))
}

// number draws an exact expression: halves stay exact under + - and *.
func (a asker) number(depth int) question {
	if depth > 0 && a.IntN(3) == 0 {
		p, q := a.number(depth-1), a.number(depth-1)
		sign := []string{"+", "-", "*"}[a.IntN(3)]
		return question{"(" + p.text + ") " + sign + " (" + q.text + ")", func(r map[string]any) any {
			v, w := p.answer(r), q.answer(r)
			if v == nil || w == nil {
				return nil
			}
			out := new(big.Rat)
			switch sign {
			case "+":
				return out.Add(v.(*big.Rat), w.(*big.Rat))
			case "-":
				return out.Sub(v.(*big.Rat), w.(*big.Rat))
			}
			return out.Mul(v.(*big.Rat), w.(*big.Rat))
		}}
	}
	switch a.IntN(4) {
	case 0:
		return question{"floors", func(r map[string]any) any { return r["floors"] }}
	case 1:
		return question{`"height_m"`, func(r map[string]any) any { return r["height_m"] }}
	case 2:
		f := float64(a.IntN(9)-4) / 2
		return question{fmt.Sprint(f), func(map[string]any) any { return new(big.Rat).SetFloat64(f) }}
	}
	n := int64(a.IntN(7) - 3)
	return question{fmt.Sprint(n), func(map[string]any) any { return big.NewRat(n, 1) }}
}

func (a asker) text() question {
	if a.IntN(2) == 0 {
		return question{"name", func(r map[string]any) any { return r["name"] }}
	}
	s := a.word()
	return question{"'" + s + "'", func(map[string]any) any { return s }}
}

func (a asker) isNull() question {
	name := []string{"floors", "height_m", "name", "pool"}[a.IntN(4)]
	if a.IntN(2) == 0 {
		return question{name + " IS NOT NULL", func(r map[string]any) any { return r[name] != nil }}
	}
	return question{name + " IS NULL", func(r map[string]any) any { return r[name] == nil }}
}

func (a asker) between() question {
	v, low, high := a.number(1), a.number(1), a.number(1)
	return question{v.text + " BETWEEN " + low.text + " AND " + high.text, func(r map[string]any) any {
		x := compared(v.answer(r), low.answer(r), signs[">="])
		y := compared(v.answer(r), high.answer(r), signs["<="])
		switch {
		case x == false || y == false:
			return false
		case x == nil || y == nil:
			return nil
		}
		return true
	}}
}

func (a asker) in() question {
	draw := func() question { return a.number(1) }
	if a.IntN(2) == 0 {
		draw = a.text
	}
	v := draw()
	items := []question{draw(), draw(), draw()}
	return question{v.text + " IN (" + items[0].text + "," + items[1].text + "," + items[2].text + ")", func(r map[string]any) any {
		var out any = false
		for _, q := range items {
			switch compared(v.answer(r), q.answer(r), signs["="]) {
			case true:
				return true
			case nil:
				out = nil
			}
		}
		return out
	}}
}

func (a asker) like() question {
	p := []string{"%", "a%", "%a", "_", "a_%", "%b%", "न", ""}[a.IntN(8)]
	return question{"name LIKE '" + p + "'", func(r map[string]any) any {
		if r["name"] == nil {
			return nil
		}
		return slowLike([]rune(p), []rune(r["name"].(string)))
	}}
}

func (a asker) box() question {
	w, s := a.IntN(4), a.IntN(4)
	e, n := w+a.IntN(3), s+a.IntN(3)
	return question{fmt.Sprintf("S_INTERSECTS(geom, BBOX(%d,%d,%d,%d))", w, s, e, n), func(r map[string]any) any {
		x, y := r["x"].(float64), r["y"].(float64)
		return float64(w) <= x && x <= float64(e) && float64(s) <= y && y <= float64(n)
	}}
}

// FuzzParse holds that no text makes a panic, and that what parses twice is the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"floors > 5 AND (name LIKE 'a%' OR NOT pool)", "CASEI(ACCENTI(name)) IN (CASEI('É'), 'ß')", "S_INTERSECTS(geom, POLYGON((0 0,1 0,1 1,0 0)))",
		"T_DURING(INTERVAL(built, '..'), INTERVAL('2012-01-01', '2026-11-23T08:15:30Z'))", "floors BETWEEN -1 AND 2^3^-1 % 7 DIV 2", `"q""t" IS NOT NULL`,
		"S_WITHIN(geom, BBOX(1,2,3,4))", "S_CONTAINS(geom, POINT Z(1 2 3))", "S_INTERSECTS(GEOMETRYCOLLECTION(MULTIPOINT(1 1,(2 2)),LINESTRING(0 0,1 1)),geom)", "1e5=.5e-3", "'it''s' = 'it\\'s'",
	} {
		f.Add(s, "x", int64(3), 0.5)
	}
	c := buildings()
	f.Fuzz(func(t *testing.T, text, name string, n int64, h float64) {
		x, err := Parse(text)
		if err != nil {
			return
		}
		filter, err := x.Bind(c, catalog.Everything)
		if err != nil {
			return
		}
		r := tower()
		r.f.Props = append(catalog.Properties{{Name: "name", Value: catalog.Text(strings.ToValidUTF8(name, ""))}, {Name: "floors", Value: catalog.Integer(n)}, {Name: "height_m", Value: catalog.Real(h)}}, r.f.Props...)
		got := filter.Match(r)
		if again := filter.Match(r); got != again {
			t.Errorf("%s: %v, then %v", text, got, again)
		}
		negated, err := Parse("NOT (" + text + ")")
		if err != nil {
			return // one bracket too deep or one byte too long
		}
		if not, err := negated.Bind(c, catalog.Everything); err != nil || got && not.Match(r) {
			t.Errorf("%s: it and its negation are both true (%v)", text, err)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for name, text := range map[string]string{
		"number":    "floors > 5 AND height_m < 100",
		"text":      "name LIKE 'Str%' AND \"ward no.\" IN ('A','B','C','D','E','F/N')",
		"fold":      "CASEI(ACCENTI(name)) = CASEI(ACCENTI('STRASSE DES CAFÉ'))",
		"intersect": "S_INTERSECTS(geom, POLYGON((72.85 19.05, 73 19.05, 73 20, 72.85 19.05)))",
		"box":       "S_INTERSECTS(geom, BBOX(72.7,18.9,73,20))",
	} {
		b.Run(name, func(b *testing.B) {
			f, r := mustBind(b, text, catalog.Everything), &columns{}
			src := tower()
			for i := range src.c.Fields {
				r.values = append(r.values, src.Value(i))
			}
			r.geom = src.f.Geometry
			b.ReportAllocs()
			for b.Loop() {
				if !f.Match(r) {
					b.Fatal("no match")
				}
			}
		})
	}
}

// columns is a row as an index has it.
type columns struct {
	values []catalog.Value
	geom   geo.Geometry
}

func (c *columns) Value(i int) catalog.Value { return c.values[i] }
func (c *columns) Box() (geo.Box, bool)      { return c.geom.Box(), true }
func (c *columns) Geometry() *geo.Geometry   { return &c.geom }

// TestMatchAllocates holds matching to no allocation.
func TestMatchAllocates(t *testing.T) {
	r := &columns{values: make([]catalog.Value, len(buildings().Fields)), geom: tower().f.Geometry}
	for i := range r.values {
		r.values[i] = tower().Value(i)
	}
	for _, text := range []string{
		"floors > 5 AND name LIKE '%a%' AND floors IN (1,2,12)", "S_INTERSECTS(geom, LINESTRING(72.8 19.05, 72.9 19.04))",
		"S_CONTAINS(geom, POINT(72.85 19.05))", "T_DURING(built, INTERVAL('2000-01-01','..'))", "floors * 2 + 1 = 25",
	} {
		f := mustBind(t, text, catalog.Everything)
		if n := testing.AllocsPerRun(100, func() { f.Match(r) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
