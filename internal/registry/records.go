package registry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
)

// Record is one row of a department about a structure.
type Record struct {
	Values Values `json:"properties"`
	Source
}

// RecordSet is a department's rows of one kind.
type RecordSet struct {
	Collection string        `json:"collection"`
	Title      catalog.Words `json:"title,omitempty"`
	Count      int           `json:"count"`
	Records    []Record      `json:"records"` // the first of them; /records has all
}

// Department is what one department has about a structure.
type Department struct {
	Name string      `json:"department"`
	Sets []RecordSet `json:"collections"`
}

// The states of a certificate.
const (
	CertificateValid    = "valid"
	CertificateExpiring = "expiring" // within expiringSoon
	CertificateExpired  = "expired"
	CertificateFuture   = "not_yet"
)

// expiringSoon is how long before its end a certificate is due.
const expiringSoon = 60 * 24 * time.Hour

// Certificate is a record with the fields issued and expires: what a department
// has certified of a structure.
type Certificate struct {
	Title   catalog.Words `json:"title,omitempty"`
	State   string        `json:"state"`
	Issued  string        `json:"issued,omitempty"`
	Expires string        `json:"expires,omitempty"`
	Source
}

// isCertificate reports whether rows of the collection are certificates: they say
// when they were issued and until when they hold.
func isCertificate(c *catalog.Collection) bool {
	for _, name := range []string{"issued", "expires"} {
		if f, ok := c.Field(name); !ok || f.Type != catalog.TypeDate && f.Type != catalog.TypeTime {
			return false
		}
	}
	return true
}

// stateOf is a certificate's state on a day; its last day counts.
func stateOf(issued, expires catalog.Value, now time.Time) string {
	end := expires.AsTime()
	if expires.Type() == catalog.TypeDate {
		end = end.AddDate(0, 0, 1)
	}
	switch {
	case !issued.IsNull() && now.Before(issued.AsTime()):
		return CertificateFuture
	case expires.IsNull():
		return CertificateValid
	case !now.Before(end):
		return CertificateExpired
	case !now.Add(expiringSoon).Before(end):
		return CertificateExpiring
	}
	return CertificateValid
}

// own are the collections that are told of in places of their own.
func own(name string) bool {
	return name == Buildings || name == Structures || name == Units || name == Aliases || name == Events || name == Findings
}

// records fills in what departments have, by department, and the certificates.
func (s *Structure) records(l *look, now time.Time) {
	for _, c := range l.all {
		rows := l.rows[c.Name]
		if own(c.Name) || len(rows) == 0 {
			continue
		}
		set := RecordSet{Collection: c.Name, Title: c.Title, Count: len(rows), Records: make([]Record, 0, min(len(rows), pageRows))}
		certificates := isCertificate(c)
		for i := range rows {
			f := &rows[i]
			if certificates {
				issued, expires := f.Props.Get("issued"), f.Props.Get("expires")
				if !issued.IsNull() || !expires.IsNull() {
					s.Certificates = append(s.Certificates, Certificate{c.Title, stateOf(issued, expires, now), day(issued), day(expires), sourceOf(f)})
				}
			}
			if i < pageRows {
				set.Records = append(set.Records, Record{Values(f.Props), sourceOf(f)})
			}
			if i < pageRows || certificates {
				s.shown = append(s.shown, *f)
			}
		}
		at := slices.IndexFunc(s.Records, func(d Department) bool { return d.Name == c.Owner })
		if at < 0 {
			at = len(s.Records)
			s.Records = append(s.Records, Department{Name: c.Owner})
		}
		s.Records[at].Sets = append(s.Records[at].Sets, set)
	}
	slices.SortFunc(s.Records, func(a, b Department) int { return cmp.Compare(a.Name, b.Name) })
}

// RecordPage is one page of the rows about a structure.
type RecordPage struct {
	UID     string      `json:"uid"`
	Records []Record    `json:"records"`
	Next    string      `json:"next,omitempty"` // cursor of the next page
	Head    catalog.Rev `json:"-"`

	shown []row
}

// Shown is as that of Structure.
func (p *RecordPage) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for i := range p.shown {
		fn(p.shown[i].c, p.shown[i].ID, p.shown[i].Props)
	}
}

// Records returns the rows that link to a structure, of one collection or, with "",
// of all that are departments' own, by collection and id, after a cursor. A
// collection that is not there for the caller, or has no link, is ErrNotFound.
func (r *Registry) Records(ctx context.Context, id, collection string, at catalog.At, view catalog.View, limit int, after string) (*RecordPage, error) {
	var only []string
	if collection != "" {
		only = []string{collection}
	}
	l, err := r.look(ctx, []string{id}, at, view, only...)
	if err != nil {
		return nil, fmt.Errorf("records of %s: %w", id, err)
	}
	out := &RecordPage{UID: id, Head: l.rev, Records: []Record{}}
	there := collection == ""
	for _, c := range l.all {
		if collection == "" && own(c.Name) || collection != "" && c.Name != collection {
			continue
		}
		there = there || LinkTo(c) != nil
		rows := l.rows[c.Name]
		for i := range rows {
			place := c.Name + "/" + rows[i].ID
			if after != "" && strings.Compare(place, after) <= 0 {
				continue
			}
			if len(out.Records) == limit {
				last := out.Records[limit-1]
				out.Next = last.Collection + "/" + last.ID
				return out, nil
			}
			out.Records = append(out.Records, Record{Values(rows[i].Props), sourceOf(&rows[i])})
			out.shown = append(out.shown, rows[i])
		}
	}
	if !there {
		return nil, fmt.Errorf("collection %s: %w", collection, catalog.ErrNotFound)
	}
	return out, nil
}
