package catalogtest

import (
	"context"
	"os"
	"slices"
	"testing"

	"nagar/catalog"
)

// Dialect is the kind of store under test: it decides which outside tools edit
// it, and in what SQL.
type Dialect string

// The dialects.
const (
	GeoPackage Dialect = "geopackage" // a file; outside SQL through GDAL's SQLite and the sqlite3 shell
	PostGIS    Dialect = "postgis"    // a database; outside SQL through psql
	memoryOnly Dialect = "memory"     // the suite's own: nothing reaches it from outside
)

// Harness makes stores for the suite. A location is what Open and the outside
// tools take: the path of a GeoPackage, or a postgres:// URL.
//
// The suite relies on one convention of both stores: a collection is a table of
// its own name with a text column id, a geometry column geom and, where no name
// clashes, one column per field under the field's own name.
type Harness struct {
	Dialect Dialect

	// New returns the location of a store that is not there yet or is empty. It
	// is removed by the test's own cleanup.
	New func(t testing.TB) string

	// Open opens the store at the location; the suite closes it. Each call stands
	// for one process. It must not need New to have run in this process: the kill
	// test calls it in a child of the test binary.
	Open func(ctx context.Context, location string) (catalog.Store, error)

	// Future changes the closed store at the location so that it looks as if a
	// newer Nagar had written it.
	Future func(t testing.TB, location string)

	// GDAL is the data source name that ogr2ogr opens the location by; nil: the
	// path itself, or "PG:" and what the URL says.
	GDAL func(location string) string
}

// childEnv tells a copy of the test binary to load batches into the location
// until it is killed.
const childEnv = "NAGAR_CATALOGTEST_CHILD"

// Run runs the whole contract as subtests of t. The test that calls it does
// nothing before it but fill in the Harness: the same test is run in child
// processes.
func Run(t *testing.T, h Harness) {
	if location := os.Getenv(childEnv); location != "" {
		runChild(t, h, location)
		return
	}
	for _, c := range cases {
		if c.only != "" && c.only != h.Dialect || c.outside && h.Dialect == memoryOnly {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			e := newEnv(t, h)
			if c.outside {
				e.needTools()
			}
			c.run(e)
		})
	}
}

// testCase is one case of the contract.
type testCase struct {
	name    string
	only    Dialect // "": every store
	outside bool    // other processes and outside tools take part
	run     func(*env)
}

// cases is the contract, from the plain to the hard.
var cases = slices.Concat(defineCases, applyCases, largeCases, eraseCases, exactCases, clockCases, windowCases, matchCases,
	feedCases, busyCases, killCases, outsideCases, outsideTableCases, gdalCases)
