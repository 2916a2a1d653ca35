package layers

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nagar/catalog"
)

func TestValidTimeComesAndGoes(t *testing.T) {
	r := random(t)
	var now atomic.Pointer[time.Time]
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now.Store(&t0)
	src := newMemSource()
	src.clock = func() time.Time { return *now.Load() }
	src.define(buildingsCollection())
	feats := city(r, 5)
	feats[0].ValidFrom = t0.Add(time.Hour)
	feats[1].ValidTo = t0.Add(2 * time.Hour)
	feats[2].ValidFrom, feats[2].ValidTo = t0.Add(time.Hour), t0.Add(3*time.Hour)
	feats[3].ValidTo = t0.Add(-time.Hour)
	src.write("buildings", feats)
	e := start(t, src, Options{Clock: func() time.Time { return *now.Load() }})
	shown := func() string {
		var out []string
		for i := range feats {
			if _, _, ok := e.Feature("buildings", feats[i].ID); ok {
				out = append(out, fmt.Sprint(i))
			}
		}
		return strings.Join(out, " ")
	}
	sub := e.Subscribe()
	defer sub.Close()
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "1 4"}, {time.Hour - 1, "1 4"}, {time.Hour, "0 1 2 4"}, {2 * time.Hour, "0 2 4"}, {4 * time.Hour, "0 4"}} {
		at := t0.Add(c.after)
		now.Store(&at)
		e.Tick()
		if got := shown(); got != c.want {
			t.Errorf("after %v: %s, want %s", c.after, got, c.want)
		}
	}
	if d := sub.Take(); len(d) != 1 {
		t.Errorf("notices %+v", d)
	}
	// An edit replaces what was planned.
	f := feats[0]
	f.ValidTo = t0.Add(5 * time.Hour)
	src.write("buildings", []catalog.Feature{f})
	f.ValidTo = time.Time{}
	rev := src.write("buildings", []catalog.Feature{f})
	waitRev(t, e, rev)
	at := t0.Add(6 * time.Hour)
	now.Store(&at)
	e.Tick()
	if got := shown(); got != "0 4" {
		t.Errorf("after the edit: %s", got)
	}
}

func TestValidTimeByTheRunningClock(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	f := building(random(t), 1)
	f.ValidFrom = time.Now().Add(300 * time.Millisecond)
	rev := src.write("buildings", []catalog.Feature{f})
	e := start(t, src, Options{})
	waitRev(t, e, rev)
	eventually(t, "it is shown", func() bool {
		i, _ := e.Collection("buildings")
		if i.Count > 0 && time.Now().Before(f.ValidFrom) {
			t.Fatal("shown too early")
		}
		return i.Count == 1
	})
}

// TestMergesAreCounted: an edit that merges small segments counts as a merge too.
func TestMergesAreCounted(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	e := start(t, src, Options{})
	r := random(t)
	var rev catalog.Rev
	for i := range 40 {
		rev = src.write("buildings", []catalog.Feature{building(r, i)})
	}
	waitRev(t, e, rev)
	if s := e.Stats(); s.Merges == 0 || s.Segments >= 40 || s.Features != 40 {
		t.Errorf("after 40 edits: %+v", s)
	}
}
