// Package finding keeps the city's findings: what does not agree between the
// departments' records and the structures, by rules that are data.
//
// A rule is a row of finding_rules: a condition in CQL2 over what is known of a
// structure and the records that link to it, or over one record and its structure.
// A Keeper follows the store's feed. Whatever changes about a structure has that
// structure judged anew, and no other; what depends on the day is judged on the day
// on which it turns. Each finding is a row of findings, which opens when the
// condition comes true, closes by itself when it ends, and stays as an officer left
// it until its cause changes.
//
// The keeper writes findings, what falls due when, and how far it has followed, in
// one batch; so it goes on where it ended, whatever ended it. A second keeper on the
// same store is turned away by the revision of that row, and writes nothing twice.
// All memory is bounded by the number of structures (8 bytes each) and a chunk of them.
package finding

import (
	"context"
	"errors"
	"fmt"

	"nagar/catalog"
	"nagar/internal/registry"
)

// The collections that this package keeps.
const (
	Findings = registry.Findings // id: rule:subject
	Rules    = "finding_rules"   // id: the rule's name
	Watch    = "finding_watch"   // what falls due when, and the keeper's place in the feed
)

// Author is who writes findings, as the history keeps it.
const Author = "findings"

// The states of a finding.
const (
	Open         = "open"
	Acknowledged = "acknowledged" // an officer is at it
	Resolved     = "resolved"     // its cause has ended, or an officer says so
	Dismissed    = "dismissed"    // an officer says it is none
)

// Severities are what a rule may say, from the least.
var Severities = []string{"info", "low", "medium", "high"}

// ErrOtherKeeper says that another process has written meanwhile; the place in the
// feed is to be read again.
var ErrOtherKeeper = errors.New("another process keeps the findings")

// Store is what this package needs of a catalog.Store.
type Store interface {
	Collections(ctx context.Context) ([]catalog.Collection, error)
	Feature(ctx context.Context, collection, id string, at catalog.At) (catalog.Feature, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
	ScanAll(ctx context.Context, queries []catalog.Query, fn func(int, *catalog.Feature) error) (catalog.Rev, error)
	Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error)
	Head(ctx context.Context) (catalog.Rev, error)
	Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error)
	Wait(ctx context.Context, since catalog.Rev) error
}

func invalid(path, format string, a ...any) error {
	return &catalog.Invalid{Path: path, Reason: fmt.Sprintf(format, a...)}
}
