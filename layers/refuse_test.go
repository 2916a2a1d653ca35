package layers

import (
	"context"
	"errors"
	"math"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

func TestBadInputIsRefused(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	e := start(t, src, Options{})
	ctx := context.Background()
	line := geo.NewLineString([]float64{0, 0, 1, 1})
	wild := geo.NewPolygon([]float64{0, 0, 1, 0, math.NaN(), 1, 0, 0})
	for i, f := range []func() error{
		func() error { _, err := e.Tile(ctx, TileRequest{View: catalog.Public}); return err },
		func() error {
			_, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, Tile: geo.Tile{Z: 99}, View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, Tile: geo.Tile{Z: 2, X: 4}, View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings", "buildings"}, View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, View: catalog.Public, Filter: "height_m >"})
			return err
		},
		func() error {
			_, err := e.Tile(ctx, TileRequest{Collections: []string{"buildings"}, View: catalog.Public, Filter: "owner = 'x'"})
			return err
		},
		func() error {
			_, err := e.Near(ctx, NearRequest{Collection: "buildings", Lon: 181, View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Near(ctx, NearRequest{Collection: "buildings", Lat: math.NaN(), View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Near(ctx, NearRequest{Collection: "buildings", Limit: 1e9, View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Near(ctx, NearRequest{Collection: "buildings", Limit: -1, View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Near(ctx, NearRequest{Collection: "buildings", After: "nonsense", View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Within(ctx, WithinRequest{Collection: "buildings", View: catalog.Public})
			return err
		},
		func() error {
			_, err := e.Within(ctx, WithinRequest{Collection: "buildings", View: catalog.Public, Box: &geo.Box{W: 179, S: 0, E: -179, N: 1}})
			return err
		},
		func() error {
			_, err := e.Within(ctx, WithinRequest{Collection: "buildings", View: catalog.Public, Box: &geo.Box{W: 0, S: 2, E: 1, N: 1}})
			return err
		},
		func() error {
			_, err := e.Within(ctx, WithinRequest{Collection: "buildings", View: catalog.Public, Box: &geo.Box{W: 0, S: 0, E: 1, N: 91}})
			return err
		},
		func() error {
			_, err := e.Within(ctx, WithinRequest{Collection: "buildings", View: catalog.Public, Polygon: &line})
			return err
		},
		func() error {
			_, err := e.Within(ctx, WithinRequest{Collection: "buildings", View: catalog.Public, Polygon: &wild})
			return err
		},
		func() error { _, err := e.AtPoint(ctx, AtRequest{Lon: math.Inf(1), View: catalog.Public}); return err },
	} {
		var invalid *catalog.Invalid
		if err := f(); !errors.As(err, &invalid) || invalid.Path == "" {
			t.Errorf("case %d: %v", i, err)
		}
	}
	for i, f := range []func() error{
		func() error {
			_, err := e.Near(ctx, NearRequest{Collection: "nothing", View: catalog.Public})
			return err
		},
		func() error { _, err := e.Near(ctx, NearRequest{Collection: "buildings"}); return err }, // no view at all
		func() error {
			_, err := e.AtPoint(ctx, AtRequest{Collections: []string{"nothing"}, View: catalog.Public})
			return err
		},
	} {
		if err := f(); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("case %d: %v", i, err)
		}
	}
}
