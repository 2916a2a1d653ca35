// Package registry is the register of structures: one UID for each, for ever, and
// what every department knows of it, on any date.
//
// The register is every UID that was ever seen in buildings.uid, and every feature
// of structures, whose id is its UID. A surveyed building has no row in structures;
// one appears with the first thing that is known of it beyond its footprint.
// Whatever else concerns a structure is a row of a collection with a field that
// links to structures: units, other numbers (aliases), events, and the records that
// departments define.
//
// A UID is never given twice and never taken away. A change of life is one batch
// of the store: all of it happens or nothing, it is idempotent by its key, and it
// fails with *catalog.Conflict when what it was decided on has changed meanwhile.
// Events are only ever added; to undo is an event too.
//
// What is answered to somebody is made of what their view sees, and of nothing
// else.
package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"nagar/catalog"
	"nagar/layers"
)

// The collections that the register itself keeps.
const (
	Buildings  = "buildings"        // footprints, each with its structure's UID
	Structures = "structures"       // id: the UID
	Findings   = "findings"         // kept by the package finding
	Events     = "structure_events" // a row for each structure that an event concerns
	Aliases    = "aliases"          // id: scheme:key, so that one structure holds it
	Units      = "units"            // id: UID/FLOOR-UNIT
)

// ErrUnknown says that nothing has, or had, that UID.
var ErrUnknown = fmt.Errorf("no such structure: %w", catalog.ErrNotFound)

// Refused says why a command goes against the rules of the register. Nothing has
// happened.
type Refused struct {
	Path   string // what of the command
	Reason string // in English
	// Code and Values are the reason for those who say it in another language: which
	// rule it is, and what Reason puts into its text, in that order.
	Code   string
	Values []string
}

func (e *Refused) Error() string { return e.Path + ": " + e.Reason }

// refuse refuses by the rule named code, of which the viewer has a text in each language.
func refuse(code, path, format string, a ...any) error {
	no := &Refused{Path: path, Reason: fmt.Sprintf(format, a...), Code: code}
	for _, v := range a {
		if raw, ok := v.(json.RawMessage); ok {
			v = string(raw)
		}
		no.Values = append(no.Values, clip(fmt.Sprint(v)))
	}
	return no
}

// clip shortens what a caller wrote for use in a message.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// Forbidden says what of a command the caller may not write.
type Forbidden struct{ Collection, ID, Field string }

func (e *Forbidden) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s of %s/%s may not be written", e.Field, e.Collection, e.ID)
	}
	return fmt.Sprintf("%s/%s may not be written", e.Collection, e.ID)
}

// Store is what the register needs of a catalog.Store.
type Store interface {
	Collections(ctx context.Context) ([]catalog.Collection, error)
	ScanAll(ctx context.Context, queries []catalog.Query, fn func(int, *catalog.Feature) error) (catalog.Rev, error)
	Feature(ctx context.Context, collection, id string, at catalog.At) (catalog.Feature, error)
	History(ctx context.Context, collection, id string) ([]catalog.Version, error)
	Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error)
	Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error)
}

// Directory tells the collections there are; *layers.Engine does so from memory.
type Directory interface{ Collections() []layers.Info }

// Registry is the register of one store. It keeps nothing of its own, and is safe
// for concurrent use once Zone is set.
type Registry struct {
	// Zone is the city's, by which days begin; nil: UTC.
	Zone *time.Location

	store     Store
	directory Directory
}

// New returns the register of the store. Without a directory each call asks the
// store for its collections.
func New(store Store, directory Directory) *Registry {
	return &Registry{store: store, directory: directory}
}

// collections are the descriptions there are; they are not to be changed.
func (r *Registry) collections(ctx context.Context) ([]*catalog.Collection, error) {
	var out []*catalog.Collection
	if r.directory != nil {
		infos := r.directory.Collections()
		for i := range infos {
			out = append(out, &infos[i].Collection)
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	all, err := r.store.Collections(ctx)
	if err != nil {
		return nil, fmt.Errorf("list collections: %w", err)
	}
	for i := range all {
		out = append(out, &all[i])
	}
	return out, nil
}

// Warm has the store make the indexes that the register reads by, where it makes
// them when first asked.
func (r *Registry) Warm(ctx context.Context) error {
	all, err := r.collections(ctx)
	if err != nil {
		return err
	}
	var queries []catalog.Query
	for _, c := range all {
		for i := range c.Fields {
			if c.Fields[i].Findable() {
				queries = append(queries, catalog.Query{Collection: c.Name, Match: &catalog.Match{Field: c.Fields[i].Name}})
			}
		}
	}
	_, err = r.store.ScanAll(ctx, queries, func(int, *catalog.Feature) error { return nil })
	return err
}
