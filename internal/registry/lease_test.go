package registry

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
)

func (c *town) lease(n int, who string, by By) *Lease {
	c.Helper()
	l, err := c.r.Lease(c.ctx, n, "tablet 4", time.Time{}, who, by)
	if err != nil {
		c.Fatal(err)
	}
	return l
}

// TestLease leases UIDs, registers by them, and holds that they are nobody else's.
func TestLease(t *testing.T) {
	eachStore(t, func(c *town) {
		l := c.lease(5, "anu", By{Key: "k1"})
		if again := c.lease(5, "anu", By{Key: "k1"}); !again.Replayed || again.ID != l.ID || fmt.Sprint(again.UIDs) != fmt.Sprint(l.UIDs) {
			t.Errorf("under the same key: %+v, then %+v", l, again)
		}
		for _, who := range []string{"anu", "bela"} {
			if _, err := c.r.Lease(c.ctx, 4, "tablet 4", time.Time{}, who, By{Key: "k1"}); !isRefused(err) {
				t.Errorf("another lease of %s under the key: %v", who, err)
			}
		}
		if l.Device != "tablet 4" || len(l.UIDs) != 5 || l.State != "open" || time.Until(l.Expires) < LeaseTime-time.Minute {
			t.Errorf("lease: %+v", l)
		}
		if _, err := c.r.Structure(c.ctx, l.UIDs[0], catalog.At{}, catalog.Everything, today); !errors.Is(err, ErrUnknown) {
			t.Errorf("a UID that was only leased is a structure: %v", err)
		}
		register := func(id string) string {
			return `{"kind":"register","uid":"` + id + `","geometry":` + written(square(1)) + `}`
		}
		anu := By{Holder: "anu"}
		done, err := c.try("", register(l.UIDs[0]), anu)
		if err != nil || done.UID != l.UIDs[0] {
			t.Fatalf("registered: %+v, %v", done, err)
		}
		for _, no := range []struct {
			command string
			by      By
		}{{register(l.UIDs[1]), By{Holder: "bela"}}, {register(l.UIDs[1]), By{}}, {register(l.UIDs[0]), anu}, {register(nth(77)), anu}, {register("00000-00000"), anu}, {register("x"), anu}} {
			if _, err := c.try("", no.command, no.by); !isRefused(err) {
				t.Errorf("%s by %q: %v", no.command, no.by.Holder, err)
			}
		}
		// The parts of a split, and what comes in the place of another.
		a := done.UID
		split := `{"kind":"split","parts":[{"geometry":` + written(square(1)) + `},{"geometry":` + written(square(2)) + `,"uid":"` + l.UIDs[1] + `"},{"geometry":` + written(square(3)) + `}]}`
		if done, err = c.try(a, split, anu); err != nil || done.Event.Lineage.To[1] != l.UIDs[1] {
			t.Fatalf("split: %+v, %v", done, err)
		}
		for _, no := range []string{
			`{"kind":"split","parts":[{"geometry":` + written(square(1)) + `},{"geometry":` + written(square(2)) + `,"uid":"` + l.UIDs[2] + `"},{"geometry":` + written(square(3)) + `,"uid":"` + l.UIDs[2] + `"}]}`,
			`{"kind":"split","parts":[{"geometry":` + written(square(1)) + `,"uid":"` + l.UIDs[2] + `"},{"geometry":` + written(square(3)) + `}]}`,
			`{"kind":"status","status":"vacant","uid":"` + l.UIDs[2] + `"}`,
		} {
			if _, err := c.try(a, no, anu); !isRefused(err) {
				t.Errorf("%s: %v", no, err)
			}
		}
		if done, err = c.try(a, `{"kind":"replace","uid":"`+l.UIDs[2]+`"}`, anu); err != nil {
			t.Fatal(err)
		}
		// What is undone does not make the UID free.
		if _, err := c.try(a, `{"kind":"undo","event":"`+done.Event.ID+`"}`, anu); err != nil {
			t.Fatal(err)
		}
		if _, err := c.try("", register(l.UIDs[2]), anu); !isRefused(err) {
			t.Errorf("a UID whose structure was undone: %v", err)
		}
		if err := c.r.Return(c.ctx, l.ID, "bela", By{}); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("somebody else returns it: %v", err)
		}
		for range 2 {
			if err := c.r.Return(c.ctx, l.ID, "anu", By{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.try("", register(l.UIDs[3]), anu); !isRefused(err) {
			t.Errorf("a UID that was returned: %v", err)
		}
		held, err := c.r.Held(c.ctx, "anu")
		if err != nil || len(held) != 1 || held[0].Used != 3 || held[0].State != "returned" || len(held[0].UIDs) != 0 {
			t.Errorf("held: %+v, %v", held, err)
		}
	})
}

func isRefused(err error) bool {
	var no *Refused
	return errors.As(err, &no)
}

// TestLeaseEnds registers after the end of a lease: for a day before it, yes.
func TestLeaseEnds(t *testing.T) {
	eachStore(t, func(c *town) {
		l := c.lease(2, "anu", By{})
		for _, u := range l.UIDs { // as if it had been given long ago
			f, err := c.store.Feature(c.ctx, Leases, u, catalog.At{})
			if err != nil {
				t.Fatal(err)
			}
			f.Props, f.ValidFrom = with(f.Props, "expires", catalog.Time(at(2025))), time.Time{}
			c.apply(catalog.Op{Kind: catalog.Put, Collection: Leases, Feature: f})
		}
		if held, err := c.r.Held(c.ctx, "anu"); err != nil || held[0].State != "expired" {
			t.Errorf("%+v, %v", held, err)
		}
		if _, err := c.try("", `{"kind":"register","uid":"`+l.UIDs[0]+`"}`, By{Holder: "anu"}); !isRefused(err) {
			t.Errorf("after its end: %v", err)
		}
		if _, err := c.try("", `{"kind":"register","date":"2024-12-30","uid":"`+l.UIDs[0]+`"}`, By{Holder: "anu"}); err != nil {
			t.Errorf("for a day before its end: %v", err)
		}
		for _, bad := range []struct {
			n      int
			device string
			end    time.Time
		}{{0, "t", time.Time{}}, {MaxLease + 1, "t", time.Time{}}, {1, " ", time.Time{}}, {1, "t", time.Now().Add(-time.Hour)}, {1, "t", time.Now().Add(2 * LeaseLimit)}} {
			if _, err := c.r.Lease(c.ctx, bad.n, bad.device, bad.end, "anu", By{}); !isRefused(err) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

// TestLeasesNeverCollide leases and registers from many sides at once: every UID is
// given once.
func TestLeasesNeverCollide(t *testing.T) {
	eachStore(t, func(c *town) {
		var mu sync.Mutex
		seen := map[string]string{}
		give := func(what string, ids ...string) {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range ids {
				if seen[id] != "" {
					t.Errorf("%s is given by %s and by %s", id, seen[id], what)
				}
				seen[id] = what
			}
		}
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				who := fmt.Sprint("device ", i)
				l, err := c.r.Lease(c.ctx, 40, who, time.Time{}, who, By{})
				if err != nil {
					t.Error(err)
					return
				}
				give(who, l.UIDs...)
				var taken sync.WaitGroup
				for range 2 { // two try one UID: one gets it
					taken.Go(func() {
						cmd := &Command{Kind: Register, NewUID: l.UIDs[0]}
						done, err := c.r.Do(c.ctx, cmd, By{View: catalog.Everything, Holder: who})
						var conflict *catalog.Conflict
						switch {
						case err == nil:
							give(who+" registers", done.UID+"!")
						case !isRefused(err) && !errors.As(err, &conflict):
							t.Errorf("%s: %v", who, err)
						}
					})
				}
				taken.Wait()
				done, err := c.r.Do(c.ctx, &Command{Kind: Register}, By{View: catalog.Everything})
				if err != nil {
					t.Error(err)
					return
				}
				give("a command", done.UID)
			})
		}
		wg.Wait()
		if len(seen) != 6*(40+1+1) {
			t.Errorf("%d UIDs and registrations", len(seen))
		}
	})
}
