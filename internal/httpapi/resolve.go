package httpapi

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/geojson"
	"nagar/internal/registry"
	"nagar/layers"
)

// nearStructure is how far from a position a structure may be and still be meant, metres.
const nearStructure = 50

const matchPlace = "place"

// resolveStructure answers /api/structures/resolve.
func (r *request) resolveStructure() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	alias, err := r.clean("alias")
	if err != nil {
		return err
	}
	address, err := r.clean("address")
	if err != nil {
		return err
	}
	placed := len(r.query["lon"])+len(r.query["lat"]) > 0
	switch asked := btoi(alias != "") + btoi(address != "") + btoi(placed); {
	case asked == 0:
		return badParam("alias", "say which structure: alias, address, or lon and lat")
	case asked > 1:
		return badParam("alias", "give one of alias, address, and lon with lat")
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	m, err := r.moment()
	if err != nil {
		return err
	}
	limit, err := r.count("limit", 10, 1, maxLimit)
	if err != nil {
		return err
	}
	if m.before {
		return r.nothing()
	}
	var found []registry.Resolved
	switch {
	case placed:
		var spot spot
		if spot.lon, spot.lat, err = r.position("lon", "lat"); err == nil {
			spot.reach, spot.match = nearStructure, matchPlace
			found, err = r.byPlace(spot, m.at, limit)
		}
	case alias != "":
		found, err = r.byNumber(alias, m.at, limit)
	default:
		found, err = r.byAddress(address, limit)
	}
	if err != nil {
		return err
	}
	return r.resolved(found[:min(limit, len(found))], m.at)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// byNumber finds the structures that a number stands for; where none has it and it
// is the code of a place, those that stand there.
func (r *request) byNumber(alias string, at catalog.At, limit int) ([]registry.Resolved, error) {
	scheme, err := r.clean("scheme")
	if err != nil {
		return nil, err
	}
	found, err := r.s.cfg.Structures.ByAlias(r.Request().Context(), scheme, alias, at, r.view)
	if err != nil || len(found) > 0 {
		return found, err
	}
	if code, ok := readCode(alias, scheme, r.s.cfg.Profile.Center); ok {
		return r.byPlace(code.spot(), at, limit)
	}
	return found, nil
}

// spot is where to look for structures: around a position in degrees, as far as a
// reach in metres.
type spot struct {
	lon, lat, reach float64
	match           string // what to call it when one is found
}

// byPlace finds the structures at a place: what it lies in for certain, else what
// is near with a score that falls with the distance.
func (r *request) byPlace(where spot, at catalog.At, limit int) ([]registry.Resolved, error) {
	var out []registry.Resolved
	for _, name := range []string{registry.Buildings, registry.Structures} {
		info, ok := r.collection(name)
		if !ok {
			continue
		}
		if f, ok := info.Field("uid"); !ok || !r.view.SeesField(&info.Collection, f) {
			continue
		}
		a, err := r.s.cfg.Engine.Near(r.Request().Context(), layers.NearRequest{
			Collection: name, Lon: where.lon, Lat: where.lat, Limit: limit, View: r.view, At: at})
		if err != nil {
			return nil, err
		}
		var features []struct {
			Properties struct {
				UID      string  `json:"uid"`
				Distance float64 `json:"distance_m"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(a.Features, &features); err != nil {
			return nil, err
		}
		for _, f := range features {
			p := f.Properties
			if p.UID == "" || p.Distance > where.reach || slices.ContainsFunc(out, func(o registry.Resolved) bool { return o.UID == p.UID }) {
				continue
			}
			score := 1.0
			if p.Distance > 0 {
				score = math.Round(900*(1-p.Distance/where.reach)) / 1000
			}
			out = append(out, registry.Resolved{UID: p.UID, Score: score, Match: where.match})
		}
	}
	slices.SortStableFunc(out, func(a, b registry.Resolved) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return out, nil
}

// byAddress finds the structures that the search knows by name or address.
func (r *request) byAddress(address string, limit int) ([]registry.Resolved, error) {
	if r.s.cfg.Search == nil {
		return nil, unavailable(60, "This server has no search.", nil)
	}
	lang, err := r.language()
	if err != nil {
		return nil, err
	}
	hits, err := r.s.cfg.Search.Find(r.Request().Context(), SearchQuery{Text: address, Lang: lang, View: r.view, Limit: 10 * limit})
	if errors.Is(err, ErrSearchNotReady) {
		return nil, unavailable(2, "The search is still reading the city.", err)
	}
	if err != nil {
		return nil, err
	}
	var out []registry.Resolved
	for i := range hits {
		id := hits[i].Props.Get("uid").Str()
		if id == "" || slices.ContainsFunc(out, func(o registry.Resolved) bool { return o.UID == id }) {
			continue
		}
		out = append(out, registry.Resolved{UID: id, Score: hits[i].Score, Match: "address"})
	}
	return out, nil
}

// resolved answers with the structures, each with what tells it apart.
func (r *request) resolved(found []registry.Resolved, at catalog.At) error {
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].UID
	}
	briefs, rev, err := r.s.cfg.Structures.Briefs(r.Request().Context(), ids, at, r.view)
	if err != nil {
		return err
	}
	b, n := []byte{'['}, 0
	for i := range briefs {
		if atPlace(found[i].Match) && registry.Ended(briefs[i].Status) {
			continue // what stood here is not here
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = appendBrief(b, &found[i], &briefs[i])
		r.carriesRows(&briefs[i])
	}
	return r.features(&layers.Answer{Features: append(b, ']'), Count: n, Rev: rev}, nil)
}

func appendBrief(b []byte, found *registry.Resolved, s *registry.Brief) []byte {
	b = catalog.AppendJSONString(append(b, `{"type":"Feature","id":`...), s.UID)
	b = append(b, `,"geometry":`...)
	if s.Geometry.Type == geo.None {
		b = append(b, "null"...)
	} else {
		b = geojson.AppendGeometry(b, &s.Geometry)
	}
	b = catalog.AppendJSONString(append(b, `,"properties":{"uid":`...), s.UID)
	b = strconv.AppendFloat(append(b, `,"score":`...), found.Score, 'f', -1, 64)
	b = catalog.AppendJSONString(append(b, `,"match":`...), found.Match)
	for _, p := range [...][2]string{{"status", s.Status}, {"name", s.Name}, {"address", s.Address}} {
		if p[1] != "" {
			b = catalog.AppendJSONString(append(b, ','), p[0])
			b = catalog.AppendJSONString(append(b, ':'), p[1])
		}
	}
	return append(b, "}}"...)
}

var emptyBox = geo.EmptyBox()
