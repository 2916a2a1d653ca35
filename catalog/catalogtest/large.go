package catalogtest

import (
	"errors"
	"fmt"

	"nagar/catalog"
	"nagar/geo"
)

var largeCases = []testCase{
	{name: "apply/large", run: testLarge},
}

// testLarge takes a batch of more than one chunk through write, feed, replay and replace.
func testLarge(e *env) {
	e.define(places())
	const n = catalog.CommitChunk + 2500
	batch := func(key string, value int) catalog.Batch {
		return catalog.Batch{Key: key, Replace: "places", Ops: func(yield func(*catalog.Op, error) bool) {
			var op catalog.Op // reused, as a decoder would
			for i := range n {
				op = put(fmt.Sprint("f", i), "n", i*value, "name", "नाव")
				op.Feature.Geometry = geo.NewPoint(72.7+float64(i%100)/1000, 18.9+float64(i/100)/1000)
				if !yield(&op, nil) {
					return
				}
			}
		}}
	}
	if r := e.applyBatch(e.s, batch("one", 1)); r.Created != n || len(r.Statuses) != n {
		e.Fatalf("created %d of %d, %d statuses", r.Created, n, len(r.Statuses))
	}
	if r := e.applyBatch(e.s, batch("two", 1)); r.Unchanged != n {
		e.Fatalf("the same again: unchanged %d of %d", r.Unchanged, n)
	}
	r := e.applyBatch(e.s, batch("three", 2))
	if r.Updated != n-1 || r.Unchanged != 1 {
		e.Fatalf("updated %d of %d", r.Updated, n-1)
	}
	commits, _ := e.changes(e.s, r.Rev-1)
	total := 0
	for i, c := range commits {
		total += len(c.Changes)
		if c.Rev != r.Rev || c.More != (i < len(commits)-1) || len(c.Changes) > catalog.CommitChunk {
			e.Errorf("chunk %d of %d: revision %d, %d changes, more %v", i, len(commits), c.Rev, len(c.Changes), c.More)
		}
	}
	if total != n-1 || len(commits) < 2 {
		e.Errorf("the feed has %d changes in %d chunks, want %d", total, len(commits), n-1)
	}
	// A reader that stops inside a revision has not handled it.
	chunks := 0
	reached, err := e.s.Changes(e.ctx, r.Rev-1, func(catalog.Commit) error {
		if chunks++; chunks == 2 {
			return errStopped
		}
		return nil
	})
	if !errors.Is(err, errStopped) || reached != r.Rev-1 {
		e.Errorf("stopped inside revision %d: reached %d, %v", r.Rev, reached, err)
	}
}

var errStopped = errors.New("stopped")
