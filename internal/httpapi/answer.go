package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"nagar/catalog"
)

// Media types of answers.
const (
	typeJSON    = "application/json"
	typeGeoJSON = "application/geo+json"
	typeTile    = "application/vnd.mapbox-vector-tile"
	typeHTML    = "text/html; charset=utf-8"
	typeOpenAPI = "application/vnd.oai.openapi+json;version=3.1"
)

// worthCompressing is the size from which compressing pays: one network packet.
const worthCompressing = 1400

// caching sets how an answer may be kept: asked about again each time, and by
// nobody but its reader when it holds more than the public may see.
func (r *request) caching() {
	if r.who.Known() {
		r.Response().Header().Set("Cache-Control", "private, no-cache")
		return
	}
	r.Response().Header().Set("Cache-Control", "no-cache")
}

// json answers v.
func (r *request) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	return r.send(status, typeJSON, body)
}

// send answers body. An answer to GET that names no ETag gets one of its
// content, and is 304 when the caller has it; a large one is compressed when the
// caller takes that.
func (r *request) send(status int, mediaType string, body []byte) error {
	h := r.Response().Header()
	if h.Get("Cache-Control") == "" {
		r.caching()
	}
	h.Set("Content-Type", mediaType)
	accept, present := r.accept()
	coding := negotiate(accept, present)
	if coding == refused {
		return newProblem(http.StatusNotAcceptable, "not-acceptable", "Accept-Encoding", "Accept-Encoding excludes every coding there is (gzip, zstd, br, identity).")
	}
	if len(body) < worthCompressing && parseAccept(accept).plainOK() {
		coding = asIs
	}
	if status == http.StatusOK && r.reading() {
		tag := h.Get("ETag")
		if tag == "" {
			tag = contentTag("", body)
		}
		tag = withCoding(tag, coding)
		h.Set("ETag", tag)
		if noneMatch(r.Request().Header.Get("If-None-Match"), tag) {
			h.Del("Content-Type")
			r.Response().WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	if err := r.settle(); err != nil {
		return err
	}
	out, err := compress(coding, body)
	if err != nil {
		return fmt.Errorf("compress the answer: %w", err)
	}
	if coding != asIs {
		h.Set("Content-Encoding", coding.String())
	}
	h.Set("Content-Length", strconv.Itoa(len(out)))
	r.Response().WriteHeader(status)
	if _, err := r.Response().Write(out); err != nil {
		return nil //nolint:nilerr // the caller is gone; there is nobody to tell
	}
	return nil
}

func (r *request) accept() (header string, present bool) {
	v, ok := r.Request().Header["Accept-Encoding"]
	switch len(v) {
	case 0:
		return "", ok
	case 1:
		return v[0], true
	}
	return strings.Join(v, ","), true
}

// reading reports whether the method is GET or HEAD.
func (r *request) reading() bool {
	m := r.Request().Method
	return m == http.MethodGet || m == http.MethodHead
}

// contentTag is a strong entity tag: the prefix and a hash of the content.
func contentTag(prefix string, body []byte) string {
	b := append(make([]byte, 0, len(prefix)+20), '"')
	b = append(b, prefix...)
	b = strconv.AppendUint(b, xxhash.Sum64(body), 16)
	return string(append(b, '"'))
}

// withCoding marks a tag with the content coding: a strong tag names exact bytes.
func withCoding(tag string, e encoding) string {
	if e == asIs || !strings.HasSuffix(tag, `"`) {
		return tag
	}
	return tag[:len(tag)-1] + "." + e.String() + `"`
}

// revision names the revision that the answer shows.
func (r *request) revision(rev catalog.Rev) {
	r.Response().Header().Set("Nagar-Revision", strconv.FormatInt(int64(rev), 10))
}
