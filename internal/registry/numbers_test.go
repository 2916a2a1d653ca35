package registry

import (
	"fmt"
	"strings"
	"testing"

	"nagar/catalog"
)

// TestAliases gives, finds and takes numbers.
func TestAliases(t *testing.T) {
	eachStore(t, func(c *town) {
		a, b := nth(1), nth(2)
		c.put(Buildings, "b1", 2000, square(0), "uid", a)
		c.put(Buildings, "b2", 2000, square(1), "uid", b)
		found := func(value string, when catalog.At) string {
			c.Helper()
			all, err := c.r.ByAlias(c.ctx, "", value, when, catalog.Everything)
			if err != nil {
				c.Fatal(err)
			}
			var out []string
			for _, f := range all {
				out = append(out, fmt.Sprint(f.UID, " ", f.Match, " ", f.Score))
			}
			return strings.Join(out, ", ")
		}
		c.do(a, `{"kind":"alias","date":"2010-01-01","alias":{"scheme":"CTS","value":"CTS No. 12/3-A","source":"Land Records"}}`)
		c.refuses(b, `{"kind":"alias","alias":{"scheme":"cts","value":"cts no 12 3a"}}`, "is held by "+a)
		for value, want := range map[string]string{
			"CTS No. 12/3-A": a + " cts 1", "ctsno123a": a + " cts 0.95", "CTS 12": "", a: a + " uid 1", strings.ToLower(a): a + " uid 1", nth(7): "", "": "", "x' or 1": "",
		} {
			if got := found(value, catalog.At{}); got != want {
				c.Errorf("%q: %q, want %q", value, got, want)
			}
		}
		if got := found("CTS No. 12/3-A", catalog.At{AsOf: at(2009)}); got != "" {
			c.Errorf("before it was given: %s", got)
		}
		c.do(a, `{"kind":"end_alias","date":"2020-01-01","alias":{"scheme":"cts","value":"CTS No. 12/3-A"}}`)
		c.refuses(a, `{"kind":"end_alias","alias":{"scheme":"cts","value":"CTS No. 12/3-A"}}`, "does not hold")
		c.do(b, `{"kind":"alias","date":"2021-01-01","alias":{"scheme":"cts","value":"CTS No. 12/3-A"}}`)
		for when, want := range map[int]string{2015: a + " cts 1", 2020: "", 2022: b + " cts 1"} {
			if got := found("CTS No. 12/3-A", catalog.At{AsOf: at(when).AddDate(0, 6, 0)}); got != want {
				c.Errorf("in %d: %q, want %q", when, got, want)
			}
		}
		// What a demolished structure held is free.
		c.do(b, `{"kind":"demolish","date":"2023-01-01"}`)
		c.do(a, `{"kind":"alias","date":"2023-02-01","alias":{"scheme":"cts","value":"CTS No. 12/3-A"}}`)
		if got := found("CTS No. 12/3-A", catalog.At{}); got != a+" cts 1" {
			c.Errorf("after the holder was demolished: %s", got)
		}
		for _, bad := range []string{`{}`, `{"scheme":"cts","value":" - "}`, `{"scheme":"","value":"1"}`, `{"scheme":"cts","value":"` + strings.Repeat("1", 500) + `"}`} {
			c.refuses(a, `{"kind":"alias","alias":`+bad+`}`, "alias")
		}
		if got, err := c.r.ByAlias(c.ctx, "", "CTS No. 12/3-A", catalog.At{}, catalog.Public); err != nil || len(got) != 0 {
			c.Errorf("to who does not see aliases: %v, %v", got, err)
		}
	})
}

// TestUnitsOfPlan makes units in bulk.
func TestUnitsOfPlan(t *testing.T) {
	eachStore(t, func(c *town) {
		a := nth(1)
		c.put(Buildings, "b1", 2000, square(0), "uid", a, "ward", "K/W")
		const plan = `{"kind":"units","date":"2005-01-01","plan":[{"from":"B1","units":1,"use":"parking"},{"from":"00","units":4,"use":"shop","area_m2":20},{"from":"01","to":"07","units":3,"first":11,"use":"flat","area_m2":60.5}]}`
		done := c.do(a, plan)
		s := c.structure(a, catalog.At{}, catalog.Everything)
		if s.Units.Count != 26 || s.Units.ByUse["flat"] != 21 || s.Units.Floors != 9 || s.Units.AreaM2 != 80+21*60.5 {
			c.Errorf("units: %+v", s.Units)
		}
		f, err := c.store.Feature(c.ctx, Units, a+"/03-0012", catalog.At{})
		if err != nil || f.Props.Get("ward").Str() != "K/W" || f.Props.Get("floor").Str() != "03" {
			c.Errorf("unit: %+v, %v", f, err)
		}
		c.do(a, plan) // again changes nothing but the list of events
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Units.Count != 26 || len(s.Events) != 2 {
			c.Errorf("the same plan again: %+v", s.Units)
		}
		c.do(a, `{"kind":"undo","event":"`+done.Event.ID+`"}`)
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Units.Count != 0 {
			c.Errorf("undone: %+v", s.Units)
		}
		for _, bad := range []string{`{"from":"1a","units":1}`, `{"from":"","units":1}`, `{"from":"05","to":"02","units":1}`, `{"from":"01","units":0}`, `{"from":"01","units":10000}`,
			`{"from":"00","to":"300","units":9000}`, `{"from":"B0","units":1}`, `{"from":"-1","units":1}`, `{"from":"01","units":2},{"from":"01","units":1}`} {
			c.refuses(a, `{"kind":"units","plan":[`+bad+`]}`, "")
		}
		c.refuses(a, `{"kind":"units"}`, "no units")
	})
}

// TestWings makes the units of three wings from plans, and makes them again.
func TestWings(t *testing.T) {
	eachStore(t, func(c *town) {
		a := nth(1)
		c.put(Buildings, "b1", 2000, square(0), "uid", a, "ward", "A")
		plan := func(text string) { c.Helper(); c.do(a, `{"kind":"units","plan":[`+text+`]}`) }
		wings := `{"wing":"A","from":"01","to":"02","units":2,"use":"flat","area_m2":50},{"wing":"B","from":"01","to":"03","units":3,"use":"flat"}`
		units := func() string {
			page, err := c.r.Records(c.ctx, a, Units, catalog.At{}, catalog.Everything, 1000, "")
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for i := range page.Records {
				id, wing := page.Records[i].ID, catalog.Properties(page.Records[i].Values).Get("wing").Str()
				b.WriteString(" " + strings.TrimPrefix(id, a) + wing)
			}
			return b.String()
		}
		plan(wings)
		want := " /01-0001A /01-0002A /01-0003B /01-0004B /01-0005B /02-0001A /02-0002A /02-0003B /02-0004B /02-0005B /03-0001B /03-0002B /03-0003B"
		if got := units(); got != want {
			t.Errorf("units:%s\nwant  %s", got, want)
		}
		plan(wings) // again: the same units
		if got := units(); got != want {
			t.Errorf("made again:%s\nwant       %s", got, want)
		}
		plan(`{"wing":"A","from":"02","units":3},{"wing":"C","from":"B1","units":1},{"wing":"D","from":"01","units":1,"first":100}`)
		want = " /01-0001A /01-0002A /01-0003B /01-0004B /01-0005B /01-0100D /02-0001A /02-0002A /02-0003B /02-0004B /02-0005B /02-0006A /03-0001B /03-0002B /03-0003B /B1-0001C"
		if got := units(); got != want {
			t.Errorf("more:%s\nwant %s", got, want)
		}
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Units.Count != 16 || s.Units.ByWing["A"] != 5 || s.Units.ByWing["B"] != 9 || s.Units.AreaM2 != 200 {
			t.Errorf("summary: %+v", s.Units)
		}
		c.refuses(a, `{"kind":"units","plan":[{"wing":"`+strings.Repeat("w", 50)+`","from":"01","units":1}]}`, "wing")
		c.refuses(a, `{"kind":"units","plan":[{"wing":"D","from":"01","units":9999},{"wing":"D","from":"01","units":1}]}`, "units")
	})
}
