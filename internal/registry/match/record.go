package match

import (
	"nagar/catalog/uid"
	"nagar/geo"
)

// Structure is what the registry knows of a structure that records can be matched by.
type Structure struct {
	UID       uid.UID
	Names     []string     // in every language
	Addresses []string     // one or several, each whole
	Geometry  geo.Geometry // footprint, or none
	Aliases   []Alias
}

// Alias is a number that a department knows a structure by: the scheme says whose.
type Alias struct{ Scheme, Value string }

// Record is a department's record in search of its structure.
type Record struct {
	ID        string
	Name      string       // of the building, where the record has a field for it
	Addresses []string     // of the site, not of who owns it
	Geometry  geo.Geometry // point, plot or none
	Aliases   []Alias
}

// Verdict is what to do with a record.
type Verdict uint8

// The verdicts.
const (
	None   Verdict = iota // nothing fits
	Review                // somebody has to look
	Join                  // sure
)

var verdictNames = [...]string{"none", "review", "join"}

func (v Verdict) String() string { return verdictNames[v] }

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Reason is one thing that speaks for a candidate or against it.
type Reason struct {
	By        string  `json:"by"`                  // name, road, place ...
	Level     string  `json:"level"`               // agrees, differs ...
	Bits      float64 `json:"bits"`                // weight of evidence: 1 doubles the odds
	Record    string  `json:"record,omitempty"`    // what the record says
	Structure string  `json:"structure,omitempty"` // what the registry knows
}

// Candidate is a structure that a record may be of.
type Candidate struct {
	UID         uid.UID  `json:"uid"`
	Probability float64  `json:"probability"` // given all candidates, and that it may be none
	Bits        float64  `json:"bits"`        // sum of the reasons' bits
	Reasons     []Reason `json:"reasons"`
}

// Decision is the verdict on one record, and why; as JSON it is what a reviewer sees.
type Decision struct {
	Record     string      `json:"record"`
	Verdict    Verdict     `json:"verdict"`
	UID        uid.UID     `json:"uid,omitzero"`  // of a Join
	Why        string      `json:"why,omitempty"` // a Review's or None's reason in a few words
	Candidates []Candidate `json:"candidates"`    // best first, at most three
}

// maxShown bounds the candidates of a decision.
const maxShown = 3
