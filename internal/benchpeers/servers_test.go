//go:build peers

package benchpeers

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// start runs a server until the test ends, once it answers at url, and notes how
// long that took. Nil when there is no such program.
func (b *bench) start(name, url string, env []string, program string, args ...string) []int {
	path, err := exec.LookPath(program)
	if err != nil {
		b.report.absent = append(b.report.absent, name)
		b.t.Logf("%s is left out: %v", name, err)
		return nil
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), env...)
	log, err := os.Create(filepath.Join(b.dir, strings.ReplaceAll(name, " ", "-")+".log"))
	if err != nil {
		b.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // it is told to end, and how it does so is no matter
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	for time.Since(begin) < 2*time.Minute {
		if answers(url) {
			b.report.ready = append(b.report.ready, command{what: name, wall: time.Since(begin), memory: memoryOf([]int{cmd.Process.Pid})})
			return []int{cmd.Process.Pid}
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			b.t.Fatalf("%s ended:\n%.2000s", name, text)
		case <-time.After(50 * time.Millisecond):
		}
	}
	b.t.Fatalf("%s does not answer at %s", name, url)
	return nil
}

// answers reports whether there is a server at an http or a tcp address.
func answers(url string) bool {
	if at, ok := strings.CutPrefix(url, "tcp://"); ok {
		c, err := net.Dial("tcp", at)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	r, err := http.Get(url)
	if err != nil {
		return false
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode < 400
}

func (b *bench) address() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// nagar starts a tileserver on the GeoPackage.
func (b *bench) nagar(name string, more ...string) (base string, pids []int) {
	return b.ours(name, "tileserver", filepath.Join(b.dir, "city.gpkg"), more...)
}

// ours starts a server of ours.
func (b *bench) ours(name, program, store string, more ...string) (base string, pids []int) {
	at := b.address()
	args := append([]string{"--store", store, "--addr", at, "--quota", "off"}, more...)
	return "http://" + at, b.start(name, "http://"+at+"/readyz", []string{"NAGAR_ADMIN_TOKEN=" + adminToken}, filepath.Join(b.root, "bin", program), args...)
}

const adminToken = "bench"

func tileURL(base, before, after string) func(string) string {
	return func(tile string) string { return base + before + tile + after }
}

// contenders are the servers that are there.
func (b *bench) contenders() (cold, warm []server) {
	add := func(list *[]server, name string, watch []int, url func(string) string) {
		if watch != nil {
			*list = append(*list, server{name, watch, get(url)})
		}
	}
	base, pids := b.nagar("Nagar without a cache", "--cache-mb", "0")
	add(&cold, "**Nagar**, every feature (`generalize=none`)", pids, tileURL(base, "/tiles/buildings/", ".mvt?generalize=none"))
	add(&cold, "**Nagar**, as designed", pids, tileURL(base, "/tiles/buildings/", ".mvt"))
	base, pids = b.nagar("Nagar", "--cache-mb", "1024", "--pmtiles", filepath.Join(b.dir, "archives"))
	add(&warm, "**Nagar**, warm", pids, tileURL(base, "/tiles/buildings/", ".mvt"))
	add(&warm, "**Nagar**, `--pmtiles`", pids, tileURL(base, "/tiles/city_archive/", ".mvt"))

	at := b.address()
	_, port, _ := net.SplitHostPort(at)
	pids = b.start("pg_tileserv", "http://"+at+"/index.json", []string{"DATABASE_URL=" + b.url, "TS_HTTPHOST=127.0.0.1", "TS_HTTPPORT=" + port, "TS_MAXFEATURESPERTILE=1000000", "TS_DEFAULTBUFFER=64", "TS_DBPOOLMAXCONNS=8", "TS_DBTIMEOUT=60"}, "pg_tileserv")
	add(&cold, "pg_tileserv", b.with(pids), tileURL("http://"+at, "/public.peers/", ".pbf"))
	at = b.address()
	pids = b.start("Tegola", "http://"+at+"/capabilities", nil, "tegola", "serve", "--config", b.tegola(at), "--no-cache")
	add(&cold, "Tegola, no cache", b.with(pids), tileURL("http://"+at, "/maps/city/", ".pbf"))
	at = b.address()
	pids = b.start("Martin", "http://"+at+"/health", nil, "martin", "--listen-addresses", at, "--cache-size", "0", b.url)
	add(&cold, "Martin", b.with(pids), tileURL("http://"+at, "/peers/", ""))
	at = b.address()
	_, port, _ = net.SplitHostPort(at)
	pids = b.start("go-pmtiles", "http://"+at+"/city_archive/16/0/0.mvt", nil, "pmtiles", "serve", filepath.Join(b.dir, "archives"), "--port", port)
	add(&warm, "go-pmtiles, of our archive", pids, tileURL("http://"+at, "/city_archive/", ".mvt"))
	cold = append(cold, server{"PostGIS itself (ST_AsMVT; no HTTP, not compressed)", []int{b.postgres}, b.asMVT})
	return cold, warm
}

// with adds PostgreSQL to the processes of a server that stands on it.
func (b *bench) with(pids []int) []int {
	if pids == nil {
		return nil
	}
	return append(pids, b.postgres)
}

// asMVT asks the database for a tile.
func (b *bench) asMVT(_ *http.Client, tile string) (int64, error) {
	var z, x, y int
	if _, err := fmt.Sscanf(tile, "%d/%d/%d", &z, &x, &y); err != nil {
		return 0, err
	}
	var data []byte
	err := b.db.QueryRow(context.Background(), `select ST_AsMVT(q, 'buildings', 4096, 'g', 'gid') from (
		select gid, uid, height_m, floors, use, ward, year, ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope($1, $2, $3), 4096, 64) as g
		from peers where geom && ST_Transform(ST_TileEnvelope($1, $2, $3, margin => 64.0 / 4096), 4326)) q`, z, x, y).Scan(&data)
	return int64(len(data)), err
}

// tegola writes its configuration and returns the file.
func (b *bench) tegola(at string) string {
	path := filepath.Join(b.dir, "tegola.toml")
	text := fmt.Sprintf(`tile_buffer = 64
[webserver]
port = %q
[[providers]]
name = "pg"
type = "mvt_postgis"
uri = %q
srid = 3857
[[providers.layers]]
name = "buildings"
geometry_fieldname = "geom"
geometry_type = "Polygon"
id_fieldname = "gid"
sql = "SELECT ST_AsMVTGeom(ST_Transform(geom, 3857), !BBOX!) AS geom, gid, uid, height_m, floors, use, ward, year FROM peers WHERE geom && ST_Transform(!BBOX!, 4326)"
[[maps]]
name = "city"
[[maps.layers]]
provider_layer = "pg.buildings"
min_zoom = 0
max_zoom = 22
`, at, b.url)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}
