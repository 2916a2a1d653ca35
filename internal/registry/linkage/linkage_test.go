package linkage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/catalog/uid"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/registry"
	"nagar/internal/registry/address"
	"nagar/layers"
)

// ward is a small neighbourhood with a department's records of it.
type ward struct {
	*testing.T
	ctx   context.Context
	store catalog.Store
	link  *Linker
	queue *Queue
	eng   *layers.Engine
}

func eachStore(t *testing.T, test func(*ward)) {
	stores := map[string]func(t *testing.T) (catalog.Store, error){
		"gpkg": func(t *testing.T) (catalog.Store, error) {
			return gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"))
		},
		"postgis": func(t *testing.T) (catalog.Store, error) { return postgis.Open(t.Context(), pgtest.Start(t)) },
	}
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := address.New(profile)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			store, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			w := &ward{T: t, ctx: t.Context(), store: store}
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			w.build()
			if w.link, err = NewLinker(store, parser); err != nil {
				t.Fatal(err)
			}
			w.link.Now = func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) }
			w.eng = layers.New(store, layers.Options{})
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.eng.Run(ctx) }()
			t.Cleanup(func() { stop(); <-done })
			w.queue = NewQueue(store, registry.New(store, w.eng), w.eng, parser)
			test(w)
		})
	}
}

func nth(n int) string { return uid.FromBits(uint64(n)).String() }

// taxes is a department's collection of this test.
var taxes = catalog.Collection{Name: "taxes", Owner: "Assessor", Class: catalog.ClassInternal, Geometry: catalog.GeometryPoint, Fields: []catalog.Field{
	{Name: "number", Type: catalog.TypeText, Class: catalog.ClassInternal}, {Name: "address", Type: catalog.TypeText, Class: catalog.ClassInternal},
	{Name: "ward", Type: catalog.TypeText}, {Name: "owner", Type: catalog.TypeText, Class: catalog.ClassPersonal},
	{Name: "uid", Type: catalog.TypeText, Class: catalog.ClassInternal, Link: registry.Structures},
}}

// build makes the register: some houses with addresses that are easily confused, many others.
func (w *ward) build() {
	w.Helper()
	if _, err := w.store.Define(w.ctx, taxes); err != nil {
		w.Fatal(err)
	}
	for _, c := range catalog.Standard() {
		switch c.Name {
		case registry.Buildings, registry.Structures, registry.Aliases, registry.Events:
			if _, err := w.store.Define(w.ctx, c); err != nil {
				w.Fatal(err)
			}
		}
	}
	var ops []catalog.Op
	add := func(n int, addr string) {
		x := 72.83 + .0005*float64(n%40)
		y := 19.05 + .0005*float64(n/40)
		g := geo.Geometry{Type: geo.Polygon, Coords: []float64{x, y, x + .0003, y, x + .0003, y + .0002, x, y + .0002, x, y}, Ends: []int32{5}}
		ops = append(ops,
			catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: catalog.Feature{ID: fmt.Sprint("b", n), Geometry: g, Props: catalog.Properties{{Name: "uid", Value: catalog.Text(nth(n))}}}},
			catalog.Op{Kind: catalog.Put, Collection: "structures", Feature: catalog.Feature{ID: nth(n), Props: catalog.Properties{
				{Name: "uid", Value: catalog.Text(nth(n))}, {Name: "status", Value: catalog.Text("in_use")}, {Name: "address", Value: catalog.Text(addr)}}}})
	}
	add(1, "Gulmohar Apartments, 12 Carter Road, Bandra West, Mumbai 400050")
	add(2, "Neelkanth Niwas, 14 Carter Road, Bandra West, Mumbai 400050")
	add(3, "Shanti Kunj, A Wing, 7 Linking Road, Khar West, Mumbai 400052")
	add(4, "Shanti Kunj, B Wing, 7 Linking Road, Khar West, Mumbai 400052")
	first, houses := []string{"Vijay", "Ganesh", "Anand", "Sagar", "Krishna", "Ashok", "Kamal", "Vasant"}, []string{"Sadan", "Kunj", "Apartments", "House"}
	for i := range 200 {
		add(100+i, fmt.Sprintf("%s %s, %d S V Road, Malad West, Mumbai", first[i%8], houses[i/8%4], i+1))
	}
	w.apply(ops...)
}

func (w *ward) apply(ops ...catalog.Op) {
	w.Helper()
	if _, err := w.store.Apply(w.ctx, catalog.Batch{Author: "test", Ops: catalog.Ops(ops...)}); err != nil {
		w.Fatal(err)
	}
}

func tax(id, addr, uid string) catalog.Op {
	f := catalog.Feature{ID: id, Props: catalog.Properties{{Name: "number", Value: catalog.Text("PT-" + id)}, {Name: "owner", Value: catalog.Text("Asha Patil")}, {Name: "ward", Value: catalog.Text("H/W")}}}
	for _, v := range [][2]string{{"address", addr}, {"uid", uid}} {
		if v[1] != "" {
			f.Props = append(f.Props, catalog.Property{Name: v[0], Value: catalog.Text(v[1])})
		}
	}
	return catalog.Op{Kind: catalog.Put, Collection: "taxes", Feature: f}
}

func (w *ward) run() Counts {
	w.Helper()
	w.link.Forget()
	n, err := w.link.Run(w.ctx, "taxes", "importer match", nil)
	if err != nil {
		w.Fatal(err)
	}
	w.settle()
	return n
}

// settle waits until the engine has seen the store.
func (w *ward) settle() {
	w.Helper()
	head := w.head()
	ctx, stop := context.WithTimeout(w.ctx, time.Minute)
	defer stop()
	if err := w.eng.WaitRev(ctx, head); err != nil {
		w.Fatal(err)
	}
}

func (w *ward) head() catalog.Rev {
	w.Helper()
	rev, err := w.store.Head(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	return rev
}

func (w *ward) linkOf(id string) string {
	w.Helper()
	f, err := w.store.Feature(w.ctx, "taxes", id, catalog.At{})
	if err != nil {
		w.Fatal(err)
	}
	if owner := f.Props.Get("owner").Str(); owner != "Asha Patil" {
		w.Errorf("%s lost its owner: %v", id, f.Props)
	}
	return f.Props.Get("uid").Str()
}

func (w *ward) list(o Filter, v catalog.View) *Page {
	w.Helper()
	if o.Limit == 0 {
		o.Limit = 100
	}
	p, err := w.queue.List(w.ctx, o, v)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *ward) decide(id string, d Decision) (*Detail, error) {
	w.Helper()
	x, err := w.queue.Decide(w.ctx, id, d, registry.By{Author: "tester", Actor: "Clerk", View: catalog.Everything})
	w.settle()
	return x, err
}

const theirs, ours, wings, alien, bad, ghost = "1", "2", "3", "4", "5", "6"

// records are one of each kind.
func (w *ward) records() {
	w.Helper()
	w.apply(
		tax(theirs, "FLT 7,GULMOHUR APPTS,12 CARTR RD,BANDRA(W),MUM-50", ""),
		tax(ours, "whatever", nth(2)),
		tax(wings, "Shanti Kunj, Linking Road, Khar West", ""),
		tax(alien, "Moonlight, 31 Hill Road, Bandra West, Mumbai 400050", ""),
		tax(bad, "12 Carter Road, Gulmohar Apartments, Bandra West", "ABCDE-FGHJX"),
		tax(ghost, "14 Carter Road, Neelkanth Niwas, Bandra West", nth(9999)),
	)
}

// TestRun: a sure record joins and says why, a doubtful one waits with its candidates,
// what is like nothing and what names an unknown UID is kept and seen; again changes
// nothing.
func TestRun(t *testing.T) {
	eachStore(t, func(w *ward) {
		w.records()
		if n := w.run(); n != (Counts{Sure: 1, Review: 1, Unlike: 1, Unknown: 2, Had: 1}) {
			w.Errorf("%+v", n)
		}
		for id, want := range map[string]string{theirs: nth(1), ours: nth(2), wings: "", alien: "", bad: "ABCDE-FGHJX", ghost: nth(9999)} {
			if got := w.linkOf(id); got != want {
				w.Errorf("record %s is of %q, want %q", id, got, want)
			}
		}
		f, err := w.store.Feature(w.ctx, "taxes", theirs, catalog.At{})
		if p, ok := proofOf(f.Props.Get("uid_match")); err != nil || !ok || p.By != Matching || p.At != "2026-11-23" || p.Score < .9 || len(p.Reasons) == 0 {
			w.Errorf("how it joined: %v %v", f.Props, err)
		}
		p := w.list(Filter{}, catalog.Everything)
		if p.Total != 4 || p.Reviews[0].Record.ID != bad && p.Reviews[0].Record.ID != ghost || p.Reviews[3].Record.ID != alien || p.Reviews[0].Record.Title == "" {
			w.Errorf("the queue: %+v", p)
		}
		for kind, id := range map[string]string{Doubtful: wings, Unlike: alien} {
			if p := w.list(Filter{Kind: kind, Collection: "taxes", Ward: "H/W"}, catalog.Everything); p.Total != 1 || p.Reviews[0].Record.ID != id {
				w.Errorf("%s: %+v", kind, p)
			}
		}
		d, err := w.queue.Get(w.ctx, ReviewID("taxes", ghost), catalog.Everything)
		if err != nil || len(d.Candidates) == 0 || d.Candidates[0].UID != nth(2) || !strings.Contains(d.Why, nth(9999)) {
			w.Errorf("of an unknown UID: %+v %v", d, err)
		}
		sum, err := w.queue.Summary(w.ctx, catalog.Everything)
		if err != nil || len(sum) != 1 || sum[0] != (CollectionSummary{"taxes", 1, 0, 0, 1, 1, 2}) {
			w.Errorf("summary: %+v %v", sum, err)
		}
		before := w.head()
		w.run()
		if after := w.head(); after != before {
			w.Errorf("the same again spent %d revisions", after-before)
		}
	})
}

// TestPages: page after page is the list.
func TestPages(t *testing.T) {
	eachStore(t, func(w *ward) {
		var ops []catalog.Op
		for i := range 23 {
			ops = append(ops, tax(fmt.Sprint("r", i), fmt.Sprintf("Nowhere %d, Pune", i), ""))
		}
		w.apply(ops...)
		w.run()
		seen := map[string]bool{}
		o := Filter{Limit: 5}
		for {
			p := w.list(o, catalog.Everything)
			if p.Total != 23 || len(p.Reviews) > 5 {
				w.Fatalf("a page of %d of %d", len(p.Reviews), p.Total)
			}
			for _, r := range p.Reviews {
				if seen[r.ID] {
					w.Fatalf("%s comes twice", r.ID)
				}
				seen[r.ID] = true
			}
			if o.After = p.Next; o.After == "" {
				break
			}
		}
		if len(seen) != 23 {
			w.Errorf("%d of 23", len(seen))
		}
		if _, err := w.queue.List(w.ctx, Filter{After: "nonsense", Limit: 1}, catalog.Everything); !errors.Is(err, ErrCursor) {
			w.Errorf("a cursor of nonsense: %v", err)
		}
	})
}

// TestDecide: join, none and undo, and what stands afterwards.
func TestDecide(t *testing.T) {
	eachStore(t, func(w *ward) {
		w.records()
		w.run()
		id := ReviewID("taxes", wings)
		d, err := w.queue.Get(w.ctx, id, catalog.Everything)
		if err != nil || d.State != Open || len(d.Candidates) < 2 || len(d.Candidates[0].Reasons) == 0 || d.Candidates[0].Geometry.Geometry == nil || d.Candidates[0].Address == "" || !d.MayDecide {
			w.Fatalf("as it waits: %+v %v", d, err)
		}
		said := false
		for _, r := range d.Candidates[0].Reasons {
			said = said || r.Part == "name" && strings.Contains(r.Record, "shanti") && strings.Contains(r.Structure, "shanti") && r.Verdict == "same"
		}
		if !said {
			w.Errorf("nothing says why: %+v", d.Candidates[0].Reasons)
		}
		if d, err = w.decide(id, Decision{Join, strings.ToLower(nth(4)), "asked the owner"}); err != nil || d.State != Joined || d.Decided.By != "Clerk" || d.Decided.UID != nth(4) || d.History[0].Note != "asked the owner" {
			w.Fatalf("joined: %+v %v", d, err)
		}
		if w.linkOf(wings) != nth(4) {
			w.Errorf("the record is of %s", w.linkOf(wings))
		}
		if _, err := w.decide(id, Decision{Join, nth(4), ""}); err != nil {
			w.Errorf("the same again: %v", err)
		}
		var settled *Settled
		if _, err := w.decide(id, Decision{Decision: No}); !errors.As(err, &settled) || settled.By != "Clerk" {
			w.Errorf("another decision over one that stands: %v", err)
		}
		w.run()
		if d, err = w.decide(id, Decision{Decision: Undo}); err != nil || d.State != Open || d.Decided != nil || len(d.History) != 2 || w.linkOf(wings) != "" {
			w.Errorf("undone: %+v %v", d, err)
		}
		if _, err = w.decide(id, Decision{Decision: No}); err != nil {
			w.Error(err)
		}
		if n := w.run(); n.Settled != 1 || w.linkOf(wings) != "" {
			w.Errorf("what a person decided does not stand: %+v", n)
		}
		if p := w.list(Filter{State: "decided"}, catalog.Everything); p.Total != 1 || p.Reviews[0].Decided.Decision != No {
			w.Errorf("decided: %+v", p)
		}
		w.ghostly()
	})
}

// ghostly: a join in place of an unknown UID, and its undoing, bring the UID back.
func (w *ward) ghostly() {
	w.Helper()
	id := ReviewID("taxes", ghost)
	if _, err := w.decide(id, Decision{Join, nth(2), ""}); err != nil || w.linkOf(ghost) != nth(2) {
		w.Errorf("joined: %v", err)
	}
	if _, err := w.decide(id, Decision{Decision: Undo}); err != nil || w.linkOf(ghost) != nth(9999) {
		w.Errorf("back: %s %v", w.linkOf(ghost), err)
	}
}

// TestUndoSure: what joined by itself can be taken back, and is not joined again.
func TestUndoSure(t *testing.T) {
	eachStore(t, func(w *ward) {
		w.records()
		w.run()
		id := ReviewID("taxes", theirs)
		d, err := w.queue.Get(w.ctx, id, catalog.Everything)
		if err != nil || d.State != Joined || d.Decided.By != Matching || d.Decided.UID != nth(1) || len(d.Candidates) != 1 {
			w.Fatalf("as it joined: %+v %v", d, err)
		}
		if d, err = w.decide(id, Decision{Decision: Undo, Note: "wrong house"}); err != nil || d.State != Undone || w.linkOf(theirs) != "" {
			w.Fatalf("undone: %+v %v", d, err)
		}
		w.run()
		if w.linkOf(theirs) != "" {
			w.Error("it joined again by itself")
		}
		if p := w.list(Filter{Kind: Sure}, catalog.Everything); p.Total != 1 {
			w.Errorf("it does not wait: %+v", p)
		}
		if _, err := w.decide(id, Decision{Join, nth(2), ""}); err != nil || w.linkOf(theirs) != nth(2) {
			w.Errorf("joined by a person: %v", err)
		}
	})
}

// TestRefused is what is refused, and changes nothing.
func TestRefused(t *testing.T) {
	eachStore(t, func(w *ward) {
		w.records()
		w.run()
		w.apply(catalog.Op{Kind: catalog.Put, Collection: "structures", Feature: catalog.Feature{ID: nth(4), Props: catalog.Properties{{Name: "uid", Value: catalog.Text(nth(4))}, {Name: "status", Value: catalog.Text("demolished")}}}})
		w.settle()
		before, id := w.head(), ReviewID("taxes", wings)
		for words, d := range map[string]Decision{
			"likely": {Join, "12345-67891", ""}, "no structure": {Join, nth(7777), ""}, "demolished": {Join, nth(4), ""},
			"join, none or undo": {Decision: "perhaps"}, "nothing is decided": {Decision: Undo}, "2,000": {No, "", strings.Repeat("x", 3000)},
		} {
			var no *registry.Refused
			if _, err := w.decide(id, d); !errors.As(err, &no) || words != "likely" && !strings.Contains(err.Error(), words) {
				w.Errorf("%v: %v", d, err)
			}
		}
		for _, id := range []string{"taxes.none", "taxes", "nowhere.1", "buildings.b1", ReviewID("taxes", ours)} {
			if _, err := w.queue.Get(w.ctx, id, catalog.Everything); !errors.Is(err, catalog.ErrNotFound) {
				w.Errorf("%s: %v", id, err)
			}
		}
		if after := w.head(); after != before {
			w.Error("a refusal spent a revision")
		}
	})
}

// TestViews: nobody sees a review of a record that they do not see, nor words that
// they do not see of it; who may not write the record decides nothing.
func TestViews(t *testing.T) {
	eachStore(t, func(w *ward) {
		w.records()
		w.run()
		if p := w.list(Filter{}, catalog.Public); p.Total != 0 {
			w.Errorf("the public sees %+v", p)
		}
		if sum, err := w.queue.Summary(w.ctx, catalog.Public); err != nil || len(sum) != 0 {
			w.Errorf("the public counts %+v %v", sum, err)
		}
		clerk := catalog.NewView("clerk", func(c *catalog.Collection) []catalog.Tier {
			switch c.Name {
			case "taxes": // all but owner and address
				return []catalog.Tier{{Fields: []int{0, 2, 4, 5}, Rows: "number <> 'PT-" + alien + "'"}}
			case "buildings":
				return []catalog.Tier{{Fields: []int{0}}}
			}
			return nil
		})
		if p := w.list(Filter{}, clerk); p.Total != 3 {
			w.Errorf("the clerk sees %+v", p)
		}
		w.ofStructures(clerk)
		id := ReviewID("taxes", wings)
		d, err := w.queue.Get(w.ctx, id, clerk)
		if err != nil || len(d.Candidates) == 0 || d.MayDecide {
			w.Fatalf("%+v %v", d, err)
		}
		if s := fmt.Sprintf("%+v %+v", d.Record, d.Candidates); strings.Contains(strings.ToLower(s), "shanti") || strings.Contains(s, "Asha") {
			w.Errorf("words that the clerk does not see: %s", s)
		}
		if _, err := w.queue.Get(w.ctx, ReviewID("taxes", alien), clerk); !errors.Is(err, catalog.ErrNotFound) {
			w.Errorf("a record out of sight: %v", err)
		}
		var no *registry.Forbidden
		if _, err := w.queue.Decide(w.ctx, id, Decision{Join, nth(3), ""}, registry.By{View: clerk, Actor: "clerk"}); !errors.As(err, &no) {
			w.Errorf("who may not write decides: %v", err)
		}
	})
}

// ofStructures: the reviews of a structure are those that have it as a candidate, and
// who does not see the structure gets none.
func (w *ward) ofStructures(view catalog.View) {
	w.Helper()
	want := map[string][]string{}
	for _, r := range w.list(Filter{State: "all"}, view).Reviews {
		d, err := w.queue.Get(w.ctx, r.ID, view)
		if err != nil {
			w.Fatal(err)
		}
		for _, c := range d.Candidates {
			want[c.UID] = append(want[c.UID], r.ID)
		}
	}
	if len(want) == 0 {
		w.Fatal("no review has a candidate")
	}
	blind := catalog.NewView("blind", func(c *catalog.Collection) []catalog.Tier {
		if c.Name == "taxes" {
			return []catalog.Tier{{Fields: []int{0, 2, 4, 5}}}
		}
		return nil
	})
	for u, ids := range want {
		var got []string
		for _, r := range w.list(Filter{State: "all", UID: u}, view).Reviews {
			got = append(got, r.ID)
		}
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			w.Errorf("%s is in %v, want %v", u, got, ids)
		}
		if p := w.list(Filter{State: "all", UID: u}, blind); p.Total != 0 {
			w.Errorf("who does not see %s sees %+v", u, p)
		}
	}
}

// TestNewStructures: what waited joins once its structure is known, and a UID that was
// unknown is one no more.
func TestNewStructures(t *testing.T) {
	eachStore(t, func(w *ward) {
		w.records()
		w.run()
		put := func(id, addr string) catalog.Op {
			return catalog.Op{Kind: catalog.Put, Collection: "structures", Feature: catalog.Feature{ID: id, Props: catalog.Properties{
				{Name: "uid", Value: catalog.Text(id)}, {Name: "status", Value: catalog.Text("in_use")}, {Name: "address", Value: catalog.Text(addr)}}}}
		}
		w.apply(put(nth(9999), "1 Hill Road, Bandra West"), put(nth(5), "Moonlight, 31 Hill Road, Bandra West, Mumbai 400050"))
		if n := w.run(); n.Sure != 1 || n.Had != 3 || w.linkOf(alien) != nth(5) {
			w.Errorf("%+v, of %q", n, w.linkOf(alien))
		}
		if p := w.list(Filter{}, catalog.Everything); p.Total != 2 {
			w.Errorf("still waiting: %+v", p)
		}
	})
}
