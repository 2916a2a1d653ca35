package httpapi

import (
	"bufio"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trusting is a file system that opens whatever it is asked for, as a careless one
// would: what the server lets through, it shows.
type trusting struct{ root string }

func (f trusting) Open(name string) (fs.File, error) { return os.Open(f.root + "/" + name) }

// TestPathsStayInside asks for files beside the viewer's folder in the spellings
// that have got out of other servers.
func TestPathsStayInside(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"secret.json": `"` + marker + `"`, "viewer/index.html": "page", "viewer/fonts/a.woff2": "font", "viewer/styles/light.json": "{}", "viewer/assets/a.js": "script",
	} {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := newFixture(t, func(c *Config) { c.Viewer = trusting{filepath.Join(dir, "viewer")} }).serve(t)
	for _, begin := range []string{"/", "/assets/", "/fonts/", "/sprites/", "/styles/"} {
		for _, up := range []string{"../", "../../", "..%2f", "..%2f..%2f", "%2e%2e/", "%2e%2e%2f%2e%2e%2f", "..%5c..%5c", "./../../", "x/../../../", "%252e%252e%252f", "..%00/", "/" + dir + "/", "%2f" + strings.ReplaceAll(dir, "/", "%2f") + "%2f"} {
			for _, name := range []string{"secret", "secret.json", "secret.json%00.json"} {
				c := dial(t, addr)
				if _, err := io.WriteString(c, "GET "+begin+up+name+" HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(c)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(got), marker) || !strings.HasPrefix(string(got), "HTTP/1.1 40") && !strings.Contains(string(got), "\r\n\r\npage") {
					t.Errorf("%s%s%s: %s", begin, up, name, got)
				}
			}
		}
	}
}

// TestNoHeaderOfTheirs: nothing that a caller writes becomes a header line of an
// answer, or a line of the log.
func TestNoHeaderOfTheirs(t *testing.T) {
	fx := newFixture(t)
	const evil = "a%0d%0aX-Evil:%201%0d%0a%0d%0a%3Cscript%3E"
	for _, c := range [][]string{
		{"GET", "/api/near?collection=wards&lon=72.8&lat=19&limit=1&x=" + evil},
		{"GET", "/api/near?collection=" + evil + "&lon=72.8&lat=19"},
		{"GET", "/api/within?collection=wards&bbox=72,18,73,20&limit=1&" + evil + "=1"},
		{"GET", "/api/features/wards/" + evil},
		{"GET", "/tiles/" + evil + "/1/1/1.mvt"},
		{"GET", "/styles/" + evil + ".json"},
		{"GET", "/" + evil},
		{"GET", "/api/city", "X-Request-Id: a\r\nX-Evil: 1"},
		{"GET", "/api/city", "Host: a\r\nX-Evil: 1"},
		{"POST", "/api/features/wards", "admin", `body={"type":"Feature","id":"a\r\nX-Evil: 1","geometry":null,"properties":{}}`},
		{"PUT", "/api/features/wards/" + evil, "admin", "If-None-Match: *", `body={"type":"Feature","geometry":null,"properties":{}}`},
	} {
		resp := fx.call(c[0], c[1], c[2:]...)
		var wire strings.Builder
		if err := resp.Header.Write(&wire); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(wire.String()) {
			if name, _, _ := strings.Cut(line, ":"); strings.EqualFold(strings.TrimSpace(name), "X-Evil") {
				t.Errorf("%s: %s", c[1], line)
			}
		}
		for name, values := range resp.Header {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("%s: %s: %q", c[1], name, values)
			}
		}
		if body := text(t, resp); strings.Contains(body, "<script") {
			t.Errorf("%s: %s", c[1], body)
		}
	}
	for line := range strings.Lines(fx.log.String()) {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("a line of their own in the log: %q", line)
		}
	}
}

// TestNoSecondRequest sends what servers disagree about, so that one behind a
// proxy would see a request that the proxy did not: it is refused, or read in the
// one way that the standard says, and the connection ends.
func TestNoSecondRequest(t *testing.T) {
	addr := newFixture(t).serve(t)
	const hidden = "GET /api/city HTTP/1.1\r\nHost: x\r\n\r\n"
	const post = "POST /api/within?collection=wards HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, raw := range map[string]string{
		"two lengths":           post + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + hidden,
		"a list of lengths":     post + "Content-Length: 2, 40\r\n\r\n{}" + hidden,
		"a signed length":       post + "Content-Length: +2\r\n\r\n{}" + hidden,
		"an odd coding":         post + "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + hidden,
		"two codings":           post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"space before colon":    post + "Content-Length : 2\r\n\r\n{}" + hidden,
		"a bare return":         post + "X-A: 1\rContent-Length: 2\r\n\r\n{}" + hidden,
		"a wrong chunk size":    post + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + hidden,
		"no host":               "GET /api/city HTTP/1.1\r\n\r\n" + hidden,
		"two hosts":             "GET /api/city HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + hidden,
		"a space in the path":   "GET /api/city /x HTTP/1.1\r\nHost: x\r\n\r\n" + hidden,
		"a zero in the header":  "GET /api/city HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n" + hidden,
		"a body that is no end": post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + strings.Replace(hidden, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1),
	} {
		c := dial(t, addr)
		if _, err := io.WriteString(c, raw); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		var statuses []int
		for {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				break
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				break
			}
			statuses = append(statuses, resp.StatusCode)
		}
		if name == "a body that is no end" { // the coding counts, not the length (RFC 9112, 6.1): two requests, for us and for any proxy
			if len(statuses) > 2 || statuses[0] != 400 {
				t.Errorf("%s: %v", name, statuses)
			}
			continue
		}
		if len(statuses) != 1 || statuses[0] < 400 {
			t.Errorf("%s: answers %v", name, statuses)
		}
	}
}

// TestDeepBodies nests what is nested without end.
func TestDeepBodies(t *testing.T) {
	fx := newFixture(t)
	const n = 1 << 20
	for _, body := range []string{
		strings.Repeat("[", n), strings.Repeat(`{"a":`, n),
		`{"type":"Feature","geometry":` + strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 1<<15),
		`{"type":"Polygon","coordinates":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`,
	} {
		wantStatus(t, fx.call("POST", "/api/within?collection=wards", "body="+body), 400)
		for _, put := range [][2]string{{"POST", "/api/features/wards"}, {"PATCH", "/api/features/wards/f%2Fn"}, {"PUT", "/api/features/wards/f%2Fn"}} {
			if got := fx.call(put[0], put[1], "admin", "If-Match: *", "body="+body).StatusCode; got != 400 && got != 422 {
				t.Errorf("%s %s: status %d", put[0], put[1], got)
			}
		}
	}
}
