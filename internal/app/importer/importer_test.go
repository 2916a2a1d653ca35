package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/internal/access"
)

// run runs the command on a store and returns exit code, stdout and stderr.
func run(t *testing.T, store string, args ...string) (int, string, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(append(args, "--store", store), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const twoTrees = `{"type":"FeatureCollection","features":[
{"type":"Feature","id":"a","geometry":{"type":"Point","coordinates":[72.85,19.05]},"properties":{"girth":9007199254740993}},
{"type":"Feature","id":"b","geometry":{"type":"Point","coordinates":[72.95,19.15,12.25]},"properties":{"girth":2}}]}`

// TestOnBothClocks loads, changes and exports by date and revision.
func TestOnBothClocks(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	first := write(t, "trees.geojson", twoTrees)
	second := write(t, "trees.geojson", strings.Replace(twoTrees, `"girth":2}`, `"girth":3}`, 1))
	if code, _, msg := run(t, store, "load", "trees", "--from", first, "--valid-from", "2020-01-01"); code != 0 {
		t.Fatal(msg)
	}
	code, out, msg := run(t, store, "load", "trees", "--from", second, "--valid-from", "2024-01-01")
	if code != 0 {
		t.Fatal(msg)
	}
	var sum struct {
		Read, Loaded, Updated, Unchanged, Rejected int
		Revision                                   int
	}
	if err := json.Unmarshal([]byte(out), &sum); err != nil || sum.Updated != 1 || sum.Read != 2 {
		t.Fatalf("%v %s", err, out)
	}
	for _, c := range []struct {
		args []string
		want []string // what the lines hold; as many lines
	}{
		{nil, []string{`9007199254740993`, `"girth":3`}},
		{[]string{"--asof", "2019-12-31"}, nil},
		{[]string{"--asof", "2020-01-01"}, []string{`"girth":9007199254740993`, `"girth":2`}},
		{[]string{"--asof", "2023-12-31"}, []string{`"girth":9007199254740993`, `"girth":2`}},
		{[]string{"--filter", "girth < 10"}, []string{`[72.95,19.15,12.25]`}},
		{[]string{"--bbox", "72.8,19,72.9,19.1"}, []string{`"id":"a"`}},
	} {
		to := filepath.Join(t.TempDir(), "out.geojsonl")
		if code, _, msg := run(t, store, append([]string{"export", "trees", "--to", to}, c.args...)...); code != 0 {
			t.Errorf("%v: %s", c.args, msg)
			continue
		}
		b, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' })
		if len(got) != len(c.want) {
			t.Errorf("%v: %d features, want %d: %s", c.args, len(got), len(c.want), b)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(string(b), w) {
				t.Errorf("%v: %s is not in %s", c.args, w, b)
			}
		}
	}
}

// TestExitCodes holds 1 for what failed and 2 for a wrong command line, each with
// one line that says why, and that a failed export leaves the file that was there.
func TestExitCodes(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	broken := write(t, "broken.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","geome`)
	good := write(t, "good.geojson", twoTrees)
	for _, c := range []struct {
		code int
		args []string
		says string
	}{
		{2, []string{"load"}, "--from"},
		{2, []string{"load", "trees"}, "--from"},
		{2, []string{"load", "Trees!", "--from", good}, "collection name"},
		{2, []string{"load", "trees", "--from", good, "--mode", "sideways"}, "mode"},
		{2, []string{"load", "trees", "--from", good, "--valid-from", "soon"}, "--valid-from"},
		{2, []string{"load", "trees", "--from", good, "--format", "mud"}, "mud"},
		{2, []string{"demo", "--buildings", "4000000"}, "3000000"},
		{2, []string{"export", "wards", "--to", "x.mud"}, "x.mud"},
		{2, []string{"export", "wards", "--to", "x.csv", "--bbox", "3,2,1,0"}, "--bbox"},
		{2, []string{"export", "wards", "--to", "x.csv", "--filter", "nonsense >"}, "--filter"},
		{2, []string{"export", "wards", "--to", "x.csv", "--known", "999"}, "--known"},
		{2, []string{"export", "wards", "--to", "x.pmtiles", "--zoom", "9-5"}, "--zoom"},
		{2, []string{"export", "wards", "--to", "x.pmtiles", "--filter", "nonsense >"}, "filter"},
		{2, []string{"export", "wards", "--to", "-", "--format", "pmtiles"}, "not -"},
		{2, []string{"dance"}, "dance"},
		{1, []string{"load", "trees", "--from", broken}, "broken.geojson"},
		{1, []string{"load", "trees", "--from", "none.geojson"}, "none.geojson"},
		{1, []string{"export", "nothing", "--to", filepath.Join(t.TempDir(), "x.csv")}, "nothing"},
		{1, []string{"export", "nothing", "--to", filepath.Join(t.TempDir(), "x.pmtiles")}, "nothing"},
		{1, []string{"define", "trees", "--schema", broken}, "broken.geojson"},
	} {
		code, _, msg := run(t, store, c.args...)
		if code != c.code || !strings.Contains(msg, c.says) || strings.Count(strings.TrimSpace(msg), "\n") > 0 {
			t.Errorf("%v: exit %d, want %d; says %q, want %q in one line", c.args, code, c.code, msg, c.says)
		}
	}
	kept := write(t, "kept.csv", "what was there")
	if code, _, _ := run(t, store, "export", "nothing", "--to", kept); code != 1 {
		t.Errorf("exit %d", code)
	}
	if b, err := os.ReadFile(kept); err != nil || string(b) != "what was there" {
		t.Errorf("a failed export left %q, %v", b, err)
	}
}

// TestPyramid: what is not public is drawn only when that is asked for.
func TestPyramid(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	if code, _, msg := run(t, store, "load", "trees", "--from", write(t, "trees.geojson", twoTrees)); code != 0 {
		t.Fatal(msg)
	}
	to := filepath.Join(t.TempDir(), "trees.pmtiles")
	if code, _, msg := run(t, store, "export", "trees", "--to", to); code != 1 || !strings.Contains(msg, "--everything") {
		t.Errorf("what is internal, for the public: exit %d, %q", code, msg)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("a failed export left a file")
	}
	code, out, msg := run(t, store, "export", "trees,wards", "--to", to, "--everything", "--zoom", "10-12")
	if code != 0 {
		t.Fatal(msg)
	}
	var sum struct{ Features, Tiles, Bytes int64 }
	if err := json.Unmarshal([]byte(out), &sum); err != nil || sum.Features != 2 || sum.Tiles < 3 {
		t.Errorf("%v %s", err, out)
	}
	if info, err := os.Stat(to); err != nil || info.Size() != sum.Bytes {
		t.Errorf("%v: %d bytes, says %d", err, info.Size(), sum.Bytes)
	}
}

// TestPyramidIsWhatThePolicyShows: what the city's policy takes from the public is
// not in the public's archive, whatever its class.
func TestPyramidIsWhatThePolicyShows(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	if code, _, msg := run(t, store, "load", "trees", "--public", "--from", write(t, "trees.geojson", twoTrees)); code != 0 {
		t.Fatal(msg)
	}
	to := filepath.Join(t.TempDir(), "trees.pmtiles")
	if code, _, msg := run(t, store, "export", "trees", "--to", to, "--zoom", "12"); code != 0 {
		t.Fatal(msg)
	}
	ctx := context.Background()
	err := withDesk(ctx, storeFlag{store}, func(d *desk) error {
		p, err := d.policies.Policy(ctx)
		if err != nil {
			return err
		}
		next := *p
		next.Roles = maps.Clone(p.Roles)
		next.Roles["public"] = access.Role{Title: p.Roles["public"].Title, Grants: []access.Grant{{Collections: []string{"wards"}, Class: catalog.ClassPublic}}}
		_, err = d.policies.SetPolicy(ctx, &next, p.Version, "test")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, _, msg := run(t, store, "export", "trees", "--to", to, "--zoom", "12"); code != 1 || !strings.Contains(msg, "--everything") {
		t.Errorf("exit %d, %q", code, msg)
	}
}

// TestDefineAlters creates a collection from a file and adds a field by another.
func TestDefineAlters(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	schema := `{"name":"lamps","title":{"en":"Lamps"},"class":"public","geometry":"point","fields":[{"name":"watts","type":"integer","class":"public"}%s]}`
	for _, more := range []string{"", `,{"name":"pole","type":"text","class":"internal"}`} {
		if code, _, msg := run(t, store, "define", "lamps", "--schema", write(t, "lamps.json", strings.Replace(schema, "%s", more, 1))); code != 0 {
			t.Fatal(msg)
		}
	}
	_, out, _ := run(t, store, "collections")
	for _, want := range []string{`"name":"lamps"`, `"name":"pole"`, `"class":"internal"`, `"name":"wards"`} {
		if !strings.Contains(out, want) {
			t.Errorf("collections lack %s", want)
		}
	}
	if code, _, msg := run(t, store, "define", "lamps", "--schema", write(t, "bad.json", `{"name":"lamps","geometry":"point","fieldz":[]}`)); code != 1 || !strings.Contains(msg, "fieldz") {
		t.Errorf("a misspelt member: exit %d, %s", code, msg)
	}
}

// TestDemoTwice writes the same city again: nothing changes.
func TestDemoTwice(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	for pass, field := range []string{"loaded", "unchanged"} {
		code, out, msg := run(t, store, "demo", "--buildings", "1000")
		var sum map[string]any
		if err := json.Unmarshal([]byte(out), &sum); code != 0 || err != nil {
			t.Fatalf("exit %d: %s %v", code, msg, err)
		}
		if n, _ := sum[field].(float64); n < 1000 || sum["updated"] != 0.0 {
			t.Errorf("pass %d: %s", pass, out)
		}
	}
}
