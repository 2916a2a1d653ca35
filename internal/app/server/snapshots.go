package server

import (
	"log/slog"
	"runtime/debug"

	"nagar/internal/app"
	"nagar/layers"
	"nagar/layers/snapfile"
)

// keepSnapshots lets the engine keep its index beside the store, or removes what
// an earlier start kept there.
func keepSnapshots(f *ServerFlags, location app.Location, log *slog.Logger, o *layers.Options) error {
	folder, err := location.Folder()
	if err != nil {
		return err
	}
	folder = app.SnapshotsIn(folder)
	if f.Snapshot == "off" {
		return snapfile.Remove(folder)
	}
	o.Snapshots = folder
	o.Tell = func(n layers.SnapshotNotice) {
		at := []any{"revision", n.Rev, "bytes", n.Bytes, "seconds", n.Took.Seconds()}
		switch {
		case n.Err != nil && n.Written:
			log.Warn("snapshot file is not written", "reason", n.Err)
		case n.Err != nil:
			log.Warn("snapshot file is not used; the index is read from the store", "reason", n.Err)
		case n.Written:
			debug.FreeOSMemory() // the arrays in the heap have given way to those in the file
			log.Info("snapshot file written", at...)
		default:
			log.Info("index taken from the snapshot file", at...)
		}
	}
	return nil
}
