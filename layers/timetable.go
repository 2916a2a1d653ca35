package layers

import (
	"container/heap"
	"context"
	"time"

	"nagar/catalog"
	"nagar/layers/index"
)

// timetable knows the features whose valid time begins or ends after now: those
// to come are kept here, those that will end are shown and listed.
type timetable struct {
	of    map[featureID]*appointment
	queue appointments
}

type featureID struct{ collection, id string }

// appointment is the next moment at which a feature appears or disappears.
type appointment struct {
	at   time.Time
	id   featureID
	show *catalog.Feature // appears; nil: disappears
	seq  int              // place in the queue
}

func newTimetable() *timetable { return &timetable{of: map[featureID]*appointment{}} }

// admit reports whether the feature is shown now, and notes when that changes.
func (t *timetable) admit(collection string, f *catalog.Feature, now time.Time) bool {
	id := featureID{collection, f.ID}
	t.forget(collection, f.ID)
	switch {
	case !f.ValidTo.IsZero() && !now.Before(f.ValidTo):
		return false
	case !f.ValidFrom.IsZero() && now.Before(f.ValidFrom):
		x := *f
		t.add(&appointment{at: f.ValidFrom, id: id, show: &x})
		return false
	case !f.ValidTo.IsZero():
		t.add(&appointment{at: f.ValidTo, id: id})
	}
	return true
}

func (t *timetable) add(a *appointment) {
	t.of[a.id] = a
	heap.Push(&t.queue, a)
}

// forget drops what was noted for the feature.
func (t *timetable) forget(collection, id string) {
	k := featureID{collection, id}
	if a, ok := t.of[k]; ok {
		heap.Remove(&t.queue, a.seq)
		delete(t.of, k)
	}
}

// replace drops what was noted for a collection and takes over what other, which
// knows no other collection, has noted.
func (t *timetable) replace(collection string, other *timetable) {
	for id := range t.of {
		if id.collection == collection {
			t.forget(collection, id.id)
		}
	}
	for _, a := range other.queue {
		t.add(a)
	}
}

// due takes out what is to happen up to now.
func (t *timetable) due(now time.Time) []*appointment {
	var out []*appointment
	for len(t.queue) > 0 && !now.Before(t.queue[0].at) {
		a := heap.Pop(&t.queue).(*appointment)
		delete(t.of, a.id)
		out = append(out, a)
	}
	return out
}

// next is the time of the next appointment.
func (t *timetable) next() (time.Time, bool) {
	if len(t.queue) == 0 {
		return time.Time{}, false
	}
	return t.queue[0].at, true
}

type appointments []*appointment

func (q appointments) Len() int           { return len(q) }
func (q appointments) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q appointments) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].seq, q[j].seq = i, j
}
func (q *appointments) Push(x any) {
	a := x.(*appointment)
	a.seq = len(*q)
	*q = append(*q, a)
}
func (q *appointments) Pop() any {
	old := *q
	a := old[len(old)-1]
	*q = old[:len(old)-1]
	return a
}

// longestSleep bounds how late a change of the clock itself is noticed.
const longestSleep = time.Minute

// timeLoop lets features appear and disappear when their time comes.
func (e *Engine) timeLoop(ctx context.Context) {
	for {
		e.mu.Lock()
		at, any := e.timed.next()
		e.mu.Unlock()
		wait := longestSleep
		if any {
			wait = min(max(at.Sub(e.opts.Clock()), 0), longestSleep)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-e.timeDue:
		case <-timer.C:
		}
		timer.Stop()
		e.Tick()
		e.pasts.sweep(time.Now())
	}
}

// Tick shows and hides what has become due by the clock. Run calls it in time; a
// caller that moves Options.Clock by hand calls it after.
func (e *Engine) Tick() {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.opts.Clock()
	due := e.timed.due(now)
	if len(due) == 0 {
		return
	}
	edits := map[string][]index.Edit{}
	var order []string
	for _, a := range due {
		c := a.id.collection
		if _, known := edits[c]; !known {
			order = append(order, c)
		}
		edit := index.Edit{ID: a.id.id}
		if a.show != nil && e.timed.admit(c, a.show, now) {
			edit.New = a.show
		}
		edits[c] = append(edits[c], edit)
	}
	st := e.state.Load()
	var changes []change
	for _, name := range order {
		old, known := st.cols[name]
		if !known {
			continue
		}
		c, ch := old.edited(edits[name], old.rev)
		e.counts.merges.Add(int64(c.snap.Merges()))
		st = st.with(c)
		changes = append(changes, ch)
	}
	e.publish(st, changes)
}
