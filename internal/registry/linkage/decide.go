package linkage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/internal/registry"
)

// The decisions.
const (
	Join = "join"
	No   = "none"
	Undo = "undo"
)

// Decision is what somebody decides of a review.
type Decision struct {
	Decision string `json:"decision"`
	UID      string `json:"uid"`
	Note     string `json:"note"`
}

// Settled says that somebody else decided it before.
type Settled struct{ Verdict }

func (e *Settled) Error() string {
	what := "that it is of no known structure"
	if e.Decision == Join {
		what = "for " + e.UID
	}
	return fmt.Sprintf("%s decided %s on %s: undo that first", e.By, what, e.At.Format(time.DateOnly))
}

// Decide carries a decision out: the record's link and the review change together,
// or not at all. *registry.Refused, *registry.Forbidden, *Settled, ErrNotFound.
func (q *Queue) Decide(ctx context.Context, id string, d Decision, by registry.By) (*Detail, error) {
	x, err := q.find(ctx, id, by.View)
	if err != nil {
		return nil, err
	}
	if err := x.writable(by.View); err != nil {
		return nil, err
	}
	if len(d.Note) > 2000 {
		return nil, &registry.Refused{Path: "note", Code: "note_long", Reason: "it is longer than 2,000 bytes"}
	}
	step := Step{At: time.Now().UTC().Truncate(time.Microsecond), By: by.Actor, Decision: d.Decision, Note: d.Note}
	var link *catalog.Op
	switch d.Decision {
	case Join:
		if step.UID, err = q.target(ctx, d.UID, by.View); err != nil {
			return nil, err
		}
		if done, err := x.again(Join, step.UID); err != nil {
			return nil, err
		} else if done {
			return q.Get(ctx, id, by.View)
		}
		link = x.relink(catalog.Text(step.UID), proof{By: by.Actor, At: step.At.Format(time.DateOnly), Score: x.scoreOf(step.UID)}.value())
		x.State, x.UID = Joined, step.UID
	case No:
		if done, err := x.again(No, ""); err != nil {
			return nil, err
		} else if done {
			return q.Get(ctx, id, by.View)
		}
		x.State = None
	case Undo:
		if link, err = x.undo(); err != nil {
			return nil, err
		}
	default:
		return nil, &registry.Refused{Path: "decision", Code: "decision", Reason: fmt.Sprintf("want join, none or undo, got %q", d.Decision)}
	}
	x.History = append(x.History, step)
	if err := q.write(ctx, x, link, &by, d.Decision); err != nil {
		return nil, q.settled(ctx, id, by.View, err)
	}
	return q.Get(ctx, id, by.View)
}

// again reports whether that very thing is decided already; another decision that
// stands is *Settled.
func (x *found) again(decision, u string) (bool, error) {
	v := x.verdict()
	if v == nil {
		return false, nil
	}
	if v.Decision == decision && v.UID == u {
		return true, nil
	}
	return false, &Settled{*v}
}

// target is the UID that a record is to join: of a structure that stands.
func (q *Queue) target(ctx context.Context, s string, view catalog.View) (string, error) {
	u, err := uid.Parse(s)
	if err != nil || u.Reserved() {
		why := "it is reserved"
		if err != nil {
			why = err.Error()
		}
		return "", &registry.Refused{Path: "uid", Code: "review_uid", Reason: why}
	}
	id := u.String()
	briefs, _, err := q.register.Briefs(ctx, []string{id}, catalog.At{}, view)
	if err != nil {
		return "", err
	}
	switch {
	case !briefs[0].Seen():
		return "", &registry.Refused{Path: "uid", Code: "review_unknown", Values: []string{id}, Reason: "there is no structure " + id}
	case registry.Ended(briefs[0].Status):
		return "", &registry.Refused{Path: "uid", Code: "review_ended", Values: []string{id, briefs[0].Status}, Reason: fmt.Sprintf("%s is %s; join it to what stands there now", id, briefs[0].Status)}
	}
	return id, nil
}

func (x *found) scoreOf(u string) float64 {
	for i := range x.Candidates {
		if x.Candidates[i].UID == u {
			return x.Candidates[i].Score
		}
	}
	return 0
}

// relink is the operation that gives the record another link. What it is of was true
// before too: it corrects the version that there is.
func (x *found) relink(link, how catalog.Value) *catalog.Op {
	rev := x.record.Rev
	f := x.record
	f.Props = catalog.Properties{{Name: x.roles.Link, Value: link}}
	if _, ok := x.c.Field(x.roles.Proof); ok {
		f.Props = append(f.Props, catalog.Property{Name: x.roles.Proof, Value: how})
	}
	return &catalog.Op{Kind: catalog.Put, Collection: x.c.Name, Feature: f, If: &rev, Merge: true}
}

// undo takes the decision back that stands: a person's leaves the record waiting as
// before, the matching's leaves it waiting for a person.
func (x *found) undo() (*catalog.Op, error) {
	v := x.verdict()
	if v == nil {
		return nil, &registry.Refused{Path: "decision", Code: "review_open", Reason: "nothing is decided that could be undone"}
	}
	x.State = Open
	if x.Kind == Sure {
		x.State = Undone
	}
	if v.Decision != Join {
		return nil, nil //nolint:nilnil // the record has not changed
	}
	if now := x.record.Props.Get(x.roles.Link).Str(); now != v.UID {
		return nil, &registry.Refused{Path: "decision", Code: "review_moved", Reason: "the record's structure was changed since, outside of this review"}
	}
	was := catalog.Null
	if x.Was != "" {
		was = catalog.Text(x.Was)
	}
	return x.relink(was, catalog.Null), nil
}

// write applies what is decided.
func (q *Queue) write(ctx context.Context, x *found, link *catalog.Op, by *registry.By, decision string) error {
	if link != nil && decision == Join {
		x.Was = x.record.Props.Get(x.roles.Link).Str()
	}
	row, err := x.feature()
	if err != nil {
		return err
	}
	rev := catalog.Rev(0)
	if x.row != nil {
		rev, row.Geometry = x.row.Rev, x.row.Geometry
	} else {
		row.Geometry = x.record.Geometry
	}
	ops := []catalog.Op{{Kind: catalog.Put, Collection: Reviews, Feature: row, If: &rev}}
	if link != nil {
		ops = append([]catalog.Op{*link}, ops...)
	}
	if by.Announce != nil {
		if err := by.Announce(ops); err != nil {
			return err
		}
	}
	_, err = q.store.Apply(ctx, catalog.Batch{Key: by.Key, Author: by.Author, Reason: by.Reason, Ops: catalog.Ops(ops...)})
	if err != nil && by.Undone != nil {
		by.Undone(ops)
	}
	return err
}

// settled turns a conflict into what somebody else decided meanwhile.
func (q *Queue) settled(ctx context.Context, id string, view catalog.View, err error) error {
	var moved *catalog.Conflict
	if !errors.As(err, &moved) {
		return err
	}
	if x, again := q.find(ctx, id, view); again == nil {
		if v := x.verdict(); v != nil {
			return &Settled{*v}
		}
	}
	return err
}
