package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/ingest"
)

type loadCmd struct {
	Collection string            `arg:"" help:"Collection to load into; an unknown one is created with the schema found in the file."`
	From       string            `required:"" help:"File to read; - reads standard input." placeholder:"FILE"`
	Format     string            `help:"Format, where the file's name does not tell: ${formats}." placeholder:"F"`
	Layer      string            `help:"Layer of a file with several." placeholder:"NAME"`
	CRS        string            `name:"crs" help:"Coordinate reference system of the file, where it does not tell." placeholder:"EPSG:N"`
	Map        map[string]string `help:"Take a field from a source column of another name; may be repeated." placeholder:"FIELD=SOURCE" mapsep:"none"`
	ID         string            `name:"id" help:"Source column that identifies a feature; else its id member, else a hash of the record." placeholder:"FIELD"`
	Mode       string            `help:"upsert: insert or change; replace: also delete what the file does not have; append: insert only." enum:"upsert,replace,append" default:"upsert"`
	Atomic     bool              `help:"All of the file or nothing."`
	Repair     bool              `help:"Mend self-intersecting shapes instead of rejecting them."`
	Rejects    string            `help:"Write rejected features here (GeoJSONSeq), each with its reason." placeholder:"FILE"`
	DryRun     bool              `help:"Read and judge everything, write nothing."`
	ValidFrom  string            `help:"Since when this is true in the city: a date, or a time with zone." placeholder:"DATE"`
	Epoch      string            `help:"The file is a second survey of the footprints that are there (buildings): survivors keep their UIDs, changes become events. Its name, such as lidar-2027." placeholder:"NAME"`
	NoRegister bool              `help:"Leave structure UIDs out (buildings), and records as they come: unmatched."`
	Public     bool              `help:"Publish what this load creates; else a new collection is internal and its fields are restricted."`
	City       string            `help:"City profile; Mumbai's own when left out." placeholder:"FILE"`
	storeFlag
}

// Run loads the file. The summary is the last line on stdout, also when the load
// ended early.
func (c *loadCmd) Run(con *console) error {
	profile, err := city.Load(c.City)
	if err != nil {
		return err
	}
	from, err := parseMoment("--valid-from", c.ValidFrom, profile, startOfDay)
	if err != nil {
		return usageError{err}
	}
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // no GOMEMLIMIT: a file of gigabytes must fit in 300 MB
		debug.SetMemoryLimit(200 << 20)
	}
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		l, err := newLinker(s, profile)
		if err != nil {
			return err
		}
		p := newProgress(con.stderr, "features")
		if c.Epoch != "" {
			return c.resurvey(con, s, profile, from, p)
		}
		summary, err := ingest.Load(con.ctx, s, profile, ingest.Options{
			Collection: c.Collection, From: c.From, Stdin: con.stdin, Format: c.Format, Layer: c.Layer, CRS: c.CRS,
			Map: c.Map, ID: c.ID, Mode: ingest.Mode(c.Mode), Atomic: c.Atomic, Repair: c.Repair, Rejects: c.Rejects,
			DryRun: c.DryRun, ValidFrom: from, NoRegister: c.NoRegister, Public: c.Public, Author: "importer load", Progress: p.show, Linker: linker(l),
		})
		p.done()
		if ingest.IsUsage(err) {
			return usageError{err}
		}
		for _, w := range summary.Warnings {
			fmt.Fprintf(con.stderr, "importer: warning: %s\n", w)
		}
		return errors.Join(err, json.NewEncoder(con.stdout).Encode(summary))
	})
}
