package httpapi

import (
	"encoding/json"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/digipin"
	"nagar/geo/pluscode"
	"nagar/internal/registry"
	"nagar/layers"
)

// placeCode is a cell that somebody named by a code of its place.
type placeCode struct {
	scheme, text string // as it is written
	cell         geo.Box
}

// readCode reads a DIGIPIN or a Plus Code. A short Plus Code means the nearest one
// to a position (lon, lat degrees); the name of a place after it does not count.
// Part of a DIGIPIN, a larger cell, is only taken where the scheme says that it is one.
func readCode(text, scheme string, near [2]float64) (placeCode, bool) {
	if scheme == "" || scheme == registry.SchemeDigipin {
		s, err := digipin.Parse(text)
		if err == nil && (len(s) == digipin.Length || scheme != "") {
			if whole, err := digipin.Format(s); err == nil {
				s = whole
			}
			cell, err := digipin.Decode(s)
			return placeCode{registry.SchemeDigipin, s, cell}, err == nil
		}
	}
	if scheme == "" || scheme == registry.SchemePlusCode {
		first, _, _ := strings.Cut(text, " ")
		full, err := pluscode.Recover(strings.TrimSuffix(first, ","), near[0], near[1])
		if err != nil {
			return placeCode{}, false
		}
		cell, err := pluscode.Decode(full)
		return placeCode{registry.SchemePlusCode, full, cell}, err == nil
	}
	return placeCode{}, false
}

func (p *placeCode) centre() (lon, lat float64) {
	return (p.cell.W + p.cell.E) / 2, (p.cell.S + p.cell.N) / 2
}

// spot is where the structures of the cell are looked for: as far as its corners,
// and never less than what positions get.
func (p *placeCode) spot() spot {
	lon, lat := p.centre()
	return spot{lon, lat, max(nearStructure, geo.Distance(lon, lat, p.cell.E, p.cell.N)), p.scheme}
}

// atPlace reports whether a match was made by where the structure stands.
func atPlace(match string) bool {
	return match == matchPlace || match == registry.SchemeDigipin || match == registry.SchemePlusCode
}

// atCode is the most structures that a search for a code shows.
const atCode = 5

// searchCode answers a search for the code of a place in the city: the place itself,
// then the buildings there. nil when the text is no such code.
func (r *request) searchCode(q SearchQuery) (*layers.Answer, error) {
	near := r.s.cfg.Profile.Center
	if q.Near != nil {
		near = *q.Near
	}
	code, ok := readCode(q.Text, "", near)
	if !ok || q.Offset > 0 {
		return nil, nil //nolint:nilnil // no answer is no error
	}
	where := code.spot()
	if b := r.s.cfg.Profile.Bounds; !b.Contains(where.lon, where.lat) {
		return nil, nil //nolint:nilnil // ten digits may be a telephone's
	}
	here := SearchHit{Title: code.text, Lon: where.lon, Lat: where.lat, Box: code.cell, Score: 1,
		Props: catalog.Properties{{Name: "scheme", Value: catalog.Text(code.scheme)}}}
	out := &layers.Answer{Count: 1, Rev: r.s.cfg.Engine.Rev()}
	b := appendHits(nil, []SearchHit{here})
	b = b[:len(b)-1]
	info, ok := r.collection(registry.Buildings)
	if ok {
		a, err := r.s.cfg.Engine.Near(r.Request().Context(), layers.NearRequest{
			Collection: info.Name, Lon: where.lon, Lat: where.lat, Limit: min(q.Limit, atCode), View: r.view})
		if err != nil {
			return nil, err
		}
		defer a.Release()
		var all []json.RawMessage
		if err := json.Unmarshal(a.Features, &all); err != nil {
			return nil, err
		}
		for _, f := range all {
			var at struct {
				Properties struct {
					Distance float64 `json:"distance_m"`
				} `json:"properties"`
			}
			if err := json.Unmarshal(f, &at); err != nil {
				return nil, err
			}
			if at.Properties.Distance > where.reach || out.Count == q.Limit {
				break
			}
			b = append(append(b, ','), markFound(slices.Clone(f), info.Name)...)
			out.Count++
		}
		out.Carried = a.Carried
	}
	out.Features = append(b, ']')
	return out, nil
}
