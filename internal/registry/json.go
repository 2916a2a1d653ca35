package registry

import (
	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/geojson"
)

// Geometry is a geometry that is written as GeoJSON, exactly.
type Geometry struct{ *geo.Geometry }

// MarshalJSON writes GeoJSON, null for none.
func (g Geometry) MarshalJSON() ([]byte, error) {
	if g.Geometry == nil {
		return []byte("null"), nil
	}
	return geojson.AppendGeometry(nil, g.Geometry), nil
}

// Values are properties that are written as one JSON object, in their order.
type Values catalog.Properties

// MarshalJSON writes the object.
func (v Values) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, p := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = catalog.AppendJSONString(b, p.Name)
		b = p.Value.AppendJSON(append(b, ':'))
	}
	return append(b, '}'), nil
}
