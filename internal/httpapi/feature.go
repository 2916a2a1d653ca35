package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo/geojson"
)

// maxHistory is the most versions that one answer lists, the latest ones.
const maxHistory = 1000

// getFeature answers /api/features/{collection}/{id}: one feature, exact, with
// its history.
func (r *request) getFeature() error {
	c, id, err := r.target()
	if err != nil {
		return err
	}
	m, err := r.moment()
	if err != nil {
		return err
	}
	if m.before {
		return unknownFeature(c.Name, id)
	}
	asked := id
	f, err := r.find(&c, &id, m.at)
	if err != nil {
		return err
	}
	if _, seen := cql2.SightOf(&c, r.view).See(&f); !seen {
		return unknownFeature(c.Name, asked) // not the id that a key stands for
	}
	r.revision(f.Rev)
	return r.show(http.StatusOK, &c, &f, m.at)
}

// target reads {collection} and {id} of the path. The collection comes from the
// store, so that what was just defined is known.
func (r *request) target() (catalog.Collection, string, error) {
	name, err := r.pathParam("collection")
	if err != nil {
		return catalog.Collection{}, "", err
	}
	c, err := r.storedCollection(name)
	if err != nil {
		return c, "", err
	}
	id, err := r.pathParam("id")
	if err != nil {
		return c, "", err
	}
	if err := catalog.CheckID(id); err != nil {
		return c, "", err
	}
	return c, id, nil
}

// storedCollection returns a collection from the store, if it exists for this caller.
func (r *request) storedCollection(name string) (catalog.Collection, error) {
	if info, ok := r.s.cfg.Engine.Collection(name); ok && r.reading() {
		if !r.view.Sees(&info.Collection) {
			return catalog.Collection{}, unknownCollection(name)
		}
		return info.Collection, nil
	}
	c, err := r.s.cfg.Store.Collection(r.Request().Context(), name)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && !r.view.Sees(&c) {
		return c, unknownCollection(name)
	}
	return c, err
}

// find reads a feature by its id or, failing that, by its numeric key; id becomes
// the feature's id.
func (r *request) find(c *catalog.Collection, id *string, at catalog.At) (catalog.Feature, error) {
	ctx := r.Request().Context()
	asked := *id
	f, err := r.s.cfg.Store.Feature(ctx, c.Name, asked, at)
	if !errors.Is(err, catalog.ErrNotFound) {
		return f, err
	}
	if real, _, ok := r.s.cfg.Engine.Feature(c.Name, *id); ok && real != *id {
		*id = real
		f, err = r.s.cfg.Store.Feature(ctx, c.Name, real, at)
	}
	if errors.Is(err, catalog.ErrNotFound) {
		return f, unknownFeature(c.Name, asked)
	}
	return f, err
}

func unknownFeature(collection, id string) error {
	return missing("id", "There is no feature %q in %s at that time.", clip(id), collection)
}

// featureTag is the feature's entity tag: its revision, which If-Match is
// compared by, and a hash, since callers see different fields.
func featureTag(f *catalog.Feature, body []byte) string {
	return contentTag(strconv.FormatInt(int64(f.Rev), 10)+"-", body)
}

// tagRevision reads the revision out of a feature's entity tag; a bare revision
// in quotes will do. Weak tags have none: If-Match compares strongly.
func tagRevision(tag string) (catalog.Rev, bool) {
	s, ok := strings.CutPrefix(tag, `"`)
	if !ok {
		return 0, false
	}
	s, _, _ = strings.Cut(strings.TrimSuffix(s, `"`), "-")
	n, err := strconv.ParseInt(s, 10, 64)
	return catalog.Rev(n), err == nil && n > 0
}

// appendFeature appends the feature as GeoJSON, with what this caller sees. The
// members version and history are not part of what PUT writes, so that a feature
// may be read, changed and put back as it is.
// Each version is judged by its own content: one that the caller may not see is left out.
func (r *request) appendFeature(b []byte, c *catalog.Collection, f *catalog.Feature, versions []catalog.Version, at catalog.At) []byte {
	sight := cql2.SightOf(c, r.view)
	seen, _ := sight.See(f)
	r.carriesFeature(c, f.ID, seen)
	b = catalog.AppendJSONString(append(b, `{"type":"Feature","id":`...), f.ID)
	b = strconv.AppendUint(append(b, `,"key":`...), uint64(catalog.KeyOf(c.Name, f.ID)), 10)
	b = catalog.AppendJSONString(append(b, `,"collection":`...), c.Name)
	b = geojson.AppendGeometry(append(b, `,"geometry":`...), &f.Geometry)
	b = appendProperties(append(b, `,"properties":`...), seen)
	b = append(b, `,"version":{"rev":`...)
	b = strconv.AppendInt(b, int64(f.Rev), 10)
	b = appendTimes(b, f.ValidFrom, f.ValidTo)
	b = append(b, '}')
	b = append(b, `,"history":[`...)
	if n := len(versions); n > maxHistory {
		versions = versions[n-maxHistory:]
	}
	first := true
	for i := range versions {
		v := &versions[i]
		if at.Known != 0 && v.Rev > at.Known {
			continue
		}
		props, seen := sight.See(&v.Feature)
		if !seen {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		r.carriesFeature(c, f.ID, props)
		b = appendVersion(b, v, props, at.Known, r.view.Writes(c))
	}
	b = append(b, ']')
	if len(r.warnings) > 0 {
		text, err := json.Marshal(r.warnings)
		if err == nil { // texts and numbers always encode
			b = append(append(b, `,"warnings":`...), text...)
		}
	}
	return append(b, '}')
}

// appendVersion appends one entry of the history. Who wrote it is for those who
// may write.
func appendVersion(b []byte, v *catalog.Version, props catalog.Properties, known catalog.Rev, author bool) []byte {
	b = strconv.AppendInt(append(b, `{"rev":`...), int64(v.Rev), 10)
	if v.RevTo != 0 && (known == 0 || v.RevTo <= known) {
		b = strconv.AppendInt(append(b, `,"rev_to":`...), int64(v.RevTo), 10)
	}
	if !v.Recorded.IsZero() {
		b = appendTime(append(b, `,"recorded":`...), v.Recorded)
	}
	b = appendTimes(b, v.ValidFrom, v.ValidTo)
	if author {
		if v.Author != "" {
			b = catalog.AppendJSONString(append(b, `,"author":`...), v.Author)
		}
		if v.Reason != "" {
			b = catalog.AppendJSONString(append(b, `,"reason":`...), v.Reason)
		}
	}
	b = appendProperties(append(b, `,"properties":`...), props)
	return append(b, '}')
}

func appendProperties(b []byte, props catalog.Properties) []byte {
	b = append(b, '{')
	for i, p := range props {
		if i > 0 {
			b = append(b, ',')
		}
		b = catalog.AppendJSONString(b, p.Name)
		b = p.Value.AppendJSON(append(b, ':'))
	}
	return append(b, '}')
}

func appendTimes(b []byte, from, to time.Time) []byte {
	if !from.IsZero() {
		b = appendTime(append(b, `,"valid_from":`...), from)
	}
	if !to.IsZero() {
		b = appendTime(append(b, `,"valid_to":`...), to)
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// current reads the feature that a write would write over, nil when there is none:
// the one that is true now, else one that will be.
func (r *request) current(ctx context.Context, collection, id string) (*catalog.Feature, error) {
	f, err := r.s.cfg.Store.Feature(ctx, collection, id, catalog.At{})
	if err == nil {
		return &f, nil
	}
	if !errors.Is(err, catalog.ErrNotFound) {
		return nil, err
	}
	versions, err := r.s.cfg.Store.History(ctx, collection, id)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return nil, err
	}
	now := time.Now()
	for i := range versions {
		if v := &versions[i]; v.RevTo == 0 && v.ValidFrom.After(now) {
			return &v.Feature, nil
		}
	}
	return nil, nil //nolint:nilnil // absence is an answer here
}
