package server

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/internal/access"
)

// carriedValue is a restricted or personal value that came in the answer to a request.
type carriedValue struct{ request, collection, field string }

// notes keeps account of a value that crossed. Its caller holds a.mu.
func (a *asker) notes(s *secret, r *reply) {
	if s.row == nil || s.field == nil || s.asID || s.c.ClassOf(s.field) < catalog.ClassRestricted {
		return
	}
	v := carriedValue{r.header.Get("X-Request-Id"), s.c.Name, s.field.Name}
	if n := len(a.carried); n == 0 || a.carried[n-1] != v {
		a.carried = append(a.carried, v)
	}
}

// whatCrossedIsAudited reads the whole log and wants each value that came to
// anybody in an entry of its request, with its collection and field; and no value
// itself in the log.
func (c *realCity) whatCrossedIsAudited() {
	c.t.Helper()
	var root *caller
	for _, who := range c.callers {
		if who.who.Kind == access.Root {
			root = who
		}
	}
	logged := map[carriedValue]bool{}
	entries := 0
	for cursor := ""; ; {
		r := c.ask(root, "GET", "/api/audit?action=read&limit=1000"+cursor, "")
		var page struct {
			Entries []struct {
				Collection       string
				Fields, Requests []string
			}
			Next string
		}
		if err := json.Unmarshal(r.body, &page); err != nil {
			c.t.Fatalf("the log: %d, %v", r.status, err)
		}
		entries += len(page.Entries)
		for _, e := range page.Entries {
			for _, request := range e.Requests {
				for _, field := range e.Fields {
					logged[carriedValue{request, e.Collection, field}] = true
				}
			}
		}
		c.holdsNoValue(string(r.body))
		if cursor = "&cursor=" + page.Next; page.Next == "" {
			break
		}
	}
	missing := 0
	for _, v := range c.carried {
		if !logged[v] {
			if missing++; missing <= 10 {
				c.t.Errorf("the answer to request %s carried %s.%s, and the log does not say so", v.request, v.collection, v.field)
			}
		}
	}
	if missing > 10 {
		c.t.Errorf("and %d more", missing-10)
	}
	if len(c.carried) == 0 {
		c.t.Error("no answer carried anything")
	}
	c.t.Logf("%d values of a class crossed, %d entries tell of them", len(c.carried), entries)
}

// holdsNoValue reports markers of fields' values in the text. Rows are named by
// their ids.
func (c *realCity) holdsNoValue(text string) {
	c.t.Helper()
	for at := strings.Index(text, markerBegin); at >= 0 && at+markerLength <= len(text); {
		if s := c.city.secrets[text[at:at+markerLength]]; s != nil && !s.asID {
			c.t.Errorf("the log holds %s", s)
			return
		}
		next := strings.Index(text[at+1:], markerBegin)
		if next < 0 {
			return
		}
		at += 1 + next
	}
}

// TestWhoComesAndWhatTheyMayIsAudited: sign-ins and failures, purposes, accounts,
// tokens and the policy are in the log, and no secret, contact or mistyped name.
func TestWhoComesAndWhatTheyMayIsAudited(t *testing.T) {
	const mistyped = "zq-password-in-the-wrong-place"
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		root, nobody := c.name("root"), &caller{name: "nobody"}
		made := c.must(root, "POST", "/api/access/accounts", `{"name":"short.lived","title":"Short","roles":["planner"]}`)
		id := member(t, made.body, "id")
		c.ask(nobody, "POST", "/auth/login", `{"name":"short.lived","password":"not-that-one"}`)
		c.ask(nobody, "POST", "/auth/login", `{"name":"`+mistyped+`","password":"x"}`)
		c.must(root, "PATCH", "/api/access/accounts/"+id, `{"disabled":true}`)
		c.must(root, "DELETE", "/api/access/accounts/"+id, "")
		token := c.must(root, "POST", "/api/access/tokens", `{"title":"Gone soon","roles":["planner"],"expires":"`+soon()+`"}`)
		c.must(root, "DELETE", "/api/access/tokens/"+member(t, token.body, "id"), "")
		c.setPolicy(access.Default())
		var officer *caller
		for _, who := range c.callers {
			if who.who.Kind == access.Account && who.who.Purpose != "" {
				officer = who
			}
		}
		c.must(officer, "POST", "/auth/logout", "")

		r := c.must(root, "GET", "/api/audit?limit=1000", "")
		var page struct{ Entries []loggedEntry }
		if err := json.Unmarshal(r.body, &page); err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			action, kind, account, purpose, detail string
		}{
			{"account", "root", "administrator", "", "create short.lived"},
			{"account", "root", "administrator", "", "change " + id},
			{"account", "root", "administrator", "", "remove " + id},
			{"account", "root", "administrator", "", "sign-in link for " + officer.who.ID},
			{"token", "root", "administrator", "", "create Gone soon"},
			{"token", "root", "administrator", "", "revoke " + member(t, token.body, "id")},
			{"policy", "root", "administrator", "", "version 2"},
			{"sign-in", "account", officer.who.ID, "", "link"},
			{"sign-in", "citizen", "", "", ""},
			{"sign-in-failed", "anonymous", "", "", "of account " + id},
			{"sign-in-failed", "anonymous", "", "", "password"},
			{"purpose", "account", officer.who.ID, officer.who.Purpose, ""},
			{"sign-out", "account", officer.who.ID, officer.who.Purpose, ""},
			{"audit", "root", "administrator", "", "list"},
		} {
			if !slices.ContainsFunc(page.Entries, func(e loggedEntry) bool {
				return e.Action == want.action && e.Who.Kind == want.kind && (want.account == "" || e.Who.Account == want.account) &&
					e.Who.Purpose == want.purpose && strings.Contains(e.Detail, want.detail) && e.Who.Address == "127.0.0.1"
			}) {
				t.Errorf("the log does not say: %+v", want)
			}
		}
		for _, secret := range append(c.secrets, mistyped, "not-that-one", citizenContact) {
			if strings.Contains(string(r.body), secret) {
				t.Errorf("the log holds …%s…", clip(secret, 8))
			}
		}
	})
}

type loggedEntry struct {
	Action, Detail string
	Who            struct{ Kind, Account, Purpose, Address string }
}
