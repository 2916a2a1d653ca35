package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	Action     Action // also those that begin with it and a dash: read means read-tile too
	// About picks the entries that may tell of any of these features, by collection:
	// those that name it, and those with a box that meets its own.
	About  map[string][]Place
	Before int64 // only entries with a lower Seq; 0: from the latest on
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
	seen, about := 0, newSubjects(f.About)
	most := limit // and one more, which tells whether there is a next page
	if about != nil {
		most = MaxScan
	}
	err = l.scan(ctx, f, most+1, func(e *Entry) error {
		if len(page) == limit || seen == most {
			return errEnough
		}
		seen++
		next = e.Seq
		if about.in(e) {
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

// subjects are the features that entries are looked through for; nil: any.
type subjects map[string]subject

type subject struct {
	ids   map[string]bool
	boxes []geo.Box
}

func newSubjects(about map[string][]Place) subjects {
	if len(about) == 0 {
		return nil
	}
	out := make(subjects, len(about))
	for collection, places := range about {
		s := subject{ids: make(map[string]bool, len(places))}
		for i := range places {
			s.ids[places[i].ID] = true
			if b := places[i].Box; !b.IsEmpty() {
				s.boxes = append(s.boxes, b)
			}
		}
		out[collection] = s
	}
	return out
}

// in reports whether the entry may tell of one of them.
func (s subjects) in(e *Entry) bool {
	if s == nil {
		return true
	}
	one, ok := s[e.Collection]
	if !ok {
		return false
	}
	return slices.ContainsFunc(e.IDs, func(id string) bool { return one.ids[id] }) ||
		e.Box != nil && slices.ContainsFunc(one.boxes, e.Box.Intersects)
}

// scan calls fn for each entry that the columns let through: all in their order,
// or the latest ones, the latest first. fn's error ends it and is returned.
func (l *Log) scan(ctx context.Context, f Filter, latest int, fn func(*Entry) error) error {
	where, args := f.where()
	order := ` order by seq`
	if latest > 0 {
		order, args = ` order by seq desc limit ?`, append(args, latest)
	}
	rows, err := l.db.Query(ctx, `select seq, body from audit`+where+order, args...)
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
	if len(f.About) > 0 {
		names := slices.Sorted(maps.Keys(f.About))
		marks := make([]string, len(names))
		values := make([]any, len(names))
		for i, name := range names {
			marks[i], values[i] = `?`, name
		}
		add(`collection in (`+strings.Join(marks, ", ")+`)`, values...)
	}
	if f.Action != "" {
		add(`(action = ? or action like ?)`, string(f.Action), likeSafe(string(f.Action))+"-%")
	}
	if f.Before != 0 {
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
