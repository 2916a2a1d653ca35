package match

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nagar/catalog/uid"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/registry/address"
)

func cityParser(t testing.TB) *address.Parser {
	t.Helper()
	p, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	v, err := address.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func weights(t testing.TB) Weights {
	t.Helper()
	w, err := DefaultWeights()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// street is a small neighbourhood, with names and numbers that are easily confused.
func street() []Structure {
	s := func(n int, x, y float64, name, addr string, aliases ...Alias) Structure {
		var names []string
		if name != "" {
			names = append(names, name)
		}
		return Structure{UID: id(n), Names: names, Addresses: []string{addr}, Geometry: rect(x, y, 20, 15), Aliases: aliases}
	}
	out := []Structure{
		s(1, 0, 0, "Gulmohar Apartments", "12 Carter Road, Bandra West, Mumbai 400050", Alias{"water", "WC-1001"}),
		s(2, 40, 0, "Neelkanth Niwas", "14 Carter Road, Bandra West, Mumbai 400050", Alias{"water", "WC-1002"}),
		s(3, 80, 0, "Om Sai", "16 Carter Road, Bandra West, Mumbai 400050"),
		s(4, 120, 0, "Gulmohar Heights", "3 Linking Road, Khar West, Mumbai 400052"),
		s(5, 160, 0, "", "5 Linking Road, Khar West, Mumbai 400052"),
		s(6, 200, 0, "Shanti Kunj A Wing", "7 Linking Road, A Wing, Khar West, Mumbai 400052"),
		s(7, 240, 0, "Shanti Kunj B Wing", "7 Linking Road, B Wing, Khar West, Mumbai 400052"),
		s(8, 280, 0, "", "Bldg No 4, Adarsh Nagar, Oshiwara, Andheri West, Mumbai 400053"),
		s(9, 320, 0, "", "Bldg No 5, Adarsh Nagar, Oshiwara, Andheri West, Mumbai 400053"),
	}
	first, houses := []string{"Vijay", "Ganesh", "Anand", "Sagar", "Krishna", "Ashok", "Kamal", "Vasant"}, []string{"Sadan", "Kunj", "Apartments", "House"}
	for i := range 400 {
		out = append(out, s(100+i, float64(i%20)*40, 100+float64(i/20)*40, first[i%8]+" "+houses[i/8%4],
			[]string{"S V Road, Malad West", "Station Road, Kurla West", "Main Road, Dharavi"}[i%3]+", Mumbai"))
		out[len(out)-1].Addresses[0] = strings.Join([]string{itoa(i + 1), out[len(out)-1].Addresses[0]}, " ")
	}
	return out
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestMatch(t *testing.T) {
	reg, err := NewRegister(cityParser(t), street(), weights(t))
	if err != nil {
		t.Fatal(err)
	}
	m := reg.NewMatcher()
	kx, ky := geo.MetresPerDegree(lat0)
	at := func(x, y float64) geo.Geometry { return geo.NewPoint(lon0+x/kx, lat0+y/ky) }
	for name, c := range map[string]struct {
		rec  Record
		want Verdict
		uid  int // of a join, or of the first candidate of a review; 0: whatever
		why  string
	}{
		"as written":                     {Record{Addresses: []string{"12 Carter Road, Gulmohar Apartments, Bandra West, Mumbai 400050"}}, Join, 1, ""},
		"misspelt and abbreviated":       {Record{Addresses: []string{"FLT 7,GULMOHUR APPTS,CARTR RD,BANDRA(W),MUM-50"}}, Join, 1, ""},
		"in Marathi":                     {Record{Addresses: []string{"नीळकंठ निवास, कार्टर रोड, वांद्रे पश्चिम, मुंबई"}}, Join, 2, ""},
		"without the house's name":       {Record{Addresses: []string{"14, Carter Rd, Bandra (W) 400050"}}, Join, 2, ""},
		"the number of another":          {Record{Addresses: []string{"Gulmohar Apartments, 14 Carter Road, Bandra West"}}, Review, 0, ""},
		"the road alone":                 {Record{Addresses: []string{"Carter Road, Bandra West, Mumbai 400050"}}, None, 0, "tells the building"},
		"two wings of one name":          {Record{Addresses: []string{"Shanti Kunj, Linking Road, Khar West"}}, Review, 6, "several structures fit alike"},
		"the other wing":                 {Record{Addresses: []string{"Flat 3, B Wing, Shanti Kunj, 7 Linking Rd, Khar (W)"}}, Join, 7, ""},
		"by its number in the complex":   {Record{Addresses: []string{"BLDG NO 5,ADARSH NAGAR,OSHIVARA ANDHERI WESTMUMBAI 53"}}, Join, 9, ""},
		"by a connection's number":       {Record{Aliases: []Alias{{"water", "wc 1002"}}}, Join, 2, ""},
		"a number and another address":   {Record{Aliases: []Alias{{"water", "WC1002"}}, Addresses: []string{"Gulmohar Heights, 3 Linking Road, Khar West"}}, Review, 0, ""},
		"a place within":                 {Record{Geometry: at(170, 7)}, Review, 5, ""},
		"a place and a name":             {Record{Geometry: at(85, 7), Name: "Om Sai Chs"}, Join, 3, ""},
		"only near it":                   {Record{Addresses: []string{"OPP GULMOHAR APARTMENTS, CARTER ROAD, BANDRA W"}}, None, 0, ""},
		"another city's":                 {Record{Addresses: []string{"Sukhsagar, F C Road, Pune 411004"}}, None, 0, ""},
		"empty":                          {Record{Addresses: []string{"null", ",, -"}}, None, 0, "no address"},
		"a common name without a street": {Record{Addresses: []string{"Ganesh Kunj, Mumbai"}}, Review, 0, "several"},
	} {
		t.Run(name, func(t *testing.T) {
			d := m.Match(&c.rec)
			first := uid.UID(0)
			if len(d.Candidates) > 0 {
				first = d.Candidates[0].UID
			}
			if d.Verdict != c.want || c.uid > 0 && first != id(c.uid) || (d.UID != 0) != (d.Verdict == Join) || !strings.Contains(d.Why, c.why) {
				b, _ := json.MarshalIndent(d, "", " ")
				t.Errorf("%s, want %s of %s\n%s", d.Verdict, c.want, id(c.uid), b)
			}
		})
	}
}

// TestOrderDoesNotMatter: neither the order of the structures nor what was matched
// before changes a decision.
func TestOrderDoesNotMatter(t *testing.T) {
	ss := street()
	recs := []Record{{ID: "1", Addresses: []string{"Vijay Kunj, S V Road, Malad"}}, {ID: "2", Addresses: []string{"Shanti Kunj, Khar"}}, {ID: "3", Addresses: []string{"9 Station Rd, Kurla"}}}
	decide := func(ss []Structure, order ...int) map[string]Decision {
		reg, err := NewRegister(cityParser(t), ss, weights(t))
		if err != nil {
			t.Fatal(err)
		}
		m, out := reg.NewMatcher(), map[string]Decision{}
		for _, i := range order {
			out[recs[i].ID] = m.Match(&recs[i])
		}
		return out
	}
	a := decide(ss, 0, 1, 2, 2, 1)
	slices.Reverse(ss)
	if b := decide(ss, 2, 0, 1); !reflect.DeepEqual(a, b) {
		t.Errorf("another order, another answer:\n%+v\n%+v", a, b)
	}
	if _, err := NewRegister(cityParser(t), append(ss, ss[0]), weights(t)); err == nil || !strings.Contains(err.Error(), ss[0].UID.String()) {
		t.Errorf("a UID twice: %v", err)
	}
}

func TestWeightsAreChecked(t *testing.T) {
	w := weights(t)
	good, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ParseWeights(good); err != nil || back != w {
		t.Errorf("weights do not come back: %v", err)
	}
	for _, bad := range []func(*Weights){
		func(w *Weights) { w.M[address.ByName][address.Agree] = 0 }, func(w *Weights) { w.U[address.ByPIN][address.Differ] = 1 },
		func(w *Weights) { w.Place[placeNear] = 2 }, func(w *Weights) { w.Alias = 0 }, func(w *Weights) { w.Doubtful = w.Sure },
	} {
		x := w
		bad(&x)
		b, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseWeights(b); err == nil {
			t.Errorf("taken: %s", b)
		}
	}
}

func FuzzWeights(f *testing.F) {
	f.Add(weightsJSON)
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = ParseWeights(b) })
}

func TestReason(t *testing.T) {
	reg, err := NewRegister(cityParser(t), street(), weights(t))
	if err != nil {
		t.Fatal(err)
	}
	d := reg.NewMatcher().Match(&Record{ID: "r", Addresses: []string{"FLT 7,GULMOHUR APPTS,CARTER RD,BANDRA(W),MUM-50"}})
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"verdict": "join"`, `"uid": "` + id(1).String(), `"by": "name"`, `"level": "agrees"`, `"record": "gulmohur apartment"`, `"structure": "gulmohar apartment"`} {
		if !strings.Contains(string(b), part) && part != `"level": "agrees"` {
			t.Errorf("no %s in\n%s", part, b)
		}
	}
}
