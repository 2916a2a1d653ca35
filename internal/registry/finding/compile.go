package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/internal/registry"
)

// judging is part of every rule's digest: another number has everything judged anew
// after a change of how it is done.
const judging = 1

// compiled is a rule that is bound to the collections as they are.
type compiled struct {
	*Rule
	about     *catalog.Collection // nil: structures
	sets      []boundSet
	grouped   int   // set, or -1
	groupBy   []int // fields of that set
	columns   []column
	virtual   catalog.Collection // its fields are the columns
	when      *cql2.Filter
	reads     []int // columns that the condition reads
	numbers   []int // that the condition has
	summaries map[string][]piece
	timed     bool
	since     bool // reads when a structure was first seen
	digest    string
}

// boundSet is a set of records, ready to be chosen from rows.
type boundSet struct {
	name  string
	c     *catalog.Collection
	link  string
	where *cql2.Filter // nil: all
}

// piece is a part of a summary: a text, or a column.
type piece struct {
	text   string
	column int // -1: the text
}

// compiler binds one rule. Only what the view sees can be named.
type compiler struct {
	all  map[string]*catalog.Collection
	view catalog.View
	out  *compiled
}

// compile binds a rule to the collections, by name, as the view sees them. What it
// names and is not there is *catalog.Invalid.
func compile(r *Rule, all map[string]*catalog.Collection, view catalog.View) (*compiled, error) {
	c := &compiler{all: all, view: view, out: &compiled{Rule: r, grouped: -1}}
	for _, step := range []func() error{c.subject, c.namedSets, c.plain, c.condition, c.texts} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	for _, i := range c.out.reads {
		col := &c.out.columns[i]
		c.out.timed = c.out.timed || col.timed()
	}
	for i := range c.out.columns {
		c.out.since = c.out.since || c.out.columns[i].own == colSince && slices.Contains(c.out.reads, i)
	}
	c.sign()
	return c.out, nil
}

// kept are the collections that rules cannot be about.
func kept(name string) bool { return name == Findings || name == Rules || name == Watch }

// records is a collection of records that link to structures.
func (c *compiler) records(path, name string) (*catalog.Collection, *catalog.Field, error) {
	col := c.all[name]
	if col == nil || !c.view.Sees(col) || kept(name) {
		return nil, nil, invalid(path, "there is no collection %.60q", name)
	}
	link := registry.LinkTo(col)
	if link == nil || !c.view.SeesField(col, link) {
		return nil, nil, invalid(path, "%s has no field that links to structures", name)
	}
	return col, link, nil
}

func (c *compiler) subject() (err error) {
	if c.out.About != aboutStructures {
		c.out.about, _, err = c.records("about", c.out.About)
	}
	return err
}

func (c *compiler) namedSets() error {
	for _, name := range slices.Sorted(maps.Keys(c.out.Sets)) {
		s := c.out.Sets[name]
		i, err := c.set("sets."+name, name, s.Collection)
		if err != nil {
			return err
		}
		if s.Where == "" {
			continue
		}
		x, err := cql2.Parse(s.Where)
		if err == nil {
			c.out.sets[i].where, err = x.Bind(c.out.sets[i].c, c.view)
		}
		if err != nil {
			return inPath("sets."+name+".where", err)
		}
	}
	if g := c.out.Group; g != nil {
		i, err := c.setNamed("group.set", g.Set)
		if err != nil {
			return err
		}
		c.out.grouped = i
		for k, name := range g.By {
			f, err := c.fieldOf(fmt.Sprintf("group.by[%d]", k), c.out.sets[i].c, name)
			if err != nil {
				return err
			}
			c.out.groupBy = append(c.out.groupBy, f)
		}
	}
	return nil
}

func (c *compiler) set(path, name, collection string) (int, error) {
	col, link, err := c.records(path, collection)
	if err != nil {
		return 0, err
	}
	c.out.sets = append(c.out.sets, boundSet{name: name, c: col, link: link.Name})
	return len(c.out.sets) - 1, nil
}

// setNamed is the set of a name: one of the rule's, or a whole collection.
func (c *compiler) setNamed(path, name string) (int, error) {
	if i := slices.IndexFunc(c.out.sets, func(s boundSet) bool { return s.name == name }); i >= 0 {
		return i, nil
	}
	return c.set(path, name, name)
}

func (c *compiler) fieldOf(path string, col *catalog.Collection, name string) (int, error) {
	i := slices.IndexFunc(col.Fields, func(f catalog.Field) bool { return f.Name == name })
	if i < 0 || !c.view.SeesField(col, &col.Fields[i]) {
		return 0, invalid(path, "%s has no field %.60q", col.Name, name)
	}
	return i, nil
}

// plain adds the columns that have plain names.
func (c *compiler) plain() error {
	prefix := ""
	if about := c.out.about; about != nil {
		prefix = "structure."
		for i := range about.Fields {
			if f := &about.Fields[i]; c.view.SeesField(about, f) {
				c.add(column{text: f.Name, typ: f.Type, unit: f.Unit, title: f.Title, field: i, set: -1})
			}
		}
		if _, taken := about.Field(colToday); !taken {
			c.own("", colToday, derived[colToday])
		}
	}
	for _, name := range []string{registry.Structures, registry.Buildings} {
		col := c.all[name]
		if col == nil || !c.view.Sees(col) {
			continue
		}
		for i := range col.Fields {
			if f := &col.Fields[i]; c.view.SeesField(col, f) {
				c.own(prefix, f.Name, column{typ: f.Type, unit: f.Unit, title: f.Title})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(derived)) {
		c.own(prefix, name, derived[name])
	}
	return nil
}

func (c *compiler) own(prefix, name string, col column) {
	col.text, col.own, col.set, col.field = prefix+name, name, -1, -1
	c.add(col)
}

// add adds a column, unless there is one of its text.
func (c *compiler) add(col column) int {
	if i := slices.IndexFunc(c.out.columns, func(have column) bool { return have.text == col.text }); i >= 0 {
		return i
	}
	c.out.columns = append(c.out.columns, col)
	c.out.virtual.Fields = append(c.out.virtual.Fields, catalog.Field{Name: col.text, Type: col.typ})
	return len(c.out.columns) - 1
}

// call adds the column of a call in its one spelling.
func (c *compiler) call(path, text string) (int, error) {
	open := strings.IndexByte(text, '(')
	fn, arg := text[:open], text[open+1:len(text)-1]
	if fn == "days_to" {
		of, err := c.reading(path, arg)
		if err != nil {
			return 0, err
		}
		inner := c.out.columns[of]
		if inner.typ != catalog.TypeDate && inner.typ != catalog.TypeTime {
			return 0, invalid(path, "%s: want a date in the brackets", text)
		}
		return c.add(column{text: text, fn: fn, of: &inner, typ: catalog.TypeInteger, unit: "d", title: titledOf(&inner), set: -1, field: -1}), nil
	}
	name, field, whole := strings.Cut(arg, ".")
	set, err := c.setNamed(path, name)
	if err != nil {
		return 0, err
	}
	col := column{text: text, fn: fn, set: set, field: -1, typ: catalog.TypeInteger}
	from := c.out.sets[set].c
	var f *catalog.Field
	switch {
	case whole:
		if col.field, err = c.fieldOf(path, from, field); err != nil {
			return 0, err
		}
		f = &from.Fields[col.field]
		col.unit = f.Unit
	case fn != "count":
		return 0, invalid(path, "%s: want set.field in the brackets", text)
	}
	switch fn {
	case "sum":
		if f.Type != catalog.TypeInteger && f.Type != catalog.TypeReal {
			return 0, invalid(path, "%s: only numbers have a sum", text)
		}
		col.typ = catalog.TypeReal
	case "min", "max", "first":
		if f.Type == catalog.TypeJSON {
			return 0, invalid(path, "%s: JSON has no order", text)
		}
		col.typ = f.Type
	case "elsewhere":
		if !f.Findable() {
			return 0, invalid(path, "%s: %s is not indexed", text, f.Name)
		}
	}
	if fn == "count" || fn == "distinct" || fn == "elsewhere" {
		col.unit = ""
	}
	col.title = titled(fn, from, f)
	return c.add(col), nil
}

func titledOf(inner *column) catalog.Words {
	out := catalog.Words{}
	for _, lang := range [...]string{"en", "mr", "hi"} {
		out[lang] = functionTitles["days_to"].In(lang) + ": " + inner.title.In(lang)
	}
	return out
}

// reading is the column of a plain name or call.
func (c *compiler) reading(path, text string) (int, error) {
	if strings.HasSuffix(text, ")") && strings.Contains(text, "(") {
		return c.call(path, text)
	}
	if i := slices.IndexFunc(c.out.columns, func(have column) bool { return have.text == text }); i >= 0 {
		return i, nil
	}
	return 0, invalid(path, "there is no value %.60q", text)
}

func (c *compiler) condition() error {
	text, calls, numbers, err := quoteCalls(c.out.When)
	if err != nil {
		return err
	}
	for _, call := range calls {
		if _, err := c.call("when", call); err != nil {
			return err
		}
	}
	x, err := cql2.Parse(text)
	if err == nil {
		c.out.when, err = x.Bind(&c.out.virtual, catalog.Everything)
	}
	if err != nil {
		return inPath("when", err)
	}
	if c.out.when.Spatial() {
		return invalid("when", "a rule asks for no geometry")
	}
	c.out.numbers = numbers
	for _, name := range c.out.when.Fields() {
		i, err := c.reading("when", name)
		if err != nil {
			return err
		}
		c.out.reads = append(c.out.reads, i)
	}
	slices.Sort(c.out.reads)
	return nil
}

// texts reads the summaries.
func (c *compiler) texts() error {
	c.out.summaries = map[string][]piece{}
	for lang, s := range c.out.Summary {
		var pieces []piece
		for s != "" {
			open := strings.IndexByte(s, '{')
			end := strings.IndexByte(s, '}')
			if open < 0 || end < open {
				break
			}
			call, calls, _, err := quoteCalls(s[open+1 : end])
			if err != nil {
				return inPath("summary."+lang, err)
			}
			if len(calls) > 0 {
				call = calls[0]
			}
			i, err := c.reading("summary."+lang, strings.TrimSpace(call))
			if err != nil {
				return err
			}
			pieces = append(pieces, piece{s[:open], -1}, piece{"", i})
			s = s[end+1:]
		}
		c.out.summaries[lang] = append(pieces, piece{s, -1})
	}
	return nil
}

// sign gives the rule its digest: another one means that everything is to be judged anew.
func (c *compiler) sign() {
	h := sha256.New()
	b, _ := json.Marshal(c.out.Rule) // texts always marshal
	fmt.Fprintf(h, "%d %s", judging, b)
	for i := range c.out.columns {
		if slices.Contains(c.out.reads, i) {
			fmt.Fprintf(h, " %s %s", c.out.columns[i].text, c.out.columns[i].typ)
		}
	}
	for i := range c.out.sets {
		io.WriteString(h, " "+c.out.sets[i].c.Name+" "+c.out.sets[i].link)
	}
	c.out.digest = hex.EncodeToString(h.Sum(nil)[:8])
}

// inPath is an error of another place under this one's path.
func inPath(path string, err error) error {
	var inv *catalog.Invalid
	if errors.As(err, &inv) {
		return &catalog.Invalid{Path: path, Reason: inv.Reason}
	}
	return err
}
