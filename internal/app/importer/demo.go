package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/demo"
	"nagar/internal/format/geojson"
	"nagar/internal/ingest"
	"nagar/internal/registry/linkage"
)

// demoBatch is how many features one revision of the demo holds.
const demoBatch = 5000

type demoCmd struct {
	Buildings int    `help:"How many buildings, up to 3,000,000." default:"100000" placeholder:"N"`
	Seed      uint64 `help:"Seed of the generator." default:"1" placeholder:"S"`
	City      string `help:"City profile; Mumbai's own when left out." placeholder:"FILE"`
	Resurvey  string `help:"Write the footprints of a second survey of that city, some years later, to this file (GeoJSONSeq), and nothing to the store." placeholder:"FILE"`
	storeFlag
}

// Validate is called by kong once all flags are read.
func (c *demoCmd) Validate() error {
	if c.Buildings < 0 || c.Buildings > 3_000_000 {
		return errors.New("--buildings: want 0 to 3000000")
	}
	return nil
}

// Run writes the synthetic city into the store.
func (c *demoCmd) Run(con *console) error {
	profile, err := city.Load(c.City)
	if err != nil {
		return err
	}
	if c.Resurvey != "" {
		return c.resurvey(con, profile)
	}
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		start := time.Now()
		p := newProgress(con.stderr, "features")
		l, err := newLinker(s, profile)
		if err != nil {
			return err
		}
		l.Now = func() time.Time { return demo.Day } // same seed, same bytes
		w := &demoWriter{ctx: con.ctx, store: s, linker: l, report: func(n int) { p.show(ingest.Progress{Read: int64(n)}) }}
		err = demo.Generate(con.ctx, demo.Options{Profile: profile, Buildings: c.Buildings, Seed: c.Seed}, w.add)
		if err == nil {
			err = w.flush()
		}
		p.done()
		if err != nil {
			return err
		}
		return json.NewEncoder(con.stdout).Encode(struct {
			Created   int     `json:"loaded"`
			Updated   int     `json:"updated"`
			Unchanged int     `json:"unchanged"`
			Source    string  `json:"source"`
			Seconds   float64 `json:"seconds"`
		}{w.total.Created, w.total.Updated, w.total.Unchanged, demo.Source, time.Since(start).Seconds()})
	})
}

// resurvey writes the second survey of the city to a file.
func (c *demoCmd) resurvey(con *console, profile *city.Profile) (err error) {
	f, err := os.Create(c.Resurvey)
	if err != nil {
		return fmt.Errorf("second survey: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, n := geojson.NewWriter(f, true), 0
	o := demo.Options{Profile: profile, Buildings: c.Buildings, Seed: c.Seed}
	if _, err := demo.Resurvey(con.ctx, o, func(f *catalog.Feature) error { n++; return w.Write(f) }); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("second survey: %w", err)
	}
	return json.NewEncoder(con.stdout).Encode(map[string]any{"written": n, "file": c.Resurvey, "source": demo.Source})
}

// demoWriter gathers features into batches; each collection is labelled as
// synthetic before its first feature.
type demoWriter struct {
	ctx    context.Context
	store  catalog.Store
	linker *linkage.Linker
	links  *linkage.Session // of the collection being written; nil: it is not matched
	ops    []catalog.Op
	at     string // collection being written
	total  catalog.Result
	report func(features int)
}

func (w *demoWriter) add(collection string, f *catalog.Feature) error {
	if collection != w.at {
		if err := w.begin(collection); err != nil {
			return err
		}
	}
	w.ops = append(w.ops, catalog.Op{Kind: catalog.Put, Collection: collection, Feature: *f})
	if len(w.ops) == demoBatch {
		return w.flush()
	}
	return nil
}

// begin makes a collection ready. What came before is written: records are matched
// with the structures that there are.
func (w *demoWriter) begin(collection string) error {
	if err := w.flush(); err != nil {
		return err
	}
	err := w.label(collection)
	if err == nil {
		w.at = collection
		w.links, err = w.linker.Begin(w.ctx, collection)
	}
	return err
}

func (w *demoWriter) label(collection string) error {
	c, err := w.store.Collection(w.ctx, collection)
	if errors.Is(err, catalog.ErrNotFound) {
		return w.define(collection)
	}
	if err != nil {
		return err
	}
	if c.Source == demo.Source {
		return nil
	}
	c.Source = demo.Source
	if _, err = w.store.Define(w.ctx, c); err != nil {
		return fmt.Errorf("label %s as synthetic: %w", collection, err)
	}
	return nil
}

// define makes the collection of a department.
func (w *demoWriter) define(collection string) error {
	for _, c := range demo.Definitions() {
		if c.Name == collection {
			_, err := w.store.Define(w.ctx, c)
			return err
		}
	}
	return fmt.Errorf("the demo city has no %s", collection)
}

func (w *demoWriter) flush() error {
	if len(w.ops) == 0 {
		return nil
	}
	if w.links != nil {
		more, err := w.links.Link(w.ctx, w.ops)
		if err != nil {
			return fmt.Errorf("match the demo city's %s: %w", w.at, err)
		}
		w.ops = append(w.ops, more...)
	}
	r, err := w.store.Apply(w.ctx, catalog.Batch{Author: "importer demo", Reason: demo.Source, Ops: catalog.Ops(w.ops...)})
	if err != nil {
		return fmt.Errorf("write the demo city: %w", err)
	}
	w.total.Created += r.Created
	w.total.Updated += r.Updated
	w.total.Unchanged += r.Unchanged
	w.ops = w.ops[:0]
	w.report(w.total.Created + w.total.Updated + w.total.Unchanged)
	return nil
}
