package app

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/demo"
	"nagar/internal/registry/finding"
)

// demoDay is a day around which the demo's certificates expire.
var demoDay = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// foundTown is a demo city in a store, whose records name their structures as the
// truth says, and a keeper of its findings.
type foundTown struct {
	*testing.T
	store   catalog.Store
	keeper  *finding.Keeper
	now     time.Time
	truth   demo.Truth
	prints  map[string]*catalog.Feature            // by UID
	known   map[string]bool                        // in the register
	records map[string]map[string]*catalog.Feature // by collection and id
}

func newFoundTown(t *testing.T, store catalog.Store) *foundTown {
	t.Helper()
	w := &foundTown{T: t, store: store, keeper: finding.New(store, nil, nil), now: demoDay,
		prints: map[string]*catalog.Feature{}, known: map[string]bool{}, records: map[string]map[string]*catalog.Feature{}}
	w.keeper.Now = func() time.Time { return w.now }
	p, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	if err := defineStandard(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for _, c := range demo.Definitions() {
		if _, err := store.Define(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		w.records[c.Name] = map[string]*catalog.Feature{}
	}
	var ops []catalog.Op
	o := demo.Options{Profile: p, Buildings: 3000, Structures: 1000, Seed: 11, Truth: &w.truth}
	if err := demo.Generate(t.Context(), o, func(c string, f *catalog.Feature) error {
		uid, record := w.truth.Of[c+"/"+f.ID]
		switch {
		case c == "buildings":
			w.prints[f.Props.Get("uid").Str()] = f
		case c == "structures":
			w.known[f.ID] = true
		case record:
			f.Props = slices.DeleteFunc(f.Props, func(p catalog.Property) bool { return p.Name == "uid" })
			if uid != "" {
				f.Props = append(f.Props, catalog.Property{Name: "uid", Value: catalog.Text(uid)})
			}
			w.records[c][f.ID] = f
		default:
			return nil
		}
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: c, Feature: *f})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.apply(ops...)
	w.keep()
	return w
}

func (w *foundTown) apply(ops ...catalog.Op) {
	w.Helper()
	if _, err := w.store.Apply(w.Context(), catalog.Batch{Author: "a clerk", Ops: catalog.Ops(ops...)}); err != nil {
		w.Fatal(err)
	}
}

func (w *foundTown) keep() {
	w.Helper()
	if err := w.keeper.Once(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// of are the records of a collection about each structure.
func (w *foundTown) of(collection string) map[string][]*catalog.Feature {
	out := map[string][]*catalog.Feature{}
	for _, id := range slices.Sorted(maps.Keys(w.records[collection])) {
		f := w.records[collection][id]
		out[f.Props.Get("uid").Str()] = append(out[f.Props.Get("uid").Str()], f)
	}
	return out
}

// expected are the subjects of which each rule must speak: by the truth of the demo
// and, where that says less than the rule asks, by its plain meaning.
func (w *foundTown) expected() map[string]map[string]bool {
	w.Helper()
	out := map[string]map[string]bool{}
	say := func(rule, subject string) {
		if out[rule] == nil {
			out[rule] = map[string]bool{}
		}
		out[rule][subject] = true
	}
	tax, water, permits, fire := w.of("property_tax"), w.of("water_connections"), w.of("building_permits"), w.of("fire_noc")
	twice := map[string]bool{} // houses with a second tax record, told or not
	for uid := range w.prints {
		twice[uid] = len(tax[uid]) != 1
	}
	for uid, f := range w.prints {
		floors := f.Props.Get("floors").Int()
		built, assessed := geo.Area(&f.Geometry)*float64(floors), 0.0
		for _, r := range tax[uid] {
			assessed += r.Props.Get("assessed_m2").Float()
		}
		if under := len(tax[uid]) > 0 && built > 1.25*assessed; under {
			say("tax_area", uid)
			if !twice[uid] && !w.truth.Underassessed[uid] {
				w.Errorf("%s: %.0f m² assessed of %.0f, and the truth says nothing", uid, assessed, built)
			}
		} else if w.truth.Underassessed[uid] && len(tax[uid]) == 1 && len(tax[""]) == 0 {
			w.Errorf("%s is assessed at much less, and the rule would not say so", uid)
		}
		for rule, n := range map[string]int{"tax_twice": len(tax[uid]), "water_twice": len(water[uid])} {
			if n > 1 {
				say(rule, uid)
			}
		}
		if w.known[uid] && len(tax[uid]) == 0 {
			say("tax_missing", uid)
		} else if w.truth.Untaxed[uid] {
			w.Errorf("%s has no tax record by the truth, and %d in fact", uid, len(tax[uid]))
		}
		if w.truth.Overbuilt[uid] && len(permits[uid]) > 0 {
			say("floors_above_permit", uid)
		}
		last := time.Time{}
		for _, r := range fire[uid] {
			if e := r.Props.Get("expires").AsTime(); e.After(last) {
				last = e
			}
		}
		switch {
		case last.IsZero() && w.known[uid] && floors >= 6:
			say("fire_missing", uid)
		case !last.IsZero() && last.Before(demoDay.Truncate(24*time.Hour)):
			say("fire_expired", uid)
		}
	}
	for _, f := range tax[""] {
		say("tax_without_structure", "property_tax/"+f.ID)
	}
	return out
}

// found are the findings that are open, by rule and subject.
func (w *foundTown) found() map[string]map[string]bool {
	w.Helper()
	out := map[string]map[string]bool{}
	for _, f := range w.all() {
		if f.State != finding.Open {
			continue
		}
		if out[f.Rule] == nil {
			out[f.Rule] = map[string]bool{}
		}
		out[f.Rule][f.Subject] = true
	}
	return out
}

func (w *foundTown) all() (out []finding.Finding) {
	w.Helper()
	if _, err := w.store.Scan(w.Context(), catalog.Query{Collection: finding.Findings}, func(f *catalog.Feature) error {
		out = append(out, finding.Read(f.ID, f.Geometry, f.Props))
		return nil
	}); err != nil {
		w.Fatal(err)
	}
	return out
}

// one is the finding of a rule about a structure.
func (w *foundTown) one(rule, uid string) finding.Finding {
	w.Helper()
	f, err := w.store.Feature(w.Context(), finding.Findings, rule+":"+uid, catalog.At{})
	if err != nil {
		w.Fatalf("%s of %s: %v", rule, uid, err)
	}
	return finding.Read(f.ID, f.Geometry, f.Props)
}

func (w *foundTown) head() catalog.Rev {
	w.Helper()
	rev, err := w.store.Head(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return rev
}

func eachFoundTown(t *testing.T, test func(w *foundTown)) {
	t.Run("gpkg", func(t *testing.T) {
		s, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(newFoundTown(t, s))
	})
	t.Run("postgis", func(t *testing.T) {
		s, err := postgis.Open(t.Context(), pgtest.Start(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(newFoundTown(t, s))
	})
}

// TestFindings: what is found is the truth of the demo, no more and no less; it
// follows what clerks change, what officers decide, and the days.
func TestFindings(t *testing.T) {
	eachFoundTown(t, func(w *foundTown) {
		want, got := w.expected(), w.found()
		for rule := range want {
			for subject := range want[rule] {
				if !got[rule][subject] {
					w.Errorf("%s of %s is not found", rule, subject)
				}
			}
			for subject := range got[rule] {
				if !want[rule][subject] {
					w.Errorf("%s of %s is found, and is not so", rule, subject)
				}
			}
		}
		if len(want) < 8 {
			w.Errorf("the demo has %d kinds of fault, want 8", len(want))
		}
		w.restart()
		w.ends(want)
		w.officers(want)
		w.shares()
		w.days()
		w.rules()
	})
}

// restart: another keeper goes on where the first ended, and has nothing to write.
func (w *foundTown) restart() {
	before := w.head()
	next := finding.New(w.store, nil, nil)
	next.Now = w.keeper.Now
	if err := next.Once(w.Context()); err != nil {
		w.Fatal(err)
	}
	if after := w.head(); after != before {
		w.Errorf("a second keeper wrote: revision %d after %d", after, before)
	}
}

// ends: a cause that ends closes its finding, one that comes again opens it.
func (w *foundTown) ends(want map[string]map[string]bool) {
	uid := slices.Sorted(maps.Keys(want["floors_above_permit"]))[0]
	as := func(floors int64) {
		f := *w.prints[uid]
		f.Props = slices.Clone(f.Props)
		for i := range f.Props {
			if f.Props[i].Name == "floors" {
				f.Props[i].Value = catalog.Integer(floors)
			}
		}
		w.apply(catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: f})
		w.keep()
	}
	as(1)
	if f := w.one("floors_above_permit", uid); f.State != finding.Resolved || f.Closed.IsZero() || f.Why == "" {
		w.Errorf("the floors are gone, and the finding is %q, closed %v: %q", f.State, f.Closed, f.Why)
	}
	as(40)
	f := w.one("floors_above_permit", uid)
	if f.State != finding.Open || !f.Closed.IsZero() || !strings.Contains(f.Summary["en"], "40 floors") {
		w.Errorf("40 floors stand, and the finding is %q: %q", f.State, f.Summary["en"])
	}
	as(w.prints[uid].Props.Get("floors").Int())
}

// officers: what an officer said stays until the cause changes.
func (w *foundTown) officers(want map[string]map[string]bool) {
	uid := slices.Sorted(maps.Keys(want["tax_area"]))[0]
	decided, err := finding.Decide(w.one("tax_area", uid), finding.Decision{State: finding.Dismissed, Note: "half of it is a temple"}, "an officer", w.now)
	if err != nil {
		w.Fatal(err)
	}
	w.apply(catalog.Op{Kind: catalog.Put, Collection: finding.Findings, Feature: decided.Row()})
	tax := *w.of("property_tax")[uid][0]
	again := func(assessed float64) finding.Finding {
		tax.Props = slices.DeleteFunc(slices.Clone(tax.Props), func(p catalog.Property) bool { return p.Name == "assessed_m2" })
		tax.Props = append(tax.Props, catalog.Property{Name: "assessed_m2", Value: catalog.Real(assessed)})
		w.apply(catalog.Op{Kind: catalog.Put, Collection: "property_tax", Feature: tax})
		w.keep()
		return w.one("tax_area", uid)
	}
	was := tax.Props.Get("assessed_m2").Float()
	if f := again(was + .01); f.State != finding.Dismissed {
		w.Errorf("a hair more is assessed, and what was dismissed is %q", f.State)
	}
	if f := again(was / 2); f.State != finding.Open || len(f.Notes) < 2 {
		w.Errorf("half is assessed, and what was dismissed is %q, %v", f.State, f.Notes)
	}
}

// shares: one number in two structures is told of both, and of neither once it is one's.
func (w *foundTown) shares() {
	tax := w.of("property_tax")
	delete(tax, "")
	uids := slices.Sorted(maps.Keys(tax))[:2]
	f := *tax[uids[0]][0]
	other := tax[uids[1]][0].Props.Get("number")
	mine := f.Props.Get("number")
	for _, step := range []struct {
		number catalog.Value
		state  string
	}{{other, finding.Open}, {mine, finding.Resolved}} {
		f.Props = slices.DeleteFunc(slices.Clone(f.Props), func(p catalog.Property) bool { return p.Name == "number" })
		f.Props = append(f.Props, catalog.Property{Name: "number", Value: step.number})
		w.apply(catalog.Op{Kind: catalog.Put, Collection: "property_tax", Feature: f})
		w.keep()
		for _, uid := range uids {
			if got := w.one("tax_number_shared", uid).State; got != step.state {
				w.Errorf("the number is %v: the finding of %s is %q, want %q", step.number, uid, got, step.state)
			}
		}
	}
}

// days: a certificate runs out without anybody writing.
func (w *foundTown) days() {
	fire, before := w.of("fire_noc"), w.found()["fire_expired"]
	delete(fire, "")
	w.now = demoDay.AddDate(0, 3, 0)
	w.keep()
	after, n := w.found()["fire_expired"], 0
	for uid, all := range fire {
		last := slices.MaxFunc(all, func(a, b *catalog.Feature) int {
			return a.Props.Get("expires").AsTime().Compare(b.Props.Get("expires").AsTime())
		}).Props.Get("expires").AsTime()
		if expired := last.Before(w.now.Truncate(24 * time.Hour)); expired != after[uid] {
			w.Errorf("the fire NOC of %s ends %v, and on %v expired is %v", uid, last, w.now, after[uid])
		} else if expired && !before[uid] {
			n++
		}
	}
	if n == 0 {
		w.Error("nothing ran out in three months")
	}
}

// rules: a rule that is added finds what there is; one that is withdrawn closes it.
func (w *foundTown) rules() {
	r, err := finding.ParseRule([]byte(`{"name":"many_floors","title":{"en":"High"},"severity":"info","owner":"Building Safety","when":"floors >= 9 AND registered"}`))
	if err != nil {
		w.Fatal(err)
	}
	want := 0
	for uid := range w.known {
		if w.prints[uid].Props.Get("floors").Int() >= 9 {
			want++
		}
	}
	for _, disabled := range []bool{false, true} {
		r.Disabled = disabled
		w.apply(catalog.Op{Kind: catalog.Put, Collection: finding.Rules, Feature: r.Feature()})
		w.keep()
		got := len(w.found()["many_floors"])
		if disabled && got != 0 || !disabled && (got != want || want == 0) {
			w.Errorf("disabled %v: %d high structures are found, there are %d", disabled, got, want)
		}
	}
}
