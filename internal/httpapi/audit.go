package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access/audit"
	"nagar/layers"
)

// What leaves with restricted or personal values in it, and every change, is in
// the audit log before the answer goes out (reads) or before it is done (changes).
// A handler notes what its answer carries; send and sendTile settle that. An
// answer without such values has nothing to note, and costs nothing.

// carries notes what a tile or an answer of the engine has in it.
func (r *request) carries(action audit.Action, all []layers.Carried) {
	for i := range all {
		c := &all[i]
		e := audit.Entry{Action: action, Collection: c.Collection, Fields: c.Fields, Count: int64(c.Count), Detail: r.clocks()}
		switch {
		case action != audit.ReadTile && len(c.IDs) <= audit.MaxIDs:
			e.IDs = c.IDs
			r.reads = append(r.reads, e)
		case !c.Box.IsEmpty():
			e.Box = &c.Box
			r.reads = append(r.reads, e)
		default: // no place to name them by
			for ids := range slices.Chunk(c.IDs, audit.MaxIDs) {
				part := e
				part.IDs, part.Count = ids, int64(len(ids))
				r.reads = append(r.reads, part)
			}
		}
	}
}

// carriesCounts notes what numbers tell of: features that are not shown one by one.
func (r *request) carriesCounts(by string, all []layers.Carried) {
	for i := range all {
		c := &all[i]
		detail := "count"
		if by != "" {
			detail += " by " + by
		}
		if clocks := r.clocks(); clocks != "" {
			detail += " " + clocks
		}
		e := audit.Entry{Action: audit.Read, Collection: c.Collection, Fields: c.Fields, Count: int64(c.Count), Detail: detail}
		if !c.Box.IsEmpty() {
			e.Box = &c.Box
		}
		r.reads = append(r.reads, e)
	}
}

// carriesFeature notes the values of one feature, or of one of its versions, that
// the answer shows.
func (r *request) carriesFeature(c *catalog.Collection, id string, shown catalog.Properties) {
	fields := guardedOf(c, shown)
	if fields == nil {
		return
	}
	for i := range r.reads {
		if e := &r.reads[i]; e.Action == audit.Read && e.Collection == c.Name && len(e.IDs) == 1 && e.IDs[0] == id {
			e.Fields = append(e.Fields, fields...)
			return
		}
	}
	r.reads = append(r.reads, audit.Entry{Action: audit.Read, Collection: c.Name, Fields: fields, IDs: []string{id}, Count: 1, Detail: r.clocks()})
}

// carriesHits notes the values that results of a search show.
func (r *request) carriesHits(hits []SearchHit) {
	var all []layers.Carried
	for i := range hits {
		h := &hits[i]
		info, ok := r.s.cfg.Engine.Collection(h.Collection)
		if !ok || h.ID == "" {
			continue
		}
		fields := guardedOf(&info.Collection, h.Props)
		if fields == nil {
			continue
		}
		at := slices.IndexFunc(all, func(c layers.Carried) bool { return c.Collection == h.Collection })
		if at < 0 {
			at = len(all)
			all = append(all, layers.Carried{Collection: h.Collection, Box: geo.EmptyBox()})
		}
		c := &all[at]
		c.IDs, c.Count = append(c.IDs, h.ID), c.Count+1
		for _, f := range fields {
			if !slices.Contains(c.Fields, f) {
				c.Fields = append(c.Fields, f)
			}
		}
	}
	r.carries(audit.Search, all)
}

// guardedOf are the names of the values that are restricted or personal, by
// themselves or with their collection; nil when none is.
func guardedOf(c *catalog.Collection, shown catalog.Properties) []string {
	var out []string
	for i := range shown {
		if f, ok := c.Field(shown[i].Name); ok && c.ClassOf(f) >= catalog.ClassRestricted {
			out = append(out, f.Name)
		}
	}
	if c.Class >= catalog.ClassRestricted {
		out = append(out, catalog.GeometryField)
	}
	return out
}

// clocks tells of a look at the past: asof and known as they were asked for.
func (r *request) clocks() string {
	var out []string
	for _, name := range []string{"asof", "known"} {
		if v := r.query[name]; len(v) == 1 && v[0] != "" {
			out = append(out, name+"="+clip(v[0]))
		}
	}
	return strings.Join(out, " ")
}

// settle makes what the answer carries part of the log. It is called right before
// the answer goes out, and when it fails nothing goes out. An answer without a body
// (HEAD, 304) carries nothing.
func (r *request) settle() error {
	if len(r.reads) == 0 || r.Request().Method == http.MethodHead {
		return nil
	}
	return r.log(r.Request().Context(), r.reads...)
}

// record makes one entry about this request part of the log: a change before it
// is made, or a sign-in.
func (r *request) record(e audit.Entry) error {
	return r.log(context.WithoutCancel(r.Request().Context()), e)
}

func (r *request) log(ctx context.Context, entries ...audit.Entry) error {
	if r.s.cfg.Audit == nil {
		return nil
	}
	who := audit.ActorOf(r.who, r.clientAddress())
	for i := range entries {
		entries[i].Who, entries[i].Requests = who, []string{r.id}
	}
	return r.s.cfg.Audit.Append(ctx, entries...)
}

// clientAddress is the client's address, "" when it is not known.
func (r *request) clientAddress() string {
	if !r.client.IsValid() {
		return ""
	}
	return r.client.String()
}

// announce records a write before it is made.
func (r *request) announce(c *catalog.Collection, op *catalog.Op) error {
	e := audit.Entry{Action: audit.Write, Collection: c.Name, IDs: []string{op.Feature.ID}, Count: 1}
	switch op.Kind {
	case catalog.Delete:
		e.Action = audit.Delete
	case catalog.Erase:
		e.Action, e.Fields = audit.Erased, slices.Clone(op.Fields)
		if len(op.Fields) == 0 {
			e.Detail = "geometry and all fields"
		}
	default:
		e.Fields = guardedOf(c, op.Feature.Props)
	}
	return r.record(e)
}

// undone records that the change that was announced did not happen. The log
// already has what was tried; where this cannot be written, it says too much, and
// not too little.
func (r *request) undone(collection string, ids ...string) {
	_ = r.record(audit.Entry{Action: audit.Failed, Collection: collection, IDs: ids})
}
