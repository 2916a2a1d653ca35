package finding

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"
)

//go:embed rules.json
var rulesJSON []byte

// First are the rules that every city begins with. One that reads records which
// nobody has defined waits until somebody does.
func First() []Rule {
	d := json.NewDecoder(bytes.NewReader(rulesJSON))
	d.DisallowUnknownFields()
	var out []Rule
	if err := d.Decode(&out); err != nil {
		panic(fmt.Sprintf("finding: embedded rules.json: %v", err)) // a build's own file: its test reads it
	}
	for i := range out {
		if out[i].About == "" {
			out[i].About = aboutStructures
		}
	}
	return out
}

// seed writes each of the first rules once in the life of a store: one that was
// changed or deleted since stays so.
func seed(ctx context.Context, store Store) error {
	for _, r := range First() {
		f := r.Feature()
		never := catalog.Rev(0)
		op := catalog.Op{Kind: catalog.Put, Collection: Rules, Feature: f, If: &never}
		_, err := store.Feature(ctx, Rules, r.Name, catalog.At{})
		if err == nil {
			continue
		}
		_, err = store.Apply(ctx, catalog.Batch{Key: "findings: first rule " + r.Name, Author: Author, Reason: "first rules", Ops: catalog.Ops(op)})
		if err != nil {
			return fmt.Errorf("write the rule %s: %w", r.Name, err)
		}
	}
	return nil
}

// Feature is the rule as a row of finding_rules.
func (r *Rule) Feature() catalog.Feature {
	b, _ := json.Marshal(r) // texts always marshal
	return catalog.Feature{ID: r.Name, Props: catalog.Properties{
		{Name: "title", Value: catalog.Text(r.Title.In("en"))}, {Name: "severity", Value: catalog.Text(r.Severity)},
		{Name: "owner", Value: catalog.Text(r.Owner)}, {Name: "disabled", Value: catalog.Boolean(r.Disabled)}, {Name: "rule", Value: catalog.JSON(string(b))},
	}}
}

// KeptRule is a row of finding_rules.
type KeptRule struct {
	Name string
	Rule *Rule // nil: it cannot be read
	Err  error // why not
	Rev  catalog.Rev
}

// ReadRule is the rule that a row says.
func ReadRule(f *catalog.Feature) KeptRule {
	k := KeptRule{Name: f.ID, Rev: f.Rev}
	r, err := ParseRule([]byte(f.Props.Get("rule").Str()))
	switch {
	case err != nil:
		k.Err = err
	case r.Name != f.ID:
		k.Err = invalid("name", "the row is %q, the rule %q", f.ID, r.Name)
	default:
		k.Rule = r
	}
	return k
}

// rulesOf reads the rules, by name.
func rulesOf(ctx context.Context, store Store) ([]KeptRule, error) {
	var out []KeptRule
	_, err := store.Scan(ctx, catalog.Query{Collection: Rules}, func(f *catalog.Feature) error {
		out = append(out, ReadRule(f))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the rules of findings: %w", err)
	}
	slices.SortFunc(out, func(a, b KeptRule) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
