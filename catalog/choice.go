package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// Choice is a value that a field may have, with what people call it.
type Choice struct {
	Value string `json:"value"`
	Title Words  `json:"title,omitempty"`
}

// maxChoices is the most values that a field lists.
const maxChoices = 1000

// checkValues reports what is wrong with the field's list of values, as *Invalid.
func (f *Field) checkValues(path string) error {
	switch {
	case len(f.Values) == 0:
		return nil
	case f.Type != TypeText:
		return &Invalid{Path: path + ".values", Reason: fmt.Sprintf("field %q: texts have a list of values, not %s", f.Name, f.Type)}
	case len(f.Values) > maxChoices:
		return &Invalid{Path: path + ".values", Reason: fmt.Sprintf("field %q lists more than %d values", f.Name, maxChoices)}
	}
	seen := map[string]bool{}
	for i, v := range f.Values {
		if v.Value == "" || seen[v.Value] {
			return &Invalid{Path: fmt.Sprintf("%s.values[%d]", path, i), Reason: fmt.Sprintf("field %q: the value %q is empty, or there twice", f.Name, v.Value)}
		}
		seen[v.Value] = true
	}
	return nil
}

// CheckEntry reports, as *Invalid, what somebody who writes f by hand over have (nil:
// a new feature) has to mend: a required field without a value, a value that its
// field does not list. What stays as it was is not judged, and loads are not either:
// a city's old files are what they are.
func (c *Collection) CheckEntry(f, have *Feature) error {
	for i := range c.Fields {
		field := &c.Fields[i]
		v, was := f.Props.Get(field.Name), Null
		if have != nil {
			was = have.Props.Get(field.Name)
		}
		path := "properties." + field.Name
		switch {
		case have != nil && v == was:
		case v.IsNull():
			if field.Required {
				return &Invalid{Path: path, Reason: "it is required"}
			}
		case len(field.Values) > 0 && !slices.ContainsFunc(field.Values, func(c Choice) bool { return c.Value == v.Str() }):
			names := make([]string, 0, len(field.Values))
			for _, c := range field.Values {
				names = append(names, c.Value)
			}
			return &Invalid{Path: path, Reason: "want one of " + strings.Join(names, ", ")}
		}
	}
	return nil
}
