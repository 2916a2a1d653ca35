package server

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"nagar/geo"
)

// TestArchivesAreServed: what export writes into the folder is served until it is
// taken away, byte for byte the tiles of its collections; a broken file is not.
func TestArchivesAreServed(t *testing.T) {
	c := &town{store: filepath.Join(t.TempDir(), "city.gpkg")}
	c.importer(t, "demo", "--buildings", "3000", "--seed", "7")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.pmtiles"), []byte("PMTiles\x03 and no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.base = serve(t, ServerFlags{Store: c.store, AdminToken: "a token for this test", PMTiles: dir}, http.DefaultClient)
	if status, _ := c.get(t, "/tiles/whole.json"); status != http.StatusNotFound {
		t.Fatalf("before the export: status %d", status)
	}
	file := filepath.Join(dir, "whole.pmtiles")
	c.importer(t, "export", "wards,buildings", "--to", file, "--zoom", "9-14")
	eventually(t, "the archive is served", func() bool {
		status, _ := c.get(t, "/tiles/whole.json")
		return status == http.StatusOK
	})
	for z := uint32(9); z <= 14; z++ {
		at := geo.TileAt(72.85, 19.05, z)
		status, kept := c.get(t, fmt.Sprintf("/tiles/whole/%s.mvt", at))
		_, drawn := c.get(t, fmt.Sprintf("/tiles/wards,buildings/%s.mvt", at))
		if status != http.StatusOK || len(kept) == 0 || !bytes.Equal(kept, drawn) {
			t.Errorf("%s: status %d, %d bytes, drawn %d", at, status, len(kept), len(drawn))
		}
	}
	if status, _ := c.get(t, "/tiles/broken.json"); status != http.StatusNotFound {
		t.Errorf("a broken one: status %d", status)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the archive is dropped", func() bool {
		status, _ := c.get(t, "/tiles/whole.json")
		return status == http.StatusNotFound
	})
}
