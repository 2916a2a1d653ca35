package sta

import (
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"nagar/catalog"
	"nagar/internal/twin"
	"nagar/internal/twin/history"
)

// writer writes entities as JSON.
type writer struct {
	s *Session
	b []byte
}

func (w *writer) text(s string) { w.b = append(w.b, s...) }

func (w *writer) member(first *bool, name string) {
	if !*first {
		w.text(",")
	}
	*first = false
	w.b = append(catalog.AppendJSONString(w.b, name), ':')
}

func (w *writer) json(v any) error {
	b, err := json.Marshal(v)
	w.b = append(w.b, b...)
	return err
}

// id writes an id as JSON: a number where it is one.
func (w *writer) id(id string) {
	if twin.Quote(id) == id {
		w.text(id)
		return
	}
	w.b = catalog.AppendJSONString(w.b, id)
}

// entity writes one entity with what the query expands.
func (w *writer) entity(e *entity, q *query) error {
	first, self := true, e.self()
	w.text("{")
	if q.shows("@iot.id") || q.shows("id") {
		w.member(&first, "@iot.id")
		w.id(e.id)
	}
	if len(q.selects) == 0 {
		w.member(&first, "@iot.selfLink")
		w.b = catalog.AppendJSONString(w.b, self)
	}
	for _, name := range fields[e.set] {
		if !q.shows(name) {
			continue
		}
		v := e.property(name)
		if v == nil && name != "resultTime" {
			continue
		}
		w.member(&first, name)
		if err := w.json(v); err != nil {
			return err
		}
	}
	for _, l := range links[e.set] {
		i := slices.IndexFunc(q.expand, func(x expand) bool { return x.name == l.name })
		switch {
		case i >= 0:
			w.member(&first, l.name)
			if err := w.expand(e, l, &q.expand[i].query, self, &first); err != nil {
				return err
			}
		case q.shows(l.name):
			w.member(&first, l.name+"@iot.navigationLink")
			w.b = catalog.AppendJSONString(w.b, self+"/"+l.name)
		}
	}
	for i := range q.expand {
		if !slices.ContainsFunc(links[e.set], func(l link) bool { return l.name == q.expand[i].name }) {
			return bad("$expand", "%s has no %q", e.set, q.expand[i].name)
		}
	}
	w.text("}")
	return nil
}

// expand writes what a link leads to in its place.
func (w *writer) expand(e *entity, l link, q *query, self string, first *bool) error {
	if l.one {
		list := e.follow(l)
		if len(list) == 0 {
			w.text("null")
			return nil
		}
		return w.entity(list[0], q)
	}
	var page []*entity
	var total int
	var more bool
	var err error
	if l.set == observations {
		page, total, more, err = w.s.readings(e.streams(), q)
	} else {
		page, total, more, err = choose(e.follow(l), q)
	}
	if err != nil {
		return err
	}
	if err := w.array(page, q); err != nil {
		return err
	}
	if q.count {
		w.member(first, l.name+"@iot.count")
		w.b = strconv.AppendInt(w.b, int64(total), 10)
	}
	if more {
		w.member(first, l.name+"@iot.nextLink")
		w.b = catalog.AppendJSONString(w.b, self+"/"+l.name+"?$skip="+strconv.Itoa(q.skip+len(page)))
	}
	return nil
}

func (w *writer) array(page []*entity, q *query) error {
	w.text("[")
	for i, e := range page {
		if i > 0 {
			w.text(",")
		}
		if err := w.entity(e, q); err != nil {
			return err
		}
	}
	w.text("]")
	return nil
}

// list writes a page of a list.
func (w *writer) list(all []*entity, q *query, self string, values url.Values, ref bool) error {
	if q.array {
		return bad("$resultFormat", "dataArray is for Observations")
	}
	page, total, more, err := choose(all, q)
	if err != nil {
		return err
	}
	return w.page(page, total, more, q, self, values, ref)
}

// observations writes a page of the readings of datastreams.
func (w *writer) observations(streams []*entity, q *query, self string, values url.Values, ref bool) error {
	page, total, more, err := w.s.readings(streams, q)
	if err != nil {
		return err
	}
	return w.page(page, total, more, q, self, values, ref)
}

func (w *writer) page(page []*entity, total int, more bool, q *query, self string, values url.Values, ref bool) error {
	first := true
	w.text("{")
	if q.count {
		w.member(&first, "@iot.count")
		w.b = strconv.AppendInt(w.b, int64(total), 10)
	}
	if more {
		next := url.Values{}
		for name, v := range values {
			next[name] = v
		}
		next.Set("$skip", strconv.Itoa(q.skip+len(page)))
		w.member(&first, "@iot.nextLink")
		w.b = catalog.AppendJSONString(w.b, self+"?"+next.Encode())
	}
	w.member(&first, "value")
	var err error
	switch {
	case ref:
		w.text("[")
		for i, e := range page {
			if i > 0 {
				w.text(",")
			}
			w.b = append(catalog.AppendJSONString(append(w.b, `{"@iot.selfLink":`...), e.self()), '}')
		}
		w.text("]")
	case q.array:
		err = w.dataArray(page, q)
	default:
		err = w.array(page, q)
	}
	w.text("}")
	return err
}

// dataArray writes readings in the form of 18-088, section 12.2.
func (w *writer) dataArray(page []*entity, q *query) error {
	components := []string{"id"}
	for _, name := range fields[observations] {
		if len(q.selects) == 0 && (name == "phenomenonTime" || name == "resultTime" || name == "result" || name == "resultQuality") || slices.Contains(q.selects, name) {
			components = append(components, name)
		}
	}
	if len(q.selects) > 0 && !slices.Contains(q.selects, "id") {
		components = components[1:]
	}
	w.text("[")
	for i := 0; i < len(page); {
		end := i
		for end < len(page) && page[end].obs.Datastream == page[i].obs.Datastream {
			end++
		}
		if i > 0 {
			w.text(",")
		}
		first := true
		w.text("{")
		w.member(&first, "Datastream@iot.navigationLink")
		w.b = catalog.AppendJSONString(w.b, w.s.Base+"/Datastreams("+url.PathEscape(twin.Quote(page[i].obs.Datastream))+")")
		w.member(&first, "components")
		if err := w.json(components); err != nil {
			return err
		}
		w.member(&first, "dataArray@iot.count")
		w.b = strconv.AppendInt(w.b, int64(end-i), 10)
		w.member(&first, "dataArray")
		var rows [][]any
		for ; i < end; i++ {
			var row []any
			for _, name := range components {
				if name == "id" {
					row = append(row, page[i].id)
				} else {
					row = append(row, page[i].property(name))
				}
			}
			rows = append(rows, row)
		}
		if err := w.json(rows); err != nil {
			return err
		}
		w.text("}")
	}
	w.text("]")
	return nil
}

// choose filters, orders and pages a list.
func choose(all []*entity, q *query) (page []*entity, total int, more bool, err error) {
	var kept []*entity
	for _, e := range all {
		if q.filter == nil || q.filter.eval(e) == true {
			kept = append(kept, e)
		}
	}
	sortBy(kept, q.order)
	total = len(kept)
	kept = kept[min(q.skip, total):]
	top := q.top
	if top < 0 {
		top = defaultTop
	}
	return kept[:min(top, len(kept))], total, len(kept) > top && top > 0, nil
}

func sortBy(list []*entity, by []order) {
	if len(by) == 0 {
		return
	}
	keys := make(map[*entity][]any, len(list))
	for _, e := range list {
		k := make([]any, len(by))
		for i := range by {
			k[i] = by[i].by.eval(e)
		}
		keys[e] = k
	}
	slices.SortStableFunc(list, func(a, b *entity) int {
		for i := range by {
			x, y := keys[a][i], keys[b][i]
			order := 0
			switch {
			case x == nil && y == nil:
			case x == nil:
				order = -1
			case y == nil:
				order = 1
			default:
				order, _ = orderOf(x, y)
			}
			if by[i].desc {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
}

// The most readings that one request looks at, and the most that it holds to sort.
const (
	maxLooked = 2_000_000
	maxSorted = 200_000
)

// readings are a page of the observations of datastreams. Conditions on
// phenomenonTime that all must meet bound what is read.
func (s *Session) readings(streams []*entity, q *query) (page []*entity, total int, more bool, err error) {
	span := history.Span{From: math.MinInt64}
	bounds(q.filter, &span)
	top := q.top
	if top < 0 {
		top = defaultTop
	}
	byTime, newest := len(q.order) == 0, false
	if len(q.order) == 1 && isTime(q.order[0].by) {
		byTime, newest = true, q.order[0].desc
	}
	span.Newest = newest
	merged := len(streams) > 1 && len(q.order) > 0 // else each stream's follow each other
	need := q.skip + top + 1
	looked := 0
	var kept []*entity
	for _, d := range streams {
		span.Datastream = d.id
		of := 0
		err := s.Twin.History().Scan(s.ctx, span, func(o *history.Observation) error {
			if looked++; looked > maxLooked {
				return bad("$filter", "it looks at more than %d readings; bound phenomenonTime", maxLooked)
			}
			e := s.observation(o)
			if q.filter != nil && q.filter.eval(e) != true {
				return nil
			}
			total++
			if of++; byTime && (merged && of > need || !merged && len(kept) >= need) {
				if q.count {
					return nil
				}
				return errEnough
			}
			if kept = append(kept, e); len(kept) > maxSorted {
				return bad("$orderby", "it sorts more than %d readings; bound phenomenonTime", maxSorted)
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, 0, false, err
		}
		if !merged && byTime && len(kept) >= need && !q.count {
			break
		}
	}
	if merged || !byTime {
		sortBy(kept, q.order)
	}
	kept = kept[min(q.skip, len(kept)):]
	return kept[:min(top, len(kept))], total, len(kept) > top && top > 0, nil
}

func isTime(x *expr) bool {
	return x.op == "path" && len(x.path) == 1 && x.path[0] == "phenomenonTime"
}

// bounds narrows a span by the conditions on phenomenonTime that all must meet.
func bounds(x *expr, span *history.Span) {
	if x == nil {
		return
	}
	if x.op == "and" {
		bounds(x.args[0], span)
		bounds(x.args[1], span)
		return
	}
	if len(x.args) != 2 || !isTime(x.args[0]) {
		return
	}
	t, ok := asTime(x.args[1].val)
	if !ok {
		return
	}
	at := t.Truncate(time.Microsecond).UnixMicro()
	switch x.op {
	case "gt", "ge":
		span.From = max(span.From, at)
	case "lt", "le":
		if span.To == 0 || at+1 < span.To {
			span.To = at + 1
		}
	case "eq":
		span.From, span.To = max(span.From, at), at+1
	}
}
