package gpkg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"nagar/catalog"
)

// Backup writes the store as it is now, history and all, to a new file at path:
// a store of its own, packed. Others may go on writing meanwhile. A file that is
// there already is an error (*catalog.Invalid) and stays as it is.
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &catalog.Invalid{Path: "backup", Reason: fmt.Sprintf("%s is there already", path)}
		}
		return fmt.Errorf("back up the store: %w", err)
	}
	// What waits in the journal belongs into the copy as a revision.
	err := s.read(ctx, func(*readTx) error { return nil })
	if err == nil {
		err = s.copyTo(ctx, path)
	}
	return wrap(ctx, "back up the store", err)
}

func (s *Store) copyTo(ctx context.Context, path string) error {
	c, err := openConn(s.path, false)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetInterrupt(ctx.Done())
	err = c.exec("VACUUM INTO ?1", path)
	c.SetInterrupt(nil)
	if err != nil {
		_ = os.Remove(path) // a half-written copy helps nobody, and it may not even be there
	}
	return err
}
