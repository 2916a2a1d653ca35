package search

import (
	"context"
	"fmt"
	"strconv"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/whitespace"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search/query"

	"nagar/catalog"
	"nagar/city/spelling"
)

// Kinds of words in the full-text index; each has a field per classification.
const (
	nameWords  = "n" // of names
	sideWords  = "a" // of addresses, categories, ...
	soundWords = "s" // skeletons of the words of names
	startWords = "b" // beginnings of all words, of one and two letters
)

func indexField(kind string, class catalog.Class) string { return kind + strconv.Itoa(int(class)) }

// openIndex makes the full-text index in a folder of its own. It holds nothing
// that the catalogue does not, so it is written without waiting for the disk.
func openIndex(dir string) (bleve.Index, error) {
	m := bleve.NewIndexMapping()
	if err := m.AddCustomAnalyzer("words", map[string]any{"type": custom.Name, "tokenizer": whitespace.Name}); err != nil {
		return nil, fmt.Errorf("analyzer: %w", err)
	}
	field := mapping.NewTextFieldMapping()
	field.Analyzer = "words"
	field.Store, field.IncludeTermVectors, field.IncludeInAll, field.DocValues = false, false, false, false
	doc := mapping.NewDocumentStaticMapping()
	for class := catalog.ClassPublic; class <= catalog.ClassPersonal; class++ {
		for _, kind := range []string{nameWords, sideWords, soundWords, startWords} {
			doc.AddFieldMappingsAt(indexField(kind, class), field)
		}
	}
	m.DefaultMapping = doc
	m.DefaultAnalyzer = "words"
	index, err := bleve.NewUsing(dir, m, scorch.Name, scorch.Name, map[string]any{"unsafe_batch": true})
	if err != nil {
		return nil, fmt.Errorf("full-text index in %s: %w", dir, err)
	}
	return index, nil
}

// candidates returns the ids of documents that may answer the words, likeliest
// first: those that meet at least so many of them.
func candidates(ctx context.Context, index bleve.Index, words []string, least int, classes []catalog.Class, most int) ([]string, error) {
	var each []query.Query
	for _, w := range words {
		each = append(each, wordQuery(w, classes))
	}
	if least == len(words) {
		return run(ctx, index, bleve.NewConjunctionQuery(each...), most)
	}
	some := bleve.NewDisjunctionQuery(each...)
	some.SetMin(float64(least))
	return run(ctx, index, some, most)
}

func run(ctx context.Context, index bleve.Index, q query.Query, most int) ([]string, error) {
	res, err := index.SearchInContext(ctx, bleve.NewSearchRequestOptions(q, most, 0, false))
	if err != nil {
		return nil, fmt.Errorf("full-text search: %w", err)
	}
	out := make([]string, len(res.Hits))
	for i, h := range res.Hits {
		out[i] = h.ID
	}
	return out, nil
}

// wordQuery looks for one word: as it is, as a beginning, by its sound, with a slip.
func wordQuery(w string, classes []catalog.Class) query.Query {
	sound := spelling.Skeleton(w)
	var any []query.Query
	add := func(q query.FieldableQuery, kind string, class catalog.Class, boost float64) {
		q.SetField(indexField(kind, class))
		if b, ok := q.(query.BoostableQuery); ok {
			b.SetBoost(boost)
		}
		any = append(any, q)
	}
	for _, class := range classes {
		add(bleve.NewTermQuery(w), nameWords, class, 5)
		add(bleve.NewTermQuery(w), sideWords, class, 1.5)
		if beginning(w, 2) == w {
			add(bleve.NewTermQuery(w), startWords, class, 1)
			continue
		}
		add(bleve.NewPrefixQuery(w), nameWords, class, 3)
		add(bleve.NewPrefixQuery(w), sideWords, class, 0.7)
		if len(sound) > 2 {
			add(bleve.NewPrefixQuery(sound), soundWords, class, 1)
		} else if sound != "" {
			add(bleve.NewTermQuery(sound), soundWords, class, 1)
		}
		if n := spelling.Forgiven(w); n > 0 {
			q := bleve.NewFuzzyQuery(w)
			q.SetFuzziness(n)
			q.SetPrefix(1)
			add(q, nameWords, class, 1)
		}
	}
	return bleve.NewDisjunctionQuery(any...)
}
