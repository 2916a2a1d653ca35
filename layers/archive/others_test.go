package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// moduleRoot is the folder of go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}

// TestGoPMTilesReadsIt: its verify finds nothing wrong, and its show tells the same.
func TestGoPMTilesReadsIt(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "pmtiles")
	build := exec.Command("go", "build", "-modfile=tools/pmtiles.mod", "-o", tool, "github.com/protomaps/go-pmtiles")
	build.Dir = moduleRoot(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	drawn, stats := export(t, load(t, random(t), town(random(t))), []string{"wards", "buildings"}, Options{MaxZoom: 16, View: catalog.Public})
	for _, path := range []string{drawn, many(t, 60_000)} {
		out, err := exec.Command(tool, "verify", path).CombinedOutput()
		if err != nil || strings.Contains(strings.ToLower(string(out)), "invalid") {
			t.Errorf("verify %s: %v\n%s", path, err, out)
		}
	}
	out, err := exec.Command(tool, "show", drawn).CombinedOutput()
	for _, want := range []string{"tile type: mvt", "max zoom: 16", "clustered: true", "tile compression: gzip", fmt.Sprintf("addressed tiles count: %d", stats.Tiles), "name wards,buildings", "attribution Survey"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("show lacks %q: %v\n%s", want, err, out)
		}
	}
	at := geo.TileAt(72.85, 19.05, 15)
	a := open(t, drawn)
	want, _, err := a.Tile(at)
	if err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(tool, "tile", drawn, fmt.Sprint(at.Z), fmt.Sprint(at.X), fmt.Sprint(at.Y)).Output()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("tile %s: %d bytes, ours %d: %v", at, len(got), len(want), err)
	}
}

// browserScript reads an archive with the package that browsers use: its header,
// its metadata, and the hash of each tile asked for.
const browserScript = `
import { PMTiles } from "pmtiles";
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
const { path, tiles } = JSON.parse(process.argv[1]);
const file = await open(path);
const source = {
	getKey: () => path,
	getBytes: async (offset, length) => {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
		return { data: buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + bytesRead) };
	},
};
const archive = new PMTiles(source);
const hashes = [];
for (const [z, x, y] of tiles) {
	const tile = await archive.getZxy(z, x, y);
	hashes.push(tile ? createHash("sha256").update(new Uint8Array(tile.data)).digest("hex") : "");
}
console.log(JSON.stringify({ header: await archive.getHeader(), metadata: await archive.getMetadata(), hashes }));
process.exit(0);
`

// TestBrowsersReadIt: the npm package finds the tiles that we find.
func TestBrowsersReadIt(t *testing.T) {
	viewer := filepath.Join(moduleRoot(t), "web", "viewer")
	if _, err := os.Stat(filepath.Join(viewer, "node_modules", "pmtiles")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("the viewer's packages are not installed: " + err.Error())
	}
	r := random(t)
	drawn, _ := export(t, load(t, r, town(r)), []string{"wards", "buildings"}, Options{MaxZoom: 16, View: catalog.Public})
	for _, path := range []string{drawn, many(t, 60_000)} {
		a := open(t, path)
		var tiles [][3]uint32
		var want []string
		for range 300 {
			at := geo.TileAt(72.85+r.NormFloat64()*0.05, 19.05+r.NormFloat64()*0.05, uint32(r.IntN(18)))
			if a.TileType == PNG {
				at = tileOf(manyID(r.IntN(60_000)) + uint64(r.IntN(2)))
			}
			tiles = append(tiles, [3]uint32{at.Z, at.X, at.Y})
			data, ok, err := a.Tile(at)
			if err != nil {
				t.Fatal(err)
			}
			hash := ""
			if ok {
				if data, err = a.Plain(data); err != nil {
					t.Fatal(err)
				}
				sum := sha256.Sum256(data)
				hash = hex.EncodeToString(sum[:])
			}
			want = append(want, hash)
		}
		arg, err := json.Marshal(map[string]any{"path": path, "tiles": tiles})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("node", "--input-type=module", "-e", browserScript, string(arg))
		cmd.Dir = viewer
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		var got struct {
			Header struct {
				MinZoom, MaxZoom  uint32
				NumAddressedTiles uint64
				MinLon            float64
			}
			Metadata map[string]any
			Hashes   []string
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if h := got.Header; h.MinZoom != a.MinZoom || h.MaxZoom != a.MaxZoom || h.NumAddressedTiles != a.Addressed || h.MinLon != a.Bounds.W {
			t.Errorf("header %+v, ours %+v", h, a.Header)
		}
		if got.Metadata["name"] == nil {
			t.Errorf("metadata %v", got.Metadata)
		}
		found := 0
		for i := range want {
			if got.Hashes[i] != want[i] {
				t.Fatalf("tile %v: hash %q, ours %q", tiles[i], got.Hashes[i], want[i])
			}
			if want[i] != "" {
				found++
			}
		}
		if found < 50 || found == len(want) {
			t.Errorf("%d of %d tiles are there: want some that are, and some that are not", found, len(want))
		}
	}
}
