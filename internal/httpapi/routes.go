package httpapi

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"nagar/internal/access"
)

// Limits of bodies, bytes.
const (
	queryBody      = 8 << 20
	featureBody    = 16 << 20
	collectionBody = 1 << 20
)

// route is one method of one path: what the router, the documentation and the
// figures know of it.
type route struct {
	method  string
	path    string // as in OpenAPI: /tiles/{collections}/{z}/{x}/{y}.mvt
	id      string // operationId
	tag     string
	summary string
	params  []parameter
	answers []answer
	body    *content
	handle  func(*request) error

	write      bool         // changes features: not for nobody in particular
	right      access.Right // that the caller needs; "": none
	session    bool         // is about the session of who is signed in
	account    bool         // is about the account of a member of staff who is signed in
	sameOrigin bool         // no other site's page may ask it
	stream     bool         // has no end of its own
	quiet      bool         // its log lines are for debugging
	bodyLimit  int64        // bytes; 0: it takes no body
	fallback   bool         // answers whatever path no other route has

	suffix string   // what follows the last parameter of the path
	last   string   // name of that parameter
	others []*route // with the same path but for the suffix

	took prometheus.Observer // of answers that are 200
}

// table lists every route there is.
func (s *Server) table() []route {
	all := [][]route{pageRoutes(), operationRoutes(), tileRoutes(), archiveRoutes(), catalogRoutes(), queryRoutes(), auditRoutes(), assetRoutes()}
	if !s.cfg.ReadOnly {
		all = append(all, writeRoutes(), eraseRoutes())
	}
	if s.cfg.Structures != nil {
		all = append(all, structureRoutes(), changelogRoutes())
		if !s.cfg.ReadOnly {
			all = append(all, structureWriteRoutes(), leaseRoutes())
		}
	}
	if s.cfg.Reviews != nil {
		all = append(all, reviewRoutes(s.cfg.ReadOnly))
	}
	if s.cfg.Findings != nil {
		all = append(all, findingRoutes())
		if !s.cfg.ReadOnly {
			all = append(all, findingWriteRoutes())
		}
	}
	if s.cfg.Twin != nil {
		all = append(all, sensingRoutes(s.cfg.ReadOnly))
	}
	if s.cfg.Identities != nil {
		all = append(all, authRoutes(), oidcRoutes(), meRoutes(), accountRoutes(), policyRoutes())
	}
	var out []route
	for _, part := range all {
		out = append(out, part...)
	}
	for i := range out {
		if end := strings.LastIndexByte(out[i].path, '}'); end >= 0 {
			begin := strings.LastIndexByte(out[i].path, '{')
			out[i].last, out[i].suffix = out[i].path[begin+1:end], out[i].path[end+1:]
		}
	}
	return out
}

func pageRoutes() []route {
	fileParam := pathParameter("path", "file, with folders", textSchema())
	return []route{
		{method: http.MethodGet, path: "/", id: "getViewer", tag: "viewer", summary: "The viewer", quiet: true,
			answers: []answer{page(), notModified()}, handle: (*request).page},
		{method: http.MethodGet, path: "/{path}", id: "getViewerFile", tag: "viewer", summary: "A file or page of the viewer", quiet: true, fallback: true,
			params: []parameter{fileParam}, answers: []answer{ok("The file", "*/*", nil), notModified(), problemAnswer(404)}, handle: (*request).asset},
		{method: http.MethodGet, path: "/fonts/{path}", id: "getFont", tag: "viewer", summary: "A font file", quiet: true,
			params: []parameter{fileParam}, answers: []answer{ok("The font", "*/*", nil), notModified(), problemAnswer(404)}, handle: (*request).font},
		{method: http.MethodGet, path: "/sprites/{path}", id: "getSprite", tag: "viewer", summary: "A sprite file", quiet: true,
			params: []parameter{fileParam}, answers: []answer{ok("The sprite", "*/*", nil), notModified(), problemAnswer(404)}, handle: (*request).sprite},
		{method: http.MethodGet, path: "/styles/{name}.json", id: "getStyle", tag: "viewer", summary: "A MapLibre style", quiet: true,
			params:  []parameter{pathParameter("name", "name of the style, such as light", textSchema())},
			answers: []answer{ok("The style", typeJSON, object()), notModified(), problemAnswer(404)}, handle: (*request).style},
	}
}

func operationRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/healthz", id: "getHealth", tag: "operation", summary: "Whether the process lives", quiet: true,
			answers: []answer{ok("It does", typeJSON, ref("Status"))}, handle: (*request).healthz},
		{method: http.MethodGet, path: "/readyz", id: "getReadiness", tag: "operation", summary: "Whether the city is loaded and requests are welcome", quiet: true,
			answers: []answer{ok("It is", typeJSON, ref("Status")), problemAnswer(503)}, handle: (*request).readyz},
		{method: http.MethodGet, path: "/metrics", id: "getMetrics", tag: "operation", summary: "Figures for Prometheus", quiet: true,
			answers: []answer{ok("Prometheus text format", "text/plain", textSchema())}, handle: (*request).metrics},
		{method: http.MethodGet, path: "/openapi.json", id: "getOpenAPI", tag: "operation", summary: "This description", quiet: true,
			answers: []answer{ok("OpenAPI 3.1", typeOpenAPI, object()), notModified()}, handle: (*request).describeAPI},
	}
}

func tileRoutes() []route {
	list := pathParameter("collections", "one collection, or several with commas between; one layer each, in this order", pattern(`^[a-z][a-z0-9_]{0,47}(,[a-z][a-z0-9_]{0,47})*$`))
	drawn := []parameter{filterParameter(), generalizeParameter(), asofParameter(), knownParameter()}
	return []route{
		{method: http.MethodGet, path: "/tiles/{collections}.json", id: "getTileJSON", tag: "tiles", summary: "TileJSON 3.0.0 of the collections, with the fields that the caller sees",
			params:  append([]parameter{list}, drawn...),
			answers: []answer{ok("TileJSON", typeJSON, ref("TileJSON")), notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503)}, handle: (*request).tileset},
		{method: http.MethodGet, path: "/tiles/{collections}/{z}/{x}/{y}.mvt", id: "getTile", tag: "tiles", summary: "A Mapbox Vector Tile 2.1", quiet: true,
			params: append([]parameter{list,
				pathParameter("z", "zoom", integerSchema(0, 22)), pathParameter("x", "column from the west", integerSchema(0, 1<<22-1)), pathParameter("y", "row from the north", integerSchema(0, 1<<22-1)),
				minrevParameter()}, drawn...),
			answers: []answer{
				ok("The tile; Nagar-Features says how many features it draws, Nagar-Dropped how many it stands for without drawing each", typeTile, binary()),
				{status: 204, text: "There is nothing to draw"}, notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(406), problemAnswer(503),
			}, handle: (*request).tile},
	}
}

func catalogRoutes() []route {
	collection := pathParameter("collection", "name of the collection", collectionSchema())
	return []route{
		{method: http.MethodGet, path: "/api/city", id: "getCity", tag: "catalog", summary: "The city's profile: bounds, languages, wards, classes",
			answers: []answer{ok("The profile", typeJSON, object()), notModified()}, handle: (*request).city},
		{method: http.MethodGet, path: "/api/collections", id: "listCollections", tag: "catalog", summary: "The collections that the caller sees",
			params:  []parameter{minrevParameter()},
			answers: []answer{ok("The collections", typeJSON, ref("Collections")), notModified(), problemAnswer(503)}, handle: (*request).listCollections},
		{method: http.MethodGet, path: "/api/collections/{collection}", id: "getCollection", tag: "catalog", summary: "A collection: its fields, extent and size",
			params:  []parameter{collection, minrevParameter()},
			answers: []answer{ok("The collection", typeJSON, ref("Collection")), notModified(), problemAnswer(404), problemAnswer(503)}, handle: (*request).getCollection},
		{method: http.MethodGet, path: "/api/features/{collection}/{id}", id: "getFeature", tag: "features", summary: "A feature with its exact coordinates and its history",
			params: []parameter{collection, idParameter(), asofParameter(), knownParameter()},
			answers: []answer{ok("The feature; its ETag is what If-Match of a write takes", typeGeoJSON, ref("FeatureWithHistory")),
				notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503)}, handle: (*request).getFeature},
	}
}

func queryRoutes() []route {
	collection := queryParameter("collection", "name of the collection", collectionSchema()).needed()
	found := func(what string) []answer {
		return []answer{ok(what, typeGeoJSON, ref("FeatureCollection")), notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503)}
	}
	lon, lat := queryParameter("lon", "longitude, degrees", numberSchema(-180, 180)), queryParameter("lat", "latitude, degrees", numberSchema(-90, 90))
	paged := []parameter{filterParameter(), limitParameter("limit"), cursorParameter(), minrevParameter(), asofParameter(), knownParameter()}
	return []route{
		{method: http.MethodGet, path: "/api/near", id: "findNear", tag: "queries", quiet: true, summary: "The nearest features, by ground distance in metres to their geometry (distance_m)",
			params: append([]parameter{collection, lon.needed(), lat.needed(), limitParameter("k")}, paged...), answers: found("The features, nearest first"), handle: (*request).near},
		{method: http.MethodGet, path: "/api/within", id: "findWithin", tag: "queries", quiet: true, summary: "The features that meet a window or polygon, or are within a distance of a geometry (distance_m)",
			params:  append([]parameter{collection, bboxParameter(), geometryParameter(), distanceParameter()}, paged...),
			answers: found("The features"), handle: (*request).within},
		{method: http.MethodPost, path: "/api/within", id: "findWithinGeometry", tag: "queries", quiet: true, summary: "The same, with the geometry as the body",
			params: append([]parameter{collection, distanceParameter()}, paged...), bodyLimit: queryBody, body: queryGeometry(),
			answers: append(found("The features"), problemAnswer(413), problemAnswer(415)), handle: (*request).within},
		{method: http.MethodGet, path: "/api/count", id: "countFeatures", tag: "queries", quiet: true, summary: "How many features there are, everywhere or in a place, and of each value of a field",
			params:  append([]parameter{collection, byParameter(), bboxParameter(), geometryParameter(), distanceParameter()}, paged...),
			answers: counted(), handle: (*request).countFeatures},
		{method: http.MethodPost, path: "/api/count", id: "countFeaturesWithin", tag: "queries", quiet: true, summary: "The same, in a place whose geometry is the body",
			params: append([]parameter{collection, byParameter(), distanceParameter()}, paged...), bodyLimit: queryBody, body: queryGeometry(),
			answers: append(counted(), problemAnswer(413), problemAnswer(415)), handle: (*request).countFeatures},
		{method: http.MethodGet, path: "/api/at", id: "findAt", tag: "queries", quiet: true, summary: "What is here: the areas that contain a position, and what lies on it",
			params: []parameter{lon.needed(), lat.needed(), queryParameter("collections", "only these, with commas between; all where left out", textSchema()),
				limitParameter("limit"), minrevParameter(), asofParameter(), knownParameter()},
			answers: found("The features, each with its collection"), handle: (*request).at},
		{method: http.MethodGet, path: "/api/search", id: "search", tag: "queries", summary: "Places, facilities, addresses, structures' UIDs, coordinates, in Latin or Devanagari letters",
			params: []parameter{queryParameter("q", "what to look for", lengthSchema(maxSearch)).needed(), queryParameter("lang", "language of the reader", textSchema()),
				queryParameter("lon", "what is near this longitude, degrees, comes earlier", numberSchema(-180, 180)), queryParameter("lat", "latitude, degrees", numberSchema(-90, 90)),
				limitParameter("limit"), cursorParameter()},
			answers: found("The results, best first, each with its score from 0 to 1"), handle: (*request).search},
		{method: http.MethodGet, path: "/api/live", id: "listen", tag: "live", summary: "Server-sent events: tiles says which tiles changed; reset that all may have", stream: true,
			params: []parameter{bboxParameter(), headerParameter("Last-Event-ID", "id of the last event that was received", textSchema()),
				queryParameter("last-event-id", "the same, for clients that cannot set the header", textSchema())},
			answers: []answer{ok("Events without end", "text/event-stream", ref("TilesEvent")), problemAnswer(400), problemAnswer(503)}, handle: (*request).live},
	}
}

// queryGeometry is the body of a query.
func queryGeometry() *content {
	return &content{text: "A Polygon or MultiPolygon or, with a distance, any geometry; bare or as a Feature", types: []string{typeGeoJSON, typeJSON}, schema: object()}
}

func counted() []answer {
	return []answer{ok("The numbers", typeJSON, ref("Counts")), notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503)}
}

func writeRoutes() []route {
	collection := pathParameter("collection", "name of the collection", collectionSchema())
	match := headerParameter("If-Match", "ETag of the feature as the caller saw it", textSchema())
	feature := &content{text: "A GeoJSON feature; valid_from and valid_to beside properties say when it is true", types: []string{typeGeoJSON, typeJSON}, schema: ref("Feature")}
	refusals := func(status ...int) []answer {
		out := []answer{problemAnswer(400), problemAnswer(401), problemAnswer(403), problemAnswer(404), problemAnswer(413), problemAnswer(415), problemAnswer(422), problemAnswer(503)}
		for _, s := range status {
			out = append(out, problemAnswer(s))
		}
		return out
	}
	written := ok("The feature as it is now", typeGeoJSON, ref("FeatureWithHistory"))
	made := written
	made.status = 201
	return []route{
		{method: http.MethodPut, path: "/api/collections/{collection}", id: "putCollection", tag: "catalog", summary: "Define or alter a collection", right: access.DefineCollections, bodyLimit: collectionBody,
			params: []parameter{collection}, body: &content{text: "The description", types: []string{typeJSON}, schema: ref("Collection")},
			answers: append(refusals(), ok("It was altered", typeJSON, ref("Collection")), answer{status: 201, text: "It was defined", mediaType: typeJSON, schema: ref("Collection")}),
			handle:  (*request).putCollection},
		{method: http.MethodPost, path: "/api/features/{collection}", id: "postFeature", tag: "features", summary: "Create a feature", write: true, bodyLimit: featureBody,
			params: []parameter{collection, headerParameter("Idempotency-Key", "a second POST with the same key changes nothing and gets the first answer", lengthSchema(maxKey))},
			body:   feature, answers: append(refusals(409), made), handle: (*request).postFeature},
		{method: http.MethodPut, path: "/api/features/{collection}/{id}", id: "putFeature", tag: "features", summary: "Replace a feature, or create it with If-None-Match: *", write: true, bodyLimit: featureBody,
			params: []parameter{collection, idParameter(), match, headerParameter("If-None-Match", "*: only if there is none", textSchema())},
			body:   feature, answers: append(refusals(412, 428), written, made), handle: (*request).putFeature},
		{method: http.MethodPatch, path: "/api/features/{collection}/{id}", id: "patchFeature", tag: "features", summary: "Change parts of a feature (JSON Merge Patch, RFC 7396)", write: true, bodyLimit: featureBody,
			params: []parameter{collection, idParameter(), match.needed()},
			body:   &content{text: "The members to change; null removes", types: patchTypes, schema: object()}, answers: append(refusals(412, 428), written), handle: (*request).patchFeature},
		{method: http.MethodDelete, path: "/api/features/{collection}/{id}", id: "deleteFeature", tag: "features", summary: "End a feature; its history stays", write: true,
			params:  []parameter{collection, idParameter(), match.needed()},
			answers: append(refusals(412, 428), answer{status: 204, text: "It has ended"}), handle: (*request).deleteFeature},
	}
}

// register puts a route into the router; GET answers HEAD too.
func (s *Server) register(rt *route) {
	handler := func(c echo.Context) error {
		r := c.(*request)
		if !r.cutSuffix(r.route) {
			return echo.ErrNotFound
		}
		return r.route.handle(r)
	}
	if rt.fallback {
		s.fallback = rt
		return
	}
	address := echoPath(rt)
	if first := s.byAddress[rt.method+" "+address]; first != nil {
		first.others = append(first.others, rt)
		return
	}
	s.byAddress[rt.method+" "+address] = rt
	s.paths[address] = true
	s.echo.Add(rt.method, address, handler)
	if rt.method == http.MethodGet && !rt.stream {
		s.echo.Add(http.MethodHead, address, handler)
	}
}

// dispatch calls the handler that the router chose. What no route matches is for
// the viewer.
func (r *request) dispatch(next echo.HandlerFunc) error {
	switch {
	case !r.s.paths[r.Path()]:
		r.route = r.s.fallback
		return r.asset()
	case r.route == nil:
		return r.otherMethod()
	}
	return next(r)
}

// otherMethod answers the methods that a path does not have: OPTIONS says which
// it has.
func (r *request) otherMethod() error {
	allow := []string{http.MethodOptions}
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if rt := r.s.byAddress[m+" "+r.Path()]; rt != nil {
			allow = append(allow, m)
			if m == http.MethodGet && !rt.stream {
				allow = append(allow, http.MethodHead)
			}
		}
	}
	r.Response().Header().Set("Allow", strings.Join(allow, ", "))
	if r.Request().Method == http.MethodOptions {
		return r.NoContent(http.StatusNoContent)
	}
	return echo.ErrMethodNotAllowed
}

// echoPath is the path in the router's own spelling.
func echoPath(rt *route) string {
	p := strings.TrimSuffix(rt.path, rt.suffix)
	if strings.HasSuffix(p, "/{path}") {
		return strings.TrimSuffix(p, "{path}") + "*"
	}
	return strings.NewReplacer("{", ":", "}", "").Replace(p)
}

// cutSuffix takes the fixed end off the last parameter; false when it is not there.
func (r *request) cutSuffix(rt *route) bool {
	if strings.HasSuffix(rt.path, "/{path}") && !rt.fallback {
		r.SetParamNames("path")
		return true
	}
	if rt.suffix == "" {
		return true
	}
	values := r.ParamValues()
	for i, name := range r.ParamNames() {
		if name != rt.last || i >= len(values) {
			continue
		}
		cut, ok := strings.CutSuffix(values[i], rt.suffix)
		values[i] = cut
		return ok && cut != ""
	}
	return false
}

// routeOf finds the route that the router chose; nil when it chose none.
func (s *Server) routeOf(c echo.Context) *route {
	method := c.Request().Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	rt := s.byAddress[method+" "+c.Path()]
	if rt != nil && rt.stream && method != c.Request().Method { // a HEAD would never end
		return nil
	}
	if rt != nil {
		for _, other := range rt.others {
			if strings.HasSuffix(c.Request().URL.Path, other.suffix) {
				return other
			}
		}
	}
	return rt
}
