package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/internal/access/identity"
)

// meRoutes are about the caller's own session and account.
func meRoutes() []route {
	done := func(text string, more ...int) []answer {
		out := []answer{{status: 204, text: text}, problemAnswer(400), problemAnswer(401), problemAnswer(403), problemAnswer(415), problemAnswer(422), problemAnswer(429), problemAnswer(503)}
		for _, status := range more {
			out = append(out, problemAnswer(status))
		}
		return out
	}
	code := &content{text: "The present code", types: []string{typeJSON}, schema: ref("Code")}
	return []route{
		{method: http.MethodGet, path: "/api/me", id: "getMe", tag: "me", summary: "Who the caller is, and may do",
			answers: []answer{ok("The caller; kind is anonymous where nobody is signed in", typeJSON, ref("Me")), notModified()}, handle: (*request).me},
		{method: http.MethodPut, path: "/api/me/purpose", id: "putPurpose", tag: "me", summary: "Say why personal data is read in this session, or with an empty text that it is no more", session: true, bodyLimit: smallBody,
			body:    &content{text: "One of the policy's purposes, or an empty text", types: []string{typeJSON}, schema: ref("PurposeChoice")},
			answers: append(done("", 404), ok("The caller now", typeJSON, ref("Me"))), handle: (*request).putPurpose},
		{method: http.MethodPut, path: "/api/me/password", id: "putPassword", tag: "me", summary: "Set the password of one's own account; its other sessions end", account: true, bodyLimit: smallBody,
			body:    &content{text: "The old password, where there is one, and the new", types: []string{typeJSON}, schema: ref("PasswordChange")},
			answers: done("It is set"), handle: (*request).putPassword},
		{method: http.MethodPost, path: "/api/me/totp", id: "beginSecondFactor", tag: "me", summary: "Begin a second factor (TOTP, RFC 6238)", account: true,
			answers: append(done("", 422), ok("What an authenticator takes; it counts once a code of it was shown", typeJSON, ref("SecondFactor"))), handle: (*request).beginTOTP},
		{method: http.MethodPut, path: "/api/me/totp", id: "enableSecondFactor", tag: "me", summary: "Turn the second factor on", account: true, bodyLimit: smallBody,
			body: code, answers: done("It is asked from now on"), handle: (*request).enableTOTP},
		{method: http.MethodDelete, path: "/api/me/totp", id: "disableSecondFactor", tag: "me", summary: "Turn the second factor off", account: true, bodyLimit: smallBody,
			body: code, answers: done("It is asked no more"), handle: (*request).disableTOTP},
		{method: http.MethodGet, path: "/api/me/sessions", id: "listMySessions", tag: "me", summary: "Where the caller is signed in", session: true,
			answers: []answer{ok("The sessions, the one used last first", typeJSON, ref("Sessions")), notModified(), problemAnswer(401), problemAnswer(403)}, handle: (*request).mySessions},
		{method: http.MethodDelete, path: "/api/me/sessions/{id}", id: "endMySession", tag: "me", summary: "End one of the caller's sessions", session: true,
			params: []parameter{pathParameter("id", "id of the session", lengthSchema(40))}, answers: done("It has ended", 404), handle: (*request).endMySession},
	}
}

// meJSON is the caller as /api/me tells.
type meJSON struct {
	Kind         access.Kind      `json:"kind"`
	Name         string           `json:"name"`
	Contact      string           `json:"contact,omitempty"`
	Roles        []string         `json:"roles"`
	Department   string           `json:"department"`
	Wards        []string         `json:"wards"`
	Purpose      string           `json:"purpose"`
	Purposes     []access.Purpose `json:"purposes"`
	Rights       []access.Right   `json:"rights"`
	MayWrite     []string         `json:"may_write"`
	Personal     bool             `json:"personal"`
	Expires      *time.Time       `json:"expires"`
	SecondFactor bool             `json:"second_factor"`
	HasPassword  bool             `json:"has_password"`
}

// me answers /api/me.
func (r *request) me() error {
	ctx := r.Request().Context()
	policy, err := r.s.cfg.Policies.Policy(ctx)
	if err != nil {
		return err
	}
	out := meJSON{
		Kind: r.who.Kind, Name: r.who.Name, Contact: r.who.Contact, Roles: some(r.who.Roles), Department: r.who.Department, Wards: some(r.who.Wards),
		Purpose: r.who.Purpose, Purposes: some(policy.Purposes), Rights: some(r.s.gate.Rights(r.who)), MayWrite: []string{},
		Personal: r.s.cfg.Policies.AsksPurpose(r.who),
	}
	if len(out.Roles) == 0 && r.who.Kind != access.Root {
		out.Roles = []string{access.PublicRole}
	}
	infos := r.s.cfg.Engine.Collections()
	for i := range infos {
		if c := &infos[i].Collection; !r.s.cfg.ReadOnly && r.view.Writes(c) {
			out.MayWrite = append(out.MayWrite, c.Name)
		}
	}
	if r.who.Session != "" {
		expires, _, err := r.s.cfg.Identities.Expires(ctx, r.who)
		if err != nil {
			return err
		}
		if !expires.IsZero() {
			out.Expires = &expires
		}
	}
	if r.who.Kind == access.Account {
		a, err := r.s.cfg.Identities.Account(ctx, r.who.ID)
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return err
		}
		out.SecondFactor, out.HasPassword = a.SecondFactor, a.HasPassword
	}
	return r.json(http.StatusOK, out)
}

// some is the list as JSON has it: [] where there is none.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// putPurpose answers /api/me/purpose.
func (r *request) putPurpose() error {
	var in struct{ Purpose string }
	if err := r.readJSON(&in); err != nil {
		return err
	}
	policy, err := r.s.cfg.Policies.Policy(r.Request().Context())
	if err != nil {
		return err
	}
	if in.Purpose != "" && !policy.Knows(in.Purpose) {
		return rejected(placeError{"purpose", "the policy has no such purpose"})
	}
	r.who.Purpose = in.Purpose // the log names the new one
	if err := r.recorded(audit.SetPurpose, "", func(ctx context.Context) error {
		return r.s.cfg.Identities.SetPurpose(ctx, r.who.ID, r.who.Session, in.Purpose)
	}); err != nil {
		return err
	}
	r.view = r.s.gate.View(r.who)
	return r.me()
}

// putPassword answers /api/me/password.
func (r *request) putPassword() error {
	var in struct{ Old, New string }
	if err := r.readJSON(&in); err != nil {
		return err
	}
	return r.nothingBut(r.recorded(audit.Accounts, "own password", func(ctx context.Context) error {
		return r.s.cfg.Identities.SetPassword(ctx, r.who, in.Old, in.New, r.from())
	}))
}

// nothingBut answers 204, or what went wrong with a secret.
func (r *request) nothingBut(err error) error {
	switch {
	case errors.Is(err, identity.ErrRefused):
		return rejected(placeError{"old", "it is not the present password"})
	case errors.Is(err, identity.ErrSecondFactor):
		return rejected(placeError{"code", "it is not the present code, or was used before"})
	case err != nil:
		return signInProblem(r, inBody(err))
	}
	return r.NoContent(http.StatusNoContent)
}

// beginTOTP answers POST /api/me/totp.
func (r *request) beginTOTP() error {
	issuer := r.s.cfg.Profile.Title["en"]
	secret, uri, err := r.s.cfg.Identities.BeginSecondFactor(r.Request().Context(), r.who, issuer)
	if err != nil {
		return inBody(err)
	}
	return r.json(http.StatusOK, struct {
		Secret string `json:"secret"`
		URI    string `json:"uri"`
	}{secret, uri})
}

// enableTOTP and disableTOTP answer PUT and DELETE /api/me/totp.
func (r *request) enableTOTP() error {
	return r.switchTOTP("own second factor on", r.s.cfg.Identities.EnableSecondFactor)
}
func (r *request) disableTOTP() error {
	return r.switchTOTP("own second factor off", r.s.cfg.Identities.DisableSecondFactor)
}

func (r *request) switchTOTP(detail string, to func(ctx context.Context, who access.Principal, code string) error) error {
	var in struct{ Code string }
	if err := r.readJSON(&in); err != nil {
		return err
	}
	return r.nothingBut(r.recorded(audit.Accounts, detail, func(ctx context.Context) error { return to(ctx, r.who, in.Code) }))
}

// mySessions answers /api/me/sessions.
func (r *request) mySessions() error {
	sessions, err := r.s.cfg.Identities.Sessions(r.Request().Context(), r.who.ID)
	if err != nil {
		return err
	}
	type session struct {
		ID      string    `json:"id"`
		This    bool      `json:"this"`
		Method  string    `json:"method"`
		Created time.Time `json:"created"`
		Seen    time.Time `json:"seen"`
		Expires time.Time `json:"expires"`
		Address string    `json:"address"`
		Agent   string    `json:"agent"`
	}
	out := struct {
		Sessions []session `json:"sessions"`
	}{[]session{}}
	for _, e := range sessions {
		out.Sessions = append(out.Sessions, session{e.ID, e.ID == r.who.Session, e.Method, e.Created, e.Seen, e.Expires, e.Address, e.Agent})
	}
	return r.json(http.StatusOK, out)
}

// endMySession answers DELETE /api/me/sessions/{id}.
func (r *request) endMySession() error {
	id, err := r.pathParam("id")
	if err != nil {
		return err
	}
	if err := r.s.cfg.Identities.EndSession(r.Request().Context(), r.who.ID, id); err != nil {
		return err
	}
	return r.NoContent(http.StatusNoContent)
}
