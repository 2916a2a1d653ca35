package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"nagar/layers/archive"
)

// Archives are tile archives by name. No collection has the name of one.
type Archives interface {
	Archive(name string) (*archive.Archive, bool)
}

// archiveTypes are the media types of archives' tiles.
var archiveTypes = map[archive.TileType]string{
	archive.MVT: typeTile, archive.PNG: "image/png", archive.JPEG: "image/jpeg", archive.WebP: "image/webp", archive.AVIF: "image/avif",
}

// archiveRoutes are the tiles that only an archive has: pictures. Its vector tiles
// and its TileJSON have the addresses of a collection's.
func archiveRoutes() []route {
	var out []route
	for _, t := range []archive.TileType{archive.PNG, archive.JPEG, archive.WebP, archive.AVIF} {
		end := t.Extension()
		out = append(out, route{
			method: http.MethodGet, path: "/tiles/{collections}/{z}/{x}/{y}." + end, id: "getTile_" + end, tag: "tiles",
			summary: "A picture of an archive (" + archiveTypes[t] + ")", quiet: true,
			params: []parameter{
				pathParameter("collections", "name of the archive", textSchema()),
				pathParameter("z", "zoom", integerSchema(0, 22)), pathParameter("x", "column from the west", integerSchema(0, 1<<22-1)), pathParameter("y", "row from the north", integerSchema(0, 1<<22-1)),
			},
			answers: []answer{
				ok("The picture", archiveTypes[t], binary()), {status: 204, text: "The archive has no such tile"},
				notModified(), problemAnswer(400), problemAnswer(404), problemAnswer(503),
			}, handle: (*request).picture,
		})
	}
	return out
}

// archive is the archive that the path names, where it names one.
func (r *request) archive() (*archive.Archive, bool) {
	if r.s.cfg.Archives == nil {
		return nil, false
	}
	name, err := r.pathParam("collections")
	if err != nil {
		return nil, false // who reads the collections says so
	}
	return r.s.cfg.Archives.Archive(name)
}

// picture answers /tiles/{archive}/{z}/{x}/{y}.png and the like.
func (r *request) picture() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	a, ok := r.archive()
	if !ok {
		return missing("path", "There is no archive of this name.")
	}
	return r.archived(a)
}

// archived answers a tile of an archive, as it is kept where the caller takes that.
func (r *request) archived(a *archive.Archive) error {
	t, err := r.tileAddress()
	if err != nil {
		return err
	}
	if end := "." + a.TileType.Extension(); r.route.suffix != end {
		return missing("collections", "The tiles of this archive end in %s.", end)
	}
	for _, name := range [4]string{"asof", "filter", "generalize", "known"} {
		if len(r.query[name]) > 0 {
			return badParam(name, "an archive is what it is")
		}
	}
	data, ok, err := a.Tile(t)
	switch {
	case errors.Is(err, fs.ErrClosed):
		return missing("collections", "This archive has just been taken away.")
	case err != nil:
		return fmt.Errorf("archive: %w", err)
	}
	r.caching()
	if !ok {
		return r.NoContent(http.StatusNoContent)
	}
	coding, err := r.archiveCoding(a)
	if err != nil {
		return err
	}
	if coding == asIs {
		if data, err = a.Plain(data); err != nil {
			return fmt.Errorf("archive: tile %s: %w", t, err)
		}
	}
	tag := withCoding(contentTag("", data), coding)
	h := r.Response().Header()
	h.Set("ETag", tag)
	if noneMatch(r.Request().Header.Get("If-None-Match"), tag) {
		r.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", archiveTypes[a.TileType])
	if coding != asIs {
		h.Set("Content-Encoding", coding.String())
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	r.Response().WriteHeader(http.StatusOK)
	n, _ := r.Response().Write(data) // the caller may be gone: nothing to do about it
	r.s.metrics.tileBytes.Add(float64(n))
	return nil
}

// archiveCoding is the coding to send an archive's tiles in: the one that they are
// kept in, or none.
func (r *request) archiveCoding(a *archive.Archive) (encoding, error) {
	kept := map[archive.Compression]encoding{archive.Gzip: gzipped, archive.Brotli: brotlied, archive.Zstd: zstandard}[a.TileCompression]
	if kept == asIs {
		return asIs, nil
	}
	header, present := r.accept()
	accepted := parseAccept(header)
	weight := accepted.q[kept]
	if weight == unset {
		weight = accepted.star
	}
	switch {
	case present && weight > 0:
		return kept, nil
	case accepted.plainOK() && kept == gzipped:
		return asIs, nil
	}
	return refused, newProblem(http.StatusNotAcceptable, "not-acceptable", "Accept-Encoding", "The tiles of this archive are kept in the coding "+kept.String()+".")
}

// archiveTileset answers /tiles/{archive}.json.
func (r *request) archiveTileset(a *archive.Archive) error {
	name, err := r.pathParam("collections")
	if err != nil {
		return err
	}
	text := func(member string) (s string) {
		if json.Unmarshal(a.Metadata(member), &s) != nil {
			return "" // it is missing, or no text: neither is of use
		}
		return s
	}
	out := tileJSON{
		TileJSON: "3.0.0", Version: "1.0.0", Scheme: "xyz", Name: name, Description: text("description"), Attribution: text("attribution"),
		Tiles:   []string{r.baseURL() + "/tiles/" + name + "/{z}/{x}/{y}." + a.TileType.Extension()},
		MinZoom: int(a.MinZoom), MaxZoom: int(a.MaxZoom),
		Bounds: [4]float64{a.Bounds.W, a.Bounds.S, a.Bounds.E, a.Bounds.N}, Center: a.Center,
	}
	if json.Unmarshal(a.Metadata("vector_layers"), &out.VectorLayers) != nil {
		out.VectorLayers = nil // pictures have none
	}
	return r.json(http.StatusOK, out)
}
