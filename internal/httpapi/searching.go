package httpapi

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
	"nagar/layers"
)

// ErrSearchNotReady says that the search has not read the city yet.
var ErrSearchNotReady = errors.New("search is not ready")

// SearchQuery is what a Searcher is asked.
type SearchQuery struct {
	Text   string
	Lang   string // of the answer's titles and of the reader, a BCP 47 code
	View   catalog.View
	Limit  int
	Offset int         // results to skip
	Near   *[2]float64 // lon, lat degrees: what is near it comes earlier
}

// SearchHit is one result.
type SearchHit struct {
	Collection string // "" for a place that is no feature, such as coordinates
	ID         string
	Key        catalog.Key
	Title      string             // name in the reader's language
	Props      catalog.Properties // what the view sees
	Lon, Lat   float64            // a point on or in it, degrees
	Box        geo.Box            // of the whole, degrees
	Score      float64            // 0 to 1, best first
}

// Searcher finds named things. It returns ErrSearchNotReady (wrapped or not)
// until it has read the city.
type Searcher interface {
	Find(ctx context.Context, q SearchQuery) ([]SearchHit, error)
}

// search answers /api/search.
func (r *request) search() error {
	q, err := r.searchQuery()
	if err != nil {
		return err
	}
	ctx := r.Request().Context()
	var hits []SearchHit
	if id, err := uid.Parse(q.Text); err == nil && q.Offset == 0 && r.s.cfg.Engine.Ready() {
		a, err := r.byUID(id)
		if err != nil {
			return err
		}
		if a != nil {
			return r.features(a, nil)
		}
	}
	if r.s.cfg.Engine.Ready() {
		if a, err := r.searchCode(q); a != nil || err != nil {
			if err != nil {
				return err
			}
			return r.features(a, nil)
		}
	}
	if r.s.cfg.Search == nil {
		return unavailable(60, "This server has no search.", nil)
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	hits, err = r.s.cfg.Search.Find(ctx, q)
	if errors.Is(err, ErrSearchNotReady) {
		return unavailable(2, "The search is still reading the city.", err)
	}
	if err != nil {
		return err
	}
	next := ""
	if len(hits) > limit {
		hits = hits[:limit]
		if end := q.Offset + limit; end < maxSearchPages {
			next = strconv.Itoa(end)
		}
	}
	r.carriesHits(hits)
	a := &layers.Answer{Features: appendHits(nil, hits), Count: len(hits), Next: next, Rev: r.s.cfg.Engine.Rev()}
	return r.features(a, nil)
}

func (r *request) searchQuery() (SearchQuery, error) {
	q := SearchQuery{View: r.view}
	text, err := r.param("q")
	if err != nil {
		return q, err
	}
	q.Text = strings.TrimSpace(text)
	switch {
	case q.Text == "":
		return q, badParam("q", "it is needed: what to look for")
	case !utf8.ValidString(q.Text):
		return q, badParam("q", "it is not UTF-8")
	case utf8.RuneCountInString(q.Text) > maxSearch:
		return q, badParam("q", "it is longer than %d characters", maxSearch)
	}
	if q.Lang, err = r.language(); err != nil {
		return q, err
	}
	if q.Limit, err = r.limit(); err != nil {
		return q, err
	}
	if q.Offset, err = r.count("after", 0, 0, maxSearchPages); err != nil {
		return q, err
	}
	if len(r.query["lon"])+len(r.query["lat"]) > 0 {
		lon, lat, err := r.position("lon", "lat")
		if err != nil {
			return q, err
		}
		q.Near = &[2]float64{lon, lat}
	}
	return q, nil
}

// language reads lang: one of the city's languages, the first when left out.
func (r *request) language() (string, error) {
	s, err := r.param("lang")
	if err != nil {
		return "", err
	}
	have := r.s.cfg.Profile.Languages
	if s == "" {
		if len(have) == 0 {
			return "en", nil
		}
		return have[0], nil
	}
	short, _, _ := strings.Cut(strings.ToLower(s), "-")
	if short == "en" || slices.Contains(have, short) {
		return short, nil
	}
	return "", badParam("lang", "want one of %s, got %q", strings.Join(have, ", "), clip(s))
}

// byUID finds the features that carry a structure's UID; nil when there is none.
func (r *request) byUID(id uid.UID) (*layers.Answer, error) {
	for _, info := range r.s.cfg.Engine.Collections() {
		f, ok := info.Field("uid")
		if !ok || f.Type != catalog.TypeText || !r.view.SeesField(&info.Collection, f) {
			continue
		}
		world := geo.World()
		a, err := r.s.cfg.Engine.Within(r.Request().Context(), layers.WithinRequest{
			Collection: info.Name, Box: &world, View: r.view, Limit: 1, Filter: "uid = '" + id.String() + "'",
		})
		if err != nil {
			return nil, err
		}
		if a.Count > 0 {
			a.Features, a.Next = markFound(a.Features, info.Name), ""
			return a, nil
		}
	}
	return nil, nil //nolint:nilnil // no answer is no error
}

// markFound adds to the one feature in the array what search promises: its
// collection and a score.
func markFound(features []byte, collection string) []byte {
	const member = `"properties":{`
	i := bytes.Index(features, []byte(member))
	if i < 0 {
		return features
	}
	i += len(member)
	out := append([]byte(nil), features[:i]...)
	out = append(out, `"score":1,"collection":`...)
	out = catalog.AppendJSONString(out, collection)
	if features[i] != '}' {
		out = append(out, ',')
	}
	return append(out, features[i:]...)
}

// appendHits appends the results as a JSON array of GeoJSON features: a point
// each, with the box of the whole thing.
func appendHits(b []byte, hits []SearchHit) []byte {
	b = append(b, '[')
	for i := range hits {
		h := &hits[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"type":"Feature"`...)
		if h.ID != "" {
			b = catalog.AppendJSONString(append(b, `,"id":`...), h.ID)
			b = strconv.AppendUint(append(b, `,"key":`...), uint64(h.Key), 10)
		}
		if !h.Box.IsEmpty() {
			b = append(b, `,"bbox":`...)
			b = appendBox(b, h.Box)
		}
		b = append(b, `,"geometry":{"type":"Point","coordinates":[`...)
		b = catalog.AppendJSONFloat(b, h.Lon)
		b = catalog.AppendJSONFloat(append(b, ','), h.Lat)
		b = append(b, `]},"properties":{"score":`...)
		b = catalog.AppendJSONFloat(b, h.Score)
		b = catalog.AppendJSONString(append(b, `,"title":`...), h.Title)
		b = catalog.AppendJSONString(append(b, `,"collection":`...), h.Collection)
		for _, p := range h.Props {
			if p.Name == "score" || p.Name == "title" || p.Name == "collection" {
				continue
			}
			b = catalog.AppendJSONString(append(b, ','), p.Name)
			b = p.Value.AppendJSON(append(b, ':'))
		}
		b = append(b, "}}"...)
	}
	return append(b, ']')
}

// appendBox appends a box as GeoJSON's bbox.
func appendBox(b []byte, x geo.Box) []byte {
	b = catalog.AppendJSONFloat(append(b, '['), x.W)
	b = catalog.AppendJSONFloat(append(b, ','), x.S)
	b = catalog.AppendJSONFloat(append(b, ','), x.E)
	b = catalog.AppendJSONFloat(append(b, ','), x.N)
	return append(b, ']')
}
