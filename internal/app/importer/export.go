package importer

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/ingest"
)

type exportCmd struct {
	Collection string `arg:"" help:"Collection to write; for pmtiles several, with commas between."`
	To         string `required:"" help:"File to write, - for standard output; its name says the format (${exports}), .gz packs it." placeholder:"FILE"`
	Format     string `help:"Format, where the file's name does not tell: ${exports}." placeholder:"F"`
	BBox       string `name:"bbox" help:"Only features whose box meets this one, degrees." placeholder:"W,S,E,N"`
	Filter     string `help:"Only features that this holds for." placeholder:"CQL2"`
	AsOf       string `name:"asof" help:"As it was true in the city then: a date, or a time with zone." placeholder:"DATE"`
	Known      string `help:"As it was recorded then: a time with zone, a date, or a revision." placeholder:"TIME|REV"`
	City       string `help:"City profile; Mumbai's own when left out." placeholder:"FILE"`
	Zoom       string `help:"pmtiles: the zooms to draw." default:"0-16" placeholder:"MIN-MAX"`
	Everything bool   `help:"pmtiles: what the public may not see as well; whoever has the file sees it."`
	storeFlag
}

// Run writes the file and prints what it wrote as JSON on stdout (on stderr when
// the features go to stdout).
func (c *exportCmd) Run(con *console) error {
	profile, err := city.Load(c.City)
	if err != nil {
		return err
	}
	format := c.Format
	if format == "" {
		if format = exportFormat(c.To); format == "" {
			return usageError{fmt.Errorf("the format cannot be told from %q: give --format (%s)", c.To, strings.Join(exportFormats(), ", "))}
		}
	}
	box, err := parseBox(c.BBox)
	if err != nil {
		return usageError{err}
	}
	if format == pmtiles {
		return c.writePyramid(con, profile, box)
	}
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		o := ingest.ExportOptions{Collection: c.Collection, Format: format, Box: box}
		if o.At, err = c.at(con.ctx, s, profile); err != nil {
			return usageError{err}
		}
		if o.Match, err = c.match(con.ctx, s); err != nil {
			return usageError{err}
		}
		var done ingest.Exported
		report := con.stdout
		if c.To == "-" {
			report = con.stderr
			done, err = ingest.Export(con.ctx, s, con.stdout, o)
		} else {
			err = writeWhole(c.To, func(w io.Writer) (err error) {
				done, err = ingest.Export(con.ctx, s, w, o)
				return err
			})
		}
		if ingest.IsUsage(err) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		return json.NewEncoder(report).Encode(done)
	})
}

// writeWhole writes the file as writeFile does, packed where its name ends in .gz.
func writeWhole(path string, write func(io.Writer) error) error {
	return writeFile(path, func(f *os.File) error {
		if !strings.HasSuffix(strings.ToLower(path), ".gz") {
			return write(f)
		}
		packed := gzip.NewWriter(f)
		if err := write(packed); err != nil {
			return err
		}
		return packed.Close()
	})
}

// writeFile writes the file beside its place and moves it there once it is
// complete, so that a failed export leaves what was there.
func writeFile(path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (c *exportCmd) at(ctx context.Context, s catalog.Store, profile *city.Profile) (at catalog.At, err error) {
	if at.AsOf, err = parseMoment("--asof", c.AsOf, profile, endOfDay); err != nil {
		return at, err
	}
	if c.Known == "" {
		return at, nil
	}
	if rev, err := strconv.ParseInt(c.Known, 10, 64); err == nil {
		head, err := s.Head(ctx)
		if err != nil {
			return at, err
		}
		if rev < 1 || catalog.Rev(rev) > head {
			return at, fmt.Errorf("--known %d: the store has revisions 1 to %d", rev, head)
		}
		at.Known = catalog.Rev(rev)
		return at, nil
	}
	t, err := parseMoment("--known", c.Known, profile, endOfDay)
	if err != nil {
		return at, err
	}
	if at.Known, err = s.RevAt(ctx, t); err == nil && at.Known == 0 {
		err = fmt.Errorf("--known %s: nothing was recorded by then", c.Known)
	}
	return at, err
}

func (c *exportCmd) match(ctx context.Context, s catalog.Store) (func(*catalog.Feature) bool, error) {
	if c.Filter == "" {
		return nil, nil
	}
	expr, err := cql2.Parse(c.Filter)
	if err != nil {
		return nil, fmt.Errorf("--filter: %w", err)
	}
	col, err := s.Collection(ctx, c.Collection)
	if err != nil {
		return nil, err
	}
	f, err := expr.Bind(&col, catalog.Everything)
	if err != nil {
		return nil, fmt.Errorf("--filter: %w", err)
	}
	return func(feature *catalog.Feature) bool {
		return f.Match(cql2.FeatureRow{Collection: &col, Feature: feature})
	}, nil
}

// parseBox reads W,S,E,N in degrees; "" is nil.
func parseBox(s string) (*geo.Box, error) {
	if s == "" {
		return nil, nil
	}
	parts := strings.Split(s, ",")
	var v [4]float64
	for i := range v {
		if len(parts) != 4 {
			return nil, fmt.Errorf("--bbox %q: want W,S,E,N in degrees", s)
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		if err != nil {
			return nil, fmt.Errorf("--bbox %q: want W,S,E,N in degrees", s)
		}
		v[i] = f
	}
	b := geo.Box{W: v[0], S: v[1], E: v[2], N: v[3]}
	if b.IsEmpty() || !geo.World().ContainsBox(b) {
		return nil, fmt.Errorf("--bbox %q: want W ≤ E and S ≤ N within the world", s)
	}
	return &b, nil
}

// startOfDay and endOfDay are the moment that a date without a time stands for: a
// validity begins with its day; what was true or known on a day includes the day.
const (
	startOfDay = 0
	endOfDay   = 24*time.Hour - time.Microsecond
)

// parseMoment reads a time with a zone, or a date in the city's own zone, which
// stands for the given offset into that day; "" is the zero time.
func parseMoment(flag, s string, profile *city.Profile, intoDay time.Duration) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	zone, err := time.LoadLocation(profile.TimeZone)
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q: want a date (2026-11-23) or a time with zone (2026-11-23T10:00:00+05:30)", flag, s)
	}
	return t.Add(intoDay), nil
}
