package postgis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
)

// open opens a store on a fresh database.
func open(t *testing.T) (*postgis.Store, string) {
	t.Helper()
	url := pgtest.Start(t)
	return reopen(t, url), url
}

func reopen(t *testing.T, url string) *postgis.Store {
	t.Helper()
	s, err := postgis.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func define(t *testing.T, s *postgis.Store, c catalog.Collection) {
	t.Helper()
	if _, err := s.Define(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

func apply(t *testing.T, s *postgis.Store, ops ...catalog.Op) catalog.Result {
	t.Helper()
	r, err := s.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(ops...)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func putBuilding(i int, height float64) catalog.Op {
	return catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: footprint(i, height)}
}

// feed returns the ids of the feed since a revision, by revision: +new, ~changed, -gone.
func feed(t *testing.T, s *postgis.Store, since catalog.Rev) (out []string) {
	t.Helper()
	_, err := s.Changes(context.Background(), since, func(c catalog.Commit) error {
		var line []string
		for _, ch := range c.Changes {
			switch {
			case ch.Kind == catalog.Defined:
				line = append(line, "defined "+ch.Collection)
			case ch.Old == nil:
				line = append(line, "+"+ch.ID)
			case ch.New == nil:
				line = append(line, "-"+ch.ID)
			default:
				line = append(line, "~"+ch.ID)
			}
		}
		out = append(out, strings.Join(line, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkClean(t *testing.T, s *postgis.Store) {
	t.Helper()
	if err := s.Check(context.Background(), func(p catalog.Problem) error {
		t.Errorf("check: %s/%s: %s", p.Collection, p.ID, p.Reason)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A department opens the database with its own tools and sees plain tables.
func TestTablesArePlain(t *testing.T) {
	s, url := open(t)
	define(t, s, buildings())
	z := footprint(2, 3)
	z.Geometry = geo.Geometry{Type: geo.Point, HasZ: true, Coords: []float64{72.8, 19, 11.25}}
	points := buildings()
	points.Name, points.Geometry = "points", catalog.GeometryAny
	define(t, s, points)
	apply(t, s, putBuilding(1, 3), catalog.Op{Kind: catalog.Put, Collection: "points", Feature: z})
	conn := connect(t, url)
	var kind, column string
	var srid int
	if err := conn.QueryRow(context.Background(), `select f_geometry_column, type, srid from geometry_columns where f_table_name = 'buildings'`).Scan(&column, &kind, &srid); err != nil {
		t.Fatal(err)
	}
	if column != "geom" || kind != "GEOMETRY" || srid != 4326 {
		t.Errorf("geometry_columns says %s %s %d", column, kind, srid)
	}
	var text string
	if err := conn.QueryRow(context.Background(), `select st_asewkt(geom) from points`).Scan(&text); err != nil || text != "SRID=4326;POINT(72.8 19 11.25)" {
		t.Errorf("a point with Z reads %q, %v", text, err)
	}
	if err := conn.QueryRow(context.Background(), `select st_asewkt(geom) from buildings`).Scan(&text); err != nil || strings.Count(text, " ") != 5 {
		t.Errorf("a polygon without Z reads %q, %v", text, err)
	}
	needs(t, "psql")
	out, err := exec.Command("psql", "-X", "-d", url, "-c", `\d buildings`).CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	for _, want := range []string{"height_m", "double precision", "timestamp with time zone", "st_srid(geom) = 4326", "nagar_before"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("\\d lacks %q:\n%s", want, out)
		}
	}
}

// One statement, one transaction, one revision, whatever wrote it.
func TestOutsideEdits(t *testing.T) {
	s, url := open(t)
	define(t, s, buildings())
	r := apply(t, s, putBuilding(1, 3), putBuilding(2, 3), putBuilding(3, 3))
	conn := connect(t, url)
	for _, c := range []struct{ sql, want string }{
		{`update buildings set height_m = 9 where id in ('1', '2')`, "~1 ~2"},
		{`update buildings set height_m = height_m`, ""},
		{`begin; insert into buildings (id, height_m) values ('9', 1); update buildings set height_m = 2 where id = '9'; delete from buildings where id = '3'; commit`, "-3 +9"},
		{`begin; delete from buildings where id = '9'; insert into buildings (id, height_m) values ('9', 7); commit`, "~9"},
		{`begin; insert into buildings (id) values ('x'); rollback`, ""},
		{`begin; update buildings set height_m = 1 where id = '1'; savepoint s; delete from buildings; rollback to s; commit`, "~1"},
		{`update buildings set id = 'one' where id = '1'`, "-1 +one"},
		{`copy buildings (id, height_m) from program 'printf "c1\t1\nc2\t2\n"'`, "+c1 +c2"},
		{`begin isolation level serializable; insert into buildings (id) values ('s'); commit`, "+s"},
		{`truncate buildings`, "-2 -9 -c1 -c2 -one -s"},
	} {
		mustExec(t, conn, c.sql)
		got := feed(t, s, r.Rev)
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: feed says %q, want %q", c.sql, got, c.want)
		}
		var err error
		if r.Rev, err = s.Head(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := s.History(context.Background(), "buildings", "9")
	if err != nil || len(versions) < 2 {
		t.Errorf("history of 9: %d versions, %v", len(versions), err)
	}
	checkClean(t, s)
}

// What the catalogue does not hold is refused where it is written, with a reason.
func TestOutsideRefusals(t *testing.T) {
	s, url := open(t)
	define(t, s, buildings())
	conn := connect(t, url)
	for sql, want := range map[string]string{
		`insert into buildings (geom) values (st_makepoint(1, 1))`:                                                          "polygon",
		`insert into buildings (geom) values (st_makeenvelope(0, 0, 1, 1, 32643))`:                                          "SRID",
		`insert into buildings (geom) values (st_makeenvelope(0, 0, 400, 1, 4326))`:                                         "degrees",
		`insert into buildings (height_m) values ('NaN')`:                                                                   "NaN",
		`insert into buildings (id) values ('')`:                                                                            "id",
		`insert into buildings (valid_from, valid_to) values ('2020-01-01', '2010-01-01')`:                                  "valid_from",
		`insert into buildings (geom) values ('SRID=4326;CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))'::geometry)`: "polygon",
	} {
		_, err := conn.Exec(context.Background(), sql)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something about %s", sql, err, want)
		}
	}
	var n int
	if err := conn.QueryRow(context.Background(), `select count(*) from buildings`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
	checkClean(t, s)
}

// A reader that takes a serial number for the order of commits loses what a slow
// transaction commits late. The feed does not, and waits for nobody.
func TestNaiveReaderLosesWhatTheFeedKeeps(t *testing.T) {
	s, url := open(t)
	define(t, s, buildings())
	ctx := context.Background()
	slow, fast, reader := connect(t, url), connect(t, url), connect(t, url)
	mustExec(t, fast, `create table naive (n bigserial, id text)`)
	start, err := s.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	naiveSeen, naiveLast := 0, int64(0)
	naive := func() {
		rows, err := reader.Query(ctx, `select n from naive where n > $1 order by n`, naiveLast)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pgx.ForEachRow(rows, []any{&naiveLast}, func() error { naiveSeen++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	both := func(id string) string {
		return fmt.Sprintf(`insert into naive (id) values ('%s'); insert into buildings (id) values ('%[1]s');`, id)
	}
	mustExec(t, slow, `begin;`+both("slow"))
	free, cancel := context.WithTimeout(ctx, time.Minute) // who waits for the slow one waits for ever
	defer cancel()
	if _, err := fast.Exec(free, both("fast")); err != nil {
		t.Fatalf("an open transaction holds up another: %v", err)
	}
	if _, err := s.Apply(free, catalog.Batch{Ops: catalog.Ops(putBuilding(1, 3))}); err != nil {
		t.Fatalf("an open transaction holds up a batch: %v", err)
	}
	naive()
	first := feed(t, s, start)
	rev, err := s.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, slow, `commit`)
	naive()
	second := feed(t, s, rev)
	if naiveSeen != 1 {
		t.Errorf("the naive reader saw %d rows; it was to lose one, so this test shows nothing", naiveSeen)
	}
	if strings.Join(first, ";") != "+fast;+1" || strings.Join(second, ";") != "+slow" {
		t.Errorf("the feed says %q, then %q", first, second)
	}
}

// A load whose connection breaks leaves nothing, says that the store is
// unavailable, and the next one works.
func TestLostConnection(t *testing.T) {
	s, url := open(t)
	define(t, s, buildings())
	ctx := context.Background()
	killer := connect(t, url)
	head, err := s.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Apply(ctx, catalog.Batch{Ops: func(yield func(*catalog.Op, error) bool) {
		for i := range 25_000 {
			if i == 20_500 {
				mustExec(t, killer, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'nagar'`)
			}
			op := putBuilding(i, 3)
			if !yield(&op, nil) {
				return
			}
		}
	}})
	if !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("a lost connection is %v", err)
	}
	var n int
	if err := killer.QueryRow(ctx, `select count(*) from buildings`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows left, %v", n, err)
	}
	var r catalog.Result
	for range 20 { // idle connections in the pool were cut too, and are found dead one by one
		if r, err = s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(putBuilding(1, 3))}); err == nil {
			break
		}
	}
	if err != nil || r.Rev <= head || r.Created != 1 {
		t.Errorf("after it: %+v, %v", r, err)
	}
	checkClean(t, s)
}

// A waiter survives the loss of its connection.
func TestWaitSurvivesLostConnection(t *testing.T) {
	s, url := open(t)
	define(t, s, buildings())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	head, err := s.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(ctx, head) }()
	time.Sleep(100 * time.Millisecond) // let it listen
	other := connect(t, url)
	mustExec(t, other, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'nagar'`)
	mustExec(t, other, `insert into buildings (id) values ('a')`)
	if err := <-woken; err != nil {
		t.Error(err)
	}
}

// Two stores in two databases of one server do not hear of each other.
func TestTwoDatabases(t *testing.T) {
	one, _ := open(t)
	two, _ := open(t)
	define(t, one, buildings())
	define(t, two, buildings())
	apply(t, one, putBuilding(1, 3))
	a, _ := one.Head(context.Background())
	b, _ := two.Head(context.Background())
	if a != 2 || b != 1 {
		t.Errorf("heads are %d and %d, want 2 and 1", a, b)
	}
}

// What stood in the database before us is not ours to change.
func TestForeignTablesStay(t *testing.T) {
	url := pgtest.Start(t)
	conn := connect(t, url)
	mustExec(t, conn, `create table theirs (id int primary key, g geometry(Point, 32643)); insert into theirs values (1, 'SRID=32643;POINT(1 1)')`)
	s := reopen(t, url)
	list, err := s.Collections(context.Background())
	if err != nil || len(list) != 0 {
		t.Errorf("collections %v, %v", list, err)
	}
	mustExec(t, conn, `insert into theirs values (2, 'SRID=32643;POINT(2 2)')`)
	bad := buildings()
	bad.Name = "theirs"
	var invalid *catalog.Invalid
	if _, err := s.Define(context.Background(), bad); !errors.As(err, &invalid) {
		t.Errorf("defining over a foreign table: %v", err)
	}
}

// Several processes may meet on an empty database.
func TestConcurrentFirstOpen(t *testing.T) {
	url := pgtest.Start(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := postgis.Open(context.Background(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if _, err := s.Define(context.Background(), buildings()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := reopen(t, url)
	if got := feed(t, s, 0); len(got) != 1 {
		t.Errorf("feed %q", got)
	}
	checkClean(t, s)
}

// A spatial index is there once a load is over.
func TestIndexAfterLoad(t *testing.T) {
	url := pgtest.Start(t)
	s, err := postgis.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	define(t, s, buildings())
	if _, err := s.Apply(context.Background(), catalog.Batch{Ops: puts(0, 3000, 3)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := connect(t, url).QueryRow(context.Background(), `select count(*) from pg_indexes where tablename = 'buildings' and indexdef like '%gist%'`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d spatial indexes, %v", n, err)
	}
}

// A load that meets features which are there already still tells new from old.
func TestOptimisticLoadMeetsOldFeatures(t *testing.T) {
	s, _ := open(t)
	define(t, s, buildings())
	ctx := context.Background()
	for _, c := range []struct{ from, created, unchanged int }{{0, 1000, 0}, {1000, 1000, 0}, {1500, 500, 500}, {0, 0, 1000}} {
		r, err := s.Apply(ctx, catalog.Batch{Ops: puts(c.from, 1000, 3)})
		if err != nil || r.Created != c.created || r.Unchanged != c.unchanged {
			t.Errorf("from %d: %+v, %v", c.from, r, err)
		}
	}
	checkClean(t, s)
}

// A password is nobody's to read.
func TestPasswordStaysSecret(t *testing.T) {
	for _, url := range []string{
		"postgres://u:s3cr%25t@127.0.0.1:1/db", "postgres://u:s3cr%25t@127.0.0.1:x/db", "postgres://u:s3cr%25t@/%zz", "host=127.0.0.1 port=none password=s3cr%t",
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := postgis.Open(ctx, url)
		cancel()
		if err == nil {
			t.Errorf("%s opened", url)
		} else if strings.Contains(err.Error(), "s3cr") {
			t.Errorf("%v", err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	if _, err := postgis.Open(context.Background(), "postgres://u@127.0.0.1:1/db"); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("an unreachable server is %v", err)
	}
}

// needs skips the test where the program is not installed; in CI that is a failure.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing", program)
	}
	t.Skipf("%s is not installed", program)
}
