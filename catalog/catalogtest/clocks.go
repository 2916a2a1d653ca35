package catalogtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

var clockCases = []testCase{
	{name: "clocks/rules", run: testClockRules},
	{name: "clocks/refusals", run: testClockRefusals},
	{name: "clocks/outside-now", run: testOutsideNow},
	{name: "clocks/planned", run: testPlanned},
	{name: "clocks/overtaken", run: testOvertaken},
	{name: "clocks/revived", run: testRevived},
	{name: "clocks/random", run: testClocksRandom},
}

// moment is one question on the two clocks and the name that must answer it.
type moment struct {
	asof  time.Time
	known catalog.Rev
	name  string // "" for not there
}

// testClockRules goes through the rules at catalog.Op one by one, by hand.
func testClockRules(e *env) {
	e.define(places())
	ask := func(id string, moments ...moment) {
		e.Helper()
		for _, m := range moments {
			name := ""
			if f := e.get(e.s, "places", id, catalog.At{AsOf: m.asof, Known: m.known}); f != nil {
				name = f.Props.Get("name").Str()
			}
			if name != m.name {
				e.Errorf("%s asof %s known %d: want %q, got %q", id, stamp(m.asof), m.known, m.name, name)
			}
		}
	}
	never := time.Time{}
	// No known beginning; then it changed in 2010, by what we learn later.
	a := e.apply(e.s, put("a", "name", "old")).Rev
	b := e.apply(e.s, since(year(2010), put("a", "name", "new"))).Rev
	ask("a", moment{year(1600), a, "old"}, moment{year(2012), a, "old"}, moment{never, a, "old"},
		moment{year(1600), b, "old"}, moment{year(2010).Add(-time.Microsecond), 0, "old"},
		moment{year(2010), 0, "new"}, moment{never, 0, "new"}, moment{never, b, "new"})
	// A correction of 2010's: the first telling stays visible by the recorded clock only.
	c := e.apply(e.s, since(year(2010), put("a", "name", "right"))).Rev
	ask("a", moment{year(2012), b, "new"}, moment{year(2012), c, "right"}, moment{year(2012), 0, "right"}, moment{year(2009), 0, "old"})
	if v, err := e.s.History(e.ctx, "places", "a"); err != nil || len(v) != 4 {
		e.Errorf("history of a: want 4 versions (old forever, old until 2010, new, right), got %d, %v", len(v), err)
	}
	// It changed now: known as true until the batch's time.
	before := time.Now().Add(-time.Microsecond)
	d := e.apply(e.s, put("a", "name", "now")).Rev
	ask("a", moment{before, 0, "right"}, moment{never, 0, "now"}, moment{year(2080), 0, "now"}, moment{never, c, "right"})
	if got, old := e.now(e.s, "places", "a"), e.get(e.s, "places", "a", catalog.At{AsOf: before}); old == nil || !old.ValidTo.Equal(got.ValidFrom) {
		e.Errorf("a gap between %s and %s", show(old), show(got))
	}
	// The end in 2020 of something that began in 2000, and its return without a date.
	e.apply(e.s, since(year(2000), put("b", "name", "first")))
	f := e.apply(e.s, since(year(2020), del("b"))).Rev
	ask("b", moment{year(1999), 0, ""}, moment{year(2000), 0, "first"}, moment{year(2020), 0, ""}, moment{never, 0, ""},
		moment{year(2021), f - 1, "first"}, moment{never, f - 1, "first"})
	g := e.apply(e.s, put("b", "name", "second")).Rev
	ask("b", moment{year(2019), 0, "first"}, moment{year(2020), 0, "second"}, moment{never, 0, "second"}, moment{year(2020), f, ""}, moment{year(2020), g, "second"})
	// The return with a date later than the end leaves the years between empty.
	e.apply(e.s, since(year(2000), put("c", "name", "first")))
	e.apply(e.s, since(year(2010), del("c")))
	if r := e.apply(e.s, since(year(2015), put("c", "name", "second"))); r.Created != 1 {
		e.Errorf("a return is a creation, got %+v", r)
	}
	ask("c", moment{year(2005), 0, "first"}, moment{year(2012), 0, ""}, moment{year(2016), 0, "second"})
	// Deleted from its very beginning: visible by the recorded clock only.
	h := e.apply(e.s, since(year(2000), put("d", "name", "mistake"))).Rev
	e.apply(e.s, since(year(2000), del("d")))
	ask("d", moment{year(2001), 0, ""}, moment{never, 0, ""}, moment{year(2001), h, "mistake"})
	// The same again, with no date or the same date, changes nothing.
	for _, op := range []catalog.Op{put("a", "name", "now"), since(e.now(e.s, "places", "a").ValidFrom, put("a", "name", "now")), del("d")} {
		if r := e.apply(e.s, op); r.Unchanged != 1 || r.Rev != e.head(e.s) {
			e.Errorf("%v %s again: %+v", op.Kind, op.Feature.ID, r)
		}
	}
	if now := e.now(e.s, "places", "a"); now.Rev != d {
		e.Errorf("unchanged writes moved a to revision %d from %d", now.Rev, d)
	}
}

// testClockRefusals holds that the valid clock of a feature only runs forward.
func testClockRefusals(e *env) {
	e.define(places())
	e.apply(e.s, since(year(2000), put("a", "name", "x")))
	e.apply(e.s, since(year(2000), put("gone", "name", "x")))
	e.apply(e.s, since(year(2010), del("gone")))
	future := time.Now().AddDate(1, 0, 0)
	backwards := put("b", "name", "x")
	backwards.Feature.ValidFrom, backwards.Feature.ValidTo = year(2010), year(2010)
	for what, op := range map[string]catalog.Op{
		"a put before the current version":   since(year(1999), put("a", "name", "y")),
		"a put in the future":                since(future, put("a", "name", "y")),
		"a delete before the current":        since(year(1999), del("a")),
		"a delete in the future":             since(future, del("a")),
		"valid_to at valid_from":             backwards,
		"a return before the deletion's end": since(year(2005), put("gone", "name", "y")),
	} {
		e.wantInvalid(e.refuse(put("other", "name", "z"), op), what)
	}
	if f := e.get(e.s, "places", "other", catalog.At{}); f != nil {
		e.Errorf("a refused batch left %s", show(f))
	}
}

// testPlanned holds that what is planned can be corrected and called off.
func testPlanned(e *env) {
	e.define(places())
	e.apply(e.s, since(year(2090), put("a", "name", "x")), since(year(2090), put("b", "name", "x")), since(year(2090), put("c", "name", "x")))
	e.apply(e.s, put("a", "name", "undated"), since(year(2090), put("b", "name", "dated")), del("c"))
	then := catalog.At{AsOf: year(2091)}
	for id, want := range map[string]string{"a": "undated", "b": "dated"} {
		f := e.get(e.s, "places", id, then)
		if f == nil || f.Props.Get("name").Str() != want || !f.ValidFrom.Equal(year(2090)) {
			e.Errorf("%s in 2091: %s, want %q from 2090 on", id, show(f), want)
		}
		if f := e.get(e.s, "places", id, catalog.At{}); f != nil {
			e.Errorf("%s now: %s, want nothing before 2090", id, show(f))
		}
	}
	if f := e.get(e.s, "places", "c", then); f != nil {
		e.Errorf("c was called off, and yet is planned: %s", show(f))
	}
	e.wantInvalid(e.refuse(since(year(2095), put("a", "name", "later"))), "a second planned version")
	over := put("over", "name", "x")
	over.Feature.ValidFrom, over.Feature.ValidTo = year(2000), year(2001)
	e.apply(e.s, put("now", "name", "x"), over)
	for want, q := range map[string]catalog.Query{"now": {}, "a b now": {Planned: true}} {
		q.Collection = "places"
		if got := e.ids(q); got != want {
			e.Errorf("a scan of %+v gives %q, want %q", q, got, want)
		}
	}
	for limit, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 3} {
		if got := len(strings.Fields(e.ids(catalog.Query{Collection: "places", Planned: true, Limit: limit}))); got != want {
			e.Errorf("a scan with the limit %d gives %d features, want %d", limit, got, want)
		}
	}
	for limit, want := range map[int]int{1: 1, 2: 2, 9: 3} {
		q := catalog.Query{Collection: "places", Planned: true, Limit: limit, Box: &geo.Box{W: -180, S: -90, E: 180, N: 90}}
		if got := len(strings.Fields(e.ids(q))); got != want {
			e.Errorf("a window with the limit %d gives %d features, want %d", limit, got, want)
		}
	}
}

// ids are the ids that a scan gives, sorted.
func (e *env) ids(q catalog.Query) string {
	e.Helper()
	var out []string
	if _, err := e.s.Scan(e.ctx, q, func(f *catalog.Feature) error {
		out = append(out, f.ID)
		return nil
	}); err != nil {
		e.Errorf("scan: %v", err)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// testOutsideNow holds that "now" is a moment on the valid clock too: what has
// ended or has not begun is not there now.
func testOutsideNow(e *env) {
	e.define(places())
	ended := since(year(2000), put("ended", "name", "x"))
	ended.Feature.ValidTo = year(2010)
	planned := since(year(2090), put("planned", "name", "x"))
	until := put("until", "name", "x")
	until.Feature.ValidTo = year(2090)
	e.apply(e.s, ended, planned, until)
	for asof, want := range map[time.Time][]string{
		{}: {"until"}, year(1990): {"until"}, year(2005): {"ended", "until"}, year(2010): {"until"},
		year(2089): {"until"}, year(2090): {"planned"},
	} {
		box := geo.World()
		for _, b := range []*geo.Box{nil, &box} {
			got, _ := e.scan(e.s, catalog.Query{Collection: "places", Box: b, At: catalog.At{AsOf: asof}})
			if len(got) != len(want) {
				e.Errorf("scan asof %s box %v: want %v, got %d features", stamp(asof), b, want, len(got))
			}
			for _, id := range want {
				if got[id] == nil {
					e.Errorf("scan asof %s box %v lacks %s", stamp(asof), b, id)
				}
			}
		}
		for _, id := range []string{"ended", "planned", "until"} {
			if f, s := e.get(e.s, "places", id, catalog.At{AsOf: asof}), false; f != nil {
				for _, w := range want {
					s = s || w == id
				}
				if !s {
					e.Errorf("asof %s: %s", stamp(asof), show(f))
				}
			}
		}
	}
	// What replaces an ended version leaves its end where it was.
	e.apply(e.s, put("ended", "name", "y"))
	if f := e.get(e.s, "places", "ended", catalog.At{AsOf: year(2015)}); f != nil {
		e.Errorf("the years between were empty; now %s", show(f))
	}
	if f := e.get(e.s, "places", "ended", catalog.At{AsOf: year(2005)}); f == nil || !f.ValidTo.Equal(year(2010)) {
		e.Errorf("asof 2005: %s", show(f))
	}
	if f := e.now(e.s, "places", "ended"); f.Props.Get("name") != catalog.Text("y") {
		e.Errorf("now: %s", show(f))
	}
}

// testClocksRandom applies random batches to the store and to the oracle and
// asks both everything on a grid of the two clocks.
func testClocksRandom(e *env) {
	e.define(places())
	w := &clockWalk{e: e, rng: e.rng(), o: newOracle()}
	copies := []presentCopy{}
	for i := range 60 {
		if i%8 == 0 {
			copies = append(copies, e.copyPresent())
		}
		w.step(i)
	}
	copies = append(copies, e.copyPresent())
	for id := range w.o.lives {
		w.history(id)
	}
	var asofs []time.Time
	for y := 1999; y <= 2021; y += 2 {
		asofs = append(asofs, year(y), year(y).Add(-time.Microsecond))
	}
	asofs = append(asofs, year(2000), year(2089), year(2091))
	asofs = append(asofs, w.between...)
	for range 250 {
		at := catalog.At{AsOf: asofs[w.rng.IntN(len(asofs))], Known: w.revs[w.rng.IntN(len(w.revs))]}
		if w.rng.IntN(8) == 0 {
			at.Known = 0
		}
		want := w.o.scan(at.AsOf, at.Known)
		got, _ := e.scan(e.s, catalog.Query{Collection: "places", At: at})
		c := &copies[w.rng.IntN(len(copies))]
		e.compareAll(fmt.Sprintf("a copy of revision %d, taken back to asof %s known %d", c.rev, stamp(at.AsOf), at.Known), got, c.at(e, at), false)
		for _, f := range got {
			w.fold(f)
		}
		e.compareAll(fmt.Sprintf("scan asof %s known %d", stamp(at.AsOf), at.Known), want, got, false)
		id := string(rune('a' + w.rng.IntN(6)))
		one := e.get(e.s, "places", id, at)
		w.fold(one)
		e.compare(fmt.Sprintf("%s asof %s known %d", id, stamp(at.AsOf), at.Known), w.o.at(id, at.AsOf, at.Known), one, false)
		if e.Failed() {
			return
		}
	}
}

// clockWalk is a random walk of a store and the oracle side by side.
type clockWalk struct {
	e       *env
	rng     *rand.Rand
	o       *oracle
	revs    []catalog.Rev
	spans   [][2]time.Time // of each Apply: the batch's time lies somewhere in it
	between []time.Time    // instants between the batches
}

// step applies one random batch to both.
func (w *clockWalk) step(i int) {
	ids := w.rng.Perm(6)[:1+w.rng.IntN(4)]
	ops := make([]catalog.Op, len(ids))
	for k, n := range ids {
		ops[k] = w.op(string(rune('a' + n)))
	}
	start := tick()
	r, err := w.e.s.Apply(w.e.ctx, catalog.Batch{Author: fmt.Sprint("step ", i), Ops: catalog.Ops(ops...)})
	end := tick()
	statuses, want := w.o.apply(ops, r.Rev, start)
	if (err == nil) != (want == nil) {
		w.e.Fatalf("step %d: the store says %v, the oracle %v, for %s", i, err, want, showOps(ops))
	}
	if err != nil {
		w.e.wantInvalid(err, fmt.Sprintf("step %d", i))
		return
	}
	if fmt.Sprint(statuses) != fmt.Sprint(r.Statuses) {
		w.e.Fatalf("step %d: statuses %v, want %v, for %s", i, r.Statuses, statuses, showOps(ops))
	}
	w.revs = append(w.revs, r.Rev)
	w.spans = append(w.spans, [2]time.Time{start, end})
	w.between = append(w.between, tick())
}

// op draws an operation on the feature; one in about twelve is against the rules.
func (w *clockWalk) op(id string) catalog.Op {
	var current time.Time
	if l := w.o.life(id); l.current >= 0 {
		current = l.versions[l.current].ValidFrom
	} else {
		current = l.ended
	}
	var from time.Time
	switch n := w.rng.IntN(12); {
	case n < 5 || current.After(year(2021)): // now
	case n < 8:
		from = current
	case n < 11:
		from = year(max(2000, current.Year()) + w.rng.IntN(3))
	default:
		from = year(2000 + w.rng.IntN(20))
	}
	switch n := w.rng.IntN(20); {
	case n < 4:
		return since(from, del(id))
	case n == 4:
		return catalog.Op{Kind: catalog.Erase, Collection: "places", Feature: catalog.Feature{ID: id}, Fields: []string{"n"}}
	case n == 5 && w.rng.IntN(4) == 0:
		return catalog.Op{Kind: catalog.Erase, Collection: "places", Feature: catalog.Feature{ID: id}}
	}
	op := since(from, put(id, "name", string(rune('p'+w.rng.IntN(3)))))
	if w.rng.IntN(3) > 0 {
		op.Feature.Props = append(op.Feature.Props, catalog.Property{Name: "n", Value: catalog.Integer(w.rng.Int64N(3))})
	}
	if w.rng.IntN(4) == 0 {
		op.Feature.ValidTo = year(2090)
	}
	op.Merge = w.rng.IntN(4) == 0
	return op
}

// history compares all versions, and that a feature's own times are whole.
func (w *clockWalk) history(id string) {
	got, err := w.e.s.History(w.e.ctx, "places", id)
	if err != nil {
		w.e.Fatalf("history of %s: %v", id, err)
	}
	want := w.o.history(id)
	for i := range max(len(want), len(got)) {
		var a, b catalog.Version
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
			w.fold(&b.Feature)
		}
		if !same(&a.Feature, &b.Feature, false) || a.RevTo != b.RevTo {
			w.e.Errorf("history of %s, version %d of %d (got %d):\nwant %s until rev %d\ngot  %s until rev %d", id, i, len(want), len(got), show(&a.Feature), a.RevTo, show(&b.Feature), b.RevTo)
			return
		}
	}
}

// fold moves a time that lies in the span of one of the batches to the span's
// start, where the oracle has it.
func (w *clockWalk) fold(f *catalog.Feature) {
	if f == nil {
		return
	}
	for _, t := range []*time.Time{&f.ValidFrom, &f.ValidTo} {
		for _, s := range w.spans {
			if !t.Before(s[0]) && !t.After(s[1]) {
				*t = s[0]
			}
		}
	}
}

// tick returns the time, in microseconds, after the clock has surely moved on.
func tick() time.Time {
	start := time.Now()
	for time.Since(start) < 3*time.Microsecond {
	}
	return time.Now().UTC().Truncate(time.Microsecond)
}

func showOps(ops []catalog.Op) string {
	s := ""
	for i := range ops {
		s += fmt.Sprintf("\n  kind %d merge %v fields %v %s", ops[i].Kind, ops[i].Merge, ops[i].Fields, show(&ops[i].Feature))
	}
	return s
}

// presentCopy is what was current once.
type presentCopy struct {
	features map[string]*catalog.Feature
	rev      catalog.Rev
	shown    time.Time
}

func (e *env) copyPresent() presentCopy {
	c := presentCopy{shown: time.Now()}
	c.features, c.rev = e.scan(e.s, catalog.Query{Collection: "places"})
	return c
}

// at takes the copy to another moment, by what the store tells of the difference.
func (c *presentCopy) at(e *env, at catalog.At) map[string]*catalog.Feature {
	e.Helper()
	out := maps.Clone(c.features)
	named := map[string]bool{}
	d, ok := e.s.(catalog.Differ)
	if !ok {
		got, _ := e.scan(e.s, catalog.Query{Collection: "places", At: at})
		return got
	}
	if _, err := d.Unlike(e.ctx, catalog.Other{Collection: "places", At: at, Since: c.rev, Shown: c.shown}, func(id string, then *catalog.Feature) error {
		switch {
		case then == nil && named[id]:
			e.Errorf("nil for %s after its version", id)
		case then == nil:
			delete(out, id)
		case named[id]:
			e.Errorf("two versions of %s", id)
		default:
			f := *then
			out[id], named[id] = &f, true
		}
		return nil
	}); err != nil {
		e.Fatalf("what is unlike at %v: %v", at, err)
	}
	return out
}
