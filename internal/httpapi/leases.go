package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/internal/registry"
)

func leaseRoutes() []route {
	key := headerParameter("Idempotency-Key", "a second POST with the same key gets the first lease", lengthSchema(maxKey))
	lease := ref("UIDLease")
	refusals := []answer{problemAnswer(400), problemAnswer(401), problemAnswer(403), problemAnswer(404), problemAnswer(503)}
	return []route{
		{method: http.MethodPost, path: "/api/structures/uids", id: "leaseUIDs", tag: "structures", write: true, bodyLimit: collectionBody,
			summary: "Lease a block of UIDs to a device that works without a connection",
			params:  []parameter{key}, body: &content{text: "How many UIDs, for which device, until when", types: []string{typeJSON}, schema: ref("NewUIDLease")},
			answers: append([]answer{{status: http.StatusCreated, text: "The lease", mediaType: typeJSON, schema: lease}, ok("The lease that was given under the same key", typeJSON, lease),
				problemAnswer(413), problemAnswer(415), problemAnswer(422)}, refusals...), handle: (*request).leaseUIDs},
		{method: http.MethodGet, path: "/api/structures/uids", id: "listLeases", tag: "structures", write: true,
			summary: "The caller's own leases of UIDs, with the UIDs that are not used yet",
			answers: append([]answer{ok("The leases", typeJSON, shape("Leases", []string{"leases"}, schema{"leases": arrayOf(lease)}))}, refusals...), handle: (*request).listLeases},
		{method: http.MethodDelete, path: "/api/structures/uids/{lease}", id: "returnLease", tag: "structures", write: true,
			summary: "Give back what is left of a lease; nobody gets these UIDs again",
			params:  []parameter{pathParameter("lease", "id of the lease", lengthSchema(maxKey))},
			answers: append([]answer{{status: http.StatusNoContent, text: "It is returned"}}, refusals...), handle: (*request).returnLease},
	}
}

// holder is by which a lease knows the caller; "" for one who has no identity to
// give UIDs to.
func (r *request) holder() string {
	if r.who.Kind == access.Root {
		return string(access.Root)
	}
	if r.who.ID == "" {
		return ""
	}
	return string(r.who.Kind) + ":" + r.who.ID
}

// leasing refuses who may not write the register.
func (r *request) leasing() error {
	if err := r.mayCommand(); err != nil {
		return err
	}
	if _, ok := r.s.cfg.Engine.Collection(registry.Leases); !ok {
		return missing("path", "No UIDs are leased here.")
	}
	if r.holder() == "" {
		return forbidden("A lease needs an account or a token to belong to.")
	}
	return nil
}

// leaseUIDs answers POST /api/structures/uids.
func (r *request) leaseUIDs() error {
	if err := r.leasing(); err != nil {
		return err
	}
	body, err := r.body(typeJSON)
	if err != nil {
		return err
	}
	var in struct {
		Count   int       `json:"count"`
		Device  string    `json:"device"`
		Expires time.Time `json:"expires"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return newProblem(http.StatusBadRequest, "invalid-body", "body", "Want count, device and, if you like, expires (a time such as 2026-12-31T18:30:00Z): "+jsonReason(err))
	}
	key, err := r.idempotencyKey(registry.Leases)
	if err != nil {
		return err
	}
	if err := r.record(audit.Entry{Action: audit.Write, Collection: registry.Leases, Count: int64(in.Count)}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Request().Context()), requestTime)
	defer cancel()
	l, err := r.s.cfg.Structures.Lease(ctx, in.Count, in.Device, in.Expires, r.holder(), registry.By{Author: r.author(), Reason: r.reason(), Key: key})
	if err != nil {
		r.undone(registry.Leases)
		return structureError("", err)
	}
	r.caching()
	if l.Replayed {
		r.Response().Header().Set("Idempotency-Replayed", "true")
		return r.json(http.StatusOK, l)
	}
	return r.json(http.StatusCreated, l)
}

// listLeases answers GET /api/structures/uids.
func (r *request) listLeases() error {
	if err := r.leasing(); err != nil {
		return err
	}
	all, err := r.s.cfg.Structures.Held(r.Request().Context(), r.holder())
	if err != nil {
		return err
	}
	r.caching()
	return r.json(http.StatusOK, struct {
		Leases []registry.Lease `json:"leases"`
	}{all})
}

// returnLease answers DELETE /api/structures/uids/{lease}.
func (r *request) returnLease() error {
	if err := r.leasing(); err != nil {
		return err
	}
	id, err := r.pathParam("lease")
	if err != nil {
		return err
	}
	if err := r.record(audit.Entry{Action: audit.Write, Collection: registry.Leases}); err != nil {
		return err
	}
	err = r.s.cfg.Structures.Return(r.Request().Context(), id, r.holder(), registry.By{Author: r.author(), Reason: r.reason()})
	if errors.Is(err, catalog.ErrNotFound) {
		r.undone(registry.Leases)
		return missing("lease", "You have no lease %s.", clip(id))
	}
	if err != nil {
		r.undone(registry.Leases)
		return err
	}
	r.caching()
	return r.NoContent(http.StatusNoContent)
}
