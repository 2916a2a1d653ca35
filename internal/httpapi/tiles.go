package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access/audit"
	"nagar/layers"
)

// revisionWait is how long minrev is waited for.
const revisionWait = time.Second

// await returns once the index shows rev, or fails with a 503 after a second.
func (s *Server) await(ctx context.Context, rev catalog.Rev) error {
	if s.cfg.Engine.Rev() >= rev {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, revisionWait)
	defer cancel()
	if err := s.cfg.Engine.WaitRev(wait, rev); err != nil {
		if ctx.Err() != nil {
			return err
		}
		if wait.Err() != nil {
			return unavailable(1, "Revision "+strconv.FormatInt(int64(rev), 10)+" is not here yet.", err)
		}
		return err
	}
	return nil
}

// ready fails with a 503 until the index is loaded.
func (s *Server) ready() error {
	if s.cfg.Engine.Ready() {
		return nil
	}
	return unavailable(1, "The city is still being loaded.", nil)
}

// tile answers /tiles/{collections}/{z}/{x}/{y}.mvt.
func (r *request) tile() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	if a, ok := r.archive(); ok {
		return r.archived(a)
	}
	req, err := r.tileRequest()
	if err != nil {
		return err
	}
	if err := r.awaitRevision(); err != nil {
		return err
	}
	m, err := r.moment()
	if err != nil {
		return err
	}
	if m.before {
		r.caching()
		r.revision(r.s.cfg.Engine.Rev())
		return r.NoContent(http.StatusNoContent)
	}
	req.At = m.at
	t, err := r.s.cfg.Engine.Tile(r.Request().Context(), req)
	if err != nil {
		return tileError(err)
	}
	return r.sendTile(t, req.Encoding)
}

// tileError names the tile where the engine does not.
func tileError(err error) error {
	if errors.Is(err, catalog.ErrNotFound) {
		return missing("collections", "There is no such collection.")
	}
	return err
}

func (r *request) tileRequest() (layers.TileRequest, error) {
	var req layers.TileRequest
	t, err := r.tileAddress()
	if err != nil {
		return req, err
	}
	infos, err := r.pathCollections()
	if err != nil {
		return req, err
	}
	req = layers.TileRequest{Collections: names(infos), Tile: t, View: r.view}
	if req.Filter, err = r.text("filter", maxFilter); err != nil {
		return req, err
	}
	switch g, err := r.param("generalize"); {
	case err != nil:
		return req, err
	case g == "none":
		req.All = true
	case g != "":
		return req, badParam("generalize", "want none, got %q", clip(g))
	}
	req.Encoding = negotiate(r.accept())
	if req.Encoding == refused {
		return req, newProblem(http.StatusNotAcceptable, "not-acceptable", "Accept-Encoding", "Accept-Encoding excludes every coding there is (gzip, zstd, br, identity).")
	}
	return req, nil
}

// pathCollections reads {collections} of the path.
func (r *request) pathCollections() ([]layers.Info, error) {
	list, err := r.pathParam("collections")
	if err != nil {
		return nil, err
	}
	return r.collections("collections", list)
}

// tileAddress reads {z}/{x}/{y}. Each number has one spelling, so that each tile
// has one address.
func (r *request) tileAddress() (geo.Tile, error) {
	var v [3]uint32
	for i, name := range [3]string{"z", "x", "y"} {
		s := r.Param(name)
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != s {
			return geo.Tile{}, badParam(name, "want a number, got %q", clip(s))
		}
		v[i] = uint32(n)
	}
	t := geo.Tile{Z: v[0], X: v[1], Y: v[2]}
	if t.Z > geo.MaxTileZoom {
		return t, badParam("z", "want a zoom from 0 to %d, got %d", geo.MaxTileZoom, t.Z)
	}
	if !t.Valid() {
		name := "x"
		if t.X < 1<<t.Z {
			name = "y"
		}
		return t, badParam(name, "at zoom %d want a number from 0 to %d", t.Z, uint32(1)<<t.Z-1)
	}
	return t, nil
}

func (r *request) sendTile(t *layers.Tile, coding encoding) error {
	h := r.Response().Header()
	r.caching()
	r.revision(t.Rev)
	h.Set("ETag", t.ETag)
	h.Set("Nagar-Features", strconv.Itoa(t.Features))
	if t.Dropped > 0 {
		h.Set("Nagar-Dropped", strconv.Itoa(t.Dropped))
	}
	if noneMatch(r.Request().Header.Get("If-None-Match"), t.ETag) {
		r.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	if len(t.Data) == 0 {
		return r.NoContent(http.StatusNoContent)
	}
	r.carries(audit.ReadTile, t.Carried)
	if err := r.settle(); err != nil {
		return err
	}
	h.Set("Content-Type", typeTile)
	if coding != asIs {
		h.Set("Content-Encoding", coding.String())
	}
	h.Set("Content-Length", strconv.Itoa(len(t.Data)))
	r.Response().WriteHeader(http.StatusOK)
	n, _ := r.Response().Write(t.Data) // the caller may be gone: nothing to do about it
	r.s.metrics.tileBytes.Add(float64(n))
	return nil
}

// tileJSON is TileJSON 3.0.0.
type tileJSON struct {
	TileJSON     string        `json:"tilejson"`
	Name         string        `json:"name"`
	Description  string        `json:"description,omitempty"`
	Attribution  string        `json:"attribution,omitempty"`
	Version      string        `json:"version"`
	Scheme       string        `json:"scheme"`
	Tiles        []string      `json:"tiles"`
	MinZoom      int           `json:"minzoom"`
	MaxZoom      int           `json:"maxzoom"`
	Bounds       [4]float64    `json:"bounds"`
	Center       [3]float64    `json:"center"`
	VectorLayers []vectorLayer `json:"vector_layers,omitempty"`
}

type vectorLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description,omitempty"`
	MinZoom     int               `json:"minzoom"`
	MaxZoom     int               `json:"maxzoom"`
	Fields      map[string]string `json:"fields"`
}

// tileset answers /tiles/{collections}.json.
func (r *request) tileset() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	if a, ok := r.archive(); ok {
		return r.archiveTileset(a)
	}
	infos, err := r.pathCollections()
	if err != nil {
		return err
	}
	deepest := r.s.cfg.Engine.MaxZoom()
	address := r.baseURL() + "/tiles/" + strings.Join(names(infos), ",") + "/{z}/{x}/{y}.mvt"
	if q := r.tileQuery(); q != "" {
		address += "?" + q
	}
	box := geo.EmptyBox()
	out := tileJSON{
		TileJSON: "3.0.0", Version: "1.0.0", Scheme: "xyz", MaxZoom: deepest,
		Name: strings.Join(names(infos), ","), Tiles: []string{address},
	}
	var titles, thanks []string
	rev := catalog.Rev(0)
	for i := range infos {
		c := &infos[i]
		_, seen := r.s.cfg.Engine.Extent(c.Name, r.view)
		box, rev = box.Union(seen), max(rev, c.Rev)
		titles = append(titles, c.Title.In("en"))
		thanks = addNew(thanks, attribution(&c.Collection))
		out.VectorLayers = append(out.VectorLayers, vectorLayer{
			ID: c.Name, Description: c.Title.In("en"), MaxZoom: deepest, Fields: r.layerFields(&c.Collection),
		})
	}
	out.Description, out.Attribution = joinWords(titles), joinWords(thanks)
	p := r.s.cfg.Profile
	if box.IsEmpty() {
		box = p.Bounds
	}
	out.Bounds = [4]float64{box.W, box.S, box.E, box.N}
	out.Center = [3]float64{p.Center[0], p.Center[1], p.Zoom}
	if !box.Contains(p.Center[0], p.Center[1]) {
		out.Center = [3]float64{(box.W + box.E) / 2, (box.S + box.N) / 2, p.Zoom}
	}
	r.revision(rev)
	return r.json(http.StatusOK, out)
}

// tileQuery keeps the parameters that tiles take.
func (r *request) tileQuery() string {
	q := url.Values{}
	for _, name := range []string{"asof", "filter", "generalize", "known"} {
		if v := r.query[name]; len(v) == 1 && v[0] != "" {
			q.Set(name, v[0])
		}
	}
	return q.Encode()
}

// layerFields describes the fields that this caller finds in tiles.
func (r *request) layerFields(c *catalog.Collection) map[string]string {
	out := make(map[string]string, len(c.Fields))
	for i := range c.Fields {
		f := &c.Fields[i]
		if !r.view.SeesField(c, f) {
			continue
		}
		text := string(f.Type)
		if f.Unit != "" {
			text += " (" + f.Unit + ")"
		}
		if m := f.Meaning.In("en"); m != "" {
			text += ": " + m
		} else if t := f.Title.In("en"); t != "" {
			text += ": " + t
		}
		out[f.Name] = text
	}
	return out
}

func attribution(c *catalog.Collection) string {
	return joinWords([]string{c.Source, c.Licence})
}

// joinWords joins what is not empty.
func joinWords(words []string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, ", ")
}

func addNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}
