package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Folder keeps the archives of a directory open: name.pmtiles under name. Files
// that come are picked up, those that go are dropped, those that are replaced are
// swapped. It is safe for concurrent use.
type Folder struct {
	dir   string
	taken func(name string) bool // names that are somebody else's; nil: none

	mu   sync.RWMutex
	open map[string]*Archive

	files map[string]*watched // by file name; Run's own
}

// watched is a file of the directory as it was last seen.
type watched struct {
	info    os.FileInfo
	settled bool // it has been opened or refused as it is
}

// Notice tells what became of a file.
type Notice struct {
	File    string
	Name    string // it is served under; "" when it is not
	Dropped bool   // it is not served any more
	Err     error  // why it is not served
}

// NewFolder returns the folder of a directory, empty until Run. A name that taken
// reports is not served.
func NewFolder(dir string, taken func(name string) bool) *Folder {
	return &Folder{dir: dir, taken: taken, open: map[string]*Archive{}, files: map[string]*watched{}}
}

// lookEvery is how long a change of the directory may go unseen; a file that grows
// is opened once it has stayed the same for so long.
const lookEvery = time.Second

// Run watches the directory until ctx ends, whose error it returns, and calls
// report for what it finds. A directory that cannot be read at first is an error.
func (f *Folder) Run(ctx context.Context, report func(Notice)) error {
	if err := f.look(true, report); err != nil {
		return err
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	silent := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		err := f.look(false, report)
		if err != nil && !silent { // what is open stays
			report(Notice{File: f.dir, Err: err})
		}
		silent = err != nil
	}
}

// Archive returns the archive of that name, as long as it is served.
func (f *Folder) Archive(name string) (*Archive, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	a, ok := f.open[name]
	return a, ok
}

// Close closes all archives; Run has ended.
func (f *Folder) Close() error {
	var errs []error
	for name := range f.open {
		errs = append(errs, f.put(name, nil))
	}
	return errors.Join(errs...)
}

const extension = ".pmtiles"

// archiveName is what an archive may be called: addresses have it, and a comma
// separates collections there.
var archiveName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// look compares the directory with what is open.
func (f *Folder) look(first bool, report func(Notice)) error {
	list, err := os.ReadDir(f.dir)
	if err != nil {
		return fmt.Errorf("archives: %w", err)
	}
	var here []string
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), extension) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(f.dir, e.Name())) // what a link points to
		if err != nil {
			continue // it has just gone, or points nowhere
		}
		here = append(here, e.Name())
		f.check(e.Name(), info, first, report)
	}
	for file := range f.files {
		if !slices.Contains(here, file) {
			delete(f.files, file)
			f.drop(file, nil, report)
		}
	}
	return nil
}

// check opens, swaps or drops one file as it is now.
func (f *Folder) check(file string, info os.FileInfo, first bool, report func(Notice)) {
	name := strings.TrimSuffix(file, extension)
	w := f.files[file]
	switch {
	case w == nil && !first:
		f.files[file] = &watched{info: info} // it may still be growing
		return
	case w == nil:
		w = &watched{}
		f.files[file] = w
	case !os.SameFile(w.info, info): // another file was moved here, whole
	case w.info.Size() != info.Size() || !w.info.ModTime().Equal(info.ModTime()):
		w.info, w.settled = info, false // somebody writes into it
		f.drop(file, errors.New("it is being written to"), report)
		return
	case w.settled:
		if _, ok := f.Archive(name); ok && f.isTaken(name) {
			f.drop(file, errTaken, report)
		}
		return
	}
	w.info, w.settled = info, true
	a, err := f.openFile(file, name)
	if err != nil {
		if _, ok := f.Archive(name); ok {
			f.drop(file, err, report)
			return
		}
		report(Notice{File: file, Err: err})
		return
	}
	report(Notice{File: file, Name: name, Err: f.put(name, a)})
}

var errTaken = errors.New("a collection has this name")

func (f *Folder) isTaken(name string) bool { return f.taken != nil && f.taken(name) }

func (f *Folder) openFile(file, name string) (*Archive, error) {
	if !archiveName.MatchString(name) {
		return nil, errors.New("its name cannot stand in an address: want letters, digits, _ and -, 64 at most")
	}
	if f.isTaken(name) {
		return nil, errTaken
	}
	return Open(filepath.Join(f.dir, file))
}

// drop ends the serving of a file, if it is served.
func (f *Folder) drop(file string, why error, report func(Notice)) {
	name := strings.TrimSuffix(file, extension)
	if _, ok := f.Archive(name); ok {
		report(Notice{File: file, Dropped: true, Err: errors.Join(why, f.put(name, nil))})
	}
}

// put serves an archive under the name, nil for none, and closes the one before.
func (f *Folder) put(name string, a *Archive) error {
	f.mu.Lock()
	old := f.open[name]
	if a == nil {
		delete(f.open, name)
	} else {
		f.open[name] = a
	}
	f.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.Close()
}
