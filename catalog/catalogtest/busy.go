package catalogtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"nagar/catalog"
)

var busyCases = []testCase{
	{name: "busy/readers-go-on", run: testReadersGoOn},
	{name: "busy/definitions", run: testDefineTogether},
	{name: "busy/reused-memory", run: testReusedMemory},
	{name: "busy/outside-and-inside", outside: true, run: testMixed},
}

// testReadersGoOn holds a batch open and reads meanwhile, through the same
// handle and another: nobody waits, and nothing of the batch shows.
func testReadersGoOn(e *env) {
	e.define(places())
	before := e.fill(200).Rev
	other := e.open()
	inside, done := make(chan struct{}), make(chan struct{})
	end := sync.OnceFunc(func() { close(done) })
	e.Cleanup(end)
	finished := make(chan error, 1)
	go func() {
		_, err := e.s.Apply(e.ctx, catalog.Batch{Ops: func(yield func(*catalog.Op, error) bool) {
			for i := range 6000 { // more than one chunk of any store
				if op := put(fmt.Sprint("f", i), "n", -i, "name", "hidden"); !yield(&op, nil) {
					return
				}
			}
			close(inside)
			<-done
		}})
		finished <- err
	}()
	<-inside
	whole := e.ctx
	var cancel context.CancelFunc
	e.ctx, cancel = context.WithTimeout(whole, waitLong) // who waits for the batch waits for ever
	defer cancel()
	for _, s := range []catalog.Store{e.s, other} {
		if f := e.now(s, "places", "f7"); f.Rev != before {
			e.Errorf("an open batch shows: %s", show(f))
		}
		if got, rev := e.scan(s, catalog.Query{Collection: "places"}); len(got) != 200 || rev != before {
			e.Errorf("a scan during an open batch: %d features of revision %d", len(got), rev)
		}
		if commits, reached := e.changes(s, before); len(commits) != 0 || reached != before {
			e.Errorf("the feed during an open batch: %d commits up to %d", len(commits), reached)
		}
		if _, err := s.History(e.ctx, "places", "f7"); err != nil {
			e.Errorf("history during an open batch: %v", err)
		}
		if _, err := s.Collections(e.ctx); err != nil {
			e.Errorf("collections during an open batch: %v", err)
		}
	}
	e.ctx = whole
	end()
	if err := <-finished; err != nil {
		e.Errorf("the batch: %v", err)
	}
	if got, _ := e.scan(other, catalog.Query{Collection: "places"}); len(got) != 6000 {
		e.Errorf("after the batch: %d features", len(got))
	}
}

// testDefineTogether has eight callers add a field each at once: none is lost.
func testDefineTogether(e *env) {
	handles := []catalog.Store{e.s, e.open()}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := places()
			c.Fields = append(c.Fields, catalog.Field{Name: fmt.Sprint("own ", i), Type: catalog.TypeInteger})
			if _, err := handles[i%2].Define(e.ctx, c); err != nil {
				e.Errorf("definer %d: %v", i, err)
				return
			}
			op := put(fmt.Sprint("f", i), fmt.Sprint("own ", i), i)
			if _, err := handles[(i+1)%2].Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(op)}); err != nil {
				e.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	c, err := e.s.Collection(e.ctx, "places")
	if err != nil || len(c.Fields) != len(places().Fields)+8 {
		e.Errorf("%d fields, want %d, %v", len(c.Fields), len(places().Fields)+8, err)
	}
	for i := range 8 {
		if f := e.now(e.s, "places", fmt.Sprint("f", i)); f.Props.Get(fmt.Sprint("own ", i)) != catalog.Integer(int64(i)) {
			e.Errorf("field %d: %s", i, show(f))
		}
	}
}

// testReusedMemory streams ops whose properties live in one slice, as a decoder
// that saves memory does: an op is read before the next is asked for.
func testReusedMemory(e *env) {
	e.define(places())
	props := make(catalog.Properties, 2)
	r := e.applyBatch(e.s, catalog.Batch{Ops: func(yield func(*catalog.Op, error) bool) {
		op := put("")
		op.Feature.Props = props
		for i := range 7000 {
			op.Feature.ID = fmt.Sprint("f", i)
			props[0] = catalog.Property{Name: "n", Value: catalog.Integer(int64(i))}
			props[1] = catalog.Property{Name: "name", Value: catalog.Text(fmt.Sprint("name ", i))}
			if !yield(&op, nil) {
				return
			}
		}
		clear(props)
	}})
	if r.Created != 7000 {
		e.Errorf("%+v", r)
	}
	got, _ := e.scan(e.s, catalog.Query{Collection: "places"})
	for i := range 7000 {
		if f := got[fmt.Sprint("f", i)]; f == nil || f.Props.Get("n").Int() != int64(i) || f.Props.Get("name").Str() != fmt.Sprint("name ", i) {
			e.Fatalf("feature %d: %s", i, show(f))
		}
	}
}

// testMixed edits from outside while two handles of ours write and a follower
// listens; the verification after it holds the feed to the truth.
func testMixed(e *env) {
	e.define(places())
	e.fill(120)
	handles := []catalog.Store{e.s, e.open()}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w, s := range handles {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				ops := []catalog.Op{put(fmt.Sprint("f", (i*7+w*3)%120), "n", i, "name", "ours"), put(fmt.Sprintf("w%d-%d", w, i%20), "n", i)}
				if i%5 == 4 {
					ops[0] = del(ops[0].Feature.ID)
				}
				if _, err := s.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(ops...)}); err != nil {
					e.Errorf("writer %d: %v", w, err)
					return
				}
				time.Sleep(2 * time.Millisecond) // leave the outside tools a gap
			}
		})
	}
	for i := range 4 {
		e.sql(fmt.Sprintf(`UPDATE places SET name = 'theirs %d' WHERE n %% 3 = %d`, i, i%3),
			fmt.Sprintf(`DELETE FROM places WHERE id = 'w0-%d'`, i),
			fmt.Sprintf(`INSERT INTO places (id, name) VALUES ('outside %d', 'x')`, i))
	}
	close(stop)
	wg.Wait()
	for i := range 4 {
		e.becomes(fmt.Sprint("outside ", i), "x")
	}
}
