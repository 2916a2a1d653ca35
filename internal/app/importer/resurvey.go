package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime/debug"
	"time"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/ingest"
	"nagar/internal/registry"
	"nagar/internal/registry/survey"
)

// resurvey takes the file in as a second survey of the footprints.
func (c *loadCmd) resurvey(con *console, s catalog.Store, profile *city.Profile, from time.Time, p *progress) error {
	if c.Collection != registry.Buildings || c.NoRegister || c.Mode != "upsert" {
		return usageError{errors.New("--epoch: a second survey is of buildings, with their structures, and neither replaces nor appends")}
	}
	zone, err := time.LoadLocation(profile.TimeZone)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(math.MaxInt64) // both surveys are in memory
	register := registry.New(s, nil)
	register.Zone = zone
	v := survey.New(s, register, survey.Options{Epoch: c.Epoch, ValidFrom: from, Zone: zone, Author: "importer load", Source: filepath.Base(c.From), DryRun: c.DryRun})
	read, err := ingest.Load(con.ctx, s, profile, ingest.Options{
		Collection: c.Collection, From: c.From, Stdin: con.stdin, Format: c.Format, Layer: c.Layer, CRS: c.CRS,
		Map: c.Map, ID: c.ID, Repair: c.Repair, Rejects: c.Rejects, NoRegister: true, Public: c.Public,
		Author: "importer load", Progress: p.show, Each: v.Add,
	})
	p.done()
	if ingest.IsUsage(err) {
		return usageError{err}
	}
	for _, w := range read.Warnings {
		fmt.Fprintf(con.stderr, "importer: warning: %s\n", w)
	}
	var sum survey.Summary
	if err == nil && read.Rejected > 0 { // its structure would be taken for gone
		err = fmt.Errorf("%d footprints of the survey were rejected, and nothing was changed: a structure without its footprint would be gone; mend them with --repair, or in the file (--rejects says which)", read.Rejected)
	}
	if err == nil {
		sum, err = v.Take(con.ctx)
	}
	return errors.Join(err, json.NewEncoder(con.stdout).Encode(struct {
		Collection string  `json:"collection"`
		Read       int64   `json:"read"`
		Rejected   int64   `json:"rejected"`
		Repaired   int64   `json:"repaired"`
		DryRun     bool    `json:"dry_run,omitempty"`
		Seconds    float64 `json:"seconds"`
		survey.Summary
	}{c.Collection, read.Read, read.Rejected, read.Repaired, c.DryRun, read.Seconds, sum}))
}
