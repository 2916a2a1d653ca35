package ingest

import (
	"strings"

	"nagar/internal/format"
	"nagar/internal/format/crs"
)

// newTransformer brings positions in the named CRS to lon/lat WGS 84; nil when they
// are that already. note is what the user should know of its accuracy.
func newTransformer(name string, probe [2]float64) (t transformer, note string, err error) {
	if strings.TrimSpace(name) == "" {
		return nil, "", nil
	}
	tr, err := crs.New(name, crs.Options{Probe: probe})
	if err != nil || tr == nil {
		return nil, "", err
	}
	return tr, tr.Note(), nil
}

// probe is the first position of the file: all workers choose their transformation
// by it, so that equal files give equal coordinates.
func (s *source) probe() (at [2]float64) {
	dec, err := s.open()
	if err != nil {
		return at
	}
	defer dec.Close()
	chunk, err := dec.Read()
	if err != nil {
		return at
	}
	defer chunk.Release()
	var r format.Record
	for i := range chunk.Len() {
		chunk.Decode(i, &r)
		g := &r.Geometry
		for len(g.Coords) == 0 && len(g.Geoms) > 0 {
			g = &g.Geoms[0]
		}
		if r.Err == nil && len(g.Coords) >= 2 {
			return [2]float64{g.Coords[0], g.Coords[1]}
		}
	}
	return at
}
