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
	sub := r.s.subscribe() // before anything is read: nothing falls between
	defer sub.Close()
	l := &listener{r: r, box: box, out: http.NewResponseController(r.Response().Writer), sub: sub}
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

// listener is one open connection to /api/live.
type listener struct {
	r       *request
	box     *geo.Box // nil: everywhere
	out     *http.ResponseController
	sub     subscription
	pending []notice    // taken, not yet sent; at most one per collection
	veiled  []notice    // of collections with rows that the caller does not see; they wait for the beat
	taken   catalog.Rev // the latest revision among all notices taken
	told    catalog.Rev // the last id sent: the client knows of everything up to it
	looked  uint64      // generation of the gate at which the caller's view was last compared
	buf     []byte
}

// notice is a layers.Dirty that waits, and a revision that all it merges come
// after or from.
type notice struct {
	layers.Dirty
	first catalog.Rev
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
		l.id(since)
	}
	if !l.flush() {
		return nil
	}
	l.taken = since
	l.catchUp(ctx, since)
	heartbeat := time.NewTicker(liveHeartbeat)
	defer heartbeat.Stop()
	veil := time.NewTicker(l.r.s.veil)
	defer veil.Stop()
	look := time.NewTicker(liveLook)
	defer look.Stop()
	pace := time.NewTimer(0)
	defer pace.Stop()
	for {
		var due <-chan time.Time
		if len(l.pending) > 0 {
			due = pace.C
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.r.s.quit:
			return nil
		case <-heartbeat.C:
			l.buf = append(l.buf[:0], ":\n"...)
			l.id(l.taken)
		case <-l.sub.Wait():
			l.merge(l.sub.Take())
			continue
		case <-veil.C:
			for _, n := range l.veiled {
				l.queue(&l.pending, n.Dirty, n.first)
			}
			l.veiled = l.veiled[:0]
			continue
		case <-look.C:
			if l.sees() {
				continue
			}
			l.reset()
			return nil
		case <-due:
			if !l.sees() {
				l.reset()
				return nil
			}
			l.merge(l.sub.Take()) // what came meanwhile goes along
			first := l.pending[0].Dirty
			l.pending = slices.Delete(l.pending, 0, 1)
			l.event(first)
			pace.Reset(liveGap)
		}
		if !l.flush() {
			return nil
		}
	}
}

// catchUp queues what changed since the client was last here.
func (l *listener) catchUp(ctx context.Context, since catalog.Rev) {
	boxes, all := l.r.s.missed.since(ctx, l.r.s.cfg, since)
	if all {
		l.reset()
		return
	}
	l.merge(boxes)
}

// reset tells the client to look at everything again.
func (l *listener) reset() {
	rev := l.r.s.cfg.Engine.Rev()
	l.buf = append(l.buf[:0], "event: reset\ndata: {\"rev\":"...)
	l.buf = strconv.AppendInt(l.buf, int64(rev), 10)
	l.buf = append(l.buf, "}\n"...)
	l.told, l.taken, l.pending, l.veiled = 0, rev, nil, nil // what it knew is void, maybe of another store
	l.id(rev)
	l.flush()
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

// merge adds notices to those that wait, one per collection. Notices come in the
// order of revisions, so none here is of a revision before the last one taken.
//
// Where the caller sees only some rows of a collection, a notice must not tell
// where, or just when, one of the others changed: it stands for the whole
// collection, whatever box the caller asked for, and waits for a fixed beat.
func (l *listener) merge(news []layers.Dirty) {
	first := l.taken
	for _, d := range news {
		l.taken = max(l.taken, d.Rev)
		info, ok := l.r.s.cfg.Engine.Collection(d.Collection)
		switch {
		case !ok || !l.r.view.Sees(&info.Collection):
		case !l.r.view.SeesAllRows(&info.Collection):
			l.queue(&l.veiled, layers.Dirty{Collection: d.Collection, Rev: d.Rev}, first)
		case l.wants(&d):
			l.queue(&l.pending, d, first)
		}
	}
}

// queue adds a notice to a list of at most one per collection.
func (l *listener) queue(list *[]notice, d layers.Dirty, first catalog.Rev) {
	i := slices.IndexFunc(*list, func(p notice) bool { return p.Collection == d.Collection })
	if i < 0 {
		*list = append(*list, notice{d, first})
		return
	}
	(*list)[i].Dirty = join((*list)[i].Dirty, d)
	(*list)[i].first = min((*list)[i].first, first)
}

// maxTiles is from how many tiles on an event carries a box.
const maxTiles = 200

// join merges two notices for one collection. One that names neither tiles nor
// box stands for the whole collection.
func join(a, b layers.Dirty) layers.Dirty {
	out := layers.Dirty{Collection: a.Collection, Rev: max(a.Rev, b.Rev)}
	if everything(&a) || everything(&b) {
		return out
	}
	if a.Box == nil && b.Box == nil {
		out.Tiles = slices.Clone(a.Tiles)
		have := make(map[geo.Tile]bool, len(a.Tiles))
		for _, t := range a.Tiles {
			have[t] = true
		}
		for _, t := range b.Tiles {
			if !have[t] {
				out.Tiles = append(out.Tiles, t)
			}
		}
		if len(out.Tiles) <= maxTiles {
			return out
		}
		out.Tiles = nil
	}
	box := dirtyBox(&a).Union(dirtyBox(&b))
	out.Box = &box
	return out
}

func everything(d *layers.Dirty) bool { return d.Box == nil && len(d.Tiles) == 0 }

func dirtyBox(d *layers.Dirty) geo.Box {
	if d.Box != nil {
		return *d.Box
	}
	box := geo.EmptyBox()
	for _, t := range d.Tiles {
		box = box.Union(t.Box())
	}
	return box
}

// wants reports whether the notice concerns this client's box, and cuts it to that.
func (l *listener) wants(d *layers.Dirty) bool {
	if l.box == nil || everything(d) {
		return true
	}
	if d.Box != nil {
		return d.Box.Intersects(*l.box)
	}
	kept := make([]geo.Tile, 0, len(d.Tiles))
	for _, t := range d.Tiles {
		if t.Box().Intersects(*l.box) {
			kept = append(kept, t)
		}
	}
	d.Tiles = kept
	return len(kept) > 0
}

// event puts a tiles event into the buffer.
func (l *listener) event(d layers.Dirty) {
	b := append(l.buf[:0], "event: tiles\ndata: {\"collection\":"...)
	b = catalog.AppendJSONString(b, d.Collection)
	b = strconv.AppendInt(append(b, `,"rev":`...), int64(d.Rev), 10)
	switch {
	case d.Box != nil:
		b = appendBox(append(b, `,"bbox":`...), *d.Box)
	case len(d.Tiles) > 0:
		b = append(b, `,"tiles":[`...)
		for i, t := range d.Tiles {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), t.String()...), '"')
		}
		b = append(b, ']')
	default:
		b = appendBox(append(b, `,"bbox":`...), geo.World())
	}
	l.buf = append(b, "}\n"...)
	l.r.s.metrics.events.Inc()
	l.id(d.Rev)
}

// id ends an event with its id: the revision up to which the client now knows
// everything, so not beyond what still waits, and never back.
func (l *listener) id(rev catalog.Rev) {
	for _, list := range [...][]notice{l.pending, l.veiled} {
		for i := range list {
			rev = min(rev, list[i].first-1)
		}
	}
	l.told = max(l.told, rev)
	l.buf = append(l.buf, "id: "...)
	l.buf = strconv.AppendInt(l.buf, int64(l.told), 10)
	l.buf = append(l.buf, "\n\n"...)
}

// flush writes the buffer; false when the client is gone.
func (l *listener) flush() bool {
	_ = l.out.SetWriteDeadline(time.Now().Add(liveWrite)) // not every connection knows deadlines
	if _, err := l.r.Response().Write(l.buf); err != nil {
		return false
	}
	return l.out.Flush() == nil
}
