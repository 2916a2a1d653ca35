package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Report is what Verify found.
type Report struct {
	Entries int64      `json:"entries"`
	Head    Head       `json:"head"`             // of the entries as far as they are whole
	Latest  *time.Time `json:"latest,omitempty"` // time of that entry
	Anchors int64      `json:"anchors"`          // entries by which a server began to keep a head; each needs a reason
	Kept    *Head      `json:"kept_head"`        // the head kept outside the database; nil: none is
	Broken  *Fault     `json:"broken,omitempty"` // the first fault; nil: the log is whole
}

// Fault is where a log is not what was written, and why one knows.
type Fault struct {
	Seq    int64  `json:"seq"`
	Reason string `json:"reason"`
}

// Verify reads the whole log and checks that each entry is the one that was
// written, that none is missing, and that it still holds each of the heads: the
// one kept in the folder, and those given. A fault is in the report, not an error.
func (l *Log) Verify(ctx context.Context, heads ...Head) (Report, error) {
	return l.verify(ctx, Head{}, heads)
}

// VerifySince checks the entries after the one that a head names, and that one: what
// came before it was checked when that head was printed. Report.Entries counts
// those after it.
func (l *Log) VerifySince(ctx context.Context, since Head) (Report, error) {
	return l.verify(ctx, since, nil)
}

func (l *Log) verify(ctx context.Context, since Head, heads []Head) (Report, error) {
	rep := Report{Head: since}
	if l.folder != "" { // read first: the log has at least what a head names
		switch kept, err := keptHead(l.folder); {
		case err == nil:
			rep.Kept = &kept
			heads = append(heads[:len(heads):len(heads)], kept)
		case !errors.Is(err, fs.ErrNotExist):
			rep.Broken = &Fault{Reason: "the head kept outside the database cannot be read: " + err.Error()}
			return rep, nil
		}
	}
	v := verifier{report: &rep, heads: heads}
	rows, err := l.db.Query(ctx, `select seq, time, action, account, name, collection, body from audit where seq >= ? order by seq`, since.Seq)
	if err != nil {
		return rep, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() && rep.Broken == nil {
		var r row
		if err := rows.Scan(&r.seq, &r.time, &r.action, &r.account, &r.name, &r.collection, &r.body); err != nil {
			return rep, fmt.Errorf("read the audit log: %w", err)
		}
		if r.seq == since.Seq && since.Seq > 0 {
			v.first(&r)
			continue
		}
		v.next(&r)
	}
	if err := rows.Err(); err != nil {
		return rep, fmt.Errorf("read the audit log: %w", err)
	}
	v.end()
	return rep, nil
}

// row is an entry as it is stored.
type row struct {
	seq, time                         int64
	action, account, name, collection string
	body                              []byte
}

type verifier struct {
	report *Report
	heads  []Head
	began  bool // past the entry that it begins after
}

func (v *verifier) fail(seq int64, format string, a ...any) {
	if v.report.Broken == nil {
		v.report.Broken = &Fault{Seq: seq, Reason: fmt.Sprintf(format, a...)}
	}
}

// first checks the entry that the verification begins after.
func (v *verifier) first(r *row) {
	if v.report.Head.Hash != Hash(sha256.Sum256(r.body)) {
		v.fail(r.seq, "it is not the entry that the head names: the log was written anew up to here at least")
	}
	v.began = true
}

func (v *verifier) next(r *row) {
	if v.report.Head.Seq > 0 && !v.began {
		v.fail(v.report.Head.Seq, "the entry that the head names is gone")
		return
	}
	v.began = true

	rep := v.report
	seq := rep.Head.Seq + 1
	if r.seq != seq {
		v.fail(seq, "entry %d follows entry %d: what was between is gone", r.seq, rep.Head.Seq)
		return
	}
	e, err := parse(r.body)
	switch {
	case err != nil:
		v.fail(seq, "%v", err)
	case e.Prev != rep.Head.Hash:
		v.fail(seq, "it does not follow from entry %d: one of the two was changed", rep.Head.Seq)
	case e.Seq != r.seq || e.Time.UnixMicro() != r.time || string(e.Action) != r.action || e.Who.Account != r.account ||
		e.Who.Name != r.name || e.Collection != r.collection:
		v.fail(seq, "the columns for searching say something else than the entry")
	case rep.Latest != nil && e.Time.Before(*rep.Latest):
		v.fail(seq, "it is from before the entry that it follows")
	}
	for _, h := range v.heads {
		if h.Seq == seq && h.Hash != Hash(sha256.Sum256(r.body)) {
			v.fail(seq, "it is not the entry that a head names: the log was written anew up to here at least")
		}
	}
	if rep.Broken != nil {
		return
	}
	rep.Entries++
	rep.Head, rep.Latest = Head{seq, e.Hash}, &e.Time
	if e.Action == Anchored {
		rep.Anchors++
	}
}

// end checks that nothing was cut off.
func (v *verifier) end() {
	if v.report.Head.Seq > 0 && !v.began {
		v.fail(v.report.Head.Seq, "the entry that the head names is gone")
	}
	for _, h := range v.heads {
		if h.Seq > v.report.Head.Seq {
			v.fail(v.report.Head.Seq+1, "a head names entry %d: what came after entry %d is gone", h.Seq, v.report.Head.Seq)
		}
	}
}
