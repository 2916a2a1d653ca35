package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// internal sees what is public or internal.
var internal = catalog.NewView("internal", func(c *catalog.Collection) []catalog.Tier {
	if c.Class > catalog.ClassInternal {
		return nil
	}
	var t catalog.Tier
	for i := range c.Fields {
		if c.Fields[i].Class <= catalog.ClassInternal {
			t.Fields = append(t.Fields, i)
		}
	}
	return []catalog.Tier{t}
})

// TestPage joins what all departments know of a structure, on two clocks.
func TestPage(t *testing.T) {
	eachStore(t, func(c *town) {
		c.departments()
		a, b := nth(1), nth(2)
		c.put(Buildings, "b1", 2000, square(0), "uid", a, "floors", 3, "height_m", 9.5)
		c.put(Buildings, "b2", 2000, square(1), "uid", b, "floors", 1)
		before := c.put("property_tax", "t1", 2010, geo.Geometry{}, "uid", a, "account", "AX-1", "owner_name", "Secret")
		c.put("property_tax", "t2", 2010, geo.Geometry{}, "uid", b, "account", "AX-2")
		c.put(Buildings, "b1", 2015, square(0), "uid", a, "floors", 5, "height_m", 15.5)
		for i, end := range []time.Time{today, today.AddDate(0, 0, -1), today.AddDate(0, 0, 30), today.AddDate(2, 0, 0)} {
			c.put("fire_noc", fmt.Sprint("n", i), 2016, geo.Geometry{}, "structure", a, "issued", at(2016), "expires", end)
		}
		c.put("fire_noc", "later", 2016, geo.Geometry{}, "structure", a, "issued", today.AddDate(0, 1, 0), "expires", today.AddDate(1, 0, 0))
		c.put(Aliases, "cts:12", 2012, geo.Geometry{}, "uid", a, "scheme", "cts", "value", "CTS 12", "key", "CTS12")
		for i, use := range []string{"shop", "flat", "flat"} {
			c.put(Units, fmt.Sprintf("%s/0%d-0001", a, i), 2001, geo.Geometry{}, "uid", a, "floor", fmt.Sprintf("0%d", i), "use", use, "area_m2", 50.5)
		}
		c.put("sensors", "s1", 2001, geo.NewPoint(72.85, 19.05), "uid", a, "kind", "rain")

		s := c.structure(a, catalog.At{}, catalog.Everything)
		if s.Status.Value != InUse || s.Status.Basis != "survey" || s.fact("floors") != "5 (buildings/b1)" || s.Geometry.Type != geo.Polygon || len(s.Footprints) != 1 {
			c.Errorf("the structure: %+v", s)
		}
		if s.Units.Count != 3 || s.Units.ByUse["flat"] != 2 || s.Units.Floors != 3 || s.Units.AreaM2 != 151.5 {
			c.Errorf("units: %+v", s.Units)
		}
		var states []string
		for _, cert := range s.Certificates {
			states = append(states, cert.ID+" "+cert.State)
		}
		if want := []string{"later not_yet", "n0 expiring", "n1 expired", "n2 expiring", "n3 valid"}; !slices.Equal(states, want) {
			c.Errorf("certificates: %v, want %v", states, want)
		}
		var sets []string
		for _, d := range s.Records {
			for _, set := range d.Sets {
				sets = append(sets, fmt.Sprint(d.Name, " ", set.Collection, " ", set.Count))
			}
		}
		if want := []string{"Assessment property_tax 1", "Disaster Management sensors 1", "Fire Brigade fire_noc 5"}; !slices.Equal(sets, want) {
			c.Errorf("records: %v, want %v", sets, want)
		}
		if rec := s.Records[0].Sets[0].Records[0]; catalog.Properties(rec.Values).Get("owner_name").Str() != "Secret" || rec.Rev != before || !rec.Since.Equal(at(2010)) {
			c.Errorf("a record with its source: %+v", rec)
		}
		if len(s.Aliases) != 1 || s.Aliases[0].Value != "CTS 12" || len(s.Codes) == 0 {
			c.Errorf("aliases: %+v %+v", s.Aliases, s.Codes)
		}
		// Another date, another time of knowing.
		if s := c.structure(a, catalog.At{AsOf: at(2011)}, catalog.Everything); s.fact("floors") != "3 (buildings/b1)" || len(s.Certificates) != 0 || len(s.Aliases) != 0 || len(s.Records) != 2 {
			c.Errorf("in 2011: %+v", s)
		}
		if s := c.structure(a, catalog.At{Known: before}, catalog.Everything); s.fact("floors") != "3 (buildings/b1)" || len(s.Records) != 1 || s.Units.Count != 0 {
			c.Errorf("as known first: %+v", s)
		}
		if s := c.structure(a, catalog.At{AsOf: at(2017)}, catalog.Everything); s.Certificates[1].State != CertificateValid {
			c.Errorf("certificates in 2017: %+v", s.Certificates)
		}
		for _, id := range []string{nth(3), ""} {
			if _, err := c.r.Structure(c.ctx, id, catalog.At{}, catalog.Everything, today); !errors.Is(err, ErrUnknown) {
				c.Errorf("structure %q: %v", id, err)
			}
		}
		if _, err := c.r.Structure(c.ctx, a, catalog.At{AsOf: at(1999)}, catalog.Everything, today); !errors.Is(err, ErrUnknown) {
			c.Errorf("before it was there: %v", err)
		}
		c.viewsDiffer(a)
		c.pagesOfRecords(a)
	})
}

// viewsDiffer holds that a page is made of what the caller sees only.
func (c *town) viewsDiffer(id string) {
	c.Helper()
	text := func(view catalog.View) string {
		b, err := json.Marshal(c.structure(id, catalog.At{}, view))
		if err != nil {
			c.Fatal(err)
		}
		return string(b)
	}
	for _, v := range []struct {
		view        catalog.View
		shows, lack string
	}{
		{catalog.Everything, "Secret AX-1 fire_noc CTS rain", ""},
		{internal, "AX-1 CTS rain flat", "Secret fire_noc"},
		{catalog.Public, "rain floors", "Secret AX-1 fire_noc CTS flat"},
	} {
		got := text(v.view)
		for _, word := range strings.Fields(v.shows) {
			if !strings.Contains(got, word) {
				c.Errorf("%s does not see %s: %s", v.view.Key(), word, got)
			}
		}
		for _, word := range strings.Fields(v.lack) {
			if strings.Contains(got, word) {
				c.Errorf("%s sees %s: %s", v.view.Key(), word, got)
			}
		}
	}
	if _, err := c.r.Structure(c.ctx, id, catalog.At{}, catalog.View{}, today); !errors.Is(err, ErrUnknown) {
		c.Errorf("to who sees nothing: %v", err)
	}
	// A row whose link is hidden is about no structure.
	blind := catalog.NewView("blind", func(c *catalog.Collection) []catalog.Tier {
		var t catalog.Tier
		for i := range c.Fields {
			if c.Name == Buildings || c.Fields[i].Name != "uid" {
				t.Fields = append(t.Fields, i)
			}
		}
		return []catalog.Tier{t}
	})
	if got := text(blind); strings.Contains(got, "AX-1") || strings.Contains(got, "CTS") {
		c.Errorf("rows whose link is hidden: %s", got)
	}
}

// pagesOfRecords reads all records a few at a time.
func (c *town) pagesOfRecords(id string) {
	c.Helper()
	var got []string
	for after := ""; ; {
		page, err := c.r.Records(c.ctx, id, "", catalog.At{}, catalog.Everything, 2, after)
		if err != nil {
			c.Fatal(err)
		}
		for _, r := range page.Records {
			got = append(got, r.Collection+"/"+r.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if want := []string{"fire_noc/later", "fire_noc/n0", "fire_noc/n1", "fire_noc/n2", "fire_noc/n3", "property_tax/t1", "sensors/s1"}; !slices.Equal(got, want) {
		c.Errorf("all records: %v", got)
	}
	if page, err := c.r.Records(c.ctx, id, Units, catalog.At{}, internal, 100, ""); err != nil || len(page.Records) != 3 {
		c.Errorf("units: %+v, %v", page, err)
	}
	for _, name := range []string{"nowhere", "fire_noc"} {
		if _, err := c.r.Records(c.ctx, id, name, catalog.At{}, internal, 100, ""); !errors.Is(err, catalog.ErrNotFound) {
			c.Errorf("records of %s, which is not there for them: %v", name, err)
		}
	}
}

// TestGone holds that a UID is known for ever, also where a survey just lost it.
func TestGone(t *testing.T) {
	eachStore(t, func(c *town) {
		a := nth(1)
		there := c.put(Buildings, "b1", 2000, square(0), "uid", a)
		c.apply(catalog.Op{Kind: catalog.Delete, Collection: Buildings, Feature: catalog.Feature{ID: "b1", ValidFrom: at(2020)}})
		if s := c.structure(a, catalog.At{}, catalog.Public); s.Status.Value != Retired || s.Status.Basis != "survey" || s.Geometry != nil {
			c.Errorf("after its end: %+v", s)
		}
		for _, when := range []catalog.At{{AsOf: at(2010)}, {Known: there}} {
			if s := c.structure(a, when, catalog.Public); s.Status.Value != InUse || s.Geometry == nil {
				c.Errorf("at %v: %+v", when, s)
			}
		}
		past, err := c.r.Past(c.ctx, a, 0, catalog.Everything)
		if err != nil || len(past.Versions) != 2 || past.Versions[0].Author != "test" || past.Versions[1].To == nil || !past.Versions[1].To.Equal(at(2020)) {
			c.Errorf("its past: %+v, %v", past, err)
		}
		c.do(a, `{"kind":"revive","date":"2020-06-01"}`)
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Status.Value != InUse || s.Status.Basis != "register" || len(s.Footprints) != 1 {
			c.Errorf("revived: %+v", s)
		}
		c.do(a, `{"kind":"undo","event":"`+c.structure(a, catalog.At{}, catalog.Everything).Events[0].ID+`"}`)
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Status.Value != Retired || len(s.Footprints) != 0 {
			c.Errorf("gone again: %+v", s)
		}
		// The same footprint with another UID is another structure.
		c.put(Buildings, "b1", 2021, square(0), "uid", nth(2))
		if s := c.structure(a, catalog.At{}, catalog.Public); s.Status.Value != Retired {
			c.Errorf("after its footprint went to another: %+v", s)
		}
		if past, err := c.r.Past(c.ctx, a, 0, catalog.Public); err != nil || len(past.Versions) != 3 || past.Versions[0].Author != "" { // the revival was undone, and is known to have been
			c.Errorf("its past for everybody: %+v, %v", past, err)
		}
		if _, err := c.r.Past(c.ctx, nth(9), 0, catalog.Everything); !errors.Is(err, ErrUnknown) {
			c.Errorf("the past of nobody: %v", err)
		}
	})
}

// TestParts holds that a structure of two footprints shows both.
func TestParts(t *testing.T) {
	eachStore(t, func(c *town) {
		c.put(Buildings, "east", 0, square(0), "uid", nth(1), "floors", 3)
		c.put(Buildings, "west", 0, square(1), "uid", nth(1), "floors", 7)
		c.put(Structures, nth(1), 0, geo.Geometry{}, "uid", nth(1), "name", "Twin Towers", "status", Vacant)
		s := c.structure(nth(1), catalog.At{}, catalog.Everything)
		if len(s.Footprints) != 2 || s.Geometry.Type != geo.GeometryCollection || s.Name != "Twin Towers" || s.Status.Value != Vacant || s.Status.Basis != "register" {
			c.Errorf("two footprints: %+v", s)
		}
		briefs, _, err := c.r.Briefs(c.ctx, []string{nth(1), nth(5)}, catalog.At{}, catalog.Everything)
		if err != nil || briefs[0].Name != "Twin Towers" || briefs[0].Status != Vacant || len(briefs[0].Geometry.Geoms) != 2 || briefs[1].Status != "" {
			c.Errorf("in brief: %+v, %v", briefs, err)
		}
	})
}

func TestAliasKey(t *testing.T) {
	for value, want := range map[string]string{
		"CTS No. 12/3-A": "CTSNO123A", "cts no 12 3a": "CTSNO123A", " ": "", "": "", "१२-अ": "१२अ", "ＡＸ１": "AX1", "ax-1": "AX1", "क्र. ४": "क्र४",
	} {
		if got := AliasKey(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
