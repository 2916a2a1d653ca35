package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"nagar/geo"
	"nagar/geo/geojson"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func fromGeoJSON(t *testing.T, text string) geo.Geometry {
	t.Helper()
	g, _, err := geojson.DecodeGeometry([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// openID runs a certified OpenID provider, with the users test-user@localhost and
// test-user2, and returns its address. Our server's address is told it afterwards.
func openID(t *testing.T, clients map[string]*storage.Client) string {
	t.Helper()
	var handler atomic.Pointer[http.Handler]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*handler.Load()).ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	issuer := "http://localhost:" + mustURL(t, srv.URL).Port()
	log := slog.Default()
	t.Cleanup(func() { slog.SetDefault(log) })
	var h http.Handler = exampleop.SetupServer(issuer, storage.NewStorageWithClients(storage.NewUserStore(issuer), clients), slog.New(slog.DiscardHandler), false, op.WithAllowInsecure())
	handler.Store(&h)
	return issuer
}

// follow follows redirects until one leads to another host than the provider's, and
// fills in the provider's form on the way; it returns where that leads.
func (b *browser) logInThere(address, user string) string {
	b.t.Helper()
	there := mustURL(b.t, address).Host
	for range 10 {
		resp, err := b.client.Get(address)
		if err != nil {
			b.t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK { // the form
			form := url.Values{"username": {user}, "password": {"verysecure"}, "id": {mustURL(b.t, address).Query().Get("authRequestID")}}
			if resp, err = b.client.PostForm("http://"+there+"/login/username", form); err != nil {
				b.t.Fatal(err)
			}
			resp.Body.Close()
		}
		next, err := resp.Location()
		if err != nil {
			b.t.Fatalf("%s: status %d", address, resp.StatusCode)
		}
		if next.Host != there {
			return next.String()
		}
		address = next.String()
	}
	b.t.Fatal("the provider sends the browser in circles")
	return ""
}

// TestOpenID signs in at a real provider: the whole code flow, as a browser does it.
func TestOpenID(t *testing.T) {
	clients := map[string]*storage.Client{}
	issuer := openID(t, clients)
	folder := t.TempDir()
	config, err := json.Marshal(fields{"providers": []any{fields{
		"id": "staff", "title": "City staff", "issuer": issuer, "client_id": "nagar", "client_secret_file": "secret", "scopes": []string{"email"},
		"roles": fields{"claim": "preferred_username", "map": fields{"test-user@localhost": "planner"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "oidc.json")
	for name, text := range map[string][]byte{file: config, filepath.Join(folder, "secret"): []byte("the client's secret\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := openHouse(t, ServerFlags{Store: gpkgStore(t), OIDC: file})
	callback := h.base + "/auth/oidc/staff/callback"
	clients["nagar"] = storage.WebClient("nagar", "the client's secret", callback)

	b := h.browser(t)
	var methods struct{ OIDC []struct{ ID, Title string } }
	b.want(200, "GET", "/auth/methods", nil).json(t, &methods)
	if len(methods.OIDC) != 1 || methods.OIDC[0].Title != "City staff" {
		t.Fatalf("%+v", methods)
	}
	begin := func(b *browser, to string) string {
		return b.want(302, "GET", "/auth/oidc/staff?return="+url.QueryEscape(to), nil).Header.Get("Location")
	}
	back := strings.TrimPrefix(b.logInThere(begin(b, "/survey?x=1"), "test-user@localhost"), h.base)
	a := b.want(302, "GET", back, nil)
	if a.Header.Get("Location") != "/survey?x=1" {
		t.Errorf("sent to %q", a.Header.Get("Location"))
	}
	if c := a.Cookies(); len(c) != 2 || c[0].Name != "nagar-oidc" || c[0].MaxAge >= 0 || c[1].Name != "nagar" {
		t.Errorf("cookies %v", a.Header["Set-Cookie"])
	}
	m := b.me()
	if m.Kind != "account" || m.Name != "Test User" || !slices.Equal(m.Roles, []string{"planner", "public"}) {
		t.Errorf("%+v", m)
	}
	b.want(200, "GET", "/api/collections/assets", nil)
	b.want(422, "PUT", "/api/me/password", fields{"new": goodPassword}) // its provider decides who comes in

	// The answer is good in the browser that began, once.
	again := b.want(401, "GET", back, nil)
	if !strings.Contains(h.log.text(), "it was not begun in this browser") {
		t.Error("the cookie of the first time was still there")
	}
	stolen := begin(b, "/")
	victim := h.browser(t).want(401, "GET", strings.TrimPrefix(b.logInThere(stolen, "test-user@localhost"), h.base), nil)
	for _, a := range []said{again, victim} {
		if !strings.Contains(a.Header.Get("Content-Type"), "text/html") || strings.Contains(a.Header.Get("Set-Cookie"), "nagar=") {
			t.Errorf("%v", a.Header)
		}
	}
	// Nobody is sent elsewhere afterwards.
	for _, evil := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "/\t/evil.example"} {
		b := h.browser(t)
		back := strings.TrimPrefix(b.logInThere(begin(b, evil), "test-user@localhost"), h.base)
		if a := b.want(302, "GET", back, nil); a.Header.Get("Location") != "/" {
			t.Errorf("%q leads to %q", evil, a.Header.Get("Location"))
		}
	}
	// The account is the provider's: one, with its roles; disabled here it stays out.
	var list struct {
		Accounts []struct {
			ID, Name, Provider string
			Roles              []string
		}
	}
	h.root(t).want(200, "GET", "/api/access/accounts", nil).json(t, &list)
	if len(list.Accounts) != 1 || list.Accounts[0].Name != "test-user@localhost@staff" || list.Accounts[0].Provider != issuer {
		t.Fatalf("%+v", list)
	}
	h.root(t).want(200, "PATCH", "/api/access/accounts/"+list.Accounts[0].ID, fields{"disabled": true})
	if m := b.me(); m.Kind != "anonymous" {
		t.Errorf("%+v", m)
	}
	b.want(401, "GET", strings.TrimPrefix(b.logInThere(begin(b, "/"), "test-user@localhost"), h.base), nil)
	// Somebody without a role there is somebody with none here.
	b = h.browser(t)
	b.want(302, "GET", strings.TrimPrefix(b.logInThere(begin(b, "/"), "test-user2"), h.base), nil)
	if m := b.me(); m.Kind != "account" || !slices.Equal(m.Roles, []string{"public"}) {
		t.Errorf("%+v", m)
	}
	h.browser(t).want(404, "GET", "/auth/oidc/other", nil)
	if strings.Contains(h.log.text(), "the client's secret") || strings.Contains(h.log.text(), "code=") {
		t.Error("the log holds a secret")
	}
}
