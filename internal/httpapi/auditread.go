package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access"
	"nagar/internal/access/audit"
)

const maxAuditPage = 1000 // entries in one answer

func auditRoutes() []route {
	when := []parameter{
		queryParameter("from", "from this time or day on", textSchema()), queryParameter("to", "before this time, or up to this day", textSchema()),
		queryParameter("who", "id or name of the account", textSchema()), queryParameter("collection", "name of the collection", collectionSchema()),
		queryParameter("id", "id of a feature of the collection: entries that name it, or a box that it lies or lay in", textSchema()),
	}
	refused := func(more ...answer) []answer {
		return append([]answer{problemAnswer(400), problemAnswer(401), problemAnswer(403), problemAnswer(503)}, more...)
	}
	return []route{
		{method: http.MethodGet, path: "/api/audit", id: "listAudit", tag: "audit", summary: "Who read or changed what, the latest first", right: access.ReadAudit,
			params: append([]parameter{queryParameter("action", "such as read, write or sign-in", textSchema()),
				queryParameter("limit", "entries in one answer", integerSchema(1, maxAuditPage)), queryParameter("cursor", "next of the page before", textSchema())}, when...),
			answers: refused(ok("A page of entries; it may come short, even empty, with more to follow: next tells", typeJSON, ref("AuditPage"))), handle: (*request).listAudit},
		{method: http.MethodGet, path: "/api/audit/verify", id: "verifyAudit", tag: "audit", summary: "Whether the log is as it was written", right: access.ReadAudit,
			params: []parameter{queryParameter("head", "SEQ:HASH as a verification printed it before: the log must still hold it", textSchema()),
				queryParameter("since", "SEQ:HASH: only what came after that entry, and that it is that one", textSchema())},
			answers: refused(ok("The report; broken names the first fault", typeJSON, object())), handle: (*request).verifyAudit},
		{method: http.MethodGet, path: "/api/audit/breach", id: "reportBreach", tag: "audit", summary: "Whose data was read in a time, and by whom", right: access.ReadAudit,
			params: append([]parameter{queryParameter("format", "csv for text/csv; else JSON", textSchema()),
				queryParameter("resolve", "true: also the features that lie now where maps and long lists were read", schema{"type": "boolean"})}, when...),
			answers: refused(ok("The report", typeJSON, object()), answer{status: 200, text: "The report as a table", mediaType: "text/csv", schema: textSchema()}), handle: (*request).breach},
		{method: http.MethodGet, path: "/api/me/readers", id: "listReaders", tag: "me", summary: "For a citizen: who read the records that are about them",
			params:  []parameter{queryParameter("limit", "entries in one answer", integerSchema(1, maxAuditPage)), queryParameter("cursor", "next of the page before", textSchema())},
			answers: refused(ok("A page of readings; it may come short, even empty, with more to follow: next tells", typeJSON, object())), handle: (*request).readers},
	}
}

// auditEntry is an entry as it is shown.
type auditEntry struct {
	audit.Entry
	BBox *[4]float64 `json:"bbox,omitempty"` // west, south, east, north
}

func bboxOf(b *geo.Box) *[4]float64 {
	if b == nil {
		return nil
	}
	return &[4]float64{b.W, b.S, b.E, b.N}
}

// listAudit answers /api/audit.
func (r *request) listAudit() error {
	f, err := r.auditFilter()
	if err != nil {
		return err
	}
	action, err := r.text("action", 40)
	if err != nil {
		return err
	}
	f.Action = audit.Action(action)
	limit, err := r.auditPage(&f)
	if err != nil {
		return err
	}
	if err := r.recordAudit("list"); err != nil {
		return err
	}
	entries, next, err := r.s.cfg.Audit.Entries(r.Request().Context(), f, limit)
	if err != nil {
		return err
	}
	out := struct {
		Entries []auditEntry `json:"entries"`
		Next    string       `json:"next,omitempty"`
	}{Entries: make([]auditEntry, len(entries)), Next: cursorOf(next)}
	for i := range entries {
		out.Entries[i] = auditEntry{entries[i], bboxOf(entries[i].Box)}
	}
	return r.confidential(out)
}

// confidential answers what no cache is to keep.
func (r *request) confidential(v any) error {
	r.Response().Header().Set("Cache-Control", "no-store")
	return r.json(http.StatusOK, v)
}

// recordAudit records that the log itself is read, and for what.
func (r *request) recordAudit(what string) error {
	asked := url.Values{}
	for _, name := range []string{"from", "to", "who", "collection", "id", "action", "head", "since"} {
		if v := r.query[name]; len(v) == 1 && v[0] != "" {
			asked.Set(name, clip(v[0]))
		}
	}
	return r.record(audit.Entry{Action: audit.Audits, Detail: strings.TrimSpace(what + " " + asked.Encode())})
}

// auditFilter reads from, to, who, collection and id.
func (r *request) auditFilter() (f audit.Filter, err error) {
	if r.s.cfg.Audit == nil {
		return f, unavailable(60, "This server keeps no audit log.", nil)
	}
	if f.From, err = r.bound("from", 0); err != nil {
		return f, err
	}
	if f.To, err = r.bound("to", 1); err != nil {
		return f, err
	}
	if f.Who, err = r.text("who", 200); err != nil {
		return f, err
	}
	if f.Collection, err = r.text("collection", 48); err != nil {
		return f, err
	}
	id, err := r.text("id", 200)
	if err != nil || id == "" {
		return f, err
	}
	if f.Collection == "" {
		return f, badParam("id", "it needs the collection too")
	}
	place, err := r.placeOf(f.Collection, id)
	if err == nil {
		f.About = map[string][]audit.Place{f.Collection: {place}}
	}
	return f, err
}

// bound reads a time; a date stands for its beginning in the city, days later.
func (r *request) bound(name string, days int) (time.Time, error) {
	s, err := r.param(name)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, r.s.zone); err == nil {
		return inYears(name, t.AddDate(0, 0, days))
	}
	return r.instant(name, s)
}

// placeOf is where a feature is, and was: whoever read a box around it then read it.
// One that is gone without a trace may still be named in the log.
func (r *request) placeOf(collection, id string) (audit.Place, error) {
	p := audit.Place{ID: id, Box: geo.EmptyBox()}
	versions, err := r.s.cfg.Store.History(r.Request().Context(), collection, id)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return p, err
	}
	for i := range versions {
		if g := &versions[i].Geometry; !g.IsEmpty() {
			p.Box = p.Box.Union(g.Box())
		}
	}
	return p, nil
}

// auditPage reads limit and cursor.
func (r *request) auditPage(f *audit.Filter) (limit int, err error) {
	if limit, err = r.count("limit", defaultLimit, 1, maxAuditPage); err != nil {
		return 0, err
	}
	s, err := r.text("cursor", maxCursor)
	if err != nil || s == "" {
		return limit, err
	}
	if f.Before, err = strconv.ParseInt(s, 10, 64); err != nil || f.Before < 1 {
		return 0, badParam("cursor", "not a cursor of this list")
	}
	return limit, nil
}

func cursorOf(next int64) string {
	if next == 0 {
		return ""
	}
	return strconv.FormatInt(next, 10)
}

// verifyAudit answers /api/audit/verify.
func (r *request) verifyAudit() error {
	if r.s.cfg.Audit == nil {
		return unavailable(60, "This server keeps no audit log.", nil)
	}
	head, err := r.auditHead("head")
	if err != nil {
		return err
	}
	since, err := r.auditHead("since")
	if err != nil {
		return err
	}
	if head != nil && since != nil {
		return badParam("since", "give head or since, not both")
	}
	if err := r.recordAudit("verify"); err != nil {
		return err
	}
	var rep audit.Report
	switch ctx := r.Request().Context(); {
	case since != nil:
		rep, err = r.s.cfg.Audit.VerifySince(ctx, *since)
	case head != nil:
		rep, err = r.s.cfg.Audit.Verify(ctx, *head)
	default:
		rep, err = r.s.cfg.Audit.Verify(ctx)
	}
	if err != nil {
		return err
	}
	return r.confidential(struct {
		Whole bool `json:"whole"`
		audit.Report
		Print string `json:"print"` // what to keep elsewhere, for a later head=
	}{rep.Broken == nil, rep, rep.Head.String()})
}

// auditHead reads a head; nil when it is left out.
func (r *request) auditHead(name string) (*audit.Head, error) {
	s, err := r.text(name, 200)
	if err != nil || s == "" {
		return nil, err
	}
	h, err := audit.ParseHead(s)
	if err != nil {
		return nil, badParam(name, "%v", err)
	}
	return &h, nil
}
