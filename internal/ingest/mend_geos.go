//go:build cgo && !nogeos

package ingest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twpayne/go-geos"

	"nagar/geo"
)

// mender mends invalid polygons with GEOS. One goroutine uses it.
type mender struct{ ctx *geos.Context }

func newMender() (*mender, error) { return &mender{geos.NewContext()}, nil }

// mend returns a valid geometry that covers what g was meant to: GEOS MakeValid by
// its structure method, which keeps what rings say is inside and drops what has
// no area. Positions that mending made get their Z from GEOS, or none.
func (m *mender) mend(g *geo.Geometry) (out geo.Geometry, err error) {
	defer func() { // go-geos panics on what GEOS throws
		if r := recover(); r != nil {
			err = errors.New("GEOS: " + strings.TrimSpace(fmt.Sprint(r)))
		}
	}()
	in, err := m.ctx.NewGeomFromWKB(geo.AppendWKB(nil, g, geo.ISO))
	if err != nil {
		return geo.Geometry{}, errors.New("GEOS: " + strings.TrimSpace(err.Error()))
	}
	valid := in.MakeValidWithParams(geos.MakeValidStructure, geos.MakeValidDiscardCollapsed)
	out, err = geo.DecodeWKB(valid.ToWKB())
	if err != nil {
		return geo.Geometry{}, fmt.Errorf("GEOS: %w", err)
	}
	if out.IsEmpty() {
		return geo.Geometry{}, fmt.Errorf("nothing is left of it when mended")
	}
	return out, nil
}
