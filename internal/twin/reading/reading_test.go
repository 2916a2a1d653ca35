package reading

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const now = 1_780_000_000_000_000

func reader() *Reader {
	n := int64(now)
	return &Reader{Zone: time.FixedZone("IST", 19800), Now: func() int64 { n++; return n - 1 }}
}

// brief shows a reading on one line; times as seconds after now.
func brief(all []Reading) string {
	var out []string
	slices.SortStableFunc(all, func(a, b Reading) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range all {
		s := r.Datastream + r.Name + "=" + string(r.Result) + r.Unit
		if r.Given {
			s += " now"
		} else {
			s += fmt.Sprintf(" %+g", float64(r.Time-now)/1e6)
		}
		if r.End != 0 {
			s += fmt.Sprintf("/%+g", float64(r.End-now)/1e6)
		}
		out = append(out, s+r.Extra)
	}
	return strings.Join(out, "; ")
}

func TestPayloads(t *testing.T) {
	for _, c := range []struct{ kind, payload, want string }{
		{"stream", `12.5`, `d=12.5 now`},
		{"stream", ` "wet" `, `d="wet" now`},
		{"stream", `{"result":1,"phenomenonTime":"2026-05-28T20:26:40Z"}`, `d=1 +0`},
		{"stream", `{"result":null,"phenomenonTime":"2026-05-29 01:56:40.500+05:30","resultTime":null}`, `d=null +0.5`},
		{"stream", `{"result":1,"phenomenonTime":"2026-05-28T20:26:40Z/2026-05-28T20:31:40Z","resultQuality":"High","resultTime":"2026-05-29T01:56:40"}`,
			`d=1 +0/+300{"resultQuality":"High","resultTime":"2026-05-28T20:26:40Z"}`},
		{"stream", `{"value":"27.3","time":1780000001,"unit":"Cel"}`, `d="27.3"Cel +1`},
		{"stream", `{"v":1,"t":1780000001500}`, `d=1 +1.5`},
		{"stream", `{"v":1,"t":1780000001500000}`, `d=1 +1.5`},
		{"stream", `[{"value":1,"time":1780000000},{"value":2,"time":1780000060}]`, `d=1 +0; d=2 +60`},
		{"stream", `[{"bn":"urn:dev:1:","bt":1.78e9,"bu":"Cel","n":"x","v":23.5},{"n":"y","t":-5,"v":1}]`, `d=23.5Cel +0; d=1Cel -5`},
		{"thing", `{"timestamp":"2026-05-29 01:56:40","rainfall":0.25,"humidity":"NA"}`, `humidity="NA" +0; rainfall=0.25 +0`},
		{"thing", `[{"bn":"s/","n":"a","vb":true},{"n":"b","vs":"x","t":-60},{"n":"c","vd":"AA","bv":2},{"n":"e","v":1}]`, `s/a=true now; s/b="x" -59.999999; s/c="AA" now; s/e=3 now`},
		{"array", `[{"Datastream":{"@iot.id":7},"components":["phenomenonTime","result","FeatureOfInterest/id"],"dataArray":[["2026-05-28T20:26:40Z",1,4],["2026-05-28T20:27:40-0000Z",2,"x"]]}]`,
			`7=1 +0{"FeatureOfInterest":{"@iot.id":4}}; 7=2 +60{"FeatureOfInterest":{"@iot.id":"x"}}`},
		{"observation", `{"result":[1,2],"Datastream":{"@iot.id":"a b"},"@iot.id":9}`, `a b=[1,2] now`},
	} {
		got, err := read(reader(), c.kind, []byte(c.payload))
		if err != nil || brief(got) != c.want {
			t.Errorf("%s %s\n got %s %v\nwant %s", c.kind, c.payload, brief(got), err, c.want)
		}
	}
}

func read(r *Reader, kind string, payload []byte) ([]Reading, error) {
	switch kind {
	case "stream":
		return r.Stream("d", payload)
	case "thing":
		return r.Thing(payload)
	case "array":
		return r.DataArray(payload)
	}
	one, err := r.Observation(payload)
	return []Reading{one}, err
}

func TestBadPayloads(t *testing.T) {
	for _, c := range []struct{ kind, payload, want string }{
		{"stream", ``, "empty"},
		{"stream", `{`, "breaks off"},
		{"stream", `{"result":1`, "breaks off"},
		{"stream", `nonsense`, "no JSON"},
		{"stream", `1 2`, "more after"},
		{"stream", `NaN`, "no JSON"},
		{"stream", "\x00\xff", "no JSON"},
		{"stream", `[1,2]`, "not of the form"},
		{"stream", `{"time":1}`, "no result or value"},
		{"stream", `[{"value":1},{"time":1}]`, "[1]: it has no result or value"},
		{"stream", `{"value":1,"time":"yesterday"}`, "time: want a time"},
		{"stream", `{"value":1,"time":{}}`, "time: want a time"},
		{"stream", `{"value":1,"time":1e300}`, "no time"},
		{"stream", `{"value":1,"time":-9e10}`, "year"},
		{"stream", `{"value":1,"unit":3}`, "unit: want a text"},
		{"stream", `{"result":1,"phenomenonTime":"0001-01-01T00:00:00Z"}`, "year 1 "},
		{"stream", `{"result":1,"phenomenonTime":"2026-13-01T00:00:00Z"}`, "want a time"},
		{"stream", `{"result":1,"phenomenonTime":"2026-05-02T00:00:00Z/2026-05-01T00:00:00Z"}`, "ends before"},
		{"stream", `{"result":1,"validTime":"2026"}`, "validTime: want a time"},
		{"stream", `{"result":1,"resultTime":7.7e77}`, "resultTime"},
		{"stream", `{"result":1,"Datastream":{"@iot.id":8}}`, "another datastream"},
		{"stream", `{"result":1,"Datastream":8}`, `want {"@iot.id"`},
		{"stream", `{"result":1,"resuIt":1}`, "resuIt: an observation has no such member"},
		{"observation", `{"phenomenonTime":"2026-05-02T00:00:00Z"}`, "result: it is missing"},
		{"observation", `[]`, "not of the form"},
		{"thing", `{}`, "no values"},
		{"thing", `{"time":1780000000}`, "no values"},
		{"thing", `7`, "not of the form"},
		{"thing", `{"":1}`, "no names"},
		{"thing", `[{"n":"a","v":1,"vs":"x"}]`, "several values"},
		{"thing", `[{"v":1}]`, "no name"},
		{"thing", `[{"bver":11,"n":"a","v":1}]`, "version"},
		{"thing", `[{"n":"a","v":1,"t":1e13}]`, "no time"},
		{"thing", `[{"bn":"a"}]`, "no values"},
		{"array", `[]`, "no readings"},
		{"array", `{}`, "not of the form"},
		{"array", `[{"components":["result"],"dataArray":[[1]]}]`, "Datastream"},
		{"array", `[{"Datastream":{"@iot.id":1},"components":["result"],"dataArray":[[1,2]]}]`, "2 values for 1"},
		{"array", `[{"Datastream":{"@iot.id":1},"components":["phenomenonTime"],"dataArray":[["2026-05-02T00:00:00Z"]]}]`, "result: it is missing"},
		{"array", `[{"Datastream":{"@iot.id":1},"components":["result"],"dataArray":[` + strings.Repeat("[1],", Most) + `[1]]}]`, "more readings"},
	} {
		_, err := read(reader(), c.kind, []byte(c.payload))
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.80s: %v, want %q", c.kind, c.payload, err, c.want)
		}
	}
}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		raw     string
		number  bool
		v       float64
		text    string
		missing bool
	}{
		{"1.5", true, 1.5, "", false}, {`"1.5"`, true, 1.5, "", false}, {`" -2 "`, true, -2, "", false}, {`"1.5"`, false, math.NaN(), `"1.5"`, false},
		{`"NA"`, true, math.NaN(), `"NA"`, true}, {`""`, true, math.NaN(), `""`, true}, {"null", false, math.NaN(), "null", true}, {"true", true, math.NaN(), "true", false},
		{`"NaN"`, true, math.NaN(), `"NaN"`, true}, {`"Infinity"`, true, math.NaN(), `"Infinity"`, false}, {"1e999", true, math.NaN(), "1e999", false}, {`"NA"`, false, math.NaN(), `"NA"`, false},
	} {
		v, text, missing := Value(json.RawMessage(c.raw), c.number)
		if v != c.v && !(math.IsNaN(v) && math.IsNaN(c.v)) || text != c.text || missing != c.missing {
			t.Errorf("%s: %v %q %v", c.raw, v, text, missing)
		}
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		v        float64
		from, to string
		want     float64
		ok       bool
	}{
		{32, "[degF]", "Cel", 0, true}, {300, "K", "Cel", 26.85, true}, {0, "Cel", "K", 273.15, true}, {1, "[in_i]", "mm", 25.4, true}, {36, "km/h", "m/s", 10, true},
		{5, "", "mm", 5, true}, {5, "furlong", "furlong", 5, true}, {5, "furlong", "m", 5, false}, {5, "Cel", "mm", 5, false}, {.5, "/", "%", 50, true},
	} {
		got, ok := Convert(c.v, c.from, c.to)
		if ok != c.ok || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v %s in %s: %v %v", c.v, c.from, c.to, got, ok)
		}
	}
}

// TestPublishedObservations reads the observations of an OGC test suite.
func TestPublishedObservations(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/data/ogc/sensorthings/ets_observations_*.json")
	if len(files) == 0 {
		t.Skip("no ../shared/data beside the project")
	}
	fill := strings.NewReplacer("$DATASTREAM_ID", "1", "$DATASTREAM-ID", "1", "$FOI_ID", "2", "$FOI-ID", "2", "$FOI", "2")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name, kind := filepath.Base(f), "observation"
		if strings.Contains(name, "dataArray") {
			kind = "array"
		}
		if _, err := read(reader(), kind, []byte(fill.Replace(string(b)))); err != nil {
			t.Errorf("%s: %v\n%s", name, err, b)
		}
	}
}

func FuzzPayload(f *testing.F) {
	for _, s := range []string{`1`, `{"result":1,"phenomenonTime":"2026-05-28T20:26:40Z/2026-05-28T20:31:40Z"}`, `[{"bn":"x","bt":1.78e9,"v":2,"u":"Cel"}]`, `{"time":1,"a":2}`,
		`[{"Datastream":{"@iot.id":7},"components":["phenomenonTime","result"],"dataArray":[["2026-05-28T20:26:40Z",1]]}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, kind := range []string{"stream", "thing", "array", "observation"} {
			all, err := read(reader(), kind, payload)
			var bad *Error
			if err != nil && !errors.As(err, &bad) {
				t.Fatalf("%s: %v", kind, err)
			}
			for _, r := range all {
				if err != nil {
					break
				}
				if !json.Valid(r.Result) || r.Extra != "" && !json.Valid([]byte(r.Extra)) || !r.Given && r.End != 0 && r.End < r.Time {
					t.Fatalf("%s: %+v", kind, r)
				}
				if v, text, _ := Value(r.Result, true); math.IsInf(v, 0) || math.IsNaN(v) == (text == "") {
					t.Fatalf("%s: value %v %q", kind, v, text)
				}
			}
		}
	})
}
