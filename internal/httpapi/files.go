package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// files serves the built viewer. Contents and their compressed forms are kept
// once they were asked for: the viewer is a few megabytes, and never changes
// while a server runs.
type files struct {
	fs     fs.FS // nil: the viewer is not built
	policy string
	mu     sync.Mutex
	kept   map[string]*file
}

type file struct {
	mu        sync.Mutex // one compression at a time, each once
	mediaType string
	tag       string
	forms     map[encoding][]byte
}

// maxViewerFile bounds what is kept of one file.
const maxViewerFile = 32 << 20

// compressible are the media types that compress; pictures and fonts have done so.
var compressible = regexp.MustCompile(`^(text/|image/svg|application/(json|javascript|manifest|wasm|xml)|application/.*\+json|application/x-protobuf)`)

// hashed are the file names that contain a hash of the content, as the bundler
// writes them: such a name never means anything else.
var hashed = regexp.MustCompile(`^assets/.*-[A-Za-z0-9_-]{8,}\.[a-z0-9.]+$`)

func openFiles(viewer fs.FS, base string) (*files, error) {
	f := &files{kept: map[string]*file{}}
	if viewer == nil {
		return f, nil
	}
	index, err := fs.ReadFile(viewer, "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	f.fs, f.policy = viewer, contentPolicy(index, base)
	return f, nil
}

// contentPolicy is the page's Content-Security-Policy: nothing from other hosts,
// no inline script or style but those that index.html itself holds. The map's worker
// is a file of ours, and MapLibre draws pictures from blobs.
func contentPolicy(index []byte, base string) string {
	self := "'self'"
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		self += " " + u.Scheme + "://" + u.Host
	}
	return strings.Join([]string{
		"default-src " + self,
		"script-src " + self + inlineHashes(index, inlineScript),
		"worker-src " + self,
		"child-src 'none'",
		"style-src " + self + inlineHashes(index, inlineStyle),
		"style-src-attr 'unsafe-inline'",
		"img-src " + self + " data: blob:",
		"connect-src " + self,
		"object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'self'",
	}, "; ")
}

var (
	inlineScript = regexp.MustCompile(`(?is)<script(\s[^>]*)?>(.*?)</script>`)
	inlineStyle  = regexp.MustCompile(`(?is)<style(\s[^>]*)?>(.*?)</style>`)
)

func inlineHashes(index []byte, element *regexp.Regexp) string {
	out := ""
	for _, m := range element.FindAllSubmatch(index, -1) {
		if len(bytes.TrimSpace(m[2])) == 0 {
			continue
		}
		sum := sha256.Sum256(m[2])
		out += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return out
}

// page answers / and the viewer's own paths with index.html.
func (r *request) page() error {
	if r.s.files.fs == nil {
		return r.notBuilt()
	}
	h := r.Response().Header()
	h.Set("X-Frame-Options", "SAMEORIGIN")
	return r.file("index.html", "no-cache")
}

func (r *request) notBuilt() error {
	const text = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Nagar</title>
<h1>The map is not built into this server</h1>
<p>The server runs, and answers: <a href="openapi.json">openapi.json</a> lists what it offers, <a href="api/collections">api/collections</a> what it holds.</p>
<p>To have the map here, run <code>make build</code> in the source folder, which builds the viewer (it needs Node 20 or later), and start the server again.</p>
</html>
`
	r.Response().Header().Set("Cache-Control", "no-store")
	return r.send(http.StatusOK, typeHTML, []byte(text))
}

// asset answers any path that no route has: a file of the viewer, or one of the
// viewer's own pages.
func (r *request) asset() error {
	notThere := newProblem(http.StatusNotFound, "not-found", "path", "There is nothing at this path; /openapi.json lists what there is.")
	if !r.reading() {
		return notThere
	}
	name, err := url.PathUnescape(strings.TrimPrefix(r.Request().URL.EscapedPath(), "/"))
	if err != nil || !fileName(name) {
		return notThere
	}
	first, _, _ := strings.Cut(name, "/")
	if reserved[first] {
		return notThere
	}
	if r.s.files.fs != nil && name != "index.html" {
		if info, err := fs.Stat(r.s.files.fs, name); err == nil && !info.IsDir() {
			cache := "no-cache"
			if hashed.MatchString(name) {
				cache = "public, max-age=31536000, immutable"
			}
			return r.file(name, cache)
		}
	}
	if path.Ext(name) == "" && strings.Contains(r.Request().Header.Get("Accept"), "text/html") {
		return r.page() // /survey and the like: the viewer reads its own address
	}
	return notThere
}

// reserved are the first words of paths that are never a page of the viewer.
var reserved = map[string]bool{
	"api": true, "auth": true, "tiles": true, "styles": true, "fonts": true, "sprites": true, "3dtiles": true, "ogc": true,
	"sta": true, "cap": true, "openrosa": true, "open311": true, "catalog": true, "healthz": true, "readyz": true, "metrics": true,
}

// font answers /fonts/{path}, sprite /sprites/{path}.
func (r *request) font() error   { return r.under("fonts") }
func (r *request) sprite() error { return r.under("sprites") }

func (r *request) under(folder string) error {
	name, err := r.pathParam("path")
	if err != nil {
		return err
	}
	full := folder + "/" + name
	if r.s.files.fs == nil || !fileName(full) {
		return missing("path", "There is no file of this name.")
	}
	return r.file(full, "public, max-age=86400")
}

// style answers /styles/{name}.json with {base} replaced by this server's address.
func (r *request) style() error {
	name, err := r.pathParam("name")
	if err != nil {
		return err
	}
	full := "styles/" + name + ".json"
	if r.s.files.fs == nil || !fileName(full) || strings.Contains(name, "/") {
		return missing("name", "There is no style %q.", clip(name))
	}
	body, err := fs.ReadFile(r.s.files.fs, full)
	if errors.Is(err, fs.ErrNotExist) {
		return missing("name", "There is no style %q.", clip(name))
	}
	if err != nil {
		return fmt.Errorf("read style: %w", err)
	}
	return r.send(http.StatusOK, typeJSON, bytes.ReplaceAll(body, []byte("{base}"), []byte(r.baseURL())))
}

// fileName reports whether a name is of a file inside the viewer's folder: no way
// up, none from the root, and no byte that a file system may read otherwise.
func fileName(name string) bool {
	return fs.ValidPath(name) && !strings.ContainsFunc(name, func(c rune) bool { return c < 0x20 || c == 0x7f || c == '\\' || c == ':' })
}

// file answers one file of the viewer.
func (r *request) file(name, cache string) error {
	f, err := r.s.files.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return missing("path", "There is no file of this name.")
	}
	if err != nil {
		return err
	}
	h := r.Response().Header()
	h.Set("Content-Security-Policy", r.s.files.policy) // a worker lives by the policy of its own script
	h.Set("Cache-Control", cache)
	h.Set("Content-Type", f.mediaType)
	h.Set("Vary", "Accept-Encoding")
	coding := asIs
	if compressible.MatchString(f.mediaType) {
		if coding = negotiate(r.accept()); coding == refused {
			return newProblem(http.StatusNotAcceptable, "not-acceptable", "Accept-Encoding", "Accept-Encoding excludes every coding there is (gzip, zstd, br, identity).")
		}
		// For files that are compressed once and sent often, size counts first.
		if accept, present := r.accept(); present {
			if a := parseAccept(accept); a.q[brotlied] > 0 && a.q[brotlied] >= a.q[gzipped] {
				coding = brotlied
			}
		}
	}
	body, err := r.s.files.form(f, name, coding)
	if err != nil {
		return fmt.Errorf("viewer file %s: %w", name, err)
	}
	tag := withCoding(f.tag, coding)
	h.Set("ETag", tag)
	if noneMatch(r.Request().Header.Get("If-None-Match"), tag) {
		h.Del("Content-Type")
		r.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	if coding != asIs {
		h.Set("Content-Encoding", coding.String())
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	r.Response().WriteHeader(http.StatusOK)
	_, _ = r.Response().Write(body) // the caller may be gone: nothing to do about it
	return nil
}

func (fl *files) open(name string) (*file, error) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if f := fl.kept[name]; f != nil {
		return f, nil
	}
	info, err := fs.Stat(fl.fs, name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fs.ErrNotExist
	}
	if info.Size() > maxViewerFile {
		return nil, fmt.Errorf("viewer file %s has %d bytes, more than %d", name, info.Size(), maxViewerFile)
	}
	body, err := fs.ReadFile(fl.fs, name)
	if err != nil {
		return nil, err
	}
	f := &file{mediaType: mediaTypeOf(name), tag: contentTag("", body), forms: map[encoding][]byte{asIs: body}}
	fl.kept[name] = f
	return f, nil
}

// form returns the file in a content coding: the one that lies beside it as
// name.br or name.gz, else made now and kept. One that lies there and unpacks to
// something else is from another build, and is not used.
func (fl *files) form(f *file, name string, e encoding) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.forms[e]; ok {
		return b, nil
	}
	plain := f.forms[asIs]
	b, err := fs.ReadFile(fl.fs, name+beside[e])
	if errors.Is(err, fs.ErrNotExist) || err == nil && !unpacksTo(e, b, plain) {
		b, err = compressWell(e, plain)
	}
	if err != nil {
		return nil, err
	}
	f.forms[e] = b
	return b, nil
}

var beside = map[encoding]string{gzipped: ".gz", brotlied: ".br", zstandard: ".zst"}

// mediaTypeOf knows the types that the system's table may lack.
func mediaTypeOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return typeHTML
	case ".json", ".map":
		return typeJSON
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	case ".woff":
		return "font/woff"
	case ".pbf":
		return "application/x-protobuf"
	case ".wasm":
		return "application/wasm"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
