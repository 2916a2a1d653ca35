package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

var feedCases = []testCase{
	{name: "feed/fidelity", run: testFeedFidelity},
	{name: "feed/resume", run: testFeedResume},
	{name: "feed/commit-order", run: testCommitOrder},
	{name: "feed/wait", run: testWait},
	{name: "feed/follower", run: testFollower},
	{name: "feed/rev-at", run: testRevAt},
}

// testFeedFidelity holds that the feed tells every version, in between ones too,
// with who, why and when.
func testFeedFidelity(e *env) {
	e.define(places())
	start := e.head(e.s)
	for i := range 5 {
		op := put("a", "n", i)
		op.Feature.Geometry = geo.NewPoint(72+float64(i), 19)
		e.applyBatch(e.s, catalog.Batch{Author: fmt.Sprint("author ", i), Reason: "because", Ops: catalog.Ops(op)})
	}
	e.apply(e.s, del("a"))
	e.apply(e.s, put("a", "n", 6))
	moved := since(year(2001), put("b", "n", 1))
	moved.Feature.ValidTo = year(2090)
	e.apply(e.s, moved)
	commits, last := e.changes(e.s, start)
	if len(commits) != 8 || last != e.head(e.s) {
		e.Fatalf("%d commits up to %d, want 8 up to %d", len(commits), last, e.head(e.s))
	}
	for i, c := range commits[:5] {
		ch := c.Changes[0]
		if len(c.Changes) != 1 || ch.Kind != catalog.Written || ch.Collection != "places" || ch.ID != "a" || c.More || c.Author != fmt.Sprint("author ", i) || c.Reason != "because" || time.Since(c.Time) > time.Minute {
			e.Errorf("commit %d: %+v", i, c)
		}
		if ch.New.Props.Get("n") != catalog.Integer(int64(i)) || ch.New.Geometry.Coords[0] != 72+float64(i) || ch.New.Rev != c.Rev {
			e.Errorf("commit %d: new is %s", i, show(ch.New))
		}
		if i == 0 && ch.Old != nil || i > 0 && (ch.Old == nil || ch.Old.Props.Get("n") != catalog.Integer(int64(i-1)) || ch.Old.Geometry.Coords[0] != 71+float64(i)) {
			e.Errorf("commit %d: old is %s", i, show(ch.Old))
		}
	}
	if ch := commits[5].Changes[0]; ch.New != nil || ch.Old == nil || ch.Old.Props.Get("n") != catalog.Integer(4) {
		e.Errorf("a delete: %s → %s", show(ch.Old), show(ch.New))
	}
	if ch := commits[6].Changes[0]; ch.Old != nil || ch.New == nil {
		e.Errorf("a return: %s → %s", show(ch.Old), show(ch.New))
	}
	want := moved.Feature
	e.compare("valid time in the feed", &want, commits[7].Changes[0].New, true)
}

// testFeedResume reads the feed from every point, through a fresh handle.
func testFeedResume(e *env) {
	e.define(places())
	for i := range 12 {
		e.apply(e.s, put(fmt.Sprint("f", i%3), "n", i), put(fmt.Sprint("g", i)))
	}
	all, last := e.changes(e.s, 0)
	e.close(e.s)
	e.s = e.open()
	for from := range all {
		got, reached := e.changes(e.s, all[from].Rev)
		if reached != last || len(got) != len(all)-from-1 {
			e.Errorf("from %d: %d commits up to %d", all[from].Rev, len(got), reached)
			continue
		}
		for i, c := range got {
			if w := all[from+1+i]; c.Rev != w.Rev || len(c.Changes) != len(w.Changes) || !c.Time.Equal(w.Time) {
				e.Errorf("from %d: commit %d differs: %+v, %+v", all[from].Rev, i, c, w)
			}
		}
	}
	for _, stop := range []int{0, 5} {
		n := 0
		reached, err := e.s.Changes(e.ctx, 0, func(catalog.Commit) error {
			if n++; n > stop {
				return errStopped
			}
			return nil
		})
		want := catalog.Rev(0)
		if stop > 0 {
			want = all[stop-1].Rev
		}
		if !errors.Is(err, errStopped) || reached != want {
			e.Errorf("stopped after %d commits: reached %d, want %d, %v", stop, reached, want, err)
		}
	}
}

// testCommitOrder lets eight slow writers on two handles run against a follower:
// whoever numbers writes before they commit loses some here.
func testCommitOrder(e *env) {
	e.define(places())
	handles := []catalog.Store{e.s, e.open()}
	const writers, batches = 8, 12
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var live []catalog.Commit
	followed := make(chan error, 1)
	reader := e.open()
	go func() {
		followed <- catalog.Follow(ctx, reader, 0, func(c catalog.Commit) error {
			live = append(live, keep(c))
			if len(written(live, "places")) == writers*batches*3 {
				cancel()
			}
			return nil
		})
	}()
	var wg sync.WaitGroup
	for w := range writers {
		rng := rand.New(rand.NewPCG(uint64(w), 2))
		wg.Go(func() {
			for b := range batches {
				_, err := handles[w%2].Apply(e.ctx, catalog.Batch{Author: fmt.Sprint("writer ", w), Ops: func(yield func(*catalog.Op, error) bool) {
					for i := range 3 {
						time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
						if op := put(fmt.Sprintf("w%d-%d", w, i), "n", b); !yield(&op, nil) {
							return
						}
					}
				}})
				if err != nil {
					e.Errorf("writer %d, batch %d: %v", w, b, err)
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-followed:
		if !errors.Is(err, context.Canceled) {
			e.Fatalf("follower: %v", err)
		}
	case <-time.After(waitLong):
		cancel()
		<-followed
		e.Errorf("the follower saw %d changes of %d", len(written(live, "places")), writers*batches*3)
	}
	replayed, _ := e.changes(e.s, 0)
	revs := func(commits []catalog.Commit) (out []string) {
		for _, c := range commits {
			s := fmt.Sprint(c.Rev, " ", c.Author)
			for _, ch := range c.Changes {
				s += " " + ch.ID
			}
			out = append(out, s)
		}
		return out
	}
	if a, b := revs(live), revs(replayed); !slices.Equal(a, b) {
		e.Errorf("what was followed live is not what a replay tells:\n%v\n%v", a, b)
	}
	next := map[string]int64{}
	for _, c := range live {
		if len(c.Changes) != 3 && c.Author != "" {
			e.Errorf("revision %d has %d changes of 3", c.Rev, len(c.Changes))
		}
		for _, ch := range c.Changes {
			if ch.Kind == catalog.Written {
				if n := ch.New.Props.Get("n").Int(); n != next[ch.ID] {
					e.Errorf("%s: batch %d came when %d was due", ch.ID, n, next[ch.ID])
				}
				next[ch.ID]++
			}
		}
	}
}

// testWait holds that a waiter wakes within a second of a write, through the
// same handle or another, and not before.
func testWait(e *env) {
	e.define(places())
	other := e.open()
	took := map[catalog.Store][]time.Duration{}
	for i, s := range []catalog.Store{e.s, other, e.s, other, e.s, other} {
		head := e.head(e.s)
		woken := make(chan error, 1)
		go func() { woken <- s.Wait(e.ctx, head) }()
		select {
		case err := <-woken:
			e.Fatalf("Wait returned without a write: %v", err)
		case <-time.After(60 * time.Millisecond):
		}
		var rev catalog.Rev
		if i < 4 {
			rev = e.apply(e.s, put("a", "n", i)).Rev
		} else {
			next := places()
			next.Owner = fmt.Sprint("owner ", i)
			rev = e.define(next)
		}
		written := time.Now()
		select {
		case err := <-woken:
			if err != nil {
				e.Errorf("Wait: %v", err)
			}
			if got := e.head(s); got != rev {
				e.Errorf("after Wait the head is %d, the write was %d", got, rev)
			}
			took[s] = append(took[s], time.Since(written))
		case <-time.After(waitLong):
			e.Fatalf("waiter %d still sleeps after revision %d", i, rev)
		}
		if err := s.Wait(e.ctx, head); err != nil {
			e.Errorf("Wait for what is there: %v", err)
		}
	}
	for _, t := range took {
		e.quickest("to wake a waiter", time.Second, t)
	}
}

// testFollower takes a snapshot in the midst of writing and follows the feed
// from its revision: at every stop it must be the store.
func testFollower(e *env) {
	e.define(places())
	e.fill(300)
	handles := []catalog.Store{e.s, e.open()}
	seed := e.rng()
	var wg sync.WaitGroup
	for w := range 4 {
		rng := rand.New(rand.NewPCG(seed.Uint64(), 3))
		wg.Go(func() {
			for range 25 {
				var ops []catalog.Op
				for _, i := range rng.Perm(400)[:1+rng.IntN(20)] {
					op := put(fmt.Sprint("f", i), "n", rng.IntN(1000))
					if rng.IntN(4) == 0 {
						op = del(fmt.Sprint("f", i))
					}
					ops = append(ops, op)
				}
				if _, err := handles[w%2].Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(ops...)}); err != nil {
					e.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	reader := e.open()
	for range 4 {
		time.Sleep(time.Duration(seed.IntN(20)) * time.Millisecond) // let the writers run; any moment will do
		state, rev := e.scan(reader, catalog.Query{Collection: "places"})
		for range 3 {
			reached, err := reader.Changes(e.ctx, rev, func(c catalog.Commit) error {
				for _, ch := range keep(c).Changes {
					if ch.New != nil {
						state[ch.ID] = ch.New
					} else {
						delete(state, ch.ID)
					}
				}
				return nil
			})
			if err != nil {
				e.Fatal(err)
			}
			rev = reached
			want, now := e.scan(reader, catalog.Query{Collection: "places", At: catalog.At{Known: rev}})
			if now < rev {
				e.Errorf("a scan of revision %d after the feed reached %d", now, rev)
			}
			// A version that was ended later is cut short on the valid clock
			// only from then on: as known at rev it is what the feed said.
			e.compareAll(fmt.Sprint("follower at revision ", rev), want, state, false)
		}
	}
	wg.Wait()
}

func testRevAt(e *env) {
	e.define(places())
	before := time.Now().Add(-time.Hour)
	for i := range 5 {
		e.apply(e.s, put("a", "n", i))
		tick()
	}
	commits, last := e.changes(e.s, 0)
	ask := func(t time.Time, want catalog.Rev) {
		e.Helper()
		if got, err := e.s.RevAt(e.ctx, t); err != nil || got != want {
			e.Errorf("RevAt(%s) is %d, %v; want %d", stamp(t), got, err, want)
		}
	}
	ask(before, 0)
	for i, c := range commits {
		want := c.Rev
		for _, later := range commits[i:] {
			if later.Time.Equal(c.Time) {
				want = later.Rev
			}
		}
		ask(c.Time, want)
		if i > 0 && commits[i-1].Time.Before(c.Time) {
			ask(c.Time.Add(-time.Microsecond), commits[i-1].Rev)
		}
	}
	ask(time.Now().Add(time.Hour), last)
}
