package registry

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/catalog/uid"
	"nagar/geo"
)

// town is a small city in a real store, for the tests.
type town struct {
	*testing.T
	ctx   context.Context
	store catalog.Store
	r     *Registry
}

// eachStore runs a test on a GeoPackage and on PostGIS.
func eachStore(t *testing.T, test func(*town)) {
	stores := map[string]func(t *testing.T) (catalog.Store, error){
		"gpkg": func(t *testing.T) (catalog.Store, error) {
			return gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"))
		},
		"postgis": func(t *testing.T) (catalog.Store, error) { return postgis.Open(t.Context(), pgtest.Start(t)) },
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			store, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			c := &town{T: t, ctx: context.Background(), store: store, r: New(store, nil)}
			t.Cleanup(func() {
				c.sound()
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			for _, std := range catalog.Standard() {
				switch std.Name {
				case Buildings, Structures, Events, Aliases, Units, Leases, "sensors":
					c.define(std)
				}
			}
			test(c)
		})
	}
}

// sound holds that the store breaks none of its own rules, whatever was done.
func (c *town) sound() {
	if err := c.store.Check(c.ctx, func(p catalog.Problem) error {
		c.Errorf("check: %s/%s: %s", p.Collection, p.ID, p.Reason)
		return nil
	}); err != nil {
		c.Error(err)
	}
}

func (c *town) define(d catalog.Collection) {
	c.Helper()
	if _, err := c.store.Define(c.ctx, d); err != nil {
		c.Fatal(err)
	}
}

// put writes a feature, with properties by name and value, true since a year (0:
// since ever).
func (c *town) put(collection, id string, year int, g geo.Geometry, props ...any) catalog.Rev {
	c.Helper()
	f := catalog.Feature{ID: id, Geometry: g, Props: values(props...)}
	if year != 0 {
		f.ValidFrom = at(year)
	}
	return c.apply(catalog.Op{Kind: catalog.Put, Collection: collection, Feature: f})
}

func (c *town) apply(ops ...catalog.Op) catalog.Rev {
	c.Helper()
	done, err := c.store.Apply(c.ctx, catalog.Batch{Author: "test", Ops: catalog.Ops(ops...)})
	if err != nil {
		c.Fatal(err)
	}
	return done.Rev
}

func values(props ...any) (out catalog.Properties) {
	for i := 0; i < len(props); i += 2 {
		p := catalog.Property{Name: props[i].(string)}
		switch v := props[i+1].(type) {
		case string:
			p.Value = catalog.Text(v)
		case int:
			p.Value = catalog.Integer(int64(v))
		case float64:
			p.Value = catalog.Real(v)
		case time.Time:
			p.Value = catalog.Date(v)
		case catalog.Value:
			p.Value = v
		}
		out = append(out, p)
	}
	return out
}

func at(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }

// today is the city's now in the tests.
var today = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// nth is the n-th UID of the tests.
func nth(n int) string { return uid.FromBits(uint64(7919*n + 1)).String() }

// square is a footprint: 0.0002 degrees wide, the n-th of a row.
func square(n int) geo.Geometry {
	w, s := 72.85+0.001*float64(n), 19.05
	return geo.NewPolygon([]float64{w, s, w + 0.0002, s, w + 0.0002, s + 0.0002, w, s + 0.0002, w, s})
}

// departments defines two record types, one of them of certificates and restricted.
func (c *town) departments() {
	c.define(catalog.Collection{Name: "property_tax", Owner: "Assessment", Class: catalog.ClassInternal, Geometry: catalog.GeometryNone, Title: catalog.Words{"en": "Property tax"}, Fields: []catalog.Field{
		{Name: "uid", Type: catalog.TypeText, Link: Structures, Class: catalog.ClassInternal},
		{Name: "account", Type: catalog.TypeText, Class: catalog.ClassInternal},
		{Name: "owner_name", Type: catalog.TypeText, Class: catalog.ClassPersonal},
	}})
	c.define(catalog.Collection{Name: "fire_noc", Owner: "Fire Brigade", Class: catalog.ClassRestricted, Geometry: catalog.GeometryNone, Title: catalog.Words{"en": "Fire NOC"}, Fields: []catalog.Field{
		{Name: "structure", Type: catalog.TypeText, Link: Structures}, {Name: "issued", Type: catalog.TypeDate}, {Name: "expires", Type: catalog.TypeDate},
	}})
}

func (c *town) structure(id string, when catalog.At, view catalog.View) *Structure {
	c.Helper()
	s, err := c.r.Structure(c.ctx, id, when, view, today)
	if err != nil {
		c.Fatalf("structure %s at %v: %v", id, when, err)
	}
	return s
}

// fact is the text of a fact of a structure, "" when it is not known.
func (s *Structure) fact(name string) string {
	for _, f := range s.Facts {
		if f.Name == name {
			return fmt.Sprintf("%s (%s/%s)", f.Value, f.Collection, f.ID)
		}
	}
	return ""
}
