package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"nagar/catalog"
	"nagar/internal/registry"
	"nagar/internal/registry/linkage"
)

// maxReview is the longest id of a review, bytes: that of a feature.
const maxReview = 200

func reviewRoutes(readOnly bool) []route {
	id := pathParameter("id", "the review's id: COLLECTION.RECORD", lengthSchema(maxReview))
	answers := func(a ...answer) []answer {
		return append(a, problemAnswer(400), problemAnswer(404), problemAnswer(503))
	}
	out := []route{
		{method: http.MethodGet, path: "/api/reviews", id: "listReviews", tag: "structures", summary: "Departments' records whose structure is not certain, those nearest to being sure first",
			params: []parameter{
				queryParameter("state", "open (default: what waits for somebody), decided or all", schema{"enum": []string{"open", "decided", "all"}}),
				queryParameter("collection", "only of this one", collectionSchema()),
				queryParameter("kind", "only those that wait for this reason", schema{"enum": []string{linkage.Doubtful, linkage.Unlike, linkage.UnknownUID, linkage.Sure}}),
				queryParameter("ward", "only records of this ward", lengthSchema(maxSearch)),
				queryParameter("uid", "only of records that joined this structure, or may be of it", lengthSchema(maxUID)),
				limitParameter("limit"), cursorParameter()},
			answers: answers(ok("A page of them", typeJSON, ref("Reviews"))), handle: (*request).listReviews},
		{method: http.MethodGet, path: "/api/reviews/summary", id: "sumReviews", tag: "structures", summary: "How many records of each collection joined, wait, or are of nothing known",
			answers: answers(ok("Counts by collection, of the records that the caller sees", typeJSON, ref("ReviewSummary"))), handle: (*request).sumReviews},
		{method: http.MethodGet, path: "/api/reviews/{id}", id: "getReview", tag: "structures", summary: "A record and the structures that it may be of, with what speaks for and against each; also of one that joined by itself",
			params: []parameter{id}, answers: answers(ok("The review", typeJSON, ref("Review"))), handle: (*request).getReview},
	}
	if !readOnly {
		out = append(out, route{method: http.MethodPost, path: "/api/reviews/{id}", id: "decideReview", tag: "structures", write: true, bodyLimit: 64 << 10,
			summary: "Decide of which structure a record is: join, none, or undo what was decided",
			params:  []parameter{id},
			body:    &content{text: "decision: join (with uid), none or undo; note", types: []string{typeJSON}, schema: ref("ReviewDecision")},
			answers: answers(ok("The review as it is now", typeJSON, ref("Review")), problemAnswer(401), problemAnswer(403), problemAnswer(409), problemAnswer(413), problemAnswer(415), problemAnswer(422)),
			handle:  (*request).decideReview})
	}
	return out
}

// reviewError turns what the queue says into an answer.
func reviewError(err error) error {
	var settled *linkage.Settled
	var moved *catalog.Conflict
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return missing("id", "There is no such review.")
	case errors.As(err, &settled):
		return newProblem(http.StatusConflict, "conflict", "decision", "It is decided already: "+settled.Error()+".")
	case errors.As(err, &moved):
		return newProblem(http.StatusConflict, "conflict", "id", "The record or its review changed meanwhile; read it again.")
	}
	return structureError("", err)
}

// listReviews answers /api/reviews.
func (r *request) listReviews() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	var o linkage.Filter
	var err error
	for _, p := range []struct {
		name string
		to   *string
		most int
	}{{"state", &o.State, maxSearch}, {"collection", &o.Collection, maxSearch}, {"kind", &o.Kind, maxSearch}, {"ward", &o.Ward, maxSearch}, {"after", &o.After, maxCursor}} {
		if *p.to, err = r.text(p.name, p.most); err != nil {
			return err
		}
	}
	switch o.State {
	case "", "open", "decided", "all":
	default:
		return badParam("state", "want open, decided or all, got %q", clip(o.State))
	}
	switch o.Kind {
	case "", linkage.Doubtful, linkage.Unlike, linkage.UnknownUID, linkage.Sure:
	default:
		return badParam("kind", "want doubtful, rejected, unknown_uid or sure, got %q", clip(o.Kind))
	}
	if o.Collection != "" {
		if _, ok := r.collection(o.Collection); !ok {
			return unknownCollection(o.Collection)
		}
	}
	if u, err := r.text("uid", maxUID); err != nil {
		return err
	} else if u != "" {
		if o.UID, err = parseUID("uid", u); err != nil {
			return err
		}
	}
	if o.Limit, err = r.limit(); err != nil {
		return err
	}
	page, err := r.s.cfg.Reviews.List(r.Request().Context(), o, r.view)
	if errors.Is(err, linkage.ErrCursor) {
		return badParam("after", "%s", err.Error())
	}
	if err != nil {
		return reviewError(err)
	}
	r.carriesRows(page)
	if page.Next != "" {
		page.Next = r.nextURL(page.Next)
		r.Response().Header().Set("Link", "<"+page.Next+`>; rel="next"`)
	}
	return r.json(http.StatusOK, page)
}

// sumReviews answers /api/reviews/summary.
func (r *request) sumReviews() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	all, err := r.s.cfg.Reviews.Summary(r.Request().Context(), r.view)
	if err != nil {
		return reviewError(err)
	}
	return r.json(http.StatusOK, map[string]any{"collections": all})
}

// review reads {id}.
func (r *request) review() (string, error) {
	if err := r.s.ready(); err != nil {
		return "", err
	}
	id, err := r.pathParam("id")
	if err != nil {
		return "", err
	}
	if err := catalog.CheckID(id); err != nil {
		return "", badParam("id", "an id is 1 to 200 bytes of UTF-8 without control characters")
	}
	return id, nil
}

// getReview answers /api/reviews/{id}.
func (r *request) getReview() error {
	id, err := r.review()
	if err != nil {
		return err
	}
	d, err := r.s.cfg.Reviews.Get(r.Request().Context(), id, r.view)
	if err != nil {
		return reviewError(err)
	}
	r.carriesRows(d)
	return r.json(http.StatusOK, d)
}

// decideReview answers POST /api/reviews/{id}.
func (r *request) decideReview() error {
	id, err := r.review()
	if err != nil {
		return err
	}
	if _, err := r.s.cfg.Reviews.Get(r.Request().Context(), id, r.view); err != nil { // what the caller does not see is not there
		return reviewError(err)
	}
	body, err := r.body(typeJSON)
	if err != nil {
		return err
	}
	var d linkage.Decision
	if err := json.Unmarshal(body, &d); err != nil {
		return newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is no decision: "+jsonReason(err))
	}
	// Past this point a caller who hangs up must not leave it open whether it happened.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Request().Context()), requestTime)
	defer cancel()
	by := registry.By{Author: r.author(), Actor: r.who.Name, Reason: r.reason(), View: r.view, Announce: r.announceAll, Undone: r.undoneAll}
	if by.Actor == "" {
		by.Actor = r.who.ID
	}
	done, err := r.s.cfg.Reviews.Decide(ctx, id, d, by)
	if err != nil {
		return reviewError(err)
	}
	r.carriesRows(done)
	r.caching()
	return r.json(http.StatusOK, done)
}
