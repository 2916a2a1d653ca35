package postgis

import (
	"nagar/catalog"
)

// op is what is left of a catalog.Op once its content is encoded.
type op struct {
	ord    int32 // its place in the batch
	kind   catalog.OpKind
	merge  bool
	cond   bool // If was given
	want   catalog.Rev
	id     string
	from   instant
	begin  instant // where it begins if it is new: from, or where its last deletion left off
	to     instant
	hash   int64
	fields []string // Erase
}

// head is what the store has of a feature when an op meets it.
type head struct {
	there  bool
	fid    int64
	rev    catalog.Rev
	hash   int64
	hashed bool
	same   bool // by content, asked for where there is no hash
	from   instant
	to     instant
	ended  instant // where it is not there: the valid end of its last deletion
}

// action is what a Put or Delete does to the rows.
type action uint8

const (
	keep action = iota
	insert
	update
	remove
)

// decision is an action and its times: from is where the new version begins, cut
// where the old one ends.
type decision struct {
	action
	from, cut instant
}

// condition judges Op.If.
func (o *op) condition(collection string, h *head) error {
	if !o.cond {
		return nil
	}
	have := catalog.Rev(0)
	if h.there {
		have = h.rev
	}
	if have == o.want {
		return nil
	}
	return &catalog.Conflict{Collection: collection, ID: o.id, Want: o.want, Have: have}
}

// unchanged reports whether a Put would change nothing.
func (o *op) unchanged(h *head) bool {
	same := h.same
	if h.hashed && (!o.merge || h.hash == o.hash) {
		// A merging Put is hashed as if what it leaves out were null: where that is
		// what the store has, nothing is left to merge.
		same = h.hash == o.hash
	}
	return same && (o.from == none || o.from >= h.from) && o.to == h.to
}

// decide applies the rules at catalog.Op to a Put or Delete at the batch's time now.
func (o *op) decide(collection string, h *head, now instant) (decision, error) {
	if err := o.condition(collection, h); err != nil {
		return decision{}, err
	}
	if o.kind == catalog.Delete {
		return o.decideDelete(h, now)
	}
	if !h.there {
		return o.decideInsert(h)
	}
	if o.unchanged(h) {
		return decision{}, nil
	}
	from := o.from
	if from == none {
		// A clock that stands still or a version that begins later leaves no time
		// in between: then it is a correction.
		from = max(now, h.from)
	}
	if from < h.from || o.from != none && from > now && from != h.from {
		return decision{}, &catalog.Invalid{Path: "valid_from", Reason: o.id + ": valid_from is before the current version's, or in the future"}
	}
	if o.to != none && o.to <= from {
		return decision{}, &catalog.Invalid{Path: "valid_to", Reason: o.id + ": valid_to is not after valid_from"}
	}
	return decision{action: update, from: from, cut: from}, nil
}

func (o *op) decideInsert(h *head) (decision, error) {
	from := o.from
	if h.ended != none {
		if from == none {
			from = h.ended
		}
		if from < h.ended {
			return decision{}, &catalog.Invalid{Path: "valid_from", Reason: o.id + ": valid_from is before the end that its deletion recorded"}
		}
	}
	if from != none && o.to != none && o.to <= from {
		return decision{}, &catalog.Invalid{Path: "valid_to", Reason: o.id + ": valid_to is not after valid_from"}
	}
	return decision{action: insert, from: from}, nil
}

func (o *op) decideDelete(h *head, now instant) (decision, error) {
	if !h.there {
		return decision{}, nil
	}
	cut := o.from
	if cut == none {
		cut = max(now, h.from)
	}
	if cut < h.from || cut > now && cut != h.from {
		return decision{}, &catalog.Invalid{Path: "valid_from", Reason: o.id + ": the end is before the current version's valid_from, or in the future"}
	}
	return decision{action: remove, cut: cut}, nil
}
