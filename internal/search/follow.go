package search

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"
)

// batchSize is how many documents are written at a time: enough to be quick, few
// enough to be held.
const batchSize = 2000

// read takes in a whole collection.
func (x *Index) read(ctx context.Context, c *catalog.Collection) error {
	x.know(c)
	if !named(c) {
		return nil
	}
	dirty := map[string]bool{}
	names := nameFields(c)
	_, err := x.src.Scan(ctx, catalog.Query{Collection: c.Name}, func(f *catalog.Feature) error {
		x.mu.Lock()
		if _, known := x.where[c.Name+"/"+f.ID]; !known && !hasAny(f, names) { // most of a city has no name
			x.mu.Unlock()
			return nil
		}
		x.put(c, f, dirty)
		x.mu.Unlock()
		if len(dirty) < batchSize {
			return nil
		}
		return x.write(dirty)
	})
	if err != nil {
		return err
	}
	return x.write(dirty)
}

// know notes how a collection is described.
func (x *Index) know(c *catalog.Collection) {
	x.mu.Lock()
	x.collections[c.Name] = *c
	x.mu.Unlock()
}

// hasAny reports whether a feature has a value in one of the fields.
func hasAny(f *catalog.Feature, fields []string) bool {
	return slices.ContainsFunc(fields, func(n string) bool { return !f.Props.Get(n).IsNull() })
}

// commit takes in one revision.
func (x *Index) commit(ctx context.Context, c catalog.Commit) error {
	dirty := map[string]bool{}
	for i := range c.Changes {
		ch := &c.Changes[i]
		if ch.Kind == catalog.Defined {
			if err := x.defined(ctx, ch.Collection); err != nil {
				return err
			}
			continue
		}
		x.mu.Lock()
		if col, ok := x.collections[ch.Collection]; ok && named(&col) {
			if ch.New != nil {
				x.put(&col, ch.New, dirty)
			} else {
				x.remove(ch.Collection+"/"+ch.ID, dirty)
			}
		}
		x.mu.Unlock()
	}
	return x.write(dirty)
}

// defined reads a collection's description again. Where words may now belong
// under another classification, or fields are new, its features are read again.
func (x *Index) defined(ctx context.Context, name string) error {
	list, err := x.src.Collections(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(c catalog.Collection) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	x.mu.RLock()
	old, known := x.collections[name]
	x.mu.RUnlock()
	if known && sameSearch(&old, &list[i]) {
		x.mu.Lock()
		x.collections[name] = list[i]
		x.mu.Unlock()
		return nil
	}
	return x.read(ctx, &list[i])
}

// sameSearch reports whether both descriptions give the same documents.
func sameSearch(a, b *catalog.Collection) bool {
	if a.Class != b.Class {
		return false
	}
	searched := func(c *catalog.Collection) (out []catalog.Field) {
		for _, f := range c.Fields {
			if roleOf(&f) != noRole {
				out = append(out, catalog.Field{Name: f.Name, Type: f.Type, Class: f.Class})
			}
		}
		return out
	}
	return slices.EqualFunc(searched(a), searched(b), func(f, g catalog.Field) bool {
		return f.Name == g.Name && f.Type == g.Type && f.Class == g.Class
	})
}

// put takes in one feature as it is now; the caller holds the lock. The documents
// to be written again go into dirty.
func (x *Index) put(c *catalog.Collection, f *catalog.Feature, dirty map[string]bool) {
	key := c.Name + "/" + f.ID
	x.remove(key, dirty)
	m, group, ok := memberOf(c, f)
	if !ok {
		return
	}
	doc := key
	if group != "" {
		doc = c.Name + "//" + group
	}
	p := x.places[doc]
	if p == nil {
		if len(x.places) >= x.opts.MaxPlaces {
			x.left.Add(1)
			return
		}
		p = &place{collection: c.Name}
		x.places[doc] = p
	}
	i, _ := slices.BinarySearchFunc(p.members, m.id, func(m member, id string) int { return strings.Compare(m.id, id) })
	if i == 0 { // another one stands for all: its side words may differ
		dirty[doc] = true
	}
	p.members = slices.Insert(p.members, i, m)
	x.where[key] = doc
}

// remove forgets one feature; the caller holds the lock.
func (x *Index) remove(key string, dirty map[string]bool) {
	doc, ok := x.where[key]
	if !ok {
		return
	}
	delete(x.where, key)
	p := x.places[doc]
	id := key[len(p.collection)+1:]
	i := slices.IndexFunc(p.members, func(m member) bool { return m.id == id })
	if i < 0 {
		return
	}
	p.members = slices.Delete(p.members, i, i+1)
	if len(p.members) == 0 {
		delete(x.places, doc)
	}
	if i == 0 {
		dirty[doc] = true
	}
}

// write brings the full-text index up to the dirty documents and clears them.
func (x *Index) write(dirty map[string]bool) error {
	if len(dirty) == 0 {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	batch := x.index.NewBatch()
	for doc := range dirty {
		p := x.places[doc]
		if p == nil {
			batch.Delete(doc)
			continue
		}
		c := x.collections[p.collection]
		if err := batch.Index(doc, p.document(&c)); err != nil {
			return fmt.Errorf("index %s: %w", doc, err)
		}
	}
	clear(dirty)
	if err := x.index.Batch(batch); err != nil {
		return fmt.Errorf("write the full-text index: %w", err)
	}
	return nil
}
