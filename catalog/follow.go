package catalog

import "context"

// Feed is what a follower needs of a store.
type Feed interface {
	Changes(ctx context.Context, since Rev, fn func(Commit) error) (Rev, error)
	Wait(ctx context.Context, since Rev) error
}

// Follow calls fn for every revision after since, in order, forever: it replays,
// then waits for more. It ends with ctx's error or the first other one.
func Follow(ctx context.Context, f Feed, since Rev, fn func(Commit) error) error {
	for {
		var err error
		if since, err = f.Changes(ctx, since, fn); err != nil {
			return err
		}
		if err := f.Wait(ctx, since); err != nil {
			return err
		}
	}
}
