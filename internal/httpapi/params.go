package httpapi

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
)

// Bounds of parameters, shared with /openapi.json.
const (
	defaultLimit   = 100
	maxLimit       = layers.MaxLimit
	maxFilter      = 4096 // bytes of CQL2 text
	maxSearch      = 200  // characters of a search text
	maxCollections = 32   // collections in one tile
	maxCursor      = 512
	maxSearchPages = 10_000 // last result of a search that can be reached
)

// param returns the text of a query parameter. One that is given twice is an
// error: nobody could say which one counts.
func (r *request) param(name string) (string, error) {
	v := r.query[name]
	switch len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	}
	return "", badParam(name, "it is given %d times", len(v))
}

// pathParam returns a path parameter with its escapes resolved.
func (r *request) pathParam(name string) (string, error) {
	v := r.Param(name)
	if r.Request().URL.RawPath == "" {
		return v, nil
	}
	s, err := url.PathUnescape(v)
	if err != nil {
		return "", badParam(name, "its escapes cannot be read")
	}
	return s, nil
}

// number reads a finite number between least and most.
func number(name, s string, least, most float64) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xX_pP") {
		return 0, badParam(name, "want a number, got %q", clip(s))
	}
	if f < least || f > most {
		return 0, badParam(name, "want a number from %v to %v, got %q", least, most, clip(s))
	}
	return f, nil
}

// position reads lon and lat, degrees.
func (r *request) position(lonName, latName string) (lon, lat float64, err error) {
	if lon, err = r.degrees(lonName, 180); err != nil {
		return 0, 0, err
	}
	lat, err = r.degrees(latName, 90)
	return lon, lat, err
}

func (r *request) degrees(name string, most float64) (float64, error) {
	s, err := r.param(name)
	if err != nil {
		return 0, err
	}
	if s == "" {
		return 0, badParam(name, "it is needed, in degrees")
	}
	return number(name, s, -most, most)
}

// count reads an integer between least and most, or byDefault when it is left out.
func (r *request) count(name string, byDefault, least, most int) (int, error) {
	s, err := r.param(name)
	if err != nil || s == "" {
		return byDefault, err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, badParam(name, "want an integer from %d to %d, got %q", least, most, clip(s))
	}
	return n, nil
}

// bbox reads west,south,east,north in degrees; nil when it is left out.
func (r *request) bbox(name string) (*geo.Box, error) {
	s, err := r.param(name)
	if err != nil || s == "" {
		return nil, err
	}
	parts := strings.Split(s, ",")
	if len(parts) != 4 {
		return nil, badParam(name, "want west,south,east,north in degrees, got %d numbers", len(parts))
	}
	var v [4]float64
	for i, p := range parts {
		most := 180.0
		if i%2 == 1 {
			most = 90
		}
		if v[i], err = number(name, strings.TrimSpace(p), -most, most); err != nil {
			return nil, err
		}
	}
	b := geo.Box{W: v[0], S: v[1], E: v[2], N: v[3]}
	if b.S > b.N {
		return nil, badParam(name, "its south %v is above its north %v", b.S, b.N)
	}
	if b.W > b.E {
		return nil, badParam(name, "its west %v is east of its east %v; a box across the antimeridian must be asked in two", b.W, b.E)
	}
	return &b, nil
}

// text reads a bounded text parameter.
func (r *request) text(name string, most int) (string, error) {
	s, err := r.param(name)
	if err == nil && len(s) > most {
		return "", badParam(name, "it is longer than %d bytes", most)
	}
	return s, err
}

// moment is a point on the two clocks, and whether it lies before all records.
type moment struct {
	at     catalog.At
	before bool // nothing was recorded yet: every answer is empty
}

// moment reads asof and known.
func (r *request) moment() (moment, error) {
	var m moment
	s, err := r.param("asof")
	if err != nil {
		return m, err
	}
	if s != "" {
		if m.at.AsOf, err = r.instant("asof", s); err != nil {
			return m, err
		}
	}
	if s, err = r.param("known"); err != nil || s == "" {
		return m, err
	}
	ctx := r.Request().Context()
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		head, err := r.s.cfg.Store.Head(ctx)
		if err != nil {
			return m, err
		}
		if n < 0 || catalog.Rev(n) > head {
			return m, badParam("known", "want a revision from 0 to %d or a time, got %q", head, clip(s))
		}
		m.at.Known, m.before = catalog.Rev(n), n == 0
		return m, nil
	}
	t, err := r.instant("known", s)
	if err != nil {
		return m, err
	}
	if m.at.Known, err = r.s.cfg.Store.RevAt(ctx, t); err != nil {
		return m, err
	}
	m.before = m.at.Known == 0
	return m, nil
}

// instant reads an RFC 3339 time, or a date, which stands for the last moment of
// that day in the city: everything that happened on the day has happened.
func (r *request) instant(name, s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return inYears(name, t)
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, r.s.zone); err == nil {
		return inYears(name, t.AddDate(0, 0, 1).Add(-time.Microsecond))
	}
	return time.Time{}, badParam(name, "want a date (2026-11-23) or a time (2026-11-23T08:00:00Z; + is written %%2B), got %q", clip(s))
}

func inYears(name string, t time.Time) (time.Time, error) {
	if y := t.Year(); y < 1 || y > 9998 {
		return t, badParam(name, "want a year from 1 to 9998")
	}
	return t, nil
}

// awaitRevision honours minrev: the answer must show that revision or a later one.
func (r *request) awaitRevision() error {
	s, err := r.param("minrev")
	if err != nil || s == "" {
		return err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return badParam("minrev", "want a revision, got %q", clip(s))
	}
	return r.s.await(r.Request().Context(), catalog.Rev(n))
}

// collections reads a comma-separated list of collections that the caller sees.
func (r *request) collections(parameter, list string) ([]layers.Info, error) {
	names := strings.Split(list, ",")
	if len(names) > maxCollections {
		return nil, badParam(parameter, "at most %d collections at a time", maxCollections)
	}
	out := make([]layers.Info, 0, len(names))
	for i, name := range names {
		for _, other := range names[:i] {
			if other == name {
				return nil, badParam(parameter, "%q is there twice", clip(name))
			}
		}
		info, ok := r.collection(name)
		if !ok {
			return nil, missing(parameter, "There is no collection %q.", clip(name))
		}
		out = append(out, info)
	}
	return out, nil
}

// collection returns a collection, if it exists for this caller.
func (r *request) collection(name string) (layers.Info, bool) {
	info, ok := r.s.cfg.Engine.Collection(name)
	if !ok || !r.view.Sees(&info.Collection) {
		return layers.Info{}, false
	}
	return info, true
}

// names lists the names of collections.
func names(infos []layers.Info) []string {
	out := make([]string, len(infos))
	for i := range infos {
		out[i] = infos[i].Name
	}
	return out
}
