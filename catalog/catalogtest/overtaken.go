package catalogtest

import (
	"fmt"
	"time"

	"nagar/catalog"
)

// testRevived has two batches put a deleted feature again at once: the one that
// comes second changes what the first put, at its own time.
func testRevived(e *env) {
	e.define(places())
	e.apply(e.s, put("a", "n", 0))
	e.apply(e.s, del("a"))
	other := e.open()
	done := make(chan error, 1)
	e.applyBatch(e.s, catalog.Batch{Ops: func(yield func(*catalog.Op, error) bool) {
		first := put("a", "n", 1)
		if !yield(&first, nil) {
			return
		}
		for i := range 10_001 { // more than one chunk of any store: the first is on its way
			if op := put(fmt.Sprint("f", i)); !yield(&op, nil) {
				return
			}
		}
		go func() {
			_, err := other.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(put("a", "n", 2))})
			done <- err
		}()
		time.Sleep(300 * time.Millisecond) // it has looked, and waits; where it has not, nothing is shown
	}})
	if err := <-done; err != nil {
		e.Fatalf("the second batch: %v", err)
	}
	versions, err := e.s.History(e.ctx, "places", "a")
	if err != nil {
		e.Fatal(err)
	}
	// Whichever came first: what it put was true until the other began.
	var now *catalog.Version
	before := time.Time{}
	for i := range versions {
		switch v := &versions[i]; {
		case v.RevTo != 0 || v.Props.Get("n") == catalog.Integer(0):
		case v.ValidTo.IsZero():
			now = v
		default:
			before = v.ValidTo
		}
	}
	if now == nil || before.IsZero() || !before.Equal(now.ValidFrom) {
		e.Errorf("what was put first ends at %s, and then: %+v", stamp(before), versions)
	}
}

// testOvertaken has a slow batch begin, a quick one change the same feature and
// commit, and the slow one change it too: what it calls now is after that.
func testOvertaken(e *env) {
	e.define(places())
	other := e.open()
	for _, c := range []struct {
		what        string
		quick, slow catalog.Op
	}{
		{"put over put", put("a", "n", 1), put("a", "n", 2)},
		{"delete over put", put("b", "n", 1), del("b")},
		{"put over delete", del("c"), put("c", "n", 2)},
		{"put over a first put", put("d", "n", 1), put("d", "n", 2)},
	} {
		e.apply(e.s, put("a"), put("b"), put("c"))
		done := make(chan error, 1)
		_, err := e.s.Apply(e.ctx, catalog.Batch{Ops: func(yield func(*catalog.Op, error) bool) {
			first := put("slow", "name", c.what)
			if !yield(&first, nil) {
				return
			}
			tick()
			go func() {
				_, err := other.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(c.quick)})
				done <- err
			}()
			select {
			case err := <-done:
				done <- err
			case <-time.After(300 * time.Millisecond): // the store lets one batch in at a time: as good
			}
			yield(&c.slow, nil)
		}})
		if err != nil {
			e.Errorf("%s: the slow batch: %v", c.what, err)
		}
		if err := <-done; err != nil {
			e.Errorf("%s: the quick batch: %v", c.what, err)
		}
	}
}
