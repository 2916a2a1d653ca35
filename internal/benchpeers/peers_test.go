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
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"nagar/catalog/postgis/pgtest"
)

// bench is one run: the city in its stores, and what has been measured.
type bench struct {
	t         *testing.T
	root, dir string
	city      *town
	db        *pgxpool.Pool
	url       string // of the database
	postgres  int    // the postmaster
	lasting   time.Duration
	report    report
}

// server is one that tiles are asked of.
type server struct {
	name  string
	watch []int
	ask   func(*http.Client, string) (int64, error)
}

// TestPeers is the run. BENCH_SECONDS sets how long each timed load lasts (15).
func TestPeers(t *testing.T) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, root: filepath.Dir(strings.TrimSpace(string(out))), dir: t.TempDir(), url: pgtest.Start(t), lasting: 15 * time.Second}
	if s := os.Getenv("BENCH_SECONDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		b.lasting = time.Duration(n) * time.Second
	}
	b.city = newTown(t, b.root, b.dir)
	b.fill()
	b.tiles()
	b.queries()
	if err := os.WriteFile(filepath.Join(b.root, "docs/benchmarks.md"), []byte(b.report.text(b.city)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fill loads the city into both stores and exports the archive; the peers get a
// plain table of their own with a spatial index.
func (b *bench) fill() {
	importer := filepath.Join(b.root, "bin/importer")
	gpkg := filepath.Join(b.dir, "city.gpkg")
	b.timed("load a million into a GeoPackage", importer, "load", "buildings", "--from", b.city.file, "--store", gpkg)
	b.timed("load a million into PostGIS", importer, "load", "buildings", "--from", b.city.file, "--store", b.url)
	b.timed("the same again, nothing changed (GeoPackage)", importer, "load", "buildings", "--from", b.city.file, "--store", gpkg)
	if err := os.Mkdir(filepath.Join(b.dir, "archives"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.timed("export z10 to z16 as PMTiles", importer, "export", "buildings", "--zoom", "10-16", "--to", filepath.Join(b.dir, "archives/city_archive.pmtiles"), "--store", gpkg)
	ctx := context.Background()
	var err error
	if b.db, err = pgxpool.New(ctx, b.url); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(b.db.Close)
	for _, sql := range []string{
		`create table peers as select row_number() over () as gid, uid, height_m, floors, use, ward, year, ST_Force2D(geom)::geometry(Geometry,4326) as geom from buildings`,
		`alter table peers add primary key (gid)`,
		`create index on peers using gist (geom)`,
		`vacuum analyze peers`,
	} {
		if _, err := b.db.Exec(ctx, sql); err != nil {
			b.t.Fatal(err)
		}
	}
	var backend int
	if err := b.db.QueryRow(ctx, `select pg_backend_pid()`).Scan(&backend); err != nil {
		b.t.Fatal(err)
	}
	if f := stat(backend); len(f) > 1 {
		b.postgres, _ = strconv.Atoi(f[1])
	}
}

// timed runs a command and notes its time and memory.
func (b *bench) timed(what, name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Dir = b.dir
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%s: %v\n%.2000s", what, err, out)
	}
	use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	b.report.commands = append(b.report.commands, command{
		what, time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), use.Maxrss << 10,
	})
	b.t.Logf("%s: %.1f s", what, time.Since(start).Seconds())
}

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
		if r, err := http.Get(url); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if r.StatusCode < 400 {
				b.report.ready = append(b.report.ready, command{what: name, wall: time.Since(begin), memory: memoryOf([]int{cmd.Process.Pid})})
				return []int{cmd.Process.Pid}
			}
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
	at := b.address()
	args := append([]string{"--store", filepath.Join(b.dir, "city.gpkg"), "--addr", at, "--quota", "off"}, more...)
	return "http://" + at, b.start(name, "http://"+at+"/readyz", []string{"NAGAR_ADMIN_TOKEN=bench"}, filepath.Join(b.root, "bin/tileserver"), args...)
}

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

// tiles measures every server over the same tiles, one after the other in each
// round, so that what else the machine does falls on all of them.
func (b *bench) tiles() {
	cold, warm := b.contenders()
	for i, s := range append(cold, warm...) {
		if i >= len(cold) { // once over all tiles, so that a cache has them
			load(b.city.tiles, 4, 0, s.watch, s.ask)
		}
		b.report.once = append(b.report.once, row{s.name, b.measure(s, b.city.tiles, 4, 0)})
	}
	streets := []string{}
	for _, t := range b.city.tiles {
		if t[1] >= '4' { // 14, 15, 16
			streets = append(streets, t)
		}
	}
	for _, s := range append(cold, warm...) {
		b.report.mixed = append(b.report.mixed, row{s.name, b.measure(s, b.city.tiles, 8, b.lasting)})
	}
	for _, s := range append(cold, warm...) {
		b.report.streets = append(b.report.streets, row{s.name, b.measure(s, streets, 8, b.lasting)})
	}
}

func (b *bench) measure(s server, items []string, clients int, lasting time.Duration) figures {
	f := load(items, clients, lasting, s.watch, s.ask)
	b.t.Logf("%s: %d requests, %d errors, %.1f/s, %.3f ms CPU, p99 %s", s.name, f.requests, f.errors, f.perSecond, f.cpu, f.p99)
	return f
}

// queries measures windows, nearest ten and points.
func (b *bench) queries() {
	base, pids := b.nagar("Nagar for queries")
	sql := func(query string, n int) func(*http.Client, string) (int64, error) {
		return func(_ *http.Client, item string) (int64, error) {
			args := make([]any, n)
			for i, v := range strings.Fields(item) {
				args[i], _ = strconv.ParseFloat(v, 64)
			}
			rows, err := b.db.Query(context.Background(), query, args...)
			if err != nil {
				return 0, err
			}
			size := int64(0)
			_, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (struct{}, error) {
				for _, v := range r.RawValues() {
					size += int64(len(v))
				}
				return struct{}{}, nil
			})
			return size, err
		}
	}
	http := func(format string) func(*http.Client, string) (int64, error) {
		return get(func(item string) string {
			f := strings.Fields(item)
			args := make([]any, len(f))
			for i := range f {
				args[i] = f[i]
			}
			return base + fmt.Sprintf(format, args...)
		})
	}
	const all = "gid, uid, height_m, floors, use, ward, year"
	for _, q := range []struct {
		what  string
		items []string
		ours  string
		sql   string
		n     int
	}{
		{"500 m window, all features", b.city.boxes, "/api/within?collection=buildings&limit=10000&bbox=%s,%s,%s,%s", `select ` + all + `, ST_AsBinary(geom) from peers where geom && ST_MakeEnvelope($1,$2,$3,$4,4326)`, 4},
		{"nearest 10", b.city.points, "/api/near?collection=buildings&k=10&lon=%s&lat=%s", `select ` + all + `, ST_AsBinary(geom) from peers order by geom <-> ST_SetSRID(ST_MakePoint($1,$2),4326) limit 10`, 2},
		{"what is here", b.city.points, "/api/at?collections=buildings&lon=%s&lat=%s", `select ` + all + `, ST_AsBinary(geom) from peers where ST_Contains(geom, ST_SetSRID(ST_MakePoint($1,$2),4326))`, 2},
	} {
		for _, s := range []server{{"**Nagar** (HTTP, GeoJSON)", pids, http(q.ours)}, {"PostGIS (its own protocol)", []int{b.postgres}, sql(q.sql, q.n)}} {
			b.report.queries = append(b.report.queries, row{q.what + ": " + s.name, b.measure(s, q.items, 8, b.lasting/2)})
		}
	}
}
