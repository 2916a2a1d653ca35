package oidc

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// forger is a provider whose ID tokens the test makes.
type forger struct {
	*httptest.Server
	key      *rsa.PrivateKey
	idToken  string
	userinfo string
	asked    []string // paths
}

const keyID = "key-1"

func newForger(t *testing.T) *forger {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{key: key}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked = append(f.asked, r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		var answer any
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			answer = map[string]any{
				"issuer": f.URL, "authorization_endpoint": f.URL + "/auth", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys",
				"userinfo_endpoint": f.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
			}
		case "/keys":
			answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: keyID, Algorithm: "RS256", Use: "sig"}}}
		case "/token":
			answer = map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": f.idToken}
		case "/userinfo":
			_, _ = w.Write([]byte(f.userinfo))
			return
		default:
			http.NotFound(w, r)
			return
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *forger) provider(t *testing.T) *Provider {
	t.Helper()
	p, err := open(Config{ID: "city", Issuer: f.URL, ClientID: "nagar", Roles: Mapping{Claim: "groups", Map: map[string]string{"gis": "planner"}}, Department: Mapping{Claim: "dept"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	o := &jose.SignerOptions{}
	for k, v := range header {
		o = o.WithHeader(k, v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const redirect = "http://localhost/auth/oidc/city/callback"

// TestForgedTokens gives ID tokens that do not hold, each wrong in one way.
func TestForgedTokens(t *testing.T) {
	f := newForger(t)
	p := f.provider(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	b64 := base64.RawURLEncoding.EncodeToString
	good := map[jose.HeaderKey]any{"kid": keyID}
	rs := func(claims map[string]any) string { return sign(t, jose.RS256, f.key, good, claims) }
	for name, c := range map[string]struct {
		make func(claims map[string]any) string
		ok   bool
	}{
		"as it should be": {func(c map[string]any) string { return rs(c) }, true},
		"no signature": {func(c map[string]any) string {
			text, _ := json.Marshal(c)
			return b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + b64(text) + "."
		}, false},
		"HMAC with the public key": {func(c map[string]any) string { return sign(t, jose.HS256, public, good, c) }, false},
		"another key":              {func(c map[string]any) string { return sign(t, jose.RS256, other, good, c) }, false},
		"key id that is a path": {func(c map[string]any) string {
			return sign(t, jose.RS256, other, map[jose.HeaderKey]any{"kid": "../../../../dev/null"}, c)
		}, false},
		"key brought along": {func(c map[string]any) string {
			return sign(t, jose.RS256, jose.JSONWebKey{Key: other, KeyID: keyID}, map[jose.HeaderKey]any{"jku": f.URL + "/evil", "jwk": jose.JSONWebKey{Key: &other.PublicKey, KeyID: keyID}}, c)
		}, false},
		"wrong audience":          {func(c map[string]any) string { c["aud"] = "somebody else"; return rs(c) }, false},
		"two audiences, no party": {func(c map[string]any) string { c["aud"] = []string{"nagar", "other"}; return rs(c) }, false},
		"made for another party":  {func(c map[string]any) string { c["azp"] = "other"; return rs(c) }, false},
		"wrong issuer":            {func(c map[string]any) string { c["iss"] = "https://evil.example"; return rs(c) }, false},
		"expired":                 {func(c map[string]any) string { c["exp"] = time.Now().Add(-time.Hour).Unix(); return rs(c) }, false},
		"of another sign-in":      {func(c map[string]any) string { c["nonce"] = "another"; return rs(c) }, false},
		"without a nonce":         {func(c map[string]any) string { delete(c, "nonce"); return rs(c) }, false},
		"about nobody":            {func(c map[string]any) string { delete(c, "sub"); return rs(c) }, false},
		"changed after it was signed": {func(c map[string]any) string {
			parts := strings.Split(rs(c), ".")
			c["sub"] = "admin"
			text, _ := json.Marshal(c)
			return parts[0] + "." + b64(text) + "." + parts[2]
		}, false},
		"no token": {func(map[string]any) string { return "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f.asked = nil
			_, flow, err := p.Begin(t.Context(), redirect, "/")
			if err != nil {
				t.Fatal(err)
			}
			f.idToken = c.make(map[string]any{
				"iss": f.URL, "aud": "nagar", "sub": "u1", "nonce": flow.Nonce, "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(),
				"preferred_username": "asha", "name": "Asha Patil", "groups": []string{"gis", "football"}, "dept": "Roads",
			})
			who, err := p.Finish(t.Context(), redirect, url.Values{"state": {flow.State}, "code": {"c"}}, flow)
			if !c.ok {
				if !errors.Is(err, ErrRefused) {
					t.Errorf("%+v, %v", who, err)
				}
				if f.idToken != "" && err != nil && strings.Contains(err.Error(), f.idToken) {
					t.Error("the error holds the token")
				}
				if slices.Contains(f.asked, "/evil") {
					t.Error("keys were fetched from where the token said")
				}
				return
			}
			if err != nil || who.Subject != "u1" || who.Issuer != f.URL || who.Name != "asha" || who.Title != "Asha Patil" ||
				!slices.Equal(*who.Roles, []string{"planner"}) || *who.Department != "Roads" || who.Wards != nil {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}
}

// TestAnswersOfOthers: the browser comes back with what was not begun in it.
func TestAnswersOfOthers(t *testing.T) {
	f := newForger(t)
	p := f.provider(t)
	address, flow, err := p.Begin(t.Context(), redirect, "/")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("state") != flow.State || q.Get("nonce") != flow.Nonce || strings.Contains(address, flow.Verifier) {
		t.Errorf("sent to %s", address)
	}
	code := url.Values{"state": {flow.State}, "code": {"c"}}
	for name, c := range map[string]struct {
		query url.Values
		flow  Flow
	}{
		"another state":      {url.Values{"state": {"other"}, "code": {"c"}}, flow},
		"no cookie":          {url.Values{"code": {"c"}}, Flow{Provider: "city"}},
		"another provider's": {code, Flow{Provider: "other", State: flow.State}},
		"mixed up":           {url.Values{"state": {flow.State}, "code": {"c"}, "iss": {"https://evil.example"}}, flow},
		"refused there":      {url.Values{"state": {flow.State}, "error": {"access_denied"}}, flow},
	} {
		f.asked = nil
		if _, err := p.Finish(t.Context(), redirect, c.query, c.flow); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if len(f.asked) > 0 {
			t.Errorf("%s: the provider was asked %v", name, f.asked)
		}
	}
}

// TestUserinfoOfSomebodyElse: what the userinfo endpoint says counts for the same
// person only.
func TestUserinfoOfSomebodyElse(t *testing.T) {
	f := newForger(t)
	p := f.provider(t)
	for subject, ok := range map[string]bool{"u1": true, "u2": false} {
		_, flow, err := p.Begin(t.Context(), redirect, "/")
		if err != nil {
			t.Fatal(err)
		}
		f.idToken = sign(t, jose.RS256, f.key, map[jose.HeaderKey]any{"kid": keyID}, map[string]any{
			"iss": f.URL, "aud": "nagar", "sub": "u1", "nonce": flow.Nonce, "exp": time.Now().Add(time.Minute).Unix()})
		f.userinfo = `{"sub":"` + subject + `","groups":["gis"],"preferred_username":"asha"}`
		who, err := p.Finish(t.Context(), redirect, url.Values{"state": {flow.State}, "code": {"c"}}, flow)
		if ok && (err != nil || len(*who.Roles) != 1) || !ok && !errors.Is(err, ErrRefused) {
			t.Errorf("userinfo about %s: %+v, %v", subject, who, err)
		}
	}
}

func TestConfiguration(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "secret"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"providers":[{"id":"city","issuer":"https://id.city.example","client_id":"nagar","client_secret_file":"secret"}]}`: "",
		`{"providers":[{"id":"city","issuer":"http://id.city.example","client_id":"nagar"}]}`:                                "https",
		`{"providers":[{"id":"City!","issuer":"https://id.city.example","client_id":"nagar"}]}`:                              "id",
		`{"providers":[{"id":"city","issuer":"https://id.city.example"}]}`:                                                   "client_id",
		`{"providers":[{"id":"city","isuer":"https://id.city.example","client_id":"nagar"}]}`:                                "isuer",
		`{"providers":[{"id":"a","issuer":"https://b","client_id":"c"},{"id":"a","issuer":"https://b","client_id":"c"}]}`:    "twice",
		`{"providers":[{"id":"a","issuer":"https://b","client_id":"c","client_secret_file":"none"}]}`:                        "client_secret_file",
	} {
		file := filepath.Join(folder, "oidc.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := Load(file)
		if want == "" && (err != nil || all[0].secret != "s3cret" || all[0].Title != "city") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
