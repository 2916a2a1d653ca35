package digipin

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestOfficial holds codes and centres equal to those of the Department of Posts.
func TestOfficial(t *testing.T) {
	f, err := os.Open("testdata/official.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 60 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, row := range rows {
		lat, lon := number(row[0]), number(row[1])
		if got, ok := Encode(lon, lat); !ok || got != row[2] {
			t.Errorf("%v, %v is %s, %v; want %s", lat, lon, got, ok, row[2])
		}
		box, err := Decode(row[2])
		if err != nil {
			t.Errorf("%s: %v", row[2], err)
		}
		if math.Abs((box.S+box.N)/2-number(row[3])) > 1e-6 || math.Abs((box.W+box.E)/2-number(row[4])) > 1e-6 {
			t.Errorf("%s: the middle of %v is not %s, %s", row[2], box, row[3], row[4])
		}
	}
}

// TestLines holds section 3.4: what lies on a line is east and north of it, but on
// the last line of the box.
func TestLines(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		i, j := rng.IntN(side), rng.IntN(side)
		const width = span / float64(side)
		lon, lat := West+float64(i)*width, South+float64(j)*width
		code, _ := Encode(lon, lat)
		box, err := Decode(code)
		if err != nil || box.W != lon || box.S != lat {
			t.Fatalf("%v, %v on the lines is %s: %v, %v", lon, lat, code, box, err)
		}
		if i == 0 || j == 0 {
			continue
		}
		code, _ = Encode(math.Nextafter(lon, 0), math.Nextafter(lat, 0))
		if box, _ := Decode(code); box.E != lon || box.N != lat {
			t.Fatalf("just before %v, %v is %s: %v", lon, lat, code, box)
		}
	}
}

func TestPrefix(t *testing.T) {
	whole, _ := Decode("39J-49L-L8T4")
	for n := 1; n < Length; n++ {
		part, err := Decode("39J49LL8T4"[:n])
		if err != nil || part.W > whole.W || part.S > whole.S || part.E < whole.E || part.N < whole.N {
			t.Errorf("%d characters: %v, %v does not contain %v", n, part, err, whole)
		}
		if got, want := part.E-part.W, span/math.Pow(4, float64(n)); got != want {
			t.Errorf("%d characters are %v wide, want %v", n, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, p := range [][2]float64{{63.4, 20}, {99.6, 20}, {72, 2.4}, {72, 38.6}, {math.NaN(), 20}, {72, math.Inf(1)}} {
		if code, ok := Encode(p[0], p[1]); ok {
			t.Errorf("%v is %s", p, code)
		}
	}
	for code, want := range map[string]string{"": "empty", "- -": "empty", "39J-49A": `"39J-49A" is no DIGIPIN: 'A'`, "39J49LL8T44": "more than 10", "39J०": "'०'"} {
		if _, err := Decode(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", code, err)
		}
	}
	for in, want := range map[string]string{"39j49ll8t4": "39J-49L-L8T4", " 39J 49L L8T4 ": "39J-49L-L8T4"} {
		if got, err := Format(in); err != nil || got != want {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
	if _, err := Format("39J-49L"); err == nil {
		t.Error("a part of a code is a whole one")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("39J-49L-L8T4")
	f.Add("4fk pc2")
	f.Fuzz(func(t *testing.T, s string) {
		box, err := Decode(s)
		if err != nil {
			return
		}
		code, ok := Encode(box.W, box.S)
		short, _ := Parse(s)
		if full, _ := Parse(code); !ok || !strings.HasPrefix(full, short) {
			t.Errorf("%q is %v, whose corner is %s", s, box, code)
		}
	})
}
