//go:build peers

package benchpeers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nagar/geo"
)

// town is the city of one run: where it came from, and what is asked of it.
type town struct {
	source string // how it was made, for the report
	file   string // GeoJSONSeq of buildings
	tiles  []string
	boxes  []string // "w s e n", 500 m wide
	near   []string // "lon lat"
	points []string // "lon lat"
}

// newTown makes the city of the measuring kit where that is at hand, else that of
// our own generator.
func newTown(t *testing.T, root, dir string) *town {
	t.Helper()
	c := &town{source: "the measuring kit's city, seed 42"}
	kit := filepath.Join(root, "../shared/bench")
	number := os.Getenv("BENCH_BUILDINGS")
	if _, err := os.Stat(kit); err == nil && number == "" {
		work := filepath.Join(dir, "kit")
		sh(t, dir, "cp", "-r", kit, work)
		sh(t, work, "chmod", "-R", "u+w", ".")
		sh(t, work, "go", "build", "-o", "bench", ".")
		sh(t, work, "mkdir", "-p", "data", "results")
		sh(t, work, "./bench", "gen", "-seed", "42")
		c.file = filepath.Join(work, "data/buildings.geojsonl")
		for list, file := range map[*[]string]string{&c.tiles: "tiles.txt", &c.boxes: "q_bbox.txt", &c.near: "q_knn.txt", &c.points: "q_pip.txt"} {
			text, err := os.ReadFile(filepath.Join(work, file))
			if err != nil {
				t.Fatal(err)
			}
			*list = strings.Split(strings.TrimSpace(string(text)), "\n")
		}
	} else {
		if number == "" {
			number = "1000000"
		}
		c.source = "importer demo --buildings " + number + " --seed 42"
		store := filepath.Join(dir, "demo.gpkg")
		c.file = filepath.Join(dir, "buildings.geojsonl")
		importer := filepath.Join(root, "bin/importer")
		sh(t, dir, importer, "demo", "--buildings", number, "--seed", "42", "--store", store)
		sh(t, dir, importer, "export", "buildings", "--to", c.file, "--store", store)
		c.ask(t)
	}
	return c
}

// distinct is each tile once, in their order: the kit's list has a tile as often as
// it is to be asked for.
func (c *town) distinct() (out []string) {
	seen := map[string]bool{}
	for _, t := range c.tiles {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// ask picks tiles and places where buildings are: distinct tiles of zooms 12 to 16,
// windows and points about buildings.
func (c *town) ask(t *testing.T) {
	t.Helper()
	f, err := os.Open(c.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := rand.New(rand.NewPCG(42, 1))
	seen := map[string]bool{}
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		if n%997 != 0 {
			continue
		}
		var one struct {
			Geometry struct{ Coordinates json.RawMessage }
		}
		if err := json.Unmarshal(s.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		lon, lat := firstPosition(one.Geometry.Coordinates)
		if tile := geo.TileAt(lon, lat, 12+uint32(r.IntN(5))).String(); !seen[tile] {
			seen[tile] = true
			c.tiles = append(c.tiles, tile)
		}
		c.boxes = append(c.boxes, fmt.Sprintf("%.6f %.6f %.6f %.6f", lon-0.0024, lat-0.00226, lon+0.0024, lat+0.00226))
		c.points = append(c.points, fmt.Sprintf("%.6f %.6f", lon+(r.Float64()-0.5)/1000, lat+(r.Float64()-0.5)/1000))
	}
	c.near = c.points
}

// of are the tiles of some zooms.
func (c *town) of(zooms ...string) (out []string) {
	for _, t := range c.tiles {
		z, _, _ := strings.Cut(t, "/")
		if slices.Contains(zooms, z) {
			out = append(out, t)
		}
	}
	return out
}

func firstPosition(coordinates json.RawMessage) (lon, lat float64) {
	text := strings.TrimLeft(string(coordinates), "[ ")
	if _, err := fmt.Sscanf(text, "%g,%g", &lon, &lat); err != nil {
		panic(fmt.Sprintf("coordinates %.40s: %v", text, err))
	}
	return lon, lat
}

// sh runs a command to its end.
func sh(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%.2000s", name, args, err, out)
	}
}
