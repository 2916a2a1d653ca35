package spelling

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
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
		if got := strings.Join(Fold(in), " "); got != want {
			t.Errorf("%q folds to %q, want %q", in, got, want)
		}
	}
}

// TestSkeletons: pairs of spellings of one sound, and some that are not.
func TestSkeletons(t *testing.T) {
	one := func(s string) string {
		w := Fold(s)
		if len(w) == 0 {
			return ""
		}
		return Skeleton(w[0])
	}
	for _, p := range [][2]string{
		{"Ghatkopar", "घाटकोपर"}, {"Kandivli", "कांदिवली"}, {"Kandivali", "Kandivli"}, {"Vikhroli", "विक्रोळी"}, {"Dadar", "Daadar"}, {"Shivaji", "शिवाजी"}, {"Sivaji", "Shivaji"},
		{"Mulund", "मुलुंड"}, {"Malad", "मालाड"}, {"Bhandup", "भांडुप"}, {"Colaba", "कुलाबा"}, {"Jogeshwari", "जोगेश्वरी"}, {"Chembur", "चेंबूर"}, {"Bandra", "Bandraa"},
	} {
		a, b := one(p[0]), one(p[1])
		if a == "" || a != b {
			if Slips(Fold(p[0])[0], Fold(p[1])[0], 2) > 2 { // a slip or two are forgiven anyway
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
			if got := Slips(a, b, most); got != want {
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
		words := Fold(s)
		if len(words) > MaxWords {
			t.Fatalf("%d words", len(words))
		}
		for _, w := range words {
			if w == "" || strings.ContainsAny(w, " \t\n") || utf8.ValidString(s) && !utf8.ValidString(w) {
				t.Fatalf("%q folds to %q", s, words)
			}
			Skeleton(w)
		}
	})
}
