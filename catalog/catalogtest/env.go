package catalogtest

import (
	"context"
	"testing"
	"time"

	"nagar/catalog"
)

// env is one case's store.
type env struct {
	*testing.T
	h        Harness
	location string
	ctx      context.Context
	s        catalog.Store // the first handle
}

// newEnv makes a fresh store, opens it, and has it checked whole when the case ends.
func newEnv(t *testing.T, h Harness) *env {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	e := &env{T: t, h: h, location: h.New(t), ctx: ctx}
	t.Cleanup(e.verify)
	e.s = e.open()
	return e
}

// open opens one more handle; the case's cleanup closes it.
func (e *env) open() catalog.Store {
	e.Helper()
	s, err := e.h.Open(e.ctx, e.location)
	if err != nil {
		e.Fatalf("open %s: %v", e.location, err)
	}
	e.Cleanup(func() {
		if err := s.Close(); err != nil {
			e.Errorf("close: %v", err)
		}
	})
	return s
}

func (e *env) verify() {}

func runChild(t *testing.T, h Harness, location string) {}
