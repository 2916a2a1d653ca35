package city

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mumbai(t testing.TB) *Profile {
	t.Helper()
	p, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWardSpellings(t *testing.T) {
	p := mumbai(t)
	if len(p.Wards) != 24 {
		t.Fatalf("%d wards, want 24", len(p.Wards))
	}
	for _, w := range p.Wards {
		for _, s := range []string{w.Name, strings.ToLower(w.Name), "\n  " + w.Name + "\n", "Ward " + w.Name, w.Name + " Ward Office", strings.ReplaceAll(w.Name, "/", ""), strings.ReplaceAll(w.Name, "/", " - ")} {
			if got, ok := p.Ward(s); !ok || got != w.Name {
				t.Errorf("Ward(%q) = %q, %v; want %s", s, got, ok, w.Name)
			}
		}
	}
	for s, want := range map[string]string{
		"F/N": "F/N", "FN": "F/N", "F NORTH": "F/N", "F - North": "F/N", "f-n": "F/N", "F_North": "F/N", "FNorth": "F/N",
		"P - North": "P/N", "G South": "G/S", "g/south": "G/S", "K West": "K/W", "M/East": "M/E", "R Central": "R/C", "R-Centre": "R/C",
		"एफ/उत्तर": "F/N", "एफ उत्तर विभाग": "F/N", "जी दक्षिण": "G/S", "के/पूर्व": "K/E", "एच - पश्चिम": "H/W", "आर मध्य": "R/C", "ए": "A", "एन": "N", "टी वॉर्ड": "T",
		"Ward\u00a0K/E": "K/E", "\ufeffA": "A", "S": "S", "n ward": "N",
	} {
		if got, ok := p.Ward(s); !ok || got != want {
			t.Errorf("Ward(%q) = %q, %v; want %s", s, got, ok, want)
		}
	}
	for _, s := range []string{"", " ", "ward", "F", "North", "उत्तर", "Z", "F/X", "A/N", "NF", "F/N/S", "Bandra", strings.Repeat("A", 1000)} {
		if got, ok := p.Ward(s); ok {
			t.Errorf("Ward(%q) = %s, want none", s, got)
		}
	}
}

func TestInventedCity(t *testing.T) {
	p, err := Load(filepath.Join("testdata", "saltmere.json"))
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]string{
		"1-Upper": "1-Upper", "ONE UCHAF": "1-Upper", "un/lo": "1-Lower", "1lower": "1-Lower", "Second Quarter": "2", "the quay": "1-Upper",
	} {
		if got, ok := p.Ward(s); !ok || got != want {
			t.Errorf("Ward(%q) = %q, %v; want %s", s, got, ok, want)
		}
	}
	if got, ok := p.Ward("F/N"); ok {
		t.Errorf("F/N is %s in an invented city", got)
	}
	if c, ok := p.AirIndex.Of(5); !ok || c.Code != "murk" {
		t.Errorf("air index 5 is %v, %v", c, ok)
	}
	if _, ok := p.Rain.Of(1); ok {
		t.Error("a scale without classes classified a value")
	}
}

func TestScales(t *testing.T) {
	p := mumbai(t)
	for v, want := range map[float64]string{0: "good", 50: "good", 51: "satisfactory", 250: "poor", 401: "severe", 999: "severe"} {
		if c, ok := p.AirIndex.Of(v); !ok || c.Code != want {
			t.Errorf("air index %v is %s, want %s", v, c.Code, want)
		}
	}
	for v, want := range map[float64]string{0: "none", 2.4: "very_light", 2.5: "light", 64.5: "heavy", 115.6: "very_heavy", 204.5: "extremely_heavy"} {
		if c, ok := p.Rain.Of(v); !ok || c.Code != want {
			t.Errorf("rain %v is %s, want %s", v, c.Code, want)
		}
	}
	if _, ok := p.Rain.Of(-1); ok {
		t.Error("negative rain has a class")
	}
}

// TestLoadRefuses proves that each mistake in a profile is named.
func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"name": "mumbai"`, `"name": "Mum bai"`, "name"},
		{`"time_zone": "Asia/Kolkata"`, `"time_zone": "Asia/Atlantis"`, "time_zone"},
		{`"time_zone"`, `"timezone"`, "timezone"},
		{`"crs": "EPSG:32643"`, `"crs": "UTM43"`, "crs"},
		{`"zoom": 11`, `"zoom": 99`, "zoom"},
		{`"name": "F/S"`, `"name": "F-N"`, "could be"},
		{`"#00B050"`, `"green"`, "colour"},
		{`"from": 51`, `"from": 0`, "not above"},
		{`"mr": "मुंबई"`, `"mr": ""`, `"mr"`},
		{`"base": "mumbai-base.geojson"`, `"base": "../x"`, "base"},
		{`{`, `[`, ""},
	} {
		b := strings.Replace(string(embedded), c.old, c.new, 1)
		if b == string(embedded) {
			t.Fatalf("%s is not in the profile", c.old)
		}
		path := filepath.Join(t.TempDir(), "p.json")
		if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s → %s: error %v, want %q and the path", c.old, c.new, err, c.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a missing profile loads")
	}
}

func TestProfileRoundTrip(t *testing.T) {
	p := mumbai(t)
	b, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	q, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if q.Bounds != p.Bounds || q.Name != p.Name || len(q.Wards) != len(p.Wards) {
		t.Error("the profile changes when written and read")
	}
}

func FuzzWard(f *testing.F) {
	p := mumbai(f)
	for _, s := range []string{"F/N", "एफ/उत्तर", "Ward P - North", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := p.Ward(s)
		if again, ok2 := p.Ward(name); ok && (!ok2 || again != name) {
			t.Errorf("Ward(%q) = %q, which is %q", s, name, again)
		}
	})
}

func TestBaseMap(t *testing.T) {
	b, err := mumbai(t).BaseMap()
	if err != nil || len(b) == 0 {
		t.Errorf("embedded base: %d bytes, %v", len(b), err)
	}
	p, err := Load(filepath.Join("testdata", "saltmere.json"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := p.BaseMap(); err != nil || len(b) == 0 {
		t.Errorf("invented base: %d bytes, %v", len(b), err)
	}
	p.Base = ""
	if _, err := p.BaseMap(); err == nil {
		t.Error("a profile without a base has one")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(embedded)
	f.Add([]byte(`{"name":"x","bounds":[0,0,1,1]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if _, err := p.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	})
}
