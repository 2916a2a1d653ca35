package httpapi

import (
	"net/http"

	"nagar/catalog"
)

// status is the answer of /healthz and /readyz.
type status struct {
	Status  string      `json:"status"`
	Rev     catalog.Rev `json:"rev"`
	Version string      `json:"version,omitempty"`
}

// healthz answers whether the process lives.
func (r *request) healthz() error { return r.state() }

// readyz answers whether the city is loaded; not while the server is stopping.
func (r *request) readyz() error {
	if r.s.draining.Load() {
		return unavailable(5, "This server is about to stop.", nil)
	}
	if err := r.s.ready(); err != nil {
		return err
	}
	return r.state()
}

func (r *request) state() error {
	r.Response().Header().Set("Cache-Control", "no-store")
	return r.json(http.StatusOK, status{Status: "ok", Rev: r.s.cfg.Engine.Rev(), Version: r.s.cfg.Version})
}

// metrics answers with the figures.
func (r *request) metrics() error {
	r.Response().Header().Set("Cache-Control", "no-store")
	r.s.metrics.show.ServeHTTP(r.Response(), r.Request())
	return nil
}
