package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"nagar/internal/access/audit"
	"nagar/internal/access/identity"
	"nagar/internal/access/oidc"
)

// oidcRoutes sign in by the city's OpenID providers.
func oidcRoutes() []route {
	provider := pathParameter("provider", "id of the provider, as /auth/methods lists it", pattern(`^[a-z0-9][a-z0-9-]{0,39}$`))
	return []route{
		{method: http.MethodGet, path: "/auth/oidc/{provider}", id: "beginOpenID", tag: "access", summary: "Sign in at an OpenID provider",
			params:  []parameter{provider, queryParameter("return", "path of ours to go to afterwards", textSchema())},
			answers: []answer{{status: 302, text: "To the provider"}, problemAnswer(403), problemAnswer(404), problemAnswer(503)}, handle: (*request).beginOIDC},
		{method: http.MethodGet, path: "/auth/oidc/{provider}/callback", id: "finishOpenID", tag: "access", summary: "Back from an OpenID provider",
			params: []parameter{provider, queryParameter("code", "from the provider", textSchema()), queryParameter("state", "from the provider", textSchema())},
			answers: []answer{{status: 302, text: "Signed in, to where it began"}, {status: 401, text: "It does not hold: a page that says so", mediaType: "text/html", schema: textSchema()},
				problemAnswer(403), problemAnswer(404), problemAnswer(503)}, handle: (*request).finishOIDC},
	}
}

// flowCookie holds a sign-in under way; it is named like the session's.
const flowTime = 600 // seconds

func (r *request) flowCookie() string {
	if r.encrypted() {
		return "__Host-nagar-oidc"
	}
	return "nagar-oidc"
}

func (r *request) setFlow(value string, seconds int) {
	c := &http.Cookie{Name: r.flowCookie(), Value: value, Path: "/", Secure: r.encrypted(), HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: seconds}
	r.Response().Header().Add("Set-Cookie", c.String())
}

func (r *request) provider() (*oidc.Provider, string, error) {
	if err := r.private(); err != nil {
		return nil, "", err
	}
	id, err := r.pathParam("provider")
	if err != nil {
		return nil, "", err
	}
	for _, p := range r.s.cfg.Providers {
		if p.ID == id {
			return p, r.baseURL() + "/auth/oidc/" + id + "/callback", nil
		}
	}
	return nil, "", missing("provider", "There is no OpenID provider %q.", clip(id))
}

// beginOIDC answers /auth/oidc/{provider}.
func (r *request) beginOIDC() error {
	p, redirect, err := r.provider()
	if err != nil {
		return err
	}
	to, err := r.text("return", 2000)
	if err != nil {
		return err
	}
	address, flow, err := p.Begin(r.Request().Context(), redirect, ownPath(to))
	if err != nil {
		return unavailable(30, "The OpenID provider does not answer.", err)
	}
	text, err := json.Marshal(flow)
	if err != nil {
		return err
	}
	r.setFlow(base64.RawURLEncoding.EncodeToString(text), flowTime)
	r.Response().Header().Set("Location", address)
	return r.NoContent(http.StatusFound)
}

// ownPath is the path when it is one of this site's, else the start.
func ownPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c == '\\' || c > '~' }) {
		return "/"
	}
	return path
}

// finishOIDC answers /auth/oidc/{provider}/callback.
func (r *request) finishOIDC() error {
	p, redirect, err := r.provider()
	if err != nil {
		return err
	}
	var flow oidc.Flow
	if c, err := r.Request().Cookie(r.flowCookie()); err == nil {
		if text, err := base64.RawURLEncoding.DecodeString(c.Value); err == nil {
			_ = json.Unmarshal(text, &flow) // what cannot be read began nothing here
		}
	}
	r.setFlow("", -1) // one answer for one question
	ctx := r.Request().Context()
	who, err := p.Finish(ctx, redirect, r.query, flow)
	if errors.Is(err, oidc.ErrRefused) {
		return r.refusedOIDC(p, err)
	}
	if err != nil {
		return unavailable(30, "The OpenID provider does not answer.", err)
	}
	secret, err := r.s.cfg.Identities.SignInExternal(ctx, who, r.cookie(), r.from())
	if errors.Is(err, identity.ErrRefused) {
		return r.refusedOIDC(p, err)
	}
	if err := r.enter(secret, "oidc "+p.ID, err); err != nil {
		return err
	}
	r.Response().Header().Set("Location", r.s.base+ownPath(flow.Return))
	return r.NoContent(http.StatusFound)
}

// refusedOIDC tells a person, whose browser this is, that it did not work, and the
// logs why.
func (r *request) refusedOIDC(p *oidc.Provider, why error) error {
	if err := r.record(audit.Entry{Action: audit.SignInFail, Detail: "oidc " + p.ID}); err != nil {
		return err
	}
	r.s.log.Info("sign-in refused", "provider", p.ID, "reason", why.Error(), "id", r.id)
	return r.showLink(http.StatusUnauthorized, "", r.linkWords().Failed, false)
}
