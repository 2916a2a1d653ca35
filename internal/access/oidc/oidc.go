// Package oidc lets staff sign in by the city's OpenID providers (OpenID Connect
// Core 1.0, authorization code flow with PKCE): it sends a browser there, and reads
// who it is when it comes back. It keeps nothing: what a sign-in under way needs is
// in a cookie of that browser.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	oidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"nagar/internal/access/identity"
)

// Config describes a provider, as a file of them has it.
type Config struct {
	ID               string   `json:"id"`    // in our addresses: a-z, 0-9, -
	Title            string   `json:"title"` // on the button
	Issuer           string   `json:"issuer"`
	ClientID         string   `json:"client_id"`
	ClientSecretFile string   `json:"client_secret_file"` // relative to the configuration; "" for a public client
	Scopes           []string `json:"scopes"`             // beside openid and profile
	Roles            Mapping  `json:"roles"`
	Department       Mapping  `json:"department"`
	Wards            Mapping  `json:"wards"`
}

// Mapping reads values from a claim of the ID token. Map translates them, and drops
// those that it lacks; without Map they stand as they are. Without a claim an
// administrator sets the values.
type Mapping struct {
	Claim string            `json:"claim"`
	Map   map[string]string `json:"map"`
}

// of are the claim's values: a text, or a list of them.
func (m Mapping) of(claims map[string]any) []string {
	var given []string
	switch v := claims[m.Claim].(type) {
	case string:
		given = []string{v}
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				given = append(given, text)
			}
		}
	}
	if m.Map == nil {
		return given
	}
	var out []string
	for _, v := range given {
		if to, ok := m.Map[v]; ok {
			out = append(out, to)
		}
	}
	return out
}

// Provider is one that people may sign in by. Its methods may be called from any
// goroutine.
type Provider struct {
	Config
	secret string
	client *http.Client

	mu    sync.Mutex
	found *oidc.Provider // once its discovery document was read
}

var providerID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Load reads the file of the providers: {"providers": [...]}. It asks none of them:
// one that is down stops nobody else.
func Load(path string) ([]*Provider, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var file struct {
		Providers []Config `json:"providers"`
	}
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []*Provider
	seen := map[string]bool{}
	for i, c := range file.Providers {
		p, err := open(c, filepath.Dir(path))
		if err == nil && seen[c.ID] {
			err = errors.New("its id is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: providers[%d]: %w", path, i, err)
		}
		seen[c.ID] = true
		out = append(out, p)
	}
	return out, nil
}

func open(c Config, folder string) (*Provider, error) {
	switch u, err := url.Parse(c.Issuer); {
	case !providerID.MatchString(c.ID):
		return nil, errors.New("id: want a-z, 0-9 and -")
	case c.ClientID == "":
		return nil, errors.New("client_id is missing")
	case err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return nil, errors.New("issuer: want an https URL (http on this machine only)")
	}
	p := &Provider{Config: c, client: &http.Client{Timeout: 10 * time.Second}}
	if p.Title == "" {
		p.Title = p.ID
	}
	if c.ClientSecretFile != "" {
		file := c.ClientSecretFile
		if !filepath.IsAbs(file) {
			file = filepath.Join(folder, file)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("client_secret_file: %w", err)
		}
		p.secret = strings.TrimSpace(string(b))
	}
	return p, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// discover reads the provider's discovery document, until it has once.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	// Its keys are read again as they change, long after this request has ended.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the OpenID provider %s: %w", p.ID, err)
	}
	p.found = found
	return found, nil
}

func (p *Provider) oauth(found *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.secret, Endpoint: found.Endpoint(), RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID, "profile"}, p.Scopes...),
	}
}

// Flow is a sign-in under way. It is for the browser's cookie: whoever comes back
// without it did not begin here.
type Flow struct {
	Provider string `json:"p"`
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // of PKCE (RFC 7636)
	Return   string `json:"r"` // where to go afterwards, a path of ours
}

// Begin begins a sign-in, and returns where to send the browser; redirect is the
// address of ours that it comes back to.
func (p *Provider) Begin(ctx context.Context, redirect, returnTo string) (string, Flow, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", Flow{}, err
	}
	f := Flow{Provider: p.ID, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Return: returnTo}
	return p.oauth(found, redirect).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), f, nil
}

// ErrRefused: what came back from the provider does not hold; it comes wrapped with
// the reason, which holds no token.
var ErrRefused = errors.New("the sign-in at the provider does not hold")

// Finish reads who signed in, from the query that the browser came back with.
func (p *Provider) Finish(ctx context.Context, redirect string, query url.Values, f Flow) (identity.External, error) {
	var none identity.External
	refuse := func(reason string) (identity.External, error) { return none, fmt.Errorf("%w: %s", ErrRefused, reason) }
	switch {
	case f.Provider != p.ID || f.State == "" || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.State)) != 1:
		return refuse("it was not begun in this browser")
	case query.Get("iss") != "" && query.Get("iss") != p.Issuer: // RFC 9207: another provider's answer
		return refuse("another provider answered")
	case query.Get("error") != "":
		return refuse("the provider says no")
	}
	found, err := p.discover(ctx)
	if err != nil {
		return none, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth(found, redirect).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.Verifier))
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) {
		return refuse("its code is not valid")
	}
	if err != nil {
		return none, fmt.Errorf("ask the OpenID provider %s for a token: %w", p.ID, err)
	}
	raw, _ := token.Extra("id_token").(string)
	// Signature (by a public key of the provider's: neither none nor HMAC), iss, aud
	// and exp are checked here.
	id, err := found.VerifierContext(ctx, &oidc.Config{ClientID: p.ClientID}).Verify(ctx, raw)
	if err != nil {
		return refuse("its ID token is not valid")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return refuse("its ID token cannot be read")
	}
	azp, has := claims["azp"].(string)
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1:
		return refuse("its ID token was made for another sign-in")
	case has && azp != p.ClientID, !has && len(id.Audience) > 1: // OpenID Connect Core 3.1.3.7
		return refuse("its ID token was made for another party")
	case id.Subject == "":
		return refuse("its ID token names nobody")
	}
	if err := p.ask(ctx, found, token, id.Subject, claims); err != nil {
		return none, err
	}
	return p.external(id, claims), nil
}

// ask adds what only the userinfo endpoint tells, where the ID token lacks a claim
// that is wanted. What both tell, the ID token does.
func (p *Provider) ask(ctx context.Context, found *oidc.Provider, token *oauth2.Token, subject string, claims map[string]any) error {
	lacks := false
	for _, name := range []string{"preferred_username", p.Roles.Claim, p.Department.Claim, p.Wards.Claim} {
		_, has := claims[name]
		lacks = lacks || name != "" && !has
	}
	if !lacks || found.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("ask the OpenID provider %s who it is: %w", p.ID, err)
	}
	if info.Subject != subject { // OpenID Connect Core 5.3.2
		return fmt.Errorf("%w: its userinfo is about somebody else", ErrRefused)
	}
	var more map[string]any
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("%w: its userinfo cannot be read", ErrRefused)
	}
	for name, value := range more {
		if _, has := claims[name]; !has {
			claims[name] = value
		}
	}
	return nil
}

func (p *Provider) external(id *oidc.IDToken, claims map[string]any) identity.External {
	text := func(names ...string) string {
		for _, name := range names {
			if v, _ := claims[name].(string); v != "" {
				return v
			}
		}
		return ""
	}
	e := identity.External{
		Provider: p.ID, Issuer: id.Issuer, Subject: id.Subject,
		Name: text("preferred_username", "email"), Title: text("name", "preferred_username", "email"),
	}
	if p.Roles.Claim != "" {
		roles := p.Roles.of(claims)
		e.Roles = &roles
	}
	if p.Wards.Claim != "" {
		wards := p.Wards.of(claims)
		e.Wards = &wards
	}
	if p.Department.Claim != "" {
		department := ""
		if all := p.Department.of(claims); len(all) > 0 {
			department = all[0]
		}
		e.Department = &department
	}
	return e
}
