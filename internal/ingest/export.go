package ingest

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/internal/format/csv"
	"nagar/internal/format/geojson"
)

// ExportOptions say what to export and how.
type ExportOptions struct {
	Collection string
	Format     string                      // one of ExportFormats
	Box        *geo.Box                    // features whose box meets it; nil: all
	At         catalog.At                  // on both clocks; zero: now
	Match      func(*catalog.Feature) bool // nil: all
	View       *catalog.View               // what of it may be seen; nil: everything
	Progress   func(written int64)         // called from time to time
}

// Exported is what an export wrote.
type Exported struct {
	Collection string      `json:"collection"`
	Written    int64       `json:"written"`
	Rev        catalog.Rev `json:"revision"`
}

// ExportFormats are the formats that can be written.
func ExportFormats() []string { return []string{"csv", "geojson", "geojsonseq"} }

// ExportFormat is the format that a file name stands for, "" when none does. A
// trailing .gz counts for nothing: packing is the caller's.
func ExportFormat(path string) string {
	i := formatByName(path)
	if i < 0 {
		return ""
	}
	for _, f := range ExportFormats() {
		if f == formats[i].name && filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ".gz")) != ".txt" {
			return f
		}
	}
	return ""
}

// featureWriter is a writer of one format.
type featureWriter interface {
	Write(*catalog.Feature) error
	Close() error
}

// Export writes the selected features of one consistent snapshot to w. Coordinates
// and values read back exactly (in CSV, null and empty text are one).
func Export(ctx context.Context, store catalog.Store, w io.Writer, o ExportOptions) (Exported, error) {
	view := catalog.Everything
	if o.View != nil {
		view = *o.View
	}
	sum := Exported{Collection: o.Collection}
	c, err := store.Collection(ctx, o.Collection)
	if err != nil {
		return sum, fmt.Errorf("export %s: %w", o.Collection, err)
	}
	if !view.Sees(&c) {
		return sum, fmt.Errorf("export %s: %w", o.Collection, catalog.ErrNotFound)
	}
	var out featureWriter
	switch o.Format {
	case "geojson", "geojsonseq":
		out = geojson.NewWriter(w, o.Format == "geojsonseq")
	case "csv":
		if out, err = csv.NewWriter(w, &c, view); err != nil {
			return sum, err
		}
	default:
		return sum, usagef("format %q: want one of %s", o.Format, strings.Join(ExportFormats(), ", "))
	}
	sight := cql2.SightOf(&c, view)
	sum.Rev, err = store.Scan(ctx, catalog.Query{Collection: o.Collection, Box: o.Box, At: o.At}, func(f *catalog.Feature) error {
		cut, seen := *f, false
		if cut.Props, seen = sight.See(f); !seen {
			return nil
		}
		if o.Match != nil && !o.Match(&cut) { // of what is seen: what is hidden is null
			return nil
		}
		if err := out.Write(&cut); err != nil {
			return err
		}
		if sum.Written++; o.Progress != nil && sum.Written%1000 == 0 {
			o.Progress(sum.Written)
		}
		return nil
	})
	if err != nil {
		return sum, fmt.Errorf("export %s: %w", o.Collection, err)
	}
	return sum, out.Close()
}
