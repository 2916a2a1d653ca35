package server

import (
	"net/http"
	"path/filepath"
	"testing"

	"nagar/internal/httpapi"
)

// TestQuotaFlag: what is not said stays the default; what is said holds for this
// machine too.
func TestQuotaFlag(t *testing.T) {
	said := httpapi.DefaultQuota
	said.Rate, said.Live, said.Loopback = 50, 7, true
	for text, want := range map[string]httpapi.Quota{"off": {}, "rate=50, live=7": said} {
		var q Quota
		if err := q.UnmarshalText([]byte(text)); err != nil || q.value() != want {
			t.Errorf("%s: %+v, %v", text, q.value(), err)
		}
	}
	if got := (Quota{}).value(); got != httpapi.DefaultQuota || got.Loopback {
		t.Errorf("left out: %+v", got)
	}
}

// TestQuotaOfAServer uses one up.
func TestQuotaOfAServer(t *testing.T) {
	var q Quota
	if err := q.UnmarshalText([]byte("rate=1,burst=40")); err != nil {
		t.Fatal(err)
	}
	base := serve(t, ServerFlags{Store: filepath.Join(t.TempDir(), "city.gpkg"), Quota: q}, http.DefaultClient)
	for range 1000 {
		r, err := http.Get(base + "/api/near?collection=wards&lon=72.85&lat=19.05")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("a thousand questions in a row met no quota of 40 points")
}
