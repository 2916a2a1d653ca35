package app

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Bounds of what log lines wait for: as long, and as many bytes.
const (
	logDelay = 100 * time.Millisecond
	logRoom  = 32 << 10
)

// NewLogger returns the commands' logger: structured lines on w. Lines below a
// warning may wait for logDelay and go out together, since a system call for each
// would be a tenth of what a small answer costs; a warning or an error goes out at
// once, after the lines before it. flush sends what waits.
func NewLogger(w io.Writer, format string) (log *slog.Logger, flush func()) {
	lines := &logLines{out: w}
	var h slog.Handler = slog.NewTextHandler(lines, nil)
	if format == "json" {
		h = slog.NewJSONHandler(lines, nil)
	}
	return slog.New(&logHandler{h, lines}), lines.flush
}

// logHandler sends warnings and errors on at once.
type logHandler struct {
	slog.Handler
	lines *logLines
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.lines.flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.Handler.WithGroup(name), h.lines}
}

// logLines gathers lines; it is safe for concurrent use.
type logLines struct {
	mu    sync.Mutex
	out   io.Writer
	wait  []byte
	timer *time.Timer
	set   bool // the timer runs
}

// Write takes whole lines.
func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait = append(l.wait, line...)
	switch {
	case len(l.wait) >= logRoom:
		l.send()
	case l.timer == nil:
		l.timer, l.set = time.AfterFunc(logDelay, l.flush), true
	case !l.set:
		l.timer.Reset(logDelay)
		l.set = true
	}
	return len(line), nil
}

func (l *logLines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set = false
	l.send()
}

// send writes what waits; an error of a log's writer has nowhere to go.
func (l *logLines) send() {
	if len(l.wait) > 0 {
		_, _ = l.out.Write(l.wait)
		l.wait = l.wait[:0]
	}
}
