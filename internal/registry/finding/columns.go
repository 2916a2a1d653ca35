package finding

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nagar/catalog"
)

// A condition names what it reads by columns: a plain name, such as floors, or a
// call, such as sum(property_tax.assessed_m2). CQL2 knows no such calls; each is
// turned into one quoted name, by which the condition is bound.

// functions are the calls that there are. All but days_to read a set.
var functions = []string{"count", "sum", "min", "max", "first", "distinct", "elsewhere", "days_to"}

// column is what a name or call stands for.
type column struct {
	text  string // in its one spelling
	typ   catalog.FieldType
	unit  string
	title catalog.Words
	fn    string  // of a call
	set   int     // of a call over a set
	field int     // place in the set's, or the record's, fields; -1: the rows themselves
	of    *column // of days_to
	own   string  // name of a structure's own value
}

// timed reports whether the column's value depends on the day.
func (c *column) timed() bool { return c.own == colToday || c.fn == "days_to" }

// quoteCalls replaces each call outside quotes by its text as a quoted name, and
// tells which there are, and the whole numbers that the text has.
func quoteCalls(text string) (out string, calls []string, numbers []int, err error) {
	var b strings.Builder
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\'' || c == '"':
			end := endOfQuote(text, i)
			b.WriteString(text[i:end])
			i = end
		case isLetter(c):
			end := i
			for end < len(text) && (isLetter(text[end]) || isDigit(text[end]) || text[end] == '.') {
				end++
			}
			name := text[i:end]
			if end < len(text) && text[end] == '(' && slices.Contains(functions, strings.ToLower(name)) {
				call, after, err := readCall(text, i)
				if err != nil {
					return "", nil, nil, err
				}
				calls = append(calls, call)
				b.WriteString(`"` + call + `"`)
				i = after
				continue
			}
			b.WriteString(name)
			i = end
		case isDigit(c):
			end := i
			for end < len(text) && isDigit(text[end]) {
				end++
			}
			if n, err := strconv.Atoi(text[i:end]); err == nil && n <= 40_000 {
				numbers = append(numbers, n)
			}
			b.WriteString(text[i:end])
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), calls, numbers, nil
}

func endOfQuote(text string, at int) int {
	for i := at + 1; i < len(text); i++ {
		if text[i] != text[at] {
			continue
		}
		if i+1 < len(text) && text[i+1] == text[at] {
			i++
			continue
		}
		return i + 1
	}
	return len(text)
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// readCall reads name(argument) at a place, in its one spelling; the argument is a
// name, or for days_to a call.
func readCall(text string, at int) (call string, after int, err error) {
	open := at + strings.IndexByte(text[at:], '(')
	depth, end := 0, -1
	for i := open; i < len(text) && end < 0; i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				end = i
			}
		case '\'', '"':
			return "", 0, invalid("when", "a call wants a name in its brackets: %.40q", text[at:])
		}
	}
	if end < 0 {
		return "", 0, invalid("when", "a bracket is not closed: %.40q", text[at:])
	}
	name, arg := strings.ToLower(text[at:open]), strings.TrimSpace(text[open+1:end])
	if inner := strings.IndexByte(arg, '('); inner >= 0 {
		if name != "days_to" || !slices.Contains(functions[:6], strings.ToLower(arg[:inner])) {
			return "", 0, invalid("when", "only days_to takes a call: %.60q", text[at:end+1])
		}
		if arg, _, err = readCall(arg, 0); err != nil {
			return "", 0, err
		}
	}
	return name + "(" + arg + ")", end + 1, nil
}

// The values that a structure has beside the fields of its rows.
const (
	colToday      = "today"
	colFootprint  = "footprint_m2"
	colBuilt      = "built_m2"
	colFootprints = "footprints"
	colRegistered = "registered"
	colKnown      = "known"
	colSince      = "since"
)

// derived are these, with what they are.
var derived = map[string]column{
	colToday:      {typ: catalog.TypeDate, title: catalog.Words{"en": "Today", "mr": "आज", "hi": "आज"}},
	colFootprint:  {typ: catalog.TypeReal, unit: "m2", title: catalog.Words{"en": "Area of the footprint", "mr": "तळाचे क्षेत्रफळ", "hi": "आधार का क्षेत्रफल"}},
	colBuilt:      {typ: catalog.TypeReal, unit: "m2", title: catalog.Words{"en": "Built-up area (footprint × floors)", "mr": "बांधीव क्षेत्र (तळ × मजले)", "hi": "निर्मित क्षेत्र (आधार × मंज़िलें)"}},
	colFootprints: {typ: catalog.TypeInteger, title: catalog.Words{"en": "Footprints", "mr": "तळ आकृत्या", "hi": "आधार आकृतियाँ"}},
	colRegistered: {typ: catalog.TypeBoolean, title: catalog.Words{"en": "In the register of structures", "mr": "संरचना नोंदवहीत", "hi": "संरचना पंजी में"}},
	colKnown:      {typ: catalog.TypeBoolean, title: catalog.Words{"en": "The structure is known", "mr": "संरचना माहीत आहे", "hi": "संरचना ज्ञात है"}},
	colSince:      {typ: catalog.TypeDate, title: catalog.Words{"en": "First seen", "mr": "प्रथम दिसले", "hi": "पहली बार देखा गया"}},
}

var functionTitles = map[string]catalog.Words{
	"count":     {"en": "Number of records", "mr": "नोंदींची संख्या", "hi": "अभिलेखों की संख्या"},
	"sum":       {"en": "Together", "mr": "एकूण", "hi": "कुल"},
	"min":       {"en": "Least", "mr": "सर्वात कमी", "hi": "सबसे कम"},
	"max":       {"en": "Most", "mr": "सर्वात जास्त", "hi": "सबसे अधिक"},
	"distinct":  {"en": "Different values", "mr": "वेगळी मूल्ये", "hi": "अलग मान"},
	"elsewhere": {"en": "Other structures with the same", "mr": "तेच असलेल्या इतर संरचना", "hi": "उसी वाली अन्य संरचनाएँ"},
	"days_to":   {"en": "Days to", "mr": "उरलेले दिवस", "hi": "शेष दिन"},
}

func titled(fn string, c *catalog.Collection, f *catalog.Field) catalog.Words {
	out := catalog.Words{}
	for _, lang := range [...]string{"en", "mr", "hi"} {
		s := functionTitles[fn].In(lang)
		what := c.Title.In(lang)
		if f != nil {
			what = f.Title.In(lang)
			if what == "" {
				what = f.Name
			}
		}
		if what != "" {
			s = fmt.Sprintf("%s: %s", s, what)
		}
		out[lang] = s
	}
	return out
}
