package finding

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
)

// clockSlack is how much before this machine's time a finding begins to be true: the
// clock of a database elsewhere may be behind, and what is in its future is not current.
const clockSlack = time.Minute

// tries is how often a batch is made again where officers write in between.
const tries = 5

// write brings the findings and the due days of what was judged into the store, and
// the state with them where it is given; that alone is written with always only.
func (k *Keeper) write(ctx context.Context, v *verdicts, next *state, always bool) error {
	slices.Sort(v.subjects)
	v.subjects = slices.Compact(v.subjects)
	for try := 1; ; try++ {
		have, due, err := k.standing(ctx, v.subjects)
		if err != nil {
			return err
		}
		ops := append(k.findingOps(v, have), dueOps(v, due)...)
		if len(ops) == 0 && (next == nil || !always) {
			if next != nil {
				k.state = *next
			}
			return nil
		}
		err = k.apply(ctx, ops, next)
		var conflict *catalog.Conflict
		if try < tries && errors.As(err, &conflict) && conflict.Collection == Findings {
			continue
		}
		return err
	}
}

// apply writes operations, and the state with them.
func (k *Keeper) apply(ctx context.Context, ops []catalog.Op, next *state) error {
	if next != nil {
		op, rev := next.op(), k.stateRev
		op.If = &rev
		ops = append(ops, op)
	}
	res, err := k.store.Apply(ctx, catalog.Batch{Author: Author, Reason: "rules of findings", Ops: catalog.Ops(ops...)})
	if err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	if next == nil {
		return nil
	}
	if s := res.Statuses[len(ops)-1]; s == catalog.Created || s == catalog.Updated {
		k.stateRev = res.Rev
	}
	k.state, k.saved = *next, next.Position
	return nil
}

// dueRow is a row of Watch about a subject.
type dueRow struct {
	id  string
	due day
}

// standing reads the findings about the subjects, and when something of them falls due.
func (k *Keeper) standing(ctx context.Context, subjects []string) (map[string]Finding, map[string]dueRow, error) {
	have, due := map[string]Finding{}, map[string]dueRow{}
	for part := range slices.Chunk(subjects, 5000) {
		_, err := k.store.ScanAll(ctx, []catalog.Query{
			{Collection: Findings, Match: &catalog.Match{Field: "subject", Values: part}},
			{Collection: Watch, Match: &catalog.Match{Field: "subject", Values: part}},
		}, func(i int, f *catalog.Feature) error {
			if i == 1 {
				due[f.Props.Get("subject").Str()] = dueRow{f.ID, day(f.Props.Get("due").Int())}
				return nil
			}
			x := Read(f.ID, f.Geometry, f.Props)
			x.Rev = f.Rev
			have[f.ID] = x
			return nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("read the findings about %d subjects: %w", len(part), err)
		}
	}
	return have, due, nil
}

func (k *Keeper) findingOps(v *verdicts, have map[string]Finding) (ops []catalog.Op) {
	now := k.Now()
	put := func(f *Finding, rev catalog.Rev) {
		op := catalog.Op{Kind: catalog.Put, Collection: Findings, Feature: f.feature(), If: &rev}
		if rev == 0 {
			op.Feature.ValidFrom = time.Now().Add(-clockSlack)
		}
		ops = append(ops, op)
	}
	holds := make(map[string]bool, len(v.hits))
	for i := range v.hits {
		h := &v.hits[i]
		if holds[h.id] {
			continue
		}
		holds[h.id] = true
		var before *Finding
		var rev catalog.Rev
		if f, ok := have[h.id]; ok {
			before, rev = &f, f.Rev
		}
		if next, changed := settle(before, h, now, ""); changed {
			put(&next, rev)
		}
	}
	for _, f := range have {
		if holds[f.ID] {
			continue
		}
		why := whyEnded
		if !slices.ContainsFunc(k.bench.rules, func(r *compiled) bool { return r.Name == f.Rule }) {
			if k.waits[f.Rule] { // what it reads is not there: nobody knows
				continue
			}
			why = whyWithdrawn
		}
		if next, changed := settle(&f, nil, now, why); changed {
			put(&next, f.Rev)
		}
	}
	slices.SortFunc(ops, func(a, b catalog.Op) int { return strings.Compare(a.Feature.ID, b.Feature.ID) })
	return ops
}

func dueOps(v *verdicts, have map[string]dueRow) (ops []catalog.Op) {
	for _, subject := range v.subjects {
		row, there := have[subject]
		next, falls := v.due[subject]
		switch {
		case !falls && there:
			ops = append(ops, catalog.Op{Kind: catalog.Delete, Collection: Watch, Feature: catalog.Feature{ID: row.id}})
		case falls && (!there || row.due != next):
			ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: Watch, Feature: catalog.Feature{ID: dueID(subject), Props: catalog.Properties{
				{Name: "subject", Value: catalog.Text(subject)}, {Name: "due", Value: catalog.Integer(int64(next))},
			}}})
		}
	}
	return ops
}

func dueID(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return "due:" + hex.EncodeToString(sum[:16])
}

// due are the subjects of which something turns on a day after from, up to to.
func (k *Keeper) due(ctx context.Context, from, to day) (subjects []string, err error) {
	var days []string
	for d := from + 1; d <= to; d++ {
		days = append(days, strconv.FormatInt(int64(d), 10))
	}
	for part := range slices.Chunk(days, 1000) {
		_, err := k.store.ScanAll(ctx, []catalog.Query{{Collection: Watch, Match: &catalog.Match{Field: "due", Values: part}}}, func(_ int, f *catalog.Feature) error {
			subjects = append(subjects, f.Props.Get("subject").Str())
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what falls due: %w", err)
		}
	}
	return subjects, nil
}

// state is how far a keeper has come.
type state struct {
	Position catalog.Rev       // all up to it is followed
	Day      day               // all that fell due up to it is judged
	Rules    map[string]string // digest by name, of what everything was judged by
	Sweeping bool              // everything is being judged anew
	After    string            // UID up to which that is done
}

const stateID = "state"

func (s *state) op() catalog.Op {
	rules, _ := json.Marshal(s.Rules) // texts always marshal
	p := catalog.Properties{
		{Name: "position", Value: catalog.Integer(int64(s.Position))}, {Name: "day", Value: catalog.Integer(int64(s.Day))},
		{Name: "rules", Value: catalog.JSON(string(rules))}, {Name: "sweeping", Value: catalog.Boolean(s.Sweeping)},
	}
	if s.After != "" {
		p = append(p, catalog.Property{Name: "after", Value: catalog.Text(s.After)})
	}
	return catalog.Op{Kind: catalog.Put, Collection: Watch, Feature: catalog.Feature{ID: stateID, Props: p}}
}
