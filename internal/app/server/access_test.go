package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/internal/app"
)

// house is a server with accounts over an empty city, and its log.
type house struct {
	mqtt string // address of its listener for sensors
	base string
	log  *lockedBuffer
}

const houseToken = "root token of this test"

// openHouse starts a server as the commands do; it ends with the test.
func openHouse(t *testing.T, f ServerFlags) *house {
	t.Helper()
	h := &house{log: &lockedBuffer{}}
	f.AdminToken, f.Addr, f.CacheMB = houseToken, "127.0.0.1:0", 16
	ctx, cancel := context.WithCancel(context.Background())
	out, ended := &lines{}, make(chan error, 1)
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	go func() { ended <- Serve(ctx, &f, false, log, out) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	eventually(t, "the server is ready", func() bool {
		if h.base = out.find("listening on "); h.base == "" {
			return false
		}
		if h.mqtt = out.find("sensors' MQTT on "); h.mqtt == "" && f.sensing.MQTT != "" {
			return false
		}
		r, err := http.Get(h.base + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return h
}

func gpkgStore(t *testing.T) string { return filepath.Join(t.TempDir(), "city.gpkg") }

// browser is somebody's browser: it keeps cookies, and follows nothing by itself.
type browser struct {
	t      *testing.T
	h      *house
	client *http.Client
	header http.Header
}

func (h *house) browser(t *testing.T, header ...string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, h: h, header: http.Header{}, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		b.header.Set(name, value)
	}
	return b
}

func (h *house) root(t *testing.T) *browser { return h.browser(t, "Authorization: Bearer "+houseToken) }

// said is an answer.
type said struct {
	*http.Response
	text string
}

func (a said) json(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		t.Fatalf("%v: %s", err, a.text)
	}
}

// do asks, with a body of JSON (or a form, given as text) and more headers.
func (b *browser) do(method, path string, body any, header ...string) said {
	b.t.Helper()
	var in io.Reader
	kind := ""
	switch v := body.(type) {
	case nil:
	case string:
		in, kind = strings.NewReader(v), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		in, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.h.base+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	maps.Copy(req.Header, b.header)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return said{resp, string(text)}
}

// want is do, and fails unless the status is that.
func (b *browser) want(status int, method, path string, body any, header ...string) said {
	b.t.Helper()
	a := b.do(method, path, body, header...)
	if a.StatusCode != status {
		b.t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.StatusCode, status, a.text)
	}
	return a
}

type fields = map[string]any

const goodPassword = "correct horse battery staple"

// member makes an account with a password, and returns its id.
func (h *house) member(t *testing.T, name string, roles ...string) string {
	t.Helper()
	var account struct{ ID string }
	h.root(t).want(201, "POST", "/api/access/accounts", fields{"name": name, "title": "Ms " + name, "roles": roles, "department": "Citizen Services", "wards": []string{"A"}}).json(t, &account)
	b := h.browser(t)
	b.want(200, "POST", "/auth/link", fields{"token": h.link(t, account.ID)})
	b.want(204, "PUT", "/api/me/password", fields{"new": goodPassword})
	b.want(204, "POST", "/auth/logout", nil)
	return account.ID
}

// link makes a sign-in link and returns its token.
func (h *house) link(t *testing.T, account string) string {
	t.Helper()
	var link struct{ URL string }
	h.root(t).want(201, "POST", "/api/access/accounts/"+account+"/link", nil).json(t, &link)
	return link.URL[strings.LastIndexByte(link.URL, '/')+1:]
}

func (h *house) signIn(t *testing.T, name string) *browser {
	t.Helper()
	b := h.browser(t)
	b.want(200, "POST", "/auth/login", fields{"name": name, "password": goodPassword})
	return b
}

type me struct {
	Kind, Name, Department, Purpose string
	Roles, Wards, Rights            []string
	MayWrite                        []string `json:"may_write"`
	Personal                        bool
	Expires                         *time.Time
}

func (b *browser) me() (m me) {
	b.t.Helper()
	b.want(200, "GET", "/api/me", nil).json(b.t, &m)
	return m
}

func TestAMembersDay(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	var account struct{ ID string }
	h.root(t).want(201, "POST", "/api/access/accounts", fields{"name": "asha", "title": "Asha Patil", "roles": []string{"officer"}, "department": "Citizen Services", "wards": []string{"A"}}).json(t, &account)
	token := h.link(t, account.ID)
	b := h.browser(t)
	for range 2 { // a program that looks at mails' links does not use it up
		page := b.want(200, "GET", "/auth/link/"+token, nil)
		if !strings.Contains(page.text, token) || page.Header.Get("Cache-Control") != "no-store" || len(page.Cookies()) > 0 {
			t.Fatalf("%v %s", page.Header, page.text)
		}
	}
	if a := b.want(303, "POST", "/auth/link", "token="+token); a.Header.Get("Location") != "/" {
		t.Errorf("sent to %q", a.Header.Get("Location"))
	}
	h.browser(t).want(401, "POST", "/auth/link", fields{"token": token})
	m := b.me()
	if m.Kind != "account" || m.Name != "Asha Patil" || !m.Personal || m.Expires == nil || !slices.Equal(m.Roles, []string{"officer", "public"}) || !slices.Contains(m.MayWrite, "reports") {
		t.Errorf("%+v", m)
	}
	b.want(422, "PUT", "/api/me/password", fields{"new": "short"})
	b.want(204, "PUT", "/api/me/password", fields{"new": goodPassword})
	b.want(422, "PUT", "/api/me/purpose", fields{"purpose": "curiosity"})
	b.want(200, "PUT", "/api/me/purpose", fields{"purpose": "complaint"})
	if m := b.me(); m.Purpose != "complaint" {
		t.Errorf("%+v", m)
	}
	b.want(204, "POST", "/auth/logout", nil)
	if m := b.me(); m.Kind != "anonymous" || len(m.MayWrite) > 0 || len(m.Rights) > 0 {
		t.Errorf("%+v", m)
	}
	b = h.signIn(t, "asha")
	if m := b.me(); m.Purpose != "" {
		t.Errorf("a purpose outlives its session: %+v", m)
	}
	b.want(403, "GET", "/api/access/accounts", nil)
	b.want(403, "GET", "/api/access/policy", nil)
	h.browser(t).want(401, "GET", "/api/access/accounts", nil)
	h.browser(t).want(401, "GET", "/api/me/sessions", nil)
	h.root(t).want(403, "PUT", "/api/me/password", fields{"new": goodPassword})
	h.root(t).want(200, "PATCH", "/api/access/accounts/"+account.ID, fields{"disabled": true})
	if m := b.me(); m.Kind != "anonymous" {
		t.Errorf("disabled, and still %+v", m)
	}
}

func TestCookies(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	h.member(t, "asha", "officer")
	a := h.browser(t).want(200, "POST", "/auth/login", fields{"name": "asha", "password": goodPassword})
	if c := a.Cookies()[0]; c.Name != "nagar" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure || len(c.Value) != 43 {
		t.Errorf("on plain HTTP: %+v", c)
	}
	var proxied Networks
	if err := proxied.UnmarshalText([]byte("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	far := openHouse(t, ServerFlags{Store: gpkgStore(t), TrustedProxies: proxied})
	id := far.member(t, "asha", "officer")
	outside := []string{"Host: city.example", "X-Forwarded-For: 203.0.113.9"}
	credentials := fields{"name": "asha", "password": goodPassword}
	far.browser(t).want(403, "POST", "/auth/login", credentials, outside...)
	far.browser(t).want(403, "GET", "/auth/link/"+far.link(t, id), nil, outside...)
	secure := append(outside, "X-Forwarded-Proto: https")
	b := far.browser(t)
	a = b.want(200, "POST", "/auth/login", credentials, secure...)
	c := a.Cookies()[0]
	if c.Name != "__Host-nagar" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("over HTTPS: %+v", c)
	}
	kind := func(cookie string) string {
		var m me
		far.browser(t).want(200, "GET", "/api/me", nil, append(secure, "Cookie: "+cookie)...).json(t, &m)
		return m.Kind
	}
	if kind("__Host-nagar="+c.Value) != "account" || kind("nagar="+c.Value) != "anonymous" {
		t.Error("over HTTPS a cookie counts that a neighbour could have planted")
	}
}

// TestPlantedSessionIsWorthNothing: whoever put a session of theirs, or a made-up
// one, into somebody's browser does not become them when they sign in.
func TestPlantedSessionIsWorthNothing(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	h.member(t, "asha", "officer")
	h.member(t, "mallory")
	planted := h.browser(t).want(200, "POST", "/auth/login", fields{"name": "mallory", "password": goodPassword}).Cookies()[0].Value
	for _, value := range []string{planted, strings.Repeat("A", 43)} {
		a := h.browser(t).want(200, "POST", "/auth/login", fields{"name": "asha", "password": goodPassword}, "Cookie: nagar="+value)
		if a.Cookies()[0].Value == value {
			t.Error("she got the planted session")
		}
		var m me
		h.browser(t).want(200, "GET", "/api/me", nil, "Cookie: nagar="+value).json(t, &m)
		if m.Kind != "anonymous" {
			t.Errorf("the planted session is %+v", m)
		}
	}
}

// TestOtherSitesMayNotAct: a page of another site makes the browser send requests,
// with the cookie if it would.
func TestOtherSitesMayNotAct(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	id := h.member(t, "asha", "administrator")
	b := h.signIn(t, "asha")
	polygon := fields{"type": "Polygon", "coordinates": []any{[]any{[]any{72, 18}, []any{73, 18}, []any{73, 19}, []any{72, 18}}}}
	for _, evil := range [][]string{{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://evil.example"}, {"Origin: null"}} {
		b.want(403, "PUT", "/api/me/purpose", fields{"purpose": "law"}, evil...)
		b.want(403, "POST", "/api/access/accounts", fields{"name": "evil"}, evil...)
		b.want(403, "DELETE", "/api/access/accounts/"+id, nil, evil...)
		b.want(403, "POST", "/auth/logout", nil, evil...)
		h.browser(t).want(403, "POST", "/auth/login", fields{"name": "asha", "password": goodPassword}, evil...)
		h.browser(t).want(403, "POST", "/auth/link", "token="+h.link(t, id), evil...)
		// What is everybody's stays so, and a token is no browser's doing.
		h.browser(t).want(200, "POST", "/api/within?collection=wards", polygon, evil...)
		h.root(t).want(200, "PATCH", "/api/access/accounts/"+id, fields{"title": "Asha"}, evil...)
	}
	if a := h.browser(t).do("GET", "/api/me", nil, "Origin: https://evil.example"); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("another site may read who is signed in")
	}
	b.want(200, "PUT", "/api/me/purpose", fields{"purpose": "law"}, "Sec-Fetch-Site: same-origin", "Origin: "+h.base)
}

// TestOthersSessionsAndAccounts: by knowing an id nobody gets at what is another's.
func TestOthersSessionsAndAccounts(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	h.member(t, "asha", "officer")
	victim := h.member(t, "bina", "officer")
	a, b := h.signIn(t, "asha"), h.signIn(t, "bina")
	var list struct {
		Sessions []struct {
			ID   string
			This bool
		}
	}
	b.want(200, "GET", "/api/me/sessions", nil).json(t, &list)
	if len(list.Sessions) != 1 || !list.Sessions[0].This {
		t.Fatalf("%+v", list)
	}
	theirs := a.want(404, "DELETE", "/api/me/sessions/"+list.Sessions[0].ID, nil)
	none := a.want(404, "DELETE", "/api/me/sessions/AAAAAAAAAAAAAAAA", nil)
	if blank(theirs.text) != blank(none.text) {
		t.Errorf("another's session and none answer unlike: %s %s", theirs.text, none.text)
	}
	for method, path := range map[string]string{"GET": "", "PATCH": "", "DELETE": "", "POST": "/link"} {
		a.want(403, method, "/api/access/accounts/"+victim+path, fields{"title": "x"})
	}
	if b.me().Kind != "account" {
		t.Error("bina was signed out by asha")
	}
	b.want(204, "DELETE", "/api/me/sessions/"+list.Sessions[0].ID, nil)
	if b.me().Kind != "anonymous" {
		t.Error("an ended session goes on")
	}
}

// blank takes what differs from request to request out of a problem.
func blank(text string) string {
	var p fields
	if json.Unmarshal([]byte(text), &p) != nil {
		return text
	}
	delete(p, "id")
	delete(p, "instance")
	out, _ := json.Marshal(p)
	return string(out)
}

// TestAnswersTellNoNames: whether there is an account, or is somebody's contact, is
// not to be learnt from an answer.
func TestAnswersTellNoNames(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t), CodeSender: "file:" + filepath.Join(t.TempDir(), "codes")})
	h.member(t, "asha", "officer")
	off := h.member(t, "bina", "officer")
	h.root(t).want(200, "PATCH", "/api/access/accounts/"+off, fields{"disabled": true})
	login := func(name, password string) string {
		a := h.browser(t).want(401, "POST", "/auth/login", fields{"name": name, "password": password})
		return blank(a.text) + fmt.Sprint(a.Header["Www-Authenticate"], len(a.Cookies()))
	}
	want := login("nobody", goodPassword)
	if got := login("asha", "wrong password here"); got != want {
		t.Errorf("a known name: %s, an unknown one: %s", got, want)
	}
	if got := login("bina", goodPassword); got != want {
		t.Errorf("a disabled account: %s, an unknown one: %s", got, want)
	}
	for i := range 8 { // more than are sent
		if a := h.browser(t).want(202, "POST", "/auth/code", fields{"contact": "+919820000000"}); a.text != "" {
			t.Errorf("time %d: %q", i, a.text)
		}
	}
	first := h.browser(t).want(401, "POST", "/auth/code/verify", fields{"contact": "+919820000000", "code": "000000x"})
	other := h.browser(t).want(401, "POST", "/auth/code/verify", fields{"contact": "+919820000001", "code": "000000x"})
	if blank(first.text) != blank(other.text) {
		t.Errorf("%s, %s", first.text, other.text)
	}
}

// TestNobodyMakesThemselvesMore: who manages accounts gives no right that they lack.
func TestNobodyMakesThemselvesMore(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	h.editPolicy(t, func(roles fields) {
		roles["helpdesk"] = fields{"title": fields{"en": "Help desk"}, "rights": []string{"accounts"}}
	})
	own, boss := h.member(t, "hari", "helpdesk"), h.member(t, "asha", "administrator")
	b := h.signIn(t, "hari")
	b.want(403, "PATCH", "/api/access/accounts/"+own, fields{"roles": []string{"administrator"}})
	b.want(403, "POST", "/api/access/accounts", fields{"name": "friend", "roles": []string{"administrator"}})
	b.want(403, "POST", "/api/access/accounts/"+boss+"/link", nil)
	b.want(403, "PATCH", "/api/access/accounts/"+boss, fields{"second_factor": false})
	b.want(403, "DELETE", "/api/access/accounts/"+boss, nil)
	b.want(403, "POST", "/api/access/tokens", fields{"title": "x", "roles": []string{"auditor"}, "expires": time.Now().Add(time.Hour)})
	b.want(422, "POST", "/api/access/accounts", fields{"name": "friend", "roles": []string{"no such role"}})
	b.want(201, "POST", "/api/access/accounts", fields{"name": "clerk", "roles": []string{"planner"}})
}

// editPolicy reads the policy, changes its roles and writes it.
func (h *house) editPolicy(t *testing.T, edit func(roles fields)) {
	t.Helper()
	root := h.root(t)
	a := root.want(200, "GET", "/api/access/policy", nil)
	var policy fields
	a.json(t, &policy)
	edit(policy["roles"].(fields))
	root.want(200, "PUT", "/api/access/policy", policy, "If-Match: "+a.Header.Get("Etag"))
}

// TestPolicyIsFollowed changes what planners see: a session that is open sees it in
// its next request, here and in another process over the same store.
func TestPolicyIsFollowed(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		h, other := openHouse(t, ServerFlags{Store: url}), openHouse(t, ServerFlags{Store: url})
		h.member(t, "asha", "planner")
		b := h.signIn(t, "asha")
		there := &browser{t: t, h: other, client: &http.Client{}, header: http.Header{}}
		for _, c := range b.client.Jar.Cookies(mustURL(t, h.base)) {
			there.header.Set("Cookie", c.Name+"="+c.Value)
		}
		sees := func(b *browser) bool { return b.do("GET", "/api/collections/assets", nil).StatusCode == 200 }
		if !sees(b) || !sees(there) {
			t.Fatal("a planner does not see internal collections")
		}
		for _, class := range []string{"public", "internal"} {
			h.editPolicy(t, func(roles fields) {
				roles["planner"] = fields{"title": fields{"en": "Planner"}, "grants": []any{fields{"collections": []string{"*"}, "class": class}}}
			})
			if sees(b) != (class == "internal") {
				t.Errorf("%s: the next request does not follow", class)
			}
			eventually(t, "the other process follows", func() bool { return sees(there) == (class == "internal") })
		}
		root := h.root(t)
		var versions struct {
			Versions []struct {
				Version int
				Author  string
			}
		}
		root.want(200, "GET", "/api/access/policy/versions", nil).json(t, &versions)
		if len(versions.Versions) != 3 || versions.Versions[0].Version != 3 || versions.Versions[0].Author != "administrator" {
			t.Errorf("%+v", versions)
		}
		root.want(428, "PUT", "/api/access/policy", fields{})
		root.want(412, "PUT", "/api/access/policy", fields{}, `If-Match: "policy-2"`)
		bad := root.want(400, "PUT", "/api/access/policy", fields{"roles": fields{"public": fields{"grants": []any{fields{"collections": []string{}, "class": "public"}}}}}, `If-Match: "policy-3"`)
		if !strings.Contains(bad.text, "roles.public.grants[0].collections") {
			t.Errorf("the place is not named: %s", bad.text)
		}
	})
}

// TestTokensAreNarrowed: an API token sees what its roles and its collections allow,
// says its purpose in a header, and is nobody's session.
func TestTokensAreNarrowed(t *testing.T) {
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	var token struct{ ID, Secret string }
	root := h.root(t)
	root.want(422, "POST", "/api/access/tokens", fields{"title": "x", "collections": []string{"nothing"}, "expires": time.Now().Add(time.Hour)})
	root.want(201, "POST", "/api/access/tokens", fields{
		"title": "Lamps", "roles": []string{"planner"}, "collections": []string{"assets"}, "expires": time.Now().Add(time.Hour)}).json(t, &token)
	b := h.browser(t, "Authorization: Bearer "+token.Secret)
	b.want(200, "GET", "/api/collections/assets", nil)
	b.want(404, "GET", "/api/collections/reports", nil)
	b.want(404, "GET", "/api/collections/wards", nil)
	if m := b.me(); m.Kind != "token" || m.Name != "Lamps" || m.Expires == nil {
		t.Errorf("%+v", m)
	}
	b.want(400, "GET", "/api/me", nil, "Nagar-Purpose: curiosity")
	b.want(200, "GET", "/api/me", nil, "Nagar-Purpose: law")
	b.want(403, "GET", "/api/me/sessions", nil)
	if strings.Contains(root.want(200, "GET", "/api/access/tokens", nil).text, token.Secret) {
		t.Error("the list shows the secret")
	}
	root.want(204, "DELETE", "/api/access/tokens/"+token.ID, nil)
	b.want(401, "GET", "/api/me", nil)
	var m me
	h.browser(t).want(200, "GET", "/api/me", nil, "Cookie: nagar="+token.Secret).json(t, &m)
	if m.Kind != "anonymous" {
		t.Errorf("a token as cookie is %+v", m)
	}
}

// TestSecretsStayOutOfTheLog asks with every kind of secret, right and wrong, and
// looks for them in all that the server logged.
func TestSecretsStayOutOfTheLog(t *testing.T) {
	codes := filepath.Join(t.TempDir(), "codes")
	h := openHouse(t, ServerFlags{Store: gpkgStore(t), CodeSender: "file:" + codes})
	id := h.member(t, "asha", "officer")
	secrets := map[string]string{"the administrator's token": houseToken, "a password": goodPassword}
	link := h.link(t, id)
	secrets["a link"] = link
	b := h.browser(t)
	for _, path := range []string{"/auth/link/" + link, "/auth/link/" + link + "/", "//auth/link/" + link, "/AUTH/link/" + link, "/auth%2Flink/" + link, "/auth/./link/" + link} {
		b.do("GET", path, nil)
		b.do("POST", path, nil)
	}
	b.want(200, "POST", "/auth/link", fields{"token": link})
	for _, c := range b.client.Jar.Cookies(mustURL(t, h.base)) {
		secrets["a session"] = c.Value
	}
	b.do("POST", "/auth/login", fields{"name": "a name that is a password", "password": "a wrong password"})
	secrets["a wrong password"], secrets["a wrong name"] = "a wrong password", "a name that is a password"
	var token struct{ Secret string }
	h.root(t).want(201, "POST", "/api/access/tokens", fields{"title": "x", "expires": time.Now().Add(time.Hour)}).json(t, &token)
	secrets["an API token"] = token.Secret
	h.browser(t, "Authorization: Bearer "+token.Secret).want(200, "GET", "/api/me", nil)
	h.browser(t, "Authorization: Bearer "+token.Secret+"x").want(401, "GET", "/api/me", nil)
	var factor struct{ Secret string }
	b.want(200, "POST", "/api/me/totp", nil).json(t, &factor)
	secrets["a second factor"] = factor.Secret
	b.want(422, "PUT", "/api/me/totp", fields{"code": "982431"})
	secrets["a code"] = "982431"
	b.want(202, "POST", "/auth/code", fields{"contact": "+919820098200"})
	secrets["a contact"] = "9820098200"
	var text []byte
	eventually(t, "the code is sent", func() bool {
		text, _ = os.ReadFile(codes) // not there yet, or not whole
		return bytes.HasSuffix(text, []byte("\n"))
	})
	var sent struct{ Code string }
	if err := json.Unmarshal(text, &sent); err != nil {
		t.Fatal(err)
	}
	h.browser(t).want(200, "POST", "/auth/code/verify", fields{"contact": "+919820098200", "code": sent.Code})
	secrets["a citizen's code"] = `"` + sent.Code
	log := h.log.text()
	if !strings.Contains(log, "/auth/login") {
		t.Fatal("the log is empty")
	}
	for what, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log", what)
		}
	}
	// Nor in the audit.
	entries := h.root(t).want(200, "GET", "/api/audit?limit=1000", nil).text
	if !strings.Contains(entries, "sign-in-failed") || !strings.Contains(entries, `"token"`) {
		t.Errorf("the audit lacks what happened: %s", entries)
	}
	for what, secret := range secrets {
		if strings.Contains(entries, secret) {
			t.Errorf("%s is in the audit", what)
		}
	}
}

// TestLinksToTryRoles: where the store is the demo, and only there.
func TestLinksToTryRoles(t *testing.T) {
	store := gpkgStore(t)
	openHouse(t, ServerFlags{Store: store, TryRoles: true})
	if _, err := os.Stat(store + ".d/sign-in-links"); err == nil {
		t.Error("a city that is no demo got accounts")
	}
	store = gpkgStore(t)
	l, err := app.ParseLocation(store)
	if err != nil {
		t.Fatal(err)
	}
	s, err := app.OpenStore(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Collection(t.Context(), "buildings")
	if err != nil {
		t.Fatal(err)
	}
	c.Source = "Synthetic demonstration data"
	if _, err := s.Define(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h := openHouse(t, ServerFlags{Store: store, TryRoles: true})
	info, err := os.Stat(store + ".d/sign-in-links")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	text, err := os.ReadFile(store + ".d/sign-in-links")
	if err != nil {
		t.Fatal(err)
	}
	var roles []string
	for line := range strings.Lines(string(text)) {
		if _, token, ok := strings.Cut(strings.TrimSpace(line), "/auth/link/"); ok {
			b := h.browser(t)
			b.want(200, "POST", "/auth/link", fields{"token": token})
			roles = append(roles, b.me().Roles...)
		}
	}
	slices.Sort(roles)
	if got := strings.Join(slices.Compact(roles), " "); got != "administrator officer planner public surveyor" {
		t.Errorf("roles to try: %s", got)
	}
	// A city that has accounts of its own is nobody's playground any more.
	h.member(t, "asha")
	before := text
	openHouse(t, ServerFlags{Store: store, TryRoles: true})
	if after, err := os.ReadFile(store + ".d/sign-in-links"); err != nil || !bytes.Equal(after, before) {
		t.Errorf("new links were made: %v", err)
	}
}

// TestWardOutlines writes polygons and their holes as text.
func TestWardOutlines(t *testing.T) {
	store := gpkgStore(t)
	l, err := app.ParseLocation(store)
	if err != nil {
		t.Fatal(err)
	}
	s, err := app.OpenStore(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(name, geometry string) {
		op := catalog.Op{Kind: catalog.Put, Collection: "wards", Feature: catalog.Feature{ID: name, Geometry: fromGeoJSON(t, geometry), Props: catalog.Properties{{Name: "name", Value: catalog.Text(name)}}}}
		if _, err := s.Apply(t.Context(), catalog.Batch{Author: "test", Ops: catalog.Ops(op)}); err != nil {
			t.Fatal(err)
		}
	}
	put("A", `{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,0]],[[2,1],[3,2],[3,1],[2,1]]]}`)
	put("B", `{"type":"MultiPolygon","coordinates":[[[[5,0],[6,0],[6,1],[5,0]]],[[[7.5,0],[8,0],[8,1],[7.5,0]]]]}`)
	w := &wards{store: s}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"A"}, "MULTIPOLYGON (((0 0,4 0,4 4,0 0),(2 1,3 2,3 1,2 1)))"},
		{[]string{"A", "B"}, "MULTIPOLYGON (((0 0,4 0,4 4,0 0),(2 1,3 2,3 1,2 1)),((5 0,6 0,6 1,5 0)),((7.5 0,8 0,8 1,7.5 0)))"},
		{[]string{"A", "Z"}, ""},
		{nil, ""},
	} {
		if got := w.Outline(c.names); got != c.want {
			t.Errorf("%v: %s", c.names, got)
		}
	}
}
