package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"nagar/catalog/postgis/pgtest"
	"nagar/geo/mvt"
	"nagar/internal/app/importer"
)

// town is a store with a small demo city and a server on it.
type town struct {
	store string // URL
	base  string // http://127.0.0.1:port
	token string
	sql   func(t *testing.T, statement string) // by a program that knows nothing of us
	ogr   string                               // the store as GDAL names it
}

// stores runs the test on each kind of store.
func stores(t *testing.T, test func(t *testing.T, c *town)) {
	bareStores(t, func(t *testing.T, c *town) {
		c.start(t)
		test(t, c)
	})
}

// bareStores is stores with nothing in the store, and no server.
func bareStores(t *testing.T, test func(t *testing.T, c *town)) {
	t.Run("gpkg", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "city.gpkg")
		test(t, &town{store: file, ogr: file, token: testToken, sql: func(t *testing.T, s string) {
			command(t, "sqlite3", "-cmd", ".timeout 60000", file, s)
		}})
	})
	t.Run("postgis", func(t *testing.T) {
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		url := pgtest.Start(t)
		at, err := pgconn.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		ogr := fmt.Sprintf("PG:host=%s port=%d user=%s dbname=%s", at.Host, at.Port, at.User, at.Database)
		test(t, &town{store: url, ogr: ogr, token: testToken, sql: func(t *testing.T, s string) {
			command(t, "psql", "-qXc", s, url)
		}})
	})
}

const testToken = "a token for this test"

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SQLITE_BUSY_TIMEOUT=60000") // GDAL's own is 5 s
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// lines hands on what a server prints, line by line.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) find(prefix string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range strings.Lines(l.buf.String()) {
		if rest, ok := strings.CutPrefix(s, prefix); ok && strings.HasSuffix(rest, "\n") {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// serve starts a server on a free port and returns its address; it ends with the test.
func serve(t *testing.T, f ServerFlags, client *http.Client) string {
	t.Helper()
	return serveLogged(t, f, client, slog.New(slog.DiscardHandler))
}

// serveLogged is serve with a log.
func serveLogged(t *testing.T, f ServerFlags, client *http.Client, log *slog.Logger) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out := &lines{}
	ended := make(chan error, 1)
	f.Addr, f.CacheMB = "127.0.0.1:0", 16
	go func() { ended <- Serve(ctx, &f, false, log, out) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	var base string
	eventually(t, "the server is ready", func() bool {
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("the server did not start: %v", err)
		default:
		}
		if base = out.find("listening on "); base == "" {
			return false
		}
		r, err := client.Get(base + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return base
}

func (c *town) start(t *testing.T) {
	t.Helper()
	c.importer(t, "demo", "--buildings", "3000", "--seed", "7")
	c.token = testToken
	c.base = serve(t, ServerFlags{Store: c.store, AdminToken: c.token}, http.DefaultClient)
}

// importer runs the command and returns its last line of output.
func (c *town) importer(t *testing.T, args ...string) map[string]any {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append(args, "--store", c.store)
	if code := importer.Main(args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("importer %v: exit %d\n%s", args, code, stderr.String())
	}
	all := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	var last map[string]any
	if err := json.Unmarshal([]byte(all[len(all)-1]), &last); err != nil {
		t.Fatalf("importer %v: last line %q: %v", args, all[len(all)-1], err)
	}
	return last
}

func (c *town) get(t *testing.T, path string) (int, []byte) {
	t.Helper()
	r, err := http.Get(c.base + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, b
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(waitLong); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", waitLong, what)
		}
	}
}

// live reads events of /api/live until fn says that it has seen enough.
func (c *town) live(t *testing.T, ready chan<- struct{}, fn func(event, data string) bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLong)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/live", nil)
	if err != nil {
		return err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	close(ready)
	event := ""
	for s := bufio.NewScanner(r.Body); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "event: "); ok {
			event = v
		}
		if v, ok := strings.CutPrefix(s.Text(), "data: "); ok && fn(event, v) {
			return nil
		}
	}
	return fmt.Errorf("the events ended: %w", ctx.Err())
}

// TestEditFromOutsideReachesTheMap changes a row by a program that knows nothing
// of us: the event names the tile, and the tile shows the change.
func TestEditFromOutsideReachesTheMap(t *testing.T) {
	stores(t, func(t *testing.T, c *town) {
		_, b := c.get(t, "/api/near?collection=facilities&lon=72.85&lat=19.05&k=1")
		var near struct {
			Features []struct {
				ID       string
				Geometry struct{ Coordinates [2]float64 }
			}
		}
		if err := json.Unmarshal(b, &near); err != nil || len(near.Features) != 1 {
			t.Fatalf("near: %v %s", err, b)
		}
		id := near.Features[0].ID
		ready, seen := make(chan struct{}), make(chan error, 1)
		var tile string
		go func() {
			seen <- c.live(t, ready, func(event, data string) bool {
				var e struct {
					Collection string
					Tiles      []string
				}
				if event != "tiles" || json.Unmarshal([]byte(data), &e) != nil || e.Collection != "facilities" || len(e.Tiles) == 0 {
					return false
				}
				tile = e.Tiles[0]
				return true
			})
		}()
		<-ready
		c.sql(t, "UPDATE facilities SET name = 'Seen from the map' WHERE id = '"+id+"'")
		if err := <-seen; err != nil {
			t.Fatal(err)
		}
		if !c.tileHas(t, "facilities", tile, "Seen from the map") {
			t.Errorf("tile %s does not show the change that its event announced", tile)
		}
	})
}

// tileHas reports whether the tile carries this attribute value.
func (c *town) tileHas(t *testing.T, layer, tile, value string) bool {
	t.Helper()
	status, b := c.get(t, "/tiles/"+layer+"/"+tile+".mvt")
	if status != http.StatusOK {
		t.Fatalf("tile %s: status %d", tile, status)
	}
	decoded, err := mvt.Decode(b)
	if err != nil {
		t.Fatalf("tile %s: %v", tile, err)
	}
	return bytes.Contains(fmt.Appendf(nil, "%+v", decoded), []byte(value))
}

// TestLoadAppears loads a file into a new collection while the server runs.
func TestLoadAppears(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trees.geojson")
	if err := os.WriteFile(file, []byte(`{"type":"FeatureCollection","features":[
		{"type":"Feature","id":"t1","geometry":{"type":"Point","coordinates":[72.85,19.05]},"properties":{"species":"वड"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	stores(t, func(t *testing.T, c *town) {
		if status, _ := c.get(t, "/api/collections/trees"); status != http.StatusNotFound {
			t.Fatalf("before the load: status %d", status)
		}
		for pass, want := range []string{"loaded", "unchanged"} {
			if got := c.importer(t, "load", "trees", "--from", file, "--public"); got[want] != 1.0 {
				t.Errorf("pass %d: %v", pass, got)
			}
		}
		eventually(t, "the new collection is served", func() bool {
			_, b := c.get(t, "/api/near?collection=trees&lon=72.85&lat=19.05")
			return bytes.Contains(b, []byte("वड"))
		})
		if got := c.importer(t, "check"); got["problems"] != 0.0 {
			t.Errorf("check: %v", got)
		}
	})
}

// TestOverwriteFromOutside replaces a whole table by ogr2ogr -overwrite.
func TestOverwriteFromOutside(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sensors.geojson")
	if err := os.WriteFile(file, []byte(`{"type":"FeatureCollection","features":[
		{"type":"Feature","geometry":{"type":"Point","coordinates":[72.9,19.1]},"properties":{"name":"The only one","kind":"rain"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	stores(t, func(t *testing.T, c *town) {
		command(t, "ogr2ogr", "-update", "-overwrite", c.ogr, file, "-nln", "sensors", "-lco", "GEOMETRY_NAME=geom")
		eventually(t, "the new table is served", func() bool {
			_, b := c.get(t, "/api/near?collection=sensors&lon=72.9&lat=19.1")
			return bytes.Contains(b, []byte("The only one")) && bytes.Contains(b, []byte(`"numberReturned":1`))
		})
	})
}

// TestWritesNeedTheToken writes with and without it.
func TestWritesNeedTheToken(t *testing.T) {
	stores(t, func(t *testing.T, c *town) {
		body := `{"type":"Feature","geometry":{"type":"Point","coordinates":[72.85,19.05]},"properties":{"name":"Written"}}`
		for token, want := range map[string]int{"": 401, "wrong": 401, c.token: 201} {
			q, err := http.NewRequest(http.MethodPost, c.base+"/api/features/facilities", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/geo+json")
			if token != "" {
				q.Header.Set("Authorization", "Bearer "+token)
			}
			r, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode != want {
				t.Errorf("token %q: status %d, want %d", token, r.StatusCode, want)
			}
		}
	})
}

// TestServesHTTPS serves with a certificate, and links with the public URL.
func TestServesHTTPS(t *testing.T) {
	dir := t.TempDir()
	pool := selfSigned(t, dir)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	base := serve(t, ServerFlags{
		Store: filepath.Join(dir, "city.gpkg"), PublicURL: "https://city.example/map",
		TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem"),
	}, client)
	r, err := client.Get(base + "/tiles/wards.json")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	if r.ProtoMajor != 2 || !bytes.Contains(b, []byte(`"https://city.example/map/tiles/wards/`)) {
		t.Errorf("%s: %s", r.Proto, b)
	}
	info, err := os.Stat(filepath.Join(dir, "city.gpkg.d", "admin-token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the administrator's token: %v, %v", info, err)
	}
}

// selfSigned writes cert.pem and key.pem for 127.0.0.1 into dir.
func selfSigned(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		text := pem.EncodeToMemory(block)
		pool.AppendCertsFromPEM(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// TestWrongCommandLines are exit 2 with a word on what is wrong.
func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{{"--nonsense"}, {"--log-format", "xml"}, {"--tls-cert", "x.pem"}, {"--cache-mb", "-1"}, {"--tls-self-signed", "--tls-cert", "x", "--tls-key", "y"},
		{"--trusted-proxies", "10.0.0.0/8,proxy.test"}, {"--trusted-proxies", "10.0.0.1/8"},
		{"--quota", "rate=0"}, {"--quota", "speed=7"}} {
		var stdout, stderr bytes.Buffer
		if code := TileServer(args, &stdout, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v: exit %d, %q", args, code, stderr.String())
		}
	}
	var stdout, stderr bytes.Buffer
	if code := Twin([]string{"--help"}, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), "NAGAR_PUBLIC_URL") {
		t.Errorf("--help: exit %d, %s", code, stdout.String())
	}
}
