package httpapi

import (
	"net/http"

	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/geo/geojson"
	"nagar/layers"
)

// place is where a query looks, as it was asked for: a box, a polygon, around a
// geometry, or, where all are nil, everywhere.
type place struct {
	box             *geo.Box
	polygon, around *geo.Geometry
	distance        float64 // metres to around
}

// place reads bbox, geometry (WKT) and distance, or the body of a POST.
func (r *request) place() (p place, err error) {
	if p.box, err = r.bbox("bbox"); err != nil {
		return p, err
	}
	text, err := r.text("geometry", cql2.MaxText)
	if err != nil {
		return p, err
	}
	metres, err := r.text("distance", maxCursor)
	if err != nil {
		return p, err
	}
	if metres != "" {
		if p.distance, err = number("distance", metres, 0, layers.MaxDistance); err != nil {
			return p, err
		}
	}
	var g *geo.Geometry
	switch post := r.Request().Method == http.MethodPost; {
	case post && p.box != nil:
		return p, badParam("bbox", "a POST asks with the geometry in its body; leave bbox out")
	case post && text != "":
		return p, badParam("geometry", "a POST asks with the geometry in its body; leave this out")
	case post:
		g, err = r.geometry()
	case text != "" && p.box != nil:
		return p, badParam("geometry", "give bbox or geometry, not both")
	case text != "":
		g, err = geometryOf(text)
	case metres != "":
		return p, badParam("distance", "it is the distance to a geometry; give one, as WKT or as the body of a POST")
	}
	if err != nil || g == nil {
		return p, err
	}
	return p.of(g, metres != "", text == "")
}

// of takes a geometry that was read, with a distance or without.
func (p place) of(g *geo.Geometry, far, inBody bool) (place, error) {
	area := g.Type == geo.Polygon || g.Type == geo.MultiPolygon
	switch {
	case far:
		p.around = g
	case area:
		p.polygon = g
	case !inBody:
		return p, badParam("distance", "it is needed for a %s, in metres", g.Type)
	default:
		return p, newProblem(http.StatusBadRequest, "invalid-body", "body", "Want a GeoJSON Polygon or MultiPolygon, bare or as a Feature, or a distance to a "+g.Type.String()+" (distance=METRES).")
	}
	return p, nil
}

// geometryOf reads a parameter's WKT.
func geometryOf(text string) (*geo.Geometry, error) {
	g, err := cql2.ParseGeometry(text)
	if err != nil {
		return nil, err
	}
	g, _ = geo.Clean(&g)
	if err := geo.Validate(&g); err != nil {
		return nil, badParam("geometry", "it is not valid: %v", err)
	}
	return &g, nil
}

// geometry reads the body: a GeoJSON geometry, bare or as a Feature.
func (r *request) geometry() (*geo.Geometry, error) {
	body, err := r.body("application/geo+json", "application/json")
	if err != nil {
		return nil, err
	}
	f, err := geojson.DecodeFeature(body)
	if err != nil {
		return nil, bodyError(err)
	}
	g := f.Geometry
	if g.Type == geo.None || g.IsEmpty() {
		return nil, newProblem(http.StatusBadRequest, "invalid-body", "body", "The body has no geometry.")
	}
	g, _ = geo.Clean(&g)
	if err := geo.Validate(&g); err != nil {
		return nil, newProblem(http.StatusBadRequest, "invalid-body", "body", "The geometry is not valid: "+err.Error()+".")
	}
	return &g, nil
}
