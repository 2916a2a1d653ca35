package catalog

import (
	"strings"
	"testing"
	"unicode"
)

func TestStandardIsWhole(t *testing.T) {
	cs := Standard()
	have := map[string]*Collection{}
	for i := range cs {
		c := &cs[i]
		have[c.Name] = c
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		inThree(t, c.Name+" title", c.Title)
		inThree(t, c.Name+" description", c.Description)
		if c.Owner == "" || c.Licence == "" || c.Source == "" {
			t.Errorf("%s lacks owner, licence or source", c.Name)
		}
		for _, f := range c.Fields {
			inThree(t, c.Name+"."+f.Name+" title", f.Title)
			inThree(t, c.Name+"."+f.Name+" meaning", f.Meaning)
			for _, v := range f.Values {
				inThree(t, c.Name+"."+f.Name+" "+v.Value, v.Title)
			}
			if f.Class < c.Class && f.Class != ClassPublic {
				t.Errorf("%s.%s is %s in a collection that is %s", c.Name, f.Name, f.Class, c.Class)
			}
		}
		if f, ok := c.Field("source_id"); !ok || f.Type != TypeText {
			t.Errorf("%s has no text field source_id", c.Name)
		}
	}
	for name, fields := range map[string]string{
		"wards": "name name_mr name_hi neighbourhood population", "prabhags": "name ward population",
		"buildings": "uid height_m ground_m floors use ward year roof name",
		"places":    "name rank", "structures": "uid", "units": "uid", "plots": "cts_number", "zones": "kind",
		"facilities": "name name_mr name_hi category address ward phone hours wheelchair booking_url",
		"sensors":    "name kind ward uid", "roads": "name class", "rail": "name kind", "water": "name kind", "greens": "name kind", "land": "kind",
		"networks": "depth_m", "assets": "kind", "works": "status", "vehicles": "kind", "surveys": "answers", "reports": "category", "proposals": "status",
	} {
		c := have[name]
		if c == nil {
			t.Errorf("no collection %s", name)
			continue
		}
		for _, f := range strings.Fields(fields) {
			if _, ok := c.Field(f); !ok {
				t.Errorf("%s has no field %s", name, f)
			}
		}
	}
}

func inThree(t *testing.T, where string, w Words) {
	t.Helper()
	if strings.TrimSpace(w["en"]) == "" || len(w) != 3 {
		t.Errorf("%s: %v", where, w)
	}
	for _, l := range []string{"mr", "hi"} {
		if !strings.ContainsFunc(w[l], func(r rune) bool { return unicode.Is(unicode.Devanagari, r) }) {
			t.Errorf("%s in %s is %q", where, l, w[l])
		}
	}
}

// TestStandardPublic pins who sees what: a change here is a change of policy.
func TestStandardPublic(t *testing.T) {
	public := "land water greens wards prabhags places roads rail buildings zones facilities sensors datastreams observed_properties instruments works proposals"
	for _, c := range Standard() {
		if want := strings.Contains(" "+public+" ", " "+c.Name+" "); (c.Class == ClassPublic) != want {
			t.Errorf("%s is %s", c.Name, c.Class)
		}
		for _, f := range c.Fields {
			if strings.Contains("occupier holder driver surveyor inspector answers reporter contact", f.Name) != (f.Class == ClassPersonal) {
				t.Errorf("%s.%s is %s", c.Name, f.Name, f.Class)
			}
		}
	}
}

func TestStandardCopies(t *testing.T) {
	a := Standard()
	a[0].Source = "changed"
	a[0].Title["en"] = "changed"
	if b := Standard(); b[0].Source == "changed" || b[0].Title["en"] == "changed" {
		t.Error("callers share one copy")
	}
	if _, ok := StandardCollection("wards"); !ok {
		t.Error("wards is not standard")
	}
	if _, ok := StandardCollection("dragons"); ok {
		t.Error("dragons are standard")
	}
}
