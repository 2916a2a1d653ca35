package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"nagar/catalog"
	"nagar/internal/access/audit"
	"nagar/layers"
)

// city answers /api/city: the profile.
func (r *request) city() error { return r.json(http.StatusOK, r.s.cfg.Profile) }

// collectionJSON is a collection as this caller sees it.
type collectionJSON struct {
	Name        string               `json:"name"`
	Title       catalog.Words        `json:"title,omitempty"`
	Description catalog.Words        `json:"description,omitempty"`
	Owner       string               `json:"owner,omitempty"`
	Licence     string               `json:"licence,omitempty"`
	Source      string               `json:"source,omitempty"`
	Class       catalog.Class        `json:"class"`
	Geometry    catalog.GeometryKind `json:"geometry"`
	Fields      []catalog.Field      `json:"fields"`
	Count       int                  `json:"count"`
	BBox        *[4]float64          `json:"bbox,omitempty"` // west, south, east, north; none without geometry
	Rev         catalog.Rev          `json:"rev"`            // of the last change to content or description
	Links       []link               `json:"links"`
}

type link struct {
	Rel  string `json:"rel"`
	Type string `json:"type,omitempty"`
	Href string `json:"href"`
}

func (r *request) describe(info *layers.Info) collectionJSON {
	c := &info.Collection
	out := collectionJSON{
		Name: c.Name, Title: c.Title, Description: c.Description, Owner: c.Owner, Licence: c.Licence, Source: c.Source,
		Class: c.Class, Geometry: c.Geometry, Fields: []catalog.Field{}, Rev: info.Rev,
		Links: []link{
			{"self", typeJSON, r.baseURL() + "/api/collections/" + c.Name},
			{"tiles", typeJSON, r.baseURL() + "/tiles/" + c.Name + ".json"},
		},
	}
	for i := range c.Fields {
		if r.view.SeesField(c, &c.Fields[i]) {
			out.Fields = append(out.Fields, c.Fields[i])
		}
	}
	n, b := r.s.cfg.Engine.Extent(c.Name, r.view)
	if out.Count = n; !b.IsEmpty() {
		out.BBox = &[4]float64{b.W, b.S, b.E, b.N}
	}
	return out
}

// listCollections answers /api/collections.
func (r *request) listCollections() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	rev := r.s.cfg.Engine.Rev()
	out := struct {
		Collections []collectionJSON `json:"collections"`
		Rev         catalog.Rev      `json:"rev"`
	}{Collections: []collectionJSON{}, Rev: rev}
	infos := r.s.cfg.Engine.Collections()
	for i := range infos {
		if r.view.Sees(&infos[i].Collection) {
			out.Collections = append(out.Collections, r.describe(&infos[i]))
		}
	}
	r.revision(rev)
	return r.json(http.StatusOK, out)
}

// getCollection answers /api/collections/{collection}.
func (r *request) getCollection() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	info, err := r.namedCollection()
	if err != nil {
		return err
	}
	r.revision(info.Rev)
	return r.json(http.StatusOK, r.describe(&info))
}

// namedCollection reads {collection} of the path.
func (r *request) namedCollection() (layers.Info, error) {
	name, err := r.pathParam("collection")
	if err != nil {
		return layers.Info{}, err
	}
	info, ok := r.collection(name)
	if !ok {
		return info, unknownCollection(name)
	}
	return info, nil
}

// putCollection defines or alters a collection.
func (r *request) putCollection() error {
	name, err := r.pathParam("collection")
	if err != nil {
		return err
	}
	body, err := r.body(typeJSON)
	if err != nil {
		return err
	}
	c, err := decodeCollection(body)
	if err != nil {
		return err
	}
	if c.Name == "" {
		c.Name = name
	}
	if c.Name != name {
		return badParam("collection", "the path says %q, the body %q", clip(name), clip(c.Name))
	}
	ctx := r.Request().Context()
	status := http.StatusOK
	if _, err := r.s.cfg.Store.Collection(ctx, name); errors.Is(err, catalog.ErrNotFound) {
		status = http.StatusCreated
	} else if err != nil {
		return err
	}
	if err := r.record(audit.Entry{Action: audit.Defined, Collection: name}); err != nil {
		return err
	}
	rev, err := r.s.cfg.Store.Define(ctx, c)
	if err != nil {
		r.undone(name)
		return inBody(err)
	}
	stored, err := r.s.cfg.Store.Collection(ctx, name)
	if err != nil {
		return err
	}
	r.revision(rev)
	if status == http.StatusCreated {
		r.Response().Header().Set("Location", r.baseURL()+"/api/collections/"+name)
	}
	// Whoever defines a collection asks for it next: give the index its moment.
	if r.s.cfg.Engine.Ready() {
		_ = r.s.await(ctx, rev) // late is not wrong: it is stored
	}
	info, ok := r.s.cfg.Engine.Collection(name)
	if !ok {
		info = layers.Info{Rev: rev}
	}
	info.Collection = stored
	return r.json(status, r.describe(&info))
}

// decodeCollection reads a description strictly: what is misspelt would
// otherwise be lost in silence. Members that GET adds are taken and ignored.
func decodeCollection(body []byte) (catalog.Collection, error) {
	var in struct {
		catalog.Collection
		Count json.RawMessage `json:"count"`
		BBox  json.RawMessage `json:"bbox"`
		Links json.RawMessage `json:"links"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		p := newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is not a collection's description: "+jsonReason(err))
		return catalog.Collection{}, p
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return catalog.Collection{}, newProblem(http.StatusBadRequest, "invalid-body", "body", "There is more after the description.")
	}
	return in.Collection, nil
}

// jsonReason is encoding/json's error in words that name no Go type.
func jsonReason(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d", syntax.Error(), syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("%s cannot be a %s (byte %d)", kind.Field, kind.Value, kind.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it breaks off"
	}
	return err.Error()
}
