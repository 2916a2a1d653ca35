package match

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/geo/geojson"
)

// TestRealRecords matches a real tax register with the footprints of its area, most
// of them unnamed: what joins was looked at, pair by pair, and is right.
func TestRealRecords(t *testing.T) {
	data := filepath.Join("..", "..", "..", "..", "shared", "data")
	raw, err := os.ReadFile(filepath.Join(data, "mumbai", "prabhag61_buildings.geojson"))
	if err != nil {
		t.Skip("no real data beside the project")
	}
	var doc struct {
		Features []struct {
			Properties struct{ Name, Addrhousen, Addrstreet string }
			Geometry   json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var ss []Structure
	names := map[string]string{}
	for i, f := range doc.Features {
		g, _, err := geojson.DecodeGeometry(f.Geometry)
		if err != nil {
			t.Fatal(err)
		}
		s := Structure{UID: id(i + 1), Geometry: g}
		if n := f.Properties.Name; n != "" {
			s.Names = []string{n}
		}
		if a := strings.Trim(f.Properties.Addrhousen+", "+f.Properties.Addrstreet, ", "); a != "" {
			s.Addresses = []string{a}
		}
		names[s.UID.String()] = f.Properties.Name
		ss = append(ss, s)
	}
	f, err := os.Open(filepath.Join(data, "records", "property_tax_prabhag61.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	reg, err := NewRegister(cityParser(t), ss, weights(t))
	if err != nil {
		t.Fatal(err)
	}
	m, counts := reg.NewMatcher(), map[Verdict]int{}
	for _, r := range rows[1:] {
		rec := Record{ID: r[0], Addresses: []string{r[6]}} // the site's; prop_add is where the bill goes
		if len(strings.TrimSpace(r[6])) < 6 {
			rec.Addresses[0] = r[1]
		}
		d := m.Match(&rec)
		counts[d.Verdict]++
		if testing.Verbose() && len(d.Candidates) > 0 && d.Verdict != None && len(d.Candidates[0].Reasons) > 0 {
			c := d.Candidates[0]
			t.Logf("%s %.3f %q %q (%s) %s", d.Verdict, c.Probability, names[c.UID.String()], rec.Addresses[0], c.Reasons[0].By, d.Why)
		}
	}
	t.Logf("%d structures, %d records: %v", len(ss), len(rows)-1, counts)
	if counts[Join] < 6 || counts[Join] > 9 { // eight are of a building that the map names
		t.Errorf("%d join", counts[Join])
	}
}
