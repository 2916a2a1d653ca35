package layers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// TestGDALReadsTheSame: GDAL finds in tiles the features, types and attributes
// that our reader finds, and says no word of warning.
func TestGDALReadsTheSame(t *testing.T) {
	if _, err := exec.LookPath("ogr2ogr"); err != nil {
		skip(t, "no GDAL: "+err.Error())
	}
	r := random(t)
	src := newMemSource()
	c := buildingsCollection()
	c.Geometry = catalog.GeometryAny
	src.define(c)
	src.write("buildings", manyShapes(r))
	e := start(t, src, Options{})
	dir := t.TempDir()
	for z := uint32(8); z <= 18; z++ {
		for _, all := range []bool{false, true} {
			at := geo.TileAt(72.85+r.NormFloat64()*0.003, 19.05+r.NormFloat64()*0.003, z)
			tl, m := getTile(t, e, at, all)
			l := m.Layer("buildings")
			if l == nil {
				continue
			}
			file := filepath.Join(dir, fmt.Sprintf("%d-%d-%d-%v.mvt", at.Z, at.X, at.Y, all))
			if err := os.WriteFile(file, tl.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("ogr2ogr", "-f", "GeoJSON", "-oo", "CLIP=NO", "/vsistdout/", "MVT:"+file, "buildings")
			var warned bytes.Buffer
			cmd.Stderr = &warned
			out, err := cmd.Output()
			if err != nil || warned.Len() > 0 {
				t.Fatalf("%s: %v\n%s", at, err, &warned)
			}
			var got struct {
				Features []struct {
					Properties map[string]any
					Geometry   struct{ Type string }
				}
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Features) != len(l.Features) {
				t.Fatalf("%s: GDAL finds %d features, we %d", at, len(got.Features), len(l.Features))
			}
			for i := range l.Features {
				f := &l.Features[i]
				if id, _ := got.Features[i].Properties["mvt_id"].(float64); uint64(id) != f.ID {
					t.Fatalf("%s: feature %d is %v to GDAL, %d to us", at, i, id, f.ID)
				}
				for name, want := range l.Props(f) {
					if have := got.Features[i].Properties[name]; fmt.Sprint(have) != fmt.Sprint(want) {
						if b, isBool := want.(bool); isBool && (have == true) == b { // GDAL has no truth values here
							continue
						}
						t.Fatalf("%s: feature %d: %s is %v to GDAL, %v to us", at, f.ID, name, have, want)
					}
				}
			}
		}
	}
}
