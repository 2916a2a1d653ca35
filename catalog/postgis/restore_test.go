package postgis_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
)

// A store restored from a dump is the same store: revisions, feed and history as
// they were, and the next write goes on from there.
func TestDumpAndRestore(t *testing.T) {
	needs(t, "pg_dump")
	s, url := open(t)
	define(t, s, buildings())
	apply(t, s, putBuilding(1, 3), putBuilding(2, 3))
	apply(t, s, putBuilding(1, 4))
	mustExec(t, connect(t, url), `delete from buildings where id = '2'`)
	dump, err := exec.Command("pg_dump", "--no-owner", url).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	other := pgtest.Start(t)
	restore := exec.Command("psql", "-X", "-q", "-d", other)
	restore.Stdin = bytes.NewReader(dump)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	r := reopen(t, other)
	checkClean(t, r)
	if a, b := strings.Join(feed(t, s, 0), ";"), strings.Join(feed(t, r, 0), ";"); a != b {
		t.Errorf("the feed was %q, restored it is %q", a, b)
	}
	a, b := history(t, s, "1"), history(t, r, "1")
	if a != b {
		t.Errorf("history was\n%s\nrestored it is\n%s", a, b)
	}
	head, err := r.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if next := apply(t, r, putBuilding(3, 3)); next.Rev <= head {
		t.Errorf("revision %d after %d", next.Rev, head)
	}
	mustExec(t, connect(t, other), `update buildings set height_m = 1`)
	if got := feed(t, r, head); strings.Join(got, ";") != "+3;~1 ~3" {
		t.Errorf("feed after restoring: %q", got)
	}
	checkClean(t, r)
}

func history(t *testing.T, s *postgis.Store, id string) (out string) {
	t.Helper()
	versions, err := s.History(context.Background(), "buildings", id)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		out += fmt.Sprintln(v.Rev, v.RevTo, v.ValidFrom, v.ValidTo, v.Recorded, v.Props)
	}
	return out
}

// A role without special rights can own a store.
func TestPlainRole(t *testing.T) {
	url := pgtest.Start(t)
	conn := connect(t, url)
	role := fmt.Sprintf("nagar_plain_%d", conn.PgConn().PID())
	mustExec(t, conn, fmt.Sprintf(`create role %s login password 's3cr3t'; do $$ begin execute format('alter database %%I owner to %[1]s', current_database()); end $$`, role))
	t.Cleanup(func() {
		mustExec(t, conn, fmt.Sprintf(`do $$ begin execute format('alter database %%I owner to postgres', current_database()); end $$; drop owned by %s cascade; drop role %[1]s`, role))
	})
	s := reopen(t, strings.Replace(url, "postgres@", role+":s3cr3t@", 1))
	define(t, s, buildings())
	before := apply(t, s, putBuilding(1, 3)).Rev
	mustExec(t, conn, `insert into buildings (id) values ('theirs'); delete from buildings where id = '1'`)
	if got := feed(t, s, before); strings.Join(got, ";") != "-1 +theirs" {
		t.Errorf("feed %q", got)
	}
	// A department's role may be given the table and nothing of ours.
	reader := role + "_dept"
	mustExec(t, conn, fmt.Sprintf(`create role %s; grant select, insert, update, delete on buildings to %[1]s; set role %[1]s;
		insert into buildings (id) values ('dept'); update buildings set height_m = 2 where id = 'dept'; delete from buildings where id = 'theirs'; reset role;
		drop owned by %[1]s; drop role %[1]s`, reader))
	if _, err := s.Feature(context.Background(), "buildings", "dept", catalog.At{}); err != nil {
		t.Error(err)
	}
	checkClean(t, s)
}
