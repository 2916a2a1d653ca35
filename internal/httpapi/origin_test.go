package httpapi

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func behindProxies(c *Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/64")}
	c.HSTS = true
}

// TestOrigin asks who the client is, and how it came, for what proxies and
// impostors write.
func TestOrigin(t *testing.T) {
	fx := newFixture(t, behindProxies)
	const proxy, stranger = "10.0.0.1:999", "198.51.100.7:999"
	for _, c := range []struct {
		from, headers, client, base string
	}{
		{stranger, "", "198.51.100.7", "http://city.test"},
		{"[2001:db8::7]:9", "", "2001:db8::7", "http://city.test"},
		{"[::ffff:198.51.100.7]:9", "", "198.51.100.7", "http://city.test"},
		// Nobody but a trusted proxy is believed.
		{stranger, "X-Forwarded-For: 1.2.3.4|X-Forwarded-Proto: https|X-Forwarded-Host: evil.test", "198.51.100.7", "http://city.test"},
		{stranger, "Forwarded: for=1.2.3.4;proto=https;host=evil.test", "198.51.100.7", "http://city.test"},
		{stranger, "X-Real-IP: 1.2.3.4", "198.51.100.7", "http://city.test"},
		{"[::ffff:10.0.0.1]:9", "X-Forwarded-For: 1.2.3.4", "1.2.3.4", "http://city.test"},
		// Behind one: the last address that is no proxy's, whatever the client put before it.
		{proxy, "", "10.0.0.1", "http://city.test"},
		{proxy, "X-Forwarded-For: 203.0.113.5", "203.0.113.5", "http://city.test"},
		{proxy, "X-Forwarded-For: 127.0.0.1, 203.0.113.5", "203.0.113.5", "http://city.test"},
		{proxy, "X-Forwarded-For: 127.0.0.1|X-Forwarded-For: 203.0.113.5,10.0.0.9", "203.0.113.5", "http://city.test"},
		{proxy, "X-Forwarded-For: 10.0.0.8, 10.0.0.9", "10.0.0.8", "http://city.test"},
		{proxy, "X-Forwarded-For: 203.0.113.5:4711", "203.0.113.5", "http://city.test"},
		{proxy, "X-Forwarded-For: 203.0.113.5, nonsense", "10.0.0.1", "http://city.test"},
		{proxy, "X-Forwarded-For: 203.0.113.5|X-Forwarded-Proto: https|X-Forwarded-Host: map.test:8443", "203.0.113.5", "https://map.test:8443"},
		{proxy, "X-Forwarded-Proto: http, https", "10.0.0.1", "https://city.test"},
		{proxy, `Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43`, "192.0.2.60", "http://city.test"},
		{proxy, `Forwarded: For="[2001:db8:cafe::17]:4711";Proto=https;Host="map.test"`, "2001:db8:cafe::17", "https://map.test"},
		{proxy, `Forwarded: for="1.2.3.4, for=5.6.7.8", for=203.0.113.5`, "203.0.113.5", "http://city.test"},
		{proxy, `Forwarded: for=1.2.3.4, for=203.0.113.5;proto=https, for="[fd00::9]";proto=http`, "203.0.113.5", "https://city.test"},
		{proxy, `Forwarded: for=203.0.113.5, for=unknown`, "10.0.0.1", "http://city.test"},
		{proxy, `Forwarded: for=203.0.113.5, for=_hidden`, "10.0.0.1", "http://city.test"},
		{proxy, `Forwarded: for=203.0.113.5|X-Forwarded-For: 203.0.113.5`, "203.0.113.5", "http://city.test"},
		// What cannot be told apart is refused.
		{proxy, `Forwarded: for=1.2.3.4|X-Forwarded-For: 203.0.113.5`, "", ""},
		{proxy, `Forwarded: for="1.2.3.4`, "", ""},
		{proxy, `X-Forwarded-Host: evil.test/<script>`, "", ""},
	} {
		req := httptest.NewRequest("GET", "http://city.test/tiles/wards.json", nil)
		req.RemoteAddr = c.from
		for line := range strings.SplitSeq(c.headers, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				req.Header.Add(name, value)
			}
		}
		rec := httptest.NewRecorder()
		fx.server.ServeHTTP(rec, req)
		if c.base == "" {
			if rec.Code != 400 {
				t.Errorf("%s, %s: status %d", c.from, c.headers, rec.Code)
			}
			continue
		}
		if o, err := fx.server.originOf(req); err != nil || o.client.String() != c.client {
			t.Errorf("%s, %s: client %v, %v; want %s", c.from, c.headers, o.client, err, c.client)
		}
		if body := rec.Body.String(); !strings.Contains(body, `"`+c.base+`/tiles/wards/`) {
			t.Errorf("%s, %s: want links with %s: %s", c.from, c.headers, c.base, body)
		}
		if hsts := rec.Header().Get("Strict-Transport-Security") != ""; hsts != strings.HasPrefix(c.base, "https:") {
			t.Errorf("%s, %s: HSTS %v", c.from, c.headers, hsts)
		}
	}
}

// TestHeadersOfEveryAnswer looks at what no answer may lack, errors and strangers' paths too.
func TestHeadersOfEveryAnswer(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.PublicURL, c.HSTS = "https://city.example", true })
	for _, target := range []string{
		"/", "/survey", "/assets/main-AbCd1234.js", "/fonts/mukta.woff2", "/styles/light.json", "/healthz", "/metrics", "/openapi.json",
		"/tiles/wards/2/2/1.mvt", "/tiles/wards/99/0/0.mvt", "/api/collections", "/api/near?collection=nowhere", "/nothing", "/auth/nothing", "/api/me/nothing",
	} {
		h := fx.get(target, "Accept: text/html,*/*").Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "geolocation=(self)",
			"Strict-Transport-Security": "max-age=31536000", "Content-Security-Policy": "frame-ancestors", "Referrer-Policy": "strict-origin",
		} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s: %s is %q", target, name, h.Get(name))
			}
		}
		policy := strings.ReplaceAll(h.Get("Content-Security-Policy"), "style-src-attr 'unsafe-inline'", "")
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || !strings.HasPrefix(policy, "default-src '") {
			t.Errorf("%s: policy %s", target, policy)
		}
		if strings.HasPrefix(target, "/auth") || strings.HasPrefix(target, "/api/me") {
			if h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: Cache-Control %q", target, h.Get("Cache-Control"))
			}
		}
	}
	if h := newFixture(t).get("/").Header; h.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS over plain HTTP")
	}
}

// TestPackedBodiesAreRefused sends a body that would unpack to much more.
func TestPackedBodiesAreRefused(t *testing.T) {
	fx := newFixture(t)
	bomb := string(must(compressWell(gzipped, []byte(`{"type":"Polygon","coordinates":[`+strings.Repeat(" ", 7<<20)+`]}`))))
	for _, coding := range []string{"gzip", "br", "identity", "gzip, gzip"} {
		resp := fx.call("POST", "/api/within?collection=wards", "Content-Encoding: "+coding, "body="+bomb)
		wantStatus(t, resp, 415)
		wantProblem(t, resp, "Content-Encoding")
		if resp.Header.Get("Accept-Encoding") != "identity" {
			t.Error("the answer does not say what is taken")
		}
	}
}

// TestOtherSites: every page may read what is public, none what is shown to somebody.
func TestOtherSites(t *testing.T) {
	fx := newFixture(t)
	const target = "/api/collections"
	open, own := fx.get(target, "Origin: https://other.example").Header, fx.get(target, "admin", "Origin: https://other.example").Header
	if open.Get("Access-Control-Allow-Origin") != "*" || open.Get("Cross-Origin-Resource-Policy") != "" {
		t.Errorf("in public: %v", open)
	}
	if own.Get("Access-Control-Allow-Origin") != "" || own.Get("Cross-Origin-Resource-Policy") != "same-origin" || !strings.HasPrefix(own.Get("Cache-Control"), "private") {
		t.Errorf("to the administrator: %v", own)
	}
	if !strings.Contains(open.Get("Vary"), "Authorization") || !strings.Contains(open.Get("Vary"), "Cookie") {
		t.Errorf("Vary %q: a cache would show one caller's answer to another", open.Get("Vary"))
	}
}

// FuzzOrigin: whatever a client writes before what its proxy adds, it is taken for
// the client that the proxy saw, or refused.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4", `for="1.2.3.4`, `for="[::1]:80";proto=https`, `for=1.2.3.4;host="a,b"`, `\"`, `"\`, ",,;;==", "10.0.0.2, 10.0.0.3", "unknown", "for=\"\\\"\""} {
		f.Add(s)
	}
	s := &Server{cfg: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}}
	seen := netip.MustParseAddr("203.0.113.5")
	f.Fuzz(func(t *testing.T, written string) {
		for name, added := range map[string][]string{
			"X-Forwarded-For": {"203.0.113.5", "203.0.113.5, 10.0.0.9", "203.0.113.5:80"},
			"Forwarded":       {"for=203.0.113.5", `for="203.0.113.5:80";proto=http, for=10.0.0.9`, `proto=https;for="203.0.113.5"`},
		} {
			for _, a := range added {
				req := httptest.NewRequest("GET", "http://city.test/", nil)
				req.RemoteAddr = "10.0.0.1:1"
				req.Header[name] = []string{written + ", " + a}
				if o, err := s.originOf(req); err == nil && o.client != seen {
					t.Errorf("%s: %s: the client is %v", name, req.Header[name], o.client)
				}
			}
		}
	})
}
