package gpkg

import (
	"context"
	"errors"
	"fmt"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// wrap says what was being done, and gives an error of SQLite the meaning that
// the catalogue's contract has for it.
func wrap(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil && (sqlite.ErrCode(err) == sqlite.ResultInterrupt || errors.Is(err, cause)) {
		return fmt.Errorf("%s: %w", doing, cause)
	}
	for _, known := range []error{catalog.ErrUnavailable, catalog.ErrNotFound, catalog.ErrNotAStore, catalog.ErrFuture, catalog.ErrBadCursor} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	switch {
	case sqlite.ErrCode(err).ToPrimary() == sqlite.ResultNotADB:
		return fmt.Errorf("%s: %w: it is no SQLite database", doing, catalog.ErrNotAStore)
	case unavailable(err):
		return fmt.Errorf("%s: %w: %w", doing, catalog.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// unavailable reports whether the error stems from the place where the file lives.
func unavailable(err error) bool {
	if errors.Is(err, catalog.ErrUnavailable) {
		return true
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultIOErr, sqlite.ResultFull, sqlite.ResultCantOpen,
		sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultNoMem, sqlite.ResultProtocol, sqlite.ResultCorrupt, sqlite.ResultAuth:
		return true
	}
	return false
}
