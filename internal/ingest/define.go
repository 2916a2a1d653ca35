package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"nagar/catalog"
	"nagar/internal/format"
)

// prepare makes the collection ready for the file: it exists, has the fields that
// the file needs, and the mapping is known. A file whose fields cannot be told
// from its first chunk is read through once before.
func (l *loader) prepare(ctx context.Context) error {
	l.known = map[string]bool{}
	c, err := l.store.Collection(ctx, l.opts.Collection)
	exists := err == nil
	switch {
	case exists:
		l.c = c
		if l.filled, err = l.hasFeatures(ctx); err != nil {
			return err
		}
	case !errors.Is(err, catalog.ErrNotFound):
		return err
	default:
		if std, ok := catalog.StandardCollection(l.opts.Collection); ok {
			l.c = std
		}
	}
	for _, col := range l.info.Columns {
		l.addColumn(col.Name)
	}
	isNew := l.c.Name == ""
	if isNew || l.whole() || l.declaredUnknown() {
		if err := l.survey(ctx); err != nil {
			if l.whole() {
				return err
			}
		}
	} else if l.info.Columns == nil {
		if err := l.peek(ctx); err != nil {
			return err
		}
	}
	l.remap()
	if !exists && !isNew && !l.opts.DryRun {
		if err := l.define(ctx, l.c); err != nil {
			return err
		}
	}
	return l.prepareWrites(ctx)
}

func (l *loader) addColumn(name string) {
	if !l.known[name] {
		l.known[name] = true
		l.columns = append(l.columns, name)
	}
}

// remap makes the mapping anew; it returns the columns that have no field.
func (l *loader) remap() (unknown []string) {
	c := l.c
	c.Fields = slices.Clone(c.Fields)
	l.m, unknown = newMapping(&c, l.columns, l.opts.Map, l.opts.registers())
	if !l.merge {
		l.m.nulls = nil
	}
	return unknown
}

func (l *loader) declaredUnknown() bool {
	if l.info.Columns == nil {
		return false
	}
	_, unknown := newMapping(&l.c, l.columns, l.opts.Map, l.opts.registers())
	return len(unknown) > 0 || l.mapsToNewField()
}

func (l *loader) mapsToNewField() bool {
	for field := range l.opts.Map {
		if _, ok := l.c.Field(field); !ok && !isCoordinateMap(l.opts.Map, l.opts.Map[field]) {
			return true
		}
	}
	return false
}

// peek learns the columns of the first chunk by opening the file once more.
func (l *loader) peek(ctx context.Context) error {
	dec, err := l.src.open()
	if err != nil {
		return err
	}
	defer dec.Close()
	chunk, err := dec.Read()
	if err != nil {
		return nil // the load itself will say what is wrong
	}
	defer chunk.Release()
	var r format.Record
	for i := range chunk.Len() {
		chunk.Decode(i, &r)
		for _, f := range r.Fields {
			l.addColumn(f.Name)
		}
	}
	l.remap()
	if _, unknown := newMapping(&l.c, l.columns, l.opts.Map, l.opts.registers()); len(unknown) > 0 || l.mapsToNewField() {
		if err := l.survey(ctx); err != nil && l.whole() {
			return err
		}
	}
	return nil
}

// survey reads the whole file and gives the collection the fields it lacks.
func (l *loader) survey(ctx context.Context) error {
	dec, err := l.src.open()
	if err != nil {
		return err
	}
	defer dec.Close()
	s, ferr := survey(ctx, dec, max(len(l.workers)-1, 1), l.uidSources())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if ferr != nil {
		ferr = l.readError(ferr)
		if l.whole() {
			return ferr // before anything is changed
		}
	}
	l.surveyed = true
	if l.c.Name == "" {
		l.newCollection(s)
	}
	for _, col := range s.ordered() {
		l.addColumn(col.name)
	}
	if err := l.addFields(ctx, s); err != nil {
		return err
	}
	return ferr
}

// uidSources are the columns that may hold structure UIDs.
func (l *loader) uidSources() map[string]bool {
	if !l.opts.registers() {
		return nil
	}
	if source := l.opts.Map["uid"]; source != "" {
		return map[string]bool{source: true}
	}
	return map[string]bool{"uid": true, "UID": true, "Uid": true}
}

// newCollection describes a collection that nobody has described: internal, unless
// it is to be published.
func (l *loader) newCollection(s *shape) {
	l.c = catalog.Collection{Name: l.opts.Collection, Class: catalog.ClassInternal, Geometry: s.geometry(l.info.Geometry)}
	if l.opts.Public {
		l.c.Class = catalog.ClassPublic
	}
	l.sum.Created = true
	class := l.c.Class
	l.sum.Class = &class
	if s.ids || l.opts.ID != "" {
		l.addField(sourceIDField, catalog.TypeText)
	}
}

// addField adds a field: a standard one as it is described, any other restricted;
// all public when they are to be published.
func (l *loader) addField(name string, t catalog.FieldType) {
	f, standard := standardFields[name]
	if !standard || f.Type != t || !l.sum.Created {
		f = catalog.Field{Name: name, Type: t, Class: catalog.ClassRestricted}
	}
	if l.opts.Public {
		f.Class = catalog.ClassPublic
	}
	l.c.Fields = append(l.c.Fields, f)
	l.sum.FieldsAdded = append(l.sum.FieldsAdded, FieldReport{f.Name, f.Type, f.Class})
}

// addFields adds what the file has and the collection lacks, and defines it.
func (l *loader) addFields(ctx context.Context, s *shape) error {
	before := len(l.c.Fields)
	l.c.Fields = slices.Clip(l.c.Fields)
	targets := mapTargets(l.opts.Map)
	for _, names := range targets {
		sort.Strings(names)
	}
	for _, col := range s.ordered() {
		for _, field := range targets[col.name] {
			if _, ok := l.c.Field(field); !ok {
				l.addField(field, col.fieldType())
			}
		}
	}
	_, unknown := newMapping(&l.c, l.columns, l.opts.Map, l.opts.registers())
	for _, name := range unknown {
		if err := fieldName(name); err != nil {
			return &FileError{l.src.name, -1, err.Error()}
		}
		if _, ok := l.c.Field(name); !ok {
			l.addField(name, s.columns[name].fieldType())
		}
	}
	if s.badUID {
		l.addSourceUID()
	}
	if l.opts.DryRun || before == len(l.c.Fields) && !l.sum.Created {
		return nil
	}
	return l.define(ctx, l.c)
}

func fieldName(name string) error {
	if name == "" || len(name) > 200 {
		return fmt.Errorf("the file has a field whose name is %d bytes long; --map names it anew", len(name))
	}
	if strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("the file has a field with a zero byte in its name, %q", name)
	}
	return nil
}

func (l *loader) addSourceUID() {
	if _, ok := l.c.Field(sourceUIDField); !ok {
		l.addField(sourceUIDField, catalog.TypeText)
	}
}

func (l *loader) define(ctx context.Context, c catalog.Collection) error {
	c.Fields = slices.Clone(c.Fields)
	if _, err := l.store.Define(ctx, c); err != nil {
		return fmt.Errorf("define %s: %w", c.Name, err)
	}
	return nil
}

// adapt does a chunk again when it holds what the mapping did not know: columns
// that appear later in the file, or the first uid that is none.
func (l *loader) adapt(ctx context.Context, j *job) error {
	wantUID := false
	unknown := false
	for i := range j.items {
		it := &j.items[i]
		wantUID = wantUID || it.wantUID
		for _, name := range it.unknown {
			unknown = true
			l.addColumn(name)
		}
	}
	if !wantUID && !unknown {
		return nil
	}
	if unknown && len(l.remap()) > 0 && !l.surveyed {
		if err := l.survey(ctx); err != nil && ctx.Err() != nil {
			return err
		}
	}
	if wantUID && l.m.sourceUID < 0 {
		before := len(l.c.Fields)
		l.addSourceUID()
		if len(l.c.Fields) > before && !l.opts.DryRun {
			if err := l.define(ctx, l.c); err != nil {
				return err
			}
		}
	}
	if rest := l.remap(); len(rest) > 0 {
		return fmt.Errorf("the fields %v appear in %s only now: did it change while it was read?", rest, l.src.name)
	}
	l.mapping.Store(l.m)
	l.processJob(l.workers[len(l.workers)-1], j)
	return nil
}

// processJob runs in a worker.
func (l *loader) processJob(w *worker, j *job) {
	m := l.mapping.Load()
	j.m = m
	j.items = j.items[:0]
	for i := range j.chunk.Len() {
		j.items = append(j.items, w.process(j.chunk, i, m))
	}
}
