package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"nagar/catalog"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/access"
	"nagar/internal/ingest"
	"nagar/layers"
	"nagar/layers/archive"
)

// pmtiles is the format of a pyramid of tiles; it is drawn, not written feature by feature.
const pmtiles = "pmtiles"

// exportFormats are the formats that export writes.
func exportFormats() []string { return append(ingest.ExportFormats(), pmtiles) }

// exportFormat is the format that a file name stands for, "" when none does.
func exportFormat(path string) string {
	if strings.HasSuffix(strings.ToLower(path), "."+pmtiles) {
		return pmtiles
	}
	return ingest.ExportFormat(path)
}

// written is what the export of a pyramid prints.
type written struct {
	Collection string      `json:"collection"`
	Features   int         `json:"features"`
	Tiles      int64       `json:"tiles"`
	Contents   int64       `json:"contents"` // different tiles
	Dropped    int64       `json:"dropped"`  // features that tiles stand for without drawing each
	Bytes      int64       `json:"bytes"`
	Rev        catalog.Rev `json:"revision"`
}

// writePyramid draws the collections as tiles into an archive and prints what it
// wrote as JSON.
func (c *exportCmd) writePyramid(con *console, profile *city.Profile, box *geo.Box) error {
	o := archive.Options{View: catalog.Everything, Filter: c.Filter}
	var err error
	if o.MinZoom, o.MaxZoom, err = parseZooms(c.Zoom); err != nil {
		return usageError{err}
	}
	if c.To == "-" {
		return usageError{errors.New("an archive's beginning is written last: give a file, not -")}
	}
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		if !c.Everything {
			if o.View, err = publicView(con.ctx, c.storeFlag); err != nil {
				return err
			}
		}
		at, err := c.at(con.ctx, s, profile)
		if err != nil {
			return usageError{err}
		}
		still, err := layers.ReadStill(con.ctx, s, strings.Split(c.Collection, ","), layers.StillOptions{At: at, Box: box})
		if err != nil {
			return err
		}
		done := written{Collection: c.Collection, Rev: still.Rev()}
		for _, info := range still.Collections() {
			done.Features += info.Count
		}
		line := newProgress(con.stderr, "tiles")
		o.Progress = func(n int64) { line.show(ingest.Progress{Read: n}) }
		err = writeFile(c.To, func(f *os.File) error {
			stats, err := archive.Write(con.ctx, f, still, o)
			done.Tiles, done.Contents, done.Dropped, done.Bytes = stats.Tiles, stats.Contents, stats.Dropped, stats.Bytes
			return err
		})
		line.done()
		var wrong *catalog.Invalid
		switch {
		case errors.As(err, &wrong):
			return usageError{err}
		case errors.Is(err, catalog.ErrNotFound) && !c.Everything:
			return fmt.Errorf("%w: it is not public (--everything draws it all the same)", err)
		case err != nil:
			return fmt.Errorf("write %s: %w", c.To, err)
		}
		return json.NewEncoder(con.stdout).Encode(done)
	})
}

// publicView is what the store's policy lets everybody see.
func publicView(ctx context.Context, f storeFlag) (v catalog.View, err error) {
	err = withDesk(ctx, f, func(d *desk) error {
		policy, err := d.policies.Policy(ctx)
		if err == nil {
			v = access.Compile(policy, access.Principal{Kind: access.Anonymous}, nil)
		}
		return err
	})
	return v, err
}

// parseZooms reads MIN-MAX, or one zoom.
func parseZooms(s string) (least, most uint32, err error) {
	a, b, two := strings.Cut(s, "-")
	if !two {
		b = a
	}
	x, errA := strconv.ParseUint(a, 10, 32)
	y, errB := strconv.ParseUint(b, 10, 32)
	if errA != nil || errB != nil || x > y || y > geo.MaxTileZoom {
		return 0, 0, fmt.Errorf("--zoom %q: want MIN-MAX from 0 to %d, such as 0-16", s, geo.MaxTileZoom)
	}
	return uint32(x), uint32(y), nil
}
