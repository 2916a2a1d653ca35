//go:build peers

package benchpeers

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is what docs/benchmarks.md says.
type report struct {
	once, mixed, streets   []row
	crowd, beside, queries []row
	fresh                  []freshRow
	commands, ready        []command
	absent                 []string
}

type row struct {
	name string
	figures
}

// freshRow is how soon edits were seen on one kind of store.
type freshRow struct {
	name                 string
	edits, older, events int
	delays               []time.Duration // in order
	cpu                  float64         // seconds
	memory               int64
}

func (r *freshRow) line() string {
	at := func(q float64) float64 { return ms(r.delays[int(q*float64(len(r.delays)-1))]) }
	return fmt.Sprintf("| %s | %d | %d | %.0f | %.0f | %.0f | %d | %.1f | %d |\n", r.name, r.edits, r.events, at(0.5), at(0.95), at(0.99), r.older, r.cpu, r.memory>>20)
}

// command is a program that ran to its end, or until it was ready.
type command struct {
	what      string
	wall, cpu time.Duration
	memory    int64 // at most, bytes
}

func (r *report) text(c *town) string {
	var b strings.Builder
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(&b, `# Side by side

Written by `+"`make bench-peers`"+` on %s: %s, %d processors, %s. City: %s; %d distinct tiles of zooms 12 to 16; client, servers and database share the processors. Only ratios within one run count. CPU is user and system time of the server and, where it stands on one, the database, per request; it is steadier than requests per second, but grows when other work shares the caches. Load average at the end of the run: %s.

What is compared: the peers send every feature of a tile; `+"`generalize=none`"+` makes Nagar do the same. As designed, Nagar generalises below zoom 14. All have the same six attributes. The first table is the fair one: each server draws the very same tiles. In the timed ones all begin with the same tile, and a slow server comes less far in the list. All take gzip where they can.

A load average far above the number of processors means that other work ran beside all of them: then every figure of time is several times what a quiet machine gives, and only the ratios are of use.
`, time.Now().UTC().Format("2 January 2006, 15:04 UTC"), processor(), runtime.NumCPU(), runtime.Version(), c.source, len(c.distinct()), strings.Join(strings.Fields(string(load))[:3], ", "))
	if len(r.absent) > 0 {
		fmt.Fprintf(&b, "\nNot on this machine, and left out: %s.\n", strings.Join(r.absent, ", "))
	}
	table := func(title string, rows []row) {
		fmt.Fprintf(&b, "\n## %s\n\n| | requests | errors | per second | CPU ms | p50 ms | p99 ms | kB sent | memory MB |\n|---|---|---|---|---|---|---|---|---|\n", title)
		for _, x := range rows {
			fmt.Fprintf(&b, "| %s | %d | %d | %.4g | %.3g | %.3g | %.3g | %.4g | %d |\n", x.name, x.requests, x.errors, x.perSecond, x.cpu,
				ms(x.p50), ms(x.p99), x.bytes/1000, x.memory>>20)
		}
	}
	table("Each tile once, 4 clients", r.once)
	table("Tiles of zooms 12 to 16, 8 clients", r.mixed)
	table("Tiles of zooms 14 to 16, 8 clients", r.streets)
	table("Tiles of zooms 12 to 16, 64 clients", r.crowd)
	table("Tiles of zoom 16, one client, while four ask for zoom 12 (times are of the one, CPU is of all five)", r.beside)
	table("Queries, 8 clients", r.queries)
	fmt.Fprintf(&b, "\n## Freshness: edits over HTTP, %d a second at most, %d listeners to /api/live, %d of which fetch a tile that an event names\n\n"+
		"From the answer to the edit to the end of that tile.\n\n| store | edits | events | p50 ms | p95 ms | p99 ms | tiles older than their event | CPU seconds | memory MB |\n|---|---|---|---|---|---|---|---|---|\n", editsPerSecond, listeners, fetchers)
	for i := range r.fresh {
		b.WriteString(r.fresh[i].line())
	}
	fmt.Fprint(&b, "\n## Ready\n\n| | seconds until the first answer | memory MB then |\n|---|---|---|\n")
	for _, x := range r.ready {
		fmt.Fprintf(&b, "| %s | %.1f | %d |\n", x.what, x.wall.Seconds(), x.memory>>20)
	}
	fmt.Fprint(&b, "\n## Loading and exporting\n\n| | seconds | CPU seconds (without the database's) | most memory MB |\n|---|---|---|---|\n")
	for _, x := range r.commands {
		fmt.Fprintf(&b, "| %s | %.1f | %.1f | %d |\n", x.what, x.wall.Seconds(), x.cpu.Seconds(), x.memory>>20)
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// processor is its name, as the system tells.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
