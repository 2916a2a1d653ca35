package retain

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
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/audit"
)

// town is a store with its access database and a policy.
type town struct {
	*testing.T
	store  catalog.Store
	db     *accessdb.DB
	log    *audit.Log
	policy *access.Policy
	now    time.Time
}

func both(t *testing.T, test func(c *town)) {
	start := func(t *testing.T, store catalog.Store, db *accessdb.DB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close(); db.Close() })
		test(newTown(t, store, db))
	}
	t.Run("gpkg", func(t *testing.T) {
		dir := t.TempDir()
		store, err := gpkg.Open(t.Context(), filepath.Join(dir, "city.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		db, err := accessdb.OpenFile(t.Context(), filepath.Join(dir, "access.db"), audit.Schema, Schema)
		start(t, store, db, err)
	})
	t.Run("postgis", func(t *testing.T) {
		url := pgtest.Start(t)
		store, err := postgis.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		db, err := accessdb.OpenPostgres(t.Context(), url, audit.Schema, Schema)
		start(t, store, db, err)
	})
}

func day(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

func newTown(t *testing.T, store catalog.Store, db *accessdb.DB) *town {
	t.Helper()
	c := &town{T: t, store: store, db: db, log: audit.New(db, t.TempDir()), policy: access.Default(), now: day(100)}
	for _, name := range []string{"reports", "visits", "parks"} {
		_, err := store.Define(t.Context(), catalog.Collection{Name: name, Geometry: catalog.GeometryNone, Fields: []catalog.Field{
			{Name: "contact", Type: catalog.TypeText, Class: catalog.ClassPersonal}, {Name: "closed", Type: catalog.TypeTime},
			{Name: "state", Type: catalog.TypeText}, {Name: "title", Type: catalog.TypeText},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.policy.Retain = []access.Retention{
		{Collections: []string{"reports", "nosuch"}, Rows: "state = 'done'", Since: "closed", Days: 30, Erase: []string{"contact"}},
		{Collections: []string{"visits"}, Since: "valid_to", Days: 10},
	}
	return c
}

func (c *town) retention() *Retention {
	r := New(c.store, c.db, c.log, func(context.Context) (*access.Policy, error) { return c.policy, nil })
	r.now = func() time.Time { return c.now }
	return r
}

func (c *town) apply(ops ...catalog.Op) {
	c.Helper()
	if _, err := c.store.Apply(c.Context(), catalog.Batch{Author: "a clerk", Ops: catalog.Ops(ops...)}); err != nil {
		c.Fatal(err)
	}
}

func report(id, contact, state string, closed time.Time) catalog.Op {
	p := catalog.Properties{{Name: "contact", Value: catalog.Text(contact)}, {Name: "state", Value: catalog.Text(state)}, {Name: "title", Value: catalog.Text("Leak")}}
	if !closed.IsZero() {
		p = append(p, catalog.Property{Name: "closed", Value: catalog.Time(closed)})
	}
	return catalog.Op{Kind: catalog.Put, Collection: "reports", Feature: catalog.Feature{ID: id, Props: p}}
}

func visit(id string, to time.Time) catalog.Op {
	return catalog.Op{Kind: catalog.Put, Collection: "visits", Feature: catalog.Feature{ID: id, ValidFrom: day(0), ValidTo: to,
		Props: catalog.Properties{{Name: "contact", Value: catalog.Text("SECRET " + id)}, {Name: "title", Value: catalog.Text("Visit")}}}}
}

// left tells of each feature whether any version still says who, and what.
func (c *town) left(collection string, ids ...string) string {
	c.Helper()
	var out []string
	for _, id := range ids {
		versions, err := c.store.History(c.Context(), collection, id)
		if err != nil {
			c.Fatal(err)
		}
		s := id + ":"
		for name, word := range map[string]string{"contact": "who", "title": "what"} {
			if slices.ContainsFunc(versions, func(v catalog.Version) bool { return !v.Props.Get(name).IsNull() }) {
				s += " " + word
			}
		}
		words := strings.Fields(s)
		slices.Sort(words[1:])
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "; ")
}

func (c *town) once(r *Retention, dry bool) Report {
	c.Helper()
	rep, err := r.Once(c.Context(), dry)
	if err != nil {
		c.Fatal(err)
	}
	return rep
}

// TestRulesAreCarriedOut: what is past its time is erased in every version, what is
// not stays, what had been deleted is not forgotten, and all of it is in the log.
func TestRulesAreCarriedOut(t *testing.T) {
	both(t, func(c *town) {
		c.apply(report("old", "SECRET one", "open", time.Time{}), report("new", "SECRET", "done", day(90)), report("open", "SECRET", "open", day(1)), report("never", "SECRET", "done", time.Time{}),
			report("deleted", "SECRET", "done", day(2)), visit("past", day(50)), visit("recent", day(95)))
		c.apply(report("old", "SECRET two", "done", day(20)))
		c.apply(catalog.Op{Kind: catalog.Delete, Collection: "reports", Feature: catalog.Feature{ID: "deleted"}})
		before, err := c.store.Head(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		r := c.retention()
		if rep := c.once(r, true); rep.Erased != 2 || rep.Ended != 1 || rep.By["reports"] != 2 || rep.By["visits"] != 1 {
			c.Errorf("dry run: %+v", rep)
		}
		if head, _ := c.store.Head(c.Context()); head != before {
			c.Fatal("a dry run wrote")
		}
		if rep := c.once(r, false); rep.Erased != 2 || rep.Ended != 1 {
			c.Errorf("run: %+v", rep)
		}
		if got, want := c.left("reports", "old", "new", "open", "never", "deleted"), "old: what; new: what who; open: what who; never: what who; deleted: what"; got != want {
			c.Errorf("left %q, want %q", got, want)
		}
		if got := c.left("visits", "past", "recent"); got != "past:; recent: what who" {
			c.Errorf("left %q", got)
		}
		c.logHas("retain reports [contact] deleted old", "retain visits [] past")
		head, _ := c.store.Head(c.Context())
		if rep := c.once(r, false); rep.Erased+rep.Ended != 0 {
			c.Errorf("a second run: %+v", rep)
		}
		if after, _ := c.store.Head(c.Context()); after != head {
			c.Error("a second run wrote")
		}
		c.now = day(130) // time passes, and a clerk writes into what was erased
		c.apply(report("old", "SECRET again", "done", day(20)))
		if rep := c.once(c.retention(), false); rep.Erased != 2 || rep.Ended != 1 {
			c.Errorf("later: %+v", rep)
		}
		if got := c.left("reports", "old", "new"); got != "old: what; new: what" {
			c.Errorf("later: left %q", got)
		}
		var problems []string
		if err := c.store.Check(c.Context(), func(p catalog.Problem) error { problems = append(problems, p.Reason); return nil }); err != nil || len(problems) > 0 {
			c.Errorf("the store: %v %v", problems, err)
		}
	})
}

func (c *town) logHas(want ...string) {
	c.Helper()
	all, _, err := c.log.Entries(c.Context(), audit.Filter{Action: audit.Retained}, 100)
	if err != nil {
		c.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%s %s %v %s", e.Action, e.Collection, e.Fields, strings.Join(e.IDs, " ")))
		if strings.Contains(fmt.Sprintf("%+v", e), "SECRET") {
			c.Errorf("the log holds a value: %+v", e)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		c.Errorf("logged %q, want %q", got, want)
	}
}

// TestOtherRulesBeginAnew: a changed policy judges what is there already.
func TestOtherRulesBeginAnew(t *testing.T) {
	both(t, func(c *town) {
		c.apply(report("old", "SECRET", "open", day(20)))
		r := c.retention()
		if rep := c.once(r, false); rep.Erased != 0 {
			c.Errorf("open: %+v", rep)
		}
		c.policy.Retain[0].Rows = ""
		if rep := c.once(r, false); rep.Erased != 1 {
			c.Errorf("by the other rule: %+v", rep)
		}
		c.policy.Retain[0].Erase = []string{"nosuch"}
		if _, err := r.Once(c.Context(), false); err == nil {
			c.Error("a rule that erases what is not there is taken")
		}
	})
}

// TestOneProcessAtATime: while one holds the lease others keep off, and take over
// when it died.
func TestOneProcessAtATime(t *testing.T) {
	both(t, func(c *town) {
		one, other := c.retention(), c.retention()
		if err := one.hold(c.Context()); err != nil {
			c.Fatal(err)
		}
		if _, err := other.Once(c.Context(), false); !errors.Is(err, ErrBusy) {
			c.Errorf("two at a time: %v", err)
		}
		c.once(one, false)
		c.once(other, false)
		if err := one.hold(c.Context()); err != nil {
			c.Fatal(err)
		}
		c.now = c.now.Add(lease + time.Second)
		c.once(other, false)
	})
}

// dying is a store that fails at the n-th write.
type dying struct {
	catalog.Store
	left int
}

var errDied = errors.New("died")

func (d *dying) Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error) {
	if d.left--; d.left < 0 {
		return catalog.Result{}, errDied
	}
	return d.Store.Apply(ctx, b)
}

// TestAnInterruptedRunIsGoneOnWith stops it before every write: the next run does
// the rest, and nothing is left between.
func TestAnInterruptedRunIsGoneOnWith(t *testing.T) {
	both(t, func(c *town) {
		for n := range 3 {
			id := fmt.Sprint("v", n)
			c.apply(visit(id, day(50)), report("r"+id, "SECRET", "done", day(1)))
			r := c.retention()
			r.store = &dying{c.store, n}
			if _, err := r.Once(c.Context(), false); !errors.Is(err, errDied) {
				c.Fatalf("after %d writes: %v", n, err)
			}
			c.once(c.retention(), false)
			if got := c.left("visits", id); got != id+":" {
				c.Errorf("after %d writes: left %q", n, got)
			}
			if got := c.left("reports", "r"+id); got != "r"+id+": what" {
				c.Errorf("after %d writes: left %q", n, got)
			}
		}
	})
}

// deaf is a log that cannot be written.
type deaf struct{}

func (deaf) Append(context.Context, ...audit.Entry) error { return catalog.ErrUnavailable }

func TestNothingIsErasedUnlogged(t *testing.T) {
	both(t, func(c *town) {
		c.apply(report("old", "SECRET", "done", day(20)))
		r := c.retention()
		r.log = deaf{}
		if _, err := r.Once(c.Context(), false); !errors.Is(err, catalog.ErrUnavailable) {
			c.Errorf("without a log: %v", err)
		}
		if got := c.left("reports", "old"); got != "old: what who" {
			c.Errorf("left %q", got)
		}
	})
}

func TestRunsOnceADay(t *testing.T) {
	both(t, func(c *town) {
		r := c.retention()
		due := func(want bool) {
			c.Helper()
			if got, err := r.isDue(c.Context()); err != nil || got != want {
				c.Errorf("due %v, %v; want %v", got, err, want)
			}
		}
		due(true)
		c.once(r, false)
		due(false)
		c.now = c.now.Add(every)
		due(true)
		c.once(r, true) // a dry run is none
		due(true)
		c.once(r, false)
		due(false)
		c.policy.Retain[0].Days++
		due(true)
		c.policy.Retain = nil
		due(false)
	})
}
