package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
)

// Media types that a written feature may come as.
var (
	featureTypes = []string{typeGeoJSON, typeJSON}
	patchTypes   = []string{"application/merge-patch+json", typeJSON, typeGeoJSON}
)

const maxKey = 200 // bytes of an Idempotency-Key

// postFeature creates a feature. With an Idempotency-Key a second POST changes
// nothing and gets the first answer.
func (r *request) postFeature() error {
	name, err := r.pathParam("collection")
	if err != nil {
		return err
	}
	c, err := r.storedCollection(name)
	if err != nil {
		return err
	}
	key, err := r.idempotencyKey(c.Name)
	if err != nil {
		return err
	}
	body, err := r.body(featureTypes...)
	if err != nil {
		return err
	}
	f, err := decodeFeature(body, r.visible(&c))
	if err != nil {
		return err
	}
	if f.ID == "" {
		f.ID = newID(key)
	}
	if err := r.mayWrite(&c, nil, &f, true); err != nil {
		return err
	}
	mustBeNew := catalog.Rev(0)
	res, err := r.apply(&c, catalog.Op{Kind: catalog.Put, Feature: f, If: &mustBeNew}, nil, key)
	if err != nil {
		return inBody(r.taken(&c, err))
	}
	if res.Replayed {
		if err := r.sameAsFirst(&c, &f, res.Rev); err != nil {
			return err
		}
		r.Response().Header().Set("Idempotency-Replayed", "true")
	}
	r.Response().Header().Set("Location", r.featureURL(c.Name, f.ID))
	if res.Replayed {
		return r.firstAnswer(&c, f.ID, res.Rev)
	}
	return r.written(http.StatusCreated, &c, f.ID, res.Rev)
}

// idempotencyKey reads the header, as the key of the batch that it makes.
func (r *request) idempotencyKey(collection string) (string, error) {
	key := strings.TrimSpace(r.Request().Header.Get("Idempotency-Key"))
	if key == "" {
		return "", nil
	}
	if len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
		return "", badParam("Idempotency-Key", "want 1 to %d printable ASCII characters", maxKey)
	}
	if r.who.Kind != access.Root { // another caller's key is another one
		collection = r.who.ID + ":" + collection
	}
	return "http:" + collection + ":" + key, nil
}

// newID is a new feature's id: random, or the same for the same idempotency key.
func newID(key string) string {
	if key == "" {
		return strings.ToLower(rand.Text())
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// sameAsFirst refuses a used Idempotency-Key that comes with another content.
func (r *request) sameAsFirst(c *catalog.Collection, f *catalog.Feature, rev catalog.Rev) error {
	first, err := r.s.cfg.Store.Feature(r.Request().Context(), c.Name, f.ID, catalog.At{Known: rev})
	if err == nil && first.Rev == rev && first.Geometry.Equal(&f.Geometry) && first.Props.Equal(f.Props) {
		return nil
	}
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	versions, err := r.s.cfg.Store.History(r.Request().Context(), c.Name, f.ID)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	for i := range versions {
		if v := &versions[i]; v.Rev == rev && v.Geometry.Equal(&f.Geometry) && v.Props.Equal(f.Props) {
			return nil
		}
	}
	return newProblem(http.StatusUnprocessableEntity, "rejected", "Idempotency-Key", "This Idempotency-Key was used before, with another content.")
}

// putFeature writes a whole feature over the one that the caller saw, or creates
// it with If-None-Match: *.
func (r *request) putFeature() error {
	c, id, err := r.target()
	if err != nil {
		return err
	}
	have, want, err := r.precondition(&c, &id, true)
	if err != nil {
		return err
	}
	body, err := r.body(featureTypes...)
	if err != nil {
		return err
	}
	f, err := decodeFeature(body, r.visible(&c))
	if err != nil {
		return err
	}
	if f.ID != "" && f.ID != id {
		return badParam("id", "the path says %q, the body %q", clip(id), clip(f.ID))
	}
	f.ID = id
	if err := r.mayWrite(&c, have, &f, true); err != nil {
		return err
	}
	res, err := r.apply(&c, catalog.Op{Kind: catalog.Put, Feature: f, If: &want}, have, "")
	if err != nil {
		return stale(inBody(err))
	}
	status := http.StatusOK
	if have == nil {
		status = http.StatusCreated
		r.Response().Header().Set("Location", r.featureURL(c.Name, id))
	}
	return r.written(status, &c, id, res.Rev)
}

// patchFeature changes parts of a feature: JSON Merge Patch (RFC 7396) over its
// geometry, properties and valid_to. valid_from says since when the new content
// is true.
func (r *request) patchFeature() error {
	c, id, err := r.target()
	if err != nil {
		return err
	}
	have, want, err := r.precondition(&c, &id, false)
	if err != nil {
		return err
	}
	patch, err := r.body(patchTypes...)
	if err != nil {
		return err
	}
	f, err := patched(r.cut(&c, have), r.visible(&c), patch)
	if err != nil {
		return err
	}
	if f.ID != id {
		return badParam("id", "an id does not change")
	}
	if err := r.mayWrite(&c, have, &f, false); err != nil {
		return err
	}
	res, err := r.apply(&c, catalog.Op{Kind: catalog.Put, Feature: f, If: &want}, have, "")
	if err != nil {
		return stale(inBody(err))
	}
	return r.written(http.StatusOK, &c, id, res.Rev)
}

// deleteFeature ends a feature.
func (r *request) deleteFeature() error {
	c, id, err := r.target()
	if err != nil {
		return err
	}
	have, want, err := r.precondition(&c, &id, false)
	if err != nil {
		return err
	}
	if err := r.mayEnd(&c, have); err != nil {
		return err
	}
	end := catalog.Feature{ID: id}
	if have.ValidFrom.After(time.Now()) {
		end.ValidFrom = have.ValidFrom // it ends before it began
	}
	res, err := r.apply(&c, catalog.Op{Kind: catalog.Delete, Feature: end, If: &want}, have, "")
	if err != nil {
		return stale(inBody(err))
	}
	r.revision(res.Rev)
	r.caching()
	return r.NoContent(http.StatusNoContent)
}

// precondition reads If-Match (or If-None-Match: * where a feature may be
// created) and compares it with the feature as it is. It returns that feature
// and the revision that the write must find. id becomes the feature's id where
// the path has its key.
func (r *request) precondition(c *catalog.Collection, id *string, mayCreate bool) (have *catalog.Feature, want catalog.Rev, err error) {
	match := strings.Join(r.Request().Header.Values("If-Match"), ",")
	create := strings.TrimSpace(r.Request().Header.Get("If-None-Match")) == "*"
	if match == "" && !(create && mayCreate) {
		return nil, 0, newProblem(http.StatusPreconditionRequired, "precondition-required", "If-Match", "Say which version you saw: If-Match with the ETag of the feature.")
	}
	ctx, asked := r.Request().Context(), *id
	if have, err = r.current(ctx, c.Name, *id); err != nil {
		return nil, 0, err
	}
	if real, _, ok := r.s.cfg.Engine.Feature(c.Name, *id); have == nil && ok && real != *id {
		if have, err = r.current(ctx, c.Name, real); err != nil {
			return nil, 0, err
		}
		if have != nil {
			*id = real
		}
	}
	if have != nil && !r.seen(c, have) { // it is not there for this caller
		return nil, 0, unknownFeature(c.Name, asked)
	}
	switch {
	case have == nil && !mayCreate:
		return nil, 0, unknownFeature(c.Name, *id)
	case create && have != nil:
		return nil, 0, failedPrecondition("If-None-Match", have.Rev)
	case have == nil && match != "":
		return nil, 0, failedPrecondition("If-Match", 0)
	case have == nil:
		return nil, 0, nil
	case match != "" && !matches(match, have.Rev):
		return nil, 0, failedPrecondition("If-Match", have.Rev)
	}
	return have, have.Rev, nil
}

// matches reports whether an If-Match header names the revision.
func matches(header string, rev catalog.Rev) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	for t := range tags(header) {
		if n, ok := tagRevision(t); ok && n == rev {
			return true
		}
	}
	return false
}

func failedPrecondition(header string, have catalog.Rev) error {
	detail := "There is no such feature to match."
	if have != 0 {
		detail = "The feature is at revision " + strconv.FormatInt(int64(have), 10) + "; read it again."
	}
	return newProblem(http.StatusPreconditionFailed, "precondition-failed", header, detail)
}

// stale turns a conflict behind a precondition into a 412.
func stale(err error) error {
	var conflict *catalog.Conflict
	if errors.As(err, &conflict) {
		return failedPrecondition("If-Match", conflict.Have)
	}
	return err
}

// apply writes one operation over what there is, with what it brings about, as one
// batch.
func (r *request) apply(c *catalog.Collection, op catalog.Op, have *catalog.Feature, key string) (catalog.Result, error) {
	op.Collection = c.Name
	if op.Kind == catalog.Put {
		if err := c.Check(&op.Feature); err != nil {
			return catalog.Result{}, err
		}
		if err := r.visible(c).CheckEntry(&op.Feature, have); err != nil {
			return catalog.Result{}, err
		}
	}
	beside, err := r.beside(&op, have)
	if err != nil {
		return catalog.Result{}, err
	}
	// Past this point a caller who hangs up must not leave it open whether the
	// write happened: it is short, and it is finished.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Request().Context()), requestTime)
	defer cancel()
	if err := r.announce(c, &op); err != nil {
		return catalog.Result{}, err
	}
	if err := r.announceAll(beside); err != nil {
		return catalog.Result{}, err
	}
	res, err := r.s.cfg.Store.Apply(ctx, catalog.Batch{
		Key: key, Author: r.author(), Reason: r.reason(), Ops: catalog.Ops(append([]catalog.Op{op}, beside...)...),
	})
	if err != nil {
		r.undone(c.Name, op.Feature.ID)
		r.undoneAll(beside)
	}
	return res, err
}

// author is who writes, as the history keeps it.
func (r *request) author() string {
	if r.who.Name == "" || r.who.Name == r.who.ID {
		return r.who.ID
	}
	return r.who.Name + " (" + r.who.ID + ")"
}

// reason is what the caller says the change is for.
func (r *request) reason() string {
	if s, err := url.PathUnescape(r.Request().Header.Get("Nagar-Reason")); err == nil && s != "" {
		return clip(s)
	}
	return r.Request().Method + " " + r.route.path
}

// written answers a write with the feature as it is now.
func (r *request) written(status int, c *catalog.Collection, id string, rev catalog.Rev) error {
	r.revision(rev)
	f, err := r.current(r.Request().Context(), c.Name, id)
	if err != nil {
		return err
	}
	if f == nil || !r.seen(c, f) { // deleted meanwhile, or true no longer, or out of sight
		r.caching()
		if status == http.StatusOK {
			status = http.StatusNoContent
		}
		return r.NoContent(status)
	}
	return r.show(status, c, f, catalog.At{})
}

// firstAnswer answers a repeated POST as the first one was, whatever has become of
// the feature since.
func (r *request) firstAnswer(c *catalog.Collection, id string, rev catalog.Rev) error {
	at := catalog.At{Known: rev}
	f, err := r.s.cfg.Store.Feature(r.Request().Context(), c.Name, id, at)
	if errors.Is(err, catalog.ErrNotFound) {
		return r.written(http.StatusCreated, c, id, rev)
	}
	if err != nil {
		return err
	}
	r.revision(rev)
	return r.show(http.StatusCreated, c, &f, at)
}

// show answers with a feature and its history.
func (r *request) show(status int, c *catalog.Collection, f *catalog.Feature, at catalog.At) error {
	versions, err := r.s.cfg.Store.History(r.Request().Context(), c.Name, f.ID)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	if !r.seen(c, f) { // another's change took it out of sight
		return unknownFeature(c.Name, f.ID)
	}
	body := r.appendFeature(nil, c, f, versions, at)
	r.Response().Header().Set("ETag", featureTag(f, body))
	return r.send(status, typeGeoJSON, body)
}

func (r *request) featureURL(collection, id string) string {
	return r.baseURL() + "/api/features/" + collection + "/" + url.PathEscape(id)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
