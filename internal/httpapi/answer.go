package httpapi

import (
	"bytes"
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
		r.Response().Header()["Cache-Control"] = askEachTimeYou
		return
	}
	r.Response().Header()["Cache-Control"] = askEachTime
}

var askEachTime, askEachTimeYou = []string{"no-cache"}, []string{"private, no-cache"}

// set sets a header, of canonical name, in memory that the request has.
func (r *request) set(name, value string) {
	if r.used == len(r.values) {
		r.Response().Header().Set(name, value)
		return
	}
	r.values[r.used] = value
	r.used++
	r.Response().Header()[name] = r.values[r.used-1 : r.used : r.used]
}

// json answers v.
func (r *request) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	return r.send(status, typeJSON, body)
}

// send answers a body, which may come in parts. An answer to GET that names no ETag
// gets one of its content, and is 304 when the caller has it; a large one is
// compressed when the caller takes that. The parts are not kept.
func (r *request) send(status int, mediaType string, body ...[]byte) error {
	h := r.Response().Header()
	if len(h["Cache-Control"]) == 0 {
		r.caching()
	}
	r.set("Content-Type", mediaType)
	size := 0
	for _, part := range body {
		size += len(part)
	}
	coding, err := r.coding(size)
	if err != nil {
		return err
	}
	if status == http.StatusOK && r.reading() {
		tag := ""
		if given := h["Etag"]; len(given) > 0 {
			tag = given[0]
		} else {
			tag = contentTag("", body...)
		}
		tag = withCoding(tag, coding)
		r.set("Etag", tag)
		if noneMatch(r.Request().Header.Get("If-None-Match"), tag) {
			h.Del("Content-Type")
			r.Response().WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	if err := r.settle(); err != nil {
		return err
	}
	if coding != asIs {
		packed := packedPool.Get().(*bytes.Buffer)
		defer keepPacked(packed)
		packed.Reset()
		if err := compressTo(packed, coding, body...); err != nil {
			return fmt.Errorf("compress the answer: %w", err)
		}
		r.set("Content-Encoding", coding.String())
		size = packed.Len()
		body = [][]byte{packed.Bytes()}
	}
	r.set("Content-Length", strconv.Itoa(size))
	r.Response().WriteHeader(status)
	for _, part := range body {
		if _, err := r.Response().Write(part); err != nil {
			return nil //nolint:nilerr // the caller is gone; there is nobody to tell
		}
	}
	return nil
}

// coding is the content coding of an answer of so many bytes.
func (r *request) coding(size int) (encoding, error) {
	header, present := r.accept()
	if !present {
		return asIs, nil
	}
	coding := negotiate(header, present)
	if coding == refused {
		return 0, newProblem(http.StatusNotAcceptable, "not-acceptable", "Accept-Encoding", "Accept-Encoding excludes every coding there is (gzip, zstd, br, identity).")
	}
	if size < worthCompressing && parseAccept(header).plainOK() {
		coding = asIs
	}
	return coding, nil
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
func contentTag(prefix string, body ...[]byte) string {
	var room [64]byte
	b := append(room[:0], '"')
	b = append(b, prefix...)
	if len(body) == 1 {
		b = strconv.AppendUint(b, xxhash.Sum64(body[0]), 16)
	} else {
		var sum xxhash.Digest
		sum.Reset()
		for _, part := range body {
			_, _ = sum.Write(part) // never fails
		}
		b = strconv.AppendUint(b, sum.Sum64(), 16)
	}
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
	r.set("Nagar-Revision", strconv.FormatInt(int64(rev), 10))
}
