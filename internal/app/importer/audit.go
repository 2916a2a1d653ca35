package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
	"nagar/internal/access/retain"
	"nagar/internal/app"
	"nagar/layers/snapfile"
)

// withAccess opens the access database and calls fn. With make false, one that is
// not there is fs.ErrNotExist.
func (f storeFlag) withAccess(ctx context.Context, make bool, fn func(db *accessdb.DB, folder string) error) (err error) {
	l, err := app.ParseLocation(f.Store)
	if err != nil {
		return err
	}
	folder, err := l.Folder()
	if err != nil {
		return err
	}
	if !make && l.URL == "" {
		if _, err := os.Stat(filepath.Join(folder, "access.db")); err != nil {
			return err
		}
	}
	if make { // beside a database there may be no folder yet
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	db, err := app.OpenAccess(ctx, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return fn(db, folder)
}

// checkAudit verifies the audit log against the heads; nil when there is none.
func (f storeFlag) checkAudit(ctx context.Context, heads []audit.Head) (rep *audit.Report, err error) {
	err = f.withAccess(ctx, false, func(db *accessdb.DB, folder string) error {
		found, err := audit.New(db, folder).Verify(ctx, heads...)
		rep = &found
		return err
	})
	if errors.Is(err, fs.ErrNotExist) && len(heads) == 0 {
		return nil, nil //nolint:nilnil // no log is no fault
	}
	return rep, err
}

type retainCmd struct {
	DryRun bool `help:"Only count what would be erased."`
	storeFlag
}

// Run carries out the policy's rules of retention, and prints what it did.
func (c *retainCmd) Run(con *console) error {
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		return c.withAccess(con.ctx, true, func(db *accessdb.DB, folder string) error {
			policy := func(ctx context.Context) (*access.Policy, error) { return door.New(db, nil, nil, "").Policy(ctx) }
			rep, err := retain.New(s, db, audit.New(db, folder), policy).Once(con.ctx, c.DryRun)
			if err != nil {
				return fmt.Errorf("retain: %w", err)
			}
			if !c.DryRun { // a server that runs removes it by itself; one that does not cannot
				if err := snapfile.Remove(app.SnapshotsIn(folder)); err != nil {
					return fmt.Errorf("retain: %w", err)
				}
			}
			return json.NewEncoder(con.stdout).Encode(rep)
		})
	})
}
