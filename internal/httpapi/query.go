package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"nagar/catalog"
	"nagar/geo/geojson"
	"nagar/internal/access/audit"
	"nagar/layers"
)

// near answers /api/near: the nearest features of a collection.
func (r *request) near() error {
	info, err := r.queryCollection()
	if err != nil {
		return err
	}
	req := layers.NearRequest{Collection: info.Name, View: r.view}
	if req.Lon, req.Lat, err = r.position("lon", "lat"); err != nil {
		return err
	}
	if req.Limit, err = r.limit(); err != nil {
		return err
	}
	if len(r.query["k"]) > 0 {
		if len(r.query["limit"]) > 0 {
			return badParam("k", "give k or limit, not both")
		}
		if req.Limit, err = r.count("k", defaultLimit, 1, maxLimit); err != nil {
			return err
		}
	}
	common, err := r.queryCommon()
	if err != nil {
		return err
	}
	req.Filter, req.After, req.At = common.filter, common.after, common.at
	if common.before {
		return r.nothing()
	}
	a, err := r.s.cfg.Engine.Near(r.Request().Context(), req)
	return r.features(a, err)
}

// within answers /api/within: the features that meet a window (GET) or a polygon
// (POST, or as WKT), or are within a distance of a geometry.
func (r *request) within() error {
	info, err := r.queryCollection()
	if err != nil {
		return err
	}
	req := layers.WithinRequest{Collection: info.Name, View: r.view}
	if req.Limit, err = r.limit(); err != nil {
		return err
	}
	common, err := r.queryCommon()
	if err != nil {
		return err
	}
	p, err := r.place()
	if err != nil {
		return err
	}
	if p.box == nil && p.polygon == nil && p.around == nil {
		return badParam("bbox", "it is needed: west,south,east,north in degrees; or geometry")
	}
	req.Filter, req.After, req.At = common.filter, common.after, common.at
	req.Box, req.Polygon, req.Around, req.Distance = p.box, p.polygon, p.around, p.distance
	if common.before {
		return r.nothing()
	}
	a, err := r.s.cfg.Engine.Within(r.Request().Context(), req)
	return r.features(a, err)
}

// at answers /api/at: what is at a position.
func (r *request) at() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	req := layers.AtRequest{View: r.view}
	var err error
	if req.Lon, req.Lat, err = r.position("lon", "lat"); err != nil {
		return err
	}
	if req.Limit, err = r.limit(); err != nil {
		return err
	}
	list, err := r.param("collections")
	if err != nil {
		return err
	}
	if list != "" {
		infos, err := r.collections("collections", list)
		if err != nil {
			return err
		}
		req.Collections = names(infos)
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	m, err := r.moment()
	if err != nil {
		return err
	}
	if req.At = m.at; m.before {
		return r.nothing()
	}
	a, err := r.s.cfg.Engine.AtPoint(r.Request().Context(), req)
	return r.features(a, err)
}

// queryCollection reads the parameter collection.
func (r *request) queryCollection() (layers.Info, error) {
	if err := r.s.ready(); err != nil {
		return layers.Info{}, err
	}
	name, err := r.param("collection")
	if err != nil {
		return layers.Info{}, err
	}
	if name == "" {
		return layers.Info{}, badParam("collection", "it is needed; /api/collections lists them")
	}
	info, ok := r.collection(name)
	if !ok {
		return info, unknownCollection(name)
	}
	return info, nil
}

func (r *request) limit() (int, error) { return r.count("limit", defaultLimit, 1, maxLimit) }

type queryCommon struct {
	moment
	filter, after string
}

// queryCommon reads what near and within share, and waits for minrev.
func (r *request) queryCommon() (c queryCommon, err error) {
	if c.filter, err = r.text("filter", maxFilter); err != nil {
		return c, err
	}
	if c.after, err = r.text("after", maxCursor); err != nil {
		return c, err
	}
	if err = r.awaitRevision(); err != nil {
		return c, err
	}
	c.moment, err = r.moment()
	return c, err
}

// bodyError is the 400 for a body that cannot be read as GeoJSON.
func bodyError(err error) error {
	var syntax *geojson.Error
	if !errors.As(err, &syntax) {
		return err
	}
	p := newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is not GeoJSON: "+syntax.Error())
	p.Errors = []placeError{{syntax.Path, syntax.Reason}}
	return p
}

// body reads the whole body, when it is of one of the media types. No type at
// all is taken as the first.
func (r *request) body(types ...string) ([]byte, error) {
	given, _, _ := strings.Cut(r.Request().Header.Get("Content-Type"), ";")
	given = strings.ToLower(strings.TrimSpace(given))
	ok := given == ""
	for _, t := range types {
		ok = ok || given == t
	}
	if !ok {
		r.Response().Header().Set("Accept-Post", strings.Join(types, ", "))
		return nil, newProblem(http.StatusUnsupportedMediaType, "unsupported-type", "Content-Type", "Want a body of type "+strings.Join(types, " or ")+".")
	}
	b, err := io.ReadAll(r.Request().Body)
	var large *http.MaxBytesError
	var full *problem
	switch {
	case errors.As(err, &large), errors.As(err, &full):
		return nil, err
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, "bad-request", "body", "The body broke off.")
	case len(b) == 0:
		return nil, newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is empty.")
	}
	return b, nil
}

// nothing is the answer before anything was recorded.
func (r *request) nothing() error {
	return r.features(&layers.Answer{Features: []byte("[]"), Rev: r.s.cfg.Engine.Rev()}, nil)
}

// features answers a page of features.
func (r *request) features(a *layers.Answer, err error) error {
	if err != nil {
		return queryError(err)
	}
	defer a.Release()
	r.revision(a.Rev)
	r.carries(audit.Read, a.Carried)
	head := append(make([]byte, 0, 128), `{"type":"FeatureCollection","numberReturned":`...)
	head = strconv.AppendInt(head, int64(a.Count), 10)
	head = append(r.appendLinks(head, typeGeoJSON, a.Next), `,"features":`...)
	// The features are the answer's own, so that the bracket may stand behind them.
	return r.send(http.StatusOK, typeGeoJSON, head, append(a.Features, '}'))
}

// queryError is what the caller is told of an error of the engine.
func queryError(err error) error {
	if errors.Is(err, catalog.ErrNotFound) {
		return missing("collection", "There is no such collection.")
	}
	return err
}

// appendLinks appends the member "links" with the next page, if there is one.
func (r *request) appendLinks(b []byte, mediaType, next string) []byte {
	b = append(b, `,"links":[`...)
	if next != "" {
		address := r.nextURL(next)
		r.Response().Header().Set("Link", "<"+address+`>; rel="next"`)
		b = append(b, `{"rel":"next","type":"`+mediaType+`","title":"the next page"`...)
		if r.Request().Method == http.MethodPost {
			b = append(b, `,"method":"POST"`...) // with the same body
		}
		b = append(b, `,"href":`...)
		b = catalog.AppendJSONString(b, address)
		b = append(b, '}')
	}
	return append(b, ']')
}

// nextURL is this request's address with another cursor.
func (r *request) nextURL(after string) string {
	base, path, raw := r.baseURL(), r.Request().URL.EscapedPath(), r.Request().URL.RawQuery
	b := make([]byte, 0, len(base)+len(path)+len(raw)+len(after)+len("?after=&"))
	b = append(append(append(b, base...), path...), '?')
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err != nil || plain == "after" || pair == "" {
			continue
		}
		b = append(appendQuery(b, pair), '&')
	}
	return string(append(append(b, "after="...), url.QueryEscape(after)...))
}

// appendQuery appends a part of a query as it was sent, but for what may not stand
// in a URI (RFC 3986 section 3.4): in a Link header that would end it.
func appendQuery(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}[]#", c) >= 0 {
			b = fmt.Appendf(b, "%%%02X", c)
			continue
		}
		b = append(b, c)
	}
	return b
}
