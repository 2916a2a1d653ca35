package catalog

import (
	"errors"
	"fmt"
)

// The sentinel errors of a store; they come wrapped with what was being done.
var (
	ErrNotFound    = errors.New("not found")                      // no such collection, feature or revision
	ErrFuture      = errors.New("store is of a newer version")    // written by a newer Nagar: refused
	ErrUnavailable = errors.New("store is unavailable")           // database gone, disk full, file locked for too long
	ErrNotAStore   = errors.New("not a Nagar store")              // some other file or database
	ErrBadCursor   = errors.New("revision is ahead of the store") // Changes asked from beyond the head
)

// Invalid says what in the input is wrong; Path names the place (such as
// geometry, properties.height_m, fields[3].type).
type Invalid struct {
	Path   string
	Reason string
}

func (e *Invalid) Error() string { return e.Path + ": " + e.Reason }

// Conflict says that a write expected another version than the store has.
type Conflict struct {
	Collection, ID string
	Want           Rev // as the writer expected; 0: must not exist
	Have           Rev // as it is; 0: does not exist
}

func (e *Conflict) Error() string {
	return fmt.Sprintf("%s/%s: expected revision %d, found %d", e.Collection, e.ID, e.Want, e.Have)
}
