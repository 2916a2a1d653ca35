package catalog

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"nagar/geo"
)

func trees() Collection {
	return Collection{Name: "trees", Geometry: GeometryPoint, Owner: "Gardens", Class: ClassInternal, Fields: []Field{
		{Name: "species", Type: TypeText, Class: ClassPublic},
		{Name: "height_m", Type: TypeReal, Unit: "m", Class: ClassPublic},
		{Name: "planted_by", Type: TypeText, Class: ClassPersonal},
	}}
}

// wantInvalid asserts that err is *Invalid at the path.
func wantInvalid(t *testing.T, what string, err error, path string) {
	t.Helper()
	var inv *Invalid
	if !errors.As(err, &inv) || inv.Path != path || inv.Reason == "" {
		t.Errorf("%s: want *Invalid at %q, got %v", what, path, err)
	}
}

func TestValidate(t *testing.T) {
	good := trees()
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, ok := range map[string]bool{
		"trees": true, "a": true, "a1_b": true, strings.Repeat("a", 48): true,
		"": false, "Trees": false, "1a": false, "_a": false, "a-b": false, "a b": false, "नगर": false, strings.Repeat("a", 49): false, "a\n": false,
		"nagar_x": false, "gpkg_contents": false, "rtree_x": false, "sqlite_x": false, "pg_class": false, "nagar": true, "pgx": true,
	} {
		c := trees()
		c.Name = name
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("name %q: %v", name, err)
		} else if !ok {
			wantInvalid(t, name, err, "name")
		}
	}
	for name, ok := range map[string]bool{"ward no.": true, "प्रभाग": true, `"; drop`: true, strings.Repeat("x", 200): true,
		"": false, strings.Repeat("x", 201): false, "a\x00": false, "a\nb": false, "\xff": false, "species": false} {
		c := trees()
		c.Fields = append(c.Fields, Field{Name: name, Type: TypeText})
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("field %q: %v", name, err)
		} else if !ok {
			wantInvalid(t, name, err, "fields[3].name")
		}
	}
	c := trees()
	c.Geometry = "circle"
	wantInvalid(t, "geometry", c.Validate(), "geometry")
	c = trees()
	c.Fields[1].Type = "float"
	wantInvalid(t, "type", c.Validate(), "fields[1].type")
	c = trees()
	for len(c.Fields) <= 1000 {
		c.Fields = append(c.Fields, Field{Name: "f" + strings.Repeat("x", len(c.Fields)%190) + string(rune('a'+len(c.Fields)/190)), Type: TypeText})
	}
	wantInvalid(t, "fields", c.Validate(), "fields")
}

func TestAlter(t *testing.T) {
	old := trees()
	kept := trees()
	next := Collection{Name: "trees", Geometry: GeometryAny, Owner: "Parks", Title: Words{"en": "Trees"}, Fields: []Field{
		{Name: "girth_cm", Type: TypeInteger},
		{Name: "species", Type: TypeText, Class: ClassRestricted, Title: Words{"mr": "जात"}},
	}}
	got, err := old.Alter(next)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, f := range got.Fields {
		names += f.Name + " "
	}
	if names != "species height_m planted_by girth_cm " || got.Owner != "Parks" || got.Geometry != GeometryAny || got.Fields[0].Class != ClassRestricted || got.Fields[0].Title["mr"] != "जात" || got.Fields[2].Class != ClassPersonal {
		t.Errorf("%+v", got)
	}
	if !reflect.DeepEqual(old, kept) {
		t.Errorf("Alter changed what it altered: %+v", old)
	}
	same, err := old.Alter(trees())
	if err != nil || !reflect.DeepEqual(same, old) {
		t.Errorf("altered to itself: %+v, %v", same, err)
	}
	bad := trees()
	bad.Fields[1].Type = TypeInteger
	_, err = old.Alter(bad)
	wantInvalid(t, "another type", err, "fields.height_m")
	bad = trees()
	bad.Geometry = GeometryPolygon
	_, err = old.Alter(bad)
	wantInvalid(t, "another geometry", err, "geometry")
	any := trees()
	any.Geometry = GeometryAny
	_, err = any.Alter(old)
	wantInvalid(t, "a narrower geometry", err, "geometry")
	bad = trees()
	bad.Name = "Trees"
	_, err = old.Alter(bad)
	wantInvalid(t, "a bad name", err, "name")
}

func TestGeometryKindTakes(t *testing.T) {
	takes := map[GeometryKind][]geo.Type{
		GeometryPoint:   {geo.Point, geo.MultiPoint},
		GeometryLine:    {geo.LineString, geo.MultiLineString},
		GeometryPolygon: {geo.Polygon, geo.MultiPolygon},
		GeometryAny:     {geo.Point, geo.LineString, geo.Polygon, geo.MultiPoint, geo.MultiLineString, geo.MultiPolygon, geo.GeometryCollection},
		GeometryNone:    {},
	}
	for kind, types := range takes {
		for typ := geo.Point; typ <= geo.GeometryCollection; typ++ {
			want := false
			for _, x := range types {
				want = want || x == typ
			}
			if kind.Takes(typ) != want {
				t.Errorf("%s takes %s: %v", kind, typ, !want)
			}
		}
	}
}

func TestClassText(t *testing.T) {
	for i, name := range []string{"public", "internal", "restricted", "personal"} {
		b, err := json.Marshal(Class(i))
		if err != nil || string(b) != `"`+name+`"` || Class(i).String() != name {
			t.Errorf("%d: %s, %v", i, b, err)
		}
		var c Class
		if err := json.Unmarshal(b, &c); err != nil || c != Class(i) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	var c Class
	if err := json.Unmarshal([]byte(`"secret"`), &c); err == nil {
		t.Error("an unknown class is read")
	}
}

func TestWords(t *testing.T) {
	w := Words{"en": "ward", "mr": "प्रभाग"}
	for lang, want := range map[string]string{"mr": "प्रभाग", "hi": "ward", "": "ward"} {
		if got := w.In(lang); got != want {
			t.Errorf("in %q: %q", lang, got)
		}
	}
	if got := (Words{"mr": "प्रभाग"}).In("hi"); got != "प्रभाग" {
		t.Errorf("in any: %q", got)
	}
	if got := (Words)(nil).In("en"); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
