package access

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"

	"nagar/catalog"
	"nagar/catalog/cql2"
)

//go:embed policy.json
var defaultPolicy []byte

// Default returns the policy that a city begins with, as a copy of the caller's own.
func Default() *Policy {
	p, err := ReadPolicy(defaultPolicy)
	if err != nil {
		panic(fmt.Sprintf("access: embedded policy.json: %v", err)) // a build's own file: its test reads it
	}
	return p
}

// ReadPolicy reads a policy as JSON, strictly, and validates it. An error is
// *catalog.Invalid.
func ReadPolicy(body []byte) (*Policy, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	p := &Policy{}
	if err := d.Decode(p); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return nil, &catalog.Invalid{Path: kind.Field, Reason: fmt.Sprintf("a JSON %s does not fit here", kind.Value)}
		}
		return nil, &catalog.Invalid{Path: unreadable(body), Reason: err.Error()}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &catalog.Invalid{Path: "policy", Reason: "there is more after the policy"}
	}
	return p, p.Validate()
}

// unreadable is the place of a classification that is none, the one value of which
// the decoder does not say where it stands; else the whole policy.
func unreadable(body []byte) string {
	var loose struct {
		Roles map[string]struct {
			Grants []struct{ Class json.RawMessage }
		}
	}
	if json.Unmarshal(body, &loose) != nil {
		return "policy"
	}
	for _, name := range slices.Sorted(maps.Keys(loose.Roles)) {
		for i, g := range loose.Roles[name].Grants {
			var class catalog.Class
			if len(g.Class) > 0 && json.Unmarshal(g.Class, &class) != nil {
				return fmt.Sprintf("roles.%s.grants[%d].class", name, i)
			}
		}
	}
	return "policy"
}

// PublicRole is the role that everybody has, CitizenRole every verified citizen.
const (
	PublicRole  = "public"
	CitizenRole = "citizen"
)

// The bounds of a policy.
const (
	maxRoles    = 200
	maxGrants   = 100 // of a role
	maxListed   = 500 // collections or fields of a grant
	maxMinGroup = 1000
)

var (
	roleName       = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,47}$`)
	collectionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)
)

// Validate reports the first thing that is wrong with the policy, as
// *catalog.Invalid with the path of the place, such as roles.officer.grants[2].rows.
func (p *Policy) Validate() error {
	if p.Version < 0 {
		return &catalog.Invalid{Path: "version", Reason: "it is negative"}
	}
	if _, ok := p.Roles[PublicRole]; !ok {
		return &catalog.Invalid{Path: "roles", Reason: "the role public is missing: what everybody may see"}
	}
	if len(p.Roles) > maxRoles {
		return &catalog.Invalid{Path: "roles", Reason: fmt.Sprintf("more than %d roles", maxRoles)}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Roles)) {
		if err := p.validateRole(name); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for i, u := range p.Purposes {
		path := fmt.Sprintf("purposes[%d].id", i)
		if !roleName.MatchString(u.ID) {
			return &catalog.Invalid{Path: path, Reason: "want a lower-case letter, then up to 47 of a-z, 0-9, _ and -"}
		}
		if seen[u.ID] {
			return &catalog.Invalid{Path: path, Reason: fmt.Sprintf("%q is there twice", u.ID)}
		}
		seen[u.ID] = true
	}
	if p.MinGroup < 0 || p.MinGroup > maxMinGroup {
		return &catalog.Invalid{Path: "min_group", Reason: fmt.Sprintf("want 0 to %d", maxMinGroup)}
	}
	for i := range p.Retain {
		if err := p.Retain[i].validate(fmt.Sprintf("retention[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Policy) validateRole(name string) error {
	path, role := "roles."+name, p.Roles[name]
	if !roleName.MatchString(name) {
		return &catalog.Invalid{Path: path, Reason: "a role's name is a lower-case letter, then up to 47 of a-z, 0-9, _ and -"}
	}
	if len(role.Grants) > maxGrants {
		return &catalog.Invalid{Path: path + ".grants", Reason: fmt.Sprintf("more than %d grants", maxGrants)}
	}
	if name == PublicRole && len(role.Rights) > 0 {
		return &catalog.Invalid{Path: path + ".rights", Reason: "everybody has this role: it takes no rights"}
	}
	for i, r := range role.Rights {
		if !slices.Contains(rights, r) {
			return &catalog.Invalid{Path: fmt.Sprintf("%s.rights[%d]", path, i), Reason: fmt.Sprintf("unknown right %q", r)}
		}
	}
	for i := range role.Grants {
		g, at := &role.Grants[i], fmt.Sprintf("%s.grants[%d]", path, i)
		if name == PublicRole && g.Write {
			return &catalog.Invalid{Path: at + ".write", Reason: "everybody has this role: it writes nothing"}
		}
		if err := g.validate(at); err != nil {
			return err
		}
	}
	return nil
}

func (g *Grant) validate(path string) error {
	if err := validateCollections(path, g.Collections, true); err != nil {
		return err
	}
	if g.Class > catalog.ClassPersonal {
		return &catalog.Invalid{Path: path + ".class", Reason: "unknown classification"}
	}
	for _, list := range []struct {
		name   string
		fields []string
	}{{"fields", g.Fields}, {"hide", g.Hide}} {
		if len(list.fields) > maxListed {
			return &catalog.Invalid{Path: path + "." + list.name, Reason: fmt.Sprintf("more than %d", maxListed)}
		}
		for i, f := range list.fields {
			if f == "" || len(f) > 200 {
				return &catalog.Invalid{Path: fmt.Sprintf("%s.%s[%d]", path, list.name, i), Reason: "a field's name has 1 to 200 bytes"}
			}
		}
	}
	sample := func(name string) (string, bool) {
		return "'x'", name == "department" || name == "account" || name == "contact"
	}
	return validateRows(path+".rows", g.Rows, "$department, $account and $contact", sample)
}

func validateCollections(path string, names []string, all bool) error {
	if len(names) == 0 || len(names) > maxListed {
		return &catalog.Invalid{Path: path + ".collections", Reason: fmt.Sprintf("want 1 to %d names", maxListed)}
	}
	for i, n := range names {
		if !collectionName.MatchString(n) && !(all && n == "*") {
			return &catalog.Invalid{Path: fmt.Sprintf("%s.collections[%d]", path, i), Reason: fmt.Sprintf("%q is not a collection's name", n)}
		}
	}
	return nil
}

// validateRows reads a row rule. Whether it fits a collection shows only there.
func validateRows(path, rows, known string, fill func(string) (string, bool)) error {
	if rows == "" {
		return nil
	}
	text, ok := cql2.Fill(rows, fill)
	if !ok {
		return &catalog.Invalid{Path: path, Reason: "of the words with a $, only these are known here: " + known}
	}
	if _, err := cql2.Parse(text); err != nil {
		var inv *catalog.Invalid
		if errors.As(err, &inv) {
			return &catalog.Invalid{Path: path, Reason: inv.Reason}
		}
		return err
	}
	return nil
}

func (r *Retention) validate(path string) error {
	if err := validateCollections(path, r.Collections, false); err != nil {
		return err
	}
	if r.Since == "" {
		return &catalog.Invalid{Path: path + ".since", Reason: "it names the field that the age counts from"}
	}
	if r.Days < 1 || r.Days > 100*366 {
		return &catalog.Invalid{Path: path + ".days", Reason: "want 1 to 36600"}
	}
	for i, f := range r.Erase {
		if f == "" || len(f) > 200 {
			return &catalog.Invalid{Path: fmt.Sprintf("%s.erase[%d]", path, i), Reason: "a field's name has 1 to 200 bytes"}
		}
	}
	return validateRows(path+".rows", r.Rows, "none", func(string) (string, bool) { return "", false })
}
