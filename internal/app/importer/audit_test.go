package importer

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
)

// onBoth runs the test on a store of each kind, given by its URL.
func onBoth(t *testing.T, test func(t *testing.T, store string)) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // where a database's folder is made
	t.Run("gpkg", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "city.gpkg")) })
	t.Run("postgis", func(t *testing.T) { test(t, pgtest.Start(t)) })
}

func within(t *testing.T, store string, fn func(db *accessdb.DB, folder string) error) {
	t.Helper()
	if err := (storeFlag{store}).withAccess(t.Context(), true, fn); err != nil {
		t.Fatal(err)
	}
}

// checked runs check and returns its exit code, what it says of the log, and stderr.
func checked(t *testing.T, store string, args ...string) (code int, head string, report *audit.Report, stderr string) {
	t.Helper()
	code, out, stderr := run(t, store, append([]string{"check"}, args...)...)
	var got struct {
		Problems  int
		Audit     *audit.Report
		AuditHead string `json:"audit_head"`
	}
	if code != 2 {
		if err := json.Unmarshal([]byte(dropHashes(out)), &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if (code == 0) != (got.Problems == 0) && code != 2 {
		t.Errorf("exit %d with %d problems", code, got.Problems)
	}
	return code, got.AuditHead, got.Audit, stderr
}

// dropHashes makes the report readable: a Hash is only ever written.
func dropHashes(s string) string {
	var v map[string]any
	if json.Unmarshal([]byte(s), &v) != nil {
		return s
	}
	if a, ok := v["audit"].(map[string]any); ok {
		delete(a, "head")
		delete(a, "kept_head")
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// TestCheckVerifiesTheLog: a log that was touched is a problem, and check says where.
func TestCheckVerifiesTheLog(t *testing.T) {
	onBoth(t, func(t *testing.T, store string) {
		if code, head, _, msg := checked(t, store); code != 0 || strings.HasPrefix(store, "/") && head != "" {
			t.Fatalf("without a log: %d, head %q, %s", code, head, msg)
		}
		within(t, store, func(db *accessdb.DB, folder string) error {
			l := audit.New(db, folder)
			for _, id := range []string{"b1", "b2", "b3"} {
				if err := l.Append(t.Context(), audit.Entry{Action: audit.Write, Collection: "buildings", IDs: []string{id}}); err != nil {
					return err
				}
			}
			return nil
		})
		code, head, rep, msg := checked(t, store)
		if code != 0 || rep == nil || rep.Entries != 4 || rep.Broken != nil || !strings.HasPrefix(head, "4:") {
			t.Fatalf("a whole log: %d %+v, head %q, %s", code, rep, head, msg)
		}
		if code, _, _, msg := checked(t, store, "--audit-head", head); code != 0 {
			t.Errorf("against its own head: %d %s", code, msg)
		}
		if code, _, _, _ := checked(t, store, "--audit-head", "4"); code != 2 {
			t.Errorf("a head that is none: exit %d", code)
		}
		if code, _, _, msg := checked(t, store, "--audit-head", "9:"+head[2:]); code != 1 || !strings.Contains(msg, "entry 5") {
			t.Errorf("a head from the future: %d %s", code, msg)
		}
		within(t, store, func(db *accessdb.DB, _ string) error {
			return db.Tx(t.Context(), func(tx *accessdb.Tx) error {
				_, err := tx.Exec(t.Context(), `delete from audit where seq = 3`)
				return err
			})
		})
		if code, _, rep, msg := checked(t, store); code != 1 || rep.Broken == nil || rep.Broken.Seq != 3 || !strings.Contains(msg, "audit log, entry 3:") {
			t.Errorf("an entry is gone: %d %+v %s", code, rep, msg)
		}
	})
}

// TestRetainByCommand counts and then erases by the policy that is in force.
func TestRetainByCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, store string) {
		ctx := context.Background()
		policy := access.Default()
		policy.Retain = []access.Retention{{Collections: []string{"visits"}, Since: "closed", Days: 30, Erase: []string{"contact"}}}
		within(t, store, func(db *accessdb.DB, _ string) error {
			_, err := door.New(db, nil, nil, "").SetPolicy(ctx, policy, policy.Version, "test")
			return err
		})
		apply := func(s catalog.Store) error {
			if _, err := s.Define(ctx, catalog.Collection{Name: "visits", Geometry: catalog.GeometryNone, Fields: []catalog.Field{
				{Name: "contact", Type: catalog.TypeText, Class: catalog.ClassPersonal}, {Name: "closed", Type: catalog.TypeTime}}}); err != nil {
				return err
			}
			put := func(id string, closed time.Time) catalog.Op {
				return catalog.Op{Kind: catalog.Put, Collection: "visits", Feature: catalog.Feature{ID: id, Props: catalog.Properties{
					{Name: "contact", Value: catalog.Text("SECRET")}, {Name: "closed", Value: catalog.Time(closed)}}}}
			}
			_, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(put("old", time.Now().AddDate(0, 0, -31)), put("new", time.Now().AddDate(0, 0, -29)))})
			return err
		}
		if err := withStore(ctx, storeFlag{store}, apply); err != nil {
			t.Fatal(err)
		}
		has := func(id string) (yes bool) {
			t.Helper()
			err := withStore(ctx, storeFlag{store}, func(s catalog.Store) error {
				f, err := s.Feature(ctx, "visits", id, catalog.At{})
				yes = !f.Props.Get("contact").IsNull()
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		const want = `{"erased":1,"ended":0,"by":{"visits":1}}`
		if code, out, msg := run(t, store, "retain", "--dry-run"); code != 0 || strings.TrimSpace(out) != want || !has("old") {
			t.Errorf("dry run: %d %s %s", code, out, msg)
		}
		if code, out, msg := run(t, store, "retain"); code != 0 || strings.TrimSpace(out) != want || has("old") || !has("new") {
			t.Errorf("run: %d %s %s", code, out, msg)
		}
		if code, out, _ := run(t, store, "retain"); code != 0 || strings.TrimSpace(out) != `{"erased":0,"ended":0}` {
			t.Errorf("again: %d %s", code, out)
		}
		if code, _, rep, msg := checked(t, store); code != 0 || rep.Entries != 2 {
			t.Errorf("check: %d %+v %s", code, rep, msg)
		}
	})
}
