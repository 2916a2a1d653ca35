package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
	"nagar/internal/access/identity"
)

// smallBody bounds the bodies of signing in and of administration, bytes.
const smallBody = 64 << 10

// authRoutes are how people sign in and out.
func authRoutes() []route {
	signedIn := []answer{ok("Who is signed in now; a cookie holds the session", typeJSON, ref("Me")),
		problemAnswer(400), problemAnswer(401), problemAnswer(403), problemAnswer(415), problemAnswer(429), problemAnswer(503)}
	token := pathParameter("token", "from the link", textSchema())
	return []route{
		{method: http.MethodGet, path: "/auth/methods", id: "getSignInMethods", tag: "access", summary: "The ways to sign in here",
			answers: []answer{ok("The ways", typeJSON, ref("SignInMethods"))}, handle: (*request).signInMethods},
		{method: http.MethodPost, path: "/auth/login", id: "signIn", tag: "access", summary: "Sign in with name and password", sameOrigin: true, bodyLimit: smallBody,
			body:    &content{text: "Name, password and, where the account has a second factor, its code", types: []string{typeJSON}, schema: ref("Credentials")},
			answers: signedIn, handle: (*request).signIn},
		{method: http.MethodPost, path: "/auth/logout", id: "signOut", tag: "access", summary: "End this session", sameOrigin: true,
			answers: []answer{{status: 204, text: "Nobody is signed in now"}, problemAnswer(403), problemAnswer(503)}, handle: (*request).signOut},
		{method: http.MethodGet, path: "/auth/link/{token}", id: "getSignInLink", tag: "access", summary: "The page of a one-time sign-in link; looking at it does not use it up",
			params: []parameter{token}, answers: []answer{page()}, handle: (*request).linkPage},
		{method: http.MethodPost, path: "/auth/link", id: "useSignInLink", tag: "access", summary: "Sign in by a one-time link", sameOrigin: true, bodyLimit: smallBody,
			body:    &content{text: "The token of the link and, where the account has a second factor, its code", types: []string{typeJSON, typeForm}, schema: ref("LinkToken")},
			answers: append([]answer{{status: 303, text: "To a form: signed in, go to the map"}}, signedIn...), handle: (*request).useLink},
		{method: http.MethodPost, path: "/auth/code", id: "requestCode", tag: "access", summary: "Have a one-time code sent to a citizen's phone or e-mail; the answer does not say whether it was", sameOrigin: true, bodyLimit: smallBody,
			body:    &content{text: "Where to", types: []string{typeJSON}, schema: ref("Contact")},
			answers: []answer{{status: 202, text: "It is sent, if it may be"}, problemAnswer(400), problemAnswer(403), problemAnswer(404), problemAnswer(415), problemAnswer(503)}, handle: (*request).requestCode},
		{method: http.MethodPost, path: "/auth/code/verify", id: "verifyCode", tag: "access", summary: "Sign in as a citizen by the code that was sent", sameOrigin: true, bodyLimit: smallBody,
			body:    &content{text: "Contact and code", types: []string{typeJSON}, schema: ref("ContactCode")},
			answers: append([]answer{problemAnswer(404)}, signedIn...), handle: (*request).verifyCode},
	}
}

// readJSON reads a body of one JSON object, strictly.
func (r *request) readJSON(v any, types ...string) error {
	body, err := r.body(append([]string{typeJSON}, types...)...)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return newProblem(http.StatusBadRequest, "invalid-body", "body", "The body does not fit: "+jsonReason(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return newProblem(http.StatusBadRequest, "invalid-body", "body", "There is more after the object.")
	}
	return nil
}

// signInMethods answers /auth/methods.
func (r *request) signInMethods() error {
	out := struct {
		Local bool       `json:"local"`
		OIDC  []provider `json:"oidc"`
		Codes []string   `json:"codes"`
	}{Local: true, OIDC: []provider{}, Codes: []string{}}
	for _, p := range r.s.cfg.Providers {
		out.OIDC = append(out.OIDC, provider{p.ID, p.Title})
	}
	if r.s.cfg.Identities.TakesCitizens() {
		out.Codes = []string{"sms", "email"}
	}
	return r.json(http.StatusOK, out)
}

type provider struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func (r *request) from() identity.Client {
	return identity.Client{Address: r.client.String(), Agent: r.Request().UserAgent()}
}

// signIn answers /auth/login.
func (r *request) signIn() error {
	var in struct{ Name, Password, Code string }
	if err := r.private(); err != nil {
		return err
	}
	if err := r.readJSON(&in); err != nil {
		return err
	}
	secret, err := r.s.cfg.Identities.SignIn(r.Request().Context(), in.Name, in.Password, in.Code, r.cookie(), r.from())
	return r.signedIn(secret, "password", r.refusal("password", in.Name, err))
}

// private refuses to take a password or to give a session where others on the way
// could read it: over plain HTTP from another machine.
func (r *request) private() error {
	if r.encrypted() || isThisMachine(r) {
		return nil
	}
	return newProblem(http.StatusForbidden, "needs-https", "", "Signing in needs HTTPS: over this connection others could read along. The server's --tls-self-signed, --tls-cert or a proxy with --public-url gives it.")
}

// isThisMachine reports whether client and server are one machine, or the browser
// takes them for one.
func isThisMachine(r *request) bool {
	host, _, _ := strings.Cut(strings.Trim(r.host, "[]"), ":")
	return r.client.IsLoopback() || strings.EqualFold(host, "localhost") || host == "127.0.0.1"
}

// cookie is the secret of the session that the request shows, "" for none.
func (r *request) cookie() string {
	c, err := r.Request().Cookie(door.Cookie(r.encrypted()))
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie hands the session to the browser, or with "" takes it away.
func (r *request) setCookie(secret string) {
	c := &http.Cookie{
		Name: door.Cookie(r.encrypted()), Value: secret, Path: "/", Secure: r.encrypted(),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(identity.SessionTime / time.Second),
	}
	if secret == "" {
		c.MaxAge = -1
	}
	r.Response().Header().Add("Set-Cookie", c.String())
}

// signedIn ends a sign-in: the cookie, and who it is for.
func (r *request) signedIn(secret, way string, err error) error {
	if err := r.enter(secret, way, err); err != nil {
		return err
	}
	return r.me()
}

// enter makes the caller of this request who has just signed in.
func (r *request) enter(secret, way string, err error) error {
	if err != nil {
		return signInProblem(r, err)
	}
	ctx := r.Request().Context()
	who, err := r.s.cfg.Identities.Session(ctx, secret)
	if err != nil {
		return err
	}
	r.who, r.view = who, r.s.gate.View(who)
	if err := r.record(audit.Entry{Action: audit.SignIn, Detail: way}); err != nil { // then nobody has
		return errors.Join(err, r.s.cfg.Identities.SignOut(ctx, secret))
	}
	r.setCookie(secret)
	return nil
}

// refusal records a sign-in that was refused; with an unknown name, which may be a
// password in the wrong place, that is all it says.
func (r *request) refusal(way, name string, err error) error {
	if !errors.Is(err, identity.ErrRefused) && !errors.Is(err, identity.ErrSecondFactor) {
		return err
	}
	detail := way
	if name != "" {
		a, aErr := r.s.cfg.Identities.AccountNamed(r.Request().Context(), name)
		if aErr == nil {
			detail += " of account " + a.ID
		} else if !errors.Is(aErr, catalog.ErrNotFound) {
			return aErr
		}
	}
	if logged := r.record(audit.Entry{Action: audit.SignInFail, Detail: detail}); logged != nil {
		return logged
	}
	return err
}

// recorded records a change of accounts, tokens or the policy, makes it, and records
// when it did not happen.
func (r *request) recorded(action audit.Action, detail string, do func(ctx context.Context) error) error {
	if err := r.record(audit.Entry{Action: action, Detail: detail}); err != nil {
		return err
	}
	err := do(r.Request().Context())
	if err != nil {
		r.undone("")
	}
	return err
}

// signInProblem is the answer to a sign-in, or a check of a secret, that failed.
func signInProblem(r *request, err error) error {
	var wait *identity.Throttled
	switch {
	case errors.Is(err, identity.ErrSecondFactor):
		return newProblem(http.StatusUnauthorized, "second-factor", "code", "The present code of your second factor is needed; each is good once.")
	case errors.Is(err, identity.ErrRefused):
		return newProblem(http.StatusUnauthorized, "unauthorized", "", "That is not right, or not valid any more.")
	case errors.As(err, &wait):
		return r.throttled("sign-in", "Too many attempts have failed. Please wait.", wait.After)
	case errors.Is(err, identity.ErrBusy):
		return unavailable(5, "Too many people are signing in just now; please try again.", nil)
	}
	return err
}

// signOut answers /auth/logout.
func (r *request) signOut() error {
	if secret := r.cookie(); secret != "" {
		if err := r.s.cfg.Identities.SignOut(r.Request().Context(), secret); err != nil {
			return err
		}
		if r.who.Known() {
			if err := r.record(audit.Entry{Action: audit.SignOut}); err != nil {
				return err
			}
		}
	}
	r.setCookie("")
	return r.NoContent(http.StatusNoContent)
}

// useLink answers POST /auth/link, of a script and of our own page's form.
func (r *request) useLink() error {
	if err := r.private(); err != nil {
		return err
	}
	var in struct{ Token, Code string }
	form := strings.HasPrefix(r.Request().Header.Get("Content-Type"), typeForm)
	if form {
		body, err := r.body(typeForm)
		if err != nil {
			return err
		}
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return newProblem(http.StatusBadRequest, "invalid-body", "body", "The form cannot be read.")
		}
		in.Token, in.Code = values.Get("token"), values.Get("code")
	} else if err := r.readJSON(&in); err != nil {
		return err
	}
	secret, err := r.s.cfg.Identities.UseLink(r.Request().Context(), in.Token, strings.TrimSpace(in.Code), r.cookie(), r.from())
	err = r.refusal("link", "", err)
	if !form {
		return r.signedIn(secret, "link", err)
	}
	if err := r.enter(secret, "link", err); err != nil {
		return r.linkFailed(in.Token, err)
	}
	r.Response().Header().Set("Location", r.s.base+"/")
	return r.NoContent(http.StatusSeeOther)
}

// citizens refuses what is of no use while no codes can be sent.
func (r *request) citizens() error {
	if !r.s.cfg.Identities.TakesCitizens() {
		return missing("path", "Citizens cannot sign in here: no way to send codes is set up (--code-sender).")
	}
	return r.private()
}

// requestCode answers /auth/code.
func (r *request) requestCode() error {
	if err := r.citizens(); err != nil {
		return err
	}
	var in struct{ Contact string }
	if err := r.readJSON(&in); err != nil {
		return err
	}
	if err := r.s.cfg.Identities.RequestCode(r.Request().Context(), in.Contact, r.from()); err != nil {
		return err
	}
	return r.NoContent(http.StatusAccepted)
}

// verifyCode answers /auth/code/verify.
func (r *request) verifyCode() error {
	if err := r.citizens(); err != nil {
		return err
	}
	var in struct{ Contact, Code string }
	if err := r.readJSON(&in); err != nil {
		return err
	}
	secret, err := r.s.cfg.Identities.VerifyCode(r.Request().Context(), in.Contact, strings.TrimSpace(in.Code), r.cookie(), r.from())
	return r.signedIn(secret, "code", r.refusal("code", "", err))
}

// fromThisSite refuses what another site made a browser send, where a cookie would
// stand for its user, or would be planted: Sec-Fetch-Site, else Origin against Host.
func (r *request) fromThisSite() error {
	byCookie := r.who.Kind == access.Account || r.who.Kind == access.Citizen
	if !byCookie && (r.route == nil || !r.route.sameOrigin) {
		return nil
	}
	req := r.Request()
	asked := http.Request{Method: req.Method, URL: req.URL, Header: req.Header, Host: r.host}
	if err := r.s.crossOrigin.Check(&asked); err != nil {
		return newProblem(http.StatusForbidden, "forbidden", "Origin", "Another site's page sent this.")
	}
	return nil
}
