package layers

import (
	"bytes"
	"encoding/json"
	"slices"

	"nagar/catalog"
)

// A table that another program dropped or replaced may have lost what it held
// before the store could see it: then the feed tells that the collection was
// defined, and of no feature that is gone. Such a collection is read again.

// reread is a collection that was read again, with what its features do later.
type reread struct {
	c     *collection
	timed *timetable
}

// again reads those of the defined collections again whose features may have
// changed past the feed.
func (f *follower) again(defined []catalog.Collection) (map[string]*reread, error) {
	out := map[string]*reread{}
	st := f.e.state.Load()
	for i := range defined {
		d := &defined[i]
		old, known := st.cols[d.Name]
		if !known || old.info.Rev == d.Rev || inWordsOnly(&old.info, d) {
			continue
		}
		r := &reread{timed: newTimetable()}
		var err error
		if r.c, err = f.read(f.ctx, d, r.timed, f.e.opts.Clock()); err != nil {
			return nil, err
		}
		out[d.Name] = r
	}
	return out, nil
}

// inWordsOnly reports whether a description changed, and only in what a person
// writes about a collection: titles, classes, owner. Defining it with the same
// description spends no revision, so one that is the same under a new revision
// stands for a new table; another set of fields may do so as well.
func inWordsOnly(a, b *catalog.Collection) bool {
	sameField := func(x, y catalog.Field) bool { return x.Name == y.Name && x.Type == y.Type }
	if a.Geometry != b.Geometry || !slices.EqualFunc(a.Fields, b.Fields, sameField) {
		return false
	}
	c := *b
	c.Rev = a.Rev
	return !sameDescription(a, &c)
}

// sameDescription reports whether two descriptions say the same. One may have been
// read from a file: absent texts and empty ones are alike.
func sameDescription(a, b *catalog.Collection) bool {
	text := func(c catalog.Collection) []byte {
		c.Fields = append([]catalog.Field{}, c.Fields...)
		out, err := json.Marshal(c)
		if err != nil { // descriptions always marshal: stores keep them so
			return nil
		}
		return out
	}
	x, y := text(*a), text(*b)
	return x != nil && bytes.Equal(x, y)
}
