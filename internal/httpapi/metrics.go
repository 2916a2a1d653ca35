package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nagar/layers"
)

// metrics are the server's figures for Prometheus. Labels name routes, never
// collections: the names of some are not public.
type metrics struct {
	took      *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	tileBytes prometheus.Counter
	events    prometheus.Counter
	throttled *prometheus.CounterVec
	live      gauge
	show      http.Handler
}

// gauge counts up and down, and can be read.
type gauge struct{ n atomic.Int64 }

func (g *gauge) add(d int64) int64 { return g.n.Add(d) }

// unmatched is the route label of paths that are none.
const unmatched = "none"

func newMetrics(reg *prometheus.Registry, engine Engine, routes []route) (*metrics, error) {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	m := &metrics{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "nagar_http_request_duration_seconds",
			Help:    "Time from a request to the end of its answer.",
			Buckets: []float64{.0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "method", "status"}),
		inFlight:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "nagar_http_requests_in_flight", Help: "Requests being answered, live listeners too."}),
		tileBytes: prometheus.NewCounter(prometheus.CounterOpts{Name: "nagar_tile_bytes_total", Help: "Bytes of tiles sent, as encoded."}),
		events:    prometheus.NewCounter(prometheus.CounterOpts{Name: "nagar_live_events_total", Help: "Events sent to live listeners."}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "nagar_http_throttled_total", Help: "Requests and connections refused because one client asked for too much."}, []string{"reason"}),
	}
	all := append([]prometheus.Collector{m.took, m.inFlight, m.tileBytes, m.events, m.throttled}, engineFigures(engine)...)
	all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "nagar_live_clients", Help: "Listeners of /api/live."},
		func() float64 { return float64(m.live.n.Load()) }))
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	for _, c := range []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		var already prometheus.AlreadyRegisteredError
		if err := reg.Register(c); err != nil && !errors.As(err, &already) {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	for _, why := range []string{"quota", "token", "live", "connections"} {
		m.throttled.WithLabelValues(why)
	}
	for i := range routes { // each route is there from the start, not from its first request
		routes[i].took = m.took.WithLabelValues(routes[i].path, routes[i].method, "200")
	}
	m.show = promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	return m, nil
}

// engineFigures are read from the engine when Prometheus asks.
func engineFigures(e Engine) []prometheus.Collector {
	figure := func(name, help string, value func(layers.Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(e.Stats()) })
	}
	total := func(name, help string, value func(layers.Stats) int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value(e.Stats())) })
	}
	return []prometheus.Collector{
		figure("nagar_revision", "Revision that answers show.", func(s layers.Stats) float64 { return float64(s.Rev) }),
		figure("nagar_features", "Features in memory.", func(s layers.Stats) float64 { return float64(s.Features) }),
		figure("nagar_collections", "Collections in memory.", func(s layers.Stats) float64 { return float64(s.Collections) }),
		figure("nagar_index_bytes", "Memory of the indexes.", func(s layers.Stats) float64 { return float64(s.IndexBytes) }),
		figure("nagar_index_segments", "Index segments over all collections.", func(s layers.Stats) float64 { return float64(s.Segments) }),
		figure("nagar_cache_bytes", "Memory of cached tiles.", func(s layers.Stats) float64 { return float64(s.CacheBytes) }),
		figure("nagar_cache_tiles", "Cached tiles.", func(s layers.Stats) float64 { return float64(s.CacheTiles) }),
		figure("nagar_engine_in_flight", "Renders and queries being worked on.", func(s layers.Stats) float64 { return float64(s.InFlight) }),
		total("nagar_cache_hits_total", "Tiles answered from the cache.", func(s layers.Stats) int64 { return s.CacheHits }),
		total("nagar_cache_misses_total", "Tiles that the cache did not have.", func(s layers.Stats) int64 { return s.CacheMiss }),
		total("nagar_tiles_rendered_total", "Tiles rendered.", func(s layers.Stats) int64 { return s.TilesRendered }),
		total("nagar_features_dropped_total", "Features that rendered tiles stood for and did not draw one by one.", func(s layers.Stats) int64 { return s.FeaturesDropped }),
		total("nagar_edits_total", "Edits applied to the indexes.", func(s layers.Stats) int64 { return s.Edits }),
		total("nagar_index_merges_total", "Merges of index segments, small ones with an edit and large ones beside it.", func(s layers.Stats) int64 { return s.Merges }),
	}
}

// observe records one answer.
func (m *metrics) observe(rt *route, method string, status int, took time.Duration) {
	path := unmatched
	if rt != nil {
		path = rt.path
		if rt.stream && status == http.StatusOK {
			return // how long somebody listened says nothing about us
		}
		if status == http.StatusOK && method == rt.method {
			rt.took.Observe(took.Seconds())
			return
		}
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other" // anybody may invent methods; labels stay few
	}
	m.took.WithLabelValues(path, method, strconv.Itoa(status)).Observe(took.Seconds())
}
