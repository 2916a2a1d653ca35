package httpapi

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/internal/assets"
)

// requestTime is the most that one answer, other than a live one, may take.
const requestTime = 30 * time.Second

// request is the context of one request; every handler gets it.
type request struct {
	echo.Context
	s        *Server
	route    *route
	id       string
	who      access.Principal // who asks; the zero Principal until identify
	view     catalog.View     // what they may see and write
	query    url.Values
	holds    int64            // bytes of its body in memory
	reads    []audit.Entry    // what the answer carries, until it is settled
	warnings []assets.Warning // about what was written
	origin

	values [8]string // of headers of the answer, see set
	used   int
}

// around is the one middleware: it gives the request its id and its view, and
// whatever happens inside becomes one answer, one figure and one log line.
func (s *Server) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		start := time.Now()
		r := &request{Context: c, s: s, route: s.routeOf(c), id: requestID(c.Request())}
		h := c.Response().Header()
		r.set("X-Request-Id", r.id)
		r.secure(h)
		if s.closing.Load() {
			h.Set("Connection", "close")
		}
		s.metrics.inFlight.Inc()
		defer func() {
			cut := false
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint // the value itself is what net/http panics with
					panic(v)
				}
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
			if err != nil {
				cut = c.Response().Committed
				r.fail(err)
			}
			s.metrics.inFlight.Dec()
			s.bodies.free(r.holds)
			r.done(time.Since(start), err)
			if cut {
				panic(http.ErrAbortHandler) // half an answer is out: end the connection
			}
			err = nil
		}()
		if err := r.open(); err != nil {
			return err
		}
		if r.route == nil || !r.route.stream {
			ctx, cancel := context.WithTimeout(c.Request().Context(), requestTime)
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
		}
		return r.dispatch(next)
	}
}

// open reads what every handler relies on: host, caller and query.
func (r *request) open() error {
	req := r.Request()
	var err error
	if r.origin, err = r.s.originOf(req); err != nil {
		return err
	}
	h := r.Response().Header()
	if r.s.cfg.HSTS && r.encrypted() {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if r.s.base == "" && !hostOK(r.host) {
		return newProblem(http.StatusBadRequest, "bad-request", "Host", "The Host header is not a host name.")
	}
	if len(req.Header["Content-Encoding"]) > 0 {
		// A few kilobytes can unpack to gigabytes, and nobody needs to pack what is written here.
		h.Set("Accept-Encoding", "identity")
		return newProblem(http.StatusUnsupportedMediaType, "unsupported-type", "Content-Encoding", "A body is taken as it is, without Content-Encoding.")
	}
	var badQuery error
	raw := req.URL.RawQuery
	if r.route != nil && r.route.tag == sensingTag { // a semicolon parts the options of $expand there
		raw = strings.ReplaceAll(raw, ";", "%3B")
	}
	r.query, badQuery = url.ParseQuery(raw)
	h["Vary"] = varies
	if err := r.admit(); err != nil {
		return err
	}
	if r.who.Known() || personal(req.URL.Path) { // no page of another site gets to hold it
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	} else { // what everybody may read, every page may read
		h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = anyOrigin, exposed
		if req.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "Accept, Content-Type, If-None-Match, Last-Event-ID, X-Request-Id")
			h.Set("Access-Control-Max-Age", "86400")
		}
	}
	if badQuery != nil {
		return newProblem(http.StatusBadRequest, "bad-request", "query", "The query cannot be read: a % needs two hexadecimal digits, and ; does not separate.")
	}
	limit := int64(0)
	if r.route != nil {
		limit = r.route.bodyLimit
	}
	if req.ContentLength > limit && limit > 0 {
		return &http.MaxBytesError{Limit: limit}
	}
	if limit > 0 {
		req.Body = r.held(http.MaxBytesReader(r.Response().Writer, req.Body, limit))
	}
	return r.allowed()
}

// admit finds out who calls, and whether they may call so often.
func (r *request) admit() error {
	if err := r.checkTries(); err != nil {
		return err
	}
	err := r.identify()
	if err == nil || problemOf(err).Status == http.StatusUnauthorized {
		r.noteToken(err == nil)
	}
	return errors.Join(r.charge(), err)
}

// done records the request: figures, and a log line without the query, which may
// say where somebody is.
func (r *request) done(took time.Duration, err error) {
	resp := r.Response()
	status := resp.Status
	if status == 0 {
		status = http.StatusOK
	}
	r.s.metrics.observe(r.route, r.Request().Method, status, took)
	level := slog.LevelInfo
	if r.route != nil && r.route.quiet {
		level = slog.LevelDebug
	}
	attrs := make([]slog.Attr, 0, 8)
	if status >= 500 {
		level = slog.LevelError
		if err != nil {
			attrs = append(attrs, slog.String("error", err.Error()))
		}
		if errors.Is(err, context.DeadlineExceeded) || status == http.StatusServiceUnavailable {
			level = slog.LevelWarn
		}
	}
	ctx := r.Request().Context()
	if !r.s.log.Enabled(ctx, level) {
		return
	}
	path := loggedPath(r.Request().URL.EscapedPath())
	attrs = append(attrs,
		slog.String("method", r.Request().Method), slog.String("path", path),
		slog.Int("status", status), slog.Int64("bytes", resp.Size),
		slog.Duration("took", took.Round(time.Microsecond)), slog.String("id", r.id), slog.String("who", r.callerLabel()))
	r.s.log.LogAttrs(ctx, level, "request", attrs...)
}

// loggedPath is the path as the log shows it: a sign-in link is a secret, in
// whatever spelling it was tried.
func loggedPath(escaped string) string {
	const link = "/auth/link"
	if plain, err := url.PathUnescape(escaped); err != nil || strings.Contains(path.Clean(strings.ToLower(plain)), link+"/") {
		return link + "/…"
	}
	if len(escaped) > 300 {
		escaped = escaped[:300] + "…"
	}
	return escaped
}

// secure sets the headers that every answer has; pages replace the first policy.
func (r *request) secure(h http.Header) {
	for i := range always {
		h[always[i].name] = always[i].value
	}
	if personal(r.Request().URL.Path) {
		h.Set("Cache-Control", "no-store")
	}
}

// Headers whose values never change are shared by all answers, so that setting
// them costs no memory. Nothing changes them in place: Set and Add make new ones.
var (
	always = [...]struct {
		name  string
		value []string
	}{
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Content-Security-Policy", []string{"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}},
		{"Referrer-Policy", []string{"strict-origin-when-cross-origin"}},
		{"Permissions-Policy", []string{permissions}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	}
	varies    = []string{"Accept-Encoding, Authorization, Cookie"}
	anyOrigin = []string{"*"}
	exposed   = []string{"ETag, Link, Nagar-Revision, Nagar-Dropped, Nagar-Features, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"}
)

// permissions is what pages may ask a browser for: surveys on a tablet take
// positions, pictures and notes. Nothing that a page embeds may.
const permissions = "geolocation=(self), camera=(self), microphone=(self), fullscreen=(self), " +
	"accelerometer=(self), gyroscope=(self), magnetometer=(self), payment=(), usb=(), serial=(), midi=(), browsing-topics=()"

// personal reports whether a path answers about the caller or about access itself:
// no cache keeps that, whatever the answer is.
func personal(path string) bool {
	for _, begin := range [...]string{"/auth", "/api/me", "/api/access", "/api/audit"} {
		if rest, ok := strings.CutPrefix(path, begin); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// requestID is the caller's X-Request-Id when it is a plain word, else a new one.
func requestID(req *http.Request) string {
	if id := req.Header.Get("X-Request-Id"); id != "" && len(id) <= 64 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == "" {
		return id
	}
	var b [8]byte
	n := rand.Uint64() // it names a request, and guards nothing
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	return hex.EncodeToString(b[:])
}
