//go:build !cgo || noproj

package crs

import "fmt"

func newProj(name string, _ Options) (*Transformer, error) {
	if len(name) > 60 {
		name = name[:60] + "…"
	}
	return nil, fmt.Errorf("coordinate reference system %s: this build has no PROJ and reads EPSG:4326, EPSG:3857 and CRS84 only; use an importer built with cgo and libproj", name)
}
