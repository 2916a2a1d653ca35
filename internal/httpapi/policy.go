package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
)

const policyBody = 1 << 20 // bytes

// keptVersions is how many versions of the policy are listed.
const keptVersions = 100

// policyRoutes read and replace the policy.
func policyRoutes() []route {
	refusals := func(out ...answer) []answer {
		for _, status := range []int{400, 401, 403, 412, 413, 415, 428, 503} {
			out = append(out, problemAnswer(status))
		}
		return out
	}
	return []route{
		{method: http.MethodGet, path: "/api/access/policy", id: "getPolicy", tag: "access", summary: "The policy in force; its ETag is what If-Match of a change takes", right: access.ManagePolicy,
			answers: refusals(ok("The policy", typeJSON, ref("Policy")), notModified()), handle: (*request).getPolicy},
		{method: http.MethodPut, path: "/api/access/policy", id: "putPolicy", tag: "access", summary: "Replace the policy, from the next request on", right: access.ManagePolicy, bodyLimit: policyBody,
			params:  []parameter{headerParameter("If-Match", "the ETag of the policy that the caller saw", textSchema()).needed()},
			body:    &content{text: "The whole policy; its version is given by the server", types: []string{typeJSON}, schema: ref("Policy")},
			answers: refusals(ok("The policy", typeJSON, ref("Policy"))), handle: (*request).putPolicy},
		{method: http.MethodGet, path: "/api/access/policy/versions", id: "listPolicyVersions", tag: "access", summary: "The versions that the policy has had, the latest first", right: access.ManagePolicy,
			answers: refusals(ok("The versions", typeJSON, ref("PolicyVersions")), notModified()), handle: (*request).policyVersions},
	}
}

// policyTag names a version of the policy.
func policyTag(version int) string { return `"policy-` + strconv.Itoa(version) + `"` }

// seesPolicy reports whether an If-Match header names the version, in whatever
// content coding it was seen.
func seesPolicy(header string, version int) bool {
	for _, coding := range []encoding{asIs, gzipped, zstandard, brotlied} {
		if noneMatch(header, withCoding(policyTag(version), coding)) {
			return true
		}
	}
	return false
}

// getPolicy answers GET /api/access/policy.
func (r *request) getPolicy() error {
	p, err := r.s.cfg.Policies.Policy(r.Request().Context())
	if err != nil {
		return err
	}
	r.Response().Header().Set("ETag", policyTag(p.Version))
	return r.json(http.StatusOK, p)
}

// putPolicy answers PUT /api/access/policy.
func (r *request) putPolicy() error {
	have, err := r.s.cfg.Policies.Policy(r.Request().Context())
	if err != nil {
		return err
	}
	given := r.Request().Header.Get("If-Match")
	switch {
	case given == "":
		return newProblem(http.StatusPreconditionRequired, "precondition-required", "If-Match", "Say by If-Match: ETAG which policy you saw.")
	case !seesPolicy(given, have.Version):
		return newProblem(http.StatusPreconditionFailed, "precondition-failed", "If-Match", "The policy was changed meanwhile.")
	}
	body, err := r.body(typeJSON)
	if err != nil {
		return err
	}
	next, err := access.ReadPolicy(body)
	var inv *catalog.Invalid
	if errors.As(err, &inv) {
		p := newProblem(http.StatusBadRequest, "invalid-body", inv.Path, inv.Path+": "+inv.Reason)
		p.Errors = []placeError{{inv.Path, inv.Reason}}
		return p
	}
	if err != nil {
		return err
	}
	err = r.recorded(audit.Policies, "version "+strconv.Itoa(have.Version+1), func(ctx context.Context) (err error) {
		next.Version, err = r.s.cfg.Policies.SetPolicy(ctx, next, have.Version, r.who.ID)
		return err
	})
	if errors.Is(err, door.ErrChanged) {
		return newProblem(http.StatusPreconditionFailed, "precondition-failed", "If-Match", "The policy was changed meanwhile.")
	}
	if err != nil {
		return err
	}
	r.Response().Header().Set("ETag", policyTag(next.Version))
	return r.json(http.StatusOK, next)
}

// policyVersions answers GET /api/access/policy/versions.
func (r *request) policyVersions() error {
	all, err := r.s.cfg.Policies.Versions(r.Request().Context(), keptVersions)
	if err != nil {
		return err
	}
	type version struct {
		Version int            `json:"version"`
		Author  string         `json:"author"`
		Written *time.Time     `json:"written"`
		Policy  *access.Policy `json:"policy"`
	}
	out := struct {
		Versions []version `json:"versions"`
	}{[]version{}}
	for _, v := range all {
		out.Versions = append(out.Versions, version{v.Version, v.Author, moments(v.Written), v.Policy})
	}
	return r.json(http.StatusOK, out)
}
