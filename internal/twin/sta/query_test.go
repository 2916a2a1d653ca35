package sta

import (
	"errors"
	"net/url"
	"testing"
)

type emptyRow struct{}

func (emptyRow) value(path []string) any {
	if path[0] == "name" {
		return "Gauge"
	}
	if path[0] == "n" {
		return 7.
	}
	return nil
}

func TestExpressions(t *testing.T) {
	for text, want := range map[string]any{
		"1 add 2 mul 3 eq 7": true, "(1 add 2) mul 3 eq 9": true, "n mod 4 eq 3": true, "-n lt 0": nil, "not n gt 8 and true": true, "n gt 8 or name eq 'Gauge'": true,
		"name eq 'gauge'": false, "tolower(name) eq 'gauge'": true, "substring(name,1,2) eq 'au'": true, "indexof(name,'g') eq 3": true, "length('it''s') eq 4": true,
		"concat('a','b') eq 'ab'": true, "nothing eq null": true, "nothing lt 5": false, "name ne null": true, "name gt 5": false, "round(2.5) eq 3": true,
		"year(2026-06-01T10:00:00Z) eq 2026": true, "2026-06-01T10:00:00Z lt 2026-06-01T16:00:00+05:30": true, "2026-06-01T10:00:00Z eq 2026-06-01T15:30:00+05:30": true,
		"st_within(geography'POINT(1 1)', geography'POLYGON((0 0,2 0,2 2,0 2,0 0))')": true, "st_disjoint(geography'POINT(5 5)', geography'POLYGON((0 0,2 0,2 2,0 2,0 0))')": true,
		"n div 0 gt 5": true, "name add 1 eq 2": false,
	} {
		x, err := parseFilter("$filter", text)
		if err != nil {
			if want != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if got := x.eval(emptyRow{}); got != want && want != nil {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// FuzzQuery: whatever is asked gets an answer or an *Error, and expressions can be
// evaluated.
func FuzzQuery(f *testing.F) {
	f.Add("$filter", "substringof('a',name) and phenomenonTime gt 2026-06-01T10:00:00Z or not (geo.distance(location,geography'POINT(1 2)') lt 5)")
	f.Add("$expand", "Datastreams($select=name;$expand=Observations($top=1;$orderby=phenomenonTime desc)),Locations/Things")
	f.Add("$orderby", "name desc,length(name)")
	f.Add("path", "Datastreams('a''b(c)/d')/Observations(3)/result/$value")
	f.Fuzz(func(t *testing.T, name, text string) {
		var known *Error
		if name == "path" {
			if _, err := parsePath(text); err != nil && !errors.As(err, &known) {
				t.Fatal(err)
			}
			return
		}
		q, err := parseQuery(url.Values{name: {text}})
		if err != nil && !errors.As(err, &known) {
			t.Fatal(err)
		}
		if err == nil && q.filter != nil {
			q.filter.eval(emptyRow{})
		}
	})
}
