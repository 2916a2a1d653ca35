package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/registry"
)

// hit is a rule that holds.
type hit struct {
	rule     *compiled
	id       string // of the finding
	subject  string // UID, or collection/id of a record
	uid      string
	ward     string
	place    geo.Geometry
	summary  map[string]string
	evidence []Evidence
	cause    string // changes with what the finding rests on, and not with the day
}

// Evidence is one value that a finding rests on, as it is kept.
type Evidence struct {
	Column     string          `json:"f"`           // in the rule's words; or a field of the record
	Value      json.RawMessage `json:"v,omitempty"` // left out where it is personal
	Collection string          `json:"c,omitempty"` // of the row that it is from
	ID         string          `json:"id,omitempty"`
	Since      string          `json:"d,omitempty"` // YYYY-MM-DD, since when the row is true

	timed bool
	round json.RawMessage // as it counts for the cause
}

// others tells in how many other structures a value of an indexed field is.
type others map[string]map[string][]string // collection.field → value → UIDs

// question is one rule asked about one structure, group or record: the row that the
// condition reads.
type question struct {
	rule   *compiled
	u      *unit
	rec    *catalog.Feature     // of a rule about records
	rows   [][]*catalog.Feature // by set
	group  string               // its first record, where there are groups
	today  day
	zone   *time.Location
	others others
}

// Value implements cql2.Row.
func (q *question) Value(i int) catalog.Value { return q.value(&q.rule.columns[i]) }

// Box implements cql2.Row; a rule asks for no geometry.
func (q *question) Box() (geo.Box, bool) { return geo.EmptyBox(), false }

// Geometry implements cql2.Row.
func (q *question) Geometry() *geo.Geometry { return &geo.Geometry{} }

func (q *question) value(c *column) catalog.Value {
	switch {
	case c.own != "":
		return q.u.value(c.own, q.today, q.zone)
	case c.fn == "days_to":
		d, ok := dayIn(q.value(c.of), q.zone)
		if !ok {
			return catalog.Null
		}
		return catalog.Integer(int64(d - q.today))
	case c.fn == "elsewhere":
		return catalog.Integer(int64(len(q.elsewhere(c))))
	case c.fn != "":
		return over(c.fn, q.fieldName(c), q.rows[c.set])
	}
	return q.rec.Props.Get(q.rule.about.Fields[c.field].Name)
}

func (q *question) fieldName(c *column) string {
	if c.field < 0 {
		return ""
	}
	return q.rule.sets[c.set].c.Fields[c.field].Name
}

// elsewhere are the other structures that have one of the records' values.
func (q *question) elsewhere(c *column) []string {
	s := &q.rule.sets[c.set]
	by := q.others[s.c.Name+"."+q.fieldName(c)]
	var out []string
	for _, f := range q.rows[c.set] {
		v := f.Props.Get(q.fieldName(c))
		for _, uid := range by[matchText(v)] {
			if uid != q.u.uid && !slices.Contains(out, uid) {
				out = append(out, uid)
			}
		}
	}
	slices.Sort(out)
	return out
}

// matchText is a value as Query.Match takes it; "" for null.
func matchText(v catalog.Value) string {
	if v.Type() == catalog.TypeInteger {
		return strconv.FormatInt(v.Int(), 10)
	}
	return v.Str()
}

// holds asks the question as of its day.
func (q *question) holds() bool { return q.rule.when.Match(q) }

// turns is the next day on which the answer is another one, as far as the dates
// that the condition reads tell: it may turn as many days before or after one as a
// number in the condition says.
func (q *question) turns() (day, bool) {
	var days []day
	for _, i := range q.rule.reads {
		c := &q.rule.columns[i]
		if c.of != nil {
			c = c.of
		}
		d, ok := dayIn(q.value(c), q.zone)
		if !ok || c.own == colToday {
			continue
		}
		days = append(days, d, d+1)
		for _, n := range q.rule.numbers {
			days = append(days, d-day(n), d-day(n)+1, d+day(n), d+day(n)+1)
		}
	}
	slices.Sort(days)
	now, today := q.holds(), q.today
	defer func() { q.today = today }()
	for _, d := range days {
		if q.today = d; d > today && q.holds() != now {
			return d, true
		}
	}
	return 0, false
}

// verdicts are what rules say of a structure and its records.
type verdicts struct {
	hits     []hit
	subjects []string       // that were judged
	due      map[string]day // by subject: the next day on which something turns
}

func (v *verdicts) ask(q *question, subject string) {
	if q.holds() {
		v.hits = append(v.hits, q.hit(subject))
	}
	if !q.rule.timed {
		return
	}
	if d, ok := q.turns(); ok {
		if have, there := v.due[subject]; !there || d < have {
			v.due[subject] = d
		}
	}
}

// bench is what units are judged by.
type bench struct {
	rules []*compiled
	today day
	zone  *time.Location
}

// judge asks every rule about a structure and the records that link to it.
func (b *bench) judge(u *unit, o others, v *verdicts) {
	v.subjects = append(v.subjects, u.uid)
	for _, r := range b.rules {
		q := &question{rule: r, u: u, today: b.today, zone: b.zone, others: o}
		switch {
		case r.about != nil:
			q.choose()
			for i := range u.rows[r.about.Name] {
				q.rec = &u.rows[r.about.Name][i]
				v.record(q)
			}
		case !u.known() || u.ended():
		default:
			q.choose()
			if r.grouped < 0 {
				v.ask(q, u.uid)
				continue
			}
			for _, members := range q.groups() {
				g := *q
				g.rows = slices.Clone(q.rows)
				g.rows[r.grouped], g.group = members, members[0].ID
				v.ask(&g, u.uid)
			}
		}
	}
}

// judgeLoose asks the rules about records of a collection about one that links to
// no structure.
func (b *bench) judgeLoose(collection string, f *catalog.Feature, v *verdicts) {
	for _, r := range b.rules {
		if r.about != nil && r.about.Name == collection {
			q := &question{rule: r, u: &unit{}, rec: f, today: b.today, zone: b.zone}
			q.choose()
			v.record(q)
		}
	}
}

func (v *verdicts) record(q *question) {
	subject := q.rule.about.Name + "/" + q.rec.ID
	if !slices.Contains(v.subjects[max(0, len(v.subjects)-8):], subject) { // rules about one collection follow each other
		v.subjects = append(v.subjects, subject)
	}
	v.ask(q, subject)
}

// choose fills the rule's sets from the structure's rows.
func (q *question) choose() {
	q.rows = make([][]*catalog.Feature, len(q.rule.sets))
	for i := range q.rule.sets {
		s := &q.rule.sets[i]
		all := q.u.rows[s.c.Name]
		for k := range all {
			if s.where == nil || s.where.Match(rowOf(s.c, &all[k])) {
				q.rows[i] = append(q.rows[i], &all[k])
			}
		}
	}
}

// groups are the records of the grouped set by equal values, in the order of their ids.
func (q *question) groups() [][]*catalog.Feature {
	at := map[string]int{}
	var out [][]*catalog.Feature
	s := &q.rule.sets[q.rule.grouped]
	for _, f := range q.rows[q.rule.grouped] {
		key, some := "", false
		for _, i := range q.rule.groupBy {
			v := f.Props.Get(s.c.Fields[i].Name)
			some = some || !v.IsNull()
			key += folded(v) + "\x00"
		}
		if !some {
			continue
		}
		k, there := at[key]
		if !there {
			k = len(out)
			at[key] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], f)
	}
	return out
}

// findingID names the finding of a rule about a subject.
func findingID(rule, subject, group string) string {
	if group == "" && !strings.Contains(subject, "/") {
		return rule + ":" + subject
	}
	sum := sha256.Sum256([]byte(subject + "\x00" + group))
	return rule + ":" + hex.EncodeToString(sum[:8])
}

func (q *question) hit(subject string) hit {
	h := hit{
		rule: q.rule, id: findingID(q.rule.Name, subject, q.group), subject: subject, uid: q.u.uid,
		place: q.u.place(), summary: map[string]string{}, evidence: q.evidence(),
	}
	if v, _ := q.u.field("ward"); !v.IsNull() {
		h.ward = v.Str()
	}
	if q.rec != nil {
		if w := q.rec.Props.Get("ward").Str(); w != "" {
			h.ward = w
		}
		if p := middle(&q.rec.Geometry); p.Type != geo.None {
			h.place = p
		}
	}
	for lang, pieces := range q.rule.summaries {
		var b strings.Builder
		for _, p := range pieces {
			switch {
			case p.column < 0:
				b.WriteString(p.text)
			case q.personal(&q.rule.columns[p.column]):
				b.WriteString("…")
			default:
				b.WriteString(written(q.value(&q.rule.columns[p.column])))
			}
		}
		h.summary[lang] = b.String()
	}
	sum := sha256.New()
	sum.Write([]byte(q.group))
	for _, e := range h.evidence {
		if !e.timed {
			sum.Write([]byte("\x00" + e.Column + "\x01" + e.Collection + "\x01" + e.ID + "\x01" + string(e.round)))
		}
	}
	h.cause = hex.EncodeToString(sum.Sum(nil)[:8])
	return h
}

// personal reports whether a column's value says something of a person: it never
// leaves its record.
func (q *question) personal(c *column) bool {
	switch {
	case c.of != nil:
		return q.personal(c.of)
	case c.fn == "count", c.fn == "distinct", c.fn == "elsewhere":
		return false
	case c.set >= 0:
		s := q.rule.sets[c.set].c
		return s.ClassOf(&s.Fields[c.field]) == catalog.ClassPersonal
	case c.own == "" && q.rule.about != nil && c.field >= 0:
		return q.rule.about.ClassOf(&q.rule.about.Fields[c.field]) == catalog.ClassPersonal
	}
	return false
}

// The most records of a set that evidence lists.
const maxEvidence = 5

// evidence is what the condition reads: the structure's values with the row they
// are of, what is reckoned over records, and the records.
func (q *question) evidence() []Evidence {
	var out []Evidence
	for _, i := range q.rule.reads {
		c := &q.rule.columns[i]
		if c.own == colToday {
			continue
		}
		v := q.value(c)
		e := Evidence{Column: c.text, timed: c.timed()}
		e.say(v, q.personal(c))
		switch {
		case c.own != "":
			if _, from := q.u.field(c.own); from != nil {
				e.of(q.ownCollection(from), from)
			}
		case c.field >= 0 && c.set < 0 && c.fn == "":
			e.of(q.rule.about.Name, q.rec)
		}
		out = append(out, e)
		if c.of != nil {
			c = c.of
		}
		if c.set < 0 {
			continue
		}
		for _, f := range q.rows[c.set][:min(len(q.rows[c.set]), maxEvidence)] {
			name := q.fieldName(c)
			e := Evidence{Column: name}
			if name != "" {
				e.say(f.Props.Get(name), q.personal(&column{set: c.set, field: c.field}))
			}
			if e.of(q.rule.sets[c.set].c.Name, f); !slices.ContainsFunc(out, e.same) {
				out = append(out, e)
			}
		}
		if c.fn == "elsewhere" {
			for _, uid := range q.elsewhere(c)[:min(len(q.elsewhere(c)), maxEvidence)] {
				out = append(out, Evidence{Column: "uid", Collection: registry.Structures, ID: uid})
			}
		}
	}
	return out
}

func (q *question) ownCollection(f *catalog.Feature) string {
	if f == q.u.own {
		return registry.Structures
	}
	return registry.Buildings
}

func (e *Evidence) same(f Evidence) bool {
	return e.Column == f.Column && e.Collection == f.Collection && e.ID == f.ID
}

func (e *Evidence) of(collection string, f *catalog.Feature) {
	e.Collection, e.ID = collection, f.ID
	if !f.ValidFrom.IsZero() {
		e.Since = f.ValidFrom.UTC().Format(time.DateOnly)
	}
}

// say keeps the value. A measured number counts for the cause by its first two
// digits: a new survey of the same wall is no new cause.
func (e *Evidence) say(v catalog.Value, personal bool) {
	if personal || v.IsNull() {
		return
	}
	e.Value = v.AppendJSON(nil)
	e.round = e.Value
	if v.Type() == catalog.TypeReal {
		e.Value = []byte(written(v))
		e.round = strconv.AppendFloat(nil, v.Float(), 'g', 2, 64)
	}
}
