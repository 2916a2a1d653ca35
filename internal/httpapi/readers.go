package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/layers"
)

// maxSubjects is the most records of one collection that are looked for as being
// about one citizen.
const maxSubjects = 200

// reading is an entry as a citizen sees it: of the member of staff not the name.
type reading struct {
	Time       time.Time    `json:"time"`
	Action     audit.Action `json:"action"`
	Department string       `json:"department,omitempty"`
	Roles      []string     `json:"roles"`
	Purpose    string       `json:"purpose,omitempty"` // id of one of the policy's
	Collection string       `json:"collection"`
	IDs        []string     `json:"ids,omitempty"` // of their own records; none: part of a map or a long list around them
	Fields     []string     `json:"fields,omitempty"`
}

// readers answers /api/me/readers: who read, or is about to have changed, the
// records that are about the caller. Those are the ones that a rule of the policy
// shows to them by their contact.
func (r *request) readers() error {
	switch {
	case r.s.cfg.Audit == nil:
		return unavailable(60, "This server keeps no audit log.", nil)
	case !r.who.Known():
		return newProblem(401, "unauthorized", "Authorization", "Sign in with your phone number or e-mail address to see who read the records about you.")
	case r.who.Kind != access.Citizen || r.who.Contact == "":
		return forbidden("This page is for citizens who signed in with a one-time code; the audit log is at /api/audit.")
	}
	f := audit.Filter{}
	limit, err := r.auditPage(&f)
	if err != nil {
		return err
	}
	if f.About, err = r.aboutCaller(r.Request().Context()); err != nil {
		return err
	}
	out := struct {
		Readings []reading      `json:"readings"`
		Records  map[string]int `json:"records"` // how many are about them, by collection
		Next     string         `json:"next,omitempty"`
	}{Readings: []reading{}, Records: map[string]int{}}
	for name, places := range f.About {
		out.Records[name] = len(places)
	}
	if len(f.About) == 0 {
		return r.confidential(out)
	}
	entries, next, err := r.s.cfg.Audit.Entries(r.Request().Context(), f, limit)
	if err != nil {
		return err
	}
	out.Next = cursorOf(next)
	for i := range entries {
		if e := &entries[i]; e.Who.Account != r.who.ID || e.Who.Kind != access.Citizen {
			out.Readings = append(out.Readings, readingOf(e, f.About[e.Collection]))
		}
	}
	return r.confidential(out)
}

func readingOf(e *audit.Entry, own []audit.Place) reading {
	out := reading{Time: e.Time, Action: e.Action, Department: e.Who.Department, Roles: e.Who.Roles, Purpose: e.Who.Purpose, Collection: e.Collection, Fields: e.Fields}
	if out.Roles == nil {
		out.Roles = []string{string(e.Who.Kind)}
	}
	for _, id := range e.IDs {
		if slices.ContainsFunc(own, func(p audit.Place) bool { return p.ID == id }) {
			out.IDs = append(out.IDs, id)
		}
	}
	return out
}

// aboutCaller finds the features that are about the caller: those of the rules
// that have the caller's contact in them.
func (r *request) aboutCaller(ctx context.Context) (map[string][]audit.Place, error) {
	literal, ok := cql2.Quote(r.who.Contact)
	if !ok {
		return nil, nil
	}
	about := map[string][]audit.Place{}
	for _, info := range r.s.cfg.Engine.Collections() {
		c := &info.Collection
		for _, tier := range r.view.Tiers(c) {
			if !strings.Contains(tier.Rows, literal) {
				continue
			}
			ids, err := r.matching(ctx, c, tier.Rows)
			if err != nil {
				return nil, fmt.Errorf("find records of %s by %s: %w", c.Name, "contact", err)
			}
			for _, id := range ids {
				p, err := r.placeOf(c.Name, id)
				if err != nil {
					return nil, err
				}
				about[c.Name] = append(about[c.Name], p)
			}
		}
	}
	return about, nil
}

// matching lists the ids of features that a view's rule holds for.
func (r *request) matching(ctx context.Context, c *catalog.Collection, rule string) ([]string, error) {
	sum := sha256.Sum256([]byte(c.Name + "\x00" + rule))
	only := catalog.NewView("about"+hex.EncodeToString(sum[:16]), func(d *catalog.Collection) []catalog.Tier {
		if d.Name != c.Name {
			return nil
		}
		return []catalog.Tier{{Rows: rule}}
	})
	if c.Geometry == catalog.GeometryNone {
		return r.scanMatching(ctx, c, cql2.SightOf(c, only))
	}
	world := geo.World()
	a, err := r.s.cfg.Engine.Within(ctx, layers.WithinRequest{Collection: c.Name, Box: &world, View: only, Limit: maxSubjects})
	if err != nil {
		return nil, err
	}
	return idsOf(a)
}

// scanMatching reads a table without geometry, which the engine's queries do not.
func (r *request) scanMatching(ctx context.Context, c *catalog.Collection, sight *cql2.Sight) (ids []string, err error) {
	_, err = r.s.cfg.Store.Scan(ctx, catalog.Query{Collection: c.Name}, func(f *catalog.Feature) error {
		if len(ids) < maxSubjects && sight.Of(cql2.FeatureRow{Collection: c, Feature: f}) != 0 {
			ids = append(ids, f.ID)
		}
		return nil
	})
	return ids, err
}
