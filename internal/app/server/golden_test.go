package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nagar/geo/mvt"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldens are requests whose answers a reviewer can read in testdata/golden.
var goldens = []struct{ name, path string }{
	{"tilejson", "/tiles/wards,facilities.json"},
	{"tile-z11-wards", "/tiles/wards/11/1438/912.mvt"},
	{"tile-z15-roads-buildings", "/tiles/roads,buildings/15/23014/14610.mvt"},
	{"near", "/api/near?collection=facilities&lon=72.8285&lat=18.9322&k=3"},
	{"near-filter", "/api/near?collection=facilities&lon=72.8285&lat=18.9322&k=2&filter=category%3D%27hospital%27"},
	{"at", "/api/at?lon=72.8285&lat=18.9322&collections=wards"},
	{"within", "/api/within?collection=rail&bbox=72.82,18.92,72.84,18.95&limit=2"},
	{"search", "/api/search?q=%E0%A4%A6%E0%A4%BE%E0%A4%A6%E0%A4%B0&lang=mr&limit=2"},
	{"collection", "/api/collections/sensors"},
	{"problem-tile", "/tiles/wards/99/0/0.mvt"},
	{"problem-bbox", "/api/within?collection=wards&bbox=73,19,72,18"},
	{"problem-k", "/api/near?collection=wards&lon=72&lat=19&k=1000000000"},
	{"problem-unknown", "/api/near?collection=nothing&lon=72&lat=19"},
}

// changing is what differs from run to run: the address, times, and ids of errors.
var changing = regexp.MustCompile(`http://127\.0\.0\.1:\d+|"id": "[0-9a-f]{16}"|"recorded": "[^"]*"`)

func TestGolden(t *testing.T) {
	file := filepath.Join(t.TempDir(), "city.gpkg")
	c := &town{store: file}
	c.start(t)
	eventually(t, "search has read the city", func() bool {
		status, _ := c.get(t, "/api/search?q=dadar")
		return status == 200
	})
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			status, body := c.get(t, g.path)
			text := fmt.Appendf(nil, "GET %s\n%d\n", g.path, status)
			text = append(text, readable(t, g.path, status, body)...)
			text = changing.ReplaceAllFunc(text, func(m []byte) []byte {
				key, _, found := bytes.Cut(m, []byte(": "))
				if !found {
					return []byte("{base}")
				}
				return append(key, `: "..."`...)
			})
			golden := filepath.Join("testdata", "golden", g.name+".txt")
			if *update {
				if err := os.WriteFile(golden, text, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v (make golden writes it)", err)
			}
			if !bytes.Equal(text, want) {
				t.Errorf("differs from %s (make golden rewrites it; read the diff):\n%s", golden, firstDifference(string(want), string(text)))
			}
		})
	}
}

// readable is the body as text: JSON indented, a tile decoded.
func readable(t *testing.T, path string, status int, body []byte) []byte {
	t.Helper()
	if strings.HasSuffix(path, ".mvt") && status == 200 {
		tile, err := mvt.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		return describeTile(tile)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return body
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d:\n- %s\n+ %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// describeTile writes a tile as lines: each layer with its size, and its first
// features with attributes and the length of their geometry.
func describeTile(tile *mvt.Tile) []byte {
	var b bytes.Buffer
	for _, l := range tile.Layers {
		fmt.Fprintf(&b, "layer %s version %d extent %d features %d\n", l.Name, l.Version, l.Extent, len(l.Features))
		for _, f := range l.Features[:min(len(l.Features), 12)] {
			fmt.Fprintf(&b, "  %d type %d integers %d", f.ID, f.Type, len(f.Geometry))
			for i := 0; i+1 < len(f.Tags); i += 2 {
				v := l.Values[f.Tags[i+1]]
				switch v.Kind {
				case mvt.KindText:
					fmt.Fprintf(&b, " %s=%q", l.Keys[f.Tags[i]], v.Text)
				case mvt.KindFloat, mvt.KindDouble:
					fmt.Fprintf(&b, " %s=%v", l.Keys[f.Tags[i]], v.Num)
				case mvt.KindUint:
					fmt.Fprintf(&b, " %s=%d", l.Keys[f.Tags[i]], v.Uint)
				default:
					fmt.Fprintf(&b, " %s=%d", l.Keys[f.Tags[i]], v.Int)
				}
			}
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
