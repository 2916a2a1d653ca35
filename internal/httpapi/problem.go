package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"nagar/catalog"
)

// problem is an answer that is an error: RFC 9457, "Problem Details for HTTP
// APIs". Members beyond the RFC's: parameter names the part of the request that
// is wrong, errors lists places in a body, id finds the request in the log; code and
// values say by which rule the register refused, and with what, for other languages.
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Instance  string       `json:"instance"`
	Parameter string       `json:"parameter,omitempty"`
	Errors    []placeError `json:"errors,omitempty"`
	Code      string       `json:"code,omitempty"`
	Values    []string     `json:"values,omitempty"`
	ID        string       `json:"id"`

	retryAfter int   // seconds; 0: no such header
	cause      error // goes to the log, never to the caller
}

// placeError is one thing that is wrong in a body.
type placeError struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

func (p *problem) Error() string {
	if p.cause != nil {
		return p.cause.Error()
	}
	return p.Detail
}

func (p *problem) Unwrap() error { return p.cause }

// The kinds of problem: the last part of "type", and its title.
var problemTitles = map[string]string{
	"invalid-parameter":     "A parameter is not valid",
	"invalid-body":          "The body is not valid",
	"unauthorized":          "A valid token is needed",
	"forbidden":             "You may not do this",
	"not-found":             "There is no such thing here",
	"method-not-allowed":    "This method does not work here",
	"not-acceptable":        "No acceptable form of the answer",
	"conflict":              "It is there already, or was changed meanwhile",
	"precondition-failed":   "It was changed meanwhile",
	"precondition-required": "A precondition is needed",
	"too-large":             "The body is too large",
	"unsupported-type":      "The body is of an unsupported type",
	"rejected":              "The content was rejected",
	"bad-request":           "The request cannot be understood",
	"too-many-requests":     "Too many requests",
	"second-factor":         "The code of the second factor is needed",
	"needs-https":           "An encrypted connection is needed",
	"unavailable":           "Not available just now",
	"not-implemented":       "This is not done here",
	"internal":              "Something failed inside",
}

func newProblem(status int, kind, parameter, detail string) *problem {
	return &problem{
		Type: "urn:nagar:problem:" + kind, Title: problemTitles[kind],
		Status: status, Detail: detail, Parameter: parameter,
	}
}

// badParam is the 400 for a parameter.
func badParam(name, format string, a ...any) error {
	return newProblem(http.StatusBadRequest, "invalid-parameter", name, name+": "+fmt.Sprintf(format, a...))
}

// missing is the 404 for what a part of the request names.
func missing(parameter, format string, a ...any) error {
	return newProblem(http.StatusNotFound, "not-found", parameter, fmt.Sprintf(format, a...))
}

func unknownCollection(name string) error {
	return missing("collection", "There is no collection %q.", clip(name))
}

// rejected is the 422 for a body that is readable and wrong.
func rejected(errs ...placeError) error {
	p := newProblem(http.StatusUnprocessableEntity, "rejected", "body", "The content was rejected; errors lists why.")
	p.Errors = errs
	if len(errs) == 1 {
		p.Detail = errs[0].Path + ": " + errs[0].Reason
	}
	return p
}

func unavailable(seconds int, detail string, cause error) error {
	p := newProblem(http.StatusServiceUnavailable, "unavailable", "", detail)
	p.retryAfter, p.cause = seconds, cause
	return p
}

// inBody turns what the catalogue says against written content into a 422.
func inBody(err error) error {
	var inv *catalog.Invalid
	if errors.As(err, &inv) {
		return rejected(placeError{inv.Path, inv.Reason})
	}
	return err
}

// problemOf maps any error to the answer it gets. It is the one place that does.
func problemOf(err error) *problem {
	var (
		p        *problem
		invalid  *catalog.Invalid
		conflict *catalog.Conflict
		large    *http.MaxBytesError
		he       *echo.HTTPError
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &invalid):
		p = newProblem(http.StatusBadRequest, "invalid-parameter", invalid.Path, invalid.Error())
	case errors.As(err, &conflict):
		p = newProblem(http.StatusConflict, "conflict", "id", fmt.Sprintf("%s/%s is at revision %d.", conflict.Collection, clip(conflict.ID), conflict.Have))
		if conflict.Have == 0 {
			p.Detail = fmt.Sprintf("%s/%s does not exist.", conflict.Collection, clip(conflict.ID))
		}
	case errors.As(err, &large):
		p = newProblem(http.StatusRequestEntityTooLarge, "too-large", "body", fmt.Sprintf("The body may have at most %d bytes.", large.Limit))
	case errors.Is(err, catalog.ErrNotFound):
		p = newProblem(http.StatusNotFound, "not-found", "", "There is nothing of that name here.")
	case errors.Is(err, catalog.ErrBadCursor):
		p = newProblem(http.StatusBadRequest, "invalid-parameter", "known", "known: that revision is yet to come.")
	case errors.Is(err, catalog.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		p = newProblem(http.StatusServiceUnavailable, "unavailable", "", "The city's store does not answer in time; please try again.")
		p.retryAfter = 2
	case errors.As(err, &he):
		p = fromEcho(he)
	default:
		p = newProblem(http.StatusInternalServerError, "internal", "", "Something failed inside; the id finds it in the log.")
	}
	p.cause = err
	return p
}

func fromEcho(he *echo.HTTPError) *problem {
	switch he.Code {
	case http.StatusNotFound:
		return newProblem(he.Code, "not-found", "path", "There is nothing at this path; /openapi.json lists what there is.")
	case http.StatusMethodNotAllowed:
		return newProblem(he.Code, "method-not-allowed", "method", "This method does not work here; the header Allow lists those that do.")
	}
	if he.Code >= 400 && he.Code < 500 {
		return newProblem(he.Code, "bad-request", "request", http.StatusText(he.Code))
	}
	return newProblem(http.StatusInternalServerError, "internal", "", "Something failed inside; the id finds it in the log.")
}

// fail writes the error as problem+json. Answers that have begun cannot be
// taken back: those connections are cut, so that nobody takes half for whole.
func (r *request) fail(err error) {
	p := problemOf(err)
	if r.Response().Committed {
		return
	}
	if errors.Is(err, context.Canceled) && r.Request().Context().Err() != nil {
		r.Response().Status = statusClientGone
		return
	}
	out := *p
	out.Instance, out.ID = r.Request().URL.EscapedPath(), r.id
	h := r.Response().Header()
	for _, name := range []string{"ETag", "Content-Encoding", "Last-Modified", "Link"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	switch out.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="nagar"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", strconv.Itoa(max(out.retryAfter, 1)))
	}
	body, mErr := json.Marshal(&out)
	if mErr != nil { // strings and numbers always marshal
		body = []byte(`{"type":"about:blank","status":500}`)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	r.Response().WriteHeader(out.Status)
	_, _ = r.Response().Write(body) // the caller may be gone: nothing to do about it
}

// statusClientGone is what the log shows for callers that did not wait (as nginx has it).
const statusClientGone = 499

// clip shortens what a caller wrote for use in a message.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
