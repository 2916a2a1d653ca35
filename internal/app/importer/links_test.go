package importer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/demo"
	"nagar/internal/registry/linkage"
)

// TestQualityAsLoaded holds the matching to what the city was promised, as the
// commands do it: the demonstration city's records, whose truth is known, are in the
// store with the links and the queue that came of loading them.
func TestQualityAsLoaded(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	if code, _, msg := run(t, store, "demo", "--buildings", "2500", "--seed", "5"); code != 0 {
		t.Fatal(msg)
	}
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	var truth demo.Truth
	given := map[string]bool{} // records that carry the UID anyway
	if err := demo.Generate(t.Context(), demo.Options{Profile: profile, Buildings: 2500, Seed: 5, Truth: &truth}, func(c string, f *catalog.Feature) error {
		given[c+"/"+f.ID] = f.Props.Get("uid").Str() != ""
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s := opened(t, store)
	queue := map[string]string{}
	for _, f := range rows(t, s, linkage.Reviews) {
		queue[f.Props.Get("collection").Str()+"/"+f.Props.Get("record").Str()] = f.Props.Get("candidates").Str()
	}
	joined, wrong, known, found := 0, 0, 0, 0
	for _, c := range demo.Definitions() {
		for _, f := range rows(t, s, c.Name) {
			key := c.Name + "/" + f.ID
			want, u := truth.Of[key], f.Props.Get("uid").Str()
			if given[key] {
				continue
			}
			if want != "" {
				known++
			}
			switch {
			case u != "":
				if joined++; u != want {
					wrong++
				} else {
					found++
				}
				if f.Props.Get("uid_match").IsNull() {
					t.Errorf("%s joined, and nothing says how", key)
				}
			case queue[key] == "":
				t.Errorf("%s neither joined nor waits", key)
			case want != "" && strings.Contains(queue[key], want):
				found++
			}
		}
	}
	precision, recall := 1-float64(wrong)/float64(max(joined, 1)), float64(found)/float64(max(known, 1))
	t.Logf("%d join, %d wrong (precision %.4f); recall with review %.4f of %d; %d wait", joined, wrong, precision, recall, known, len(queue))
	if precision < .99 || recall < .95 || joined < known/2 {
		t.Errorf("precision %.4f, want 0.99; recall %.4f, want 0.95; %d of %d joined", precision, recall, joined, known)
	}
}

// TestRealRecords loads a real tax register and the footprints of its area by the
// documented commands (docs/matching.md): what joins was looked at, pair by pair.
func TestRealRecords(t *testing.T) {
	data := filepath.Join("..", "..", "..", "..", "shared", "data")
	buildings, taxes := filepath.Join(data, "mumbai", "prabhag61_buildings.geojson"), filepath.Join(data, "records", "property_tax_prabhag61.csv")
	if _, err := os.Stat(taxes); err != nil {
		t.Skip("no real data beside the project")
	}
	store := filepath.Join(t.TempDir(), "city.gpkg")
	schema := write(t, "schema.json", `{"name":"property_tax","class":"internal","geometry":"none","fields":[{"name":"address","type":"text","class":"internal"},{"name":"uid","type":"text","class":"internal","link":"structures"}]}`)
	var sum struct {
		Read, Rejected int
		Links          linkage.Counts
	}
	for _, args := range [][]string{
		{"load", "buildings", "--from", buildings}, {"define", "property_tax", "--schema", schema},
		{"load", "property_tax", "--from", taxes, "--map", "address=" + siteAddress(t, taxes)},
	} {
		code, out, msg := run(t, store, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, msg)
		}
		if args[0] == "load" {
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := sum.Links
	t.Logf("%d records: %+v", sum.Read, n)
	if n.Sure < 6 || n.Sure > 9 || n.Sure+n.Review+n.Unlike != sum.Read-sum.Rejected {
		t.Errorf("of %d records: %+v", sum.Read, n)
	}
}

// siteAddress is the column of the site's address.
func siteAddress(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(strings.TrimPrefix(string(b), "\ufeff"), "\n")
	return strings.Trim(strings.TrimSpace(strings.Split(header, ",")[6]), `"`)
}
