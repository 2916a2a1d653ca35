package uid

import (
	"errors"
	"strings"
	"testing"
)

var vectors = []string{"00000-00000", "00000-0001J", "12345-67890", "ABCDE-FGHJW", "ZZZZZ-ZZZZG", "7K3Q9-F2DXJ"}

func TestVectors(t *testing.T) {
	for _, s := range vectors {
		u, err := Parse(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if u.String() != s {
			t.Errorf("%s is written %s", s, u)
		}
		v := u.Values()
		if New([9]byte(v[:9])) != u {
			t.Errorf("%s: New of its nine values is %s", s, New([9]byte(v[:9])))
		}
		if FromBits(uint64(u)>>5) != u {
			t.Errorf("%s: FromBits gives %s", s, FromBits(uint64(u)>>5))
		}
		for _, form := range []string{strings.ReplaceAll(s, "-", ""), strings.ToLower(s), " " + s + "\n", strings.NewReplacer("1", "I", "0", "O").Replace(s), strings.NewReplacer("1", "l", "0", "o").Replace(s)} {
			if w, err := Parse(form); err != nil || w != u {
				t.Errorf("%q reads as %v, %v", form, w, err)
			}
		}
	}
	if u, _ := Parse(vectors[0]); !u.Reserved() {
		t.Error("00000-00000 is not reserved")
	}
}

// TestEverySlipIsCaught tries every single wrong character and every swap of two.
func TestEverySlipIsCaught(t *testing.T) {
	for _, s := range vectors {
		u, _ := Parse(s)
		v := u.Values()
		for i := range 10 {
			for x := byte(0); x < 32; x++ {
				if w := v; x != v[i] {
					w[i] = x
					if syndrome(w[:]) == 0 {
						t.Fatalf("%s with character %d as %c passes", s, i+1, Alphabet[x])
					}
				}
			}
			for j := range i {
				if w := v; v[i] != v[j] {
					w[i], w[j] = v[j], v[i]
					if syndrome(w[:]) == 0 {
						t.Fatalf("%s with %d and %d swapped passes", s, i+1, j+1)
					}
				}
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	for s, c := range map[string]struct {
		pos    int
		likely string
		reason string
	}{
		"":             {0, "", "0 characters"},
		"7K3Q9-F2DX":   {0, "", "9 characters"},
		"7K3Q9-F2DXJJ": {11, "", "more than ten"},
		"7K3U9-F2DXJ":  {4, "", "character 4"},
		"7K3-Q9F2DXJ":  {4, "", "character 4"},
		"K73Q9-F2DXJ":  {1, "7K3Q9-F2DXJ", "swapped"},
		"7K3Q9-FZDXJ":  {7, "7K3Q9-F2DXJ", "character 7"},
		"एफ":           {1, "", "character 1"},
	} {
		_, err := Parse(s)
		var m *Malformed
		if !errors.As(err, &m) {
			t.Errorf("%q: error %v", s, err)
			continue
		}
		if m.Position != c.pos || !strings.Contains(m.Reason, c.reason) || (c.likely != "" && m.Likely != c.likely && m.Likely != "") {
			t.Errorf("%q: position %d, likely %q, %v", s, m.Position, m.Likely, m)
		}
	}
}

func TestRandom(t *testing.T) {
	seen := map[UID]bool{}
	for range 10_000 {
		u := Random()
		if !Valid(u.String()) || seen[u] || u.Reserved() {
			t.Fatalf("%s is invalid, reserved or repeated", u)
		}
		seen[u] = true
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range vectors {
		f.Add(s)
	}
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := Parse(s)
		if err != nil {
			_ = err.Error()
			return
		}
		if w, err := Parse(u.String()); err != nil || w != u {
			t.Fatalf("%q reads as %s, which reads as %v, %v", s, u, w, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("7K3Q9-F2DXJ"); err != nil {
			b.Fatal(err)
		}
	}
}
