package demo

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog"
)

func TestDefinitions(t *testing.T) {
	standard := map[string]bool{}
	for _, c := range catalog.Standard() {
		standard[c.Name] = true
	}
	for _, c := range Definitions() {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		if f, ok := c.Field("uid"); !ok || f.Link != "structures" || standard[c.Name] {
			t.Errorf("%s has no link to structures, or is standard", c.Name)
		}
		for _, person := range []string{"owner", "consumer", "applicant", "architect", "engineer", "licensee"} {
			if f, ok := c.Field(person); ok && f.Class != catalog.ClassPersonal {
				t.Errorf("%s.%s is %s", c.Name, person, f.Class)
			}
		}
		for _, lang := range []string{"en", "mr", "hi"} {
			if c.Title[lang] == "" || c.Description[lang] == "" {
				t.Errorf("%s has no title or description in %s", c.Name, lang)
			}
		}
	}
}

// TestDepartments: the registers have the faults that they should, the truth knows
// every record, and nothing that is published says it.
func TestDepartments(t *testing.T) {
	var truth Truth
	p := profile(t, "")
	m := generate(t, Options{Profile: p, Buildings: 6000, Structures: 2500, Seed: 3, Truth: &truth})
	uids := map[string]bool{}
	for _, f := range m.by["buildings"] {
		uids[f.Props.Get("uid").Str()] = true
	}
	for _, f := range m.by["structures"] {
		if !uids[f.ID] || f.Props.Get("address").Str() == "" {
			t.Fatalf("structure %s is no building or has no address", f.ID)
		}
	}
	records, junk, devanagari, linked, expired := 0, 0, 0, 0, 0
	for _, c := range Definitions() {
		for _, f := range m.by[c.Name] {
			records++
			want, ok := truth.Of[c.Name+"/"+f.ID]
			if !ok {
				t.Fatalf("the truth does not know %s/%s", c.Name, f.ID)
			}
			addr := f.Props.Get("address").Str()
			if len(addr) < 6 {
				junk++
			}
			if strings.ContainsFunc(addr, func(r rune) bool { return r >= 0x900 && r < 0x980 }) {
				devanagari++
			}
			if u := f.Props.Get("uid").Str(); u != "" {
				linked++
				if u != want {
					t.Errorf("%s/%s carries %s and is of %s", c.Name, f.ID, u, want)
				}
			}
			if e := f.Props.Get("expires").String(); e != "" && e < Day.Format("2006-01-02") {
				expired++
			}
		}
	}
	if records != len(truth.Of) || records < 5000 || junk < 50 || devanagari < 200 || linked < 300 || expired < 100 ||
		len(truth.Twice) < 50 || len(truth.Untaxed) < 30 || len(truth.Overbuilt) < 20 || len(truth.Underassessed) < 50 {
		t.Errorf("%d records (%d in the truth), %d junk, %d in Devanagari, %d linked, %d expired, %d twice, %d untaxed, %d overbuilt, %d underassessed",
			records, len(truth.Of), junk, devanagari, linked, expired, len(truth.Twice), len(truth.Untaxed), len(truth.Overbuilt), len(truth.Underassessed))
	}
}

// TestResurveyRepeats: the same second survey each time, of an invented city too, and
// every building of the first one is accounted for.
func TestResurveyRepeats(t *testing.T) {
	o := Options{Profile: profile(t, filepath.Join("..", "..", "city", "testdata", "saltmere.json")), Buildings: 3000, Seed: 5}
	run := func() (*Changes, []*catalog.Feature) {
		var fs []*catalog.Feature
		c, err := Resurvey(context.Background(), o, func(f *catalog.Feature) error { fs = append(fs, f); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return c, fs
	}
	a, fa := run()
	b, fb := run()
	if len(fa) != len(fb) || a.DX != b.DX {
		t.Fatalf("%d and %d footprints", len(fa), len(fb))
	}
	kept := map[string]bool{}
	for i := range fa {
		if fa[i].ID != fb[i].ID || !fa[i].Geometry.Equal(&fb[i].Geometry) {
			t.Fatalf("%s differs the second time", fa[i].ID)
		}
		if i%20 == 0 {
			valid(t, "survey", fa[i])
		}
		if u := a.Keeps[fa[i].ID]; u != "" {
			if kept[u] {
				t.Errorf("two footprints go on under %s", u)
			}
			kept[u] = true
		}
	}
	n := 0
	for _, f := range generate(t, o).by["buildings"] {
		u := f.Props.Get("uid").Str()
		if kept[u] || a.Gone[u] || a.Merged[u] {
			n++
		}
	}
	if n != 3000 || len(a.Gone) == 0 || len(a.Split) == 0 || len(a.New) == 0 {
		t.Errorf("%d of 3000 buildings accounted for; %d gone, %d split, %d new", n, len(a.Gone), len(a.Split), len(a.New))
	}
}
