package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/geojson"
)

// featureDoc is a GeoJSON feature as it is written to us. The times bound when it
// is true in the city; everything else that GET adds is ignored.
type featureDoc struct {
	Type       string                     `json:"type"`
	ID         json.RawMessage            `json:"id"`
	Geometry   json.RawMessage            `json:"geometry"`
	Properties map[string]json.RawMessage `json:"properties"`
	ValidFrom  *string                    `json:"valid_from"`
	ValidTo    *string                    `json:"valid_to"`
}

// decodeFeature reads a feature for the collection. Everything that is wrong with
// its content is listed in one 422; a body that is no JSON is a 400.
func decodeFeature(body []byte, c *catalog.Collection) (catalog.Feature, error) {
	var f catalog.Feature
	var doc featureDoc
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&doc); err != nil {
		return f, newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is not a GeoJSON feature: "+jsonReason(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return f, newProblem(http.StatusBadRequest, "invalid-body", "body", "There is more after the feature.")
	}
	if doc.Type != "" && doc.Type != "Feature" {
		return f, rejected(placeError{"type", fmt.Sprintf("want Feature, got %q", clip(doc.Type))})
	}
	var wrong []placeError
	note := func(path, reason string) {
		if len(wrong) < 100 {
			wrong = append(wrong, placeError{path, reason})
		}
	}
	if len(doc.ID) > 0 && string(doc.ID) != "null" {
		id, ok := geojson.IDText(doc.ID)
		if !ok || doc.ID[0] != '"' && (doc.ID[0] < '0' || doc.ID[0] > '9') && doc.ID[0] != '-' {
			note("id", "an id is a text or a number")
		}
		f.ID = id
	}
	f.Geometry = decodeGeometry(doc.Geometry, note)
	f.Props = decodeProperties(doc.Properties, c, note)
	f.ValidFrom = decodeTime("valid_from", doc.ValidFrom, note)
	f.ValidTo = decodeTime("valid_to", doc.ValidTo, note)
	if len(wrong) > 0 {
		return f, rejected(wrong...)
	}
	return f, nil
}

func decodeGeometry(raw json.RawMessage, note func(path, reason string)) geo.Geometry {
	if len(raw) == 0 || string(raw) == "null" {
		return geo.Geometry{}
	}
	g, _, err := geojson.DecodeGeometry(raw)
	if err != nil {
		var at *geojson.Error
		if errors.As(err, &at) {
			note(strings.TrimSuffix("geometry."+at.Path, "."), at.Reason)
		} else {
			note("geometry", err.Error())
		}
		return g
	}
	g, _ = geo.Clean(&g)
	if err := geo.Validate(&g); err != nil {
		note("geometry", err.Error())
	}
	return g
}

func decodeTime(name string, s *string, note func(path, reason string)) time.Time {
	if s == nil || *s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, *s)
	if err != nil {
		if t, err = time.Parse(time.DateOnly, *s); err != nil {
			note(name, fmt.Sprintf("want an RFC 3339 time or a date, got %q", clip(*s)))
			return time.Time{}
		}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// decodeProperties reads the values by the collection's schema, in its order.
func decodeProperties(in map[string]json.RawMessage, c *catalog.Collection, note func(path, reason string)) catalog.Properties {
	out := make(catalog.Properties, 0, len(in))
	seen := 0
	for i := range c.Fields {
		fd := &c.Fields[i]
		raw, ok := in[fd.Name]
		if !ok {
			continue
		}
		seen++
		v, err := decodeValue(raw, fd.Type)
		if err != nil {
			note("properties."+fd.Name, err.Error())
			continue
		}
		out = append(out, catalog.Property{Name: fd.Name, Value: v})
	}
	if seen == len(in) {
		return out
	}
	for _, name := range sortedKeys(in) {
		if _, ok := c.Field(name); !ok {
			note("properties."+clip(name), fmt.Sprintf("%s has no field of this name", c.Name))
		}
	}
	return out
}

// decodeValue reads one JSON value as the type, and never bends it: 1.0 is an
// integer, "1" is not.
func decodeValue(raw json.RawMessage, t catalog.FieldType) (catalog.Value, error) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		return catalog.Null, nil
	}
	wrong := func() (catalog.Value, error) {
		return catalog.Null, fmt.Errorf("want %s, got %s", t, clip(string(raw)))
	}
	text, isText := "", false
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return wrong()
		}
		isText = true
	}
	isNumber := raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	switch {
	case t == catalog.TypeJSON:
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return wrong()
		}
		return catalog.JSON(b.String()), nil
	case t == catalog.TypeText && isText:
		return catalog.Text(text), nil
	case t == catalog.TypeBoolean && (string(raw) == "true" || string(raw) == "false"):
		return catalog.Boolean(raw[0] == 't'), nil
	case t == catalog.TypeInteger && isNumber:
		if n, ok := exactInteger(string(raw)); ok {
			return catalog.Integer(n), nil
		}
	case t == catalog.TypeReal && isNumber:
		var f float64
		if err := json.Unmarshal(raw, &f); err == nil && !math.IsInf(f, 0) {
			return catalog.Real(f), nil
		}
	case t == catalog.TypeTime && isText:
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return catalog.Time(at), nil
		}
	case t == catalog.TypeDate && isText:
		if at, err := time.Parse(time.DateOnly, text); err == nil {
			return catalog.Date(at), nil
		}
	}
	return wrong()
}

// exactInteger reads a JSON number that is a whole number of 64 bits.
func exactInteger(s string) (int64, bool) {
	if len(s) > 40 {
		return 0, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 4 { // 1e999999999 would be a very large number
		return 0, false
	}
	q, ok := new(big.Rat).SetString(s)
	if !ok || !q.IsInt() || !q.Num().IsInt64() {
		return 0, false
	}
	return q.Num().Int64(), true
}
