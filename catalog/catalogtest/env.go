package catalogtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// waitLong is how long the suite waits for what comes soon: much longer than that
// on the busiest machine, so that only what never comes fails. Where a store has to
// be prompt, several tries are made and the quickest counts (see quickest).
var waitLong = time.Minute

// env is one case's store, with what the cases say again and again.
type env struct {
	*testing.T
	h        Harness
	location string
	ctx      context.Context
	s        catalog.Store   // the first handle
	handles  []catalog.Store // open
	second   catalog.Store   // see open1
	noVerify bool            // the case leaves a store that cannot be opened
}

// newEnv makes a fresh store, opens it, and has it checked whole when the case ends.
func newEnv(t *testing.T, h Harness) *env {
	ctx, cancel := context.WithTimeout(context.Background(), 10*waitLong)
	t.Cleanup(cancel)
	e := &env{T: t, h: h, location: h.New(t), ctx: ctx}
	t.Cleanup(e.verify) // runs after every handle is closed
	e.s = e.open()
	return e
}

// open opens one more handle; the case's cleanup closes it.
func (e *env) open() catalog.Store {
	e.Helper()
	s, err := e.h.Open(e.ctx, e.location)
	if err != nil {
		e.Fatalf("open: %v", err)
	}
	e.handles = append(e.handles, s)
	e.Cleanup(func() { e.close(s) })
	return s
}

// close closes a handle, once.
func (e *env) close(s catalog.Store) {
	e.Helper()
	i := slices.Index(e.handles, s)
	if i < 0 {
		return
	}
	e.handles = slices.Delete(e.handles, i, i+1)
	if err := s.Close(); err != nil {
		e.Errorf("close: %v", err)
	}
}

// rng returns a source seeded from SEED or the clock, and logs the seed.
func (e *env) rng() *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = s
	}
	e.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// places is the collection that most cases write to.
func places() catalog.Collection {
	return catalog.Collection{
		Name: "places", Geometry: catalog.GeometryAny, Title: catalog.Words{"en": "Places", "mr": "ठिकाणे"},
		Owner: "Surveys", Licence: "CC0", Source: "the suite",
		Fields: []catalog.Field{
			{Name: "name", Type: catalog.TypeText},
			{Name: "height_m", Type: catalog.TypeReal, Unit: "m"},
			{Name: "n", Type: catalog.TypeInteger},
			{Name: "ok", Type: catalog.TypeBoolean},
			{Name: "seen", Type: catalog.TypeTime},
			{Name: "day", Type: catalog.TypeDate},
			{Name: "extra", Type: catalog.TypeJSON, Class: catalog.ClassRestricted},
		},
	}
}

func (e *env) define(c catalog.Collection) catalog.Rev {
	e.Helper()
	rev, err := e.s.Define(e.ctx, c)
	if err != nil {
		e.Fatalf("define %s: %v", c.Name, err)
	}
	return rev
}

// apply applies the ops through s as one batch and fails the test on an error.
func (e *env) apply(s catalog.Store, ops ...catalog.Op) catalog.Result {
	e.Helper()
	return e.applyBatch(s, catalog.Batch{Author: "suite", Ops: catalog.Ops(ops...)})
}

func (e *env) applyBatch(s catalog.Store, b catalog.Batch) catalog.Result {
	e.Helper()
	r, err := s.Apply(e.ctx, b)
	if err != nil {
		e.Fatalf("apply: %v", err)
	}
	return r
}

// refuse applies the ops, wants an error, and wants nothing to have happened.
func (e *env) refuse(ops ...catalog.Op) error {
	e.Helper()
	return e.refuseBatch(catalog.Batch{Ops: catalog.Ops(ops...)})
}

func (e *env) refuseBatch(b catalog.Batch) error {
	e.Helper()
	before := e.head(e.s)
	r, err := e.s.Apply(e.ctx, b)
	if err == nil {
		e.Fatalf("apply: want an error, got %+v", r)
	}
	if after := e.head(e.s); after != before {
		e.Fatalf("a refused batch (%v) moved the head from %d to %d", err, before, after)
	}
	return err
}

func (e *env) head(s catalog.Store) catalog.Rev {
	e.Helper()
	rev, err := s.Head(e.ctx)
	if err != nil {
		e.Fatalf("head: %v", err)
	}
	return rev
}

// get returns the feature at that moment, nil when there is none.
func (e *env) get(s catalog.Store, collection, id string, at catalog.At) *catalog.Feature {
	e.Helper()
	f, err := s.Feature(e.ctx, collection, id, at)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		e.Fatalf("feature %s/%s at %v: %v", collection, id, at, err)
	}
	return &f
}

// now is get at now, and must find it.
func (e *env) now(s catalog.Store, collection, id string) *catalog.Feature {
	e.Helper()
	f := e.get(s, collection, id, catalog.At{})
	if f == nil {
		e.Fatalf("%s/%s is not there", collection, id)
	}
	return f
}

// scan returns what the query selects, by id, and the snapshot's revision.
func (e *env) scan(s catalog.Store, q catalog.Query) (map[string]*catalog.Feature, catalog.Rev) {
	e.Helper()
	out := map[string]*catalog.Feature{}
	rev, err := s.Scan(e.ctx, q, func(f *catalog.Feature) error {
		if out[f.ID] != nil {
			e.Errorf("scan %v gave %s twice", q, f.ID)
		}
		g := *f
		out[f.ID] = &g
		return nil
	})
	if err != nil {
		e.Fatalf("scan %v: %v", q, err)
	}
	return out, rev
}

// changes returns the commits after since, copied, and the revision reached.
func (e *env) changes(s catalog.Store, since catalog.Rev) ([]catalog.Commit, catalog.Rev) {
	e.Helper()
	var out []catalog.Commit
	rev, err := s.Changes(e.ctx, since, func(c catalog.Commit) error {
		out = append(out, keep(c))
		return nil
	})
	if err != nil {
		e.Fatalf("changes since %d: %v", since, err)
	}
	return out, rev
}

// keep copies what a store might reuse.
func keep(c catalog.Commit) catalog.Commit {
	out := make([]catalog.Change, len(c.Changes))
	for i, ch := range c.Changes {
		if ch.Old != nil {
			old := *ch.Old
			ch.Old = &old
		}
		if ch.New != nil {
			next := *ch.New
			ch.New = &next
		}
		out[i] = ch
	}
	c.Changes = out
	return c
}

// written returns the changes to features of a collection in the commits, in order.
func written(commits []catalog.Commit, collection string) []catalog.Change {
	var out []catalog.Change
	for _, c := range commits {
		for _, ch := range c.Changes {
			if ch.Collection == collection && ch.Kind != catalog.Defined {
				out = append(out, ch)
			}
		}
	}
	return out
}

// quickest holds that something takes no longer than the limit when the machine
// happens to have time for it: of several tries the quickest counts.
func (e *env) quickest(what string, limit time.Duration, took []time.Duration) {
	e.Helper()
	if least := slices.Min(took); least > limit {
		e.Errorf("%s takes %v at the least, of %v", what, least, took)
	}
}

// waitFor waits for revisions until done.
func (e *env) waitFor(s catalog.Store, what string, done func() bool) {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, waitLong)
	defer cancel()
	for {
		head := e.head(s)
		if done() {
			return
		}
		if err := s.Wait(ctx, head); err != nil {
			if done() {
				e.Errorf("%s came only without a wake-up", what)
				return
			}
			e.Fatalf("%s did not happen within %v: %v", what, waitLong, err)
		}
	}
}

// wantInvalid asserts that err is *catalog.Invalid.
func (e *env) wantInvalid(err error, what string) {
	e.Helper()
	var inv *catalog.Invalid
	if !errors.As(err, &inv) {
		e.Errorf("%s: want *Invalid, got %T %v", what, err, err)
	}
}

// put is a Put of a feature of places at a point near Mumbai.
func put(id string, props ...any) catalog.Op {
	return catalog.Op{Kind: catalog.Put, Collection: "places", Feature: feature(id, props...)}
}

// feature makes a feature from name, value pairs; plain Go values become Values.
func feature(id string, props ...any) catalog.Feature {
	f := catalog.Feature{ID: id, Geometry: geo.NewPoint(72.85, 19.05)}
	for i := 0; i+1 < len(props); i += 2 {
		f.Props = append(f.Props, catalog.Property{Name: props[i].(string), Value: value(props[i+1])})
	}
	return f
}

func value(v any) catalog.Value {
	switch v := v.(type) {
	case catalog.Value:
		return v
	case string:
		return catalog.Text(v)
	case int:
		return catalog.Integer(int64(v))
	case float64:
		return catalog.Real(v)
	case bool:
		return catalog.Boolean(v)
	case time.Time:
		return catalog.Time(v)
	case nil:
		return catalog.Null
	}
	panic("value of no field type")
}

func del(id string) catalog.Op {
	return catalog.Op{Kind: catalog.Delete, Collection: "places", Feature: catalog.Feature{ID: id}}
}

// since returns the op with its valid time beginning at t.
func since(t time.Time, op catalog.Op) catalog.Op {
	op.Feature.ValidFrom = t
	return op
}

// provided returns the op under the condition that the feature's revision is rev.
func provided(rev catalog.Rev, op catalog.Op) catalog.Op {
	op.If = &rev
	return op
}

// year is the first instant of the year in UTC.
func year(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
