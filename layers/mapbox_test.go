package layers

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/geo"
	"nagar/geo/mvt"
)

// mapboxScript reads tiles with @mapbox/vector-tile, as MapLibre does, and prints
// what it finds: per tile, layer and feature the id, type, attributes, rings.
const mapboxScript = `
import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const out = JSON.parse(text).map((data) => {
	const tile = new VectorTile(new PbfReader(Buffer.from(data, "base64")));
	return Object.fromEntries(Object.entries(tile.layers).map(([name, layer]) => [name, {
		version: layer.version, extent: layer.extent,
		features: Array.from({ length: layer.length }, (_, i) => {
			const f = layer.feature(i);
			return { id: f.id ?? 0, type: f.type, props: f.properties, parts: f.loadGeometry().map((r) => r.map((p) => [p.x, p.y])) };
		}),
	}]));
});
process.stdout.write(JSON.stringify(out));
`

type mapboxFeature struct {
	ID    uint64
	Type  int
	Props map[string]any
	Parts [][][2]int32
}

type mapboxLayer struct {
	Version, Extent int
	Features        []mapboxFeature
}

// readWithMapbox runs the oracle; the test is skipped where it is missing, and fails in CI.
func readWithMapbox(t *testing.T, tiles [][]byte) []map[string]mapboxLayer {
	t.Helper()
	viewer := filepath.Join(moduleRoot(t), "web", "viewer")
	node, err := exec.LookPath("node")
	if err != nil {
		skip(t, "no node: "+err.Error())
	}
	if _, err := os.Stat(filepath.Join(viewer, "node_modules", "@mapbox", "vector-tile")); err != nil {
		skip(t, "the viewer's packages are not installed: "+err.Error())
	}
	in := make([]string, len(tiles))
	for i := range tiles {
		in[i] = base64.StdEncoding.EncodeToString(tiles[i])
	}
	stdin, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "--input-type=module", "-e", mapboxScript)
	cmd.Dir, cmd.Stdin = viewer, bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var out []map[string]mapboxLayer
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMapboxReadsTheSame: the reader that browsers use finds in tiles of a
// GeoPackage the features, ids, attributes and positions that ours finds and, in
// full tiles, the values that the store holds.
func TestMapboxReadsTheSame(t *testing.T) {
	ctx := context.Background()
	st, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	if _, err := st.Define(ctx, c); err != nil {
		t.Fatal(err)
	}
	r := random(t)
	byKey := map[uint64]map[string]any{}
	var ops []catalog.Op
	for i := range 3000 {
		f := mixed(r, i)
		f.Props = append(f.Props, catalog.Property{Name: "use", Value: catalog.Text([]string{"घर", "émigré", "", "a\"b"}[i%4])})
		f.Props = lastOfEach(f.Props)
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: f})
		byKey[uint64(catalog.KeyOf("buildings", f.ID))] = seenProps(f.Props)
	}
	res, err := st.Apply(ctx, catalog.Batch{Ops: catalog.Ops(ops...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("follow", func(t *testing.T) {
		e := start(t, st, Options{})
		waitRev(t, e, res.Rev)
		var raw [][]byte
		var ours []*mvt.Tile
		var full []bool
		for z := uint32(0); z <= 18; z++ {
			for _, all := range []bool{false, true} {
				tl, m := getTile(t, e, geo.TileAt(72.85+r.NormFloat64()*0.002, 19.05+r.NormFloat64()*0.002, z), all)
				raw, ours, full = append(raw, tl.Data), append(ours, m), append(full, all || z >= fullZoom)
			}
		}
		n := 0
		for i, theirs := range readWithMapbox(t, raw) {
			if len(theirs) != len(ours[i].Layers) {
				t.Fatalf("tile %d: %d layers, ours %d", i, len(theirs), len(ours[i].Layers))
			}
			for k := range ours[i].Layers {
				l := &ours[i].Layers[k]
				compareMapbox(t, l, theirs[l.Name])
				for _, f := range theirs[l.Name].Features {
					if want := byKey[f.ID]; full[i] && !reflect.DeepEqual(f.Props, want) {
						t.Fatalf("tile %d: feature %d has %v, the store %v", i, f.ID, f.Props, want)
					}
					n++
				}
			}
		}
		if n < 3000 {
			t.Errorf("only %d features compared", n)
		}
	})
}

// compareMapbox compares a layer as both readers see it.
func compareMapbox(t *testing.T, l *mvt.Layer, m mapboxLayer) {
	t.Helper()
	if m.Version != 2 || m.Extent != extent || len(m.Features) != len(l.Features) {
		t.Fatalf("version %d, extent %d, %d features, ours %d", m.Version, m.Extent, len(m.Features), len(l.Features))
	}
	for i := range l.Features {
		f, g := &l.Features[i], &m.Features[i]
		if f.ID != g.ID || int(f.Type) != g.Type {
			t.Fatalf("feature %d of type %d, ours %d of type %d", g.ID, g.Type, f.ID, f.Type)
		}
		text, err := json.Marshal(l.Props(f))
		if err != nil {
			t.Fatal(err)
		}
		var props map[string]any
		if err := json.Unmarshal(text, &props); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(props, g.Props) {
			t.Fatalf("feature %d: %v, ours %v", g.ID, g.Props, props)
		}
		coords, ends, err := f.Lines()
		if err != nil {
			t.Fatal(err)
		}
		var theirs, mine [][2]int32
		for _, part := range g.Parts {
			if f.Type == mvt.Polygon && len(part) > 1 {
				part = part[:len(part)-1] // theirs repeats the first
			}
			theirs = append(theirs, part...)
		}
		for j := 0; j+1 < len(coords); j += 2 {
			mine = append(mine, [2]int32{coords[j], coords[j+1]})
		}
		if !reflect.DeepEqual(theirs, mine) || f.Type != mvt.Point && len(g.Parts) != len(ends) {
			t.Fatalf("feature %d: %d parts %v, ours %d: %v", g.ID, len(g.Parts), theirs, len(ends), mine)
		}
	}
}

// lastOfEach keeps the last property of each name.
func lastOfEach(ps catalog.Properties) catalog.Properties {
	var out catalog.Properties
	for i, p := range ps {
		again := false
		for _, q := range ps[i+1:] {
			again = again || q.Name == p.Name
		}
		if !again {
			out = append(out, p)
		}
	}
	return out
}

// seenProps is what a public tile's reader in JavaScript makes of properties.
func seenProps(ps catalog.Properties) map[string]any {
	out := map[string]any{}
	for _, p := range ps {
		if p.Name == "owner" {
			continue
		}
		if p.Value.Type() == catalog.TypeText {
			out[p.Name] = p.Value.Str()
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(p.Value.String()), &v); err != nil {
			panic(fmt.Sprintf("%s: %v", p.Name, err))
		}
		out[p.Name] = v
	}
	return out
}
