package crs

import (
	"math"
	"strings"
	"testing"
)

func TestLonLatNeedsNothing(t *testing.T) {
	for _, name := range []string{"EPSG:4326", "4326", "CRS84", " epsg:4326 ",
		`GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`} {
		tr, err := New(name, Options{})
		if tr != nil || err != nil {
			t.Errorf("%s: %v %v", name, tr, err)
		}
	}
}

func TestMercator(t *testing.T) {
	tr, err := New("EPSG:3857", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	c := []float64{8109624.90428998, 2160823.49021837, 7, 20037508.342789244, 0, 1}
	if err := tr.Transform(c, 3); err != nil {
		t.Fatal(err)
	}
	if math.Abs(c[0]-72.85) > 1e-8 || math.Abs(c[1]-19.05) > 1e-8 || c[2] != 7 || math.Abs(c[3]-180) > 1e-9 {
		t.Errorf("%v", c)
	}
	for _, bad := range [][]float64{{3e7, 0}, {math.NaN(), 0}, {0, math.Inf(1)}} {
		if err := tr.Transform(bad, 2); err == nil {
			t.Errorf("%v was transformed", bad)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, name := range []string{"EPSG:999999", "mine", `PROJCS["x"`, "EPSG:5773", strings.Repeat("x", 10_000)} {
		tr, err := New(name, Options{})
		if err == nil || len(err.Error()) > 400 {
			t.Errorf("%.40s: %v %v", name, tr, err)
		}
	}
}
