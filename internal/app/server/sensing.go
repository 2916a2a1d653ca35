package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/door"
	"nagar/internal/app"
	"nagar/internal/bus"
	"nagar/internal/twin"
	"nagar/internal/twin/history"
	"nagar/internal/twin/history/daily"
	"nagar/internal/twin/history/pg"
)

// SensingFlags are the flags of twin about readings.
type SensingFlags struct {
	MQTT         string `name:"mqtt" help:"Address to take sensors' MQTT on, or off; on loopback devices need no credentials, elsewhere a device token as password." default:"127.0.0.1:1883" placeholder:"HOST:PORT"`
	NATS         string `name:"nats" help:"NATS cluster with JetStream that carries readings, instead of the one inside." placeholder:"URL"`
	BusSync      string `help:"How often what the bus has taken is synced to the disk: a duration, which is what a power cut may cost, or always." default:"1s" placeholder:"TIME"`
	KeepReadings int    `help:"Days for which single readings are kept; sums by hour and day stay. 0: for ever." default:"400" placeholder:"DAYS"`
}

// Validate is called by kong once all flags are read.
func (f *SensingFlags) Validate() error {
	if _, err := f.sync(); err != nil {
		return err
	}
	if f.KeepReadings < 0 {
		return errors.New("--keep-readings must not be negative")
	}
	return nil
}

func (f *SensingFlags) sync() (time.Duration, error) {
	switch f.BusSync {
	case "":
		return 0, nil
	case "always":
		return bus.Always, nil
	}
	d, err := time.ParseDuration(f.BusSync)
	if err != nil || d < 10*time.Millisecond {
		return 0, fmt.Errorf("--bus-sync %s: want a duration of 10ms or more, or always", f.BusSync)
	}
	return d, nil
}

// sensing is what readings go through.
type sensing struct {
	flags   *SensingFlags
	twin    *twin.Twin
	history history.Store
	bus     *bus.Bus // nil: readings are shown, and none taken
	door    *door.Door
	known   func(ctx context.Context, token string) (access.Principal, error)
	log     *slog.Logger
}

func openSensing(ctx context.Context, f *ServerFlags, at app.Location, store catalog.Store, e *entrance, zone *time.Location, readOnly bool, log *slog.Logger) (s *sensing, err error) {
	s = &sensing{flags: &f.sensing, door: e.door, known: e.door.Token, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if at.URL != "" {
		s.history, err = pg.Open(ctx, at.URL, zone)
	} else {
		s.history, err = daily.Open(ctx, filepath.Join(e.folder, "observations"), zone)
	}
	if err != nil {
		return nil, err
	}
	if !readOnly {
		sync, err := f.sensing.sync()
		if err != nil {
			return nil, err
		}
		if s.bus, err = bus.Open(ctx, bus.Options{Folder: filepath.Join(e.folder, "bus"), URL: f.sensing.NATS, Sync: sync, Logger: log}); err != nil {
			return nil, err
		}
	}
	s.twin = twin.New(twin.Options{
		Source: store, History: s.history, Bus: s.bus, Door: e.door, Zone: zone,
		Keep: time.Duration(f.sensing.KeepReadings) * 24 * time.Hour, Logger: log,
	})
	return s, s.twin.Load(ctx)
}

func (s *sensing) close() (err error) {
	if s.bus != nil {
		err = s.bus.Close()
	}
	if s.history != nil {
		err = errors.Join(err, s.history.Close())
	}
	return err
}

// run takes readings in until ctx ends. Where the address for MQTT is taken, it goes
// without.
func (s *sensing) run(ctx context.Context, secure *tls.Config, stdout io.Writer) error {
	group, ctx := errgroup.WithContext(ctx)
	if s.bus != nil {
		group.Go(func() error { return s.bus.Run(ctx) })
		if err := s.listen(ctx, group, secure, stdout); err != nil {
			s.log.Warn("sensors' MQTT is not served", "address", s.flags.MQTT, "error", err)
		}
	}
	group.Go(func() error { return s.twin.Run(ctx) })
	return group.Wait()
}

func (s *sensing) listen(ctx context.Context, group *errgroup.Group, secure *tls.Config, stdout io.Writer) error {
	if s.flags.MQTT == "" || s.flags.MQTT == "off" {
		return nil
	}
	devices, err := bus.ListenMQTT(bus.MQTTOptions{
		Addr: s.flags.MQTT, TLS: secure, Known: s.known, Take: s.twin.Topic, Sees: s.twin.Shows, Logger: s.log,
	})
	if err != nil {
		return err
	}
	if secure == nil && !devices.Near() {
		s.log.Warn("devices' tokens come in the clear: give --tls-cert, or let only a trusted network reach it", "address", devices.Addr().String())
	}
	fmt.Fprintf(stdout, "sensors' MQTT on %s\n", devices.Addr())
	s.twin.OnStored(func(o *history.Observation) {
		topic := "v1.1/Datastreams(" + twin.Quote(o.Datastream) + ")/Observations"
		if !devices.Listening(topic) {
			return
		}
		if body, err := json.Marshal(observed(o)); err == nil {
			devices.Publish(topic, body)
		}
	})
	group.Go(func() error { return devices.Run(ctx) })
	return nil
}

// observed is a reading as subscribers get it.
func observed(o *history.Observation) map[string]any {
	out := map[string]any{"phenomenonTime": time.UnixMicro(o.Time).UTC(), "result": json.RawMessage(o.Text)}
	if o.Number() {
		out["result"] = o.Value
	}
	if o.Quality != 0 {
		out["resultQuality"] = map[string]any{"good": o.Quality.Good(), "flags": o.Quality.Names()}
	}
	return out
}
