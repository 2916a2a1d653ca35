package linkage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/registry"
	"nagar/internal/registry/address"
)

// Directory knows the collections, and their rows as a view sees them; *layers.Engine
// does, in memory.
type Directory interface {
	registry.Directory
	Look(collection string, v catalog.View) func(id string) (catalog.Properties, bool)
}

// Queue is the queue of reviews as a caller sees it: of records that they see, with
// the structures that they see. It is safe for concurrent use.
type Queue struct {
	store     Store
	register  *registry.Registry
	directory Directory
	parser    *address.Parser
}

// NewQueue returns the queue of the store.
func NewQueue(store Store, register *registry.Registry, d Directory, p *address.Parser) *Queue {
	return &Queue{store, register, d, p}
}

// Filter limits a list; zero values do not.
type Filter struct {
	State      string // open (what waits), decided or all; "": open
	Collection string
	Kind       string
	Ward       string
	UID        string // only what joined this structure, or may be of it; "": all
	Limit      int
	After      string // Page.Next of the page before
}

// Entry is a review in a list.
type Entry struct {
	ID         string    `json:"id"`
	Collection string    `json:"collection"`
	Record     RecordRef `json:"record"`
	State      string    `json:"state"`
	Kind       string    `json:"kind"`
	Score      float64   `json:"score"`
	Ward       string    `json:"ward,omitempty"`
	Candidates int       `json:"candidates"`
	Created    time.Time `json:"created"`
	Decided    *Verdict  `json:"decided"`

	row   catalog.Feature
	c     *catalog.Collection
	props catalog.Properties
}

// RecordRef names a record for people.
type RecordRef struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Verdict is the decision that stands.
type Verdict struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Decision string    `json:"decision"`
	UID      string    `json:"uid,omitempty"`
}

// Page is a page of the queue, best first: what is nearest to being sure.
type Page struct {
	Reviews []Entry `json:"reviews"`
	Total   int     `json:"total"`
	Next    string  `json:"next,omitempty"`
}

// Shown calls fn for every row that the answer has values of.
func (p *Page) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for i := range p.Reviews {
		fn(p.Reviews[i].c, p.Reviews[i].Record.ID, p.Reviews[i].props)
	}
}

// ErrCursor says that a cursor is none of ours.
var ErrCursor = errors.New("the cursor is not one of this list")

// seen are the collections whose records the view may see in the queue, by name.
func (q *Queue) seen(view catalog.View) map[string]*catalog.Collection {
	out := map[string]*catalog.Collection{}
	infos := q.directory.Collections()
	for i := range infos {
		c := &infos[i].Collection
		r := ofRecords(c)
		if r == nil || !view.Sees(c) {
			continue
		}
		if f, ok := c.Field(r.Link); ok && view.SeesField(c, f) {
			out[c.Name] = c
		}
	}
	return out
}

// rows reads rows of the queue of some states, those of one collection with name.
func (q *Queue) rows(ctx context.Context, name string, states []string, fn func(*catalog.Feature)) error {
	query := catalog.Query{Collection: Reviews}
	switch {
	case name != "":
		query.Match = &catalog.Match{Field: "collection", Values: []string{name}}
	case len(states) > 0:
		query.Match = &catalog.Match{Field: "state", Values: states}
	}
	_, err := q.store.Scan(ctx, query, func(f *catalog.Feature) error {
		if len(states) == 0 || slices.Contains(states, f.Props.Get("state").Str()) {
			fn(f)
		}
		return nil
	})
	if errors.Is(err, catalog.ErrNotFound) { // nothing was ever matched
		return nil
	}
	return err
}

var statesOf = map[string][]string{"": {Open, Undone}, "open": {Open, Undone}, "decided": {Joined, None}, "all": nil}

// List returns a page of the reviews whose records the view sees.
func (q *Queue) List(ctx context.Context, o Filter, view catalog.View) (*Page, error) {
	states, ok := statesOf[o.State]
	if !ok {
		return nil, &registry.Refused{Path: "state", Reason: fmt.Sprintf("want open, decided or all, got %q", o.State)}
	}
	after, err := cursorOf(o.After)
	if err != nil {
		return nil, err
	}
	if o.UID != "" {
		// Whoever does not see the structure learns nothing of what may be of it.
		briefs, _, err := q.register.Briefs(ctx, []string{o.UID}, catalog.At{}, view)
		if err != nil {
			return nil, fmt.Errorf("list reviews: %w", err)
		}
		if !briefs[0].Seen() {
			return &Page{Reviews: []Entry{}}, nil
		}
	}
	seen := q.seen(view)
	look := map[string]func(string) (catalog.Properties, bool){}
	var all []Entry
	err = q.rows(ctx, o.Collection, states, func(f *catalog.Feature) {
		text := func(name string) string { return f.Props.Get(name).Str() }
		c := seen[text("collection")]
		if c == nil || o.Kind != "" && text("kind") != o.Kind {
			return
		}
		if look[c.Name] == nil {
			look[c.Name] = q.directory.Look(c.Name, view)
		}
		props, there := look[c.Name](text("record"))
		if !there || o.Ward != "" && props.Get("ward").Str() != o.Ward || o.UID != "" && !ofStructure(f, o.UID) {
			return
		}
		all = append(all, Entry{ID: f.ID, Collection: c.Name, Record: RecordRef{ID: text("record")}, State: text("state"), Kind: text("kind"),
			Score: f.Props.Get("score").Float(), Ward: props.Get("ward").Str(), Created: f.Props.Get("created").AsTime(), row: *f, c: c, props: props})
	})
	if err != nil {
		return nil, fmt.Errorf("list reviews: %w", err)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID)) })
	page := &Page{Reviews: []Entry{}, Total: len(all)}
	from := 0
	if after != nil {
		for from < len(all) && (all[from].Score > after.score || all[from].Score == after.score && all[from].ID <= after.id) {
			from++
		}
	}
	end := min(len(all), from+max(1, o.Limit))
	for i := range all[from:end] {
		page.Reviews = append(page.Reviews, all[from+i].finish())
	}
	if end < len(all) {
		page.Next = strconv.FormatFloat(all[end-1].Score, 'g', -1, 64) + "~" + all[end-1].ID
	}
	return page, nil
}

// finish fills in what only a shown entry needs.
func (e Entry) finish() Entry {
	r := reviewOf(&e.row)
	e.Candidates = len(r.Candidates)
	if e.Decided = r.verdict(); e.Decided != nil && e.link() != e.Decided.UID {
		e.Decided.UID = "" // which they do not see, or was changed since
	}
	e.Record.Title, e.props = titleOf(e.c, e.Record.ID, e.props)
	return e
}

func (r *Review) verdict() *Verdict {
	d := r.decided()
	if d == nil {
		return nil
	}
	return &Verdict{d.At, d.By, d.Decision, d.UID}
}

// link is what the record names as its structure, as far as the caller sees it.
func (e *Entry) link() string { return e.props.Get(ofRecords(e.c).Link).Str() }

// titleOf is what a record is called, and the values that say so.
func titleOf(c *catalog.Collection, id string, seen catalog.Properties) (string, catalog.Properties) {
	names := []string{"title", "number", "name"}
	if r := ofRecords(c); r != nil {
		for _, fields := range r.addresses {
			names = append(names, fields...)
		}
	}
	for _, name := range names {
		if s := textOf(seen, name); s != "" {
			return s, catalog.Properties{{Name: name, Value: seen.Get(name)}}
		}
	}
	return id, nil
}

// cursor is a place in a list.
type cursor struct {
	score float64
	id    string
}

func cursorOf(s string) (*cursor, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // the beginning
	}
	score, id, ok := strings.Cut(s, "~")
	f, err := strconv.ParseFloat(score, 64)
	if !ok || err != nil || id == "" {
		return nil, ErrCursor
	}
	return &cursor{f, id}, nil
}

// CollectionSummary counts one collection's records by what became of them.
type CollectionSummary struct {
	Collection string `json:"collection"`
	Open       int    `json:"open"` // doubtful ones that wait
	Joined     int    `json:"joined"`
	None       int    `json:"none"`
	Sure       int    `json:"sure"` // joined without anybody's look
	Rejected   int    `json:"rejected"`
	UnknownUID int    `json:"unknown_uid"`
}

// Summary counts the records that the view sees, by collection.
func (q *Queue) Summary(ctx context.Context, view catalog.View) ([]CollectionSummary, error) {
	seen := q.seen(view)
	by := map[string]*CollectionSummary{}
	out := []CollectionSummary{}
	look := map[string]func(string) (catalog.Properties, bool){}
	for name := range seen {
		by[name], look[name] = &CollectionSummary{Collection: name}, q.directory.Look(name, view)
	}
	err := q.rows(ctx, "", nil, func(f *catalog.Feature) {
		s := by[f.Props.Get("collection").Str()]
		if s == nil {
			return
		}
		if _, there := look[s.Collection](f.Props.Get("record").Str()); there {
			s.count(f.Props.Get("state").Str(), f.Props.Get("kind").Str())
		}
	})
	if err != nil {
		return nil, fmt.Errorf("sum reviews up: %w", err)
	}
	for name, c := range seen {
		if by[name].Sure, err = q.sure(ctx, c, view); err != nil {
			return nil, err
		}
		out = append(out, *by[name])
	}
	slices.SortFunc(out, func(a, b CollectionSummary) int { return cmp.Compare(a.Collection, b.Collection) })
	return out, nil
}

func (s *CollectionSummary) count(state, kind string) {
	switch {
	case state == Joined:
		s.Joined++
	case state == None:
		s.None++
	case kind == Unlike:
		s.Rejected++
	case kind == UnknownUID:
		s.UnknownUID++
	default:
		s.Open++
	}
}
