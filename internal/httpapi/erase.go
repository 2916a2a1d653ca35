package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/internal/access"
)

// maxReason is the most characters of a reason for an erasure.
const maxReason = 500

func eraseRoutes() []route {
	collection := pathParameter("collection", "name of the collection", collectionSchema())
	answers := []answer{ok("It is erased; the feature as it is now", typeGeoJSON, ref("FeatureWithHistory")), {status: 204, text: "It is erased; the feature had ended"}}
	for _, status := range []int{400, 401, 403, 404, 412, 413, 415, 422, 428, 503} {
		answers = append(answers, problemAnswer(status))
	}
	return []route{{
		method: http.MethodPost, path: "/api/features/{collection}/{id}/erase", id: "eraseFeature", tag: "features", write: true, right: access.Erase, bodyLimit: collectionBody,
		summary: "Blank fields of a feature in every version, also one that has ended; its revisions stay",
		params:  []parameter{collection, idParameter(), headerParameter("If-Match", "ETag of the feature, or * for one that has ended", textSchema()).needed()},
		body: &content{text: "fields: which; all: true for every field and the geometry, instead; reason: why, kept with the revision, so without personal data", types: []string{typeJSON},
			schema: shape("What to erase, and why", []string{"reason"}, schema{"fields": arrayOf(textSchema()), "all": schema{"type": "boolean"}, "reason": lengthSchema(maxReason)})},
		answers: answers, handle: (*request).eraseFeature,
	}}
}

// eraseFeature answers POST /api/features/{collection}/{id}/erase.
func (r *request) eraseFeature() error {
	c, id, err := r.target()
	if err != nil {
		return err
	}
	have, want, err := r.erasable(&c, &id)
	if err != nil {
		return err
	}
	body, err := r.body(typeJSON)
	if err != nil {
		return err
	}
	fields, reason, err := decodeErasure(body, &c)
	if err != nil {
		return err
	}
	op := catalog.Op{Kind: catalog.Erase, Collection: c.Name, Feature: catalog.Feature{ID: id}, Fields: fields, If: &want}
	if err := r.announce(&c, &op); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Request().Context()), requestTime)
	defer cancel()
	res, err := r.s.cfg.Store.Apply(ctx, catalog.Batch{Author: r.author(), Reason: reason, Ops: catalog.Ops(op)})
	if err != nil {
		r.undone(c.Name, id)
		return stale(inBody(err))
	}
	if have == nil {
		r.revision(res.Rev)
		r.caching()
		return r.NoContent(http.StatusNoContent)
	}
	return r.written(http.StatusOK, &c, id, res.Rev)
}

// erasable finds the feature to be erased; nil when it has ended, which is
// erasable too. To the caller it must be visible, now or as it was; the right to
// erase a field does not take seeing its value.
func (r *request) erasable(c *catalog.Collection, id *string) (have *catalog.Feature, want catalog.Rev, err error) {
	sight := cql2.SightOf(c, r.view)
	versions, err := r.s.cfg.Store.History(r.Request().Context(), c.Name, *id)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && !slices.ContainsFunc(versions, func(v catalog.Version) bool {
		return sight.Of(cql2.FeatureRow{Collection: c, Feature: &v.Feature}) != 0
	}) {
		return nil, 0, unknownFeature(c.Name, *id)
	}
	if err != nil {
		return nil, 0, err
	}
	if have, err = r.current(r.Request().Context(), c.Name, *id); err != nil {
		return nil, 0, err
	}
	match := strings.Join(r.Request().Header.Values("If-Match"), ",")
	switch {
	case match == "":
		return nil, 0, newProblem(http.StatusPreconditionRequired, "precondition-required", "If-Match", "Say which version you saw: If-Match with the ETag of the feature.")
	case have == nil && strings.TrimSpace(match) != "*":
		return nil, 0, failedPrecondition("If-Match", 0)
	case have == nil:
		return nil, 0, nil
	case !matches(match, have.Rev):
		return nil, 0, failedPrecondition("If-Match", have.Rev)
	}
	return have, have.Rev, nil
}

// decodeErasure reads the body; no fields stands for all and the geometry.
func decodeErasure(body []byte, c *catalog.Collection) (fields []string, reason string, err error) {
	var in struct {
		Fields []string `json:"fields"`
		All    bool     `json:"all"`
		Reason string   `json:"reason"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, "", newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is not such a JSON object: "+jsonReason(err))
	}
	in.Reason = strings.TrimSpace(in.Reason)
	switch {
	case in.Reason == "" || utf8.RuneCountInString(in.Reason) > maxReason:
		return nil, "", rejected(placeError{"reason", "say why, in up to 500 characters and without personal data"})
	case in.All && len(in.Fields) > 0:
		return nil, "", rejected(placeError{"fields", "name fields, or say all, not both"})
	case !in.All && len(in.Fields) == 0:
		return nil, "", rejected(placeError{"fields", "name the fields to erase, or say all: true"})
	}
	for _, name := range in.Fields {
		if _, ok := c.Field(name); !ok {
			return nil, "", rejected(placeError{"fields", "there is no field " + clip(name)})
		}
	}
	return in.Fields, in.Reason, nil
}
