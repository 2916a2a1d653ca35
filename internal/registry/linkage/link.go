package linkage

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/internal/registry/match"
)

// work is one record of a batch.
type work struct {
	op       *catalog.Op
	given    string // its link as it comes
	uid      uid.UID
	kind     string // of the review that it would get
	why      string
	match    bool
	decision match.Decision
}

// Link fills in the links of records that are about to be written, and returns what
// is to be written with them in the same batch: the rows of the queue. The operations
// are Puts of whole records, or with Merge of what is known of them. A link that the
// record has in the store and not here stays.
func (s *Session) Link(ctx context.Context, ops []catalog.Op) ([]catalog.Op, error) {
	batch := make([]work, 0, len(ops))
	var ids []string
	for i := range ops {
		if ops[i].Kind != catalog.Put {
			continue
		}
		w := work{op: &ops[i], given: ops[i].Feature.Props.Get(s.roles.Link).Str()}
		if w.given != "" {
			if u, err := uid.Parse(w.given); err != nil {
				w.kind, w.why = UnknownUID, err.Error()
			} else if w.uid = u; true {
				ids = append(ids, u.String())
			}
		}
		batch = append(batch, w)
	}
	known, err := s.given(ctx, ids)
	if err != nil {
		return nil, err
	}
	some := false
	for i := range batch {
		s.sort(&batch[i], known)
		some = some || batch[i].match
	}
	if some {
		if err := s.know(ctx); err != nil {
			return nil, err
		}
		if err := s.decide(ctx, batch); err != nil {
			return nil, err
		}
	}
	var extra []catalog.Op
	for i := range batch {
		op, err := s.settle(&batch[i])
		if err != nil {
			return nil, err
		}
		if op != nil {
			extra = append(extra, *op)
		}
	}
	return extra, nil
}

// sort says of a record whether it has to be matched.
func (s *Session) sort(w *work, known map[string]bool) {
	f := &w.op.Feature
	_, had := s.had(f.ID)
	switch note := s.reviews[f.ID]; {
	case w.given != "" && w.kind == "" && known[w.uid.String()]:
		f.Props = with(f.Props, s.roles.Link, catalog.Text(w.uid.String()))
		s.Counts.Had++
	case w.given != "":
		w.kind, w.match = UnknownUID, note.state != None && note.state != Undone
		s.Counts.Unknown++
		if w.why == "" {
			w.why = "the register never gave the UID " + w.uid.String()
		}
	case had:
		s.keep(w.op)
		s.Counts.Had++
	case note.state == None || note.state == Undone: // a person decided
		s.Counts.Settled++
	default:
		w.match = true
	}
}

// keep leaves the link of the stored record as it is, and replaces all else as the
// operation would have.
func (s *Session) keep(op *catalog.Op) {
	link, proof := s.roles.Link, s.roles.Proof
	f := &op.Feature
	props := make(catalog.Properties, 0, len(s.c.Fields))
	for _, p := range f.Props {
		if p.Name != link && p.Name != proof {
			props = append(props, p)
		}
	}
	if !op.Merge {
		for i := range s.c.Fields {
			name := s.c.Fields[i].Name
			if name != link && name != proof && !slices.ContainsFunc(props, func(p catalog.Property) bool { return p.Name == name }) {
				props = append(props, catalog.Property{Name: name, Value: catalog.Null})
			}
		}
	}
	f.Props, op.Merge = props, true
}

// decide matches the records that need it, on all processors.
func (s *Session) decide(ctx context.Context, batch []work) error {
	n := max(1, min(runtime.GOMAXPROCS(0), len(batch)/64))
	for len(s.matchers) < n {
		s.matchers = append(s.matchers, s.register.NewMatcher())
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, m := range s.matchers[:n] {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := next.Add(1) - 1; i < int64(len(batch)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if w := &batch[i]; w.match {
					rec := s.roles.record(s.c.Name, &w.op.Feature)
					w.decision = m.Match(&rec)
				}
			}
		}()
	}
	wg.Wait()
	return ctx.Err()
}

// settle does with a record what was decided, and returns the operation on its
// review, nil for none.
func (s *Session) settle(w *work) (*catalog.Op, error) {
	f := &w.op.Feature
	note, queued := s.reviews[f.ID]
	if !w.match {
		if queued && w.kind == "" && w.given != "" && (note.state == Open || note.state == Undone) { // its source says it now
			return s.drop(f.ID), nil
		}
		return nil, nil
	}
	if w.kind == "" && w.decision.Verdict == match.Join {
		s.Counts.Sure++
		best := candidatesOf(&w.decision)[0]
		f.Props = with(f.Props, s.roles.Link, catalog.Text(best.UID))
		f.Props = with(f.Props, s.roles.Proof, proof{By: Matching, At: s.Now().Format("2006-01-02"), Score: best.Score, Reasons: best.Reasons}.value())
		if queued {
			return s.drop(f.ID), nil
		}
		return nil, nil
	}
	if w.kind == "" {
		w.kind, w.why = Doubtful, w.decision.Why
		if w.decision.Verdict == match.None {
			w.kind = Unlike
			s.Counts.Unlike++
		} else {
			s.Counts.Review++
		}
	}
	return s.queue(w, note, queued)
}

func (s *Session) drop(record string) *catalog.Op {
	return &catalog.Op{Kind: catalog.Delete, Collection: Reviews, Feature: catalog.Feature{ID: ReviewID(s.c.Name, record)}}
}

// queue is the operation that puts a record into the queue; nil when it is there as
// it is.
func (s *Session) queue(w *work, note reviewNote, queued bool) (*catalog.Op, error) {
	f := &w.op.Feature
	r := Review{
		Collection: s.c.Name, Record: f.ID, State: Open, Kind: w.kind, Why: w.why, Ward: f.Props.Get("ward").Str(),
		Candidates: candidatesOf(&w.decision), Created: s.Now(),
	}
	if w.decision.Verdict == match.None { // what is like it a little is not worth a look
		r.Candidates = r.Candidates[:0]
	}
	if len(r.Candidates) > 0 {
		r.UID, r.Score = r.Candidates[0].UID, r.Candidates[0].Score
	}
	if queued && note.state == Open && note.digest == r.digest() {
		return nil, nil
	}
	row, err := r.feature()
	if err != nil {
		return nil, fmt.Errorf("review of %s/%s: %w", s.c.Name, f.ID, err)
	}
	if queued { // when it came, and what happened to it, stays
		row.Props = slices.DeleteFunc(row.Props, func(p catalog.Property) bool { return p.Name == "created" })
	}
	row.Geometry = s.place(f, r.Candidates)
	return &catalog.Op{Kind: catalog.Put, Collection: Reviews, Feature: row, Merge: queued}, nil
}

// with is the properties with another value of one of them.
func with(p catalog.Properties, name string, v catalog.Value) catalog.Properties {
	out := slices.Clone(p)
	for i := range out {
		if out[i].Name == name {
			out[i].Value = v
			return out
		}
	}
	return append(out, catalog.Property{Name: name, Value: v})
}
