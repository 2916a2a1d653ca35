package importer

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"nagar/internal/ingest"
)

// progress shows how far a load, the demo or a pyramid has come: a bar on a terminal, a line every few
// seconds elsewhere.
type progress struct {
	w        io.Writer
	what     string // is counted
	terminal bool
	last     time.Time
	drawn    bool
}

func newProgress(w io.Writer, what string) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, what: what, terminal: ok && term.IsTerminal(int(f.Fd())), last: time.Now()}
}

func (p *progress) show(now ingest.Progress) {
	every := 3 * time.Second
	if p.terminal {
		every = 100 * time.Millisecond
	}
	if time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	if !p.terminal {
		if now.Total > 0 {
			fmt.Fprintf(p.w, "importer: %d %s, %d %%\n", now.Read, p.what, 100*now.Bytes/now.Total)
		} else {
			fmt.Fprintf(p.w, "importer: %d %s\n", now.Read, p.what)
		}
		return
	}
	const width = 40
	bar := ""
	if now.Total > 0 {
		full := int(min(width*now.Bytes/now.Total, width))
		bar = "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "] "
	}
	fmt.Fprintf(p.w, "\r%s%d %s", bar, now.Read, p.what)
	p.drawn = true
}

// done leaves the bar's line.
func (p *progress) done() {
	if p.drawn {
		fmt.Fprintln(p.w)
	}
}
