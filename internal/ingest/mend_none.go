//go:build !cgo || nogeos

package ingest

import (
	"errors"

	"nagar/geo"
)

type mender struct{}

var errNoGEOS = errors.New("this build has no GEOS: --repair needs an importer built with cgo and libgeos")

func newMender() (*mender, error) { return nil, errNoGEOS }

func (m *mender) mend(*geo.Geometry) (geo.Geometry, error) { return geo.Geometry{}, errNoGEOS }
