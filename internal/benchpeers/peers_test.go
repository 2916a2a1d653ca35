//go:build peers

package benchpeers

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

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

// TestPeers is the run. BENCH_SECONDS sets how long each timed load of what draws
// tiles lasts (10); what only hands them out, and queries, take half. To try the
// command itself, BENCH_BUILDINGS makes a smaller city.
func TestPeers(t *testing.T) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, root: filepath.Dir(strings.TrimSpace(string(out))), dir: t.TempDir(), url: pgtest.Start(t), lasting: 10 * time.Second}
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
	b.fresh()
	if err := os.WriteFile(filepath.Join(b.root, "docs/benchmarks.md"), []byte(b.report.text(b.city)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fill loads the city into both stores and exports the archive; the peers get a
// plain table of their own with a spatial index.
func (b *bench) fill() {
	importer := filepath.Join(b.root, "bin/importer")
	gpkg := filepath.Join(b.dir, "city.gpkg")
	b.timed("load the buildings into a GeoPackage", importer, "load", "buildings", "--from", b.city.file, "--store", gpkg)
	b.timed("load the buildings into PostGIS", importer, "load", "buildings", "--from", b.city.file, "--store", b.url)
	b.timed("the same again, nothing changed (GeoPackage)", importer, "load", "buildings", "--from", b.city.file, "--store", gpkg)
	if err := os.Mkdir(filepath.Join(b.dir, "archives"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.timed("export z10 to z16 as PMTiles", importer, "export", "buildings", "--zoom", "10-16", "--to", filepath.Join(b.dir, "archives/city_archive.pmtiles"), "--store", gpkg)
	if tippecanoe, err := exec.LookPath("tippecanoe"); err == nil {
		b.timed("tippecanoe, z10 to z16, features dropped where they are dense", tippecanoe, "-q", "-P", "-Z10", "-z16", "-l", "buildings",
			"--drop-densest-as-needed", "-o", filepath.Join(b.dir, "tippecanoe.pmtiles"), b.city.file)
	} else {
		b.report.absent = append(b.report.absent, "tippecanoe")
	}
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

// tiles measures every server over the same tiles, one after the other in each
// round, so that what else the machine does falls on all of them.
func (b *bench) tiles() {
	cold, warm := b.contenders()
	distinct := b.city.distinct()
	for i, s := range append(cold, warm...) {
		if i >= len(cold) { // once over all tiles, so that a cache has them
			load(distinct, 4, 0, s.watch, s.ask)
		}
		b.report.once = append(b.report.once, row{s.name, b.measure(s, distinct, 4, 0)})
	}
	streets := b.city.of("14", "15", "16")
	for _, round := range []struct {
		rows    *[]row
		items   []string
		clients int
		warm    bool
	}{{&b.report.mixed, b.city.tiles, 8, true}, {&b.report.streets, streets, 8, true}, {&b.report.crowd, b.city.tiles, 64, false}} {
		for _, s := range cold {
			*round.rows = append(*round.rows, row{s.name, b.measure(s, round.items, round.clients, b.lasting)})
		}
		for _, s := range warm {
			if round.warm {
				*round.rows = append(*round.rows, row{s.name, b.measure(s, round.items, round.clients, b.lasting/2)})
			}
		}
	}
	for _, s := range cold {
		b.report.beside = append(b.report.beside, b.beside(s))
	}
}

// beside measures one client who asks for streets while four ask for the whole city.
func (b *bench) beside(s server) row {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		load(b.city.of("12"), 4, b.lasting, nil, s.ask)
	}()
	time.Sleep(b.lasting / 10) // until the four are at it
	r := row{s.name, b.measure(s, b.city.of("16"), 1, b.lasting*8/10)}
	<-ended
	return r
}

func (b *bench) measure(s server, items []string, clients int, lasting time.Duration) figures {
	f := load(items, clients, lasting, s.watch, s.ask)
	b.t.Logf("%s: %d requests, %d errors, %.1f/s, %.3f ms CPU, p99 %s", s.name, f.requests, f.errors, f.perSecond, f.cpu, f.p99)
	return f
}
