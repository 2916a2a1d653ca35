package address

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"nagar/city"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func parser(t testing.TB, profile string) *Parser {
	t.Helper()
	p, err := city.Load(profile)
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestGolden reads the addresses of testdata/addresses.golden: an address, then its
// parts. go test ./internal/registry/address -run Golden -update rewrites the parts.
func TestGolden(t *testing.T) {
	const file = "testdata/addresses.golden"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v := parser(t, "")
	var out strings.Builder
	for s := bufio.NewScanner(strings.NewReader(string(raw))); s.Scan(); {
		line := s.Text()
		switch {
		case strings.HasPrefix(line, "#"), line == "":
			out.WriteString(line + "\n")
		case !strings.HasPrefix(line, "    "):
			a := v.Parse(strings.ReplaceAll(line, `\n`, "\n"))
			out.WriteString(line + "\n    " + a.String() + "\n")
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, got := strings.Split(string(raw), "\n"), strings.Split(out.String(), "\n")
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Errorf("line %d: %s\n got %s\nwant %s", i+1, want[max(i-1, 0)], got[i], want[i])
		}
	}
	if len(want) != len(got) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
}

// TestCompare: what a clerk would say of two addresses.
func TestCompare(t *testing.T) {
	v := parser(t, "")
	for _, c := range []struct {
		record, name, address string
		f                     Feature
		want                  []Level
	}{
		{"Flat 302, Gulmohur Appts, Carter Rd, Bandra (W), Mumbai 50", "Gulmohar Apartments", "Carter Road, Bandra West, Mumbai 400050", ByName, []Level{Agree, Close}},
		{"302, गुलमोहर अपार्टमेंट, कार्टर रोड, वांद्रे पश्चिम", "Gulmohar Apartments", "Carter Road, Bandra West", ByName, []Level{Agree}},
		{"302, गुलमोहर अपार्टमेंट, कार्टर रोड, वांद्रे पश्चिम", "Gulmohar Apartments", "Carter Road, Bandra West", ByRoad, []Level{Agree, Close}},
		{"302, गुलमोहर अपार्टमेंट, कार्टर रोड, वांद्रे पश्चिम", "Gulmohar Apartments", "Carter Road, Bandra West", ByArea, []Level{Agree}},
		{"SAI LEELA CHS LTD, LINK RD", "Saileela", "", ByName, []Level{Agree, Close}},
		{"SHREE GANESH KRUPA CHSL", "Sri Ganesh Kripa", "", ByName, []Level{Agree, Close}},
		{"OPP GULMOHAR APT, CARTER RD", "Gulmohar Apartments", "", ByLandmark, []Level{Agree}},
		{"OPP GULMOHAR APT, CARTER RD", "Gulmohar Apartments", "", ByName, []Level{Missing}},
		{"GANESH NAGAR, LINK RD, VIJAY APARTMENTS", "Ganesh Apartments", "", ByName, []Level{Some, Differ}},
		{"Anand Niwas, Link Rd", "Vijay Niwas", "", ByName, []Level{Differ}},
		{"BLDG NO 16", "", "Bldg 16, Shanti Nagar", ByNumber, []Level{Agree}},
		{"BLDG NO 16", "", "Bldg 6, Shanti Nagar", ByNumber, []Level{Differ}},
		{"PLOT NO H-51", "", "Plot 51", ByPlot, []Level{Close}},
		{"CTS NO 26(PT),34(PT)", "", "CTS 34", ByParcel, []Level{Agree}},
		{"CTS NO 26/3", "", "CTS 26", ByParcel, []Level{Some}},
		{"12/A, M G ROAD", "", "12, M G Road", ByHouse, []Level{Close}},
		{"MUMBAI 53", "", "Mumbai 400053", ByPIN, []Level{Agree}},
		{"MUMBAI 400 035", "", "Mumbai 400053", ByPIN, []Level{Close}},
		{"A & B WING, OM APTS", "", "A Wing, Om Apartments", ByWing, []Level{Close}},
		{"12 CARTER RD", "", "12 Linking Road", ByRoad, []Level{Differ}},
		{"12, Swami Vivekanan", "", "12, Swami Vivekanand Road", ByRoad, []Level{Agree, Close}},
	} {
		r, s := v.Parse(c.record), v.Parse(c.address)
		if c.name != "" {
			n := v.ParseName(c.name)
			s.Phrases = append(s.Phrases, n.Phrases...)
		}
		if l := Compare(&r, &s); !slices.Contains(c.want, l[c.f]) {
			t.Errorf("%q with %q, %q: %s %s, want %v\n%s\n%s", c.record, c.name, c.address, c.f, l[c.f], c.want, r.String(), s.String())
		}
	}
}

// TestSameAddressAgrees: an address never differs from itself, however it is written.
func TestSameAddressAgrees(t *testing.T) {
	v := parser(t, "")
	for _, s := range golden(t) {
		a, b, c := v.Parse(s), v.Parse(strings.ToLower(s)), v.Parse("  "+strings.ReplaceAll(s, " ", "  ")+" ")
		if a.String() != b.String() || a.String() != c.String() {
			t.Errorf("%q reads otherwise in lower case or with more spaces:\n%s\n%s\n%s", s, a.String(), b.String(), c.String())
		}
		for f, l := range Compare(&a, &b) {
			if l == Differ || l == Some && Feature(f) != ByName {
				t.Errorf("%q: %s %s with itself", s, Feature(f), l)
			}
		}
	}
}

func golden(t testing.TB) (out []string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/addresses.golden")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(raw)) {
		if l = strings.TrimRight(l, "\n"); l != "" && l[0] != '#' && l[0] != ' ' {
			out = append(out, strings.ReplaceAll(l, `\n`, "\n"))
		}
	}
	return out
}

// TestInventedCity: another city's profile, another city's words.
func TestInventedCity(t *testing.T) {
	v := parser(t, filepath.Join("..", "..", "..", "city", "testdata", "saltmere.json"))
	a := v.Parse("Flat 3, Gwylan Bwthyn, 12 Harbour Stryd, SM04")
	if got, want := a.String(), "unit=3; house=12; name=gwylan cottage; road=harbour street; pin=sm04"; got != want {
		t.Errorf("reads as %s, want %s", got, want)
	}
	bare, err := New(&city.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	if a := bare.Parse("Bldg 4, Shanti Road"); a.Empty() {
		t.Error("without a vocabulary nothing is left")
	}
}

// TestNoWordOfTheCityInTheCode: Mumbai's words are in its profile.
func TestNoWordOfTheCityInTheCode(t *testing.T) {
	p, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for name := range p.Address.Localities {
			if strings.Contains(string(raw), `"`+strings.ToLower(name)+`"`) {
				t.Errorf("%s speaks of %s", f, name)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	v := parser(f, "")
	for _, s := range golden(f) {
		f.Add(s)
	}
	f.Add("ज्ञ़ \u094d\u093c, No., A & B Wing/")
	f.Fuzz(func(t *testing.T, s string) {
		a := v.Parse(s)
		if len(a.Phrases) > maxPhrases || len(a.Parcels) > maxNumbers {
			t.Fatalf("%d phrases, %d parcels", len(a.Phrases), len(a.Parcels))
		}
		for _, p := range a.Phrases {
			if len(p.Words) == 0 {
				t.Fatalf("%q has an empty %s", s, p.Part)
			}
			for _, w := range p.Words {
				if w.Text == "" || w.Skeleton == "" || utf8.ValidString(s) && !utf8.ValidString(w.Text) {
					t.Fatalf("%q: word %+v", s, w)
				}
			}
		}
		if l := Compare(&a, &a); l[ByPIN] > Agree || l[ByParcel] > Agree {
			t.Fatalf("%q differs from itself: %v", s, l)
		}
		v.ParseName(s)
		if _, err := json.Marshal(a); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	v, texts := parser(b, ""), golden(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		v.Parse(texts[i%len(texts)])
	}
}

func BenchmarkCompare(b *testing.B) {
	v := parser(b, "")
	var as []Address
	for _, s := range golden(b) {
		as = append(as, v.Parse(s))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Compare(&as[i%len(as)], &as[(i*7+3)%len(as)])
	}
}
