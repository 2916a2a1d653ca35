package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/internal/access/audit"
	"nagar/internal/registry"
	"nagar/layers"
)

func structureRoutes() []route {
	id := pathParameter("uid", "structure UID, with or without its dash, in any case", lengthSchema(maxUID))
	clocks := []parameter{asofParameter(), knownParameter(), minrevParameter()}
	answers := func(a ...answer) []answer {
		return append(a, notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503))
	}
	page := []parameter{limitParameter("limit"), cursorParameter()}
	lon, lat := queryParameter("lon", "longitude, degrees", numberSchema(-180, 180)), queryParameter("lat", "latitude, degrees", numberSchema(-90, 90))
	return []route{
		{method: http.MethodGet, path: "/api/structures/resolve", id: "resolveStructure", tag: "structures", summary: "From a place, a department's number or an address to structures, best first, each with its score",
			params: append([]parameter{lon, lat, queryParameter("alias", "a number that stands for it, or a UID", lengthSchema(maxSearch)), queryParameter("scheme", "only numbers of this kind, such as cts", lengthSchema(maxSearch)),
				queryParameter("address", "its address or name", lengthSchema(maxSearch)), limitParameter("limit")}, clocks...),
			answers: answers(ok("The structures, as features with uid, score and match", typeGeoJSON, ref("FeatureCollection"))), handle: (*request).resolveStructure},
		{method: http.MethodGet, path: "/api/structures/{uid}", id: "getStructure", tag: "structures", summary: "One structure: what it is, its life, units, certificates, and what each department has on record",
			params:  append([]parameter{id}, clocks...),
			answers: answers(ok("The structure; its ETag is what If-Match of a change takes. One that is no more has successors", typeJSON, ref("Structure"))), handle: (*request).getStructure},
		{method: http.MethodGet, path: "/api/structures/{uid}/history", id: "getStructureHistory", tag: "structures", summary: "All that happened to a structure, and its lineage over all generations",
			params: []parameter{id, knownParameter()}, answers: answers(ok("Its past", typeJSON, object())), handle: (*request).structureHistory},
		{method: http.MethodGet, path: "/api/structures/{uid}/units", id: "getStructureUnits", tag: "structures", summary: "The units of a structure",
			params: append(append([]parameter{id}, page...), clocks...), answers: answers(ok("A page of them", typeJSON, ref("StructureRecords"))), handle: (*request).structureUnits},
		{method: http.MethodGet, path: "/api/structures/{uid}/records", id: "getStructureRecords", tag: "structures", summary: "The departments' records of a structure",
			params:  append(append([]parameter{id, queryParameter("collection", "only of this one", collectionSchema())}, page...), clocks...),
			answers: answers(ok("A page of them", typeJSON, ref("StructureRecords"))), handle: (*request).structureRecords},
	}
}

// maxUID is the longest text that may be a UID, bytes; spaces around it do not matter.
const maxUID = 60

// structureUID reads {uid}: in its one written form, or a 400 that says which
// character is likely wrong.
func (r *request) structureUID() (string, error) {
	s, err := r.pathParam("uid")
	if err != nil {
		return "", err
	}
	if len(s) > maxUID {
		return "", badParam("uid", "it is longer than %d bytes", maxUID)
	}
	return parseUID("uid", s)
}

func parseUID(parameter, s string) (string, error) {
	u, err := uid.Parse(s)
	if err != nil {
		return "", badParam(parameter, "%s", err.Error())
	}
	if u.Reserved() {
		return "", badParam(parameter, "00000-00000 is reserved and never given to a structure")
	}
	return u.String(), nil
}

// structureQuestion reads what every question about one structure has.
func (r *request) structureQuestion() (id string, m moment, err error) {
	if err = r.s.ready(); err != nil {
		return "", m, err
	}
	if id, err = r.structureUID(); err != nil {
		return id, m, err
	}
	if err = r.awaitRevision(); err != nil {
		return id, m, err
	}
	if m, err = r.moment(); err == nil && m.before {
		err = unknownStructure(id)
	}
	return id, m, err
}

func unknownStructure(id string) error {
	return missing("uid", "There is no structure %s at that time.", id)
}

// structureError turns what the register says into an answer.
func structureError(id string, err error) error {
	var no *registry.Refused
	var not *registry.Forbidden
	switch {
	case errors.Is(err, registry.ErrUnknown):
		return unknownStructure(id)
	case errors.As(err, &no):
		p := newProblem(http.StatusUnprocessableEntity, "rejected", "body", no.Path+": "+no.Reason)
		p.Errors, p.Code, p.Values = []placeError{{no.Path, no.Reason}}, no.Code, no.Values
		return p
	case errors.As(err, &not):
		return forbidden("You may not write this: " + not.Error() + ".")
	}
	return err
}

// shower is an answer that knows the rows it has values of.
type shower interface {
	Shown(func(c *catalog.Collection, id string, shown catalog.Properties))
}

// carriesRows notes the values of an answer that is made of rows of many collections.
func (r *request) carriesRows(answers ...shower) {
	var all []layers.Carried
	for _, a := range answers {
		a.Shown(func(c *catalog.Collection, id string, shown catalog.Properties) {
			fields := guardedOf(c, shown)
			if fields == nil {
				return
			}
			at := slices.IndexFunc(all, func(x layers.Carried) bool { return x.Collection == c.Name })
			if at < 0 {
				at = len(all)
				all = append(all, layers.Carried{Collection: c.Name, Box: emptyBox})
			}
			x := &all[at]
			x.IDs, x.Count = append(x.IDs, id), x.Count+1
			for _, f := range fields {
				if !slices.Contains(x.Fields, f) {
					x.Fields = append(x.Fields, f)
				}
			}
		})
	}
	r.carries(audit.Read, all)
}

// getStructure answers /api/structures/{uid}.
func (r *request) getStructure() error {
	id, m, err := r.structureQuestion()
	if err != nil {
		return err
	}
	return r.showStructure(http.StatusOK, id, m.at)
}

func (r *request) showStructure(status int, id string, at catalog.At) error {
	s, err := r.s.cfg.Structures.Structure(r.Request().Context(), id, at, r.view, time.Now())
	if err != nil {
		return structureError(id, err)
	}
	r.revision(s.Head)
	r.carriesRows(s)
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	h := r.Response().Header()
	for _, next := range s.Successors {
		h.Add("Link", "<"+r.baseURL()+"/api/structures/"+next+`>; rel="successor-version"`)
	}
	if status == http.StatusOK && at.IsNow() {
		h.Set("ETag", structureTag(s.Rev, body))
	}
	return r.send(status, typeJSON, body)
}

// structureTag is as featureTag.
func structureTag(rev catalog.Rev, body []byte) string {
	return featureTag(&catalog.Feature{Rev: rev}, body)
}

// structureHistory answers /api/structures/{uid}/history.
func (r *request) structureHistory() error {
	id, m, err := r.structureQuestion()
	if err != nil {
		return err
	}
	past, err := r.s.cfg.Structures.Past(r.Request().Context(), id, m.at.Known, r.view)
	if err != nil {
		return structureError(id, err)
	}
	r.carriesRows(past)
	return r.json(http.StatusOK, past)
}

// structureUnits answers /api/structures/{uid}/units.
func (r *request) structureUnits() error { return r.structurePage(registry.Units) }

// structureRecords answers /api/structures/{uid}/records.
func (r *request) structureRecords() error {
	name, err := r.param("collection")
	if err != nil {
		return err
	}
	return r.structurePage(name)
}

func (r *request) structurePage(collection string) error {
	id, m, err := r.structureQuestion()
	if err != nil {
		return err
	}
	limit, err := r.limit()
	if err != nil {
		return err
	}
	after, err := r.text("after", maxCursor)
	if err != nil {
		return err
	}
	ctx := r.Request().Context()
	if err := r.knownStructure(ctx, id, m.at); err != nil {
		return err
	}
	page, err := r.s.cfg.Structures.Records(ctx, id, collection, m.at, r.view, limit, after)
	if errors.Is(err, catalog.ErrNotFound) && collection != registry.Units {
		return unknownCollection(collection)
	}
	if errors.Is(err, catalog.ErrNotFound) { // to who does not see units, there are none
		page, err = &registry.RecordPage{UID: id, Records: []registry.Record{}}, nil
	}
	if err != nil {
		return structureError(id, err)
	}
	r.revision(page.Head)
	r.carriesRows(page)
	if page.Next != "" {
		page.Next = r.nextURL(page.Next)
		r.Response().Header().Set("Link", "<"+page.Next+`>; rel="next"`)
	}
	return r.json(http.StatusOK, page)
}

// knownStructure is the 404 for a structure that the caller does not see.
func (r *request) knownStructure(ctx context.Context, id string, at catalog.At) error {
	if _, err := r.s.cfg.Structures.Structure(ctx, id, at, r.view, time.Now()); err != nil {
		return structureError(id, err)
	}
	return nil
}

// clean is a text parameter without spaces around it.
func (r *request) clean(name string) (string, error) {
	s, err := r.text(name, maxSearch)
	return strings.TrimSpace(s), err
}
