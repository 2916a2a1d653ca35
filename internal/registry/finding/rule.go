package finding

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"

	"nagar/catalog"
)

// Rule says what a finding is. It is kept as one JSON document.
type Rule struct {
	Name     string        `json:"name"` // lower case, as a collection's
	Title    catalog.Words `json:"title"`
	Severity string        `json:"severity"` // one of Severities
	Owner    string        `json:"owner"`    // the department that is told
	// About is what one finding is about: structures (the default), or a collection
	// of records, each by itself.
	About string         `json:"about,omitempty"`
	Sets  map[string]Set `json:"sets,omitempty"`
	// Group has a rule about structures judged once for each group of equal records
	// of a set, and all that is said of the set holds of the group.
	Group    *Group        `json:"group,omitempty"`
	When     string        `json:"when"`              // CQL2 text, see docs/findings.md
	Summary  catalog.Words `json:"summary,omitempty"` // {name} stands for a value
	Disabled bool          `json:"disabled,omitempty"`
}

// Set is some of the records that link to a structure, under a name of its own.
// Every collection is also a set under its own name.
type Set struct {
	Collection string `json:"collection"`
	Where      string `json:"where,omitempty"` // CQL2 text over its fields
}

// Group says which records of a set belong together: those of the same values, case
// and spaces aside. One without any of the values is in no group.
type Group struct {
	Set string   `json:"set"`
	By  []string `json:"by"`
}

// Limits of a rule.
const (
	maxRule = 32 << 10 // bytes
	maxText = 2000     // of the condition, a title or a summary
)

var ruleName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// ParseRule reads a rule, strictly. Errors are *catalog.Invalid.
func ParseRule(b []byte) (*Rule, error) {
	if len(b) > maxRule {
		return nil, invalid("rule", "longer than %d bytes", maxRule)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var r Rule
	if err := d.Decode(&r); err != nil {
		return nil, invalid("rule", "%v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("rule", "there is more after the rule")
	}
	if r.About == "" {
		r.About = aboutStructures
	}
	return &r, r.validate()
}

const aboutStructures = "structures"

func (r *Rule) validate() error {
	switch {
	case !ruleName.MatchString(r.Name):
		return invalid("name", "want a lower-case letter, then up to 47 of a-z, 0-9, _")
	case r.Title["en"] == "":
		return invalid("title", "want a title in en at least")
	case !slices.Contains(Severities, r.Severity):
		return invalid("severity", "want one of %v", Severities)
	case r.Owner == "" || len(r.Owner) > 200:
		return invalid("owner", "want the department that is told")
	case r.When == "" || len(r.When) > maxText:
		return invalid("when", "want a condition of 1 to %d bytes", maxText)
	case r.Group != nil && r.About != aboutStructures:
		return invalid("group", "only a rule about structures has groups")
	case r.Group != nil && (len(r.Group.By) == 0 || len(r.Group.By) > 8):
		return invalid("group.by", "want 1 to 8 fields")
	case len(r.Sets) > 20:
		return invalid("sets", "more than 20")
	}
	for path, words := range map[string]catalog.Words{"title": r.Title, "summary": r.Summary} {
		for lang, s := range words {
			if len(s) > maxText || len(lang) > 8 {
				return invalid(path+"."+lang, "longer than %d bytes", maxText)
			}
		}
	}
	for name := range r.Sets {
		if !ruleName.MatchString(name) {
			return invalid("sets."+name, "a set's name is like a collection's")
		}
	}
	return nil
}
