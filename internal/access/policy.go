package access

import (
	"slices"

	"nagar/catalog"
)

// Policy is the city's one document on who may see and change what. It is data:
// read and replaced as a whole by who has the right ManagePolicy, and each version is kept.
type Policy struct {
	Version  int             `json:"version"` // of this policy; each change adds one
	Roles    map[string]Role `json:"roles"`   // "public" is everybody's, and always there
	Purposes []Purpose       `json:"purposes"`
	MinGroup int             `json:"min_group"` // counts over restricted or personal data below it are not told
	Retain   []Retention     `json:"retention,omitempty"`
}

// Role is a set of grants and rights. Who has several roles may do what any of them allows.
type Role struct {
	Title  catalog.Words `json:"title"`
	Grants []Grant       `json:"grants,omitempty"`
	Rights []Right       `json:"rights,omitempty"`
}

// Grant shows (and lets write) some rows and fields of some collections.
type Grant struct {
	Collections []string      `json:"collections"`      // names; "*" for all
	Own         bool          `json:"own,omitempty"`    // only collections that the caller's department owns
	Class       catalog.Class `json:"class"`            // collections and fields up to this classification
	Fields      []string      `json:"fields,omitempty"` // these fields too, whatever their class
	Hide        []string      `json:"hide,omitempty"`   // and these not
	Area        bool          `json:"area,omitempty"`   // only rows in the caller's wards
	Rows        string        `json:"rows,omitempty"`   // only rows that meet this CQL2 text; $department, $account, $contact stand for the caller's as text literals
	Write       bool          `json:"write,omitempty"`  // the caller may write these rows, as far as these fields
}

// Purpose is a reason for which personal data may be read.
type Purpose struct {
	ID    string        `json:"id"`
	Title catalog.Words `json:"title"`
}

// Knows reports whether the policy has the purpose.
func (p *Policy) Knows(purpose string) bool {
	return slices.ContainsFunc(p.Purposes, func(u Purpose) bool { return u.ID == purpose })
}

// Retention ends or erases what is older than its time.
type Retention struct {
	Collections []string `json:"collections"`
	Rows        string   `json:"rows,omitempty"` // CQL2: only these
	Since       string   `json:"since"`          // field of type time that the age counts from; "valid_to" for the end of validity
	Days        int      `json:"days"`
	Erase       []string `json:"erase,omitempty"` // these fields, in history too; none: the whole feature
}
