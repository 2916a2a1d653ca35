package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

// The kinds of command.
const (
	Register  = "register"
	SetStatus = "status"
	Correct   = "correct"
	Split     = "split"
	Merge     = "merge"
	Replace   = "replace"
	Demolish  = "demolish"
	Revive    = "revive"
	AddUnits  = "units"
	AddAlias  = "alias"
	EndAlias  = "end_alias"
	Undo      = "undo"
)

// By says who gives a command, and on what condition.
type By struct {
	Author string       // as the history keeps it
	Actor  string       // as the event names them
	Reason string       // kept with the revision
	View   catalog.View // what they may see and write
	Key    string       // the command with a key that was used is not done again
	Holder string       // by which leases know them; "" for who has none
	If     *catalog.Rev // the structure's Rev as they saw it; nil: whatever it is
	// Announce, when not nil, is told of the operations before they are made, and may
	// refuse; Undone, that they did not come about.
	Announce func([]catalog.Op) error
	Undone   func([]catalog.Op)
}

// Done is what came of a command.
type Done struct {
	Event    Event       `json:"event"`
	UID      string      `json:"uid"`                // of the structure it was about
	Touched  []string    `json:"structures"`         // all that have the event in their lives
	Rev      catalog.Rev `json:"-"`                  // that recorded it
	Replayed bool        `json:"replayed,omitempty"` // it had been done before
}

// step is one operation of a plan, and what it is done over; nil: nothing.
type step struct {
	catalog.Op
	have *catalog.Feature
	own  bool // the register's own bookkeeping, which nobody needs a right for
}

// plan is a command worked out: what it writes, and the event that says so.
type plan struct {
	*Registry
	by      *By
	cmd     *Command
	at      time.Time // when it takes place in the city
	day     time.Time // of the event, as a date
	dated   bool      // a day before today was given
	schemas map[string]*catalog.Collection
	steps   []step
	event   Event
	touched map[string]string // status afterwards of each structure that the event concerns
	ward    map[string]string
	circle  []string // structures that would be their own ancestors
}

// Do carries a command out: all of it, or an error and nothing. The rules of the
// register refuse with *Refused, what the caller may not write is *Forbidden, what
// changed meanwhile *catalog.Conflict.
func (r *Registry) Do(ctx context.Context, cmd *Command, by By) (*Done, error) {
	p := &plan{Registry: r, by: &by, cmd: cmd, schemas: map[string]*catalog.Collection{}, touched: map[string]string{}, ward: map[string]string{}}
	all, err := r.collections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		p.schemas[c.Name] = c
	}
	for _, name := range []string{Structures, Buildings, Events, Aliases, Units} {
		if p.schemas[name] == nil {
			return nil, fmt.Errorf("the register needs the collection %s: %w", name, catalog.ErrNotFound)
		}
	}
	digest := cmd.digest()
	p.event.ID = newEventID(by.Key)
	if by.Key != "" {
		if done, err := r.replay(ctx, p.event.ID, digest); done != nil || err != nil {
			return done, err
		}
	}
	if err := p.when(); err != nil {
		return nil, err
	}
	if err := p.make(ctx); err != nil {
		return nil, err
	}
	if err := p.recordEvent(digest); err != nil {
		return nil, err
	}
	return p.apply(ctx)
}

// when settles at what time the command takes place.
func (p *plan) when() error {
	now := time.Now()
	p.at, p.day = now.Add(-slack).UTC().Truncate(time.Microsecond), now.In(p.zone())
	if p.cmd.Date == "" {
		return nil
	}
	d, err := time.ParseInLocation(time.DateOnly, p.cmd.Date, p.zone())
	if err != nil {
		return refuse("date", "date", "want a day such as 2026-11-23, got %q", p.cmd.Date)
	}
	if d.After(now) {
		return refuse("future", "date", "%s is yet to come", p.cmd.Date)
	}
	p.day = d
	if p.dated = !sameDay(d, now.In(p.zone())); p.dated {
		p.at = d.UTC()
	}
	return nil
}

func (r *Registry) zone() *time.Location {
	if r.Zone == nil {
		return time.UTC
	}
	return r.Zone
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// slack is how far the store's clock may be behind ours.
const slack = 2 * time.Second

// after moves the time of the command behind the state that it changes, where that
// began on the same day; a day before that is refused.
func (p *plan) after(rows ...row) error {
	for i := range rows {
		from := rows[i].ValidFrom
		switch {
		case from.IsZero() || from.Before(p.at):
		case p.dated && !sameDay(from.In(p.zone()), p.day):
			return refuse("before", "date", "%s is before %s, since when the state that it would change is known to be true (%s/%s)",
				p.cmd.Date, from.In(p.zone()).Format(time.DateOnly), rows[i].c.Name, rows[i].ID)
		default:
			p.at = from.UTC().Add(time.Microsecond)
		}
	}
	return nil
}

// put adds a write of a row over what there is; have nil: of a new one.
func (p *plan) put(collection string, f catalog.Feature, have *catalog.Feature) {
	rev := catalog.Rev(0)
	if have != nil {
		rev = have.Rev
	}
	p.steps = append(p.steps, step{catalog.Op{Kind: catalog.Put, Collection: collection, Feature: f, If: &rev}, have, false})
}

// end adds the end of a row.
func (p *plan) end(f *row) {
	rev := f.Rev
	p.steps = append(p.steps, step{catalog.Op{Kind: catalog.Delete, Collection: f.c.Name, Feature: catalog.Feature{ID: f.ID, ValidFrom: p.at}, If: &rev}, &f.Feature, false})
}

// guard adds a write that changes nothing, and fails when the row has changed.
func (p *plan) guard(f *row) {
	if f != nil {
		same := f.Feature
		same.ValidFrom = time.Time{}
		p.put(f.c.Name, same, &f.Feature)
	}
}

// recordEvent adds the event's rows, one for each structure it concerns.
func (p *plan) recordEvent(digest string) error {
	lineage := catalog.Null
	if p.event.Lineage != nil {
		text, err := json.Marshal(p.event.Lineage)
		if err != nil {
			return err
		}
		lineage = catalog.JSON(string(text))
	}
	ids := make([]string, 0, len(p.touched))
	for id := range p.touched {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		f := catalog.Feature{ID: p.event.ID + "/" + id, ValidFrom: p.at, Props: catalog.Properties{
			{Name: "uid", Value: catalog.Text(id)}, {Name: "event", Value: catalog.Text(p.event.ID)}, {Name: "kind", Value: catalog.Text(p.event.Kind)},
			{Name: "date", Value: catalog.Date(p.day)}, {Name: "lineage", Value: lineage}, {Name: "digest", Value: catalog.Text(digest)},
		}}
		for _, v := range [...][2]string{{"status", p.touched[id]}, {"actor", p.by.Actor}, {"evidence", p.cmd.Evidence}, {"undoes", p.event.Undoes}, {"ward", p.ward[id]}} {
			if v[1] != "" {
				f.Props = append(f.Props, catalog.Property{Name: v[0], Value: catalog.Text(v[1])})
			}
		}
		p.put(Events, f, nil)
	}
	return nil
}

// apply checks what the caller may write, and writes it.
func (p *plan) apply(ctx context.Context) (*Done, error) {
	ops := make([]catalog.Op, len(p.steps))
	var told []catalog.Op // but for what only guards
	for i := range p.steps {
		s := &p.steps[i]
		ops[i] = s.Op
		if !s.own || s.Kind == catalog.Put {
			told = append(told, s.Op)
		}
		if s.own {
			continue
		}
		c := p.schemas[s.Collection]
		if s.Kind == catalog.Put {
			if err := c.Check(&s.Feature); err != nil {
				return nil, err
			}
		}
		if err := mayWrite(c, p.by.View, s); err != nil {
			return nil, err
		}
	}
	if p.by.Announce != nil {
		if err := p.by.Announce(told); err != nil {
			return nil, err
		}
	}
	done, err := p.store.Apply(ctx, catalog.Batch{Key: p.by.Key, Author: p.by.Author, Reason: p.by.Reason, Ops: catalog.Ops(ops...)})
	if err != nil {
		if p.by.Undone != nil {
			p.by.Undone(told)
		}
		return nil, fmt.Errorf("%s: %w", p.cmd.Kind, err)
	}
	out, err := p.replay(ctx, p.event.ID, "")
	if err != nil {
		return nil, err
	}
	out.UID, out.Replayed = p.cmd.UID, done.Replayed
	return out, nil
}

// mayWrite refuses an operation on a row, or a field of it, that the view does not
// let be written, before the change and after it.
func mayWrite(c *catalog.Collection, view catalog.View, s *step) error {
	sight := cql2.SightOf(c, view)
	if s.Kind == catalog.Put && s.have != nil && s.Feature.Props.Equal(s.have.Props) && s.Feature.Geometry.Equal(&s.have.Geometry) && s.Feature.ValidFrom.IsZero() {
		return nil // a guard
	}
	no := func(field string) error { return &Forbidden{c.Name, s.Feature.ID, field} }
	var before []bool
	var old catalog.Properties
	if s.have != nil {
		var ok bool
		if before, ok = sight.Writable(s.have); !ok {
			return no("")
		}
		old = s.have.Props
	}
	if s.Kind != catalog.Put {
		return nil
	}
	after, ok := sight.Writable(&s.Feature)
	if !ok {
		return no("")
	}
	for i := range c.Fields {
		name := c.Fields[i].Name
		if s.Feature.Props.Get(name) != old.Get(name) && (!after[i] || before != nil && !before[i]) {
			return no(name)
		}
	}
	return nil
}

// replay returns what an event that was recorded before did, nil when there is
// none. A digest that differs from the event's is of another command.
func (r *Registry) replay(ctx context.Context, event, digest string) (*Done, error) {
	rows, err := r.eventRows(ctx, event)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if digest != "" && rows[0].text("digest") != digest {
		return nil, refuse("key", "Idempotency-Key", "it was used before, for another command")
	}
	out := &Done{Event: eventsOf(rows)[0], Rev: rows[0].Rev, Replayed: true}
	for i := range rows {
		out.Touched = append(out.Touched, rows[i].text("uid"))
	}
	slices.Sort(out.Touched)
	out.UID = out.Touched[0]
	if l := out.Event.Lineage; l != nil && len(l.From) > 0 {
		out.UID = l.From[0]
	}
	return out, nil
}

// eventRows are the rows of an event, whenever it took place.
func (r *Registry) eventRows(ctx context.Context, event string) ([]row, error) {
	all, err := r.collections(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c *catalog.Collection) bool { return c.Name == Events })
	if i < 0 {
		return nil, nil
	}
	q := catalog.Query{Collection: Events, Ever: true, Match: &catalog.Match{Field: "event", Values: []string{event}}}
	var out []row
	_, err = r.store.ScanAll(ctx, []catalog.Query{q}, func(_ int, f *catalog.Feature) error {
		out = append(out, row{Feature: *f, c: all[i]})
		return nil
	})
	slices.SortFunc(out, func(a, b row) int { return strings.Compare(a.ID, b.ID) })
	return out, err
}

// newEventID is a new event's id, the same for the same key.
func newEventID(key string) string {
	if key == "" {
		return "e-" + strings.ToLower(rand.Text()[:20])
	}
	sum := sha256.Sum256([]byte(key))
	return "e-" + hex.EncodeToString(sum[:10])
}
