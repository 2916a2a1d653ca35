package sta

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The page sizes: without $top, and the most.
const (
	defaultTop = 100
	maxTop     = 10_000
	maxSkip    = 10_000_000
	maxExpand  = 4 // how deep $expand nests
)

// query is the options of one request, or of one $expand.
type query struct {
	filter  *expr
	order   []order
	selects []string // none: all
	expand  []expand
	top     int // -1: not given
	skip    int
	count   bool
	array   bool // resultFormat=dataArray
}

type order struct {
	by   *expr
	desc bool
}

type expand struct {
	name string
	query
}

var options = []string{"$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$count", "$resultFormat"}

// parseQuery reads the query of a request.
func parseQuery(values url.Values) (query, error) {
	q := query{top: -1}
	for name, v := range values {
		if len(v) != 1 {
			return q, bad(name, "it is given %d times", len(v))
		}
		if err := q.set(name, v[0], 0); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *query) set(name, v string, depth int) (err error) {
	switch name {
	case "$filter":
		q.filter, err = parseFilter(name, v)
	case "$orderby":
		for part := range splitTop(v, ',') {
			text, word, _ := strings.Cut(strings.TrimSpace(part), " ")
			word = strings.TrimSpace(word)
			if word != "" && word != "asc" && word != "desc" {
				return bad(name, "want asc or desc, got %q", word)
			}
			by, err := parseFilter(name, text)
			if err != nil {
				return err
			}
			q.order = append(q.order, order{by, word == "desc"})
		}
	case "$select":
		for part := range splitTop(v, ',') {
			q.selects = append(q.selects, strings.TrimSpace(part))
		}
	case "$expand":
		return q.expands(v, depth)
	case "$top":
		q.top, err = whole(name, v, maxTop)
	case "$skip":
		q.skip, err = whole(name, v, maxSkip)
	case "$count":
		if q.count = v == "true"; v != "true" && v != "false" {
			err = bad(name, "want true or false, got %q", v)
		}
	case "$resultFormat", "resultFormat":
		if q.array = v == "dataArray"; !q.array && v != "default" {
			err = bad(name, "want dataArray, got %q", v)
		}
	default:
		err = bad(name, "there is no such option; there are %s", strings.Join(options, ", "))
	}
	return err
}

func whole(name, v string, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, bad(name, "want a whole number, got %q", v)
	}
	return min(n, most), nil
}

// expands reads $expand: Datastreams($select=name;$expand=Observations($top=1)),Locations/Things.
func (q *query) expands(text string, depth int) error {
	if depth > maxExpand || len(text) > maxFilter {
		return bad("$expand", "it is nested too deeply, or too long")
	}
	for part := range splitTop(text, ',') {
		part = strings.TrimSpace(part)
		path, inner, has := strings.Cut(part, "(")
		if has && !strings.HasSuffix(inner, ")") {
			return bad("$expand", "a bracket is not closed in %q", part)
		}
		name, rest, deeper := strings.Cut(path, "/")
		e := expand{name: name, query: query{top: -1}}
		into := &e.query
		if deeper {
			if has {
				rest += "(" + inner
				has = false
			}
			if err := into.expands(rest, depth+1); err != nil {
				return err
			}
		}
		if has {
			for option := range splitTop(strings.TrimSuffix(inner, ")"), ';') {
				name, v, ok := strings.Cut(strings.TrimSpace(option), "=")
				if !ok {
					return bad("$expand", "%q is no option", option)
				}
				if err := into.set(name, v, depth+1); err != nil {
					return err
				}
			}
		}
		q.expand = append(q.expand, e)
		if len(q.expand) > 16 {
			return bad("$expand", "it names too many")
		}
	}
	return nil
}

// splitTop yields the parts between separators that stand outside brackets and quotes.
func splitTop(s string, separator byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		depth, quoted, start := 0, false, 0
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\'':
				quoted = !quoted
			case quoted:
			case c == '(':
				depth++
			case c == ')':
				depth--
			case c == separator && depth == 0:
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(s[start:])
	}
}

// shows reports whether $select has the property.
func (q *query) shows(name string) bool {
	return len(q.selects) == 0 || slices.Contains(q.selects, name)
}
