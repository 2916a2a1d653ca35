package search

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nagar/geo"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Dadar":         "dadar",
		"दादर":          "dadar",
		"मुंबई":         "mumbai",
		"अंधेरी":        "andheri",
		"बोरीवली":       "borivali",
		"कुर्ला":        "kurla",
		"लोअर परळ":      "loar paral",
		"हॉस्पिटल":      "hospital",
		"बँक":           "bank",
		"ज़िला":         "zila",
		"विज्ञान":       "vigyan",
		"क्षेत्र":       "kshetr",
		"वॉर्ड क्र. १२": "vord kr 12",
		"F/N":           "f n fn",
		"St. George's":  "st george s georges",
		"Café  Société": "cafe societe",
		"ＡＢＣ":           "abc",
		"Straße":        "strasse",
		"":              "",
		"—/—":           "",
		"छत्रपती शिवाजी महाराज": "chhatrapati shivaji maharaj",
	} {
		if got := strings.Join(fold(in), " "); got != want {
			t.Errorf("%q folds to %q, want %q", in, got, want)
		}
	}
}

// TestSkeletons: pairs of spellings of one sound, and some that are not.
func TestSkeletons(t *testing.T) {
	one := func(s string) string {
		w := fold(s)
		if len(w) == 0 {
			return ""
		}
		return skeletonOf(w[0])
	}
	for _, p := range [][2]string{
		{"Ghatkopar", "घाटकोपर"}, {"Kandivli", "कांदिवली"}, {"Kandivali", "Kandivli"}, {"Vikhroli", "विक्रोळी"}, {"Dadar", "Daadar"}, {"Shivaji", "शिवाजी"}, {"Sivaji", "Shivaji"},
		{"Mulund", "मुलुंड"}, {"Malad", "मालाड"}, {"Bhandup", "भांडुप"}, {"Colaba", "कुलाबा"}, {"Jogeshwari", "जोगेश्वरी"}, {"Chembur", "चेंबूर"}, {"Bandra", "Bandraa"},
	} {
		a, b := one(p[0]), one(p[1])
		if a == "" || a != b {
			if slips(fold(p[0])[0], fold(p[1])[0], 2) > 2 { // a slip or two are forgiven anyway
				t.Errorf("%s is %q, %s is %q", p[0], a, p[1], b)
			}
		}
	}
	for _, p := range [][2]string{{"Dadar", "Dharavi"}, {"Sion", "Kurla"}, {"Malad", "Mulund"}} {
		if one(p[0]) == one(p[1]) {
			t.Errorf("%s and %s sound alike", p[0], p[1])
		}
	}
}

// TestSlips compares with the full matrix.
func TestSlips(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	word := func() string {
		b := make([]byte, r.IntN(8))
		for i := range b {
			b[i] = byte('a' + r.IntN(3))
		}
		return string(b)
	}
	for range 20_000 {
		a, b := word(), word()
		for most := range 4 {
			want := min(obvious(a, b), most+1)
			if got := slips(a, b, most); got != want {
				t.Fatalf("slips(%q, %q, %d) = %d, want %d", a, b, most, got, want)
			}
		}
	}
}

func obvious(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"दादर", "F/N", "ज्ञ़", "\u094d\u093c", "ं", "ज्", "a\u200d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := fold(s)
		if len(words) > maxWords {
			t.Fatalf("%d words", len(words))
		}
		for _, w := range words {
			if w == "" || strings.ContainsAny(w, " \t\n") || utf8.ValidString(s) && !utf8.ValidString(w) {
				t.Fatalf("%q folds to %q", s, words)
			}
			skeletonOf(w)
		}
	})
}

func TestCoordinates(t *testing.T) {
	city := geo.Box{W: 72.7, S: 18.8, E: 73.1, N: 19.4}
	for in, want := range map[string][2]float64{
		"19.076, 72.8777": {72.8777, 19.076}, "19.076,72.8777": {72.8777, 19.076}, " 19.076 72.8777 ": {72.8777, 19.076}, "72.8777, 19.076": {72.8777, 19.076},
		"19.076 N, 72.8777 E": {72.8777, 19.076}, "72.8777°E 19.076°N": {72.8777, 19.076}, "-33.9, 151.2": {151.2, -33.9}, "33.9 S 151.2 E": {151.2, -33.9}, "19,73": {73, 19},
	} {
		lon, lat, ok := coordinates(in, city)
		if !ok || lon != want[0] || lat != want[1] {
			t.Errorf("%q: %v %v %v", in, lon, lat, ok)
		}
	}
	for _, in := range []string{"12 15", "Sector 7", "1.2.3, 4", "91.5, 200.1", "19.07", "19.076 N, 72.8 N", "1,2,3", "NaN, 3.4"} {
		if _, _, ok := coordinates(in, city); ok {
			t.Errorf("%q is taken for a position", in)
		}
	}
}

func TestPointIsInside(t *testing.T) {
	horseshoe := geo.NewPolygon([]float64{0, 0, 10, 0, 10, 10, 8, 10, 8, 2, 2, 2, 2, 10, 0, 10, 0, 0})
	ring := geo.NewPolygon([]float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}, []float64{1, 1, 1, 9, 9, 9, 9, 1, 1, 1})
	for name, c := range map[string]struct {
		g    geo.Geometry
		want func(x, y float64) bool
	}{
		"horseshoe": {horseshoe, func(x, y float64) bool { return y <= 2 || x <= 2 || x >= 8 }},
		"ring":      {ring, func(x, y float64) bool { return x <= 1 || x >= 9 || y <= 1 || y >= 9 }},
		"flat":      {geo.NewPolygon([]float64{1, 1, 2, 1, 1, 1}), func(x, y float64) bool { return y == 1 }},
		"line":      {geo.NewLineString([]float64{0, 0, 1, 1, 5, 1}), func(x, y float64) bool { return x == 1 && y == 1 }},
	} {
		x, y, ok := pointOf(&c.g)
		if !ok || !c.want(x, y) {
			t.Errorf("%s: %v %v %v", name, x, y, ok)
		}
	}
	if _, _, ok := pointOf(&geo.Geometry{Type: geo.Polygon}); ok {
		t.Error("an empty polygon is somewhere")
	}
	if !slices.Equal(crossings(nil, []float64{0, 0, 2, 2, 4, 0, 0, 0}, 2, 1), []float64{1, 3}) {
		t.Error("crossings")
	}
}
