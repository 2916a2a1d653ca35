// Package importer is the command line of cmd/importer: it reads flags, opens the
// store, and calls ingest and demo.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"nagar/catalog"
	"nagar/internal/app"
	"nagar/internal/ingest"
)

type grammar struct {
	Load        loadCmd        `cmd:"" help:"Load a file into a collection."`
	Match       matchCmd       `cmd:"" help:"Find the structures of departments' records that name none; what is doubtful waits for somebody's review."`
	Demo        demoCmd        `cmd:"" help:"Fill the store with a synthetic city; the same seed gives the same bytes."`
	Define      defineCmd      `cmd:"" help:"Create or alter a collection from a schema file."`
	Export      exportCmd      `cmd:"" help:"Write a collection to a file."`
	Collections collectionsCmd `cmd:"" help:"List the collections, one JSON object a line."`
	Check       checkCmd       `cmd:"" help:"Verify every invariant of the store, and the audit log."`
	Retain      retainCmd      `cmd:"" help:"Erase what is past its time by the policy's rules."`
	Account     accountCmd     `cmd:"" help:"Accounts of staff."`
	Token       tokenCmd       `cmd:"" help:"API tokens."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

// storeFlag is embedded by every subcommand.
type storeFlag struct {
	Store string `help:"The store: a GeoPackage file, or postgres://user@host/db." default:"./city.gpkg" placeholder:"URL"`
}

func (f storeFlag) open(ctx context.Context) (catalog.Store, error) {
	l, err := app.ParseLocation(f.Store)
	if err != nil {
		return nil, err
	}
	return app.OpenStore(ctx, l)
}

// console is where a subcommand reads and writes.
type console struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
}

// usageError is a wrong command line that only the subcommand could see.
type usageError struct{ error }

// Main runs the command and returns its exit code: 0 done, 1 failed, 2 wrong command line.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cli grammar
	parsed, code := app.Parse(&cli, "importer", "Defines, loads, exports and checks the city's collections.",
		kong.Vars{"formats": strings.Join(ingest.Formats(), ", "), "exports": strings.Join(exportFormats(), ", ")}, args, stdout, stderr)
	if parsed == nil {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := parsed.Run(&console{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr})
	if err == nil {
		return app.ExitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted; what was acknowledged stays")
	}
	fmt.Fprintf(stderr, "importer: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return app.ExitUsage
	}
	return app.ExitError
}

// withStore opens the store, calls fn and closes it.
func withStore(ctx context.Context, f storeFlag, fn func(catalog.Store) error) (err error) {
	s, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return fn(s)
}
