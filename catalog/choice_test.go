package catalog

import (
	"errors"
	"testing"
)

// TestCheckEntry judges what is written by hand, and only what changes.
func TestCheckEntry(t *testing.T) {
	c := Collection{Name: "lamps", Geometry: GeometryPoint, Fields: []Field{
		{Name: "kind", Type: TypeText, Required: true, Values: []Choice{{Value: "led"}, {Value: "sodium"}}},
		{Name: "note", Type: TypeText},
	}}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	f := func(kind, note string) *Feature {
		out := &Feature{}
		for _, p := range [][2]string{{"kind", kind}, {"note", note}} {
			if p[1] != "" {
				out.Props = append(out.Props, Property{Name: p[0], Value: Text(p[1])})
			}
		}
		return out
	}
	for _, tt := range []struct {
		next, have *Feature
		path       string
	}{
		{f("led", "x"), nil, ""}, {f("", "x"), nil, "properties.kind"}, {f("gas", ""), nil, "properties.kind"},
		{f("gas", "new"), f("gas", "old"), ""}, {f("", "new"), f("", "old"), ""}, {f("", ""), f("led", ""), "properties.kind"}, {f("oil", ""), f("gas", ""), "properties.kind"},
	} {
		err := c.CheckEntry(tt.next, tt.have)
		var no *Invalid
		if (err == nil) != (tt.path == "") || err != nil && (!errors.As(err, &no) || no.Path != tt.path) {
			t.Errorf("%v over %v: %v, want %q", tt.next, tt.have, err, tt.path)
		}
	}
	for _, bad := range []Field{{Name: "n", Type: TypeInteger, Values: []Choice{{Value: "1"}}}, {Name: "n", Type: TypeText, Values: []Choice{{Value: "a"}, {Value: "a"}}}, {Name: "n", Type: TypeText, Values: []Choice{{}}}} {
		if err := (&Collection{Name: "x", Geometry: GeometryNone, Fields: []Field{bad}}).Validate(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
