package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog/postgis/pgtest"
)

// sense asks SensorThings as the administrator ("" as body: GET).
func (h *house) sense(t *testing.T, path, body string) (status int, location string, answer []byte) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, h.base+"/sta/v1.1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+houseToken)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), answer
}

// made posts what must be made, and returns its path under the service's root.
func (h *house) made(t *testing.T, path, body string) string {
	t.Helper()
	status, location, answer := h.sense(t, path, body)
	if status != http.StatusCreated {
		t.Fatalf("POST %s %.200s: %d %s", path, body, status, answer)
	}
	plain, err := url.PathUnescape(strings.TrimPrefix(location, h.base+"/sta/v1.1"))
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// got reads a path as JSON.
func (h *house) got(t *testing.T, path string) map[string]any {
	t.Helper()
	status, _, answer := h.sense(t, path, "")
	var out map[string]any
	if err := json.Unmarshal(answer, &out); status != http.StatusOK || err != nil {
		t.Fatalf("GET %s: %d %v %s", path, status, err, answer)
	}
	return out
}

// values are a member of each entity of a page.
func (h *house) values(t *testing.T, path, member string) string {
	t.Helper()
	var out []string
	for _, e := range h.got(t, path)["value"].([]any) {
		out = append(out, fmt.Sprint(e.(map[string]any)[member]))
	}
	return strings.Join(out, " ")
}

const gauge = `{"name":"Gauge","description":"On the roof","properties":{"uid":"7K3Q9-F2DXJ"},
 "Locations":[{"name":"Roof","description":"West roof","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[72.85,19.05]}}],
 "Datastreams":[{"name":"Rain","description":"Rain in a quarter of an hour","observationType":"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
  "unitOfMeasurement":{"name":"millimetre","symbol":"mm","definition":"ucum:mm"},
  "ObservedProperty":{"name":"rainfall","definition":"https://example.org/rain","description":"rain"},
  "Sensor":{"name":"Tipping bucket","description":"A bucket","encodingType":"application/pdf","metadata":"https://example.org/bucket.pdf"},
  "Observations":[{"result":1.5,"phenomenonTime":"2026-06-01T10:00:00Z"},{"result":2.5,"phenomenonTime":"2026-06-01T10:15:00Z"}]}]}`

// TestSensorThings makes a station by deep insert, adds readings by HTTP and by MQTT
// with clients that are not ours, and reads everything back, on both stores.
func TestSensorThings(t *testing.T) {
	for _, kind := range []string{"gpkg", "postgis"} {
		t.Run(kind, func(t *testing.T) {
			f := ServerFlags{sensing: SensingFlags{MQTT: "127.0.0.1:0"}}
			if f.Store = gpkgStore(t); kind == "postgis" {
				f.Store = pgtest.Start(t)
			}
			h := openHouse(t, f)
			testSensorThings(t, h)
		})
	}
}

func testSensorThings(t *testing.T, h *house) {
	thing := h.made(t, "/Things", gauge)
	stream := "/Datastreams(1)"
	if thing != "/Things(1)" || h.values(t, thing+"/Datastreams", "@iot.id") != "1" {
		t.Fatalf("made %s", thing)
	}
	if got := h.made(t, stream+"/Observations", `{"result":3,"phenomenonTime":"2026-06-01T16:00:00+05:30"}`); got != "/Observations('1~1780309800000000')" {
		t.Errorf("the reading is %s", got)
	}
	h.made(t, "/Observations", `{"result":"4","phenomenonTime":"2026-06-01T10:45:00Z","resultQuality":"High","Datastream":{"@iot.id":1}}`)
	if status, _, answer := h.sense(t, "/CreateObservations", `[{"Datastream":{"@iot.id":1},"components":["phenomenonTime","result"],"dataArray":[["2026-06-01T11:00:00Z",5],["2026-06-01T11:15:00Z",6]]}]`); status != 201 || bytes.Count(answer, []byte("Observations(")) != 2 {
		t.Errorf("CreateObservations: %d %s", status, answer)
	}
	mosquitto(t, h, stream)
	eventually(t, "all readings are there", func() bool { return h.got(t, stream+"/Observations?$count=true")["@iot.count"] == 8. })
	at := url.QueryEscape
	for _, c := range []struct{ path, member, want string }{
		{stream + "/Observations", "result", "1.5 2.5 3 4 5 6 7 8"},
		{stream + "/Observations?$orderby=phenomenonTime+desc&$top=2", "result", "8 7"},
		{stream + "/Observations?$top=2&$skip=1", "result", "2.5 3"},
		{"/Observations?$filter=" + at("result gt 2 and phenomenonTime lt 2026-06-01T11:00:00Z"), "result", "2.5 3 4"},
		{"/Observations?$filter=" + at("(result mul 2 eq 10 or not (result lt 6)) and minute(phenomenonTime) eq 15"), "result", "6"},
		{"/Observations?$filter=" + at("resultQuality eq 'High'"), "@iot.id", "1~1780310700000000"},
		{"/Observations?$orderby=result+desc&$top=1&$select=result", "result", "8"},
		{"/Things?$filter=" + at("Datastreams/ObservedProperty/name eq 'rainfall'"), "name", "Gauge"},
		{"/Things?$filter=" + at("properties/uid eq '7K3Q9-F2DXJ'"), "name", "Gauge"},
		{"/Locations?$filter=" + at("st_within(location,geography'POLYGON((72 19,73 19,73 20,72 20,72 19))')"), "name", "Gauge"},
		{"/Locations?$filter=" + at("geo.distance(location,geography'POINT(72.85 19.06)') lt 1000"), "@iot.id", ""},
		{"/Locations?$filter=" + at("geo.distance(location,geography'POINT(72.85 19.06)') lt 1200"), "@iot.id", "1"},
		{"/FeaturesOfInterest", "@iot.id", "1"},
		{"/Sensors(1)/Datastreams", "name", "Rain"},
		{"/ObservedProperties?$filter=" + at("startswith(toupper(name),'RAIN')"), "name", "rainfall"},
		{"/HistoricalLocations", "@iot.id", ""},
	} {
		if got := h.values(t, c.path, c.member); got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
	}
	expanded := h.got(t, "/Things(1)?$expand=Locations,Datastreams($select=name;$expand=Observations($top=1;$orderby=phenomenonTime+desc;$count=true),Sensor)&$select=name,Datastreams")
	text, _ := json.Marshal(expanded)
	for _, want := range []string{`"coordinates":[72.85,19.05]`, `"Observations@iot.count":8`, `"result":8`, `"metadata":"https://example.org/bucket.pdf"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("expanded: no %s in %s", want, text)
		}
	}
	if page := h.got(t, stream+"/Observations?$top=3"); page["@iot.nextLink"] == nil || h.values(t, strings.TrimPrefix(page["@iot.nextLink"].(string), h.base+"/sta/v1.1"), "result") != "4 5 6" {
		t.Errorf("next page: %v", page["@iot.nextLink"])
	}
	arrays, _ := json.Marshal(h.got(t, stream+"/Observations?$resultFormat=dataArray&$select=result&$top=3"))
	if !bytes.Contains(arrays, []byte(`"components":["result"],"dataArray":[[1.5],[2.5],[3]]`)) {
		t.Errorf("data array: %s", arrays)
	}
	if _, _, unit := h.sense(t, stream+"/unitOfMeasurement", ""); !bytes.Contains(unit, []byte(`"symbol":"mm"`)) {
		t.Errorf("unit: %s", unit)
	}
	if _, _, name := h.sense(t, "/Things(1)/name/$value", ""); string(name) != "Gauge" {
		t.Errorf("name: %s", name)
	}
	if got := h.made(t, "/Things(1)/Locations", `{"name":"x","description":"y","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[72.9,19.1]}}`); got != "/Locations(1)" {
		t.Errorf("moved to %s", got)
	}
	refusals(t, h)
}

// mosquitto sends two readings.
func mosquitto(t *testing.T, h *house, stream string) {
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("make test installs mosquitto-clients: " + err.Error())
	}
	host, port, err := net.SplitHostPort(h.mqtt)
	if err != nil {
		t.Fatal(err)
	}
	for topic, payload := range map[string]string{
		"v1.1" + stream + "/Observations": `{"value":7,"unit":"mm","time":"2026-06-01T17:00:00"}`,
		"v1.1/Things(1)/Observations":     `{"rainfall":"0.8","time":"2026-06-01T17:15:00"}`,
	} {
		payload = strings.Replace(payload, "0.8", "8", 1)
		if out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-t", topic, "-m", payload).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", topic, err, out)
		}
	}
}

// refusals: what is wrong gets its 4xx, and changes nothing.
func refusals(t *testing.T, h *house) {
	t.Helper()
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"/Nothing", "", 404}, {"/Things(99)", "", 404}, {"/Things('x'", "", 400}, {"/Things()", "", 400}, {"/Things(1)/Observations", "", 404}, {"/Things/name", "", 400},
		{"/Things(1)/nothing", "", 404}, {"/Observations('1~5')", "", 404}, {"/Observations('1~x')", "", 404}, {"/Observations(5)", "", 404}, {"/Datastreams(1)/Thing/Datastreams(9)", "", 404},
		{"/Things?$filter=name", "", 200}, {"/Things?$filter=name+eq", "", 400}, {"/Things?$filter=('", "", 400}, {"/Things?$filter=nofunction(1)", "", 400}, {"/Things?$filter=length(1,2)", "", 400},
		{"/Things?$filter=" + strings.Repeat("(", 200), "", 400}, {"/Things?$filter=name+eq+'" + strings.Repeat("x", 5000) + "'", "", 400}, {"/Things?$filter=geography'POINT(1'", "", 400},
		{"/Things?$top=-1", "", 400}, {"/Things?$top=x", "", 400}, {"/Things?$skip=x", "", 400}, {"/Things?$count=maybe", "", 400}, {"/Things?$orderby=name+up", "", 400}, {"/Things?$nothing=1", "", 400},
		{"/Things?$top=1&$top=2", "", 400}, {"/Things?$expand=Nothing", "", 400}, {"/Things?$expand=Datastreams(", "", 400}, {"/Things?$expand=Datastreams($top)", "", 400}, {"/Things?$resultFormat=csv", "", 400}, {"/Things?$resultFormat=dataArray", "", 400},
		{"/Things?$expand=" + strings.Repeat("Datastreams/Thing/", 5) + "Datastreams", "", 400},
		{"/Things", `{`, 400}, {"/Things", `[]`, 400}, {"/Things", `{}`, 400}, {"/Things", `{"name":"x","nmae":"y"}`, 400}, {"/Things", `{"name":7}`, 400}, {"/Things", `{"name":"x","properties":5}`, 400},
		{"/Things", `{"name":"x","Locations":[{"name":"a","encodingType":"e","location":{"type":"Point","coordinates":[500,0]}}]}`, 422},
		{"/Things", `{"name":"x","Locations":[{"name":"a","encodingType":"e","location":7}]}`, 400}, {"/Things", `{"name":"x","Locations":[{"name":"a","location":{"type":"Point","coordinates":[1,2]}}]}`, 400},
		{"/Things", `{"name":"x","Datastreams":[{"name":"d"}]}`, 400}, {"/Datastreams", `{"name":"d","observationType":"t","unitOfMeasurement":{"name":null,"symbol":null,"definition":null}}`, 400},
		{"/Datastreams", `{"name":"d","observationType":"t","unitOfMeasurement":{"name":"x"},"Thing":{"@iot.id":1},"Sensor":{"@iot.id":1},"ObservedProperty":{"@iot.id":1}}`, 400},
		{"/Datastreams", `{"name":"d","observationType":"t","unitOfMeasurement":{"name":"x","symbol":"y","definition":"z"},"Thing":{"@iot.id":77},"Sensor":{"@iot.id":1},"ObservedProperty":{"@iot.id":1}}`, 400},
		{"/Sensors", `{"name":"x"}`, 400}, {"/ObservedProperties", `{"name":"x"}`, 400}, {"/Locations", `{"name":"x"}`, 501}, {"/FeaturesOfInterest", `{"name":"x"}`, 501}, {"/Things(1)", `{"name":"x"}`, 405},
		{"/Things(9)/Datastreams", `{"name":"x"}`, 404}, {"/Things(1)/Nothing", `{"name":"x"}`, 404}, {"/Nothing", `{"name":"x"}`, 404},
		{"/Observations", `{"result":1}`, 400}, {"/Observations", `{"result":1,"Datastream":{"@iot.id":99}}`, 404}, {"/Datastreams(99)/Observations", `{"result":1}`, 404}, {"/Datastreams(1)/Observations", `{"result":"wet"}`, 400},
		{"/Datastreams(1)/Observations", `{"result":1,"phenomenonTime":"x"}`, 400}, {"/Datastreams(1)/Observations", `{"result":1,"Datastream":{"@iot.id":2}}`, 400}, {"/CreateObservations", `{}`, 400}, {"/CreateObservations", `[]`, 400},
	} {
		if status, _, answer := h.sense(t, c.path, c.body); status != c.want {
			t.Errorf("%s %.120s: %d, want %d: %.300s", c.path, c.body, status, c.want, answer)
		}
	}
	if got := h.values(t, "/Things", "@iot.id"); got != "1" {
		t.Errorf("what was refused was made: %s", got)
	}
}

// TestPublishedThings posts the entities of an OGC test suite, valid and invalid.
func TestPublishedThings(t *testing.T) {
	folder := "../../../../shared/data/ogc/sensorthings"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no ../shared/data beside the project")
	}
	h := openHouse(t, ServerFlags{Store: gpkgStore(t)})
	for _, c := range []struct {
		set, file string
		want      int
	}{
		{"/Things", "ets_thing_complete.json", 201}, {"/Sensors", "ets_sensors_sensor.json", 201}, {"/ObservedProperties", "ets_observedproperties_observedproperty.json", 201},
		{"/Things", "ets_thing_shovel.json", 201}, {"/Things", "ets_thing_largeProperties.json", 201}, {"/Things", "ets_thing_embeddedLocation.json", 201},
		{"/Things(1)/Datastreams", "ets_datastreams_3.json", 201}, {"/Things(1)/Datastreams", "ets_datastreams_4.json", 400},
	} {
		body, err := os.ReadFile(filepath.Join(folder, c.file))
		if err != nil {
			t.Fatal(err)
		}
		if status, _, answer := h.sense(t, c.set, string(body)); status != c.want {
			t.Errorf("%s: %d, want %d: %.300s\n%.400s", c.file, status, c.want, answer, body)
		}
	}
	eventually(t, "the readings of the first are there", func() bool { return h.values(t, "/Datastreams(1)/Observations", "result") == "10 11 12 13" })
}
