package httpapi

import (
	"errors"
	"net/http"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

// Who may write what: a row that a Write tier of the caller's view has both before
// and after the change, as far as the fields of such tiers. What the caller does
// not see stays as it is, and is not there for them (404); what they see and may
// not write is refused (403).

// visible is the collection with the fields that the caller sees on some row: to
// them there are no others.
func (r *request) visible(c *catalog.Collection) *catalog.Collection {
	out := *c
	out.Fields = make([]catalog.Field, 0, len(c.Fields))
	for i := range c.Fields {
		if r.view.SeesField(c, &c.Fields[i]) {
			out.Fields = append(out.Fields, c.Fields[i])
		}
	}
	return &out
}

// seen reports whether the caller sees the feature.
func (r *request) seen(c *catalog.Collection, f *catalog.Feature) bool {
	return cql2.SightOf(c, r.view).Of(cql2.FeatureRow{Collection: c, Feature: f}) != 0
}

// cut is the feature as the caller sees it.
func (r *request) cut(c *catalog.Collection, f *catalog.Feature) *catalog.Feature {
	out := *f
	out.Props, _ = cql2.SightOf(c, r.view).See(f)
	return &out
}

// mayWrite completes what the caller wants to write over a feature they see (nil:
// a new one) with what they do not see of it, and refuses what they may not. With
// whole, a field that they may not write and leave out stays as it is, too.
func (r *request) mayWrite(c *catalog.Collection, have, next *catalog.Feature, whole bool) error {
	sight := cql2.SightOf(c, r.view)
	old := catalog.Feature{}
	shown, before := make([]bool, len(c.Fields)), make([]bool, len(c.Fields))
	if have != nil {
		old = *have
		shown = sight.Shows(sight.Of(cql2.FeatureRow{Collection: c, Feature: have}))
		var ok bool
		if before, ok = sight.Writable(have); !ok {
			return forbidden("You may not write this feature.")
		}
	}
	given := next.Props
	next.Props = make(catalog.Properties, 0, len(given))
	var changed []int
	for i := range c.Fields {
		name := c.Fields[i].Name
		was, will := old.Props.Get(name), given.Get(name)
		switch {
		case have == nil, shown[i] && before[i]:
		case will.IsNull() && (!shown[i] || whole):
			will = was
		case !shown[i] || will != was:
			return forbidden("You may not write the field " + clip(name) + " of this feature.")
		}
		if will != was {
			changed = append(changed, i)
		}
		if !will.IsNull() {
			next.Props = append(next.Props, catalog.Property{Name: name, Value: will})
		}
	}
	after, ok := sight.Writable(next)
	if !ok {
		return forbidden("You may not write a feature like this: it would not be among those that you may write.")
	}
	for _, i := range changed {
		if !after[i] {
			return forbidden("You may not write the field " + clip(c.Fields[i].Name) + " of a feature like this.")
		}
	}
	return nil
}

// mayEnd refuses to end a feature that the caller sees and may not write.
func (r *request) mayEnd(c *catalog.Collection, have *catalog.Feature) error {
	if _, ok := cql2.SightOf(c, r.view).Writable(have); !ok {
		return forbidden("You may not write this feature.")
	}
	return nil
}

// taken turns the conflict of a new feature with one that the caller does not see
// into an answer that says no more than that its id is not free.
func (r *request) taken(c *catalog.Collection, err error) error {
	var conflict *catalog.Conflict
	if !errors.As(err, &conflict) {
		return err
	}
	have, readErr := r.current(r.Request().Context(), c.Name, conflict.ID)
	if readErr != nil {
		return readErr
	}
	if have != nil && r.seen(c, have) {
		return err
	}
	return newProblem(http.StatusConflict, "conflict", "id", "This id is taken.")
}
