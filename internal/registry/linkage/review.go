package linkage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/registry/match"
)

// The states of a review.
const (
	Open   = "open"
	Joined = "joined" // with a structure
	None   = "none"   // it is of no structure that is known
	Undone = "undone" // what had joined it was taken back; it waits again
)

// The kinds of review, by why the record waits.
const (
	Doubtful   = "doubtful"    // structures fit, none for sure
	Unlike     = "rejected"    // nothing in the register is like it
	UnknownUID = "unknown_uid" // it names a UID that the register never gave, or that is none
	Sure       = "sure"        // it had joined by itself, and was taken back
)

// Reason is one thing that speaks for a candidate or against it.
type Reason struct {
	Part      string  `json:"part"` // road, name, number, place ...
	Record    string  `json:"record,omitempty"`
	Structure string  `json:"structure,omitempty"`
	Verdict   string  `json:"verdict"`         // same, like, differs, missing
	Level     string  `json:"level,omitempty"` // more exactly, of a place
	Weight    float64 `json:"weight"`          // bits: 1 doubles the odds
}

// Candidate is a structure that a record may be of.
type Candidate struct {
	UID     string   `json:"uid"`
	Score   float64  `json:"score"` // probability
	Reasons []Reason `json:"reasons"`
}

// Step is one decision in a review's past.
type Step struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Decision string    `json:"decision"` // join, none, undo
	UID      string    `json:"uid,omitempty"`
	Note     string    `json:"note,omitempty"`
}

// Review is a row of the queue.
type Review struct {
	Collection, Record string
	State, Kind        string
	Score              float64
	UID                string // that it joined, or of the best candidate
	Was                string // the record's link before it joined
	Ward               string
	Why                string
	Candidates         []Candidate
	History            []Step
	Created            time.Time
	Rev                catalog.Rev // 0: no row yet
}

// ReviewID is the id of a record's review.
func ReviewID(collection, record string) string {
	id := collection + "." + record
	if len(id) > 200 {
		sum := sha256.Sum256([]byte(id))
		return collection + ".." + hex.EncodeToString(sum[:16])
	}
	return id
}

// Waits reports whether somebody has to decide it.
func (r *Review) Waits() bool { return r.State == Open || r.State == Undone }

// ofStructure reports whether a row's record joined that structure, or may be of it.
func ofStructure(row *catalog.Feature, u string) bool {
	r := reviewOf(row)
	return r.UID == u || slices.ContainsFunc(r.Candidates, func(c Candidate) bool { return c.UID == u })
}

// decided is the last decision that stands; nil while it waits.
func (r *Review) decided() *Step {
	if r.Waits() || len(r.History) == 0 {
		return nil
	}
	return &r.History[len(r.History)-1]
}

// feature is the review as a row. The geometry is where it is shown.
func (r *Review) feature() (catalog.Feature, error) {
	candidates, err := json.Marshal(r.Candidates)
	if err != nil {
		return catalog.Feature{}, err
	}
	f := catalog.Feature{ID: ReviewID(r.Collection, r.Record)}
	for _, v := range [...][2]string{
		{"collection", r.Collection}, {"record", r.Record}, {"state", r.State}, {"kind", r.Kind},
		{"uid", r.UID}, {"was", r.Was}, {"ward", r.Ward}, {"why", r.Why},
	} {
		if v[1] != "" {
			f.Props = append(f.Props, catalog.Property{Name: v[0], Value: catalog.Text(v[1])})
		}
	}
	f.Props = append(f.Props, catalog.Property{Name: "score", Value: catalog.Real(r.Score)},
		catalog.Property{Name: "candidates", Value: catalog.JSON(string(candidates))},
		catalog.Property{Name: "digest", Value: catalog.Text(r.digest())},
		catalog.Property{Name: "created", Value: catalog.Time(r.Created)})
	if len(r.History) > 0 {
		history, err := json.Marshal(r.History)
		if err != nil {
			return catalog.Feature{}, err
		}
		f.Props = append(f.Props, catalog.Property{Name: "history", Value: catalog.JSON(string(history))})
	}
	if d := r.decided(); d != nil {
		f.Props = append(f.Props, catalog.Property{Name: "decided", Value: catalog.Time(d.At)}, catalog.Property{Name: "decided_by", Value: catalog.Text(d.By)})
	}
	return f, nil
}

// digest is of what the matching says, without times and with probabilities in
// tenths only: what is about the same again is not written again.
func (r *Review) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s\x00", r.Kind, r.UID, r.Ward, r.Why)
	for i := range r.Candidates {
		fmt.Fprintf(h, "%s %.0f", r.Candidates[i].UID, 10*r.Candidates[i].Score)
		for _, reason := range r.Candidates[i].Reasons {
			fmt.Fprintf(h, " %s %s", reason.Part, reason.Verdict)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// reviewOf reads a row. A row whose JSON is not ours has no candidates, or no past.
func reviewOf(f *catalog.Feature) Review {
	text := func(name string) string { return f.Props.Get(name).Str() }
	r := Review{
		Collection: text("collection"), Record: text("record"), State: text("state"), Kind: text("kind"), UID: text("uid"), Ward: text("ward"),
		Why: text("why"), Was: text("was"), Score: f.Props.Get("score").Float(), Created: f.Props.Get("created").AsTime(), Rev: f.Rev,
	}
	if json.Unmarshal([]byte(text("candidates")), &r.Candidates) != nil {
		r.Candidates = nil
	}
	if s := text("history"); s != "" && json.Unmarshal([]byte(s), &r.History) != nil {
		r.History = nil
	}
	return r
}

// candidatesOf writes the matching's candidates as they are kept: without a word of
// the record or the structure, which may be changed or erased, or not be for every
// reader. The words are added when somebody reads it.
func candidatesOf(d *match.Decision) []Candidate {
	out := make([]Candidate, 0, len(d.Candidates))
	for i := range d.Candidates {
		c := &d.Candidates[i]
		k := Candidate{UID: c.UID.String(), Score: c.Probability, Reasons: []Reason{}}
		for _, r := range c.Reasons {
			k.Reasons = append(k.Reasons, reasonOf(r))
		}
		out = append(out, k)
	}
	return out
}

func reasonOf(r match.Reason) Reason {
	out := Reason{Part: r.By, Weight: r.Bits}
	switch {
	case r.Level == "agrees" || r.Level == "inside":
		out.Verdict = "same"
	case r.Level == "nearly agrees" || strings.HasPrefix(r.Level, "within"):
		out.Verdict = "like"
	case r.Level == "missing":
		out.Verdict = "missing"
	default:
		out.Verdict = "differs"
	}
	if r.By == "place" {
		out.Level = r.Level
	}
	return out
}

// proof says how a record came by its link: kept beside the link, so without a word
// of the record or the structure.
type proof struct {
	By      string   `json:"by"` // matching, or who decided
	At      string   `json:"at"` // YYYY-MM-DD
	Score   float64  `json:"score,omitempty"`
	Reasons []Reason `json:"reasons,omitempty"`
}

func (p proof) value() catalog.Value {
	b, err := json.Marshal(p)
	if err != nil { // numbers of a matching are finite
		return catalog.Null
	}
	return catalog.JSON(string(b))
}

// proofOf reads one; false where a link was not made here.
func proofOf(v catalog.Value) (p proof, ok bool) {
	return p, !v.IsNull() && json.Unmarshal([]byte(v.Str()), &p) == nil && p.By != ""
}
