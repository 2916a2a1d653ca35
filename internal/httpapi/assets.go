package httpapi

import (
	"errors"
	"net/http"
	"time"

	"nagar/catalog"
	"nagar/internal/assets"
)

func assetRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/api/plots/{id}/fsi", id: "getFSI", tag: "assets", summary: "How much is built on a plot, by structure, and what its zones permit (floor space index)",
			params:  []parameter{idParameter(), asofParameter(), knownParameter(), minrevParameter()},
			answers: []answer{ok("Areas in square metres, and the index", typeJSON, ref("FSI")), notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(422), problemAnswer(503)},
			handle:  (*request).plotFSI},
		{method: http.MethodGet, path: "/api/assets/{collection}/{id}/inspections", id: "listInspections", tag: "assets", summary: "The inspections of an asset or a part of a network, the latest first, and when the next one is due",
			params:  []parameter{pathParameter("collection", "assets or networks", collectionSchema()), idParameter()},
			answers: []answer{ok("The inspections", typeJSON, ref("Inspections")), notModified(), problemAnswer(404), problemAnswer(503)}, handle: (*request).inspections},
		{method: http.MethodGet, path: "/api/works/conflicts", id: "listWorksConflicts", tag: "assets", summary: "Works within 10 m of each other at one time that has not passed",
			params:  []parameter{bboxParameter(), minrevParameter()},
			answers: []answer{ok("Pairs of works, those that come first before the others", typeJSON, ref("WorksConflicts")), notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503)},
			handle:  (*request).worksConflicts},
	}
}

// keeper answers what belongs to the departments' own things.
func (r *request) keeper() *assets.Keeper {
	return &assets.Keeper{Store: r.s.cfg.Store, Index: r.s.cfg.Engine, Rules: r.s.cfg.Profile.Upkeep, Zone: r.s.zone}
}

// beside is what a write brings about; what the writer should know goes into the answer.
func (r *request) beside(op *catalog.Op, have *catalog.Feature) ([]catalog.Op, error) {
	ops, warnings, err := r.keeper().Beside(r.Request().Context(), op, have, r.view)
	r.warnings = warnings
	return ops, err
}

// plotFSI answers /api/plots/{id}/fsi.
func (r *request) plotFSI() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	id, err := r.pathParam("id")
	if err != nil {
		return err
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	m, err := r.moment()
	if err != nil {
		return err
	}
	if _, ok := r.collection(assets.Plots); !ok {
		return unknownCollection(assets.Plots)
	}
	if m.before {
		return unknownFeature(assets.Plots, id)
	}
	out, err := r.keeper().FSI(r.Request().Context(), id, m.at, r.view)
	var invalid *catalog.Invalid
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return unknownFeature(assets.Plots, id)
	case errors.As(err, &invalid):
		return rejected(placeError{invalid.Path, invalid.Reason})
	case err != nil:
		return err
	}
	r.revision(out.Rev)
	r.carriesRows(out)
	return r.json(http.StatusOK, out)
}

// inspections answers /api/assets/{collection}/{id}/inspections.
func (r *request) inspections() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	info, err := r.namedCollection()
	if err != nil {
		return err
	}
	if info.Name != assets.Assets && info.Name != assets.Networks {
		return missing("collection", "What is in %s is not inspected.", info.Name)
	}
	if _, ok := r.collection(assets.Inspections); !ok {
		return unknownCollection(assets.Inspections)
	}
	id, err := r.pathParam("id")
	if err != nil {
		return err
	}
	if real, _, ok := r.s.cfg.Engine.Feature(info.Name, id); ok {
		id = real // by its key
	}
	out, err := r.keeper().Inspections(r.Request().Context(), info.Name, id, time.Now().In(r.s.zone).Format(time.DateOnly), r.view)
	if errors.Is(err, catalog.ErrNotFound) {
		return unknownFeature(info.Name, id)
	}
	if err != nil {
		return err
	}
	r.revision(r.s.cfg.Engine.Rev())
	r.carriesRows(out)
	return r.json(http.StatusOK, out)
}

// worksConflicts answers /api/works/conflicts.
func (r *request) worksConflicts() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	box, err := r.bbox("bbox")
	if err != nil {
		return err
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	if _, ok := r.collection(assets.Works); !ok {
		return unknownCollection(assets.Works)
	}
	all, err := r.keeper().Clashes(r.Request().Context(), box, r.view, time.Now())
	if err != nil {
		return err
	}
	r.revision(r.s.cfg.Engine.Rev())
	return r.json(http.StatusOK, struct {
		Conflicts []assets.Clash `json:"conflicts"`
	}{all})
}
