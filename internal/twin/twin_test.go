package twin

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/geo"
	"nagar/internal/access"
	"nagar/internal/bus"
	"nagar/internal/twin/history"
	"nagar/internal/twin/history/daily"
)

// gate is a door by the default policy.
type gate struct{ policy *access.Policy }

func (g gate) View(who access.Principal) catalog.View     { return access.Compile(g.policy, who, nil) }
func (g gate) Rights(who access.Principal) []access.Right { return access.Rights(g.policy, who) }

// city is a store, a bus and a history in a folder, which outlive the twins on them.
type city struct {
	store  catalog.Store
	folder string
	zone   *time.Location
}

func newCity(t *testing.T) *city {
	t.Helper()
	folder := t.TempDir()
	store, err := gpkg.Open(t.Context(), filepath.Join(folder, "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for _, name := range collections {
		c, ok := catalog.StandardCollection(name)
		if !ok {
			t.Fatalf("no collection %s", name)
		}
		if _, err := store.Define(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	return &city{store: store, folder: folder, zone: zone}
}

// put writes a feature; fields are name, value, name, value.
func (c *city) put(t *testing.T, collection, id string, fields ...string) catalog.Rev {
	t.Helper()
	f := catalog.Feature{ID: id}
	if collection == Things {
		f.Geometry = geo.NewPoint(72.85, 19.05)
	}
	for i := 0; i < len(fields); i += 2 {
		v := catalog.Text(fields[i+1])
		if fields[i] == "quality" || fields[i] == "properties" {
			v = catalog.JSON(fields[i+1])
		}
		f.Props = append(f.Props, catalog.Property{Name: fields[i], Value: v})
	}
	res, err := c.store.Apply(t.Context(), catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: collection, Feature: f})})
	if err != nil {
		t.Fatal(err)
	}
	return res.Rev
}

// station makes a station that measures rain, temperature, humidity and wind.
func (c *city) station(t *testing.T, id string) {
	c.put(t, Things, id, "name", "Station "+id, "kind", "weather")
	for _, p := range []string{"rainfall", "temperature", "humidity", "wind_speed"} {
		c.put(t, Datastreams, id+"-"+p, "name", p+" at "+id, "thing", id, "property", p, "unit", map[string]string{"rainfall": "mm", "temperature": "Cel", "humidity": "%", "wind_speed": "m/s"}[p])
	}
}

func (c *city) properties(t *testing.T) {
	for name, rules := range map[string]string{
		"rainfall": `{"min":0,"max":100}`, "temperature": `{"min":5,"max":50}`, "humidity": `{"min":1,"max":100}`, "wind_speed": `{"min":0,"max":90}`,
	} {
		c.put(t, Properties, name, "name", name, "quality", rules)
	}
}

// twin starts a twin; end stops it and what it opened.
func (c *city) twin(t *testing.T) (tw *Twin, end func()) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	b, err := bus.Open(t.Context(), bus.Options{Folder: filepath.Join(c.folder, "bus"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	h, err := daily.Open(t.Context(), filepath.Join(c.folder, "observations"), c.zone)
	if err != nil {
		t.Fatal(err)
	}
	tw = New(Options{Source: c.store, History: h, Bus: b, Door: gate{access.Default()}, Zone: c.zone, Logger: log})
	if err := tw.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := tw.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	var once sync.Once
	end = func() {
		once.Do(func() {
			cancel()
			running.Wait()
			if err := errors.Join(h.Close(), b.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(end)
	return tw, end
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("never: %s", what)
		}
	}
}

var near = Sender{Principal: access.Principal{Kind: access.Anonymous}, Near: true}

func (tw *Twin) mustTake(t *testing.T, kind Kind, id, payload string) {
	t.Helper()
	if _, err := tw.Take(t.Context(), near, kind, id, []byte(payload)); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
}

// settled waits until so many readings have been stored or known again.
func (tw *Twin) settled(t *testing.T, n int) {
	t.Helper()
	eventually(t, "the readings are in the history", func() bool { return int(tw.Counts.Stored.Load()+tw.Counts.Known.Load()) >= n })
}

func all(t *testing.T, tw *Twin, id string) (out []string) {
	t.Helper()
	if err := tw.History().Scan(t.Context(), history.Span{Datastream: id}, func(o *history.Observation) error {
		s := fmt.Sprint(o.Value)
		if !o.Number() {
			s = o.Text
		}
		if o.Quality != 0 {
			s += fmt.Sprintf("!%d", o.Quality)
		}
		out = append(out, s)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func expect(t *testing.T, tw *Twin, id, want string) {
	t.Helper()
	if got := strings.Join(all(t, tw, id), " "); got != want {
		t.Errorf("%s: %s\nwant %s", id, got, want)
	}
}

// TestAReading follows readings of every kind to the history, the state and a
// listener, and finds them again after a restart.
func TestAReading(t *testing.T) {
	c := newCity(t)
	c.properties(t)
	c.station(t, "1")
	c.put(t, Datastreams, "7", "name", "sky", "thing", "1", "observation_type", "OM_CategoryObservation", "device", "camera")
	tw, end := c.twin(t)
	sub := tw.Subscribe()
	defer sub.Close()
	tw.mustTake(t, OfDatastream, "1-temperature", `31.5`)
	tw.mustTake(t, OfDatastream, "1-temperature", `{"value":86,"unit":"[degF]","time":"2026-06-01T10:00:00"}`)
	tw.mustTake(t, OfDatastream, "1-temperature", `{"value":86,"unit":"[degF]","time":"2026-06-01T10:00:00"}`) // again
	tw.mustTake(t, OfDatastream, "1-temperature", `{"value":3,"unit":"furlong","time":"2026-06-01T10:05:00"}`)
	tw.mustTake(t, OfThing, "1", `{"time":"2026-06-01 10:15:00","rainfall":"0.25","humidity":"NA","wind_speed":2}`)
	tw.mustTake(t, OneObservation, "", `{"result":1e3,"phenomenonTime":"2026-06-01T10:30:00+05:30","Datastream":{"@iot.id":"1-humidity"}}`)
	tw.mustTake(t, DataArray, "", `[{"Datastream":{"@iot.id":"1-rainfall"},"components":["result","phenomenonTime"],"dataArray":[[1,"2026-06-01T10:30:00+05:30"],[2,"2026-06-01T10:45:00+05:30"]]}]`)
	tw.settled(t, 10)
	expect(t, tw, "1-temperature", "30 3!65 31.5")
	expect(t, tw, "1-rainfall", "0.25 1 2")
	expect(t, tw, "1-humidity", `"NA"!128 1000!1`)
	if s, ok := tw.Latest("1-rainfall"); !ok || s.Value != 2 {
		t.Errorf("latest %+v", s)
	}
	<-sub.Wait()
	if got := sub.Take(); !got["1-rainfall"] || !got["1-temperature"] || got["7"] {
		t.Errorf("told of %v", got)
	}
	if got := sub.Take(); len(got) != 0 {
		t.Errorf("told twice: %v", got)
	}
	end()
	again, _ := c.twin(t)
	if s, ok := again.Latest("1-rainfall"); ok && s.Value != 2 {
		t.Errorf("after the restart %+v", s)
	}
	again.mustTake(t, OfDatastream, "1-rainfall", `{"result":7,"phenomenonTime":"2026-06-01T10:45:00+05:30"}`)
	again.mustTake(t, OfDatastream, "1-rainfall", `{"result":3,"phenomenonTime":"2026-06-01T11:00:00+05:30"}`)
	again.settled(t, 2)
	expect(t, again, "1-rainfall", "0.25 1 2 3")
}

func TestWhoMayAdd(t *testing.T) {
	c := newCity(t)
	c.station(t, "1")
	c.put(t, Datastreams, "7", "name", "sky", "thing", "1", "observation_type", "OM_CategoryObservation", "device", "camera")
	tw, _ := c.twin(t)
	token := func(name string, roles ...string) Sender {
		return Sender{Principal: access.Principal{Kind: access.Token, ID: "t-" + name, Name: name, Roles: roles}}
	}
	for _, x := range []struct {
		who  Sender
		id   string
		want error
	}{
		{near, "1-rainfall", nil}, {near, "7", ErrForbidden}, {near, "nothing", catalog.ErrNotFound},
		{Sender{}, "1-rainfall", ErrForbidden}, {token("gauge", "device"), "1-rainfall", nil}, {token("gauge"), "1-rainfall", ErrForbidden},
		{token("gauge", "device"), "7", ErrForbidden}, {token("camera"), "7", nil}, {Sender{Principal: access.Principal{Kind: access.Root}}, "7", nil},
		{Sender{Principal: access.Principal{Kind: access.Token, ID: "x", Roles: []string{"device"}, Collections: []string{"wards"}}}, "1-rainfall", catalog.ErrNotFound},
		{Sender{Principal: access.Principal{Kind: access.Account, ID: "o", Roles: []string{"officer"}, Department: "Disaster Management"}}, "1-rainfall", nil},
		{Sender{Principal: access.Principal{Kind: access.Account, ID: "o", Roles: []string{"officer"}, Department: "Water"}}, "1-rainfall", ErrForbidden},
	} {
		if _, err := tw.Take(t.Context(), x.who, OfDatastream, x.id, []byte(`{"result":1}`)); !errors.Is(err, x.want) || x.want == nil && err != nil {
			t.Errorf("%+v to %s: %v, want %v", x.who, x.id, err, x.want)
		}
	}
}

func TestTopics(t *testing.T) {
	c := newCity(t)
	c.station(t, "1")
	tw, _ := c.twin(t)
	device := bus.Device{Principal: near.Principal, Near: true}
	for _, x := range []struct {
		topic, payload string
		want           error
	}{
		{"v1.1/Datastreams('1-rainfall')/Observations", "1", nil},
		{"v1.1/Datastreams(1-rainfall)/Observations", "2", nil},
		{"v1.1/Things(1)/Observations", `{"rainfall":3}`, nil},
		{"v1.1/Observations", `{"result":4,"Datastream":{"@iot.id":"1-rainfall"}}`, nil},
		{"v1.1/Observations", `{"result":4}`, bus.ErrBadPayload},
		{"v1.1/Datastreams(1-rainfall)/Observations", "wet", bus.ErrBadPayload},
		{"v1.1/Datastreams(1-rainfall)/Observations", `"wet"`, bus.ErrBadPayload},
		{"v1.1/Datastreams(9)/Observations", "1", bus.ErrBadPayload},
		{"v1.1/Things(1)/Observations", `{"colour":3}`, bus.ErrBadPayload},
		{"v1.1/Datastreams()/Observations", "1", bus.ErrBadPayload},
		{"v1.1/Sensors(1)/Observations", "1", bus.ErrBadPayload},
		{"elsewhere", "1", bus.ErrBadPayload},
	} {
		if err := tw.Topic(t.Context(), device, x.topic, []byte(x.payload)); !errors.Is(err, x.want) || x.want == nil && err != nil {
			t.Errorf("%s %s: %v, want %v", x.topic, x.payload, err, x.want)
		}
	}
	if err := tw.Topic(t.Context(), bus.Device{}, "v1.1/Datastreams(1-rainfall)/Observations", []byte("1")); !errors.Is(err, bus.ErrNotAllowed) {
		t.Errorf("nobody, from far: %v", err)
	}
	if !tw.Shows(bus.Device{}, "v1.1/Datastreams(1-rainfall)/Observations") || tw.Shows(bus.Device{}, "v1.1/Datastreams(9)/Observations") {
		t.Error("what is public may be heard, what is not there may not")
	}
	tw.settled(t, 4)
	expect(t, tw, "1-rainfall", "1 2 3 4")
}

// TestQuality: each rule flags what it should and leaves the rest alone.
func TestQuality(t *testing.T) {
	c := newCity(t)
	c.put(t, Properties, "level", "name", "level", "quality", `{"min":0,"max":10,"step_per_minute":0.5,"stuck_minutes":30,"stuck_except":[0],"late_minutes":15,"unknown":1}`)
	c.put(t, Things, "t", "name", "t")
	c.put(t, Datastreams, "d", "thing", "t", "property", "level", "unit", "m", "quality", `{"max":5,"min":"none"}`)
	tw, _ := c.twin(t)
	at := func(minute int, v float64) string {
		return fmt.Sprintf(`{"result":%g,"phenomenonTime":%q}`, v, time.Date(2026, 6, 1, 10, minute, 0, 0, time.UTC).Format(time.RFC3339))
	}
	for _, p := range []string{at(0, 1), at(1, 1.4), at(2, 4), at(3, 1.5), at(4, 6), at(10, 2), at(20, 2), at(39, 2), at(41, 2), at(42, 2.1), at(26, 2), at(28, 2), at(43, 1.7), at(44, 1.3), at(45, .9), at(46, .5), at(47, 0), at(90, 0), at(91, -1)} {
		tw.mustTake(t, OfDatastream, "d", p)
	}
	tw.mustTake(t, OfDatastream, "d", fmt.Sprintf(`{"result":0,"phenomenonTime":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
	tw.settled(t, 20)
	expect(t, tw, "d", "1 1.4 4!2 1.5 6!3 2 2 2!16 2 2 2!4 2.1 1.7 1.3 0.9 0.5 0 0 -1!2 0!32")
}

// TestRealWeather replays three days of the city's weather stations and compares the
// rain of each station and day with a plain sum over the file.
func TestRealWeather(t *testing.T) {
	file, err := os.Open("../../../shared/data/mumbai/aws_observations_2024-06-01_03.csv")
	if err != nil {
		t.Skip("no ../shared/data beside the project")
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	c := newCity(t)
	c.properties(t)
	type day struct{ station, date string }
	sum, good, zeros, seen, twice := map[day]float64{}, map[day]int{}, 0, map[string]bool{}, 0
	for _, r := range rows[1:] {
		rain, temperature, humidity, wind, at, station := r[1], r[2], r[3], r[4], r[5], r[6]
		if !seen[station] {
			c.station(t, station)
		}
		if seen[station] = true; seen[station+at] {
			twice++
			continue
		}
		seen[station+at] = true
		if rain == "0" && zero(temperature) && zero(humidity) && zero(wind) {
			zeros++
			continue
		}
		mm, err := strconv.ParseFloat(rain, 64)
		if err != nil {
			t.Fatal(err)
		}
		d := day{station, at[:10]} // the file's times are of the city's zone
		sum[d] += mm
		good[d]++
	}
	tw, _ := c.twin(t)
	begin := time.Now()
	for _, r := range rows[1:] {
		tw.mustTake(t, OfThing, r[6], fmt.Sprintf(`{"rainfall":%s,"temperature":%q,"humidity":%s,"wind_speed":%s,"time":%q}`, r[1], r[2], r[3], r[4], r[5]))
	}
	tw.settled(t, 4*(len(rows)-1))
	t.Logf("%d readings in %s; %d rows came twice, %d are all zero", 4*(len(rows)-1), time.Since(begin), twice, zeros)
	if int(tw.Counts.Known.Load()) != 4*twice {
		t.Errorf("%d readings were known, want %d", tw.Counts.Known.Load(), 4*twice)
	}
	days := 0
	for d, want := range sum {
		from, err := time.ParseInLocation(time.DateOnly, d.date, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if err := tw.History().Rollups(t.Context(), history.Day, history.Span{Datastream: d.station + "-rainfall", From: from.UnixMicro(), To: from.AddDate(0, 0, 1).UnixMicro()}, func(r history.Rollup) error {
			if days++; math.Abs(r.Sum-want) > 1e-9 || int(r.Good) != good[d] {
				t.Errorf("%v: %g mm of %d good readings, want %g of %d", d, r.Sum, r.Good, want, good[d])
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if days != len(sum) || len(sum) < 36*3 {
		t.Errorf("%d days, want %d", days, len(sum))
	}
}

func zero(s string) bool {
	v, err := strconv.ParseFloat(s, 64)
	return err == nil && v == 0
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`[{"d":"1","t":1780000000000000,"v":1.5,"q":3,"x":{"a":1}},{"d":"2","t":1,"e":2,"s":"\"wet\"","g":true}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := decode(data, 7)
		if err != nil || len(all) == 0 {
			return
		}
		var b []byte
		for i := range all {
			b = encode(b, &all[i])
		}
		again, err := decode(append(b, ']'), 7)
		if err != nil || len(again) != len(all) {
			t.Fatalf("%s: %v", b, err)
		}
		for i := range all {
			a, b := all[i], again[i]
			if a.Number() != b.Number() || a.Number() && a.Value != b.Value || a.Time != b.Time || a.Datastream != b.Datastream || a.Quality != b.Quality {
				t.Fatalf("%+v became %+v", a, b)
			}
		}
	})
}
