package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"nagar/catalog"

	"nagar/internal/twin"
	readings "nagar/internal/twin/reading"
	"nagar/internal/twin/sta"
)

// sensingPath is the root of SensorThings, sensingTag its routes' tag.
const (
	sensingPath = "/sta/v1.1"
	sensingTag  = "sensing"
)

func sensingRoutes(readOnly bool) []route {
	path := pathParameter("path", "entity set, entity, link or property, such as Datastreams(1)/Observations", textSchema())
	options := []parameter{path,
		queryParameter("$filter", "OData expression over the entities, with functions of text, time and place", lengthSchema(maxFilter)),
		queryParameter("$orderby", "expressions with commas between, each with asc or desc", textSchema()), queryParameter("$select", "only these properties", textSchema()),
		queryParameter("$expand", "linked entities in their place, each with options in brackets", lengthSchema(maxFilter)),
		queryParameter("$top", "at most so many", integerSchema(0, 10_000)), queryParameter("$skip", "not the first so many", integerSchema(0, 10_000_000)),
		queryParameter("$count", "true: @iot.count says how many there are", textSchema()), queryParameter("$resultFormat", "dataArray: observations as arrays", textSchema())}
	out := []route{
		{method: http.MethodGet, path: sensingPath, id: "getSensing", tag: sensingTag, summary: "OGC SensorThings 1.1: the entity sets", quiet: true,
			answers: []answer{ok("The entity sets", typeJSON, object()), notModified()}, handle: (*request).sensingRoot},
		{method: http.MethodGet, path: sensingPath + "/{path}", id: "getSensingEntities", tag: sensingTag, summary: "Entities of SensorThings: Things, Locations, Datastreams, Sensors, ObservedProperties, Observations, FeaturesOfInterest", quiet: true,
			params: options, answers: []answer{ok("The entities", typeJSON, object()), notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503)}, handle: (*request).sensing},
	}
	if readOnly {
		return out
	}
	return append(out, route{method: http.MethodPost, path: sensingPath + "/{path}", id: "postSensing", tag: sensingTag, write: true, bodyLimit: queryBody, quiet: true,
		summary: "Make an entity, with others in it; or add readings: Observations, Datastreams(ID)/Observations, CreateObservations",
		params:  []parameter{path}, body: &content{text: "The entity; of CreateObservations a list of data arrays", types: []string{typeJSON}, schema: schema{}},
		answers: []answer{{status: 201, text: "It was made, and readings are kept", mediaType: typeJSON, schema: object()},
			problemAnswer(400), problemAnswer(401), problemAnswer(403), problemAnswer(404), problemAnswer(405), problemAnswer(409), problemAnswer(413), problemAnswer(415), problemAnswer(501), problemAnswer(503)},
		handle: (*request).postSensing})
}

func (r *request) session() *sta.Session {
	return &sta.Session{Twin: r.s.cfg.Twin, View: r.view, Base: r.baseURL() + sensingPath, Note: r.carriesFeature}
}

func (r *request) sensingRoot() error { return r.answerSensing("") }

func (r *request) sensing() error {
	path, err := r.sensingPath()
	if err != nil {
		return err
	}
	return r.answerSensing(path)
}

// sensingPath is {path} with its escapes resolved.
func (r *request) sensingPath() (string, error) {
	path, err := url.PathUnescape(r.Param("path"))
	if err != nil {
		return "", badParam("path", "its escapes cannot be read")
	}
	return path, nil
}

func (r *request) answerSensing(path string) error {
	a, err := r.session().Get(r.Request().Context(), path, r.query)
	if err != nil {
		return sensingProblem(err)
	}
	if a.Text {
		return r.send(http.StatusOK, "text/plain; charset=utf-8", a.Body)
	}
	return r.send(http.StatusOK, typeJSON, a.Body)
}

// sensingProblem turns what the twin says into the answer it gets. SensorThings wants
// 400 for what is wrong with a body.
func sensingProblem(err error) error {
	var request *sta.Error
	var payload *readings.Error
	switch {
	case errors.As(err, &request):
		kind := map[int]string{400: "invalid-parameter", 404: "not-found", 405: "method-not-allowed", 501: "not-implemented"}[request.Status]
		return newProblem(request.Status, kind, request.Where, request.Error())
	case errors.As(err, &payload):
		p := newProblem(http.StatusBadRequest, "invalid-body", "body", payload.Error())
		p.Errors = []placeError{{payload.Path, payload.Reason}}
		return p
	case errors.Is(err, twin.ErrForbidden):
		return forbidden("You may not add readings to this datastream.")
	case errors.Is(err, catalog.ErrNotFound):
		return newProblem(http.StatusNotFound, "not-found", "Datastream", "There is no such datastream.")
	case errors.Is(err, twin.ErrUnavailable):
		return unavailable(2, "Readings cannot be taken just now; please send them again.", err)
	}
	return err
}

func (r *request) postSensing() error {
	path, err := r.sensingPath()
	if err != nil {
		return err
	}
	s := r.session()
	target, err := s.Target(path)
	if err != nil {
		return sensingProblem(err)
	}
	body, err := r.body(typeJSON)
	if err != nil {
		return err
	}
	switch {
	case target.Array:
		return r.postDataArray(s, body)
	case target.IsObservations():
		return r.postObservation(s, target.Datastream, body)
	}
	for attempt := 0; ; attempt++ {
		made, err := s.Create(target, body)
		if err != nil {
			return sensingProblem(err)
		}
		err = r.makeSensing(s, made)
		var taken *catalog.Conflict
		if errors.As(err, &taken) && attempt < 3 { // another process gave the same number
			continue
		}
		return err
	}
}

func (r *request) postObservation(s *sta.Session, datastream string, body []byte) error {
	all, err := r.s.cfg.Twin.Take(r.Request().Context(), twin.Sender{Principal: r.who}, twin.OneObservation, datastream, body)
	if err != nil {
		return sensingProblem(err)
	}
	answer, self, err := s.Observation(&all[0])
	if err != nil {
		return err
	}
	r.Response().Header().Set("Location", self)
	return r.send(http.StatusCreated, typeJSON, answer)
}

func (r *request) postDataArray(s *sta.Session, body []byte) error {
	all, err := r.s.cfg.Twin.Take(r.Request().Context(), twin.Sender{Principal: r.who}, twin.DataArray, "", body)
	if err != nil {
		return sensingProblem(err)
	}
	selves := make([]string, 0, len(all))
	for i := range all {
		selves = append(selves, s.Address(&all[i]))
	}
	out, err := json.Marshal(selves)
	if err != nil {
		return err
	}
	return r.send(http.StatusCreated, typeJSON, out)
}

// makeSensing writes the features of a deep insert as one, and adds the observations
// that came with them.
func (r *request) makeSensing(s *sta.Session, made *sta.Creation) error {
	for i := range made.Ops {
		op := &made.Ops[i]
		c, err := r.storedCollection(op.Collection)
		if err != nil {
			return err
		}
		var have *catalog.Feature
		if *op.If != 0 {
			have = r.s.cfg.Twin.Entity(op.Collection, op.Feature.ID)
		}
		if err := r.mayWrite(&c, have, &op.Feature, true); err != nil {
			return err
		}
		if err := c.Check(&op.Feature); err != nil {
			return inBody(err)
		}
		if err := r.announce(&c, op); err != nil {
			return err
		}
	}
	res, err := r.applyAll(made.Ops)
	if err != nil {
		return err
	}
	if err := r.s.cfg.Twin.WaitRev(r.Request().Context(), res.Rev); err != nil {
		return err
	}
	for _, o := range made.Readings {
		if _, err := r.s.cfg.Twin.Take(r.Request().Context(), twin.Sender{Principal: r.who}, twin.OneObservation, o.Datastream, o.Payload); err != nil {
			return sensingProblem(err)
		}
	}
	set := made.Set
	body, err := s.Entity(r.Request().Context(), set, made.ID)
	if err != nil {
		return err
	}
	r.Response().Header().Set("Location", s.Self(set, made.ID))
	return r.send(http.StatusCreated, typeJSON, body)
}

// applyAll writes several operations, which were announced, as one.
func (r *request) applyAll(ops []catalog.Op) (catalog.Result, error) {
	// A caller who hangs up must not leave it open whether the write happened.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Request().Context()), requestTime)
	defer cancel()
	res, err := r.s.cfg.Store.Apply(ctx, catalog.Batch{Author: r.author(), Reason: r.reason(), Ops: catalog.Ops(ops...)})
	if err != nil {
		for i := range ops {
			r.undone(ops[i].Collection, ops[i].Feature.ID)
		}
	}
	return res, err
}
