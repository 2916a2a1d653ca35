package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"nagar/geo"
)

// Filter picks entries; the zero Filter picks all.
type Filter struct {
	From, To   time.Time // [From, To); zero: unbounded
	Who        string    // id or name of the account
	Collection string
	Action     Action  // also those that begin with it and a dash: read means read-tile too
	Features   []Place // any of these features: named, or in the entry's box
	Before     int64   // only entries with a lower Seq; 0: from the latest on
}

// Place is a feature as the log may have caught it: by its id, or by where it is.
type Place struct {
	ID  string
	Box geo.Box // of the geometry, degrees; empty for none
}

// MaxScan is the most entries that one page looks at. A filter by features can
// only look at each entry, so a page may come short, or empty, with more to follow.
const MaxScan = 20_000

// Entries returns up to limit entries, the latest first, and from where the next
// page goes on (its Filter.Before); 0 when this is the last.
func (l *Log) Entries(ctx context.Context, f Filter, limit int) (page []Entry, next int64, err error) {
	seen := 0
	err = l.scan(ctx, f, true, func(e *Entry) error {
		if len(page) == limit || seen == MaxScan {
			return errEnough
		}
		seen++
		next = e.Seq
		if f.matches(e) {
			page = append(page, *e)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return page, next, nil
	}
	return page, 0, err
}

var errEnough = errors.New("enough")

// matches judges what the table's columns cannot.
func (f *Filter) matches(e *Entry) bool {
	if len(f.Features) == 0 {
		return true
	}
	for i := range f.Features {
		p := &f.Features[i]
		if _, named := slices.BinarySearch(e.IDs, p.ID); named {
			return true
		}
		if e.Box != nil && !p.Box.IsEmpty() && e.Box.Intersects(p.Box) {
			return true
		}
	}
	return false
}

// scan calls fn for each entry that the columns let through. fn's error ends it
// and is returned.
func (l *Log) scan(ctx context.Context, f Filter, latestFirst bool, fn func(*Entry) error) error {
	where, args := f.where()
	order := "asc"
	if latestFirst {
		order = "desc"
	}
	rows, err := l.db.Query(ctx, `select seq, body from audit`+where+` order by seq `+order, args...)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		e, err := parse(body)
		if err != nil {
			return fmt.Errorf("entry %d of the audit log: %w", seq, err)
		}
		if err := fn(&e); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	return nil
}

func (f *Filter) where() (string, []any) {
	var terms []string
	var args []any
	add := func(term string, values ...any) {
		terms, args = append(terms, term), append(args, values...)
	}
	if !f.From.IsZero() {
		add(`time >= ?`, f.From.UnixMicro())
	}
	if !f.To.IsZero() {
		add(`time < ?`, f.To.UnixMicro())
	}
	if f.Who != "" {
		add(`(account = ? or name = ?)`, f.Who, f.Who)
	}
	if f.Collection != "" {
		add(`collection = ?`, f.Collection)
	}
	if f.Action != "" {
		add(`(action = ? or action like ?)`, string(f.Action), likeSafe(string(f.Action))+"-%")
	}
	if f.Before != 0 && f.Before != math.MaxInt64 {
		add(`seq < ?`, f.Before)
	}
	if len(terms) == 0 {
		return "", nil
	}
	return " where " + strings.Join(terms, " and "), args
}

// likeSafe drops what LIKE takes for a wildcard; no action has one.
func likeSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '%' || r == '_' || r == '\\' {
			return -1
		}
		return r
	}, s)
}
