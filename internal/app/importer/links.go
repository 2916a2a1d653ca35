package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime/debug"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/ingest"
	"nagar/internal/registry/address"
	"nagar/internal/registry/linkage"
)

// newLinker is what joins records to structures, by the city's addresses.
func newLinker(s catalog.Store, profile *city.Profile) (*linkage.Linker, error) {
	p, err := address.New(profile)
	if err != nil {
		return nil, err
	}
	return linkage.NewLinker(s, p)
}

// links is a session of the linkage as a load wants it.
type links struct{ *linkage.Session }

func (l links) Report() any { return l.Counts }

// linker opens the links of a load's collection.
func linker(l *linkage.Linker) ingest.Linker {
	return func(ctx context.Context, collection string) (ingest.Links, error) {
		s, err := l.Begin(ctx, collection)
		if err != nil || s == nil {
			return nil, err
		}
		debug.SetMemoryLimit(math.MaxInt64) // the whole register is in memory: a limit below it would only cost time
		return links{s}, nil
	}
}

type matchCmd struct {
	Collection []string `arg:"" optional:"" help:"Collections to match; all that departments' records are in when left out."`
	City       string   `help:"City profile; Mumbai's own when left out." placeholder:"FILE"`
	storeFlag
}

// Run matches the records that have no structure yet, and prints a line of JSON for
// each collection.
func (c *matchCmd) Run(con *console) error {
	profile, err := city.Load(c.City)
	if err != nil {
		return err
	}
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		l, err := newLinker(s, profile)
		if err != nil {
			return err
		}
		names := c.Collection
		if len(names) == 0 {
			all, err := s.Collections(con.ctx)
			if err != nil {
				return err
			}
			for i := range all {
				if linkage.Matched(&all[i]) {
					names = append(names, all[i].Name)
				}
			}
		}
		for _, name := range names {
			p := newProgress(con.stderr, "records")
			counts, err := l.Run(con.ctx, name, "importer match", func(n int) { p.show(ingest.Progress{Read: int64(n)}) })
			p.done()
			if err != nil {
				return fmt.Errorf("match %s: %w", name, err)
			}
			if err := json.NewEncoder(con.stdout).Encode(struct {
				Collection string `json:"collection"`
				linkage.Counts
			}{name, counts}); err != nil {
				return err
			}
		}
		return nil
	})
}
