package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"nagar/catalog"
	"nagar/layers/index"
	"nagar/layers/snapfile"
)

// restore returns the state that the snapshot file holds; nil where there is none,
// or it is not one of this store's own past. An error is the source's.
func (f *follower) restore(ctx context.Context) (*state, *timetable, error) {
	e := f.e
	if e.keep.folder == "" {
		return nil, nil, nil
	}
	start := time.Now()
	file, err := snapfile.Open(e.keep.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	var st *state
	var timed *timetable
	if err == nil {
		st, timed, err = e.read(ctx, file)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil || errors.Is(err, catalog.ErrUnavailable):
		return nil, nil, err
	default:
		e.keep.refuse(e, err)
		return nil, nil, nil
	}
	f.have = make(map[string]catalog.Rev, len(st.cols))
	for n := range st.cols {
		f.have[n] = st.rev
	}
	e.keep.refused.Store(false)
	e.keep.at(st.rev)
	e.tell(SnapshotNotice{Rev: st.rev, Bytes: file.Len(), Took: time.Since(start)})
	return st, timed, nil
}

// errOther is wrapped where the file is not of this store's past.
var errOther = errors.New("snapshot file is of another store, or of what it no longer is")

// read holds a file against the store, checks it, and makes a state of it.
func (e *Engine) read(ctx context.Context, file *snapfile.File) (*state, *timetable, error) {
	var dir keptState
	if err := file.Directory(&dir); err != nil {
		return nil, nil, err
	}
	if err := e.own(ctx, &dir); err != nil {
		return nil, nil, err
	}
	return arrays(file, &dir)
}

// arrays checks the arrays of a file and makes a state of them.
func arrays(file *snapfile.File, dir *keptState) (*state, *timetable, error) {
	spans := []index.Span{dir.Timetable}
	for i := range dir.Collections {
		for j := range dir.Collections[i].Segments {
			dir.Collections[i].Segments[j].Spans(func(s index.Span) { spans = append(spans, s) })
		}
	}
	if err := file.Verify(spans); err != nil {
		return nil, nil, err
	}
	st := &state{rev: dir.Rev, cols: make(map[string]*collection, len(dir.Collections))}
	for i := range dir.Collections {
		c := &dir.Collections[i]
		snap, err := index.OpenStored(c.Segments, file, file.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("collection %s: %w", c.Info.Name, err)
		}
		st = st.with(&collection{info: c.Info, snap: snap, rev: c.Rev})
	}
	timed := newTimetable()
	if dir.Timetable.Len > 0 {
		b, err := file.Bytes(dir.Timetable)
		if err != nil {
			return nil, nil, err
		}
		if timed, err = decodeTimetable(b); err != nil {
			return nil, nil, err
		}
	}
	file.Release()
	return st, timed, nil
}

// own reports, as an error, that the directory is not of this store as it was: its
// revision must have been recorded here at that very time, and the descriptions
// since then unchanged must be the same.
func (e *Engine) own(ctx context.Context, dir *keptState) error {
	if now := e.opts.Clock(); now.UnixMicro() < dir.Now {
		return fmt.Errorf("%w: it was written at %s, and now is %s", errOther, time.UnixMicro(dir.Now).UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	head, err := e.src.Head(ctx)
	if err != nil {
		return err
	}
	then, err := e.src.RevAt(ctx, time.UnixMicro(dir.Recorded))
	if err != nil {
		return err
	}
	before, err := e.src.RevAt(ctx, time.UnixMicro(dir.Recorded-1))
	if err != nil {
		return err
	}
	if head < dir.Rev || then < dir.Rev || before >= dir.Rev {
		return fmt.Errorf("%w: it shows revision %d as recorded at %s", errOther, dir.Rev, time.UnixMicro(dir.Recorded).UTC().Format(time.RFC3339Nano))
	}
	cols, err := e.src.Collections(ctx)
	if err != nil {
		return err
	}
	here := make(map[string]*catalog.Collection, len(cols))
	for i := range cols {
		here[cols[i].Name] = &cols[i]
	}
	for i := range dir.Collections {
		c := &dir.Collections[i].Info
		if now := here[c.Name]; now == nil || now.Rev <= dir.Rev && !sameDescription(now, c) {
			return fmt.Errorf("%w: collection %s", errOther, c.Name)
		}
		delete(here, c.Name)
	}
	for n, c := range here {
		if c.Rev <= dir.Rev {
			return fmt.Errorf("%w: it lacks collection %s", errOther, n)
		}
	}
	return nil
}
