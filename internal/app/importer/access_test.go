package importer

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/internal/app"
)

// TestAccountsAndTokens manages both from the command line. A secret goes to a
// terminal, or to a file of its owner's, and nowhere else.
func TestAccountsAndTokens(t *testing.T) {
	folder := t.TempDir()
	store, secret := filepath.Join(folder, "city.gpkg"), filepath.Join(folder, "secret")
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Main(append(args, "--store", store), strings.NewReader(""), &out, &errs); code != want {
			t.Fatalf("%v: exit %d, want %d: %s", args, code, want, errs.String())
		}
		return out.String()
	}
	run(1, "account", "list") // no city of that name: none is made
	if _, err := os.Stat(store + ".d"); err == nil {
		t.Error("a mistyped store got a folder")
	}
	run(0, "collections")
	if _, err := os.Stat(store); err != nil {
		t.Fatal(err)
	}
	run(2, "account", "add", "asha", "--role", "planner") // no terminal, no file
	run(1, "account", "add", "asha", "--role", "no such role", "--to", secret)
	if list := run(0, "account", "list"); list != "" {
		t.Errorf("made all the same: %s", list)
	}
	run(0, "account", "add", "asha", "--role", "planner", "--ward", "F/N", "--to", secret)
	kept := func(begin string) string {
		t.Helper()
		info, err := os.Stat(secret)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		text, err := os.ReadFile(secret)
		if err != nil || !strings.HasPrefix(string(text), begin) {
			t.Fatalf("%.20s, %v", text, err)
		}
		return strings.TrimSpace(string(text))
	}
	first := kept("http://localhost:8080/auth/link/")
	run(0, "account", "link", "asha", "--base", "https://city.example/", "--to", secret)
	if kept("https://city.example/auth/link/") == first {
		t.Error("the same link twice")
	}
	run(0, "account", "disable", "asha")
	if list := run(0, "account", "list"); !strings.Contains(list, `"disabled":true`) || !strings.Contains(list, `"wards":["F/N"]`) {
		t.Errorf("%s", list)
	}
	run(1, "account", "link", "asha", "--to", secret)
	run(0, "account", "enable", "asha")

	run(2, "token", "add", "Lamps")
	run(1, "token", "add", "Lamps", "--days", "400", "--to", secret)
	run(0, "token", "add", "Lamps", "--role", "planner", "--collection", "assets", "--to", secret)
	token := kept("nagar_")
	list := run(0, "token", "list")
	if strings.Contains(list, token) || !strings.Contains(list, `"collections":["assets"]`) {
		t.Errorf("%s", list)
	}
	_, id, _ := strings.Cut(list, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	run(0, "token", "revoke", id)
	run(app.ExitError, "token", "revoke", id)
}
