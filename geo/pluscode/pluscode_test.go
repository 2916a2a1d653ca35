package pluscode

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"nagar/geo"
)

// published reads a file of the specification's conformance data.
func published(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.FieldsPerRecord = '#', -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", name, len(rows), err)
	}
	return rows
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestEncoding holds the codes of whole parts of a degree equal, all of them, and
// those of degrees where they are no nearer to a line than floating point goes.
func TestEncoding(t *testing.T) {
	for _, row := range published(t, "encoding.csv") {
		y, err1 := strconv.ParseInt(row[2], 10, 64)
		x, err2 := strconv.ParseInt(row[3], 10, 64)
		n, err3 := strconv.Atoi(row[4])
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(row)
		}
		if got := encode(x, y, n); got != row[5] {
			t.Errorf("%v: %s", row, got)
		}
		lat, lon := number(t, row[0]), number(t, row[1])
		onLine := func(v, parts float64) bool {
			v *= parts
			return math.Abs(v-math.Round(v)) < 1e-5
		}
		if got := Encode(lon, lat, n); got != row[5] && !onLine(lat, latParts) && !onLine(lon, lonParts) {
			t.Errorf("%v: from degrees %s", row, got)
		}
	}
}

func TestDecoding(t *testing.T) {
	for _, row := range published(t, "decoding.csv") {
		got, err := Decode(row[0])
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		want := geo.Box{S: number(t, row[2]), W: number(t, row[3]), N: number(t, row[4]), E: number(t, row[5])}
		for i, d := range []float64{got.S - want.S, got.W - want.W, got.N - want.N, got.E - want.E} {
			if math.Abs(d) > 1e-10 {
				t.Errorf("%s: side %d is off by %g", row[0], i, d)
			}
		}
	}
}

func TestShortCodes(t *testing.T) {
	for _, row := range published(t, "shortCodeTests.csv") {
		full, lat, lon, short, kind := row[0], number(t, row[1]), number(t, row[2]), row[3], row[4]
		if kind == "B" || kind == "S" {
			if got, err := Shorten(full, lon, lat); err != nil || got != short {
				t.Errorf("%v: shortened to %s, %v", row, got, err)
			}
		}
		if kind == "B" || kind == "R" {
			if got, err := Recover(short, lon, lat); err != nil || got != full {
				t.Errorf("%v: recovered as %s, %v", row, got, err)
			}
		}
	}
}

func TestValidity(t *testing.T) {
	for _, row := range published(t, "validityTests.csv") {
		want := None
		switch {
		case row[3] == "true":
			want = Full
		case row[2] == "true":
			want = Short
		}
		if got := KindOf(row[0]); got != want {
			t.Errorf("%v: %d", row, got)
		}
		if _, err := Decode(row[0]); (err == nil) != (want == Full) {
			t.Errorf("%v: %v", row, err)
		}
	}
	for _, s := range []string{"X2222222+22", "2X222222+22", "CX222222+22", "", "22222222", "7JFJ२VXF+9M", strings.Repeat("2", 100)} {
		if KindOf(s) == Full && s != "CX222222+22" {
			t.Errorf("%q is taken", s)
		}
		if _, err := Recover(s, 72.8, 19); err == nil && KindOf(s) == None {
			t.Errorf("%q is recovered", s)
		}
	}
	if _, err := Shorten("84000000+", 0, 0); err == nil {
		t.Error("a padded code is shortened")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("7JFJ2VXF+9M", 72.8, 19.0)
	f.Add("9QCJ+2VX", -1.2, 51.3)
	f.Add("84000000+", 0.0, 0.0)
	f.Fuzz(func(t *testing.T, s string, lon, lat float64) {
		if math.IsNaN(lon) || math.IsNaN(lat) || math.Abs(lon) > 1e6 || math.Abs(lat) > 1e6 {
			return
		}
		full, err := Recover(s, lon, lat)
		if err != nil {
			return
		}
		box, err := Decode(full)
		if err != nil { // a short code whose place would be beyond the pole stays what it is
			t.Fatalf("%q is recovered as %q: %v", s, full, err)
		}
		_, _, n, _ := parse(full)
		again := Encode((box.W+box.E)/2, (box.S+box.N)/2, n)
		want, _, _ := strings.Cut(full, "+")
		if n <= most && !strings.HasPrefix(again, want[:min(len(want), separator)]) {
			t.Errorf("%q is %v, whose middle is %s", full, box, again)
		}
	})
}
