package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
)

// Leases holds a row for each UID that was ever leased to a device; its id is the
// UID. A UID stays there for good, so that it is never given again: not to another
// lease, not by a command, not by a load.
const Leases = "uid_leases"

// The states of a leased UID.
const (
	leaseFree     = "leased"
	leaseUsed     = "used"     // registered
	leaseReturned = "returned" // given back unused, and given to nobody again
)

// Bounds of a lease.
const (
	MaxLease   = 1000                 // UIDs
	LeaseTime  = 30 * 24 * time.Hour  // where the caller does not say
	LeaseLimit = 366 * 24 * time.Hour // the longest
)

// Lease is a block of UIDs that one device may give without asking, for as long as
// it is out of reach.
type Lease struct {
	ID      string    `json:"lease"`
	Device  string    `json:"device"`
	Holder  string    `json:"holder"` // the account, token or caller that alone may register them
	Expires time.Time `json:"expires"`
	UIDs    []string  `json:"uids"` // that are not used yet; none once it is returned
	Used    int       `json:"used"`
	State   string    `json:"state"` // open, expired or returned

	Replayed bool `json:"-"` // it was given before, under the same key
}

// Lease gives a block of count UIDs that nothing ever had. who is the holder. A key
// that was used gets its first lease again.
func (r *Registry) Lease(ctx context.Context, count int, device string, expires time.Time, who string, by By) (*Lease, error) {
	now := time.Now()
	if expires.IsZero() {
		expires = now.Add(LeaseTime)
	}
	device = strings.TrimSpace(device)
	switch {
	case count < 1 || count > MaxLease:
		return nil, refuse("lease_count", "count", "want 1 to %d UIDs", MaxLease)
	case device == "" || len(device) > 200:
		return nil, refuse("lease_device", "device", "say which device it is for, in 1 to 200 bytes")
	case !expires.After(now) || expires.After(now.Add(LeaseLimit)):
		return nil, refuse("lease_expires", "expires", "want a time within the next %d days", LeaseLimit/(24*time.Hour))
	}
	id := "l" + strings.TrimPrefix(newEventID(by.Key), "e")
	if by.Key != "" {
		if rows, err := r.leaseRows(ctx, "lease", id); err != nil || len(rows) > 0 {
			return sameLease(rows, who, count, device, now, err)
		}
	}
	p := &plan{Registry: r}
	for tries := 0; ; tries++ {
		ids, err := p.mint(ctx, count)
		if err != nil {
			return nil, err
		}
		var ops []catalog.Op
		none := catalog.Rev(0)
		for _, u := range ids {
			f := catalog.Feature{ID: u, Props: catalog.Properties{
				{Name: "uid", Value: catalog.Text(u)}, {Name: "lease", Value: catalog.Text(id)}, {Name: "device", Value: catalog.Text(device)},
				{Name: "account", Value: catalog.Text(who)}, {Name: "state", Value: catalog.Text(leaseFree)}, {Name: "expires", Value: catalog.Time(expires)},
			}}
			// The second of the two changes nothing, and fails where a command registered the
			// same UID since it was drawn.
			ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: Leases, Feature: f, If: &none},
				catalog.Op{Kind: catalog.Delete, Collection: Structures, Feature: catalog.Feature{ID: u}, If: &none})
		}
		done, err := r.store.Apply(ctx, catalog.Batch{Key: by.Key, Author: by.Author, Reason: by.Reason, Ops: catalog.Ops(ops...)})
		var conflict *catalog.Conflict
		if errors.As(err, &conflict) && tries < 8 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("lease %d UIDs: %w", count, err)
		}
		rows, err := r.leaseRows(ctx, "lease", id)
		if done.Replayed {
			return sameLease(rows, who, count, device, now, err)
		}
		if err != nil {
			return nil, err
		}
		return &leasesOf(rows, now)[0], nil
	}
}

// sameLease answers the repetition of a call under its key.
func sameLease(rows []row, who string, count int, device string, now time.Time, err error) (*Lease, error) {
	if err != nil {
		return nil, err
	}
	if len(rows) != count || rows[0].text("account") != who || rows[0].text("device") != device {
		return nil, refuse("key", "Idempotency-Key", "it was used before, for another lease")
	}
	l := leasesOf(rows, now)[0]
	l.Replayed = true
	return &l, nil
}

// Held returns the leases of a holder, the one that ends first before the others.
func (r *Registry) Held(ctx context.Context, who string) ([]Lease, error) {
	rows, err := r.leaseRows(ctx, "account", who)
	if err != nil {
		return nil, err
	}
	return leasesOf(rows, time.Now()), nil
}

// Return gives back what is left of a lease; nobody gets it again. ErrNotFound when
// the holder has no such lease. To return it twice is no error.
func (r *Registry) Return(ctx context.Context, lease, who string, by By) error {
	rows, err := r.leaseRows(ctx, "lease", lease)
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0].text("account") != who {
		return fmt.Errorf("lease %s: %w", lease, catalog.ErrNotFound)
	}
	var ops []catalog.Op
	for i := range rows {
		if rows[i].text("state") == leaseFree {
			ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: Leases, Feature: stateOfLease(&rows[i], leaseReturned), If: &rows[i].Rev})
		}
	}
	if len(ops) == 0 {
		return nil
	}
	_, err = r.store.Apply(ctx, catalog.Batch{Author: by.Author, Reason: by.Reason, Ops: catalog.Ops(ops...)})
	if err != nil {
		return fmt.Errorf("return lease %s: %w", lease, err)
	}
	return nil
}

// stateOfLease is the row in another state.
func stateOfLease(f *row, state string) catalog.Feature {
	return catalog.Feature{ID: f.ID, Props: with(f.Props, "state", catalog.Text(state))}
}

// leaseRows are the leased UIDs with that value in a field, by lease and UID.
func (r *Registry) leaseRows(ctx context.Context, field string, values ...string) ([]row, error) {
	all, err := r.collections(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c *catalog.Collection) bool { return c.Name == Leases })
	if i < 0 {
		return nil, nil
	}
	var out []row
	q := catalog.Query{Collection: Leases, Match: &catalog.Match{Field: field, Values: values}}
	_, err = r.store.ScanAll(ctx, []catalog.Query{q}, func(_ int, f *catalog.Feature) error {
		out = append(out, row{*f, all[i]})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	slices.SortFunc(out, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.text("lease"), b.text("lease")), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// leasesOf are the leases that the rows, sorted by lease, are of.
func leasesOf(rows []row, now time.Time) []Lease {
	out := []Lease{}
	for i := range rows {
		f := &rows[i]
		if n := len(out); n == 0 || out[n-1].ID != f.text("lease") {
			out = append(out, Lease{ID: f.text("lease"), Device: f.text("device"), Holder: f.text("account"), Expires: f.Props.Get("expires").AsTime().UTC(), UIDs: []string{}, State: "open"})
		}
		l := &out[len(out)-1]
		switch f.text("state") {
		case leaseFree:
			l.UIDs = append(l.UIDs, f.ID)
		case leaseUsed:
			l.Used++
		case leaseReturned:
			l.State = leaseReturned
		}
	}
	for i := range out {
		if out[i].State == "open" && !now.Before(out[i].Expires) {
			out[i].State = "expired"
		}
	}
	slices.SortStableFunc(out, func(a, b Lease) int { return a.Expires.Compare(b.Expires) })
	return out
}

// leased takes a UID of a lease for a structure that is new: for its holder, as long
// as the lease ran on the day that the command is of.
func (p *plan) leased(ctx context.Context, text, path string) (string, error) {
	u, err := uid.Parse(text)
	if err != nil || u.Reserved() {
		return "", refuse("uid", path, "%q is no UID that a structure may have", clip(text))
	}
	id := u.String()
	rows, err := p.leaseRows(ctx, "uid", id)
	if err != nil {
		return "", err
	}
	if len(rows) == 0 || rows[0].text("account") != p.by.Holder || p.by.Holder == "" {
		return "", refuse("uid_not_leased", path, "%s is not leased to you", id)
	}
	f := &rows[0]
	if state := f.text("state"); state != leaseFree {
		return "", refuse("uid_gone", path, "%s was %s before", id, state)
	}
	if end := f.Props.Get("expires").AsTime(); p.at.After(end) {
		return "", refuse("uid_expired", path, "the lease of %s ended on %s: give the day on which it was used, or another UID", id, end.In(p.zone()).Format(time.DateOnly))
	}
	taken := false
	if err := p.ever(ctx, []string{id}, catalog.Everything, func(row) { taken = true }); err != nil {
		return "", err
	}
	if taken || slices.ContainsFunc(p.steps, func(s step) bool { return s.Collection == Leases && s.Feature.ID == id }) {
		return "", refuse("uid_gone", path, "%s was %s before", id, leaseUsed)
	}
	p.put(Leases, stateOfLease(f, leaseUsed), &f.Feature)
	p.steps[len(p.steps)-1].own = true
	return id, nil
}

// notLeased makes the command fail where a drawn UID was leased meanwhile.
func (p *plan) notLeased(id string) {
	if p.schemas[Leases] == nil {
		return
	}
	none := catalog.Rev(0)
	p.steps = append(p.steps, step{Op: catalog.Op{Kind: catalog.Delete, Collection: Leases, Feature: catalog.Feature{ID: id}, If: &none}, own: true})
}
