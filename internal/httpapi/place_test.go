package httpapi

import (
	"net/url"
	"testing"

	"nagar/geo"
	"nagar/layers"
)

// TestWhereAQueryLooks asks with every way of saying where, and looks at what the
// engine is asked.
func TestWhereAQueryLooks(t *testing.T) {
	fx := newFixture(t)
	const line = `{"type":"LineString","coordinates":[[72,18],[73,20]]}`
	for _, c := range []struct {
		method, query, body string
		box, polygon        bool
		around              geo.Type
		metres              float64
	}{
		{"GET", "&bbox=72,18,73,20", "", true, false, geo.None, 0},
		{"GET", "&geometry=" + url.QueryEscape("POLYGON((72 18,73 18,73 20,72 18))"), "", false, true, geo.None, 0},
		{"GET", "&distance=12.5&geometry=" + url.QueryEscape("LINESTRING Z (72 18 5,73 20 6)"), "", false, false, geo.LineString, 12.5},
		{"GET", "&distance=0&geometry=" + url.QueryEscape("POLYGON((72 18,73 18,73 20,72 18))"), "", false, false, geo.Polygon, 0},
		{"GET", "&distance=5&geometry=" + url.QueryEscape("GEOMETRYCOLLECTION(POINT(72 18),LINESTRING(72 18,73 20))"), "", false, false, geo.GeometryCollection, 5},
		{"POST", "&distance=50", line, false, false, geo.LineString, 50},
		{"POST", "&distance=50", `{"type":"Feature","properties":{},"geometry":` + line + `}`, false, false, geo.LineString, 50},
	} {
		for _, path := range []string{"/api/within", "/api/count"} {
			parts := []string{}
			if c.body != "" {
				parts = append(parts, "body="+c.body)
			}
			wantStatus(t, fx.call(c.method, path+"?collection=wards"+c.query, parts...), 200)
			var box *geo.Box
			var polygon, around *geo.Geometry
			var metres float64
			switch got := fx.engine.asked[len(fx.engine.asked)-1].(type) {
			case layers.WithinRequest:
				box, polygon, around, metres = got.Box, got.Polygon, got.Around, got.Distance
			case layers.CountRequest:
				box, polygon, around, metres = got.Box, got.Polygon, got.Around, got.Distance
			}
			kind := geo.None
			if around != nil {
				kind = around.Type
			}
			if (box != nil) != c.box || (polygon != nil) != c.polygon || kind != c.around || metres != c.metres {
				t.Errorf("%s%s %s: asked with box %v, polygon %v, around %v, %v m", path, c.query, c.body, box, polygon, around, metres)
			}
		}
	}
}

// TestNumbersAreTold looks at an answer to a count, its groups, and what it says of
// those that it does not tell.
func TestNumbersAreTold(t *testing.T) {
	fx := newFixture(t)
	if got, want := text(t, fx.get("/api/count?collection=wards")), `{"collection":"wards","count":2}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	got := text(t, fx.get("/api/count?by=name&collection=wards&limit=2&filter=x&bbox=72,18,73,20"))
	want := `{"collection":"wards","count":2,"numberReturned":2,"groups":[{"value":"F/N","count":9},{"value":null,"count":7}],` +
		`"links":[{"rel":"next","type":"application/json","title":"the next page","href":"http://example.com/api/count?by=name\u0026collection=wards\u0026limit=2\u0026filter=x\u0026bbox=72,18,73,20\u0026after=more"}],` +
		`"withheld":{"below":5,"groups":2,"count":8}}`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if r := fx.engine.asked[len(fx.engine.asked)-1].(layers.CountRequest); r.By != "name" || r.Limit != 2 || r.Filter != "x" || r.Box == nil {
		t.Errorf("asked %+v", r)
	}
	if got, want := text(t, fx.get("/api/count?collection=wards&known=0")), `{"collection":"wards","count":0}`; got != want {
		t.Errorf("before all records: %s", got)
	}
}
