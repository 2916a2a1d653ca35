package ingest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/city"
	"nagar/internal/ingest"
)

func mumbai(t testing.TB) *city.Profile {
	t.Helper()
	p, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// file writes text into a temporary file of that name.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads with the defaults of a test, and checks the summary's arithmetic.
func load(t testing.TB, m catalog.Store, o ingest.Options) (ingest.Summary, error) {
	t.Helper()
	sum, err := ingest.Load(context.Background(), m, mumbai(t), o)
	if sum.Read != sum.Loaded+sum.Updated+sum.Unchanged+sum.Rejected {
		t.Errorf("read %d is not %d + %d + %d + %d", sum.Read, sum.Loaded, sum.Updated, sum.Unchanged, sum.Rejected)
	}
	return sum, err
}

func mustLoad(t testing.TB, m catalog.Store, o ingest.Options) ingest.Summary {
	t.Helper()
	sum, err := load(t, m, o)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func point(id, props string) string {
	if id != "" {
		id = `"id":` + id + `,`
	}
	return `{"type":"Feature",` + id + `"geometry":{"type":"Point","coordinates":[72.85,19.05]},"properties":{` + props + `}}` + "\n"
}

func counts(s ingest.Summary) string {
	return fmt.Sprintf("%d loaded %d updated %d unchanged %d rejected", s.Loaded, s.Updated, s.Unchanged, s.Rejected)
}

func TestNewCollectionTakesTheSchemaOfTheFile(t *testing.T) {
	m := newMemory()
	path := file(t, "x.geojsonl",
		point(`"a"`, `"n":1,"r":1,"b":true,"t":"2024-06-01 22:00:00.498555+05:30","d":"2024-06-01","j":{"x":[1]},"mixed":1,"name":"N","quoted":"12","big":9007199254740993,"none":null,"huge":18446744073709551616`)+
			point(`"b"`, `"n":-9223372036854775808,"r":1.5,"b":null,"t":"2024-06-01T00:00:00Z","d":null,"j":[2],"mixed":"x","name":null,"quoted":"13","big":1.5,"none":null,"huge":1`))
	sum := mustLoad(t, m, ingest.Options{Collection: "things", From: path})
	if counts(sum) != "2 loaded 0 updated 0 unchanged 0 rejected" || !sum.Created || sum.Class == nil || *sum.Class != catalog.ClassInternal {
		t.Errorf("%+v", sum)
	}
	c := m.collections["things"]
	want := map[string]catalog.FieldType{"source_id": "text", "n": "integer", "r": "real", "b": "boolean", "t": "time", "d": "date", "j": "json", "mixed": "text", "name": "text", "quoted": "text", "big": "text", "none": "text", "huge": "text"}
	for _, f := range c.Fields {
		if f.Type != want[f.Name] {
			t.Errorf("%s is %s, want %s", f.Name, f.Type, want[f.Name])
		}
		standard := f.Name == "name" || f.Name == "source_id"
		if (f.Class == catalog.ClassPublic) != standard || !standard && f.Class != catalog.ClassRestricted {
			t.Errorf("%s is %s", f.Name, f.Class)
		}
	}
	if len(c.Fields) != len(want) || c.Geometry != catalog.GeometryPoint || c.Class != catalog.ClassInternal {
		t.Errorf("%+v", c)
	}
	a := m.features["things"]["a"]
	for name, v := range map[string]catalog.Value{"mixed": catalog.Text("1"), "big": catalog.Text("9007199254740993"), "huge": catalog.Text("18446744073709551616"),
		"source_id": catalog.Text("a"), "r": catalog.Real(1), "t": catalog.Time(time.Date(2024, 6, 1, 16, 30, 0, 498555000, time.UTC))} {
		if a.Props.Get(name) != v {
			t.Errorf("%s is %v", name, a.Props.Get(name))
		}
	}
	if sum := mustLoad(t, m, ingest.Options{Collection: "things", From: path}); counts(sum) != "0 loaded 0 updated 2 unchanged 0 rejected" {
		t.Errorf("second time: %s", counts(sum))
	}
}

func TestPublicPublishesWhatItCreates(t *testing.T) {
	m := newMemory()
	mustLoad(t, m, ingest.Options{Collection: "things", From: file(t, "x.geojsonl", point("1", `"a":1`)), Public: true})
	c := m.collections["things"]
	if c.Class != catalog.ClassPublic || c.Fields[1].Class != catalog.ClassPublic {
		t.Errorf("%+v", c)
	}
}

func TestIdentity(t *testing.T) {
	body := point(`202061691.0`, `"key":"k1"`) + point(`"x"`, `"key":2.0`) + point("", `"key":"k3"`) + point(`null`, `"key":"k4"`)
	m := newMemory()
	path := file(t, "x.geojsonl", body)
	mustLoad(t, m, ingest.Options{Collection: "a", From: path})
	hashed := 0
	for id, f := range m.features["a"] {
		switch src := f.Props.Get("source_id"); {
		case id == "202061691" || id == "x":
			if src != catalog.Text(id) {
				t.Errorf("source_id of %s is %v", id, src)
			}
		case strings.HasPrefix(id, "h") && len(id) == 33 && src.IsNull():
			hashed++
		default:
			t.Errorf("id %s, source_id %v", id, src)
		}
	}
	if hashed != 2 {
		t.Errorf("%d hashed ids", hashed)
	}
	mustLoad(t, m, ingest.Options{Collection: "b", From: path, ID: "key"})
	for _, id := range []string{"k1", "2", "k3", "k4"} {
		if f, ok := m.features["b"][id]; !ok || f.Props.Get("source_id") != catalog.Text(id) {
			t.Errorf("--id: no %s", id)
		}
	}
	sum := mustLoad(t, m, ingest.Options{Collection: "c", From: path, ID: "nope"})
	if sum.Rejected != 4 {
		t.Errorf("--id of a field that is not there: %s", counts(sum))
	}
}

func TestIDColumnOfATable(t *testing.T) {
	for _, flag := range []string{"", "id"} {
		m := newMemory()
		mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.csv", "id,lon,lat,v\nk1,72.8,19,1\n"), ID: flag})
		if f, ok := m.features["a"]["k1"]; !ok || f.Props.Get("source_id") != catalog.Text("k1") {
			t.Errorf("--id %q: %v", flag, m.features["a"])
		}
	}
}

func TestHashDoesNotDependOnTheOrderOfMembers(t *testing.T) {
	m := newMemory()
	mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", point("", `"a":1,"b":2`))})
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "y.geojson", `{"type":"FeatureCollection","features":[ `+point("", `"b" : 2, "a":1`)+`]}`)})
	if counts(sum) != "0 loaded 0 updated 1 unchanged 0 rejected" {
		t.Error(counts(sum))
	}
}

func TestDuplicatesAreRejected(t *testing.T) {
	m := newMemory()
	rej := filepath.Join(t.TempDir(), "rejects.geojsonl")
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", point("1", `"v":1`)+point("2", "")+point("1", `"v":3`)), Rejects: rej})
	if counts(sum) != "2 loaded 0 updated 0 unchanged 1 rejected" || m.features["a"]["1"].Props.Get("v") != catalog.Integer(1) {
		t.Errorf("%s %v", counts(sum), m.features["a"]["1"])
	}
	r := rejected(t, rej)
	if len(r) != 1 || !strings.Contains(r[0].Reason, "duplicate") || r[0].Properties["line"] != 3.0 || r[0].Properties["v"] != 3.0 || r[0].ID != "1" {
		t.Errorf("%+v", r)
	}
}

type reject struct {
	ID         any
	Reason     string
	Geometry   any
	Properties map[string]any
}

func rejected(t testing.TB, path string) (out []reject) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var r reject
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatalf("rejects file: %v: %s", err, s.Text())
		}
		if r.Properties["reason"] != r.Reason {
			t.Errorf("reason %q in properties, %q beside", r.Properties["reason"], r.Reason)
		}
		out = append(out, r)
	}
	return out
}

func TestKnownCollection(t *testing.T) {
	m := newMemory()
	body := point("1", `"name":"A","CATEGORY":"park","floors":3,"ward":"F - North"`) + point("2", `"name":"B","category":null,"phone":22,"extra":1.5`)
	sum := mustLoad(t, m, ingest.Options{Collection: "facilities", From: file(t, "x.geojsonl", body)})
	c := m.collections["facilities"]
	if sum.Created || c.Class != catalog.ClassPublic || c.Title["en"] == "" {
		t.Errorf("not the standard facilities: %+v", c)
	}
	f, ok := c.Field("extra")
	if !ok || f.Class != catalog.ClassRestricted || f.Type != catalog.TypeReal {
		t.Errorf("unknown field: %+v", f)
	}
	if len(sum.FieldsAdded) != 3 { // CATEGORY (the file has category too), floors, extra
		t.Errorf("%+v", sum.FieldsAdded)
	}
	one, two := m.features["facilities"]["1"], m.features["facilities"]["2"]
	if one.Props.Get("ward") != catalog.Text("F/N") || two.Props.Get("phone") != catalog.Text("22") || one.Props.Get("CATEGORY") != catalog.Text("park") {
		t.Errorf("%v %v", one.Props, two.Props)
	}
}

func TestMapAndCase(t *testing.T) {
	m := newMemory()
	body := `{"type":"Feature","properties":{"WARD":"P - North","PRABHAG_NO":12.0,"POPULATION":5},"geometry":{"type":"Polygon","coordinates":[[[72.8,19],[72.9,19],[72.9,19.1],[72.8,19]]]}}`
	sum := mustLoad(t, m, ingest.Options{Collection: "prabhags", From: file(t, "p.geojson", body), ID: "PRABHAG_NO", Map: map[string]string{"number": "PRABHAG_NO", "missing": "NOPE"}})
	f := m.features["prabhags"]["12"]
	if f.Props.Get("ward") != catalog.Text("P/N") || f.Props.Get("population") != catalog.Integer(5) || f.Props.Get("number") != catalog.Integer(12) {
		t.Errorf("%v", f.Props)
	}
	if len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], `no field "NOPE"`) {
		t.Errorf("%q", sum.Warnings)
	}
}

func TestUpsertKeepsWhatTheFileLacks(t *testing.T) {
	m := newMemory()
	mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", point("1", `"name":"A","note":"kept","v":1`))})
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "y.geojsonl", point("1", `"name":"B"`)+point("2", `"name":"C","v":2`))})
	f := m.features["a"]["1"]
	if counts(sum) != "1 loaded 1 updated 0 unchanged 0 rejected" || f.Props.Get("note") != catalog.Text("kept") || !f.Props.Get("v").IsNull() || f.Props.Get("name") != catalog.Text("B") {
		t.Errorf("%s %v: the file has v, and gives this feature none", counts(sum), f.Props)
	}
}

func TestModes(t *testing.T) {
	m := newMemory()
	load3 := func(mode ingest.Mode, body string) ingest.Summary {
		return mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", body), Mode: mode})
	}
	load3("", point("1", `"v":1`)+point("2", `"v":1`))
	if s := load3(ingest.Append, point("1", `"v":2`)+point("3", `"v":1`)); counts(s) != "1 loaded 0 updated 0 unchanged 1 rejected" {
		t.Errorf("append: %s", counts(s))
	}
	if s := load3(ingest.Replace, point("1", `"v":2`)+point("4", `"v":1`)); counts(s) != "1 loaded 1 updated 0 unchanged 0 rejected" || s.Deleted != 2 || s.Batches != 1 {
		t.Errorf("replace: %+v", s)
	}
	if len(m.features["a"]) != 2 {
		t.Errorf("%d features left", len(m.features["a"]))
	}
}

// TestNothingChangesUnlessAllIsRead: a file that breaks off leaves no trace with
// Atomic or Replace, not even a collection, and whole batches without.
func TestNothingChangesUnlessAllIsRead(t *testing.T) {
	var body strings.Builder
	for i := range 25 {
		body.WriteString(point(fmt.Sprint(i), `"v":1`))
	}
	path := file(t, "x.geojsonl", body.String()+`{"type":"Feature","geome`)
	for _, o := range []ingest.Options{{Atomic: true}, {Mode: ingest.Replace}, {}} {
		m := newMemory()
		o.Collection, o.From, o.BatchSize = "a", path, 10
		sum, err := load(t, m, o)
		var fe *ingest.FileError
		if !errors.As(err, &fe) || fe.File != path || fe.Offset != int64(body.Len()+24) || !strings.Contains(fe.Reason, "breaks off") {
			t.Errorf("%v", err)
		}
		if o.Atomic || o.Mode == ingest.Replace {
			if len(m.collections) > 0 || sum.Read > 0 {
				t.Errorf("atomic left %v, %+v", m.collections, sum)
			}
		} else if sum.Loaded != 25 || sum.Batches != 3 || len(m.features["a"]) != 25 || sum.Error == "" {
			t.Errorf("%+v", sum)
		}
	}
}

func TestStructuresGetAUIDAndKeepIt(t *testing.T) {
	m := newMemory()
	box := func(id, props string) string {
		return `{"type":"Feature","id":` + id + `,"properties":{` + props + `},"geometry":{"type":"Polygon","coordinates":[[[72.8,19],[72.9,19],[72.9,19.1],[72.8,19]]]}}` + "\n"
	}
	path := file(t, "b.geojsonl", box("1", `"uid":"7k3q9f2dxj","floors":3`)+box("2", `"uid":"M8EKHDVFAS3QKM0J"`)+box("3", `"uid":"00000-00000"`)+box("4", ""))
	sum := mustLoad(t, m, ingest.Options{Collection: "buildings", From: path})
	seen := map[string]bool{}
	for id, f := range m.features["buildings"] {
		u := f.Props.Get("uid").Str()
		if p, err := uid.Parse(u); err != nil || p.Reserved() || u != p.String() || seen[u] {
			t.Errorf("%s has the uid %q", id, u)
		}
		seen[u] = true
	}
	get := func(id, name string) string { return m.features["buildings"][id].Props.Get(name).Str() }
	if get("1", "uid") != "7K3Q9-F2DXJ" || get("2", "source_uid") != "M8EKHDVFAS3QKM0J" || get("3", "source_uid") != "00000-00000" || get("4", "source_uid") != "" {
		t.Errorf("%v", m.features["buildings"])
	}
	if f, ok := (&catalog.Collection{Fields: m.collections["buildings"].Fields}).Field("source_uid"); !ok || f.Class != catalog.ClassRestricted {
		t.Errorf("source_uid is %+v", f)
	}
	if len(sum.FieldsAdded) != 1 {
		t.Errorf("%+v", sum.FieldsAdded)
	}
	if sum := mustLoad(t, m, ingest.Options{Collection: "buildings", From: path}); sum.Unchanged != 4 {
		t.Errorf("second time: %s", counts(sum))
	}
	if sum := mustLoad(t, m, ingest.Options{Collection: "buildings", From: path, Mode: ingest.Replace}); sum.Unchanged != 4 {
		t.Errorf("replaced by the same: %s", counts(sum))
	}
}

func TestLateColumns(t *testing.T) {
	var body strings.Builder
	for i := range 1200 {
		body.WriteString(point(fmt.Sprint(i), `"name":"x"`))
	}
	body.WriteString(point(`"late"`, `"name":"x","late":7,"category":"park"`))
	m := newMemory()
	sum := mustLoad(t, m, ingest.Options{Collection: "facilities", From: file(t, "x.geojsonl", body.String())})
	f := m.features["facilities"]["late"]
	if sum.Loaded != 1201 || f.Props.Get("late") != catalog.Integer(7) || f.Props.Get("category") != catalog.Text("park") {
		t.Errorf("%+v %v", sum, f.Props)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	m := newMemory()
	path := file(t, "x.geojsonl", point("1", `"v":1`)+point("2", `"v":"x"`))
	if sum := mustLoad(t, m, ingest.Options{Collection: "a", From: path, DryRun: true}); sum.Loaded != 2 || len(m.collections) > 0 {
		t.Errorf("%+v", sum)
	}
	mustLoad(t, m, ingest.Options{Collection: "a", From: path})
	rev := m.rev
	if sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "y.geojsonl", point("1", `"v":"9"`)+point("2", `"v":"x"`)), DryRun: true}); counts(sum) != "0 loaded 1 updated 1 unchanged 0 rejected" || m.rev != rev {
		t.Errorf("%s", counts(sum))
	}
}

func TestShapesArePutRightOrRejected(t *testing.T) {
	poly := func(id, ring string) string {
		return `{"type":"Feature","id":` + id + `,"properties":{},"geometry":{"type":"Polygon","coordinates":[` + ring + `]}}` + "\n"
	}
	body := poly("1", `[[72.8,19],[72.9,19],[72.9,19.1]]`) + poly("2", `[[72.8,19],[72.9,19.1],[72.9,19],[72.8,19]]`) +
		poly("3", `[[72.8,19],[72.9,19],[72.9,19],[72.9,19.1],[72.8,19]]`) + poly("4", `[[72.8,19],[72.9,19.1],[72.9,19],[72.8,19.1],[72.8,19]]`) + poly("5", `[[72.8,19],[72.8,19],[72.8,19],[72.8,19]]`)
	m := newMemory()
	rej := filepath.Join(t.TempDir(), "r")
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", body), Rejects: rej})
	if counts(sum) != "3 loaded 0 updated 0 unchanged 2 rejected" || sum.Repaired != 3 || *sum.Fixes != (ingest.Fixes{Closed: 1, Reversed: 1, Repeated: 1}) {
		t.Errorf("%+v %+v", sum, sum.Fixes)
	}
	r := rejected(t, rej)
	if len(r) != 2 || !strings.Contains(r[0].Reason, "self-intersection") || r[0].Geometry == nil || r[0].Properties["index"] != 4.0 {
		t.Errorf("%+v", r)
	}
}

func TestStandardInput(t *testing.T) {
	m := newMemory()
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: "-", Stdin: strings.NewReader(point("1", `"v":1`))})
	if sum.Loaded != 1 {
		t.Errorf("%+v", sum)
	}
}

func TestExportReadsBack(t *testing.T) {
	m := newMemory()
	mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", point("1", `"v":1,"t":"2024-06-01T00:00:00.5Z","name":"नगर, \"x\""`)+point("2", `"v":2.5,"j":[1]`)+
		`{"type":"Feature","id":3,"properties":{},"geometry":{"type":"MultiPoint","coordinates":[[72.85069684271017,19.1,3],[72.9,19,0.1]]}}`+"\n")})
	for _, format := range ingest.ExportFormats() {
		var b strings.Builder
		done, err := ingest.Export(context.Background(), m, &b, ingest.ExportOptions{Collection: "a", Format: format})
		if err != nil || done.Written != 3 {
			t.Fatalf("%s: %+v %v", format, done, err)
		}
		sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "y."+format, b.String()), Format: format})
		if sum.Unchanged != 3 {
			t.Errorf("%s read back: %s\n%s", format, counts(sum), b.String())
		}
	}
}

// TestNoRegister loads buildings without giving them structure UIDs: what the
// source calls uid is kept as it is.
func TestNoRegister(t *testing.T) {
	path := file(t, "b.geojsonl", `{"type":"Feature","id":"b1","properties":{"uid":"not a UID"},"geometry":{"type":"Polygon","coordinates":[[[72.8,19],[72.81,19],[72.81,19.01],[72.8,19]]]}}`+"\n")
	for _, noRegister := range []bool{true, false} {
		m := newMemory()
		c, _ := catalog.StandardCollection("buildings")
		if _, err := m.Define(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		mustLoad(t, m, ingest.Options{Collection: "buildings", From: path, NoRegister: noRegister})
		got := m.features["buildings"]["b1"].Props.Get("uid").Str()
		if _, err := uid.Parse(got); noRegister != (got == "not a UID") || noRegister != (err != nil) {
			t.Errorf("no-register %v: uid %q", noRegister, got)
		}
	}
}

// TestExportShowsWhatTheViewSees holds an export to the rows and fields of its
// view, and a selection to what is seen: what is hidden is null to it.
func TestExportShowsWhatTheViewSees(t *testing.T) {
	m := newMemory()
	mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl",
		point("1", `"ward":"A","owner":"Asha"`)+point("2", `"ward":"B","owner":"Bala"`)+point("3", `"ward":"C","owner":"Chand"`))})
	c, err := m.Collection(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	place := func(name string) int {
		return slices.IndexFunc(c.Fields, func(f catalog.Field) bool { return f.Name == name })
	}
	view := catalog.NewView("clerk", func(*catalog.Collection) []catalog.Tier {
		return []catalog.Tier{{Rows: "ward = 'A'", Fields: []int{min(place("ward"), place("owner")), max(place("ward"), place("owner"))}}, {Rows: "ward = 'B'", Fields: []int{place("ward")}}}
	})
	for _, format := range ingest.ExportFormats() {
		var b strings.Builder
		done, err := ingest.Export(t.Context(), m, &b, ingest.ExportOptions{Collection: "a", Format: format, View: &view})
		if err != nil || done.Written != 2 || !strings.Contains(b.String(), "Asha") || strings.Contains(b.String(), "Bala") || strings.Contains(b.String(), "Chand") {
			t.Errorf("%s: %+v %v\n%s", format, done, err, b.String())
		}
		var hidden int
		match := func(f *catalog.Feature) bool {
			if f.Props.Get("owner") == catalog.Text("Bala") {
				hidden++
			}
			return true
		}
		if _, err := ingest.Export(t.Context(), m, io.Discard, ingest.ExportOptions{Collection: "a", Format: format, View: &view, Match: match}); err != nil || hidden > 0 {
			t.Errorf("%s: the selection is asked about what is hidden (%v)", format, err)
		}
	}
}
