package catalogtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

var applyCases = []testCase{
	{name: "apply/results", run: testResults},
	{name: "apply/atomic", run: testAtomic},
	{name: "apply/idempotent", run: testIdempotent},
	{name: "apply/conditions", run: testConditions},
	{name: "apply/merge", run: testMerge},
	{name: "apply/replace", run: testReplace},
	{name: "apply/several-collections", run: testSeveral},
	{name: "apply/handles", run: testHandles},
}

func testResults(e *env) {
	defined := e.define(places())
	r := e.applyBatch(e.s, catalog.Batch{Author: "Asha", Reason: "पहिले", Ops: catalog.Ops(put("a", "n", 1), put("b", "n", 1))})
	if r.Rev <= defined || r.Created != 2 || r.Updated+r.Unchanged+r.Deleted+r.Erased != 0 || r.Replayed || !slices.Equal(r.Statuses, []catalog.Status{catalog.Created, catalog.Created}) {
		e.Errorf("first batch: %+v", r)
	}
	if f := e.now(e.s, "places", "a"); f.Rev != r.Rev {
		e.Errorf("the feature is of revision %d, the batch of %d", f.Rev, r.Rev)
	}
	first := r.Rev
	r = e.apply(e.s, put("a", "n", 2), put("b", "n", 1), put("c"), del("b2"))
	want := []catalog.Status{catalog.Updated, catalog.Unchanged, catalog.Created, catalog.Unchanged}
	if r.Rev <= first || r.Created != 1 || r.Updated != 1 || r.Unchanged != 2 || !slices.Equal(r.Statuses, want) {
		e.Errorf("second batch: %+v", r)
	}
	if f := e.now(e.s, "places", "b"); f.Rev != first {
		e.Errorf("an unchanged feature moved to revision %d", f.Rev)
	}
	head := e.head(e.s)
	if r := e.apply(e.s, put("a", "n", 2), del("nobody")); r.Rev != head || e.head(e.s) != head || r.Unchanged != 2 {
		e.Errorf("a batch that changes nothing: %+v, head was %d", r, head)
	}
	if r := e.apply(e.s); r.Rev != head || len(r.Statuses) != 0 {
		e.Errorf("an empty batch: %+v, head was %d", r, head)
	}
	r = e.apply(e.s, del("a"), del("c"))
	if r.Deleted != 2 || r.Statuses[0] != catalog.Deleted || e.get(e.s, "places", "a", catalog.At{}) != nil {
		e.Errorf("deleting: %+v", r)
	}
	if r := e.apply(e.s, put("a", "n", 3)); r.Created != 1 {
		e.Errorf("a return after a delete: %+v", r)
	}
	v, err := e.s.History(e.ctx, "places", "a")
	if err != nil || len(v) == 0 || v[0].Author != "Asha" || v[0].Reason != "पहिले" || time.Since(v[0].Recorded) > time.Minute {
		e.Errorf("history: %+v, %v", v, err)
	}
}

// testAtomic breaks batches in every way and wants nothing of them to stay.
func testAtomic(e *env) {
	e.define(places())
	e.apply(e.s, put("a", "n", 1))
	long := strings.Repeat("x", 201)
	bad := map[string]catalog.Op{
		"unknown field":    put("x", "nowhere", 1),
		"wrong type":       put("x", "n", "one"),
		"real in integer":  put("x", "n", 1.5),
		"empty id":         put(""),
		"long id":          put(long),
		"NUL in an id":     put("a\x00b"),
		"id not UTF-8":     put("\xff"),
		"text not UTF-8":   put("x", "name", "\xff"),
		"NUL in a text":    put("x", "name", "a\x00b"),
		"broken JSON":      put("x", "extra", catalog.JSON(`{"a":`)),
		"not one JSON":     put("x", "extra", catalog.JSON(`1 2`)),
		"twice":            put("b"),
		"erase of unknown": {Kind: catalog.Erase, Collection: "places", Feature: catalog.Feature{ID: "a"}, Fields: []string{"nowhere"}},
	}
	for _, xy := range [][2]float64{{181, 0}, {0, 91}, {285000, 2100000}} {
		op := put("x")
		op.Feature.Geometry = geo.NewPoint(xy[0], xy[1])
		bad[fmt.Sprint("position ", xy)] = op
	}
	for what, op := range bad {
		// What comes after is sound, and long enough for a writer in chunks.
		ops := []catalog.Op{put("b", "n", 1), put("a", "n", 2), op}
		for i := range 50 {
			ops = append(ops, put(fmt.Sprint("tail", i)))
		}
		e.wantInvalid(e.refuse(ops...), what)
	}
	boom := errors.New("boom")
	err := e.refuseBatch(catalog.Batch{Key: "k", Ops: func(yield func(*catalog.Op, error) bool) {
		for i := range 7000 {
			op := put(fmt.Sprint("big", i))
			if !yield(&op, nil) {
				return
			}
		}
		yield(nil, boom)
	}})
	if !errors.Is(err, boom) {
		e.Errorf("the sequence's own error: got %v", err)
	}
	got, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	if len(got) != 1 || got["a"].Props.Get("n") != catalog.Integer(1) {
		e.Errorf("after refused batches: %d features, a is %s", len(got), show(got["a"]))
	}
	// The key of a refused batch is free.
	if r := e.applyBatch(e.s, catalog.Batch{Key: "k", Ops: catalog.Ops(put("a", "n", 9))}); r.Replayed || r.Updated != 1 {
		e.Errorf("a key after its batch was refused: %+v", r)
	}
}

func testIdempotent(e *env) {
	e.define(places())
	batch := func(key string, n int) catalog.Batch {
		return catalog.Batch{Key: key, Ops: catalog.Ops(put("a", "n", n), put("b"))}
	}
	first := e.applyBatch(e.s, batch("key-1", 1))
	e.apply(e.s, put("a", "n", 2))
	other := e.open()
	for _, s := range []catalog.Store{e.s, other} {
		r := e.applyBatch(s, batch("key-1", 1))
		if !r.Replayed || r.Rev != first.Rev || r.Created != first.Created || r.Updated != first.Updated || r.Unchanged != first.Unchanged {
			e.Errorf("replay: %+v, first %+v", r, first)
		}
	}
	if f := e.now(e.s, "places", "a"); f.Props.Get("n") != catalog.Integer(2) {
		e.Errorf("a replay wrote: %s", show(f))
	}
	nothing := e.applyBatch(e.s, catalog.Batch{Key: "key-0", Ops: catalog.Ops(put("a", "n", 2))})
	e.apply(e.s, put("a", "n", 3))
	if r := e.applyBatch(e.s, catalog.Batch{Key: "key-0", Ops: catalog.Ops(put("a", "n", 2))}); !r.Replayed || r.Rev != nothing.Rev || r.Unchanged != 1 {
		e.Errorf("replay of a batch without change: %+v, first %+v", r, nothing)
	}
	// Eight at once with one key: one writes.
	var wg sync.WaitGroup
	results := make([]catalog.Result, 8)
	errs := make([]error, 8)
	for i := range results {
		wg.Go(func() {
			s := e.s
			if i%2 == 1 {
				s = other
			}
			results[i], errs[i] = s.Apply(e.ctx, catalog.Batch{Key: "ключ 'both'", Ops: catalog.Ops(put("c", "n", i))})
		})
	}
	wg.Wait()
	wrote := 0
	for i, r := range results {
		if errs[i] != nil {
			e.Fatalf("one of eight: %v", errs[i])
		}
		if !r.Replayed {
			wrote++
		}
		if r.Rev != results[0].Rev || r.Created != 1 {
			e.Errorf("one of eight: %+v", r)
		}
	}
	if wrote != 1 {
		e.Errorf("of eight batches with one key %d wrote", wrote)
	}
}

func testConditions(e *env) {
	e.define(places())
	conflict := func(what string, err error, want, have catalog.Rev) {
		e.Helper()
		var c *catalog.Conflict
		if !errors.As(err, &c) || c.Collection != "places" || c.ID != "a" || c.Want != want || c.Have != have {
			e.Errorf("%s: want a conflict %d/%d, got %v", what, want, have, err)
		}
	}
	conflict("not there", e.refuse(put("b"), provided(5, put("a"))), 5, 0)
	first := e.apply(e.s, provided(0, put("a", "n", 1))).Rev
	conflict("must not exist", e.refuse(provided(0, put("a", "n", 2))), 0, first)
	conflict("must not exist, same content", e.refuse(provided(0, put("a", "n", 1))), 0, first)
	second := e.apply(e.s, provided(first, put("a", "n", 2))).Rev
	conflict("stale put", e.refuse(put("b"), provided(first, put("a", "n", 3))), first, second)
	conflict("stale delete", e.refuse(put("b"), provided(first, del("a"))), first, second)
	conflict("from the future", e.refuse(provided(second+10, put("a", "n", 3))), second+10, second)
	if r := e.apply(e.s, provided(second, put("a", "n", 2))); r.Unchanged != 1 {
		e.Errorf("right revision, nothing new: %+v", r)
	}
	if r := e.apply(e.s, provided(second, del("a"))); r.Deleted != 1 {
		e.Errorf("delete at the right revision: %+v", r)
	}
	conflict("deleted", e.refuse(provided(second, put("a"))), second, 0)
	e.apply(e.s, provided(0, put("a", "n", 4)))
	if e.get(e.s, "places", "b", catalog.At{}) != nil {
		e.Errorf("a batch with a conflict left something")
	}
	// Of many who saw the same revision one wins.
	seen := e.now(e.s, "places", "a").Rev
	other := e.open()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			s := e.s
			if i%2 == 1 {
				s = other
			}
			_, errs[i] = s.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(provided(seen, put("a", "n", 100+i)))})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		var c *catalog.Conflict
		switch {
		case err == nil:
			won++
		case !errors.As(err, &c):
			e.Errorf("of eight writers one got %v", err)
		}
	}
	if won != 1 {
		e.Errorf("of eight writers on revision %d %d won", seen, won)
	}
}

func testMerge(e *env) {
	e.define(places())
	merge := func(op catalog.Op) catalog.Op { op.Merge = true; return op }
	if r := e.apply(e.s, merge(put("a", "name", "x", "n", 1, "height_m", 2.5))); r.Created != 1 {
		e.Errorf("merge into nothing: %+v", r)
	}
	if r := e.apply(e.s, merge(put("a", "n", 1))); r.Unchanged != 1 {
		e.Errorf("merge of what is so: %+v", r)
	}
	e.apply(e.s, merge(put("a", "n", 2, "height_m", nil)))
	want := feature("a", "name", "x", "n", 2)
	if f := e.now(e.s, "places", "a"); !f.Props.Equal(want.Props) {
		e.Errorf("merged: %s", show(f))
	}
	e.apply(e.s, put("a", "n", 2))
	if f := e.now(e.s, "places", "a"); !f.Props.Get("name").IsNull() {
		e.Errorf("a plain put keeps what it leaves out: %s", show(f))
	}
}

func testReplace(e *env) {
	e.define(places())
	parks := places()
	parks.Name = "parks"
	e.define(parks)
	other := put("p")
	other.Collection = "parks"
	e.apply(e.s, put("a", "n", 1), put("b", "n", 1), put("c", "n", 1), other)
	r := e.applyBatch(e.s, catalog.Batch{Replace: "places", Ops: catalog.Ops(put("a", "n", 1), put("b", "n", 2), put("d"))})
	if r.Created != 1 || r.Updated != 1 || r.Unchanged != 1 || r.Deleted != 1 || len(r.Statuses) != 3 {
		e.Errorf("replace: %+v", r)
	}
	got, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	if len(got) != 3 || got["c"] != nil || got["d"] == nil {
		e.Errorf("after replace: %d features", len(got))
	}
	e.now(e.s, "parks", "p")
	e.wantInvalid(e.refuseBatch(catalog.Batch{Replace: "places", Ops: catalog.Ops(put("z"), put("y", "n", "bad"))}), "a bad replace")
	var inv *catalog.Invalid
	if err := e.refuseBatch(catalog.Batch{Replace: "nowhere", Ops: catalog.Ops(put("z"))}); !errors.Is(err, catalog.ErrNotFound) && !errors.As(err, &inv) {
		e.Errorf("replace of no collection: %v", err)
	}
	if r := e.applyBatch(e.s, catalog.Batch{Replace: "places", Ops: catalog.Ops()}); r.Deleted != 3 {
		e.Errorf("replace by nothing: %+v", r)
	}
}

func testSeveral(e *env) {
	e.define(places())
	parks := places()
	parks.Name = "parks"
	e.define(parks)
	var ops []catalog.Op
	for i := range 40 {
		op := put(fmt.Sprint(i/2), "n", i)
		if i%2 == 1 {
			op.Collection = "parks"
		}
		ops = append(ops, op)
	}
	r := e.apply(e.s, ops...)
	if r.Created != 40 {
		e.Errorf("two collections with the same ids in one batch: %+v", r)
	}
	for _, c := range []string{"places", "parks"} {
		if got, _ := e.scan(e.s, catalog.Query{Collection: c}); len(got) != 20 || got["7"].Rev != r.Rev {
			e.Errorf("%s: %d features", c, len(got))
		}
	}
	commits, _ := e.changes(e.s, r.Rev-1)
	if len(commits) != 1 || len(commits[0].Changes) != 40 {
		e.Errorf("one batch over two collections is %d commits", len(commits))
	}
}

// testHandles holds that what one handle wrote another reads at once.
func testHandles(e *env) {
	e.define(places())
	other := e.open()
	for i := range 20 {
		a, b := e.s, other
		if i%2 == 1 {
			a, b = b, a
		}
		rev := e.apply(a, put("a", "n", i)).Rev
		if f := e.now(b, "places", "a"); f.Rev != rev || f.Props.Get("n") != catalog.Integer(int64(i)) {
			e.Fatalf("after revision %d the other handle has %s", rev, show(f))
		}
		if head := e.head(b); head != rev {
			e.Fatalf("after revision %d the other handle's head is %d", rev, head)
		}
	}
}
