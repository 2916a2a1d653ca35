package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/internal/access"
	"nagar/internal/app"
)

// everybody are the callers of the privacy test: each role of the default policy,
// with and without what narrows or widens it.
func everybody() []*caller {
	staff := func(role, department, ward, purpose string) access.Principal {
		who := access.Principal{Kind: access.Account, Roles: []string{role}, Department: department, Purpose: purpose}
		if ward != "" {
			who.Wards = []string{ward}
		}
		return who
	}
	depots := staff("officer", departmentRoads, "", "service")
	depots.Kind, depots.Collections = access.Token, []string{"depots_marked", "wards"}
	return []*caller{
		{name: "anonymous", who: access.Principal{Kind: access.Anonymous}},
		{name: "citizen", who: access.Principal{Kind: access.Citizen, Contact: citizenContact}},
		{name: "another citizen", who: access.Principal{Kind: access.Citizen, Contact: "+919800000009"}},
		{name: "planner", who: staff("planner", "", "", "")},
		{name: "surveyor", who: staff("surveyor", "", wardA, "")},
		{name: "officer without a purpose", who: staff("officer", departmentRoads, wardA, "")},
		{name: "officer", who: staff("officer", departmentRoads, wardA, "service")},
		{name: "officer of the whole city", who: staff("officer", departmentRoads, "", "law")},
		{name: "officer for water", who: staff("officer", departmentWater, wardB, "law")},
		{name: "officer without a desk", who: staff("officer", "", "", "law")},
		{name: "auditor", who: staff("auditor", "", "", "")},
		{name: "administrator without a purpose", who: staff("administrator", "", "", "")},
		{name: "administrator", who: staff("administrator", "", "", "correction")},
		{name: "token for the depots", who: depots},
		{name: "root", who: access.Principal{Kind: access.Root}},
	}
}

const rootToken = "the administrator's token of this test"

// realCity is the marked city behind a server as twin runs it, and everybody signed in.
type realCity struct {
	*asker
	store   catalog.Store // another process's way to the same
	callers []*caller
	codes   string // file that citizens' codes are written to
	secrets []string
	serial  int
}

// openCity makes the city in a store and starts a server over it.
func openCity(t *testing.T, url string) *realCity {
	t.Helper()
	ctx := context.Background()
	location, err := app.ParseLocation(url)
	if err != nil {
		t.Fatal(err)
	}
	store, err := app.OpenStore(ctx, location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &realCity{store: store, callers: everybody(), codes: filepath.Join(t.TempDir(), "codes"), secrets: []string{rootToken}}
	c.asker = &asker{t: t, city: newMarkedCity(), policy: access.Default(), crossed: map[string]map[string]bool{}, log: &lockedBuffer{}}
	c.city.fill(t, store)
	log := slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.base = serveLogged(t, ServerFlags{Store: url, AdminToken: rootToken, CodeSender: "file:" + c.codes}, http.DefaultClient, log)
	c.name("root").header = http.Header{"Authorization": {"Bearer " + rootToken}}
	for _, who := range c.callers {
		c.crossed[who.name] = map[string]bool{}
		c.signIn(who)
	}
	eventually(t, "search has read the city", func() bool {
		return c.ask(c.name("root"), http.MethodGet, "/api/search?q=x", "").status == http.StatusOK
	})
	return c
}

// name returns the caller of that name.
func (c *realCity) name(name string) *caller {
	for _, who := range c.callers {
		if who.name == name {
			return who
		}
	}
	panic("nobody is " + name)
}

// must asks and wants an answer that is not an error.
func (c *realCity) must(who *caller, method, path, body string) reply {
	c.t.Helper()
	r := c.ask(who, method, path, body)
	if r.status/100 != 2 {
		c.t.Fatalf("%s: %s %s: %d %s", who.name, method, path, r.status, r.body)
	}
	return r
}

// member reads a text out of a JSON object.
func member(t *testing.T, body []byte, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	s, ok := m[name].(string)
	if !ok {
		t.Fatalf("no %s in %s", name, body)
	}
	return s
}

// signIn gives a caller what their requests show: a session, or a token.
func (c *realCity) signIn(who *caller) {
	t := c.t
	t.Helper()
	root, nobody := c.name("root"), &caller{name: who.name}
	profile, err := json.Marshal(map[string]any{
		"title": who.name, "roles": who.who.Roles, "department": who.who.Department, "wards": who.who.Wards,
	})
	if err != nil {
		t.Fatal(err)
	}
	with := func(members string) string { return string(profile[:len(profile)-1]) + "," + members + "}" }
	switch who.who.Kind {
	case access.Account:
		made := c.must(root, http.MethodPost, "/api/access/accounts", with(`"name":"`+strings.ReplaceAll(who.name, " ", ".")+`"`))
		who.who.ID = member(t, made.body, "id")
		link := member(t, c.must(root, http.MethodPost, "/api/access/accounts/"+who.who.ID+"/link", "").body, "url")
		secret := link[strings.LastIndex(link, "/")+1:]
		c.secrets = append(c.secrets, secret)
		who.header = c.cookieOf(c.must(nobody, http.MethodPost, "/auth/link", `{"token":"`+secret+`"}`))
		if who.who.Purpose != "" {
			c.must(who, http.MethodPut, "/api/me/purpose", `{"purpose":"`+who.who.Purpose+`"}`)
		}
	case access.Citizen:
		c.must(nobody, http.MethodPost, "/auth/code", `{"contact":"`+who.who.Contact+`"}`)
		code := ""
		eventually(t, "a code is sent", func() bool {
			code = c.codeFor(who.who.Contact)
			return code != ""
		})
		who.header = c.cookieOf(c.must(nobody, http.MethodPost, "/auth/code/verify", `{"contact":"`+who.who.Contact+`","code":"`+code+`"}`))
	case access.Token:
		collections, err := json.Marshal(who.who.Collections)
		if err != nil {
			t.Fatal(err)
		}
		made := c.must(root, http.MethodPost, "/api/access/tokens", with(fmt.Sprintf(`"purpose":%q,"expires":%q,"collections":%s`, who.who.Purpose, soon(), collections)))
		secret := member(t, made.body, "secret")
		c.secrets = append(c.secrets, secret)
		who.header = http.Header{"Authorization": {"Bearer " + secret}}
	}
}

// soon is when what a test makes expires.
func soon() string { return time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }

// cookieOf is the session that an answer gives.
func (c *realCity) cookieOf(r reply) http.Header {
	c.t.Helper()
	set := r.header.Get("Set-Cookie")
	cookie, _, _ := strings.Cut(set, ";")
	if cookie == "" {
		c.t.Fatalf("no session in %v", r.header)
	}
	_, secret, _ := strings.Cut(cookie, "=")
	c.secrets = append(c.secrets, secret)
	return http.Header{"Cookie": {cookie}}
}

// codeFor is the code that was sent to a contact, "" until it was.
func (c *realCity) codeFor(contact string) string {
	b, err := os.ReadFile(c.codes)
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(b) {
		var sent struct{ Contact, Code string }
		if json.Unmarshal(line, &sent) == nil && sent.Contact == contact {
			return sent.Code
		}
	}
	return ""
}

// secretsAreNotLogged looks for what lets somebody in.
func (c *realCity) secretsAreNotLogged() {
	c.t.Helper()
	log := c.log.text()
	for _, secret := range c.secrets {
		if strings.Contains(log, secret) {
			c.t.Errorf("the log holds a secret: …%s…", clip(secret, 8))
		}
	}
}

// eachStore runs the test with the URL of each kind of store.
func eachStore(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("gpkg", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "city.gpkg")) })
	t.Run("postgis", func(t *testing.T) {
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		test(t, pgtest.Start(t))
	})
}

// waitLong is how long a test waits for what comes soon.
const waitLong = 60 * time.Second
