//go:build cgo && !noproj

package crs

import (
	"math"
	"strings"
	"testing"
)

// What gdaltransform prints for the positions below.
var (
	wantUTM  = [2]float64{72.8431963153155, 19.0341513902348}
	wantRD   = [2]float64{4.36788777925133, 51.9979621083075}
	wantLV95 = [2]float64{7.43863249527489, 46.9510828756987}
)

// metres between two places near each other.
func apart(lon1, lat1, lon2, lat2 float64) float64 {
	return math.Hypot((lon1-lon2)*111320*math.Cos(lat1*math.Pi/180), (lat1-lat2)*110574)
}

// TestAgainstGDAL compares with what gdaltransform 3.6 (PROJ 9.1) gives.
func TestAgainstGDAL(t *testing.T) {
	tests := []struct {
		crs      string
		in       []float64
		lon, lat float64
		z        float64
		note     string
	}{
		{"EPSG:32643", []float64{273000.5, 2106000.1}, wantUTM[0], wantUTM[1], 0, ""},
		{"32643", []float64{273000.5, 2106000.1, 12.25}, wantUTM[0], wantUTM[1], 12.25, ""},
		{"EPSG:28992", []float64{85000, 446000, 3.5}, wantRD[0], wantRD[1], 3.5, "accuracy of 1 m"},
		{"EPSG:7415", []float64{85000, 446000, -0.5}, wantRD[0], wantRD[1], -0.5, "accuracy of 1 m"},
		{"EPSG:2056", []float64{2600000, 1200000, 500}, wantLV95[0], wantLV95[1], 500, ""},
	}
	for _, tt := range tests {
		tr, err := New(tt.crs, Options{Probe: [2]float64{tt.in[0], tt.in[1]}})
		if err != nil {
			t.Errorf("%s: %v", tt.crs, err)
			continue
		}
		c := append([]float64(nil), tt.in...)
		if err := tr.Transform(c, len(c)); err != nil {
			t.Errorf("%s: %v", tt.crs, err)
		}
		if d := apart(c[0], c[1], tt.lon, tt.lat); d > 0.05 {
			t.Errorf("%s: %v is %g m from %g %g", tt.crs, c, d, tt.lon, tt.lat)
		}
		if len(c) == 3 && c[2] != tt.z {
			t.Errorf("%s: height %g, want %g", tt.crs, c[2], tt.z)
		}
		if !strings.Contains(tr.Note(), tt.note) {
			t.Errorf("%s: note %q", tt.crs, tr.Note())
		}
		tr.Close()
	}
}

// TestEllipsoidalHeights: at Mumbai the EGM96 geoid lies some 60 m below the
// ellipsoid, so that heights above the sea are larger. Without the grid file such
// heights are refused, never passed on as they are.
func TestEllipsoidalHeights(t *testing.T) {
	tr, err := New("EPSG:4979", Options{Probe: [2]float64{72.85, 19.05}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	c := []float64{72.85, 19.05, -40}
	err = tr.Transform(c, 3)
	switch {
	case err == nil && (c[2] < 10 || c[2] > 40):
		t.Errorf("%v", c)
	case err != nil && !strings.Contains(err.Error(), "cannot be brought to mean sea level"):
		t.Errorf("%v", err)
	}
	flat := []float64{72.85, 19.05}
	if err := tr.Transform(flat, 2); err != nil || apart(flat[0], flat[1], 72.85, 19.05) > 0.01 {
		t.Errorf("%v %v", flat, err)
	}
}

func TestBallparkIsRefused(t *testing.T) {
	_, err := New(`GEOGCS["mine",DATUM["unknown",SPHEROID["Bessel 1841",6377397.155,299.1528128]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]`, Options{})
	if err == nil || !strings.Contains(err.Error(), "rough guess") {
		t.Errorf("%v", err)
	}
}

func TestOutsideTheArea(t *testing.T) {
	tr, err := New("EPSG:32643", Options{Probe: [2]float64{273000, 2106000}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Transform([]float64{1e12, 1e12}, 2); err == nil || !strings.Contains(err.Error(), "outside the area") {
		t.Errorf("%v", err)
	}
}

func TestESRIWKT(t *testing.T) {
	tr, err := New(`PROJCS["WGS_1984_UTM_Zone_43N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",75.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]`, Options{Probe: [2]float64{273000, 2106000}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	c := []float64{273000.5, 2106000.1}
	if err := tr.Transform(c, 2); err != nil || apart(c[0], c[1], wantUTM[0], wantUTM[1]) > 0.001 {
		t.Errorf("%v %v", c, err)
	}
}
