package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"nagar/internal/access/door"
	"nagar/layers"
)

// schema is a JSON Schema (draft 2020-12, as OpenAPI 3.1 takes it).
type schema map[string]any

type parameter struct {
	Name        string `json:"name"`
	In          string `json:"in"`
	Description string `json:"description"`
	Required    bool   `json:"required,omitempty"`
	Schema      schema `json:"schema"`
}

func (p parameter) needed() parameter { p.Required = true; return p }

type answer struct {
	status    int
	text      string
	mediaType string
	schema    schema
}

type content struct {
	text   string
	types  []string
	schema schema
}

func pathParameter(name, text string, s schema) parameter {
	return parameter{name, "path", text, true, s}
}
func queryParameter(name, text string, s schema) parameter {
	return parameter{name, "query", text, false, s}
}
func headerParameter(name, text string, s schema) parameter {
	return parameter{name, "header", text, false, s}
}

func textSchema() schema              { return schema{"type": "string"} }
func pattern(p string) schema         { return schema{"type": "string", "pattern": p} }
func collectionSchema() schema        { return pattern(`^[a-z][a-z0-9_]{0,47}$`) }
func object() schema                  { return schema{"type": "object"} }
func binary() schema                  { return schema{"type": "string", "contentEncoding": "binary"} }
func ref(name string) schema          { return schema{"$ref": "#/components/schemas/" + name} }
func integerSchema(lo, hi int) schema { return schema{"type": "integer", "minimum": lo, "maximum": hi} }
func lengthSchema(most int) schema {
	return schema{"type": "string", "minLength": 1, "maxLength": most}
}
func numberSchema(lo, hi int) schema      { return schema{"type": "number", "minimum": lo, "maximum": hi} }
func arrayOf(s schema) schema             { return schema{"type": "array", "items": s} }
func described(s schema, t string) schema { s = maps.Clone(s); s["description"] = t; return s }

func limitParameter(name string) parameter {
	s := integerSchema(1, maxLimit)
	s["default"] = defaultLimit
	return queryParameter(name, "the most features to answer", s)
}

func filterParameter() parameter {
	return queryParameter("filter", "CQL2 text over the fields that the caller sees, such as floors >= 4 AND ward = 'F/N'", lengthSchema(maxFilter))
}

func generalizeParameter() parameter {
	return queryParameter("generalize", "none: every feature in full, at any zoom", schema{"type": "string", "enum": []string{"none"}})
}

func asofParameter() parameter {
	return queryParameter("asof", "what was true in the city then: a time (RFC 3339), or a date for the end of that day", textSchema())
}

func knownParameter() parameter {
	return queryParameter("known", "what was recorded then: a revision, a time or a date", textSchema())
}

func minrevParameter() parameter {
	return queryParameter("minrev", "wait up to a second for this revision, then 503", schema{"type": "integer", "minimum": 0})
}

func cursorParameter() parameter {
	return queryParameter("after", "where the page before ended; from its next link", lengthSchema(maxCursor))
}

func bboxParameter() parameter {
	return queryParameter("bbox", "west,south,east,north in degrees", pattern(`^-?[0-9.]+(e[+-]?[0-9]+)?(,-?[0-9.]+(e[+-]?[0-9]+)?){3}$`))
}

func geometryParameter() parameter {
	return queryParameter("geometry", "instead of bbox: WKT in degrees, longitude first, such as LINESTRING(72.83 18.93, 72.84 18.95); without distance a POLYGON or MULTIPOLYGON", textSchema())
}

func distanceParameter() parameter {
	return queryParameter("distance", "what is within so many metres, on the ground, of the geometry's edges or inside it", numberSchema(0, layers.MaxDistance))
}

func byParameter() parameter {
	return queryParameter("by", "a field: how many features there are of each of its values, most first", textSchema())
}

func idParameter() parameter {
	return pathParameter("id", "the feature's id, or its numeric key in tiles", lengthSchema(200))
}

func ok(text, mediaType string, s schema) answer {
	return answer{http.StatusOK, text, mediaType, s}
}

func page() answer        { return ok("The page", "text/html", textSchema()) }
func notModified() answer { return answer{status: http.StatusNotModified, text: "The caller has it"} }

func problemAnswer(status int) answer {
	return answer{status, http.StatusText(status), "application/problem+json", ref("Problem")}
}

// describe builds the OpenAPI 3.1 document from the routes.
func describe(routes []route, cfg Config) ([]byte, error) {
	paths := map[string]map[string]any{}
	for i := range routes {
		rt := &routes[i]
		item := paths[rt.path]
		if item == nil {
			item = map[string]any{}
			paths[rt.path] = item
		}
		method := strings.ToLower(rt.method)
		if item[method] != nil {
			return nil, fmt.Errorf("%s %s is there twice", rt.method, rt.path)
		}
		item[method] = operation(rt)
	}
	version := cfg.Version
	if version == "" {
		version = "unknown"
	}
	doc := map[string]any{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info": map[string]any{
			"title":   "Nagar: " + cfg.Profile.Title["en"],
			"version": version,
			"description": "The city's digital twin. GET answers HEAD as well; answers are compressed by Accept-Encoding, carry an ETag and honour If-None-Match. " +
				"Unknown query parameters are ignored. Errors are application/problem+json (RFC 9457).",
		},
		"servers": []any{map[string]any{"url": serverURL(cfg.PublicURL)}},
		"tags": []any{
			tag("viewer", "The map"), tag("tiles", "Vector tiles"), tag("queries", "Questions about space, and search"), tag("live", "What changes"),
			tag("catalog", "What there is"), tag("features", "Single features, read and written"), tag("structures", "The register of structures, across departments"), tag("assets", "What departments have outdoors: inspections, works, plots"), tag("access", "Who may see and do what"), tag("operation", "For those who run it"),
			tag("audit", "Who read and changed what"), tag("me", "Who asks"),
		},
		"paths": paths,
		"components": map[string]any{
			"schemas": componentSchemas(),
			"securitySchemes": map[string]any{
				"token":   map[string]any{"type": "http", "scheme": "bearer"},
				"session": map[string]any{"type": "apiKey", "in": "cookie", "name": door.SecureCookie},
			},
		},
		// Nothing is needed to read what is public; a token shows the rest.
		"security": []any{map[string]any{}, map[string]any{"token": []string{}}, map[string]any{"session": []string{}}},
	}
	return json.Marshal(doc)
}

func serverURL(public string) string {
	if public == "" {
		return "/"
	}
	return strings.TrimRight(public, "/")
}

func tag(name, text string) map[string]any {
	return map[string]any{"name": name, "description": text}
}

func operation(rt *route) map[string]any {
	op := map[string]any{"operationId": rt.id, "tags": []string{rt.tag}, "summary": rt.summary}
	if len(rt.params) > 0 {
		op["parameters"] = rt.params
	}
	if rt.body != nil {
		media := map[string]any{}
		for _, t := range rt.body.types {
			media[t] = map[string]any{"schema": rt.body.schema}
		}
		op["requestBody"] = map[string]any{"description": rt.body.text, "required": true, "content": media}
	}
	token, session := map[string]any{"token": []string{}}, map[string]any{"session": []string{}}
	switch {
	case rt.session, rt.account:
		op["security"] = []any{session}
	case rt.write, rt.right != "":
		op["security"] = []any{token, session}
	}
	responses := map[string]any{"default": responseObject(problemAnswer(http.StatusInternalServerError))}
	for _, a := range rt.answers {
		responses[strconv.Itoa(a.status)] = responseObject(a)
	}
	op["responses"] = responses
	return op
}

func responseObject(a answer) map[string]any {
	out := map[string]any{"description": a.text}
	if a.mediaType != "" {
		media := map[string]any{}
		if a.schema != nil {
			media["schema"] = a.schema
		}
		out["content"] = map[string]any{a.mediaType: media}
	}
	return out
}

// describeAPI answers /openapi.json.
func (r *request) describeAPI() error { return r.send(http.StatusOK, typeOpenAPI, r.s.openapi) }
