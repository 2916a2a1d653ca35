package layers

import (
	"context"
	"errors"
	"slices"
	"testing"

	"nagar/catalog"
)

// TestScanAheadKeepsOrderAndErrors: every feature comes, once and in the order of
// the scan, whatever becomes of the scan then.
func TestScanAheadKeepsOrderAndErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, n := range []int{0, 1, aheadBatch, 20*aheadBatch + 7} {
		for _, end := range []error{nil, broken} {
			src := scanned{n: n, end: end}
			var got []catalog.Rev
			rev, err := scanAhead(context.Background(), src, catalog.Query{}, func(f *catalog.Feature) { got = append(got, f.Rev) })
			if !errors.Is(err, end) || rev != 7 || len(got) != n || !slices.IsSorted(got) {
				t.Errorf("%d features that end with %v: %d, revision %d, %v", n, end, len(got), rev, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	_, err := scanAhead(ctx, scanned{n: 1 << 30}, catalog.Query{}, func(*catalog.Feature) {
		if seen++; seen == 1000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// scanned is a source whose scan yields n features by one pointer.
type scanned struct {
	Source
	n   int
	end error
}

func (s scanned) Scan(_ context.Context, _ catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	var f catalog.Feature
	for i := range s.n {
		f.Rev = catalog.Rev(i)
		if err := fn(&f); err != nil {
			return 0, err
		}
	}
	return 7, s.end
}
