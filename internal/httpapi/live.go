package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
)

const (
	liveGap       = 200 * time.Millisecond // between two events to one client: at most five a second
	liveSlack     = liveGap / 4            // by which one may come early after one that came late
	liveHeartbeat = 15 * time.Second       // a comment, so that proxies keep the connection
	liveWrite     = 10 * time.Second       // a client that takes longer to read is let go
	liveRetry     = 2 * time.Second        // after which a client comes back
	liveVeil      = 10 * time.Second       // at whose beat changes are told to whom some rows are hidden
	liveLook      = 500 * time.Millisecond // how often it is looked whether a client still sees the same
)

// changing is a Gate that says cheaply whether its answers may have changed: the
// generation is another one then.
type changing interface{ Generation() uint64 }

// live answers /api/live: server-sent events (HTML standard, section 9.2). A
// client's queue is bounded, since notices for one collection merge until they
// are sent; a client that stops reading is let go and catches up by its
// Last-Event-ID when it returns. When what the caller may see has changed, or who
// it is (a policy, a purpose, a session that ended), it is told to look at
// everything again, and the connection ends: no event goes out by an old view.
func (r *request) live() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	box, err := r.bbox("bbox")
	if err != nil {
		return err
	}
	since, err := r.lastEvent()
	if err != nil {
		return err
	}
	done, err := r.listens()
	if err != nil {
		return err
	}
	defer done()
	if n := r.s.metrics.live.add(1); n > int64(r.s.cfg.MaxLive) {
		r.s.metrics.live.add(-1)
		return unavailable(30, "There are as many listeners as this server takes.", nil)
	}
	defer r.s.metrics.live.add(-1)
	if r.s.draining.Load() {
		return unavailable(2, "This server is about to stop.", nil)
	}
	room, at := r.s.join(r.view) // before anything is read: nothing falls between
	defer room.leave()
	l := &listener{r: r, box: box, out: http.NewResponseController(r.Response().Writer), at: at}
	_ = l.out.SetReadDeadline(time.Time{}) // the server's own would end the request
	r.Response().Header().Set("Content-Type", "text/event-stream")
	r.Response().Header().Set("Cache-Control", "no-store")
	r.Response().Header().Set("X-Accel-Buffering", "no") // nginx: pass each event on at once
	return l.run(since)
}

// lastEvent reads Last-Event-ID, the last revision that the client was told of;
// -1 when it comes for the first time. The query does for clients that cannot
// set headers.
func (r *request) lastEvent() (catalog.Rev, error) {
	name, s := "Last-Event-ID", strings.TrimSpace(r.Request().Header.Get("Last-Event-ID"))
	if s == "" {
		name = "last-event-id"
		var err error
		if s, err = r.param(name); err != nil {
			return 0, err
		}
	}
	if s == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, badParam(name, "want the id of an event, got %q", clip(s))
	}
	return catalog.Rev(n), nil
}

// listener is one open connection to /api/live. It passes on what its audience
// hears, as it was encoded for all, as long as it keeps up and nothing waits for it
// alone: what it missed before it came, what it was too slow for, what is cut to its
// box. Then it encodes for itself, at a pace of its own, until nothing waits.
type listener struct {
	r       *request
	box     *geo.Box // nil: everywhere
	out     *http.ResponseController
	at      *beat       // the next one to hear
	pending []notice    // its own, not yet sent; at most one per collection
	veiled  []notice    // its own, behind the veil
	upto    catalog.Rev // once nothing waits, the client knows everything up to here
	told    catalog.Rev // the last id sent: the client knows of everything up to it
	free    time.Time   // from when on the next event may go
	looked  uint64      // generation of the gate at which the caller's view was last compared
	buf     []byte
}

// run sends events until the client or the server goes. A write that fails ends
// it without an error: the client has gone, and that is its right.
func (l *listener) run(since catalog.Rev) error {
	ctx := l.r.Request().Context()
	l.r.Response().WriteHeader(http.StatusOK)
	l.buf = append(l.buf[:0], "retry: "...)
	l.buf = strconv.AppendInt(l.buf, liveRetry.Milliseconds(), 10)
	l.buf = append(l.buf, "\n\n"...)
	if since < 0 {
		since = l.r.s.cfg.Engine.Rev()
		l.upto = since
		l.id()
	}
	if !l.write(l.buf) {
		return nil
	}
	l.upto = since
	l.catchUp(ctx, since)
	pace := time.NewTimer(0)
	defer pace.Stop()
	for open := true; open; {
		var due <-chan time.Time
		if len(l.pending) > 0 {
			pace.Reset(time.Until(l.free))
			due = pace.C
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.r.s.quit:
			return nil
		case <-l.at.ready:
			open = l.hear()
		case <-due:
			open = l.own()
		}
	}
	return nil
}

// hear passes on the next beat, or keeps what it says; false ends the connection.
func (l *listener) hear() bool {
	b := l.at
	l.at = b.next
	switch b.kind {
	case lookBeat:
		return l.sees() || l.reset()
	case veilBeat:
		for _, n := range l.veiled {
			l.pending = enqueue(l.pending, n.Dirty, n.first)
		}
		l.veiled = nil
	}
	l.upto = max(l.upto, b.id)
	switch b.kind {
	case aliveBeat:
		l.buf = append(l.buf[:0], ":\n"...)
		l.id()
		return l.write(l.buf)
	case changedBeat:
		d, any := within(b.Dirty, l.box)
		if any && l.together(b, &d) {
			if !l.sees() {
				return l.reset()
			}
			if b.id < l.told { // it came when this already waited
				l.buf = append(l.buf[:0], b.event[:b.ends]...)
				l.id()
				return l.send(l.buf)
			}
			l.told = b.id
			return l.send(b.event)
		}
		if any {
			l.pending = enqueue(l.pending, d, b.first)
		}
	}
	return true
}

// together reports whether the beat can be passed on as it is.
func (l *listener) together(b *beat, d *layers.Dirty) bool {
	select {
	case <-b.next.ready: // already behind: what it is too slow for is merged
		return false
	default:
	}
	return len(l.pending) == 0 && len(l.veiled) == 0 && len(d.Tiles) == len(b.Tiles) && time.Until(l.free) <= liveSlack
}

// own sends the first of what waits for this client alone.
func (l *listener) own() bool {
	if !l.sees() {
		return l.reset()
	}
	first := l.pending[0].Dirty
	l.pending = slices.Delete(l.pending, 0, 1)
	l.buf = appendTiles(l.buf[:0], &first)
	l.id()
	return l.send(l.buf)
}

// catchUp queues what changed since the client was last here.
func (l *listener) catchUp(ctx context.Context, since catalog.Rev) {
	boxes, all := l.r.s.missed.since(ctx, l.r.s.cfg, since)
	if all {
		l.reset()
		return
	}
	for _, d := range boxes {
		l.upto = max(l.upto, d.Rev)
		switch l.r.s.sight(l.r.view, d.Collection) {
		case seesRows:
			if d, any := within(d, l.box); any {
				l.pending = enqueue(l.pending, d, since)
			}
		case seesSome: // as audience.merge says
			l.veiled = enqueue(l.veiled, layers.Dirty{Collection: d.Collection, Rev: d.Rev}, since)
		}
	}
}

// reset tells the client to look at everything again. It returns false, for those
// whom that is the end of.
func (l *listener) reset() bool {
	rev := l.r.s.cfg.Engine.Rev()
	l.buf = append(l.buf[:0], "event: reset\ndata: {\"rev\":"...)
	l.buf = strconv.AppendInt(l.buf, int64(rev), 10)
	l.buf = append(l.buf, "}\n"...)
	l.told, l.upto, l.pending, l.veiled = 0, rev, nil, nil // what it knew is void, maybe of another store
	l.id()
	l.write(l.buf)
	return false
}

// sees reports whether the caller is who it was, with the view it had. It asks
// only when the gate says that something changed: to be identified counts as a
// use of a session, and an open page alone shall not keep one alive.
func (l *listener) sees() bool {
	gate, ok := l.r.s.gate.(changing)
	if !ok {
		return true
	}
	generation := gate.Generation()
	if generation == l.looked {
		return true
	}
	who, err := l.r.s.gate.Identify(l.r.Request(), l.r.encrypted())
	if err != nil || l.r.s.gate.View(who).Key() != l.r.view.Key() {
		return false
	}
	l.looked = generation
	return true
}

// id ends what is in the buffer with its id: the revision up to which the client
// now knows everything, so not beyond what still waits, and never back.
func (l *listener) id() {
	l.told = max(l.told, known(l.upto, l.pending, l.veiled))
	l.buf = appendID(l.buf, l.told)
}

// send writes an event, after which comes a gap.
func (l *listener) send(event []byte) bool {
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(liveGap)
	l.r.s.metrics.events.Inc()
	return l.write(event)
}

// write sends bytes at once; false when the client is gone.
func (l *listener) write(b []byte) bool {
	_ = l.out.SetWriteDeadline(time.Now().Add(liveWrite)) // not every connection knows deadlines
	if _, err := l.r.Response().Write(b); err != nil {
		return false
	}
	return l.out.Flush() == nil
}
