// Package ingest brings files into the catalogue: decode, map, validate, apply.
//
// Guarantees. Features are applied in the order of the file. A record that is not
// right is rejected alone, with a reason, and counted: Read is always the sum of
// Loaded, Updated, Unchanged and Rejected. Memory is bounded by chunks of records
// and a few bytes per feature (an id's hash), not by the file. The same file
// loaded again changes nothing. With Atomic or Replace all of it happens in one
// batch, or nothing does.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"nagar/catalog"
)

// Mode is what a load does with what is there.
type Mode string

// The modes.
const (
	Upsert  Mode = "upsert"  // insert, or change the feature of that id
	Replace Mode = "replace" // as upsert, and delete what the file does not have
	Append  Mode = "append"  // insert only: an id that is there is rejected
)

// Options say what to load and how; they are the importer's flags.
type Options struct {
	Collection string
	From       string    // path; "-" reads Stdin
	Stdin      io.Reader // for From "-"
	Format     string    // one of Formats; "" goes by the extension
	Layer      string    // of a format with several; "" takes the only one
	CRS        string    // "EPSG:n" or WKT, over what the file declares; "" believes the file
	Map        map[string]string
	// ID names the source column that identifies a feature; "" takes the source's
	// id member, or else a hash of the record.
	ID        string
	Mode      Mode // "" is Upsert
	Atomic    bool
	Repair    bool   // mend invalid shapes with GEOS
	Rejects   string // path of the rejects file; "" keeps none
	DryRun    bool
	ValidFrom time.Time // true in the city since; zero: not said
	// NoRegister leaves structure UIDs out: uid is then a field like any other.
	NoRegister bool
	Public     bool   // publish what this load creates
	Author     string // kept with each revision

	// Each, when set, is given every good feature instead of the store, in the order of
	// the file; nothing is written then but the collection's description.
	Each func(*catalog.Feature) error

	BatchSize int // features per batch; 0 is 5,000
	Workers   int // decoding goroutines; 0 is one per processor

	// Linker, when set, joins the rows of departments' collections to structures while
	// they are loaded; nil leaves them as they come.
	Linker Linker

	// Progress, when set, is called from time to time, by one goroutine.
	Progress func(Progress)
}

// Linker opens what links the rows of one collection, nil for a collection whose rows
// are not linked. It may add fields to the collection's description.
type Linker func(ctx context.Context, collection string) (Links, error)

// Links fills in the links of rows that are about to be written, and returns what is
// to be written in the same batch.
type Links interface {
	Link(ctx context.Context, ops []catalog.Op) ([]catalog.Op, error)
	// Report is what became of the rows so far, for the summary.
	Report() any
}

// Progress is how far a load has come.
type Progress struct {
	Read         int64 // records so far
	Bytes, Total int64 // of the file as it lies on the disk; Total is 0 when not known
}

// FieldReport is a field that a load added to its collection.
type FieldReport struct {
	Name  string            `json:"name"`
	Type  catalog.FieldType `json:"type"`
	Class catalog.Class     `json:"class"`
}

// Fixes counts features whose geometry was written badly and put right.
type Fixes struct {
	Closed   int64 `json:"closed,omitempty"`
	Reversed int64 `json:"reversed,omitempty"`
	Repeated int64 `json:"repeated,omitempty"`
	Mended   int64 `json:"mended,omitempty"`
}

// Summary is what a load did; it is the importer's last line, as JSON.
// Read = Loaded + Updated + Unchanged + Rejected.
type Summary struct {
	Collection string  `json:"collection"`
	Read       int64   `json:"read"`
	Loaded     int64   `json:"loaded"` // new features
	Updated    int64   `json:"updated"`
	Unchanged  int64   `json:"unchanged"`
	Rejected   int64   `json:"rejected"`
	Repaired   int64   `json:"repaired"` // features among those loaded whose geometry was put right; Fixes says how
	Seconds    float64 `json:"seconds"`

	Deleted     int64          `json:"deleted,omitempty"` // by Replace
	Batches     int            `json:"batches"`           // committed
	Rev         catalog.Rev    `json:"revision,omitempty"`
	Fixes       *Fixes         `json:"fixes,omitempty"`
	Created     bool           `json:"created,omitempty"`      // the collection is new
	Class       *catalog.Class `json:"class,omitempty"`        // of the new collection
	FieldsAdded []FieldReport  `json:"fields_added,omitempty"` // with their classification
	Links       any            `json:"links,omitempty"`        // what the Linker did
	DryRun      bool           `json:"dry_run,omitempty"`
	Warnings    []string       `json:"warnings,omitempty"`
	Error       string         `json:"error,omitempty"` // why it ended early
}

// FileError says that a file cannot be read as its format, or breaks off.
type FileError struct {
	File   string
	Offset int64 // byte, in the unpacked text of a packed file; -1 when it has none
	Reason string
}

func (e *FileError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s: byte %d: %s", e.File, e.Offset, e.Reason)
}

// UsageError says that the options themselves are wrong: a wrong command line.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

func usagef(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}

// IsUsage reports whether err is a wrong command line (exit 2).
func IsUsage(err error) bool {
	var u *UsageError
	return errors.As(err, &u)
}

func (o *Options) check() error {
	switch o.Mode {
	case "":
		o.Mode = Upsert
	case Upsert, Replace, Append:
	default:
		return usagef("mode %q: want upsert, replace or append", o.Mode)
	}
	if o.From == "" {
		return usagef("nothing to load: --from is missing")
	}
	if err := (&catalog.Collection{Name: o.Collection, Geometry: catalog.GeometryAny}).Validate(); err != nil {
		var inv *catalog.Invalid
		errors.As(err, &inv)
		return usagef("%s", inv.Reason)
	}
	for field, source := range o.Map {
		if field == "" || source == "" {
			return usagef("map %s=%s: want field=source", field, source)
		}
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 5000
	}
	return nil
}
