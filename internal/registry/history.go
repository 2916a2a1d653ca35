package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nagar/catalog"
)

// PastVersion is one version of a structure's own row or of a footprint.
type PastVersion struct {
	Collection string      `json:"collection"`
	ID         string      `json:"id"`
	Rev        catalog.Rev `json:"rev"`
	RevTo      catalog.Rev `json:"rev_to,omitempty"` // that superseded it
	Recorded   time.Time   `json:"recorded"`
	From       *time.Time  `json:"valid_from,omitempty"`
	To         *time.Time  `json:"valid_to,omitempty"`
	Author     string      `json:"author,omitempty"` // for those who may write
	Reason     string      `json:"reason,omitempty"`
	Values     Values      `json:"properties"`
}

// Past is all that happened to a structure.
type Past struct {
	UID      string        `json:"uid"`
	Events   []Event       `json:"events"`
	Lineage  []Event       `json:"lineage"` // over all generations
	Versions []PastVersion `json:"versions"`

	shown []row
}

// Shown is as that of Structure.
func (p *Past) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for i := range p.shown {
		fn(p.shown[i].c, p.shown[i].ID, p.shown[i].Props)
	}
}

// maxVersions is the most versions that a past lists, the latest.
const maxVersions = 1000

// Past returns what happened to a structure as far as it was recorded up to known
// (0: all). ErrUnknown: the view never saw it.
func (r *Registry) Past(ctx context.Context, id string, known catalog.Rev, view catalog.View) (*Past, error) {
	type place struct {
		c  *catalog.Collection
		id string
	}
	var places []place
	err := r.ever(ctx, []string{id}, view, func(f row) {
		if p := (place{f.c, f.ID}); !slices.Contains(places, p) && (known == 0 || f.Rev <= known) {
			places = append(places, p)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("past of %s: %w", id, err)
	}
	if len(places) == 0 {
		return nil, fmt.Errorf("past of %s: %w", id, ErrUnknown)
	}
	// Events that are yet to come are part of what is known.
	at := catalog.At{AsOf: time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC), Known: known}
	l, err := r.look(ctx, []string{id}, at, view, Events)
	if err != nil {
		return nil, fmt.Errorf("past of %s: %w", id, err)
	}
	out := &Past{UID: id, Events: eventsOf(l.rows[Events]), Versions: []PastVersion{}, shown: l.rows[Events]}
	if out.Lineage, err = r.LineageOf(ctx, id, at, view); err != nil {
		return nil, err
	}
	for _, p := range places {
		versions, err := r.store.History(ctx, p.c.Name, p.id)
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return nil, fmt.Errorf("past of %s: %w", id, err)
		}
		for i := range versions {
			out.version(p.c, &versions[i], id, known, view)
		}
	}
	slices.SortStableFunc(out.Versions, func(a, b PastVersion) int { return int(a.Rev - b.Rev) })
	if n := len(out.Versions); n > maxVersions {
		out.Versions = out.Versions[n-maxVersions:]
	}
	return out, nil
}

// version adds a version, if it was this structure's and the view shows it.
func (p *Past) version(c *catalog.Collection, v *catalog.Version, id string, known catalog.Rev, view catalog.View) {
	seen, ok := seenRow(c, view, &v.Feature)
	if !ok || seen.text(LinkTo(c).Name) != id || known != 0 && v.Rev > known {
		return
	}
	p.shown = append(p.shown, seen)
	out := PastVersion{Collection: c.Name, ID: v.ID, Rev: v.Rev, RevTo: v.RevTo, Recorded: v.Recorded.UTC(), Values: Values(seen.Props)}
	if known != 0 && v.RevTo > known {
		out.RevTo = 0
	}
	if !v.ValidFrom.IsZero() {
		t := v.ValidFrom.UTC()
		out.From = &t
	}
	if !v.ValidTo.IsZero() {
		t := v.ValidTo.UTC()
		out.To = &t
	}
	if view.Writes(c) {
		out.Author, out.Reason = v.Author, v.Reason
	}
	p.Versions = append(p.Versions, out)
}
