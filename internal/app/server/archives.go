package server

import (
	"context"
	"log/slog"

	"nagar/layers"
	"nagar/layers/archive"
)

// newArchives is the folder of archives, none of which may have a collection's
// name; without a directory it stays empty.
func newArchives(dir string, engine *layers.Engine) *archive.Folder {
	return archive.NewFolder(dir, func(name string) bool {
		_, ok := engine.Collection(name)
		return ok
	})
}

// followArchives serves what comes into the folder once the collections, whose
// names go first, are known.
func followArchives(ctx context.Context, f *archive.Folder, engine *layers.Engine, log *slog.Logger) error {
	select {
	case <-engine.Loaded():
	case <-ctx.Done():
		return ctx.Err()
	}
	return f.Run(ctx, func(n archive.Notice) {
		switch {
		case n.Dropped:
			log.Info("archive is no longer served", "file", n.File, "reason", n.Err)
		case n.Name == "":
			log.Error("archive is not served", "file", n.File, "reason", n.Err)
		default:
			log.Info("archive is served", "file", n.File, "name", n.Name)
		}
	})
}
