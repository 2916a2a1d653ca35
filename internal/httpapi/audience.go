package httpapi

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nagar/catalog"
	"nagar/layers"
)

// audience is everybody who listens to /api/live with the same view. What changes
// is merged, paced and encoded once for all of them: an edit costs nothing per
// listener, an event a wake-up and a write each. One goroutine, run, works for it
// from the first listener's coming to the last one's going.
type audience struct {
	s    *Server
	view catalog.View
	sub  subscription
	next atomic.Pointer[beat] // the one to be filled in next
	over chan struct{}        // closed when the last listener went

	listeners int // audiences.mu

	// Of run's goroutine.
	pending    []notice    // not yet sent; at most one per collection
	veiled     []notice    // of collections with rows that the view does not see; they wait for the veil's beat
	taken      catalog.Rev // the latest revision among all notices taken
	generation uint64      // of the gate, when last looked at
}

// beat is what an audience hears at one time. Beats are a list: each has the next
// one, and whoever holds a beat misses nothing that comes after it. What nobody
// holds any more is garbage, so a slow listener costs what is said while it is
// blocked on one write.
type beat struct {
	ready chan struct{} // closed when all below is filled in
	next  *beat
	kind  beatKind
	id    catalog.Rev // who heard all beats up to this one knows everything up to here
	notice
	event []byte // the notice as it is sent, with its id
	ends  int    // where in event the id begins
}

type beatKind uint8

const (
	changedBeat beatKind = iota // there is a notice
	veilBeat                    // notices that waited behind the veil may go
	lookBeat                    // the gate may see some callers otherwise
	aliveBeat                   // send something, that proxies keep the connection
)

// audiences are the audiences by the key of their view.
type audiences struct {
	mu sync.Mutex
	by map[string]*audience
}

// join adds a listener with the view; it calls leave of the audience that it gets.
func (s *Server) join(view catalog.View) (*audience, *beat) {
	s.audiences.mu.Lock()
	defer s.audiences.mu.Unlock()
	a := s.audiences.by[view.Key()]
	if a == nil {
		a = &audience{s: s, view: view, over: make(chan struct{}), sub: s.subscribe()}
		a.taken = s.cfg.Engine.Rev()
		a.next.Store(&beat{ready: make(chan struct{})})
		if s.audiences.by == nil {
			s.audiences.by = map[string]*audience{}
		}
		s.audiences.by[view.Key()] = a
		go a.run()
	}
	a.listeners++
	return a, a.next.Load()
}

func (a *audience) leave() {
	a.s.audiences.mu.Lock()
	defer a.s.audiences.mu.Unlock()
	if a.listeners--; a.listeners == 0 {
		delete(a.s.audiences.by, a.view.Key())
		close(a.over)
	}
}

// run tells the audience what changed: at once after a rest, and then at most once
// in liveGap, one collection at a time.
func (a *audience) run() {
	defer a.sub.Close()
	alive := time.NewTicker(liveHeartbeat)
	defer alive.Stop()
	veil := time.NewTicker(a.s.veil)
	defer veil.Stop()
	look := time.NewTicker(liveLook)
	defer look.Stop()
	pace := time.NewTimer(0)
	defer pace.Stop()
	resting := false
	for {
		news, due := a.sub.Wait(), (<-chan time.Time)(nil)
		if !resting {
			news, due = nil, pace.C // until then it is not even looked who edits
		}
		select {
		case <-a.over:
			return
		case <-alive.C:
			a.tell(beat{kind: aliveBeat})
		case <-veil.C:
			for _, n := range a.veiled {
				a.pending = enqueue(a.pending, n.Dirty, n.first)
			}
			a.veiled = a.veiled[:0]
			a.tell(beat{kind: veilBeat})
		case <-look.C:
			if gate, ok := a.s.gate.(changing); ok && gate.Generation() != a.generation {
				a.generation = gate.Generation()
				a.tell(beat{kind: lookBeat})
			}
		case <-news:
			a.merge(a.sub.Take())
		case <-due:
			resting = true
			a.merge(a.sub.Take())
		}
		if resting && len(a.pending) > 0 {
			first := a.pending[0]
			a.pending = slices.Delete(a.pending, 0, 1)
			a.tell(beat{notice: first})
			resting = false
			pace.Reset(liveGap)
		}
	}
}

// tell fills in the next beat.
func (a *audience) tell(what beat) {
	b, next := a.next.Load(), &beat{ready: make(chan struct{})}
	b.kind, b.notice, b.next = what.kind, what.notice, next
	b.id = known(a.taken, a.pending, a.veiled)
	if b.kind == changedBeat {
		b.event = appendTiles(nil, &b.Dirty)
		b.ends = len(b.event)
		b.event = appendID(b.event, b.id)
	}
	a.next.Store(next)
	close(b.ready)
}

// merge adds notices to those that wait, one per collection. Notices come in the
// order of revisions, so none here is of a revision before the last one taken.
//
// Where the view sees only some rows of a collection, a notice must not tell
// where, or just when, one of the others changed: it stands for the whole
// collection, whatever box a caller asked for, and waits for a fixed beat.
func (a *audience) merge(news []layers.Dirty) {
	first := a.taken
	for _, d := range news {
		a.taken = max(a.taken, d.Rev)
		switch a.s.sight(a.view, d.Collection) {
		case seesRows:
			a.pending = enqueue(a.pending, d, first)
		case seesSome:
			a.veiled = enqueue(a.veiled, layers.Dirty{Collection: d.Collection, Rev: d.Rev}, first)
		}
	}
}

// sight is what a view sees of a collection.
type sight uint8

const (
	seesNothing sight = iota
	seesSome          // some rows
	seesRows          // every row
)

func (s *Server) sight(view catalog.View, collection string) sight {
	info, ok := s.cfg.Engine.Collection(collection)
	switch {
	case !ok || !view.Sees(&info.Collection):
		return seesNothing
	case view.SeesAllRows(&info.Collection):
		return seesRows
	}
	return seesSome
}
