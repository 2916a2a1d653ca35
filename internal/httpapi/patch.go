package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"nagar/catalog"
	"nagar/geo/geojson"
)

// patched is the feature with the patch merged into it. What the patch does not
// name stays as it is stored, to the last bit.
func patched(have *catalog.Feature, c *catalog.Collection, patch []byte) (catalog.Feature, error) {
	p, err := decodeAny(patch)
	if err != nil {
		return catalog.Feature{}, newProblem(http.StatusBadRequest, "invalid-body", "body", "The body is not JSON: "+jsonReason(err))
	}
	changes, ok := p.(map[string]any)
	if !ok {
		return catalog.Feature{}, newProblem(http.StatusBadRequest, "invalid-body", "body", "Want a JSON object as patch.")
	}
	doc := catalog.AppendJSONString([]byte(`{"type":"Feature","id":`), have.ID)
	_, moves := changes["geometry"]
	if moves {
		doc = geojson.AppendGeometry(append(doc, `,"geometry":`...), &have.Geometry)
	}
	doc = appendProperties(append(doc, `,"properties":`...), have.Props)
	if !have.ValidTo.IsZero() {
		doc = appendTime(append(doc, `,"valid_to":`...), have.ValidTo)
	}
	target, err := decodeAny(append(doc, '}'))
	if err != nil {
		return catalog.Feature{}, fmt.Errorf("read back %s/%s: %w", c.Name, have.ID, err)
	}
	merged, err := json.Marshal(mergePatch(target, changes))
	if err != nil {
		return catalog.Feature{}, fmt.Errorf("merge into %s/%s: %w", c.Name, have.ID, err)
	}
	f, err := decodeFeature(merged, c)
	if err != nil {
		return f, err
	}
	if !moves {
		f.Geometry = have.Geometry
	}
	named, all := changes["properties"].(map[string]any)
	if _, given := changes["properties"]; given && !all {
		return f, nil // properties are replaced or removed as a whole
	}
	for i := range f.Props {
		if _, touched := named[f.Props[i].Name]; !touched {
			f.Props[i].Value = have.Props.Get(f.Props[i].Name)
		}
	}
	return f, nil
}

// decodeAny reads JSON with its numbers as they are written.
func decodeAny(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// mergePatch is the algorithm of RFC 7396 section 2.
func mergePatch(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for name, v := range p {
		if v == nil {
			delete(t, name)
			continue
		}
		t[name] = mergePatch(t[name], v)
	}
	return t
}
