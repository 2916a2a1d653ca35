package catalog

import (
	"iter"
	"time"
)

// OpKind is what an Op does.
type OpKind uint8

// The operations.
const (
	Put    OpKind = iota + 1 // insert, or replace the feature of that id
	Delete                   // end the feature (a tombstone; history stays)
	Erase                    // blank properties in every version, for privacy; revisions stay
)

// Op is one operation on one feature.
//
// Put records a version that is true from Feature.ValidFrom on:
//   - no feature of that id is current: it becomes current; a zero ValidFrom
//     means "no known beginning" (or, after a Delete, from that deletion's valid end on
//     when that is later than its known versions);
//   - one is current and ValidFrom is zero: it changed now, at the batch's time:
//     the old version stays known as true until then;
//   - ValidFrom after the current one's ValidFrom (or that one has none): it changed
//     then: the old version stays known as true until ValidFrom;
//   - ValidFrom equal to the current one's: a correction: the new version replaces
//     the old one on the valid clock, which stays visible by the recorded clock only;
//   - ValidFrom before the current one's, or otherwise in the future: *Invalid.
//
// A version that is planned, with a ValidFrom in the future, is corrected by a Put
// and cancelled by a Delete whose ValidFrom is zero or equal.
//
// A version is current from its Put until it is replaced or deleted, also when its
// ValidTo has passed. The replaced version ends at the new one's ValidFrom or its
// own ValidTo, whichever is earlier. After a Delete, a Put whose ValidFrom is
// before the deletion's valid end is *Invalid.
//
// A Put whose geometry, properties and ValidTo equal the current version's, and
// whose ValidFrom is zero or not before it, says what is known to be true already
// and changes nothing (Unchanged); with Merge, fields that Props leaves out keep their values instead of becoming null.
//
// Delete ends the feature on the valid clock at Feature.ValidFrom, or at the
// batch's time when that is zero; a ValidFrom before the current version's, or in
// otherwise in the future, is *Invalid. A delete of what is not there is Unchanged.
//
// Erase blanks the named fields, or with no names all properties and the
// geometry, in the current and every past version. The current version gets the
// batch's revision, so that a writer who saw the old content meets a *Conflict.
//
// If is judged first: a write that expects another version is a *Conflict, even
// if it would change nothing.
type Op struct {
	Kind       OpKind
	Collection string
	Feature    Feature  // Delete and Erase read only ID and ValidFrom
	If         *Rev     // the revision the writer saw, 0 for "must not exist"; nil writes whatever is there
	Merge      bool     // Put: keep fields that are left out
	Fields     []string // Erase: which
}

// Batch is a set of operations that happens as a whole or not at all, under one
// revision.
type Batch struct {
	// Key, when not empty, makes the batch idempotent: a second Apply with the
	// same key changes nothing and returns the first Result, marked Replayed.
	Key string
	// Author and Reason say who wrote and why; they are kept with the revision.
	Author, Reason string
	// Replace names a collection whose features that this batch does not put are
	// deleted by it.
	Replace string
	// Ops yields the operations; they may be streamed. The *Op is read before the
	// next one is asked for. An error that it yields undoes the batch and is
	// returned. Use Ops for a slice. A second op on the same feature in one batch
	// is *Invalid.
	Ops iter.Seq2[*Op, error]
}

// Ops is the sequence of the given operations.
func Ops(ops ...Op) iter.Seq2[*Op, error] {
	return func(yield func(*Op, error) bool) {
		for i := range ops {
			if !yield(&ops[i], nil) {
				return
			}
		}
	}
}

// Status is what became of one Op.
type Status uint8

// The statuses.
const (
	Unchanged Status = iota
	Created
	Updated
	Deleted
	Erased
)

// Result is what a batch did. Rev is the revision it was recorded under, or the
// head when nothing changed (no revision is spent then).
type Result struct {
	Rev                                          Rev
	Created, Updated, Unchanged, Deleted, Erased int
	Statuses                                     []Status // one per Op, in order; not kept for a replay
	Replayed                                     bool
}

// Change is one entry of the change feed: one feature (or, for Defined, one
// collection's description) changed under one revision.
type Change struct {
	Kind       ChangeKind
	Collection string
	ID         string
	Old        *Feature // the version before, nil when there was none current
	New        *Feature // the version after, nil when it was deleted
}

// ChangeKind is the kind of a Change.
type ChangeKind uint8

// The kinds of change.
const (
	Written  ChangeKind = iota + 1 // Old → New; New nil: deleted
	Scrubbed                       // erased: New is what is left; Old has no content
	Defined                        // the collection was created or altered
)

// Commit is the changes of one revision. One of more than CommitChunk changes
// comes in several Commits with the same Rev, all but the last with More.
type Commit struct {
	Rev     Rev
	Time    time.Time // recorded
	Author  string
	Reason  string
	Changes []Change
	More    bool
}

// CommitChunk is the most changes one Commit holds.
const CommitChunk = 10_000
