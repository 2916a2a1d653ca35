package catalogtest

import (
	"slices"
	"strings"
	"time"

	"nagar/catalog"
)

// verifyHistories is how many features' histories one case's verification reads.
const verifyHistories = 150

// verify opens the store afresh and checks it whole: what the store itself
// checks; that the feed, replayed from the beginning, tells of every change
// truly and ends in what a scan shows; that histories fit the feed and that no
// two versions of a feature overlap on the two clocks.
func (e *env) verify() {
	if e.noVerify || e.Skipped() {
		return
	}
	s, err := e.h.Open(e.ctx, e.location)
	if err != nil {
		e.Errorf("verify: open: %v", err)
		return
	}
	defer s.Close()
	problems := 0
	err = s.Check(e.ctx, func(p catalog.Problem) error {
		if problems++; problems <= 10 {
			e.Errorf("verify: check: %s/%s: %s", p.Collection, p.ID, p.Reason)
		}
		return nil
	})
	if err != nil {
		e.Errorf("verify: check: %v", err)
	}
	r := newReplay(e)
	last, err := s.Changes(e.ctx, 0, r.commit)
	if err != nil {
		e.Errorf("verify: changes: %v", err)
		return
	}
	if head := e.head(s); last != head || r.rev != head {
		e.Errorf("verify: the feed ends at %d (%d returned), the head is %d", r.rev, last, head)
	}
	list, err := s.Collections(e.ctx)
	if err != nil {
		e.Errorf("verify: collections: %v", err)
		return
	}
	if !slices.IsSortedFunc(list, func(a, b catalog.Collection) int { return strings.Compare(a.Name, b.Name) }) {
		e.Errorf("verify: collections are not in the order of their names")
	}
	left := verifyHistories
	for _, c := range list {
		if !r.defined[c.Name] {
			e.Errorf("verify: the feed never told of collection %s", c.Name)
		}
		before := time.Now()
		got, rev := e.scan(s, catalog.Query{Collection: c.Name})
		if rev != last {
			e.Errorf("verify: a scan of %s at rest is of revision %d, head is %d", c.Name, rev, last)
		}
		want := map[string]*catalog.Feature{}
		for id, f := range r.state[c.Name] {
			if f.ValidAt(before) {
				want[id] = f
			}
		}
		e.compareAll("verify: feed replayed (want) against scan of "+c.Name, want, got, false)
		for id := range r.seen[c.Name] {
			if left--; left < 0 {
				break
			}
			r.history(s, c.Name, id)
		}
	}
}

// replay follows a feed and checks it as it comes.
type replay struct {
	e       *env
	rev     catalog.Rev
	more    bool
	time    time.Time
	commits map[catalog.Rev]catalog.Commit // without changes
	state   map[string]map[string]*catalog.Feature
	seen    map[string]map[string]bool
	defined map[string]bool
}

func newReplay(e *env) *replay {
	return &replay{
		e: e, commits: map[catalog.Rev]catalog.Commit{}, state: map[string]map[string]*catalog.Feature{},
		seen: map[string]map[string]bool{}, defined: map[string]bool{},
	}
}

// commit takes the next commit of the feed.
func (r *replay) commit(c catalog.Commit) error {
	c = keep(c)
	switch {
	case r.more && c.Rev != r.rev:
		r.e.Errorf("feed: revision %d was to have more, but %d came", r.rev, c.Rev)
	case !r.more && c.Rev <= r.rev:
		r.e.Errorf("feed: revision %d came after %d", c.Rev, r.rev)
	case c.Time.Before(r.time):
		r.e.Errorf("feed: revision %d is of %v, before its forerunner's %v", c.Rev, c.Time, r.time)
	case c.Time.IsZero():
		r.e.Errorf("feed: revision %d has no time", c.Rev)
	case len(c.Changes) > catalog.CommitChunk:
		r.e.Errorf("feed: revision %d has %d changes in one chunk", c.Rev, len(c.Changes))
	}
	r.rev, r.more, r.time = c.Rev, c.More, c.Time
	for i := range c.Changes {
		r.change(c.Rev, &c.Changes[i])
	}
	c.Changes = nil
	r.commits[c.Rev] = c
	return nil
}

func (r *replay) change(rev catalog.Rev, ch *catalog.Change) {
	if ch.Kind == catalog.Defined {
		r.defined[ch.Collection] = true
		return
	}
	if ch.ID == "" || (ch.New != nil && ch.New.ID != ch.ID) || (ch.Old != nil && ch.Old.ID != ch.ID) {
		r.e.Errorf("feed: revision %d: a change of %q has features %s → %s", rev, ch.ID, show(ch.Old), show(ch.New))
	}
	state := r.state[ch.Collection]
	if state == nil {
		state = map[string]*catalog.Feature{}
		r.state[ch.Collection], r.seen[ch.Collection] = state, map[string]bool{}
	}
	r.seen[ch.Collection][ch.ID] = true
	before := state[ch.ID]
	if ch.Kind == catalog.Written {
		switch {
		case before == nil && ch.Old == nil:
		case before == nil || ch.Old == nil:
			r.e.Errorf("feed: revision %d: %s: old is %s, but the feed so far said %s", rev, ch.ID, show(ch.Old), show(before))
		case ch.Old.Rev != before.Rev || !ch.Old.Geometry.Equal(&before.Geometry) || !ch.Old.Props.Equal(before.Props) || !ch.Old.ValidFrom.Equal(before.ValidFrom):
			r.e.Errorf("feed: revision %d: %s: old is %s, but the feed so far said %s", rev, ch.ID, show(ch.Old), show(before))
		}
		if before == nil && ch.New == nil {
			r.e.Errorf("feed: revision %d: %s: the end of what was not there", rev, ch.ID)
		}
		if ch.New != nil && ch.New.Rev != rev {
			r.e.Errorf("feed: revision %d: new is of revision %d", rev, ch.New.Rev)
		}
	}
	if ch.New == nil {
		delete(state, ch.ID)
	} else {
		state[ch.ID] = ch.New
	}
}

// history checks one feature's history against itself and the feed.
func (r *replay) history(s catalog.Store, collection, id string) {
	versions, err := s.History(r.e.ctx, collection, id)
	if err != nil {
		r.e.Errorf("verify: history of %s/%s: %v", collection, id, err)
		return
	}
	current := r.state[collection][id]
	found := false
	for i, v := range versions {
		c, ok := r.commits[v.Rev]
		if !ok || !v.Recorded.Equal(c.Time) || v.Author != c.Author || v.Reason != c.Reason {
			r.e.Errorf("verify: history of %s/%s: version %d says (%v, %q, %q), the feed's revision %d says (%v, %q, %q)",
				collection, id, i, v.Recorded, v.Author, v.Reason, v.Rev, c.Time, c.Author, c.Reason)
		}
		if v.RevTo != 0 && v.RevTo <= v.Rev {
			r.e.Errorf("verify: history of %s/%s: version %d is recorded [%d,%d)", collection, id, i, v.Rev, v.RevTo)
		}
		if !v.ValidFrom.IsZero() && !v.ValidTo.IsZero() && !v.ValidFrom.Before(v.ValidTo) {
			r.e.Errorf("verify: history of %s/%s: version %d is valid [%v,%v)", collection, id, i, v.ValidFrom, v.ValidTo)
		}
		if i > 0 && (v.Rev < versions[i-1].Rev || v.Rev == versions[i-1].Rev && v.ValidFrom.Before(versions[i-1].ValidFrom)) {
			r.e.Errorf("verify: history of %s/%s is out of order at version %d", collection, id, i)
		}
		for j := range versions[:i] {
			if overlap(&versions[j], &v) {
				r.e.Errorf("verify: history of %s/%s: two truths at once:\n%s until rev %d\n%s until rev %d",
					collection, id, show(&versions[j].Feature), versions[j].RevTo, show(&v.Feature), v.RevTo)
			}
		}
		found = found || v.RevTo == 0 && same(&v.Feature, current, false)
	}
	if current != nil && !found {
		r.e.Errorf("verify: history of %s/%s lacks the current %s", collection, id, show(current))
	}
}

// overlap reports whether the rectangles of two versions on the two clocks meet.
func overlap(a, b *catalog.Version) bool {
	if a.RevTo != 0 && a.RevTo <= b.Rev || b.RevTo != 0 && b.RevTo <= a.Rev {
		return false
	}
	if !a.ValidTo.IsZero() && !b.ValidFrom.IsZero() && !b.ValidFrom.Before(a.ValidTo) {
		return false
	}
	if !b.ValidTo.IsZero() && !a.ValidFrom.IsZero() && !a.ValidFrom.Before(b.ValidTo) {
		return false
	}
	return true
}
