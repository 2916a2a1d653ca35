package server

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nagar/internal/app"
)

// TestSecondServerStartsFromTheSnapshotFile: the first server on a store leaves its
// index beside it, the next takes it from there and serves the same tile; a server
// without removes it.
func TestSecondServerStartsFromTheSnapshotFile(t *testing.T) {
	stores(t, func(t *testing.T, c *town) {
		location, err := app.ParseLocation(c.store)
		if err != nil {
			t.Fatal(err)
		}
		folder, err := location.Folder()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(app.SnapshotsIn(folder), "index")
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(file); err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatal("no snapshot file after a minute")
			}
		}
		tag := func(base string) string {
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				r, err := http.Get(base + "/tiles/wards,buildings/12/2876/1825.mvt")
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if r.StatusCode != http.StatusServiceUnavailable {
					return r.Header.Get("ETag")
				}
			}
			t.Fatal("not ready after a minute")
			return ""
		}
		var log lines
		base := serveLogged(t, ServerFlags{Store: c.store, AdminToken: c.token}, http.DefaultClient, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
		if first, second := tag(c.base), tag(base); first == "" || first != second {
			t.Errorf("the tile is %q of the first server, %q of the second", first, second)
		}
		if log.find(`level=INFO msg="index taken from the snapshot file"`) == "" {
			t.Errorf("the second did not take the file:\n%s", log.buf.String())
		}
		serve(t, ServerFlags{Store: c.store, AdminToken: c.token, Snapshot: "off"}, http.DefaultClient)
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("the file is there still: %v", err)
		}
	})
}
