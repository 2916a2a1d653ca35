package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/internal/access/identity"
)

// accountRoutes manage accounts and tokens.
func accountRoutes() []route {
	id := pathParameter("id", "the id", lengthSchema(40))
	refusals := func(out ...answer) []answer {
		for _, status := range []int{400, 401, 403, 404, 415, 422, 503} {
			out = append(out, problemAnswer(status))
		}
		return out
	}
	account := ok("The account", typeJSON, ref("Account"))
	made := func(text string, s schema) answer { return answer{http.StatusCreated, text, typeJSON, s} }
	return []route{
		{method: http.MethodGet, path: "/api/access/accounts", id: "listAccounts", tag: "access", summary: "The accounts of staff", right: access.ManageAccounts,
			answers: refusals(ok("The accounts, by name", typeJSON, ref("Accounts")), notModified()), handle: (*request).listAccounts},
		{method: http.MethodPost, path: "/api/access/accounts", id: "createAccount", tag: "access", summary: "Create an account; its owner sets a password, signed in by a link", right: access.ManageAccounts, bodyLimit: smallBody,
			body:    &content{text: "The account", types: []string{typeJSON}, schema: ref("NewAccount")},
			answers: refusals(made("It is made", ref("Account"))), handle: (*request).createAccount},
		{method: http.MethodGet, path: "/api/access/accounts/{id}", id: "getAccount", tag: "access", summary: "An account", right: access.ManageAccounts,
			params: []parameter{id}, answers: refusals(account, notModified()), handle: (*request).getAccount},
		{method: http.MethodPatch, path: "/api/access/accounts/{id}", id: "patchAccount", tag: "access", summary: "Change an account, from its next request on", right: access.ManageAccounts, bodyLimit: smallBody,
			params: []parameter{id}, body: &content{text: "What changes; second_factor takes only false", types: []string{typeJSON, "application/merge-patch+json"}, schema: ref("AccountChange")},
			answers: refusals(account), handle: (*request).patchAccount},
		{method: http.MethodDelete, path: "/api/access/accounts/{id}", id: "deleteAccount", tag: "access", summary: "Remove an account and its sessions", right: access.ManageAccounts,
			params: []parameter{id}, answers: refusals(answer{status: 204, text: "It is gone"}), handle: (*request).deleteAccount},
		{method: http.MethodPost, path: "/api/access/accounts/{id}/link", id: "createSignInLink", tag: "access", summary: "Make a one-time sign-in link for an account, good for a day", right: access.ManageAccounts,
			params: []parameter{id}, answers: refusals(made("The link", ref("SignInLink"))), handle: (*request).createLink},
		{method: http.MethodGet, path: "/api/access/tokens", id: "listTokens", tag: "access", summary: "The API tokens", right: access.ManageAccounts,
			answers: refusals(ok("The tokens, the latest first", typeJSON, ref("Tokens")), notModified()), handle: (*request).listTokens},
		{method: http.MethodPost, path: "/api/access/tokens", id: "createToken", tag: "access", summary: "Make an API token; its secret is in this answer only", right: access.ManageAccounts, bodyLimit: smallBody,
			body:    &content{text: "The token", types: []string{typeJSON}, schema: ref("NewToken")},
			answers: refusals(made("The token with its secret", ref("Token"))), handle: (*request).createToken},
		{method: http.MethodDelete, path: "/api/access/tokens/{id}", id: "deleteToken", tag: "access", summary: "Revoke a token", right: access.ManageAccounts,
			params: []parameter{id}, answers: refusals(answer{status: 204, text: "It is revoked"}), handle: (*request).deleteToken},
	}
}

type accountJSON struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Title        string     `json:"title"`
	Roles        []string   `json:"roles"`
	Department   string     `json:"department"`
	Wards        []string   `json:"wards"`
	Disabled     bool       `json:"disabled"`
	HasPassword  bool       `json:"has_password"`
	SecondFactor bool       `json:"second_factor"`
	Provider     string     `json:"provider,omitempty"`
	Created      time.Time  `json:"created"`
	LastSeen     *time.Time `json:"last_seen"`
}

func accountOf(a *identity.Account) accountJSON {
	return accountJSON{a.ID, a.Name, a.Title, some(a.Roles), a.Department, some(a.Wards), a.Disabled, a.HasPassword, a.SecondFactor, a.Provider, a.Created, moments(a.LastSeen)}
}

// profileOf says in the log what an account or token may do.
func profileOf(a *identity.Account) string {
	out := fmt.Sprintf("; roles %q", a.Roles)
	if a.Department != "" {
		out += fmt.Sprintf("; department %q", clip(a.Department))
	}
	if len(a.Wards) > 0 {
		out += fmt.Sprintf("; wards %q", a.Wards)
	}
	if a.Disabled {
		out += "; disabled"
	}
	if len(out) > 500 {
		out = strings.ToValidUTF8(out[:500], "") + "…"
	}
	return out
}

func moments(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// listAccounts answers GET /api/access/accounts.
func (r *request) listAccounts() error {
	all, err := r.s.cfg.Identities.Accounts(r.Request().Context())
	if err != nil {
		return err
	}
	out := struct {
		Accounts []accountJSON `json:"accounts"`
	}{[]accountJSON{}}
	for i := range all {
		out.Accounts = append(out.Accounts, accountOf(&all[i]))
	}
	return r.json(http.StatusOK, out)
}

// mayGive refuses roles with rights that the caller lacks: who manages accounts must
// not make themselves, or a friend, more than they are.
func (r *request) mayGive(roles []string) error {
	ctx := r.Request().Context()
	if err := r.s.cfg.Policies.KnowsRoles(ctx, roles); err != nil {
		return inBody(err)
	}
	return r.outranks(roles)
}

// outranks refuses to manage who has rights that the caller lacks.
func (r *request) outranks(roles []string) error {
	ok, err := r.s.cfg.Policies.Outranks(r.Request().Context(), r.who, roles)
	if err == nil && !ok {
		err = forbidden("These roles have rights that you do not have.")
	}
	return err
}

// managed is the account that the path names, when the caller may manage it.
func (r *request) managed() (identity.Account, error) {
	id, err := r.pathParam("id")
	if err != nil {
		return identity.Account{}, err
	}
	a, err := r.s.cfg.Identities.Account(r.Request().Context(), id)
	if err != nil {
		return a, err
	}
	return a, r.outranks(a.Roles)
}

// createAccount answers POST /api/access/accounts.
func (r *request) createAccount() error {
	var in struct {
		Name, Title  string
		Roles, Wards []string
		Department   string
	}
	if err := r.readJSON(&in); err != nil {
		return err
	}
	if err := r.mayGive(in.Roles); err != nil {
		return err
	}
	a := identity.Account{Name: in.Name, Title: in.Title, Roles: in.Roles, Department: in.Department, Wards: in.Wards}
	err := r.recorded(audit.Accounts, "create "+clip(in.Name)+profileOf(&a), func(ctx context.Context) (err error) {
		a, err = r.s.cfg.Identities.CreateAccount(ctx, a)
		return err
	})
	if err != nil {
		return inBody(err)
	}
	r.Response().Header().Set("Location", r.baseURL()+"/api/access/accounts/"+a.ID)
	return r.json(http.StatusCreated, accountOf(&a))
}

// getAccount answers GET /api/access/accounts/{id}.
func (r *request) getAccount() error {
	id, err := r.pathParam("id")
	if err != nil {
		return err
	}
	a, err := r.s.cfg.Identities.Account(r.Request().Context(), id)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, accountOf(&a))
}

// patchAccount answers PATCH /api/access/accounts/{id}.
func (r *request) patchAccount() error {
	a, err := r.managed()
	if err != nil {
		return err
	}
	var in struct {
		Title        *string
		Roles        *[]string
		Department   *string
		Wards        *[]string
		Disabled     *bool
		SecondFactor *bool `json:"second_factor"`
	}
	if err := r.readJSON(&in, "application/merge-patch+json"); err != nil {
		return err
	}
	if in.Roles != nil {
		if err := r.mayGive(*in.Roles); err != nil {
			return err
		}
	}
	next, change := a, identity.AccountChange(in)
	change.Apply(&next)
	err = r.recorded(audit.Accounts, "change "+a.ID+profileOf(&next), func(ctx context.Context) (err error) {
		a, err = r.s.cfg.Identities.ChangeAccount(ctx, a.ID, change)
		return err
	})
	if err != nil {
		return inBody(err)
	}
	return r.json(http.StatusOK, accountOf(&a))
}

// deleteAccount answers DELETE /api/access/accounts/{id}.
func (r *request) deleteAccount() error {
	a, err := r.managed()
	if err != nil {
		return err
	}
	if err := r.recorded(audit.Accounts, "remove "+a.ID, func(ctx context.Context) error { return r.s.cfg.Identities.RemoveAccount(ctx, a.ID) }); err != nil {
		return err
	}
	return r.NoContent(http.StatusNoContent)
}

// createLink answers POST /api/access/accounts/{id}/link.
func (r *request) createLink() error {
	a, err := r.managed()
	if err != nil {
		return err
	}
	var secret string
	var expires time.Time
	err = r.recorded(audit.Accounts, "sign-in link for "+a.ID, func(ctx context.Context) (err error) {
		secret, expires, err = r.s.cfg.Identities.CreateLink(ctx, a.ID)
		return err
	})
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, struct {
		URL     string    `json:"url"`
		Expires time.Time `json:"expires"`
	}{r.baseURL() + "/auth/link/" + secret, expires})
}

type tokenJSON struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Roles       []string   `json:"roles"`
	Department  string     `json:"department"`
	Wards       []string   `json:"wards"`
	Collections []string   `json:"collections"`
	Purpose     string     `json:"purpose"`
	Maker       string     `json:"maker"`
	Created     time.Time  `json:"created"`
	Expires     time.Time  `json:"expires"`
	LastUsed    *time.Time `json:"last_used"`
	Secret      string     `json:"secret,omitempty"`
}

func tokenOf(t *identity.Token) tokenJSON {
	return tokenJSON{t.ID, t.Title, some(t.Roles), t.Department, some(t.Wards), some(t.Collections), t.Purpose, t.Maker, t.Created, t.Expires, moments(t.LastUsed), ""}
}

// listTokens answers GET /api/access/tokens.
func (r *request) listTokens() error {
	all, err := r.s.cfg.Identities.Tokens(r.Request().Context())
	if err != nil {
		return err
	}
	out := struct {
		Tokens []tokenJSON `json:"tokens"`
	}{[]tokenJSON{}}
	for i := range all {
		out.Tokens = append(out.Tokens, tokenOf(&all[i]))
	}
	return r.json(http.StatusOK, out)
}

// createToken answers POST /api/access/tokens.
func (r *request) createToken() error {
	var in struct {
		Title                     string
		Roles, Wards, Collections []string
		Department, Purpose       string
		Expires                   time.Time
	}
	if err := r.readJSON(&in); err != nil {
		return err
	}
	if err := r.mayGive(in.Roles); err != nil {
		return err
	}
	policy, err := r.s.cfg.Policies.Policy(r.Request().Context())
	if err != nil {
		return err
	}
	if in.Purpose != "" && !policy.Knows(in.Purpose) {
		return rejected(placeError{"purpose", "the policy has no such purpose"})
	}
	for _, name := range in.Collections { // a name that is none would look like a bound and be one by chance only
		if _, ok := r.collection(name); !ok {
			return rejected(placeError{"collections", "there is no collection " + strings.ToValidUTF8(clip(name), "?")})
		}
	}
	t, secret := identity.Token{
		Title: in.Title, Roles: in.Roles, Department: in.Department, Wards: in.Wards, Collections: in.Collections,
		Purpose: in.Purpose, Maker: r.who.ID, Expires: in.Expires,
	}, ""
	profile := identity.Account{Roles: in.Roles, Department: in.Department, Wards: in.Wards}
	err = r.recorded(audit.Tokens, "create "+clip(in.Title)+profileOf(&profile), func(ctx context.Context) (err error) {
		t, secret, err = r.s.cfg.Identities.CreateToken(ctx, t)
		return err
	})
	if err != nil {
		return inBody(err)
	}
	out := tokenOf(&t)
	out.Secret = secret
	return r.json(http.StatusCreated, out)
}

// deleteToken answers DELETE /api/access/tokens/{id}.
func (r *request) deleteToken() error {
	id, err := r.pathParam("id")
	if err != nil {
		return err
	}
	if err := r.recorded(audit.Tokens, "revoke "+clip(id), func(ctx context.Context) error { return r.s.cfg.Identities.RemoveToken(ctx, id) }); err != nil {
		return err
	}
	return r.NoContent(http.StatusNoContent)
}
