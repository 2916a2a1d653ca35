package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"nagar/catalog"
	"nagar/catalog/uid"
)

// AliasKey is what two writings of one number have in common: letters and digits
// only, capital, in compatibility form (NFKC), so that "CTS No. 12/3-A" and
// "cts no 12 3a" are the same, in whatever script.
func AliasKey(value string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(value) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}

// Resolved is a structure that a question may have meant.
type Resolved struct {
	UID   string
	Score float64 // 0 to 1
	Match string  // what agreed, such as uid or the alias's scheme
}

// ByAlias returns the structures that a number stands for at that moment, best
// first: a UID for itself, then aliases whose value is written so, then those that differ in
// marks or case only. scheme limits it to one kind of number; "": any.
func (r *Registry) ByAlias(ctx context.Context, scheme, value string, at catalog.At, view catalog.View) ([]Resolved, error) {
	var out []Resolved
	if u, err := uid.Parse(value); err == nil && !u.Reserved() && scheme == "" {
		found := false
		if err := r.ever(ctx, []string{u.String()}, view, func(row) { found = true }); err != nil {
			return nil, fmt.Errorf("resolve %q: %w", value, err)
		}
		if found {
			out = append(out, Resolved{u.String(), 1, "uid"})
		}
	}
	key := AliasKey(value)
	all, err := r.collections(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c *catalog.Collection) bool { return c.Name == Aliases })
	if key == "" || i < 0 {
		return out, nil
	}
	c := all[i]
	for _, name := range []string{"key", "uid", "value", "scheme"} {
		if f, ok := c.Field(name); !ok || !view.SeesField(c, f) {
			return out, nil
		}
	}
	q := catalog.Query{Collection: Aliases, At: at, Match: &catalog.Match{Field: "key", Values: []string{key}}}
	_, err = r.store.ScanAll(ctx, []catalog.Query{q}, func(_ int, f *catalog.Feature) error {
		seen, ok := seenRow(c, view, f)
		if !ok || seen.text("uid") == "" || seen.text("key") != key || seen.text("value") == "" || scheme != "" && seen.text("scheme") != scheme {
			return nil
		}
		found := Resolved{seen.text("uid"), 0.95, seen.text("scheme")}
		if seen.text("value") == strings.TrimSpace(value) {
			found.Score = 1
		}
		if !slices.ContainsFunc(out, func(o Resolved) bool { return o.UID == found.UID }) {
			out = append(out, found)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("resolve %q: %w", value, err)
	}
	slices.SortStableFunc(out, func(a, b Resolved) int {
		if a.Score != b.Score {
			if a.Score > b.Score {
				return -1
			}
			return 1
		}
		return strings.Compare(a.UID, b.UID)
	})
	return out, nil
}
