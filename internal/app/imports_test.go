package app

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// floor gives each package the storey it lives on; imports only go down, or stay
// inside one room.
func floor(pkg string) int {
	switch first, _, _ := strings.Cut(pkg, "/"); first {
	case "geo":
		return 0
	case "city":
		return 1
	case "catalog":
		return 2
	case "layers":
		return 3
	case "internal", "web":
		return 4
	case "cmd":
		return 5
	}
	return -1
}

// room is the part of the path within which packages may import each other:
// geo, catalog, layers as a whole; under internal the first two elements.
func room(pkg string) string {
	parts := strings.Split(pkg, "/")
	if parts[0] == "internal" && len(parts) > 1 {
		return strings.Join(parts[:2], "/")
	}
	return parts[0]
}

func allowed(from, to string) bool {
	switch {
	case room(from) == room(to):
		return from != to
	case room(from) == "internal/app":
		return floor(to) <= 4
	case floor(from) == 5:
		return room(to) == "internal/app"
	case room(from) == "internal/ingest" && room(to) == "internal/format":
		return true
	case from == "internal/httpapi" && (to == "internal/registry" || to == "internal/assets" || to == "internal/registry/linkage" || to == "internal/registry/finding"): // their rules and answers are their rooms' own
		return true
	case room(from) == "internal/twin" && to == "internal/bus": // readings come and go by it
		return true
	case from == "internal/httpapi" && room(to) == "internal/twin": // SensorThings is the twin's own
		return true
	case room(to) == "internal/access": // who may see what lies below the other rooms of internal
		return floor(from) == 4
	}
	return floor(to) < floor(from)
}

// pure lists what packages below internal must not touch: no log, no network.
var impure = map[string][]string{
	"geo":     {"context", "net", "net/http", "log", "log/slog", "os"},
	"catalog": {"net/http", "log", "log/slog"},
	"layers":  {"net/http", "log", "log/slog"},
}

func TestImportsPointDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "nagar/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(p.ImportPath, "nagar/")
		if floor(from) < 0 {
			t.Errorf("package %s is in no known room", from)
		}
		for _, imp := range p.Imports {
			if to, ours := strings.CutPrefix(imp, "nagar/"); ours && !allowed(from, to) {
				t.Errorf("%s imports %s", from, to)
			}
			for _, bad := range impure[room(from)] {
				if imp == bad && !strings.HasSuffix(from, "test") {
					t.Errorf("%s imports %s", from, imp)
				}
			}
		}
	}
}

// TestServersAreStatic holds tileserver and twin free of cgo: the importer alone
// uses PROJ and GEOS. The OpenID provider is there for tests only.
func TestServersAreStatic(t *testing.T) {
	for _, cmd := range []string{"nagar/cmd/tileserver", "nagar/cmd/twin"} {
		out, err := exec.Command("go", "list", "-deps", cmd).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", cmd, err)
		}
		for _, dep := range strings.Fields(string(out)) {
			if strings.Contains(dep, "twpayne/go-proj") || strings.Contains(dep, "twpayne/go-geos") || strings.Contains(dep, "zitadel/") ||
				strings.HasPrefix(dep, "nagar/internal/ingest") || strings.HasPrefix(dep, "nagar/internal/format") {
				t.Errorf("%s depends on %s", cmd, dep)
			}
		}
	}
}
