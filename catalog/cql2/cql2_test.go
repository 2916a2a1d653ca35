package cql2

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// buildings is a collection with a field of every type, one of them hidden from the public.
func buildings() *catalog.Collection {
	return &catalog.Collection{Name: "buildings", Geometry: catalog.GeometryAny, Fields: []catalog.Field{
		{Name: "name", Type: catalog.TypeText},
		{Name: "floors", Type: catalog.TypeInteger},
		{Name: "height_m", Type: catalog.TypeReal},
		{Name: "pool", Type: catalog.TypeBoolean},
		{Name: "seen", Type: catalog.TypeTime},
		{Name: "built", Type: catalog.TypeDate},
		{Name: "extra", Type: catalog.TypeJSON},
		{Name: "ward no.", Type: catalog.TypeText},
		{Name: "प्रभाग", Type: catalog.TypeText},
		{Name: "eo:cloud", Type: catalog.TypeReal},
		{Name: "owner", Type: catalog.TypeText, Class: catalog.ClassPersonal},
		{Name: `q"t`, Type: catalog.TypeInteger},
	}}
}

// row is a feature in its collection.
type row struct {
	c *catalog.Collection
	f *catalog.Feature
}

func (r row) Value(i int) catalog.Value { return r.f.Props.Get(r.c.Fields[i].Name) }
func (r row) Box() (geo.Box, bool)      { return r.f.Geometry.Box(), r.f.Geometry.Type != geo.None }
func (r row) Geometry() *geo.Geometry   { return &r.f.Geometry }

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// tower is the row of most tests.
func tower() row {
	return row{buildings(), &catalog.Feature{ID: "t", Geometry: geo.NewPolygon([]float64{72.8, 19, 72.9, 19, 72.9, 19.1, 72.8, 19.1, 72.8, 19}), Props: catalog.Properties{
		{Name: "name", Value: catalog.Text("Straße des Café")},
		{Name: "floors", Value: catalog.Integer(12)},
		{Name: "height_m", Value: catalog.Real(38.5)},
		{Name: "pool", Value: catalog.Boolean(true)},
		{Name: "seen", Value: catalog.Time(time.Date(2026, 11, 23, 8, 15, 30, 0, time.UTC))},
		{Name: "built", Value: catalog.Date(day("2012-06-05"))},
		{Name: "extra", Value: catalog.JSON(`{"a":1}`)},
		{Name: "ward no.", Value: catalog.Text("F/N")},
		{Name: "प्रभाग", Value: catalog.Text("कुर्ला")},
		{Name: `q"t`, Value: catalog.Integer(math.MaxInt64)},
	}}} // eo:cloud and owner are null
}

func mustBind(t testing.TB, text string, view catalog.View) *Filter {
	t.Helper()
	x, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	f, err := x.Bind(buildings(), view)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

// TestMatch goes through the standard's constructs (21-065r2, clauses 6 to 8,
// and its examples) against one row.
func TestMatch(t *testing.T) {
	for text, want := range map[string]bool{
		// comparison
		"floors=12": true, "floors > 5": true, "floors<>12": false, "floors <= 12": true, "floors>=12.5": false, "12 = floors": true,
		"height_m < 38.6": true, "height_m = 385e-1": true, "height_m=3.85E+1": true, "floors = 12.0": true, ".5 < floors": true, "floors > -1": true,
		"name = 'Straße des Café'": true, "name <> 'x'": true, "name > 'A'": true, "pool = true": true, "pool=FALSE": false, "pool": true, "NOT pool": false, "FALSE <> pool": true,
		"built = DATE('2012-06-05')": true, "built >= date('1970-01-01')": true, "seen > TIMESTAMP('2026-11-23T08:15:29.999Z')": true,
		"seen = TIMESTAMP('2026-11-23T13:45:30+05:30')": true, "seen > DATE('2026-11-23')": true, "seen > built": true,
		`"q""t" = 9223372036854775807`: true, `"q""t" = 9223372036854775808`: false, `"q""t" < 9223372036854775808`: true, `"q""t" > 9223372036854775806.5`: false,
		// names
		`"ward no." = 'F/N'`: true, "प्रभाग = 'कुर्ला'": true, `"प्रभाग" = 'कुर्ला'`: true, "eo:cloud IS NULL": true, "eo:cloud < 0.1": false, `"floors" = 12`: true,
		// logic
		"floors>5 AND pool=true": true, "floors<5 OR pool=true": true, "NOT (floors<5) OR pool=false": true, "not floors < 5": true,
		"floors < 5 OR floors > 100 OR floors = 12": true, "floors = 1 OR floors = 12 AND pool = false": false, "(floors = 1 OR floors = 12) AND pool": true,
		"TRUE": true, "FALSE": false, "NOT NOT TRUE": true, "(floors > 5) = TRUE": true, "(floors > 5) = (height_m > 100)": false,
		// advanced comparison
		"name LIKE 'Straße%'": true, "name LIKE '%Café'": true, "name LIKE '%des%'": true, "name LIKE 'Stra_e%'": true, "name LIKE 'straße%'": false,
		"name NOT LIKE '%x%'": true, "NOT name LIKE '%x%'": true, `name LIKE 'Stra\_e%'`: false, "name LIKE ''": false, "name LIKE '%'": true,
		"floors BETWEEN 10 AND 12": true, "floors NOT BETWEEN 10 and 12": false, "floors BETWEEN 12.5 AND 13": false, "built BETWEEN DATE('2012-01-01') AND DATE('2012-12-31')": true,
		"floors IN (1, 12.0, 3)": true, "floors NOT IN (1,2,3)": true, "name IN ('a','b')": false, `"ward no." IN ('A', 'F/N')`: true, "pool IN (TRUE)": true,
		"floors IN (1, floors)": true, "name IS NULL": false, "name IS NOT NULL": true, "geom IS NOT NULL": true, "geometry IS NULL": false, "extra IS NOT NULL": true, "floors + eo:cloud IS NULL": true,
		// case and accents
		"CASEI(name) = CASEI('STRASSE DES CAFÉ')": true, "CASEI(name) = casei('STRASSE DES CAFE')": false, "ACCENTI(CASEI(name)) = ACCENTI(CASEI('strasse des cafe'))": true,
		"CASEI(ACCENTI(name)) = CASEI(ACCENTI('STRASSE DES CAFÉ'))": true, "ACCENTI(name) = ACCENTI('Straße dés Cafe')": true,
		"CASEI(name) LIKE casei('STRASSE%')": true, "CASEI(name) IN (CASEI('ΟΔΟΣ'), CASEI('STRASSE DES CAFÉ'))": true,
		"ACCENTI(प्रभाग) = ACCENTI('करला')": false, "ACCENTI(प्रभाग) = ACCENTI('कुर्ला')": true, "name LIKE CASEI('FOO%')": false,
		// arithmetic
		"height_m > (floors - 1) * 3": true, "floors + 1 = 13": true, "floors - -1 = 13": true, "floors-1=11": true, "floors / 5 = 2.4": true, "floors div 5 = 2": true,
		"floors % 5 = 2": true, "2 ^ 3 ^ 2 = 512": true, "-2 ^ 2 = -4": true, "- floors * 2.0 = -24": true, "floors / 0 = 1": false, "NOT floors / 0 = 1": false, "0 * 5 = 0": true,
		`"q""t" + 1 > "q""t"`: true, `"q""t" - 1 = 9223372036854775806`: true, "1 + 2 * 3 = 7": true, "(1 + 2) * 3 = 9": true, "10 - 2 - 3 = 5": true,
		// space
		"S_INTERSECTS(geom, BBOX(72.85,19.05,73,20))": true, "S_INTERSECTS(geometry,POINT(72.9 19.1))": true, "s_intersects(geom, POINT(72.91 19.1))": false,
		"S_INTERSECTS(BBOX(72.9, 19, 73, 20), geom)": true, "S_INTERSECTS(geom, POLYGON((70 18, 75 18, 75 21, 70 21, 70 18)))": true, "S_DISJOINT(geom, POINT Z(0 0 5))": true,
		"S_INTERSECTS(geom, LINESTRING(72 19.05, 74 19.05))": true, "S_INTERSECTS(geom, MULTIPOINT((0 0), (72.85 19.05)))": true, "S_INTERSECTS(geom, MULTIPOINT(0 0, 1 1))": false,
		"S_INTERSECTS(geom, MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((72.8 19, 73 19, 73 20, 72.8 19))))": true,
		"S_INTERSECTS(geom, MULTILINESTRING((0 0, 1 0), (72.8 19, 73 19)))":                            true,
		"S_INTERSECTS(geom, GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(72.85 19, 72.85 20)))":           true,
		"S_INTERSECTS(geom, BBOX(72.85, 19.05, -100, 73, 20, 100000))":                                 true,
		"S_WITHIN(geom, BBOX(72.8,19,72.9,19.1))":                                                      true, "S_WITHIN(geom, BBOX(72.81,19,72.9,19.1))": false,
		"S_CONTAINS(geom, POINT(72.85 19.05))": true, "S_CONTAINS(geom, POINT(72.8 19.05))": false, "S_WITHIN(POINT(72.85 19.05), geom)": true,
		// time
		"T_AFTER(built, DATE('2012-06-04'))": true, "T_BEFORE(built, DATE('2012-06-05'))": false, "T_EQUALS(built, TIMESTAMP('2012-06-05T00:00:00Z'))": true,
		"T_INTERSECTS(seen, INTERVAL('2026-11-01','..'))": true, "T_DURING(INTERVAL(built, seen), INTERVAL('..', '..'))": true, "T_DISJOINT(INTERVAL(built, seen), INTERVAL('..', '2012-06-04'))": true,
		"T_MEETS(INTERVAL('2000-01-01', '2012-06-05'), INTERVAL(built, seen))": true, "T_STARTS(INTERVAL(built, '2013-01-01'), INTERVAL(built, seen))": true,
		"T_CONTAINS(INTERVAL('2000-01-01T00:00:00Z', '2030-01-01'), INTERVAL(built, seen))": true, "T_OVERLAPS(INTERVAL(built,seen), INTERVAL('2013-01-01', '..'))": true,
	} {
		if got := mustBind(t, text, catalog.Everything).Match(tower()); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestUnknown goes through three-valued logic: § stands for a comparison with null.
func TestUnknown(t *testing.T) {
	for text, want := range map[string]truth{
		"§": unknown, "NOT §": unknown, "§ AND TRUE": unknown, "§ AND FALSE": no, "FALSE AND §": no, "§ OR TRUE": yes, "TRUE OR §": yes, "§ OR FALSE": unknown,
		"§ OR §": unknown, "(§) IS NULL": yes, "NOT (§ AND FALSE)": yes, "(§) = TRUE": unknown,
		"floors IN (1, eo:cloud)": unknown, "floors IN (12, eo:cloud)": yes, "floors NOT IN (1, eo:cloud)": unknown, "eo:cloud IN (1)": unknown,
		"floors BETWEEN 13 AND eo:cloud": no, "floors BETWEEN 1 AND eo:cloud": unknown, "floors BETWEEN eo:cloud AND 5": no, "eo:cloud BETWEEN 1 AND 2": unknown,
		"owner LIKE '%'": unknown, "owner NOT LIKE '%'": unknown, "CASEI(owner) = 'x'": unknown, "T_AFTER(seen, INTERVAL('..', '..'))": no,
	} {
		text = strings.ReplaceAll(text, "§", "eo:cloud > 1")
		f := mustBind(t, text, catalog.Everything)
		e := eval{row: tower(), scratch: &scratch{}}
		if got := e.truth(f.root); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	bare := tower()
	bare.f = &catalog.Feature{ID: "bare"}
	for _, text := range []string{"S_INTERSECTS(geom, POINT(1 1))", "S_DISJOINT(geom, POINT(1 1))", "pool", "NOT pool"} {
		if mustBind(t, text, catalog.Everything).Match(bare) {
			t.Errorf("%s matches what has nothing", text)
		}
	}
	empty := tower()
	empty.f = &catalog.Feature{ID: "empty", Geometry: geo.Geometry{Type: geo.Polygon}}
	if !mustBind(t, "S_DISJOINT(geom, POINT(1 1)) AND geom IS NOT NULL", catalog.Everything).Match(empty) {
		t.Error("an empty geometry is disjoint from all")
	}
}

// TestErrors holds that faults are named with their place.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "character 1: expected a property",
		"floors":                     "character 1: expected a truth value, this is a number",
		"floors =":                   "character 9: expected a property",
		"floors == 1":                "character 9:",
		"floors = 1 floors":          "character 12: expected AND, OR or the end",
		"floors = 'x'":               "character 10: a number cannot be compared with a text",
		"floors = 1 AND (name = 'x'": "character 27: expected \")\"",
		"name = 'x":                  "character 8: the quote that begins here has no end",
		`"ward no. = 1`:              "character 1: the quote",
		"nam = 'x'":                  `character 1: buildings has no field "nam"`,
		"प्रभाग = कुर्ला": `character 10: buildings has no field "कुर्ला"`,
		"name LIKE name":                                    "character 11: the pattern of LIKE is a text",
		"floors LIKE 'x'":                                   "character 1: expected a text",
		"floors BETWEEN 1 OR 2":                             "character 18: expected AND",
		"floors IN ()":                                      "character 12: expected",
		"floors IN (1, 'x')":                                "character 15: a number cannot be compared with a text",
		"floors IS 1":                                       "character 11: expected NULL",
		"floors NOT 1":                                      "character 12: expected LIKE",
		"pool > TRUE":                                       "character 6: truth values have no order",
		"extra = 1":                                         "character 1: JSON cannot be compared",
		"name + 1 = 2":                                      "character 1: expected a number",
		"built = DATE('2012-13-01')":                        "character 14:",
		"built = DATE(2012)":                                "character 14: DATE wants a text",
		"seen = TIMESTAMP('yesterday')":                     "character 18:",
		"avg(floors) < 4":                                   "character 1: there is no function \"avg\"",
		"S_CROSSES(geom, POINT(1 1))":                       "character 1: S_CROSSES is not supported",
		"A_CONTAINS(name, ('a'))":                           "character 1: A_CONTAINS is not supported",
		"S_INTERSECTS(geom)":                                "character 18: expected \",\"",
		"S_INTERSECTS(name, POINT(1 1))":                    "character 14: S_INTERSECTS wants the geometry",
		"S_INTERSECTS(geom, geom)":                          "character 20: S_INTERSECTS wants a geometry literal",
		"S_WITHIN(geom, POINT(1 1))":                        "character 16: here S_WITHIN is supported with a BBOX only",
		"S_INTERSECTS(geom, POINT(181 1))":                  "is not a longitude and latitude",
		"S_INTERSECTS(geom, BBOX(1,2,3))":                   "BBOX wants four numbers",
		"S_INTERSECTS(geom, BBOX(3,0,1,1))":                 "antimeridian",
		"S_INTERSECTS(geom, BBOX(0,3,1,1))":                 "south north",
		"S_INTERSECTS(geom, BBOX(-1e9,3,1,9))":              "not within",
		"S_INTERSECTS(geom, POLYGON((1 1, 2 2, 1 1)))":      "four positions",
		"S_INTERSECTS(geom, POLYGON((1 1, 2 2, 3 1, 1 2)))": "ends where it began",
		"geom = POINT(1 1)":                                 "a geometry cannot be compared",
		"1e999 = 1":                                         "too large",
		"1e = 1":                                            "exponent",
		"12abc = 1":                                         "character 3:",
		"and = 1":                                           "double quotes",
		"floors = 1 ; drop":                                 "character 12: ';' does not belong here",
		"\xff":                                              "not UTF-8",
		strings.Repeat("(", 5000) + "TRUE":                  "nested deeper than 100",
		strings.Repeat("NOT ", 5000) + "TRUE":               "nested deeper than 100",
		"floors = " + strings.Repeat("-", 500) + "1":        "nested deeper than 100",
		"floors = 1" + strings.Repeat("+1", 6000):           "more than 5000 parts",
		strings.Repeat(" ", MaxText+1):                      "longer than",
	} {
		x, err := Parse(text)
		if err == nil {
			_, err = x.Bind(buildings(), catalog.Everything)
		}
		var inv *catalog.Invalid
		if !errors.As(err, &inv) || inv.Path != "filter" || !strings.Contains(inv.Reason, want) {
			t.Errorf("%.60s: want %q, got %v", text, want, err)
		}
	}
}

// TestHidden holds that a hidden field and a missing one are told alike.
func TestHidden(t *testing.T) {
	mustBind(t, "owner = 'x'", catalog.Everything)
	for _, name := range []string{"owner", "nobody"} {
		x, err := Parse(name + " = 'x' OR TRUE")
		if err != nil {
			t.Fatal(err)
		}
		_, err = x.Bind(buildings(), catalog.Public)
		if want := `filter: character 1: buildings has no field "` + name + `"`; err == nil || err.Error() != want {
			t.Errorf("%s: want %s, got %v", name, want, err)
		}
	}
	f := mustBind(t, "floors > 1 AND name = 'x' AND floors < 9", catalog.Public)
	if got := strings.Join(f.Fields(), ","); got != "floors,name" || f.Spatial() {
		t.Errorf("fields: %s, spatial %v", got, f.Spatial())
	}
}

// TestBounds holds that the box that a filter names may stand for it in an index.
func TestBounds(t *testing.T) {
	for text, want := range map[string]geo.Box{
		"S_INTERSECTS(geom, BBOX(1,2,3,4)) AND floors > 1":                         {W: 1, S: 2, E: 3, N: 4},
		"S_INTERSECTS(geom, BBOX(1,2,3,4)) AND S_WITHIN(geom, BBOX(2,2,9,9))":      {W: 2, S: 2, E: 3, N: 4},
		"S_INTERSECTS(geom, BBOX(1,2,3,4)) OR S_CONTAINS(geom, POINT(5 5))":        {W: 1, S: 2, E: 5, N: 5},
		"S_INTERSECTS(geom, BBOX(1,2,3,4)) OR floors > 1":                          {W: math.Inf(-1), S: math.Inf(-1), E: math.Inf(1), N: math.Inf(1)},
		"NOT S_INTERSECTS(geom, BBOX(1,2,3,4)) AND S_DISJOINT(geom,BBOX(1,2,3,4))": {W: math.Inf(-1), S: math.Inf(-1), E: math.Inf(1), N: math.Inf(1)},
	} {
		if got := mustBind(t, text, catalog.Everything).Bounds(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestWithinContains goes through the boundary rules of within and contains.
func TestWithinContains(t *testing.T) {
	line := geo.NewLineString([]float64{0, 0, 0, 1, 1, 1})
	for _, c := range []struct {
		g    geo.Geometry
		text string
		want bool
	}{
		{geo.NewPoint(0, 0.5), "S_WITHIN(geom, BBOX(0,0,1,1))", false},
		{geo.NewPoint(0.5, 0.5), "S_WITHIN(geom, BBOX(0,0,1,1))", true},
		{geo.Geometry{Type: geo.MultiPoint, Coords: []float64{0, 0, 0.5, 0.5}}, "S_WITHIN(geom, BBOX(0,0,1,1))", true},
		{line, "S_WITHIN(geom, BBOX(0,0,1,1))", false}, // all along the border
		{line, "S_WITHIN(geom, BBOX(-1,0,1,1))", true},
		{geo.NewLineString([]float64{0, 0, 1, 1}), "S_WITHIN(geom, BBOX(0,0,1,1))", true},
		{geo.Geometry{Type: geo.Polygon}, "S_WITHIN(geom, BBOX(0,0,1,1))", false},
		{line, "S_CONTAINS(geom, POINT(0 1))", true},
		{line, "S_CONTAINS(geom, POINT(0 0))", false},
		{geo.NewLineString([]float64{0, 0, 1, 0, 0, 1, 0, 0}), "S_CONTAINS(geom, POINT(0 0))", true},
		{geo.NewPoint(2, 2), "S_CONTAINS(geom, POINT(2 2))", true},
		{geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{line, geo.NewPoint(0, 0)}}, "S_CONTAINS(geom, POINT(0 0))", true},
	} {
		r := row{buildings(), &catalog.Feature{Geometry: c.g}}
		if got := mustBind(t, c.text, catalog.Everything).Match(r); got != c.want {
			t.Errorf("%v %s: %v", c.g, c.text, got)
		}
	}
}

// TestLike compares patterns with a slow matcher.
func TestLike(t *testing.T) {
	texts := []string{"", "a", "aa", "ab", "ba", "aba", "abab", "नाव", "aनb", "%", "_", `\`, "a%b"}
	patterns := []string{"", "%", "_", "%%", "a", "a%", "%a", "%a%", "a%b", "a_b", "_a", "a_", "%ab", "ab%", "%a%b%", "a%a", "%_a", "_%_", "__%", "न_%", "%_व", `\%`, `\_`, `\\`, `a\%b`, "%b%a%"}
	for _, s := range texts {
		for _, p := range patterns {
			like := newPattern(p, 0)
			if got, want := like.matches(s), slowLike([]rune(p), []rune(s)); got != want {
				t.Errorf("%q LIKE %q: %v", s, p, got)
			}
		}
	}
	long := newPattern(strings.Repeat("%a", 200)+"b", 0)
	start := time.Now()
	long.matches(strings.Repeat("a", 20000))
	if d := time.Since(start); d > 30*time.Second { // a matcher that tries all ways does not end in this life
		t.Errorf("a hostile pattern took %v", d)
	}
}

func slowLike(p, s []rune) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	switch {
	case p[0] == '%':
		return slowLike(p[1:], s) || len(s) > 0 && slowLike(p, s[1:])
	case len(s) == 0:
		return false
	case p[0] == '_':
		return slowLike(p[1:], s[1:])
	case p[0] == '\\' && len(p) > 1:
		p = p[1:]
	}
	return p[0] == s[0] && slowLike(p[1:], s[1:])
}
