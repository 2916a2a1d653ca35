package registry

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"nagar/catalog"
)

// The stations of a structure's life.
const (
	Proposed          = "proposed"
	Permitted         = "permitted"
	UnderConstruction = "under_construction"
	InUse             = "in_use"
	Vacant            = "vacant"
	Dilapidated       = "dilapidated"
	Demolished        = "demolished"
	Retired           = "retired" // merged into another, or registered by mistake
)

// next are the stations that follow each. Demolished and retired end a life; from
// there only Revive leads back.
var next = map[string][]string{
	Proposed:          {Permitted, UnderConstruction, Retired},
	Permitted:         {UnderConstruction, Proposed, Retired},
	UnderConstruction: {InUse, Vacant, Permitted, Demolished, Retired},
	InUse:             {Vacant, Dilapidated, UnderConstruction, Demolished, Retired},
	Vacant:            {InUse, Dilapidated, UnderConstruction, Demolished, Retired},
	Dilapidated:       {InUse, Vacant, UnderConstruction, Demolished, Retired},
	Demolished:        {},
	Retired:           {},
}

// Ended reports whether a structure of that status is no more.
func Ended(status string) bool { return status == Demolished || status == Retired }

// The kinds of event.
const (
	EventRegistered = "registered"
	EventStatus     = "status"
	EventCorrected  = "corrected"
	EventSplit      = "split"
	EventMerged     = "merged"
	EventReplaced   = "replaced"
	EventDemolished = "demolished"
	EventRevived    = "revived"
	EventUnits      = "units"
	EventAlias      = "alias"
	EventUndone     = "undone"
)

// Lineage says from which structures an event led to which. What is on both sides
// goes on.
type Lineage struct {
	From []string `json:"from"`
	To   []string `json:"to"`
}

// Event is something that happened to a structure.
type Event struct {
	ID       string      `json:"id"`
	Kind     string      `json:"kind"`
	Date     string      `json:"date,omitempty"` // YYYY-MM-DD, when it happened
	Status   string      `json:"status,omitempty"`
	Actor    string      `json:"actor,omitempty"`
	Evidence string      `json:"evidence,omitempty"`
	Lineage  *Lineage    `json:"lineage,omitempty"`
	Undoes   string      `json:"undoes,omitempty"`
	UndoneBy string      `json:"undone_by,omitempty"`
	Rev      catalog.Rev `json:"rev"`

	uid string // of the structure whose row it is
}

// eventsOf are the events of the rows in the order in which they were recorded.
func eventsOf(rows []row) []Event {
	out := make([]Event, 0, len(rows))
	for i := range rows {
		f := &rows[i]
		e := Event{
			ID: f.text("event"), Kind: f.text("kind"), Date: day(f.Props.Get("date")), Status: f.text("status"), Actor: f.text("actor"),
			Evidence: f.text("evidence"), Undoes: f.text("undoes"), Rev: f.Rev, uid: f.text("uid"),
		}
		if text := f.text("lineage"); text != "" {
			var l Lineage
			if json.Unmarshal([]byte(text), &l) == nil {
				e.Lineage = &l
			}
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b Event) int { return cmp.Or(cmp.Compare(a.Rev, b.Rev), strings.Compare(a.ID, b.ID)) })
	// Later events first: an undoing that is undone itself has no effect.
	for i := len(out) - 1; i >= 0; i-- {
		if out[i].Undoes == "" || out[i].UndoneBy != "" {
			continue
		}
		for j := range i {
			if out[j].ID == out[i].Undoes {
				out[j].UndoneBy = out[i].ID
			}
		}
	}
	return out
}

// neighbours are the structures that events which stand led to from this one, and
// those from which they led here.
func neighbours(id string, events []Event) (successors, predecessors []string) {
	for i := range events {
		e := &events[i]
		if e.Lineage == nil || e.UndoneBy != "" {
			continue
		}
		if slices.Contains(e.Lineage.From, id) {
			successors = appendOthers(successors, e.Lineage.To, id)
		}
		if slices.Contains(e.Lineage.To, id) {
			predecessors = appendOthers(predecessors, e.Lineage.From, id)
		}
	}
	return successors, predecessors
}

// heirs are the structures that came in the place of one when it ended.
func heirs(id string, events []Event) (out []string) {
	for i := range events {
		if e := &events[i]; e.Lineage != nil && e.UndoneBy == "" && slices.Contains(e.Lineage.From, id) && !slices.Contains(e.Lineage.To, id) {
			out = appendOthers(out, e.Lineage.To, id)
		}
	}
	return out
}

func appendOthers(out, list []string, but string) []string {
	for _, s := range list {
		if s != but && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
